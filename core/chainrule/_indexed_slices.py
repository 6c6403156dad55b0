"""Row-sparse cotangents: what the gradient of a gather is, all the way to the optimizer."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule._dtypes import DType
from chainrule._tensor import Tensor


class IndexedSlices:
    """Some rows of an otherwise zero tensor: `dense[indices[i]] += values[i]`; indices may repeat.

    Attributes:
        values: the rows, of shape `indices.shape[:1] + dense_shape[1:]`.
        indices: which rows they are, integers of one dimension.
        dense_shape: the shape of the whole.

    >>> import chainrule as cr
    >>> rows = cr.IndexedSlices(cr.tensor([[1.0], [2.0], [4.0]]), cr.tensor([0, 2, 0]), (3, 1))
    >>> rows.to_dense()
    Tensor([[5.],
            [0.],
            [2.]], float64)
    """

    __slots__ = ("dense_shape", "indices", "values")

    def __init__(self, values: Tensor, indices: Tensor, dense_shape: tuple[int, ...]) -> None:
        self.values = values
        self.indices = indices
        self.dense_shape = tuple(dense_shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the whole."""
        return self.dense_shape

    @property
    def dtype(self) -> DType:
        """The dtype of the rows."""
        return self.values.dtype

    def to_dense(self) -> Tensor:
        """The whole tensor; rows of one index are summed."""
        dense: Tensor = ops.scatter_add_rows(self.values, self.indices, rows=self.dense_shape[0])
        return dense

    def numpy(self) -> Any:
        """The whole as a NumPy array."""
        return self.to_dense().numpy()

    def __chainrule_tensor__(self) -> Tensor:
        return self.to_dense()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.to_dense().__array__(dtype)

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-self.values, self.indices, self.dense_shape)

    def __mul__(self, scalar: Any) -> IndexedSlices:
        """The rows times a number or 0-d tensor."""
        return IndexedSlices(self.values * scalar, self.indices, self.dense_shape)

    __rmul__ = __mul__

    def __add__(self, other: Any) -> Any:
        if isinstance(other, IndexedSlices):
            return add(self, other)
        return self.to_dense() + other

    __radd__ = __add__

    def __repr__(self) -> str:
        return f"IndexedSlices(values={self.values!r}, indices={self.indices!r}, dense_shape={self.dense_shape})"


def add(a: Any, b: Any) -> Any:
    """The sum of two cotangents: rows beside rows stay rows."""
    if type(a) is IndexedSlices and type(b) is IndexedSlices:
        return IndexedSlices(
            ops.concat([a.values, b.values], axis=0), ops.concat([a.indices, b.indices], axis=0), a.dense_shape
        )
    return ops.add(dense(a), dense(b))


def dense(cotangent: Any) -> Tensor:
    """A cotangent as a tensor."""
    if type(cotangent) is IndexedSlices:
        return cotangent.to_dense()
    tensor: Tensor = cotangent
    return tensor
