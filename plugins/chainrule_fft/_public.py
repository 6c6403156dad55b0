"""The public functions: over one axis, over several, over the last two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule import ArgumentError, Dim, ShapeError, Tensor, as_tensor, default_dtype, fronts, ops
from chainrule_fft._transforms import OPPOSITE, TRANSFORMS

Axes = Sequence[int] | None


def _along(name: str, x: Any, n: Any, axis: int, norm: str | None) -> Tensor:
    """A transform over one axis."""
    result: Tensor = TRANSFORMS[name](
        _floating(x), None if n is None else (_length(name, n),), (axis,), _norm(name, norm)
    )
    return result


def _over(name: str, x: Any, s: Any, axes: Axes, norm: str | None) -> Tensor:
    """A transform over several axes; lengths without axes are those of the last ones."""
    x = _floating(x)
    over = None if axes is None else tuple(axes)
    if s is not None:
        over = tuple(range(-len(s), 0)) if over is None else over
        if len(s) != len(over):
            raise ShapeError(f"fft.{name}: s: expected a length for each of {len(over)} axes, got {s!r}")
        s = tuple(x.shape[axis] if n == -1 else _length(name, n) for n, axis in zip(s, over, strict=True))
    result: Tensor = TRANSFORMS[name](x, s, over, _norm(name, norm))
    return result


def _floating(x: Any) -> Tensor:
    y: Tensor = as_tensor(x)
    return y if y.dtype.is_inexact else ops.astype(y, dtype=default_dtype())


def _length(name: str, n: Any) -> Any:
    try:
        return n if type(n) is Dim else int(n.__index__())
    except AttributeError:
        raise ArgumentError(f"fft.{name}: expected an integer as the number of points, got {n!r}") from None


def _norm(name: str, norm: Any) -> str:
    if norm not in (None, "backward", "ortho", "forward"):
        raise ArgumentError(f"fft.{name}: norm: expected 'backward', 'ortho' or 'forward', got {norm!r}")
    return norm or "backward"


@fronts(TRANSFORMS["fft"])
def fft(x: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """The discrete Fourier transform over an axis: `sum(x[t] * exp(-2i pi k t / n))` for each `k` below `n`.

    Args:
        x: an array of real or complex numbers, in 32 bits or more; integers are computed in the default dtype.
        n: how many points there are: `x` is cropped to them or padded with zeros. All that `x` has, by default.
        axis: the axis.
        norm: what divides by the number of points: `"backward"`, the default, inverse transforms; `"forward"` the
            others; `"ortho"` both, by its square root.

    Returns:
        Complex numbers; shape of `x`, with `n` along the axis.

    Raises:
        ShapeError: there is no such axis, or no point along it.
        ArgumentError: there is no such norm.

    Derivative: the same transform of the cotangent (the engine conjugates), cropped or padded to the shape of `x`.

    >>> import chainrule as cr
    >>> cr.real(cr.fft.fft([1.0, 0.0, 0.0, 1.0]))
    Tensor([2., 1., 0., 1.], float64)
    """
    return _along("fft", x, n, axis, norm)


@fronts(TRANSFORMS["ifft"])
def ifft(x: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `fft`: `sum(x[k] * exp(2i pi k t / n)) / n` for each `t` below `n`. Arguments as of `fft`.

    Derivative: the same transform of the cotangent (the engine conjugates), cropped or padded to the shape of `x`.

    >>> import chainrule as cr
    >>> cr.real(cr.fft.ifft([4.0, 0.0, 0.0, 0.0]))
    Tensor([1., 1., 1., 1.], float64)
    """
    return _along("ifft", x, n, axis, norm)


