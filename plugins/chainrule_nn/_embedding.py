"""Numbers of things as vectors: rows of a table, and zeros with a one."""

from __future__ import annotations

import math
from typing import Any

import chainrule as cr
from chainrule import ArgumentError, ShapeError, Tensor, as_tensor, default_dtype, ops


def embedding(
    indices: Any,
    table: Any,
    padding_index: int | None = None,
    max_norm: float | None = None,
    norm: float = 2.0,
    by_frequency: bool = False,
) -> Tensor:
    """For each index its row of a table. The gradient of the table is row-sparse.

    Args:
        indices: integers of any shape.
        table: shape `(n, features)`.
        padding_index: the row that has no gradient.
        max_norm: rows that are longer are scaled down to this length; the scale is no part of the gradient.
        norm: which p-norm that length is.
        by_frequency: whether the gradient of a row is the mean of those at its places, rather than their sum.

    Returns:
        Shape `(*indices.shape, features)`.

    Raises:
        ShapeError: the table is no matrix.

    >>> import chainrule as cr
    >>> cr.nn.embedding(cr.tensor([1, 1, 0]), cr.tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[3., 4.],
            [3., 4.],
            [1., 2.]], float64)
    """
    indices, table = as_tensor(indices), as_tensor(table)
    if table.ndim != 2:
        raise ShapeError(f"embedding: table: expected shape (n, features), got {table.shape}")
    rows: Tensor = ops.take(table, indices, axis=0)
    if padding_index is not None:
        row = padding_index % table.shape[0]
        rows = ops.where((indices == row)[..., None], ops.stop_gradient(rows), rows)
    if max_norm is not None:
        norms = cr.linalg.vector_norm(ops.stop_gradient(rows), axis=-1, keepdims=True, ord=norm)
        rows = rows * ops.where(norms > max_norm, max_norm / ops.maximum(norms, max_norm), 1.0)
    if by_frequency:
        counts = ops.take(cr.bincount(ops.reshape(indices, shape=(-1,)), minlength=table.shape[0]), indices, axis=0)
        held = ops.stop_gradient(rows)
        rows = held + (rows - held) / ops.astype(counts, dtype=rows.dtype)[..., None]
    return rows


def embedding_bag(
    indices: Any,
    table: Any,
    offsets: Any = None,
    mode: str = "mean",
    weights: Any = None,
    padding_index: int | None = None,
    max_norm: float | None = None,
    norm: float = 2.0,
    by_frequency: bool = False,
) -> Tensor:
    """Sums, means or maxima of rows of a table, for bags of indices.

    Args:
        indices: integers of shape `(bags, n)`; or of shape `(n,)`, which `offsets` cut into bags.
        table: shape `(rows, features)`.
        offsets: integers of shape `(bags,)`, in order: where each bag begins; the first at 0.
        mode: `"mean"`, `"sum"` or `"max"`.
        weights: of the shape of `indices`: how much each row counts in a sum.
        padding_index: the row that is left out of bags.
        max_norm, norm, by_frequency: as for `embedding`.

    Returns:
        Shape `(bags, features)`; zeros for an empty bag.

    Raises:
        ArgumentError: there is no such mode, or weights go with another than `"sum"`.
        ShapeError: the shapes do not fit.

    >>> import chainrule as cr
    >>> table = cr.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> cr.nn.embedding_bag(cr.tensor([1, 1, 0]), table, offsets=cr.tensor([0, 2]), mode="sum")
    Tensor([[6., 8.],
            [1., 2.]], float64)
    """
    what = "embedding_bag"
    if mode not in ("mean", "sum", "max"):
        raise ArgumentError(f"{what}: mode: expected 'mean', 'sum' or 'max', got {mode!r}")
    if weights is not None and mode != "sum":
        raise ArgumentError(f"{what}: weights: go with the mode 'sum', got {mode!r}")
    indices, table = as_tensor(indices), as_tensor(table)
    if indices.ndim != (1 if offsets is not None else 2):
        raise ShapeError(f"{what}: indices: expected shape (bags, n), or (n,) with offsets, got {indices.shape}")
    if offsets is None:
        bags = indices.shape[0]
        of = ops.reshape(ops.broadcast_to(ops.arange(bags)[:, None], shape=indices.shape), shape=(-1,))
        indices = ops.reshape(indices, shape=(-1,))
    else:
        offsets = as_tensor(offsets)
        bags = offsets.shape[0]
        of = cr.searchsorted(offsets, ops.arange(indices.shape[0]), side="right") - 1
    rows = embedding(indices, table, padding_index, max_norm, norm, by_frequency)
    kept = ops.ones_like(indices) == 1 if padding_index is None else indices != padding_index % table.shape[0]
    if mode == "max":
        members = (of == ops.arange(bags)[:, None]) & kept
        largest = (
            ops.max(ops.where(members[..., None], rows, -math.inf), axis=1)
            if rows.shape[0]
            else ops.zeros((bags, table.shape[1]), dtype=rows.dtype)
        )
        found: Tensor = ops.where(ops.any(members, axis=1)[:, None], largest, 0.0)
        return found
    counted = ops.astype(kept, dtype=rows.dtype)[:, None]
    if weights is not None:
        counted = counted * ops.reshape(ops.astype(weights, dtype=rows.dtype), shape=(-1, 1))
    total: Tensor = ops.scatter_add_rows(rows * counted, of, rows=bags)
    if mode == "mean":
        total = total / ops.maximum(ops.scatter_add_rows(counted, of, rows=bags), 1)
    return total


