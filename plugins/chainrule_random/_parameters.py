"""What distributions share: the shape, dtype and parameters of a draw, put in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule import PYTHON_NUMBERS, DTypeError, ShapeError, as_dtype, as_tensor, default_dtype, infer, ops

Shape = int | Sequence[Any] | None


def arranged(what: str, shape: Shape, dtype: Any, **parameters: Any) -> tuple[Any, ...]:
    """The shape and dtype of a draw, and its parameters: Python numbers as they are, else tensors.

    Args:
        what: the distribution, for errors.
        shape: the shape that is asked for, which the parameters broadcast to; theirs if None.
        dtype: the dtype that is asked for; if None, that of the parameters that are tensors of floating-point numbers,
            else the default one.
        **parameters: what the distribution depends on.

    Raises:
        ShapeError: the parameters do not broadcast to the shape.
        DTypeError: the dtype is no floating-point one.
    """
    given = [x if type(x) in PYTHON_NUMBERS else as_tensor(x) for x in parameters.values()]
    arrays = [x for x in given if type(x) not in PYTHON_NUMBERS]
    if dtype is None:
        specs = [infer.Spec((), x.dtype) for x in arrays if x.dtype.is_inexact]
        dtype = infer.result_dtype(*specs) if specs else default_dtype()
    dtype = as_dtype(dtype)
    if not dtype.is_inexact:
        raise DTypeError(f"{what}: dtype: expected a floating-point one, got {dtype}")
    found = result_shape(what, shape, dict(zip(parameters, given, strict=True)))
    cast = [x if type(x) in PYTHON_NUMBERS or x.dtype == dtype else ops.astype(x, dtype=dtype) for x in given]
    return found, dtype, *cast


def result_shape(what: str, shape: Shape, parameters: dict[str, Any]) -> Any:
    """The shape of a draw: the one that is asked for, which parameters have to fit, or theirs.

    Raises:
        ShapeError: they do not fit.
    """
    shapes = {name: getattr(x, "shape", ()) for name, x in parameters.items()}
    own = infer.broadcast_shapes(*shapes.values()) if shapes else ()
    if shape is None:
        return own
    wanted = tuple(shape) if isinstance(shape, list | tuple) else (shape,)
    try:
        fits = infer.broadcast_shapes(wanted, own) == wanted
    except ShapeError:
        fits = False
    if not fits:
        told = ", ".join(f"{name} of shape {found}" for name, found in shapes.items() if found != ())
        raise ShapeError(f"{what}: shape {wanted} was asked for, to which {told} does not broadcast")
    return wanted


def spread(x: Any, shape: Any, dtype: Any) -> Any:
    """A parameter as a tensor of the whole shape, for draws that take it element by element."""
    return ops.broadcast_to(ops.astype(as_tensor(x), dtype=dtype), shape=shape)
