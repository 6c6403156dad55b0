"""Where a variable's value is read and written: the one place that knows where values are kept."""

from __future__ import annotations

from chainrule import ArgumentError, Tensor, Variable, no_grad


def read(variable: Variable) -> Tensor:
    """The value now, without history.

    Raises:
        ArgumentError: a graph is being built, where a variable stands for all the values that it will have.
    """
    with no_grad():
        value = variable.read()
    if value.backend is not variable.backend:
        raise ArgumentError(
            f"variable {variable.name!r} has no value while a graph or compiled function is being built; save and load "
            "outside of it"
        )
    return value


def write(variable: Variable, value: Tensor) -> None:
    """Give it a value of its own shape, dtype and backend."""
    variable.assign(value)
