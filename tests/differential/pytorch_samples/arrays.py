"""Elementwise functions, reductions, and functions that choose and arrange elements."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr

Function = Callable[..., Any]


def _axes(x: Any, dim: Any) -> Any:
    """PyTorch's axes as NumPy's: single numbers have one to it, and none is all."""
    return None if x.ndim == 0 or dim == () else dim


def _axis(x: Any, dim: int) -> int:
    """PyTorch's axis in `cr.atleast_1d(x)`."""
    return dim if x.ndim else 0


def _reduction(function: Function) -> Function:
    def reduced(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        x = x if dtype is None else cr.astype(x, dtype)
        y = function(x, axis=_axes(x, dim), keepdims=keepdim)
        return y if dtype is None else cr.astype(y, dtype)

    return reduced


def _masked(function: Function, **options: Any) -> Function:
    """NumPy's reductions with `where`."""

    def reduced(x: Any, dim: Any = None, *, mask: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
        x = x if dtype is None else cr.astype(x, dtype)
        return function(x, axis=_axes(x, dim), keepdims=keepdim, where=True if mask is None else mask, **options)

    return reduced


def _limits(x: Any) -> tuple[Any, Any]:
    """The smallest and the largest number of a dtype."""
    if x.dtype.kind in ("float", "complex"):
        return -math.inf, math.inf
    return int(cr.iinfo(x.dtype).min), int(cr.iinfo(x.dtype).max)


def _spread(function: Function) -> Function:
    def reduced(x: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = ...) -> Any:
        correction = int(unbiased) if correction is ... else 1 if correction is None else correction
        return function(x, axis=_axes(x, dim), keepdims=keepdim, correction=correction)

    return reduced


def _with_mean(function: Function) -> Function:
    def reduced(x: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = ...) -> Any:
        return _spread(function)(x, dim, unbiased, keepdim, correction=correction), _reduction(cr.mean)(x, dim, keepdim)

    return reduced


def _with_index(function: Function, index: Function) -> Function:
    def reduced(x: Any, dim: int, keepdim: bool = False) -> Any:
        return _reduction(function)(x, dim, keepdim), _reduction(index)(x, dim, keepdim)

    return reduced


def _running(function: Function) -> Function:
    def run(x: Any, dim: int, *, dtype: Any = None) -> Any:
        return cr.reshape(function(cr.atleast_1d(x), axis=_axis(x, dim), dtype=dtype), x.shape)

    return run


def _cast(dtype: str) -> Function:
    return lambda x, memory_format=None: cr.astype(x, dtype)


def _to(x: Any, *args: Any, memory_format: Any = None) -> Any:
    """Among the arguments is a dtype, or an array that has it."""
    given = [getattr(y, "dtype", y) for y in args if not isinstance(y, bool)]
    return cr.astype(x, given[-1]) if given else x


def _sort(x: Any, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Any:
    x1, axis = cr.atleast_1d(x), _axis(x, dim)
    order = cr.argsort(x1, axis=axis, descending=descending)
    return cr.reshape(cr.sort(x1, axis=axis, descending=descending), x.shape), cr.reshape(order, x.shape)


def _top(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    values, order = _sort(cr.atleast_1d(x), _axis(x, dim), largest)
    first = (*[slice(None)] * (_axis(x, dim) % max(x.ndim, 1)), slice(0, k))
    return (values[first], order[first]) if x.ndim else (values[0], order[0])


def _kth(x: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    axis = _axis(x, dim)
    found = [cr.take(y, [k - 1], axis=axis) for y in _sort(cr.atleast_1d(x), axis)]
    return found if keepdim and x.ndim else [cr.squeeze(y, axis=axis) for y in found]


def _extreme(function: Function) -> Function:
    """A running extreme, and where the last element was that is."""

    def run(x: Any, dim: int) -> Any:
        x1, axis = cr.atleast_1d(x), _axis(x, dim)
        y = function(x1, axis=axis)
        place = cr.cumulative_sum(cr.ones_like(x1, dtype="int64"), axis=axis) - 1
        index = cr.cumulative_max(cr.where(cr.logical_or(x1 == y, cr.isnan(x1)), place, 0), axis=axis)
        return cr.reshape(y, x.shape), cr.reshape(index, x.shape)

    return run


def _with_place(quantile: Function) -> Function:
    """PyTorch's median, of two in the middle the lower one; along an axis where it is, too."""

    def median(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        y = quantile(x, 0.5, axis=_axes(x, dim), keepdims=True, method="lower")
        y = cr.astype(y, x.dtype)
        if dim is None:
            return cr.reshape(y, ())
        index = cr.argmax(x == y, axis=_axes(x, dim), keepdims=True)
        return [z if keepdim or not x.ndim else cr.squeeze(z, axis=dim) for z in (y, index)]

    return median


def _at(x: Any, dim: int, index: Any) -> Any:
    """What stands for `index` of an axis in an index of the whole array."""
    return (*[slice(None)] * (dim % x.ndim), index)


def _grid(x: Any, dim: int, index: Any) -> Any:
    """An index of each element that PyTorch's functions gather and scatter by an index along an axis."""
    grid = list(np.indices(index.shape, sparse=True))
    grid[dim % x.ndim] = index
    return tuple(grid)


def _scatter(update: Function) -> Function:
    def scattered(x: Any, dim: int, index: Any, src: Any, *, reduce: Any = None) -> Any:
        if not x.ndim:
            src = cr.atleast_1d(src) if isinstance(src, cr.Tensor) else src
            return scattered(x[None], 0, index[None], src, reduce=reduce)[0]
        if isinstance(src, cr.Tensor):
            src = src[tuple(map(slice, index.shape))]
        return {None: update, "add": cr.add_at}[reduce](x, _grid(x, dim, index), src)

    return scattered


def _along(update: Function) -> Function:
    """Parts along an axis, by their number, replaced or added to."""

    def updated(x: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
        if not x.ndim:
            return updated(x[None], 0, index, source, alpha=alpha)[0]
        return update(x, _at(x, dim, index), source if alpha == 1 else alpha * source)

    return updated


def _combinations(x: Any, r: int = 2, with_replacement: bool = False) -> Any:
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    return x[np.array(list(choose(range(x.size), r)), int).reshape(-1, r)]


def _unfold(x: Any, dimension: int, size: int, step: int) -> Any:
    """Windows along an axis, their elements along a new last one."""
    if not x.ndim:
        return x[None]
    axis = dimension % x.ndim
    places = np.arange(0, x.shape[axis] - size + 1, step)[:, None] + np.arange(size)
    return cr.moveaxis(cr.take(x, places, axis=axis), axis + 1, -1)


def _masked_scatter(x: Any, mask: Any, source: Any) -> Any:
    x, mask = cr.broadcast_arrays(x, mask)
    return cr.set_at(x, mask, cr.ravel(source)[: int(cr.sum(mask))])


def _put(x: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    update = cr.add_at if accumulate else cr.set_at
    return cr.reshape(update(cr.ravel(x), cr.ravel(index), cr.ravel(source)), x.shape)


def _gradient(x: Any, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> Any:
    steps = () if spacing is None else spacing if isinstance(spacing, (list, tuple)) else (spacing,)
    return np.gradient(x, *steps, axis=dim, edge_order=edge_order)


def _cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = 1.0, dim: int = -1) -> Any:
    width = dx if x is None else cr.diff(x, axis=dim)
    sides = y[_at(y, dim, slice(1, None))] + y[_at(y, dim, slice(None, -1))]
    return cr.cumulative_sum(sides * width / 2, axis=dim)


def _diff(x: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    return cr.diff(x, n=n, axis=dim, prepend=prepend, append=append)


def _quantile(function: Function) -> Function:
    def found(x: Any, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear") -> Any:
        return function(x, q, axis=_axes(x, dim), keepdims=keepdim, method=interpolation)

    return found


def _parts(x: Any, size: Any, dim: int = 0) -> Any:
    """PyTorch's `split`: parts of a length, or of given lengths."""
    ends = range(size, x.shape[dim], size) if isinstance(size, int) else np.cumsum(size)[:-1].tolist()
    return cr.array_split(x, list(ends), axis=dim)


def _chunks(x: Any, chunks: int, dim: int = 0) -> Any:
    return _parts(x, math.ceil(x.shape[dim] / chunks), dim)


def _each(function: Function) -> Function:
    """Of one array, or of each of a list."""
    return lambda x, *xs: [function(y) for y in x] if isinstance(x, list) else function(x)


def _expand(x: Any, shape: Any) -> Any:
    """-1 stands for the length that there is."""
    new = len(shape) - x.ndim
    return cr.broadcast_to(x, tuple(x.shape[i - new] if n == -1 else n for i, n in enumerate(shape)))


def _flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    x = cr.atleast_1d(x)
    start, end = start_dim % x.ndim, end_dim % x.ndim
    return cr.reshape(x, (*x.shape[:start], math.prod(x.shape[start : end + 1]), *x.shape[end + 1 :]))


def _squeeze(x: Any, dim: Any = None) -> Any:
    """Axes that are longer stay."""
    dims = range(x.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    return cr.squeeze(x, axis=tuple(i for i in dims if x.ndim and x.shape[i] == 1))


def _swap(x: Any, dim0: int, dim1: int) -> Any:
    return cr.swapaxes(x, dim0, dim1) if x.ndim else x


def _divide(x: Any, y: Any, *, rounding_mode: Any = None) -> Any:
    if rounding_mode == "trunc":
        return cr.astype(cr.trunc(x / y), cr.result_type(x, y))
    return cr.floor_divide(x, y) if rounding_mode else x / y


def _times(factor: Any, x: Any) -> Any:
    return x if factor == 1 else factor * x


def _plus(multiply: Function) -> Function:
    """A product that is added to something, which counts for nothing with the factor 0, even if it is NaN."""

    def added(x: Any, a: Any, b: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        product = _times(alpha, multiply(a, b))
        return product if beta == 0 else _times(beta, x) + product

    return added


def _histogram(x: Any, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False) -> Any:
    counts, edges = cr.histogram(x, bins, range, density, weight)
    return cr.astype(counts, x.dtype), edges


def _isclose(function: Function) -> Function:
    def compared(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
        return function(x, y, rtol=rtol, atol=atol, equal_nan=equal_nan)

    return compared


_SAME = """
abs acos acosh angle argwhere asin asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_or
bitwise_right_shift bitwise_xor ceil conj copysign cos cosh deg2rad diag diagflat dot einsum exp exp2
expm1 fliplr flipud float_power floor floor_divide fmax fmin fmod heaviside hypot imag inner isfinite isinf
isnan kron ldexp log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor matmul maximum
minimum nextafter outer positive pow rad2deg ravel real reciprocal remainder sigmoid sign signbit sin sinc sinh
sqrt square tan tanh trace trunc vdot
"""
_RENAMED = {
    "bitwise_invert": "bitwise_not",
    "concat": "cat",
    "equal": "eq",
    "greater": "gt",
    "greater_equal": "ge",
    "less": "lt",
    "less_equal": "le",
    "multiply": "mul",
    "negative": "neg",
    "not_equal": "ne",
}

TRANSLATED: dict[str, Function] = {
    **{name: getattr(cr, name) for name in _SAME.split() if hasattr(cr, name)},
    **{theirs: getattr(cr, ours) for ours, theirs in _RENAMED.items()},
    # Methods and operators
    "H": lambda x: cr.conj(x).T,
    "T": lambda x: x.T,
    "__getitem__": lambda x, index: x[index],
    "__radd__": lambda x, y: y + x,
    "__rand__": lambda x, y: y & x,
    "__rdiv__": lambda x, y: y / x,
    "__rmatmul__": lambda x, y: y @ x,
    "__rmod__": lambda x, y: y % x,
    "__rmul__": lambda x, y: y * x,
    "__ror__": lambda x, y: y | x,
    "__rpow__": lambda x, y: y**x,
    "__rsub__": lambda x, y: y - x,
    "__rxor__": lambda x, y: y ^ x,
    "item": lambda x: x.item(),
    "mH": lambda x: cr.conj(x).mT,
    "mT": lambda x: x.mT,
    "t": lambda x: x.T,
    "t_copy": lambda x: x.T,
    # Casts and copies
    "alias_copy": cr.copy,
    "bool": _cast("bool"),
    "byte": _cast("uint8"),
    "cdouble": _cast("complex128"),
    "cfloat": _cast("complex64"),
    "char": _cast("int8"),
    "clone": lambda x, memory_format=None: cr.copy(x),
    "contiguous": lambda x, memory_format=None: cr.copy(x),
    "double": _cast("float64"),
    "float": _cast("float32"),
    "half": _cast("float16"),
    "int": _cast("int32"),
    "long": _cast("int64"),
    "resolve_conj": cr.copy,
    "resolve_neg": cr.copy,
    "short": _cast("int16"),
    "to": _to,
    # Elementwise
    "add": lambda x, y, alpha=1: x + _times(alpha, y),
    "addcdiv": lambda x, a, b, *, value=1: x + value * a / b,
    "addcmul": lambda x, a, b, *, value=1: x + value * a * b,
    "clamp": lambda x, min=None, max=None: cr.clip(x, min, max),
    "clamp_max": lambda x, max: cr.clip(x, None, max),
    "clamp_min": lambda x, min: cr.clip(x, min, None),
    "complex": lambda x, y: x + 1j * y,
    "conj_physical": cr.conj,
    "div:floor_rounding": _divide,
    "div:no_rounding_mode": _divide,
    "div:trunc_rounding": _divide,
    "fill": lambda x, value: cr.full_like(x, value),
    "frac": lambda x: cr.modf(x)[0],
    "isclose": _isclose(np.isclose),
    "allclose": _isclose(np.allclose),
    "isneginf": np.isneginf,
    "isposinf": np.isposinf,
    "isreal": np.isreal,
    "lerp": lambda x, y, weight: x + weight * (y - x),
    "masked_fill": lambda x, mask, value: cr.where(mask, cr.astype(value, x.dtype), x),
    "max:binary": cr.maximum,
    "min:binary": cr.minimum,
    "nan_to_num": lambda x, nan=0.0, posinf=None, neginf=None: cr.nan_to_num(x, nan, posinf, neginf),
    "polar": lambda r, angle: r * cr.exp(1j * angle),
    "round": lambda x, decimals=0: cr.round(x, decimals=decimals),
    "round:decimals_0": lambda x, decimals=0: cr.round(x, decimals=decimals),
    "round:decimals_3": lambda x, decimals=0: cr.round(x, decimals=decimals),
    "round:decimals_neg_3": lambda x, decimals=0: cr.round(x, decimals=decimals),
    "rsqrt": lambda x: 1 / cr.sqrt(x),
    "rsub": lambda x, y, alpha=1: y - _times(alpha, x),
    "sgn": cr.sign,
    "sub": lambda x, y, alpha=1: x - _times(alpha, y),
    "true_divide": cr.divide,
    "where": lambda x, condition, y: cr.where(condition, x, y),
    "zero_": cr.zeros_like,
    # Reductions and statistics
    "all": _reduction(cr.all),
    "amax": _reduction(cr.max),
    "amin": _reduction(cr.min),
    "aminmax": lambda x, *, dim=None, keepdim=False: (
        _reduction(cr.min)(x, dim, keepdim),
        _reduction(cr.max)(x, dim, keepdim),
    ),
    "any": _reduction(cr.any),
    "argmax": _reduction(cr.argmax),
    "argmin": _reduction(cr.argmin),
    "bincount": lambda x, weights=None, minlength=0: cr.bincount(x, weights, minlength),
    "bucketize": lambda x, edges, *, out_int32=False, right=False: cr.astype(
        cr.searchsorted(edges, x, side="right" if right else "left"), "int32" if out_int32 else "int64"
    ),
    "cdist": lambda x, y, p=2.0, compute_mode=None: cr.linalg.vector_norm(
        x[..., :, None, :] - y[..., None, :, :], axis=-1, ord=p
    ),
    "corrcoef": cr.corrcoef,
    "count_nonzero": lambda x, dim=None: cr.count_nonzero(x, axis=_axes(x, dim)),
    "cov": lambda x, *, correction=1, fweights=None, aweights=None: cr.cov(
        x, ddof=correction, fweights=fweights, aweights=aweights
    ),
    "dist": lambda x, y, p=2: cr.linalg.vector_norm(x - y, ord=p),
    "histc": lambda x, bins=100, min=0, max=0: cr.astype(
        cr.histogram(x, bins, (min, max) if min != max else None)[0], x.dtype
    ),
    "histogram": _histogram,
    "isin": lambda x, values, *, assume_unique=False, invert=False: cr.isin(x, values, invert),
    "logsumexp": _reduction(cr.logsumexp),
    "equal": np.array_equal,
    "masked.amax": lambda x, *args, **kwargs: _masked(np.max, initial=_limits(x)[0])(x, *args, **kwargs),
    "masked.amin": lambda x, *args, **kwargs: _masked(np.min, initial=_limits(x)[1])(x, *args, **kwargs),
    "masked.mean": _masked(np.mean),
    "masked.prod": _masked(np.prod),
    "masked.sum": _masked(np.sum),
    "max:reduction_no_dim": _reduction(cr.max),
    "max:reduction_with_dim": _with_index(cr.max, cr.argmax),
    "mean": _reduction(cr.mean),
    "min:reduction_no_dim": _reduction(cr.min),
    "min:reduction_with_dim": _with_index(cr.min, cr.argmin),
    "median": _with_place(cr.quantile),
    "nanmean": _reduction(cr.nanmean),
    "nanmedian": _with_place(cr.nanquantile),
    "nanquantile": _quantile(cr.nanquantile),
    "nansum": _reduction(cr.nansum),
    "prod": _reduction(cr.prod),
    "quantile": _quantile(cr.quantile),
    "std": _spread(cr.std),
    "std:unbiased": lambda x, unbiased: cr.std(x, correction=int(unbiased)),
    "std_mean": _with_mean(cr.std),
    "std_mean:unbiased": lambda x, unbiased: (cr.std(x, correction=int(unbiased)), cr.mean(x)),
    "sum": _reduction(cr.sum),
    "trapezoid": lambda y, x=None, *, dx=1.0, dim=-1: cr.trapezoid(y, x, dx, dim),
    "trapz": lambda y, x=None, *, dx=1.0, dim=-1: cr.trapezoid(y, x, dx, dim),
    "unique": lambda x, *, sorted=True, return_inverse=False, return_counts=False, dim=None: np.unique(
        x, return_inverse=return_inverse, return_counts=return_counts, axis=dim
    ),
    "var": _spread(cr.var),
    "var:unbiased": lambda x, unbiased: cr.var(x, correction=int(unbiased)),
    "var_mean": _with_mean(cr.var),
    "var_mean:unbiased": lambda x, unbiased: (cr.var(x, correction=int(unbiased)), cr.mean(x)),
    # Sorting and running sums
    "nonzero": lambda x, *, as_tuple: cr.nonzero(cr.atleast_1d(x)) if as_tuple else cr.argwhere(x),
    "cummax": _extreme(cr.cumulative_max),
    "cummin": _extreme(cr.cumulative_min),
    "kthvalue": _kth,
    "argsort": lambda x, dim=-1, descending=False, stable=False: _sort(x, dim, descending)[1],
    "cumulative_trapezoid": _cumulative_trapezoid,
    "cumprod": _running(cr.cumulative_prod),
    "cumsum": _running(cr.cumulative_sum),
    "diff": _diff,
    "gradient": _gradient,
    "msort": lambda x: cr.sort(x, axis=0),
    "sort": _sort,
    "topk": _top,
    # Products
    "addbmm": _plus(lambda a, b: cr.einsum("bij,bjk->ik", a, b)),
    "addmm": _plus(cr.matmul),
    "addmm:decomposed": _plus(cr.matmul),
    "addmv": _plus(cr.matmul),
    "addr": _plus(cr.outer),
    "baddbmm": _plus(cr.matmul),
    "block_diag": lambda *xs: cr.linalg.block_diag(*xs),
    "bmm": cr.matmul,
    "cross": lambda x, y, dim=-1: cr.linalg.cross(x, y, axis=dim),
    "einsum": lambda xs, subscripts: cr.einsum(subscripts, *xs),
    "mm": cr.matmul,
    "mv": cr.matmul,
    "tensordot": lambda x, y, dims=2: cr.tensordot(x, y, axes=dims),
    # Shapes
    "atleast_1d": _each(cr.atleast_1d),
    "atleast_2d": _each(cr.atleast_2d),
    "atleast_3d": _each(cr.atleast_3d),
    "broadcast_tensors": cr.broadcast_arrays,
    "broadcast_to": cr.broadcast_to,
    "cartesian_prod": lambda *xs: (
        cr.stack([cr.ravel(x) for x in cr.meshgrid(*xs, indexing="ij")], axis=-1) if len(xs) > 1 else xs[0]
    ),
    "cat": lambda xs, dim=0: cr.concat(xs, axis=dim),
    "chunk": _chunks,
    "column_stack": cr.column_stack,
    "diag": lambda x, diagonal=0: cr.diag(x, diagonal),
    "diagflat": lambda x, offset=0: cr.diagflat(x, offset),
    "diagonal": lambda x, offset=0, dim1=0, dim2=1: x.diagonal(offset, dim1, dim2),
    "diagonal_copy": lambda x, offset=0, dim1=0, dim2=1: x.diagonal(offset, dim1, dim2),
    "dsplit": lambda x, parts: cr.dsplit(x, parts),
    "dstack": cr.dstack,
    "expand": _expand,
    "expand_as": lambda x, y: cr.broadcast_to(x, y.shape),
    "expand_copy": _expand,
    "flatten": _flatten,
    "flip": lambda x, dims: cr.flip(x, axis=dims),
    "hsplit": lambda x, parts: cr.hsplit(x, parts),
    "hstack": cr.hstack,
    "meshgrid:list_of_tensors": lambda xs, *, indexing="ij": cr.meshgrid(*xs, indexing=indexing),
    "meshgrid:variadic_tensors": lambda *xs, indexing="ij": cr.meshgrid(*xs, indexing=indexing),
    "movedim": lambda x, source, destination: cr.moveaxis(x, source, destination),
    "permute": lambda x, dims: cr.permute_dims(x, dims),
    "permute_copy": lambda x, dims: cr.permute_dims(x, dims),
    "repeat": lambda x, repeats: cr.tile(x, repeats),
    "repeat_interleave": lambda x, repeats, dim=None, *, output_size=None: np.repeat(x, repeats, axis=dim),
    "reshape": lambda x, shape: cr.reshape(x, shape),
    "reshape_as": lambda x, y: cr.reshape(x, y.shape),
    "roll": lambda x, shifts, dims=None: cr.roll(x, shifts, axis=dims),
    "rot90": lambda x, k=1, dims=(0, 1): cr.rot90(x, k, dims),
    "split": _parts,
    "split:list_args": _parts,
    "split_with_sizes": _parts,
    "split_with_sizes_copy": _parts,
    "squeeze": _squeeze,
    "squeeze:multiple": _squeeze,
    "squeeze_copy": _squeeze,
    "stack": lambda xs, dim=0: cr.stack(xs, axis=dim),
    "tensor_split": lambda x, parts, dim=0: cr.array_split(
        x, parts.tolist() if isinstance(parts, cr.Tensor) else parts, axis=dim
    ),
    "tile": lambda x, dims: cr.tile(x, dims),
    "transpose": _swap,
    "transpose_copy": _swap,
    "tril": lambda x, diagonal=0: cr.tril(x, k=diagonal),
    "triu": lambda x, diagonal=0: cr.triu(x, k=diagonal),
    "unbind": lambda x, dim=0: cr.unstack(x, axis=dim),
    "unbind_copy": lambda x, dim=0: cr.unstack(x, axis=dim),
    "unflatten": lambda x, dim, sizes: cr.reshape(x, (*x.shape[: dim % x.ndim], *sizes, *x.shape[dim % x.ndim + 1 :])),
    "unravel_index": lambda x, shape: cr.unravel_index(x, shape),
    "unsafe_chunk": _chunks,
    "unsafe_split": _parts,
    "unsqueeze": lambda x, dim: cr.expand_dims(x, axis=dim),
    "unsqueeze_copy": lambda x, dim: cr.expand_dims(x, axis=dim),
    "view": lambda x, shape: cr.reshape(x, shape),
    "view_as": lambda x, y: cr.reshape(x, y.shape),
    "view_as_complex": lambda x: x[..., 0] + 1j * x[..., 1],
    "view_as_real": lambda x: cr.stack([cr.real(x), cr.imag(x)], axis=-1),
    "view_copy": lambda x, shape: cr.reshape(x, shape),
    "vsplit": lambda x, parts: cr.vsplit(x, parts),
    "vstack": cr.vstack,
    # Gathering and scattering
    "gather": lambda x, dim, index: x[_grid(x, dim, index)] if x.ndim else cr.broadcast_to(x, index.shape),
    "index_add": _along(cr.add_at),
    "index_copy": _along(cr.set_at),
    "index_fill": _along(cr.set_at),
    "index_put": lambda x, index, values, accumulate=False: (cr.add_at if accumulate else cr.set_at)(
        x, tuple(index), values
    ),
    "index_select": lambda x, dim, index: cr.take(x, index, axis=dim) if x.ndim else x,
    "combinations": _combinations,
    "unfold": _unfold,
    "unfold_copy": _unfold,
    "masked_scatter": _masked_scatter,
    "masked_select": lambda x, mask: operator.getitem(*cr.broadcast_arrays(x, mask)),
    "narrow": lambda x, dim, start, length: x[_at(x, dim, slice(int(start), int(start) + length))],
    "narrow_copy": lambda x, dim, start, length: x[_at(x, dim, slice(int(start), int(start) + length))],
    "put": _put,
    "scatter": _scatter(cr.set_at),
    "scatter_add": _scatter(cr.add_at),
    "select": lambda x, dim, index: cr.take(x, index, axis=dim),
    "select_scatter": lambda x, source, dim, index: cr.set_at(x, _at(x, dim, index), source),
    "slice": lambda x, dim=0, start=None, end=None, step=1: x[_at(x, dim, slice(start, end, step))],
    "slice_scatter": lambda x, source, dim=0, start=None, end=None, step=1: cr.set_at(
        x, _at(x, dim, slice(start, end, step)), source
    ),
    "take": cr.take,
    "take_along_dim": lambda x, index, dim=None: (
        cr.take(x, cr.ravel(index)) if dim is None else cr.take_along_axis(x, index, axis=dim)
    ),
}

_ALL = ("float64", "complex128", "float32", "int64", "bool")
REFUSED: dict[str, str] = {
    **dict.fromkeys(
        [f"{op}-int64-{i}" for op, of in (("addmv", "135"), ("addbmm", "235"), ("baddbmm", "235")) for i in of],
        "of integers it takes the factors for integers too",
    ),
    **dict.fromkeys(("addr-bool-2", "addr-bool-3"), "numbers times booleans are booleans to it, numbers to NumPy"),
    **dict.fromkeys((f"cat-{dtype}-5" for dtype in _ALL), "it leaves out vectors of no elements, whatever the axis"),
    **dict.fromkeys(("clamp-float32-5", "clamp-float32-6"), "32 bits of integers and of others make 64 in NumPy"),
    **dict.fromkeys(("conj-bool", "conj_physical-bool", "H-bool", "mH-bool"), "NumPy's makes numbers of booleans"),
    **dict.fromkeys((f"gather-{dtype}-4" for dtype in _ALL), "its index has more axes than the array, and no elements"),
    **dict.fromkeys(("heaviside-bool", "heaviside-int64"), "NumPy's gives floating-point numbers"),
    **dict.fromkeys(
        (
            *("argsort-bool-0", "sort-bool-0", "median-int64-8", "median-int64-10"),
            *("nanmedian-int64-8", "nanmedian-int64-10"),
            *(f"{op}-int64-{i}" for op, n in (("kthvalue", 5), ("topk", 7)) for i in range(n)),
        ),
        "which of equal elements it finds is not said",
    ),
    "logaddexp-complex128": "NumPy's takes real numbers",
    **dict.fromkeys((f"__rpow__-int64-{i}" for i in range(8)), "NumPy has no negative powers of integers"),
    **dict.fromkeys((f"scatter-float32-{i}" for i in range(2, 27, 3)), "no function here multiplies at an index"),
    **dict.fromkeys(
        (f"scatter-{dtype}-{i}" for dtype in ("int64", "bool") for i in (16, 17)),
        "an error here: fractions put into integers",
    ),
    **dict.fromkeys(("sgn-bool", "sign-bool"), "NumPy's takes numbers"),
    "square-bool": "the product of two booleans is one in NumPy, a number in PyTorch",
    **dict.fromkeys((f"tensordot-{dtype}-2" for dtype in _ALL[:4]), "it broadcasts axes that it sums over"),
}
