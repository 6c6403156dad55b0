"""What users write for batches, strides and padding, as operations take it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from chainrule import ArgumentError, DTypeError, ShapeError, Spec, Tensor, as_tensor, bool_, fronts, infer, ops
from chainrule_nn._windows import Lengths, Padding

P = ParamSpec("P")


def as_batch(what: str, x: Any, data_format: str, axes: int = 1, numbers: bool = True) -> Tensor:
    """A batch of arrays as a tensor with its channels last: of at least so many axes to move along, and of numbers.

    Raises:
        ArgumentError, DTypeError, ShapeError: there is no such format, or the tensor cannot be such a batch.
    """
    x = as_tensor(x)
    if data_format not in ("channels_last", "channels_first"):
        raise ArgumentError(
            f"{what}: data_format: expected 'channels_last', for (batch, *lengths, channels), or 'channels_first', "
            f"for (batch, channels, *lengths), got {data_format!r}"
        )
    if x.ndim < axes + 2:
        along = "axes to move along and channels" if axes else "perhaps axes to move along, and channels"
        raise ShapeError(f"{what}: x: expected at least {axes + 2} dimensions, a batch, {along}, got shape {x.shape}")
    if numbers and x.dtype == bool_:
        raise DTypeError(f"{what}: x: expected numbers, got booleans; convert them: cr.astype(x, 'float32')")
    return x if data_format == "channels_last" else _permuted(x, (0, *range(2, x.ndim), 1))


def as_format(y: Tensor, data_format: str) -> Tensor:
    """A result with its channels where the input had them."""
    last = y.ndim - 1
    return y if data_format == "channels_last" else _permuted(y, (0, last, *range(1, last)))


def _permuted(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    y: Tensor = ops.permute_dims(x, axes=axes)
    return y


def promoted(x: Tensor, w: Any) -> tuple[Tensor, Tensor]:
    """Both in the dtype that they are computed in."""
    w = as_tensor(w)
    dtype = infer.result_dtype(*(Spec(t.shape, t.dtype) for t in (x, w)))
    x, w = (t if t.dtype == dtype else ops.astype(t, dtype=dtype) for t in (x, w))
    return x, w


def as_lengths(what: str, name: str, value: Any, n: int, least: int = 1) -> Lengths:
    """An integer of at least 1, or `least`, for each of `n` axes.

    Raises:
        ArgumentError: it is not that.
    """
    values = _integers(value if isinstance(value, tuple | list) else (value,) * n)
    if values is None or len(values) != n or min(values) < least:
        kind = "a positive integer" if least == 1 else f"an integer of at least {least}"
        each = f", or one for each of {n} axes" if n > 1 else ""
        raise ArgumentError(f"{what}: {name}: expected {kind}{each}, got {value!r}")
    return values


def as_padding(what: str, padding: Any, n: int) -> Padding:
    """`"SAME"`, or how much to pad before and after each of `n` axes.

    Raises:
        ArgumentError: it is neither a known word nor lengths of at least 0.
    """
    if isinstance(padding, str):
        if padding.upper() == "SAME":
            return "SAME"
        if padding.upper() == "VALID":
            return ((0, 0),) * n
    else:
        given = padding if isinstance(padding, tuple | list) else (padding,) * n
        pairs = [_integers(p if isinstance(p, tuple | list) else (p, p)) for p in given]
        if len(pairs) == n and all(p is not None and len(p) == 2 and min(p) >= 0 for p in pairs):
            return tuple((p[0], p[1]) for p in pairs if p is not None)
    raise ArgumentError(
        f"{what}: padding: expected 'SAME', 'VALID', a length of at least 0, or a sequence of {n} with such a length "
        f"or a pair of them, before and after, for each axis, got {padding!r}"
    )


def _integers(values: Any) -> tuple[int, ...] | None:
    try:
        return tuple(int(v.__index__()) for v in values)
    except AttributeError:
        return None


def optional_arrays(operation: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The public function of an operation whose last arrays may be left out, or be given by keyword."""
    parameters = inspect.signature(operation).parameters.values()
    arrays = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]

    @fronts(operation)
    @functools.wraps(operation)
    def front(*args: Any, **kwargs: Any) -> Tensor:
        if args:
            args += tuple([kwargs.pop(name, None) for name in arrays[len(args) :]])
        return operation(*args, **kwargs)

    signature = inspect.Signature(
        [p.replace(kind=p.POSITIONAL_OR_KEYWORD) if p.default is None else p for p in parameters]
    )
    front.__signature__ = signature  # type: ignore[attr-defined]  # what `inspect.signature` reads
    return front


def of_rank(function: Callable[Concatenate[Any, P], Tensor], n: int) -> Callable[Concatenate[Any, P], Tensor]:
    """A function over any number of axes as one over `n`, which takes one array without its batch too, and no other."""
    name = f"{function.__name__}{n}d"

    @functools.wraps(function)
    def front(x: Any, /, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        x = as_tensor(x)
        if x.ndim == n + 1:
            return function(x[None, ...], *args, **kwargs)[0, ...]
        if x.ndim != n + 2:
            raise ShapeError(
                f"{name}: x: expected {n + 2} dimensions, a batch, {n} to move along and channels, or {n + 1} without "
                f"the batch, got shape {x.shape}"
            )
        return function(x, *args, **kwargs)

    front.__name__ = front.__qualname__ = name
    front.__doc__ = (
        f"`{function.__name__}` of arrays with {n} {'axis' if n == 1 else 'axes'} to move along; see there. "
        "Of one array without a batch it gives one."
    )
    del front.op  # type: ignore[attr-defined]  # the operation has its own public function
    return front
