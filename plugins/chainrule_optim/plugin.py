"""How chainrule learns of this package."""

from collections.abc import Callable, Mapping
from typing import Any

from chainrule import hookimpl


@hookimpl
def chainrule_namespaces() -> dict[str, str]:
    """Public namespaces: name -> module imported at first use."""
    return {"optim": "chainrule_optim"}


@hookimpl
def chainrule_functions() -> Mapping[str, Callable[..., Any]]:
    """`cr.checked`: it is about gradients as much as about optimizers."""
    from chainrule_optim._checked import checked

    return {"checked": checked}
