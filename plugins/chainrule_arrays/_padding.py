"""Arrays with borders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule import ArgumentError, ShapeError, Tensor, as_tensor, composite, fronts, infer, ops

Pairs = tuple[tuple[Any, Any], ...]


def _padded(x: Any, width: Pairs, **_: Any) -> Any:
    if x.shape is None:
        return x
    return infer.Spec(tuple(before + n + after for n, (before, after) in zip(x.shape, width, strict=True)), x.dtype)


@composite(name="pad", infer=_padded)
def _pad(x: Any, /, width: Pairs, mode: str = "constant", values: Any = None, reflect_type: str = "even") -> Any:
    """Axis by axis; `values` are the constants, the ends of ramps or the lengths of statistics."""
    for axis, (before, after) in enumerate(width):
        if before or after:
            given = None if values is None else values[axis]
            ends = _BORDERS[mode](x, axis, before, after, given, reflect_type)
            x = ops.concat([part for part in (ends[0], x, ends[1]) if part is not None], axis=axis)
    return x


def _slab(x: Any, axis: int, index: Any) -> Any:
    return x[(*[slice(None)] * axis, index)]


def _filled(x: Any, axis: int, n: int, value: Any) -> Any:
    """`n` elements of a value along an axis, None for none."""
    return ops.full_like(x, value, shape=(*x.shape[:axis], n, *x.shape[axis + 1 :])) if n else None


def _repeated(part: Any, axis: int, n: int) -> Any:
    """A slab of length 1 along an axis, `n` times; None for none."""
    return ops.broadcast_to(part, shape=(*part.shape[:axis], n, *part.shape[axis + 1 :])) if n else None


def _whole(x: Any, rounded: Callable[[Any], Any], dtype: Any) -> Any:
    """What was computed, in the dtype of the array: integers and booleans as NumPy makes them."""
    if x.dtype == dtype:
        return x
    if dtype.is_inexact:
        return ops.astype(x, dtype=dtype)
    return ops.astype(x if dtype.kind == "bool" else rounded(x), dtype=dtype)


def _constant(x: Any, axis: int, before: int, after: int, values: Any, _type: str) -> tuple[Any, Any]:
    low, high = values or (0, 0)
    return _filled(x, axis, before, low), _filled(x, axis, after, high)


def _edge(x: Any, axis: int, before: int, after: int, _values: Any, _type: str) -> tuple[Any, Any]:
    return _repeated(_slab(x, axis, slice(0, 1)), axis, before), _repeated(_slab(x, axis, slice(-1, None)), axis, after)


def _ramp(x: Any, axis: int, before: int, after: int, values: Any, _type: str) -> tuple[Any, Any]:
    low, high = values or (0, 0)
    parts = []
    for n, end, edge in ((before, low, slice(0, 1)), (after, high, slice(-1, None))):
        share = ops.reshape(ops.arange(n) / n if n else ops.arange(0), (-1, *[1] * (x.ndim - axis - 1)))
        ramp = end + (_slab(x, axis, edge) - end) * share
        parts.append(_whole(ramp, ops.floor, x.dtype))
    return parts[0] if before else None, ops.flip(parts[1], axis=axis) if after else None


def _statistic(name: str) -> Callable[..., tuple[Any, Any]]:
    def ends(x: Any, axis: int, before: int, after: int, lengths: Any, _type: str) -> tuple[Any, Any]:
        n = x.shape[axis]
        low, high = lengths or (n, n)
        parts = (slice(0, min(low, n)), slice(max(n - high, 0), n))
        found = [getattr(ops, name)(_slab(x, axis, part), axis=axis, keepdims=True) for part in parts]
        found = [_whole(part, ops.round, x.dtype) for part in found]
        return _repeated(found[0], axis, before), _repeated(found[1], axis, after)

    return ends


def _mirror(period: int, at: int, n: int) -> int:
    """The place in an array of `n` elements that a mirrored one shows at `at`."""
    at %= period
    return at if at < n else period - at - (0 if period == 2 * n - 2 else 1)


def _gathered(periods: Callable[[int], int], mirrored: bool) -> Callable[..., tuple[Any, Any]]:
    """Borders that show the array again: turned over at each end, or as it is."""

    def ends(x: Any, axis: int, before: int, after: int, _values: Any, kind: str) -> tuple[Any, Any]:
        n = x.shape[axis]
        if n == 0:
            raise ShapeError(f"pad: axis {axis} of shape {x.shape} has no elements to show again")
        if mirrored and kind == "odd":
            return _odd(x, axis, before, after, periods(n))
        period = max(periods(n), 1)
        places = [_mirror(period, at, n) if mirrored else at % n for at in range(-before, n + after)]
        left, right = places[:before], places[before + n :]
        return (_slab(x, axis, left) if left else None), (_slab(x, axis, right) if right else None)

    return ends


def _odd(x: Any, axis: int, before: int, after: int, period: int) -> tuple[Any, Any]:
    """Borders turned over through the point at each end: each time twice its value less the part turned over."""
    n = x.shape[axis]
    skip = 1 if period == 2 * n - 2 else 0
    step = n - skip
    if step == 0:
        return _edge(x, axis, before, after, None, "")
    made = x
    left = right = 0
    while left < before or right < after:
        first, last = _slab(made, axis, slice(0, 1)), _slab(made, axis, slice(-1, None))
        n_left, n_right = min(step, before - left), min(step, after - right)
        length = made.shape[axis]
        parts = [made]
        if n_left:
            parts.insert(0, 2 * first - ops.flip(_slab(made, axis, slice(skip, skip + n_left)), axis=axis))
        if n_right:
            stop = length - skip
            parts.append(2 * last - ops.flip(_slab(made, axis, slice(stop - n_right, stop)), axis=axis))
        made = ops.concat(parts, axis=axis)
        left, right = left + n_left, right + n_right
    whole = made.shape[axis]
    return _slab(made, axis, slice(0, before)), _slab(made, axis, slice(whole - after, whole))


_BORDERS: dict[str, Callable[..., tuple[Any, Any]]] = {
    "constant": _constant,
    "edge": _edge,
    "empty": _constant,
    "linear_ramp": _ramp,
    "maximum": _statistic("max"),
    "mean": _statistic("mean"),
    "median": _statistic("median"),
    "minimum": _statistic("min"),
    "reflect": _gathered(lambda n: 2 * n - 2, True),
    "symmetric": _gathered(lambda n: 2 * n, True),
    "wrap": _gathered(lambda n: n, False),
}


@fronts(_pad)
def pad(
    x: Any,
    pad_width: Any,
    mode: str = "constant",
    *,
    constant_values: Any = 0,
    end_values: Any = 0,
    stat_length: Any = None,
    reflect_type: str = "even",
) -> Tensor:
    """`x` with borders.

    Args:
        x: an array.
        pad_width: how wide they are: one number, a pair for before and after each axis, a pair for each axis, or a
            dictionary of such by axis.
        mode: `"constant"`; `"edge"`, the last element again; `"reflect"` and `"symmetric"`, the array turned over,
            without and with its last element; `"wrap"`, the array again; `"linear_ramp"`, from the last element to
            `end_values`; `"maximum"`, `"mean"`, `"median"` or `"minimum"` of the `stat_length` elements at that end,
            or of all; `"empty"`, zeros.
        constant_values, end_values, stat_length: numbers, or pairs as for `pad_width`.
        reflect_type: `"even"`, or `"odd"` for twice the last element less what is turned over.

    Derivatives: each element's share in the borders goes back to it.

    >>> import chainrule as cr
    >>> cr.pad(cr.tensor([1.0, 2.0, 3.0]), (2, 1), "reflect")
    Tensor([3., 2., 1., 2., 3., 2.], float64)
    """
    x = as_tensor(x)
    if mode not in _BORDERS:
        raise ArgumentError(
            f"pad: mode: expected one of {', '.join(_BORDERS)}, got {mode!r}; put borders of your own around it with "
            "cr.concat"
        )
    if reflect_type not in ("even", "odd"):
        raise ArgumentError(f"pad: reflect_type: expected 'even' or 'odd', got {reflect_type!r}")
    if isinstance(pad_width, dict):
        axes = {axis % x.ndim: width for axis, width in pad_width.items()}
        pad_width = [axes.get(axis, (0, 0)) for axis in range(x.ndim)]
        pad_width = [(width, width) if isinstance(width, int) else width for width in pad_width]
    width = _pairs("pad_width", pad_width, x.ndim)
    if any(n < 0 for pair in width for n in pair):
        raise ArgumentError(f"pad: pad_width: expected no negative numbers, got {pad_width!r}")
    values = {"constant": constant_values, "linear_ramp": end_values}.get(mode, stat_length)
    chosen = None if values is None or mode == "empty" else _pairs("values", values, x.ndim)
    result: Tensor = _pad(x, width=width, mode=mode, values=chosen, reflect_type=reflect_type)
    return result


def _pairs(name: str, given: Any, ndim: int) -> Pairs:
    """Numbers for both ends of each axis."""
    if type(given) is Tensor:
        raise ArgumentError(
            f"pad: {name}: expected numbers, got a tensor; put borders that depend on one around x with cr.concat"
        )
    given = given.tolist() if hasattr(given, "tolist") else given
    if not isinstance(given, list | tuple):
        return ((given, given),) * ndim
    parts = [part.tolist() if hasattr(part, "tolist") else part for part in given]
    if not any(isinstance(part, list | tuple) for part in parts):
        if len(parts) == 1:
            return ((parts[0], parts[0]),) * ndim
        parts = [parts]
    pairs = [tuple(part) * 2 if len(part) == 1 else tuple(part) for part in parts]
    if len(pairs) == 1:
        pairs *= ndim
    if len(pairs) != ndim or any(len(pair) != 2 for pair in pairs):
        raise ShapeError(f"pad: {name}: expected a number, a pair, or a pair for each of {ndim} axes, got {given!r}")
    return tuple(pairs)
