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
    ("logical_and", "reduce"): "all",
    ("logical_or", "reduce"): "any",
    ("add", "accumulate"): "cumsum",
    ("multiply", "accumulate"): "cumprod",
}


def array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """A NumPy ufunc called on a tensor."""
    name = ufunc.__name__
    if "out" in kwargs and any(out is not None for out in kwargs["out"]):
        raise DTypeError(
            f"np.{name}(..., out=...) or an in-place operator on a NumPy array: tensors are immutable, and writing one "
            f"into an array would cut the gradient; write `y = np.{name}(...)`, or `a = a + t` for `a += t`"
        )
    unsupported = sorted(kwargs.keys() - {"axis", "keepdims", "dtype", "out"})
    if unsupported:
        raise DTypeError(f"np.{name}: {', '.join(unsupported)} is not supported on tensors; use cr.where")
    if method == "outer":
        from chainrule._convert import as_tensor

        a, b = map(as_tensor, inputs)
        inputs = (a[(..., *[None] * b.ndim)], b)
    elif method != "__call__":
        kwargs.pop("out", None)
        reduction = _UFUNC_METHODS.get((name, method))
        if reduction is None:
            raise MissingKernelError(
                f"np.{name}.{method} is not supported on tensors; use a function of cr, such as cr.sum or cr.add_at"
            )
        name = reduction
        kwargs.setdefault("axis", 0)
        kwargs = {key: value for key, value in kwargs.items() if value is not None or key == "axis"}
    return _function(name, f"np.{name}")(*inputs, **kwargs)


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
