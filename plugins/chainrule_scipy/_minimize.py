"""`minimize`: `scipy.optimize.minimize` over any pytree, with exact gradients and Hessians."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.optimize
from scipy.optimize import OptimizeResult

from chainrule import ArgumentError, no_grad
from chainrule_scipy._bounds import as_bounds
from chainrule_scipy._constraints import as_constraints
from chainrule_scipy._methods import Method, find_method, refuse
from chainrule_scipy._objective import Objective
from chainrule_scipy._packing import Packing

_WHAT = "cr.scipy.minimize"


def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: str | Callable[..., Any] | None = None,
    jac: Callable[..., Any] | str = "auto",
    hess: Any = "auto",
    hessp: Callable[..., Any] | None = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Callable[..., Any] | None = None,
    options: Mapping[str, Any] | None = None,
    overrides: Mapping[Any, Any] | None = None,
) -> OptimizeResult:
    """Minimize a function of a pytree of arrays with one of SciPy's methods, by exact derivatives.

    Args:
        fun: `fun(x, *args)` gives a number; it may be written with `cr.*` or `np.*`. Where it is differentiated, the
            leaves of `x` are tensors; else they are what `x0` has.
        x0: where to start: floating-point arrays, tensors or numbers in any pytree. Leaves keep their dtypes: SciPy's
            side is one float64 vector, from which float32 leaves are rounded before `fun` sees them.
        args: a tuple of further arguments.
        method: one of SciPy's names, a minimizer of your own as SciPy takes it, or None for SciPy's choice. It gets
            the derivatives that it makes use of.
        jac: a gradient of your own, `jac(x, *args)` to a tree like `x0`, checked once at `x0`. `"auto"` for ours.
        hess: the Hessian: `"auto"` for exact Hessian-vector products, or the exact matrix where a method needs that;
            `"exact"` for the matrix anyway; `hess(x, *args)` to a matrix over the vector of all leaves; anything else
            (`"2-point"`, `scipy.optimize.BFGS()`, None) goes to SciPy as it is.
        hessp: `hessp(x, v, *args)`, the Hessian times the tree `v` as a tree.
        bounds: SciPy's, for an `x0` that is one array (a pair for each element, or `Bounds`); else a tree like `x0`
            with a pair `(low, high)` for each leaf, of numbers, arrays of its shape, or None for no bound.
        constraints: SciPy's dictionaries and `NonlinearConstraint`s, their functions taking the tree and being
            differentiated exactly unless they bring `jac`; `LinearConstraint`s of the vector of all leaves.
        tol, options: as SciPy takes them.
        callback: as SciPy takes it, with trees for vectors.
        overrides: gradient-time overrides; see `cr.gradients`.

    Returns:
        SciPy's result. `x` and the gradient (`jac`, for `trust-constr` `grad`) are trees like `x0`; `x_flat` is the
        vector, leaves in the tree's order, which Hessians and inverse Hessians in the result refer to. It is a
        constant: gradients around the call do not pass through it.

    Raises:
        ArgumentError: an unknown method, or an argument that the method makes no use of.
        DTypeError, ShapeError, NumericsError: a leaf of `x0` or a gradient of yours that cannot be used.

    >>> import chainrule as cr, numpy as np
    >>> def rosenbrock(x):
    ...     return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)
    >>> cr.scipy.minimize(rosenbrock, np.array([-1.2, 1.0, 0.5]), method="trust-ncg", tol=1e-10).x.round(6)
    array([1., 1., 1.])
    """
    takes = find_method(_WHAT, method)
    args = args if isinstance(args, tuple) else (args,)
    with no_grad():
        packing = Packing(_WHAT, "x0", x0)
        objective = Objective(packing, fun, args, overrides)
        asked = _gradient(objective, takes, method, jac)
        asked |= _second_derivatives(objective, takes, method, hess, hessp)
        if bounds is not None:
            if not takes.bounds:
                refuse(_WHAT, method, "bounds", "bounds")
            asked["bounds"] = as_bounds(packing, bounds)
        if constraints is not None and constraints != () and constraints != []:
            if not takes.constraints:
                refuse(_WHAT, method, "constraints", "constraints")
            asked["constraints"] = as_constraints(packing, constraints, takes.gradient)
        result = scipy.optimize.minimize(
            objective.value_and_gradient if asked["jac"] is True else objective.value,
            packing.start,
            method=method,
            tol=tol,
            callback=_callback(packing, callback),
            options=None if options is None else dict(options),
            **asked,
        )
    return _result(packing, result)


def _gradient(objective: Objective, takes: Method, method: Any, jac: Any) -> dict[str, Any]:
    """SciPy's `jac`: True for a function that gives the gradient with the value."""
    if isinstance(jac, str) and jac == "auto":
        return {"jac": True if takes.gradient else None}
    if not callable(jac):
        raise ArgumentError(f"{_WHAT}: jac: expected 'auto' or a function of x to the gradient, got {jac!r:.60}")
    if not takes.gradient:
        refuse(_WHAT, method, "jac", "gradient")
    return {"jac": objective.own_gradient(jac)}


def _second_derivatives(objective: Objective, takes: Method, method: Any, hess: Any, hessp: Any) -> dict[str, Any]:
    """SciPy's `hess` or `hessp`."""
    by_us = isinstance(hess, str) and hess in ("auto", "exact")
    if hessp is not None:
        if hess is not None and not (by_us and hess == "auto"):
            raise ArgumentError(f"{_WHAT}: give hess= or hessp=, not both")
        if not callable(hessp):
            raise ArgumentError(f"{_WHAT}: hessp: expected a function of x and v, got {hessp!r:.60}")
        if not takes.product:
            refuse(_WHAT, method, "hessp", "product")
        return {"hessp": objective.own_product(hessp)}
    if hess is None or (by_us and hess == "auto" and not takes.hessian):
        return {}
    if not takes.hessian:
        refuse(_WHAT, method, "hess", "hessian")
    if by_us:
        return {"hessp": objective.product} if hess == "auto" and takes.product else {"hess": objective.matrix}
    return {"hess": objective.own_matrix(hess) if callable(hess) else hess}


def _callback(packing: Packing, callback: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """A callback of trees; SciPy tells its two kinds apart by the name of the parameter."""
    if callback is None:
        return None
    if set(inspect.signature(callback).parameters) == {"intermediate_result"}:

        def with_result(intermediate_result: Any) -> Any:
            return callback(intermediate_result=_result(packing, OptimizeResult(intermediate_result)))

        return with_result
    return lambda x, *rest: callback(packing.unpack(x), *rest)


def _result(packing: Packing, result: OptimizeResult) -> OptimizeResult:
    """SciPy's result with trees in it."""
    result["x_flat"] = np.array(result["x"], np.float64)
    result["x"] = packing.unpack(result["x_flat"])
    for key in ("jac", "grad"):
        vector = result.get(key)
        if isinstance(vector, np.ndarray) and vector.shape == (packing.size,):
            result[key] = packing.unpack(vector)
    return result