def one_hot(indices: Any, n_classes: int | None = None, dtype: Any = None) -> Tensor:
    """For each index a row of zeros with a one at its place; zeros alone for one outside. No gradient.

    Args:
        indices: integers of any shape.
        n_classes: how long the rows are; by default one more than the largest index, which then has to be known.
        dtype: of the result; the default floating-point one if it is left out.

    Returns:
        Shape `(*indices.shape, n_classes)`.

    >>> import chainrule as cr
    >>> cr.nn.one_hot(cr.tensor([1, 0]), 3)
    Tensor([[0., 1., 0.],
            [1., 0., 0.]], float64)
    """
    indices = as_tensor(indices)
    if n_classes is None:
        n_classes = int(ops.max(indices)) + 1
    places = indices[..., None] == ops.arange(n_classes)
    found: Tensor = ops.astype(places, dtype=default_dtype() if dtype is None else dtype)
    return found


def sinusoidal_positions(length: int, features: int, base: float = 10000.0, dtype: Any = None) -> Tensor:
    """Sines and cosines of each position, in frequencies that fall from 1 to `1 / base`.

    Feature `2 i` of position `p` is `sin(p / base**(2 i / features))`, the one after it the cosine
    (https://arxiv.org/abs/1706.03762, section 3.5).

    Args:
        length: how many positions.
        features: how many numbers for each.
        base: see there.
        dtype: the default floating-point one if it is left out.

    Returns:
        Shape `(length, features)`, to be added to embeddings.

    >>> import chainrule as cr
    >>> cr.nn.sinusoidal_positions(2, 4)
    Tensor([[0.        , 1.        , 0.        , 1.        ],
            [0.84147098, 0.54030231, 0.00999983, 0.99995   ]], float64)
    """
    angles = _angles(ops.arange(length), features, base)
    both = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)
    table = ops.reshape(both, shape=(length, -1))[:, :features]
    found: Tensor = ops.astype(table, dtype=default_dtype() if dtype is None else dtype)
    return found


def _angles(positions: Any, features: int, base: float) -> Any:
    rates = ops.exp(ops.arange(-(-features // 2)) * (-2 * math.log(base) / features))
    return positions[..., None] * rates


def rotary_positions(x: Any, base: float = 10000.0, first: int = 0) -> Tensor:
    """Queries or keys turned by their positions, so that products depend on distances (https://arxiv.org/abs/2104.09864).

    Features `i` and `i + n / 2` of `n` of position `p` are a point of the plane, turned by `p / base**(2 i / n)`.

    Args:
        x: shape `(..., positions, features)`, an even number of features.
        base: see there.
        first: the first position.

    Raises:
        ShapeError: the features are odd in number.

    >>> import chainrule as cr
    >>> cr.nn.rotary_positions(cr.tensor([[1.0, 0.0], [1.0, 0.0]]))
    Tensor([[1.        , 0.        ],
            [0.54030231, 0.84147098]], float64)
    """
    x = as_tensor(x)
    half = x.shape[-1] // 2
    if isinstance(half, int) and x.shape[-1] % 2:
        raise ShapeError(f"rotary_positions: x: expected an even number of features, got shape {x.shape}")
    angles = ops.astype(_angles(ops.arange(first, first + x.shape[-2]), 2 * half, base), dtype=x.dtype)
    a, b, cos, sin = x[..., :half], x[..., half:], ops.cos(angles), ops.sin(angles)
    y: Tensor = ops.concat([a * cos - b * sin, a * sin + b * cos], axis=-1)
    return y
