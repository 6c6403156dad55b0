"""How chainrule learns of this package."""

from collections.abc import Mapping

from chainrule import hookimpl


@hookimpl
def chainrule_namespaces() -> dict[str, str]:
    """Public namespaces: name -> module imported at first use."""
    return {"optim": "chainrule_optim"}


@hookimpl
def chainrule_functions() -> Mapping[str, str]:
    """`cr.checked`: it is about gradients as much as about optimizers."""
    return {"checked": "chainrule_optim:checked"}
