"""Constraints on a tree as SciPy's constraints on the vector, differentiated exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optree
from scipy.optimize import LinearConstraint, NonlinearConstraint

import chainrule as cr
from chainrule import ArgumentError, DTypeError
from chainrule_scipy._packing import Matrix, Packing, Vector, as_array

_KEYS = {"type", "fun", "jac", "args"}


def as_constraints(packing: Packing, constraints: Any, gradient: bool) -> list[Any]:
    """Constraints on the vector.

    Args:
        packing: the structure of `x0`.
        constraints: one of SciPy's constraints, or a sequence of them, whose functions take the tree.
        gradient: whether the method uses their derivatives.

    Raises:
        DTypeError, ArgumentError: one that is none of SciPy's.
    """
    listed = constraints if isinstance(constraints, tuple | list) else [constraints]
    return [_one(packing, f"constraints[{i}]", constraint, gradient) for i, constraint in enumerate(listed)]


def _one(packing: Packing, where: str, constraint: Any, gradient: bool) -> Any:
    if isinstance(constraint, LinearConstraint):
        return constraint
    if isinstance(constraint, NonlinearConstraint):
        return _nonlinear(packing, where, constraint)
    if not isinstance(constraint, Mapping):
        raise DTypeError(
            f"{packing.what}: {where}: expected a dictionary, NonlinearConstraint or LinearConstraint, got "
            f"{type(constraint).__name__}"
        )
    if not {"type", "fun"} <= constraint.keys() <= _KEYS or not callable(constraint["fun"]):
        raise ArgumentError(
            f"{packing.what}: {where}: expected keys 'type' ('eq' or 'ineq'), 'fun' (a function) and perhaps 'jac' and "
            f"'args', got {dict(constraint)!r:.80}"
        )
    fun, args = constraint["fun"], tuple(constraint.get("args", ()))
    translated = {"type": constraint["type"], "fun": _values(packing, where, fun, args)}
    if gradient:
        translated["jac"] = _jacobian(packing, where, fun, constraint.get("jac"), args)
    return translated


def _nonlinear(packing: Packing, where: str, constraint: Any) -> Any:
    hess = constraint.hess
    if callable(hess):
        theirs = hess
        hess = lambda vector, v: as_array(packing.what, where, theirs(packing.unpack(vector), v))  # noqa: E731  # one line
    return NonlinearConstraint(
        _values(packing, where, constraint.fun, ()),
        constraint.lb,
        constraint.ub,
        jac=_jacobian(packing, where, constraint.fun, constraint.jac, ()),
        hess=hess,
        keep_feasible=constraint.keep_feasible,
    )


def _values(packing: Packing, where: str, fun: Callable[..., Any], args: tuple[Any, ...]) -> Callable[[Vector], Vector]:
    return lambda vector: as_array(packing.what, where, fun(packing.unpack(vector), *args)).ravel()


def _jacobian(
    packing: Packing, where: str, fun: Callable[..., Any], jac: Any, args: tuple[Any, ...]
) -> Callable[[Vector], Matrix]:
    """The Jacobian over the vector: somebody's own, a matrix already, or the exact one."""
    if callable(jac):
        return lambda vector: as_array(packing.what, where, jac(packing.unpack(vector), *args))
    exact = cr.jacobian(lambda x: cr.ravel(cr.asarray(fun(x, *args))))

    def matrix(vector: Vector) -> Matrix:
        blocks = [as_array(packing.what, where, block) for block in optree.tree_leaves(exact(packing.unpack(vector)))]
        return np.hstack([block.reshape(block.shape[0], n) for block, n in zip(blocks, packing.sizes, strict=True)])

    return matrix
