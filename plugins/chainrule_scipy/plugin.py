"""How chainrule learns of this package. Loaded with every plugin, so it imports nothing heavy."""

from chainrule import hookimpl


@hookimpl
def chainrule_namespaces() -> dict[str, str]:
    """Public namespaces: name -> module imported at first use."""
    return {"scipy": "chainrule_scipy"}
