"""Which frequencies a transform's results belong to, and 0 moved to the middle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule import Tensor, as_tensor, default_dtype, infer, ops, tensor


def fftfreq(n: int, d: float = 1.0, dtype: Any = None, device: str | None = None) -> Tensor:
    """The frequencies of `fft` of `n` points, in cycles per unit of `d`: 0 and the positive ones, then the negative.

    Args:
        n: how many points.
        d: the distance between them.
        dtype: of the result, the default dtype by itself.
        device: where it is, of the backend in force.

    >>> import chainrule as cr
    >>> cr.fft.fftfreq(4, d=0.5)
    Tensor([ 0. ,  0.5, -1. , -0.5], float64)
    """
    return _spaced([*range((n + 1) // 2), *range(-(n // 2), 0)], n * d, dtype, device)


def rfftfreq(n: int, d: float = 1.0, dtype: Any = None, device: str | None = None) -> Tensor:
    """The frequencies of `rfft` of `n` points, from 0 up. Arguments as of `fftfreq`.

    >>> import chainrule as cr
    >>> cr.fft.rfftfreq(5)
    Tensor([0. , 0.2, 0.4], float64)
    """
    return _spaced(range(n // 2 + 1), n * d, dtype, device)


def _spaced(numbers: Sequence[int], span: float, dtype: Any, device: str | None) -> Tensor:
    return tensor([k / span for k in numbers], dtype=dtype or default_dtype(), device=device)


def fftshift(x: Any, axes: int | Sequence[int] | None = None) -> Tensor:
    """`x` with the frequency 0 in the middle of the axes, all by default, and the negative ones before it.

    Derivative: `ifftshift` of the cotangent.

    >>> import chainrule as cr
    >>> cr.fft.fftshift(cr.fft.fftfreq(5, d=0.2))
    Tensor([-2., -1.,  0.,  1.,  2.], float64)
    """
    return _shifted(x, axes, lambda n: n // 2)


def ifftshift(x: Any, axes: int | Sequence[int] | None = None) -> Tensor:
    """The inverse of `fftshift`; of an odd length another.

    Derivative: `fftshift` of the cotangent.

    >>> import chainrule as cr
    >>> cr.fft.ifftshift([-2.0, -1.0, 0.0, 1.0, 2.0])
    Tensor([ 0.,  1.,  2., -2., -1.], float64)
    """
    return _shifted(x, axes, lambda n: -(n // 2))


def _shifted(x: Any, axes: Any, shift: Any) -> Tensor:
    x = as_tensor(x)
    over = infer.as_axes(axes if axes is None or isinstance(axes, int) else tuple(axes), x.ndim)
    shifted: Tensor = ops.roll(x, shift=tuple(shift(x.shape[axis]) for axis in over), axis=over)
    return shifted
