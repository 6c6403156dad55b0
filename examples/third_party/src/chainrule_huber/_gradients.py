"""Other gradients for operations of chainrule's: functions `f(g, y, *inputs, **attributes)` that give cotangents.

Neither is the derivative, and both say so: `surrogate`.
"""

from __future__ import annotations

from typing import Any

from chainrule import ops, surrogate


@surrogate
def pass_through(g: Any, _y: Any, _x: Any, **_attributes: Any) -> Any:
    """As if the operation were the identity, whatever attributes it has (`round` has `decimals`)."""
    return g


@surrogate
def huber_abs(g: Any, _y: Any, x: Any) -> Any:
    """For `abs`: the slope of Huber's loss in place of the sign, so that it does not jump at 0."""
    return g * ops.clip(x, -1.0, 1.0)
