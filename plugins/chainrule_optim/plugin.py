"""How chainrule learns of this package."""

from chainrule import hookimpl


@hookimpl
def chainrule_namespaces() -> dict[str, str]:
    """Public namespaces: name -> module imported at first use."""
    return {"optim": "chainrule_optim"}
