"""Products of vectors and matrices that NumPy has beyond the standard."""

from __future__ import annotations

from typing import Any

from chainrule import DTypeError, ShapeError, Tensor, as_tensor, bool_, composite, infer, ops


def _crossed(a: Any, b: Any, axisa: int, axisb: int, axisc: int) -> Any:
    dtype = infer.result_dtype(a, b)
    if dtype == bool_:
        raise DTypeError("takes numbers, got booleans; cast them with astype")
    if a.shape is None or b.shape is None:
        return infer.Spec(None, dtype)
    shapes = [list(a.shape), list(b.shape)]
    lengths = [shape.pop(axis) for shape, axis in zip(shapes, (axisa, axisb), strict=True)]
    rest = infer.broadcast_shapes(*map(tuple, shapes))
    if rest is None or not all(type(n) is int for n in lengths):  # whether it has an axis of vectors is not known
        return infer.Spec(None, dtype)
    if lengths == [2, 2]:
        return infer.Spec(rest, dtype)
    at = axisc % (len(rest) + 1)
    return infer.Spec((*rest[:at], 3, *rest[at:]), dtype)


@composite(infer=_crossed)
def cross(a: Any, b: Any, /, axisa: int = -1, axisb: int = -1, axisc: int = -1) -> Any:
    """The cross products of vectors in three dimensions; of two, in the plane, the third component alone.

    Args:
        a, b: arrays whose other axes broadcast. A vector in the plane beside one in space has the third component 0.
        axisa, axisb: which axes are the vectors.
        axisc: where they go in the result.

    Derivatives: `cross(b, g)` and `cross(g, a)`.

    >>> import chainrule as cr
    >>> cr.cross(cr.tensor([1.0, 0.0, 0.0]), cr.tensor([0.0, 1.0, 0.0]))
    Tensor([0., 0., 1.], float64)
    """
    a, b = ops.moveaxis(a, axisa, -1), ops.moveaxis(b, axisb, -1)
    m, n = a.shape[-1], b.shape[-1]
    if not 2 <= m <= 3 or not 2 <= n <= 3:
        raise ShapeError(f"cross: expected vectors of length 2 or 3, got lengths {m} and {n}")
    a1, a2, b1, b2 = a[..., 0], a[..., 1], b[..., 0], b[..., 1]
    third = a1 * b2 - a2 * b1
    if m == n == 2:
        return third
    a3 = a[..., 2] if m == 3 else ops.zeros_like(a1)
    b3 = b[..., 2] if n == 3 else ops.zeros_like(b1)
    return ops.stack([a2 * b3 - a3 * b2, a3 * b1 - a1 * b3, third], axis=axisc)


def vdot(a: Any, b: Any) -> Tensor:
    """The sum of products of all elements, the first ones conjugated.

    >>> import chainrule as cr
    >>> cr.vdot(cr.tensor([[1.0, 2.0]]), cr.tensor([3.0, 4.0]))
    Tensor(11.0, float64)
    """
    result: Tensor = ops.vecdot(ops.ravel(a), ops.ravel(b))
    return result


def matvec(a: Any, x: Any) -> Tensor:
    """Products of matrices and vectors, stacks of which broadcast.

    Args:
        a: `(..., m, n)`.
        x: `(..., n)`.

    >>> import chainrule as cr
    >>> cr.matvec(cr.tensor([[1.0, 2.0]]), cr.tensor([[3.0, 4.0], [5.0, 6.0]]))
    Tensor([[11.],
            [17.]], float64)
    """
    result: Tensor = ops.matmul(a, as_tensor(x)[..., None])[..., 0]
    return result


def vecmat(x: Any, a: Any) -> Tensor:
    """Products of vectors, conjugated, and matrices, stacks of which broadcast.

    Args:
        x: `(..., m)`.
        a: `(..., m, n)`.
    """
    result: Tensor = ops.matmul(ops.conj(x)[..., None, :], a)[..., 0, :]
    return result
