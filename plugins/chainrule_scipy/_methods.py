"""What each of SciPy's minimizers makes use of, so that it gets that and nothing it would warn of."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from chainrule import ArgumentError, DTypeError


@dataclass(frozen=True)
class Method:
    """What a minimizer takes.

    Attributes:
        gradient: whether it uses gradients.
        product: whether it uses Hessian-vector products.
        hessian: whether it uses Hessians.
        bounds: whether it keeps bounds.
        constraints: whether it keeps constraints.
    """

    gradient: bool = True
    product: bool = False
    hessian: bool = False
    bounds: bool = False
    constraints: bool = False


METHODS: Final = {
    "Nelder-Mead": Method(gradient=False, bounds=True),
    "Powell": Method(gradient=False, bounds=True),
    "CG": Method(),
    "BFGS": Method(),
    "Newton-CG": Method(product=True, hessian=True),
    "L-BFGS-B": Method(bounds=True),
    "TNC": Method(bounds=True),
    "COBYLA": Method(gradient=False, bounds=True, constraints=True),
    "COBYQA": Method(gradient=False, bounds=True, constraints=True),
    "SLSQP": Method(bounds=True, constraints=True),
    "trust-constr": Method(product=True, hessian=True, bounds=True, constraints=True),
    "dogleg": Method(hessian=True),
    "trust-ncg": Method(product=True, hessian=True),
    "trust-exact": Method(hessian=True),
    "trust-krylov": Method(product=True, hessian=True),
}
_BY_LOWER: Final = {name.lower(): name for name in METHODS}
# SciPy chooses among BFGS, L-BFGS-B and SLSQP by what is asked; a minimizer of your own is offered everything.
_CHOSEN_BY_SCIPY: Final = Method(bounds=True, constraints=True)
_YOUR_OWN: Final = Method(product=True, hessian=True, bounds=True, constraints=True)


def find_method(what: str, method: str | Callable[..., Any] | None) -> Method:
    """What a minimizer takes, by its name in any case.

    Raises:
        ArgumentError: there is none of this name.
        DTypeError: it is no name.
    """
    if method is None:
        return _CHOSEN_BY_SCIPY
    if callable(method):
        return _YOUR_OWN
    if type(method) is not str:
        raise DTypeError(f"{what}: method: expected a name, a function or None, got {type(method).__name__}")
    name = _BY_LOWER.get(method.lower())
    if name is None:
        near = difflib.get_close_matches(method.lower(), _BY_LOWER, 1)
        hint = f"did you mean {_BY_LOWER[near[0]]!r}? " if near else ""
        raise ArgumentError(f"{what}: unknown method {method!r}; {hint}there are {', '.join(METHODS)}")
    return METHODS[name]


def refuse(what: str, method: Any, argument: str, use: str) -> None:
    """Say that a method makes no use of an argument, and which ones do.

    Raises:
        ArgumentError: always.
    """
    able = ", ".join(name for name, candidate in METHODS.items() if getattr(candidate, use))
    raise ArgumentError(f"{what}: method {method!r} makes no use of {argument}=; these do: {able}")
