"""The transforms as operations.

All have the attributes `s`, how many points there are along each axis (None for all), `axes` (None for all) and `norm`;
those over one axis have tuples of one. They are linear, and their gradients are their adjoints: up to the scale that of
a transform is its inverse; besides, what was cropped gets 0, what was padded is cropped, and a frequency that stands
for two counts twice, or half the other way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from chainrule import infer, op, ops
from chainrule_fft._kernels import generic
from chainrule_fft._rules import complex_result, half_result, real_result

Gradient = Callable[..., Any]
OPPOSITE: Final[Mapping[str, str]] = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


def _transform(name: str, takes: str, rule: Callable[..., Any], gradient: Gradient) -> Any:
    """An operation, by its name in a namespace's `fft`, what that takes, the shape rule and the gradient."""
    holomorphic = rule is complex_result
    full = f"fft.{name}"
    define = op(rule, gradient, name=full, requires=(full,), linear="joint", holomorphic=holomorphic)
    return define(generic(name, takes, rule))


def _symmetric(name: str) -> Gradient:
    """The textbook formula of a complex transform: its matrix is symmetric."""

    def gradient(g: Any, _y: Any, _x: Any, s: Any, axes: Any, norm: str) -> Any:
        return _fitted(TRANSFORMS[name](g, None, axes, norm), _x, axes)

    return gradient


def _of_half(inverse: str) -> Gradient:
    """That of a transform of real points, by the one back: `irfft` doubles what stands for two, and must not here."""

    def gradient(g: Any, _y: Any, _x: Any, s: Any, axes: Any, norm: str) -> Any:
        over = infer.as_axes(axes, _x.ndim)
        lengths = tuple(s or [_x.shape[axis] for axis in over])
        g = _scaled(g, over, lengths[-1], 0.5)
        return _fitted(TRANSFORMS[inverse](g, lengths, over, OPPOSITE[norm]), _x, over)

    return gradient


def _to_whole(inverse: str) -> Gradient:
    """That of a transform to real points, by the one back; imaginary parts that are ignored get 0 by themselves."""

    def gradient(g: Any, _y: Any, _x: Any, s: Any, axes: Any, norm: str) -> Any:
        n = g.shape[infer.as_axes(axes, g.ndim)[-1]]
        z = _scaled(TRANSFORMS[inverse](g, None, axes, OPPOSITE[norm]), axes, n, 2.0)
        z = _fitted(z, _x, axes)
        return z if _x.dtype.kind == "complex" else ops.real(z)

    return gradient


TRANSFORMS: Final[Mapping[str, Any]] = {
    name: _transform(name, *row)
    for name, row in {
        "fft": ("complex", complex_result, _symmetric("fft")),
        "ifft": ("complex", complex_result, _symmetric("ifft")),
        "fftn": ("complex", complex_result, _symmetric("fftn")),
        "ifftn": ("complex", complex_result, _symmetric("ifftn")),
        "rfft": ("real", half_result, _of_half("irfft")),
        "irfft": ("complex", real_result, _to_whole("rfft")),
        "rfftn": ("real", half_result, _of_half("irfftn")),
        "irfftn": ("complex", real_result, _to_whole("rfftn")),
        "hfft": ("complex", real_result, _to_whole("ihfft")),
        "ihfft": ("real", half_result, _of_half("hfft")),
    }.items()
}


def _scaled(z: Any, axes: Any, n: int, factor: float) -> Any:
    """Half the frequencies of `n` real points, where those scaled that stand for two: all but 0 and `n / 2`."""
    axis = infer.as_axes(axes, z.ndim)[-1]
    middle = (n + 1) // 2
    parts = [_cut(z, axis, None, 1), factor * _cut(z, axis, 1, middle), _cut(z, axis, middle, None)]
    return ops.concat([part for part in parts if part.shape[axis]], axis=axis)


def _fitted(z: Any, like: Any, axes: Any) -> Any:
    """Cropped, or padded with zeros at the end, to the lengths of another array along some axes."""
    for axis in infer.as_axes(axes, z.ndim):
        have, want = z.shape[axis], like.shape[axis]
        if have > want:
            z = _cut(z, axis, None, want)
        elif have < want:
            shape = (*z.shape[:axis], want - have, *z.shape[axis + 1 :])
            z = ops.concat([z, ops.full_like(z, 0, shape=shape)], axis=axis)
    return z


def _cut(z: Any, axis: int, start: int | None, stop: int | None) -> Any:
    return z[(slice(None),) * axis + (slice(start, stop),)]
