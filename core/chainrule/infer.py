"""Shape and dtype of an array that is not there, and the shape rules that operations share.

A rule takes and gives `Spec`s. A dimension that is not known is `None`; so is a whole shape of unknown rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule._dim import Dim, broadcast_dim
from chainrule._dtypes import DType, bool_, default_dtype, int64, promote, promote_weak, real_dtype, scalar_dtype
from chainrule._errors import DTypeError, ShapeError

Shape = tuple[Any, ...] | None  # lengths are integers, or a `Dim` where one is not known


class Spec:
    """The shape and dtype of an array; `weak` for a Python number, which takes its neighbour's dtype."""

    __slots__ = ("dtype", "shape", "weak")

    def __init__(self, shape: Shape, dtype: Any, weak: bool = False) -> None:
        self.shape = shape
        self.dtype = dtype
        self.weak = weak

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spec) and (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, str(self.dtype)))

    def __repr__(self) -> str:
        if self.weak:
            return f"Python {self.dtype.kind}"
        return f"{self.dtype}{'[...]' if self.shape is None else list(self.shape)}"


def scalar_spec(value: complex | Dim) -> Spec:
    """The spec of a Python number, or of a size that is not known yet."""
    if type(value) is Dim:
        return Spec((), default_dtype() if value.is_float else int64, weak=True)
    return Spec((), scalar_dtype(value), weak=True)  # type: ignore[arg-type]  # a number: a size is dealt with


def result_dtype(*specs: Spec) -> DType:
    """The dtype that an operation over these computes in: promotion, weak Python numbers last."""
    dtype: DType | None = None
    weak = False
    for spec in specs:
        if spec.weak:
            weak = True
        elif dtype is not spec.dtype:
            dtype = spec.dtype if dtype is None else promote(dtype, spec.dtype)
    if weak:
        for spec in specs:
            if spec.weak:
                dtype = spec.dtype if dtype is None else promote_weak(dtype, spec.dtype)
    assert dtype is not None
    return dtype


def broadcast_shapes(*shapes: Shape) -> Shape:
    """The shape that all of these broadcast to.

    Raises:
        ShapeError: two known dimensions differ and neither is 1.

    >>> broadcast_shapes((3, 1), (4,)), broadcast_shapes((None, 1), (4,))
    ((3, 4), (None, 4))
    """
    if not any(shapes) and None not in shapes:
        return ()
    known = [shape for shape in shapes if shape is not None]
    if len(known) < len(shapes):
        return None
    result: list[Any] = [1] * max((len(shape) for shape in known), default=0)
    for shape in known:
        offset = len(result) - len(shape)
        for i, dim in enumerate(shape, offset):
            have = result[i]
            if dim == 1 or (dim == have and dim is not None and have is not None):
                continue
            if have == 1 or have is None:
                result[i] = dim
            elif type(dim) is Dim or type(have) is Dim:
                result[i] = _either(have, dim)
            elif dim is not None:
                raise ShapeError(f"shapes {' and '.join(map(str, shapes))} do not broadcast: {have} against {dim}")
    return tuple(result)


def _either(a: Any, b: Any) -> Any:
    """The length that two broadcast to, not both of them known: one that is known and not 1 decides."""
    if type(a) is Dim and type(b) is Dim:
        return broadcast_dim(a, b)
    return b if type(a) is Dim else a


def may_equal(a: Shape, b: Shape) -> bool:
    """Whether two shapes can be the same, once all lengths are known."""
    return (
        a is None
        or b is None
        or (len(a) == len(b) and all(m == n or None in (m, n) for m, n in zip(a, b, strict=True)))
    )


def common_shape(*shapes: Shape) -> Shape:
    """The one shape that all of these are; a length is known if any of them knows it.

    Raises:
        ShapeError: they differ.

    >>> common_shape((None, 3), (2, None)), common_shape(None, (2,))
    ((2, 3), (2,))
    """
    result: Shape = None
    for shape in shapes:
        if not may_equal(result, shape):
            raise ShapeError(f"shapes {', '.join(map(str, shapes))} differ")
        if result is None or shape is None:
            result = shape if result is None else result
        else:
            result = tuple([m if isinstance(m, int) else n for m, n in zip(result, shape, strict=True)])
    return result


def as_axes(axis: int | tuple[int, ...] | None, ndim: int) -> tuple[int, ...]:
    """`axis` as a tuple of axes counted from the front; all of them for None.

    Raises:
        ShapeError: an axis is outside of the array or named twice.
    """
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(a + ndim if a < 0 else a for a in ((axis,) if isinstance(axis, int) else axis))
    if any(not 0 <= a < ndim for a in axes) or len(set(axes)) < len(axes):
        raise ShapeError(f"axis {axis} does not fit an array of {ndim} dimensions, or names an axis twice")
    return axes


def same(*specs: Spec) -> Spec:
    """Elementwise, in the promoted dtype."""
    return Spec(broadcast_shapes(*[s.shape for s in specs]), result_dtype(*specs))


def floating(*specs: Spec) -> Spec:
    """Elementwise, integers computed in the default floating-point dtype."""
    dtype = result_dtype(*specs)
    return Spec(broadcast_shapes(*[s.shape for s in specs]), dtype if dtype.is_inexact else default_dtype())


def real(*specs: Spec) -> Spec:
    """Elementwise, a real result: the part's dtype for complex inputs."""
    return Spec(broadcast_shapes(*[s.shape for s in specs]), real_dtype(result_dtype(*specs)))


def boolean(*specs: Spec) -> Spec:
    """Elementwise, true or false."""
    return Spec(broadcast_shapes(*[s.shape for s in specs]), bool_)


def integral(*specs: Spec) -> Spec:
    """Elementwise over integers and booleans alone."""
    spec = same(*specs)
    if spec.dtype.is_inexact:
        raise DTypeError(f"takes integers or booleans, got {', '.join(map(repr, specs))}")
    return spec


def reduced(spec: Spec, axis: int | tuple[int, ...] | None, keepdims: bool, dtype: Any = None) -> Spec:
    """`spec` with the axes of a reduction gone, or kept with length 1."""
    dtype = dtype or spec.dtype
    if spec.shape is None:
        return Spec(() if axis is None and not keepdims else None, dtype)
    axes = as_axes(axis, len(spec.shape))
    if keepdims:
        return Spec(tuple(1 if i in axes else d for i, d in enumerate(spec.shape)), dtype)
    return Spec(tuple(d for i, d in enumerate(spec.shape) if i not in axes), dtype)


def size(shape: Sequence[int | None] | None) -> int | None:
    """The number of elements, None while a dimension is unknown."""
    if shape is None:
        return None
    total = 1
    for dim in shape:
        if dim is None:
            return None
        total *= dim
    return total
