"""Samples of Fourier transforms, for the checks that are generated for every operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule_testing._samples import Samples, case, real

_LENGTHS = ((4, None), (5, None), (1, None), (4, 6), (6, 3), (5, 4))  # even and odd; padded and cropped
_FREQUENCIES = ((3, None), (3, 5), (1, 1), (2, 7), (4, 4))
_NORMS = ("backward", "ortho", "forward")


def _along(transform: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's transform over one axis, with the attributes of the operation."""
    return lambda x, s, axes, norm: transform(x, None if s is None else s[0], axes[0], norm)


def _single(transform: Callable[..., Any], lengths: Any, **options: Any) -> Samples:
    cases = [
        case(real(length), s=None if n is None else (n,), axes=(-1,), norm=_NORMS[i % 3])
        for i, (length, n) in enumerate(lengths)
    ]
    cases.append(case(real(2, 3, 2), s=(4,), axes=(1,), norm="backward"))
    cases.append(case(real(0, 4), s=None, axes=(-1,), norm="ortho"))
    return Samples(_along(transform), cases, fronted=True, integers=False, **options)


def _several(transform: Callable[..., Any], **options: Any) -> Samples:
    cases = [
        case(real(3, 2, 4), s=None, axes=None, norm="forward"),
        case(real(2, 3, 4), s=(3, 5), axes=(0, -2), norm="backward"),
        case(real(3, 4), s=(2, 7), axes=(1, 0), norm="ortho"),
        case(real(0, 2, 3), s=None, axes=(1, 2), norm="ortho"),
    ]
    return Samples(transform, cases, fronted=True, integers=False, **options)


SAMPLES: dict[str, Samples] = {
    "fft.fft": _single(np.fft.fft, _LENGTHS, complex=True),
    "fft.ifft": _single(np.fft.ifft, _LENGTHS, complex=True),
    "fft.fftn": _several(np.fft.fftn, complex=True),
    "fft.ifftn": _several(np.fft.ifftn, complex=True),
    "fft.rfft": _single(np.fft.rfft, _LENGTHS),
    "fft.irfft": _single(np.fft.irfft, _FREQUENCIES, complex=True),
    "fft.rfftn": _several(np.fft.rfftn),
    "fft.irfftn": _several(np.fft.irfftn, complex=True),
    "fft.hfft": _single(np.fft.hfft, _FREQUENCIES, complex=True),
    "fft.ihfft": _single(np.fft.ihfft, _LENGTHS),
}