@fronts(TRANSFORMS["rfft"])
def rfft(x: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """The first `n // 2 + 1` results of `fft`, for real numbers; the others are their mirror. Arguments as of `fft`.

    Derivative: `irfft` of the cotangent with the opposite `norm`, where all but the frequencies 0 and `n / 2` are
    halved.

    >>> import chainrule as cr
    >>> cr.fft.rfft([1.0, 2.0, 3.0]).shape
    (2,)
    """
    return _along("rfft", x, n, axis, norm)


@fronts(TRANSFORMS["irfft"])
def irfft(x: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `rfft`, real: of the first `n // 2 + 1` frequencies, where the others are their mirror.

    Imaginary parts of the frequencies 0 and, for even `n`, `n / 2` are ignored: they get 0 as gradients.

    Args:
        x: frequencies; more than `n // 2 + 1` are cropped, fewer padded with zeros.
        n: how many real points result; `2 * (m - 1)` by default, where `m` is the length of `x`: for an odd number it
            has to be said.
        axis, norm: as of `fft`.

    Derivative: `rfft` of the cotangent with the opposite `norm`, where all but the frequencies 0 and `n / 2` count
    twice.

    >>> import chainrule as cr
    >>> cr.fft.irfft(cr.fft.rfft([1.0, 2.0, 3.0]), n=3)
    Tensor([1., 2., 3.], float64)
    """
    return _along("irfft", x, n, axis, norm)


@fronts(TRANSFORMS["hfft"])
def hfft(x: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """`fft` of points of which the second half mirrors the first, which is given; its result is real.

    Args:
        x: the first `n // 2 + 1` points.
        n, axis, norm: as of `irfft`; it is `"forward"` that divides by the number of points.

    Derivative: `ihfft` of the cotangent with the opposite `norm`, where all but the points 0 and `n / 2` count twice.

    >>> import chainrule as cr
    >>> cr.fft.hfft([1.0, 2.0, 3.0])
    Tensor([ 8., -2.,  0., -2.], float64)
    """
    return _along("hfft", x, n, axis, norm)


@fronts(TRANSFORMS["ihfft"])
def ihfft(x: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `hfft`: the first `n // 2 + 1` results of `ifft`, for real numbers. Arguments as of `fft`.

    Derivative: `hfft` of the cotangent with the opposite `norm`, where all but the points 0 and `n / 2` are halved.

    >>> import chainrule as cr
    >>> cr.real(cr.fft.ihfft([8.0, -2.0, 0.0, -2.0]))
    Tensor([1., 2., 3.], float64)
    """
    return _along("ihfft", x, n, axis, norm)


@fronts(TRANSFORMS["fftn"])
def fftn(x: Any, s: Any = None, axes: Axes = None, norm: str | None = None) -> Tensor:
    """`fft` over several axes.

    Args:
        x: as of `fft`.
        s: how many points there are along each axis: `x` is cropped to them or padded with zeros; -1 is for all.
        axes: the axes; all by default, or the last ones if `s` is given.
        norm: as of `fft`, by the product of the lengths.

    Derivative: the same transform of the cotangent (the engine conjugates), cropped or padded to the shape of `x`.

    >>> import chainrule as cr
    >>> cr.real(cr.fft.fftn(cr.ones((2, 2))))
    Tensor([[4., 0.],
            [0., 0.]], float64)
    """
    return _over("fftn", x, s, axes, norm)


@fronts(TRANSFORMS["ifftn"])
def ifftn(x: Any, s: Any = None, axes: Axes = None, norm: str | None = None) -> Tensor:
    """`ifft` over several axes: the inverse of `fftn`, with its arguments and its derivative.

    >>> import chainrule as cr
    >>> cr.real(cr.fft.ifftn([[4.0, 0.0], [0.0, 0.0]]))
    Tensor([[1., 1.],
            [1., 1.]], float64)
    """
    return _over("ifftn", x, s, axes, norm)


@fronts(TRANSFORMS["rfftn"])
def rfftn(x: Any, s: Any = None, axes: Axes = None, norm: str | None = None) -> Tensor:
    """`rfft` over the last of the axes, then `fft` over the others. Arguments as of `fftn`.

    Derivative: `irfftn` of the cotangent, as that of `rfft`.

    >>> import chainrule as cr
    >>> cr.fft.rfftn(cr.ones((4, 5))).shape
    (4, 3)
    """
    return _over("rfftn", x, s, axes, norm)


@fronts(TRANSFORMS["irfftn"])
def irfftn(x: Any, s: Any = None, axes: Axes = None, norm: str | None = None) -> Tensor:
    """`ifft` over all axes but the last, then `irfft` over that: the inverse of `rfftn`. Arguments as of `fftn`.

    Derivative: `rfftn` of the cotangent, as that of `irfft`.

    >>> import chainrule as cr
    >>> cr.fft.irfftn(cr.fft.rfftn(cr.ones((2, 3))), s=(2, 3))
    Tensor([[1., 1., 1.],
            [1., 1., 1.]], float64)
    """
    return _over("irfftn", x, s, axes, norm)


def fft2(x: Any, s: Any = None, axes: Axes = (-2, -1), norm: str | None = None) -> Tensor:
    """`fftn` over two axes, the last ones by default."""
    return fftn(x, s, axes, norm)


def ifft2(x: Any, s: Any = None, axes: Axes = (-2, -1), norm: str | None = None) -> Tensor:
    """`ifftn` over two axes, the last ones by default."""
    return ifftn(x, s, axes, norm)


def rfft2(x: Any, s: Any = None, axes: Axes = (-2, -1), norm: str | None = None) -> Tensor:
    """`rfftn` over two axes, the last ones by default."""
    return rfftn(x, s, axes, norm)


def irfft2(x: Any, s: Any = None, axes: Axes = (-2, -1), norm: str | None = None) -> Tensor:
    """`irfftn` over two axes, the last ones by default."""
    return irfftn(x, s, axes, norm)


def hfftn(x: Any, s: Any = None, axes: Axes = None, norm: str | None = None) -> Tensor:
    """`fft` over all axes but the last, then `hfft` over that: of points that mirror each other, as `fftn`.

    It is `irfftn` of the conjugates with the opposite `norm`; so is its derivative.

    >>> import chainrule as cr
    >>> cr.fft.hfftn([[1.0, 2.0], [3.0, 4.0]])
    Tensor([[10., -2.],
            [-4.,  0.]], float64)
    """
    return irfftn(ops.conj(as_tensor(x)), s, axes, OPPOSITE[_norm("hfftn", norm)])


def ihfftn(x: Any, s: Any = None, axes: Axes = None, norm: str | None = None) -> Tensor:
    """`ihfft` over the last of the axes, then `ifft` over the others: the inverse of `hfftn`. Arguments as of `fftn`.

    It is the conjugate of `rfftn` with the opposite `norm`; so is its derivative.

    >>> import chainrule as cr
    >>> cr.real(cr.fft.ihfftn([[10.0, -2.0], [-4.0, 0.0]]))
    Tensor([[1., 2.],
            [3., 4.]], float64)
    """
    result: Tensor = ops.conj(rfftn(x, s, axes, OPPOSITE[_norm("ihfftn", norm)]))
    return result


def hfft2(x: Any, s: Any = None, axes: Axes = (-2, -1), norm: str | None = None) -> Tensor:
    """`hfftn` over two axes, the last ones by default."""
    return hfftn(x, s, axes, norm)


def ihfft2(x: Any, s: Any = None, axes: Axes = (-2, -1), norm: str | None = None) -> Tensor:
    """`ihfftn` over two axes, the last ones by default."""
    return ihfftn(x, s, axes, norm)
