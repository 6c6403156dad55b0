"""Shape rules: dtypes, axes, and how many points there are along them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule import DTYPES, DTypeError, ShapeError, Spec, infer

Lengths = Sequence[Any] | None
Axes = tuple[int, ...] | None


def complex_result(x: Spec, s: Lengths, axes: Axes, norm: str) -> Spec:
    """Any numbers in, complex ones out."""
    _checked(x)
    return _over(x, f"complex{_bits(x) * 2}", s, axes)


def half_result(x: Spec, s: Lengths, axes: Axes, norm: str) -> Spec:
    """Real numbers in; out come the frequencies of the last axis that the others mirror."""
    _checked(x)
    if x.dtype.kind == "complex":
        raise DTypeError(f"expected real numbers, got {x.dtype}; cr.fft.fft and cr.fft.fftn take complex ones")
    return _over(x, f"complex{_bits(x) * 2}", s, axes, lambda n: n, lambda n: n // 2 + 1)


def real_result(x: Spec, s: Lengths, axes: Axes, norm: str) -> Spec:
    """The frequencies of the last axis in, of which the others are the mirror; real numbers out."""
    _checked(x)
    return _over(x, f"float{_bits(x)}", s, axes, lambda m: 2 * (m - 1), lambda n: n)


def _checked(x: Spec) -> None:
    """Refuse what is not of floating-point numbers of 32 bits or more."""
    if not x.dtype.is_inexact or _bits(x) < 32:
        raise DTypeError(
            f"expected floating-point numbers of at least 32 bits, got {x.dtype}; convert: cr.astype(x, 'float32')"
        )


def _bits(x: Spec) -> int:
    """How many bits a real number of the precision has."""
    return int(infer.real(x).dtype.bits)


def _over(x: Spec, dtype: str, s: Lengths, axes: Axes, usual: Any = lambda n: n, result: Any = lambda n: n) -> Spec:
    """The rule of all transforms.

    Args:
        x: what is transformed.
        dtype: of the result.
        s: how many points along each axis, or None.
        axes: the axes, or None.
        usual: how many points there are along the last axis if nobody says, by its length.
        result: how many elements the result has along it, by the number of points.
    """
    if x.shape is None:
        return Spec(None, DTYPES[dtype])
    shape = list(x.shape)
    found = infer.as_axes(axes, len(shape))
    if not found:
        raise ShapeError(f"expected an axis to transform along, got shape {x.shape} and axes {axes}")
    if s is not None and len(s) != len(found):
        raise ShapeError(f"s: expected a length for each of {len(found)} axes, got {tuple(s)}")
    for i, axis in enumerate(found):
        last = i == len(found) - 1
        have = shape[axis]
        if s is not None:
            have = s[i]
        elif have is not None and last:
            have = usual(have)
        if isinstance(have, int) and have < 1:
            raise ShapeError(f"expected at least 1 point along axis {axis}, got {have}")
        shape[axis] = result(have) if have is not None and last else have
    return Spec(tuple(shape), DTYPES[dtype])
