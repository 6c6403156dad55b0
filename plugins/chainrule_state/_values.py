"""Where a variable's value is read and written: the one place that knows where values are kept."""

from __future__ import annotations

from chainrule import Tensor, Variable, no_grad


def read(variable: Variable) -> Tensor:
    """The value now, without history."""
    with no_grad():
        return variable.read()


def write(variable: Variable, value: Tensor) -> None:
    """Give it a value of its own shape, dtype and backend."""
    variable.assign(value)
