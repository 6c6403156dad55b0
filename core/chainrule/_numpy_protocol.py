"""What NumPy's functions do on tensors: `np.sin(t)` is `cr.sin(t)`, as far as NumPy dispatches.

NumPy hands its own functions over by name, so nothing of NumPy is imported here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule._errors import DTypeError, MissingKernelError

_UFUNC_METHODS = {
    ("add", "reduce"): "sum",
    ("multiply", "reduce"): "prod",
    ("maximum", "reduce"): "max",
    ("minimum", "reduce"): "min",
    ("fmax", "reduce"): "nanmax",
    ("fmin", "reduce"): "nanmin",
    ("logaddexp", "reduce"): "logsumexp",
    ("logical_and", "reduce"): "all",
    ("logical_or", "reduce"): "any",
    ("add", "accumulate"): "cumsum",
    ("multiply", "accumulate"): "cumprod",
    ("maximum", "accumulate"): "cumulative_max",
    ("minimum", "accumulate"): "cumulative_min",
}
_INSTEAD = {
    "accumulate": "cr.scan runs any function along an axis",
    "at": "write `x = cr.add_at(x, index, values)`, or cr.set_at of what is to stand there",
    "reduce": "cr.scan runs any function along an axis",
    "reduceat": "reduce slices and stack them, or add by number with cr.bincount",
}
_ARGUMENTS = {
    "__call__": {"dtype", "order", "out", "subok"},
    "reduce": {"axis", "dtype", "initial", "keepdims", "out", "where"},
    "accumulate": {"axis", "dtype", "out"},
    "outer": {"out"},
}


def array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """A NumPy ufunc called on a tensor."""
    name = ufunc.__name__
    if kwargs:
        kwargs = _checked(name, method, kwargs)
    if method == "__call__":
        if kwargs:
            from chainrule import ops

            inputs = tuple(x if isinstance(x, int | float | complex) else ops.astype(x, **kwargs) for x in inputs)
        return _function(name, f"np.{name}")(*inputs)
    if method == "outer":
        from chainrule._convert import as_tensor

        a, b = map(as_tensor, inputs)
        return _function(name, f"np.{name}")(a[(..., *[None] * b.ndim)], b)
    reduction = _UFUNC_METHODS.get((name, method))
    if reduction is None:
        raise MissingKernelError(f"np.{name}.{method} has no counterpart for tensors: {_INSTEAD[method]}")
    return _function(reduction, f"np.{name}.{method}")(*inputs, **{"axis": 0, **kwargs})


def _checked(name: str, method: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a ufunc that change what it computes."""
    if any(out is not None for out in kwargs.get("out") or ()):
        raise DTypeError(
            f"np.{name}(..., out=...) or an in-place operator on a NumPy array: tensors are immutable, and writing one "
            f"into an array would cut the gradient; write `y = np.{name}(...)`, or `a = a + t` for `a += t`"
        )
    unsupported = sorted(kwargs.keys() - _ARGUMENTS.get(method, kwargs.keys()))
    if unsupported:
        raise DTypeError(f"np.{name}: {', '.join(unsupported)} is not supported on tensors; use cr.where")
    return {
        key: value
        for key, value in kwargs.items()
        if key not in ("order", "out", "subok") and (value is not None or key == "axis")
    }


def array_function(self: Any, func: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A NumPy function called on a tensor."""
    module = func.__module__.partition(".")[2]
    name = f"{module}.{func.__name__}" if module else func.__name__
    if kwargs.get("out") is not None:
        raise DTypeError(f"np.{name}(..., out=...): tensors are immutable; write `y = np.{name}(...)`")
    return _function(name, f"np.{name}")(*args, **{key: v for key, v in kwargs.items() if key != "out"})


def _function(name: str, shown: str) -> Callable[..., Any]:
    from chainrule import _registry
    from chainrule._plugins import load_plugins, why_no_op

    load_plugins()
    tables = (_registry.numpy_functions, _registry.ops, _registry.functions)
    function = next(filter(None, (table.find(name) for table in tables)), None)
    if function is None:
        raise MissingKernelError(
            f"{shown} on a tensor has no differentiable counterpart in chainrule: {why_no_op(name.rpartition('.')[2])} "
            "To compute it as a constant, pass cr.stop_gradient(x).numpy()."
        )
    return function
