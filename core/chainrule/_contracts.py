"""Contracts of gradient definitions: the derivative, an approximation of it, or something else on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule._errors import ArgumentError, GradientDefinitionError


@dataclass(frozen=True)
class Contract:
    """A promise, made for a gradient by calling it on that: a function or a tuple of functions.

    `exact`: the derivative of what the operation computes. `approximate(rtol)`: close to it. `surrogate`: something
    else, on purpose, such as a straight-through estimator. `cr.check_gradient` holds gradients to it and
    `cr.explain_gradients` shows it. An operation's own definition is exact unless it says otherwise; an override or
    custom gradient that says nothing is shown as undeclared and held to `exact`.

    Attributes:
        kind: `"exact"`, `"approximate"`, `"surrogate"` or `"undeclared"`.
        tolerance: how far an approximation may be off, relative to the derivative.

    >>> import chainrule as cr
    >>> @cr.surrogate
    ... def straight_through(g, _y, _x):
    ...     return g
    >>> with cr.GradientTape() as tape, cr.override_gradients({"sign": straight_through}):
    ...     x = tape.watch(cr.tensor(0.5))
    ...     y = cr.sign(x)
    >>> cr.explain_gradients(y, x).steps[0].contract
    'surrogate'
    """

    kind: str
    tolerance: float = 0.0

    def __call__(self, gradient: Any) -> Declared:
        bare = undeclared(gradient)[0]
        if hasattr(bare, "op") or not (callable(bare) or isinstance(bare, tuple)):
            raise GradientDefinitionError(
                f"contract {self}: expected a gradient (a function or a tuple of functions), got {bare!r:.80}"
                + ("; put the contract under the decorator that makes an operation" if hasattr(bare, "op") else "")
            )
        return Declared(bare, self)

    def __str__(self) -> str:
        return f"{self.kind}({self.tolerance:g})" if self.kind == "approximate" else self.kind


@dataclass(frozen=True)
class Declared:
    """A gradient with its contract. It goes wherever a gradient goes, and a function can still be called."""

    gradient: Any
    contract: Contract

    @property
    def __wrapped__(self) -> Any:
        """The gradient itself, for signatures."""
        return self.gradient

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.gradient(*args, **kwargs)


exact = Contract("exact")
surrogate = Contract("surrogate")
UNDECLARED = Contract("undeclared")


def approximate(rtol: float) -> Contract:
    """The contract of a gradient that is close to the derivative: off by at most `rtol`, relative to it.

    Raises:
        ArgumentError: `rtol` is no positive number.

    >>> import chainrule as cr
    >>> @cr.approximate(1e-3)
    ... def coarse(g, _y, x):
    ...     return g * (cr.sin(x + 1e-3) - cr.sin(x)) / 1e-3
    >>> with cr.override_gradients({"sin": coarse}):
    ...     float(cr.grad(cr.sin)(0.5))
    0.87734...
    """
    if type(rtol) not in (int, float) or not 0 < rtol < float("inf"):
        raise ArgumentError(f"approximate: rtol is a positive number, got {rtol!r}")
    return Contract("approximate", float(rtol))


def undeclared(gradient: Any) -> tuple[Any, Contract | None]:
    """A gradient without its contract, and the contract, if it has one. Of a tuple's functions the loosest one's."""
    if isinstance(gradient, Declared):
        return undeclared(gradient.gradient)[0], gradient.contract
    if isinstance(gradient, tuple) and any(isinstance(part, Declared) for part in gradient):
        parts = [undeclared(part) for part in gradient]
        return tuple(part for part, _ in parts), max((contract for _, contract in parts), key=_looseness)
    return gradient, None


def _looseness(contract: Contract | None) -> tuple[int, float]:
    if contract is None:
        return 1, 0.0
    return ("exact", "undeclared", "approximate", "surrogate").index(contract.kind), contract.tolerance
