"""Every registered operation and function by its name, for gradient definitions to be written in.

>>> from chainrule import ops
>>> ops.add(1.0, 2.0)
Tensor(3.0, float64)
"""

from typing import Any

from chainrule import _registry
from chainrule._errors import UnknownNameError


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    from chainrule._plugins import load_plugins, why_no_op

    load_plugins()
    function = _registry.ops.find(name) or _registry.functions.find(name)
    if function is None:
        raise UnknownNameError(f"chainrule.ops.{name}: {why_no_op(name)}")
    globals()[name] = function
    return function
