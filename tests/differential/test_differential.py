"""Operations against PyTorch and JAX: values, first and second derivatives in 64 bits, at the kit's samples.

On request, `nox -s differential`. What a library cannot do at all has its reason in `REFUSED`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_testing import Sample, Samples, _engine

from .comparing import Jax, Ours, Torch, random_like

for library in ("jax", "torch"):
    pytest.importorskip(library, reason=f"{library} is not installed; nox -s differential installs it")

from .jax_functions import FUNCTIONS as JAX  # noqa: E402  # once it is known to be there
from .pytorch_functions import FUNCTIONS as PYTORCH  # noqa: E402  # as above

SAMPLES: dict[str, Samples] = {}
for plugin in cr.plugins():
    SAMPLES |= _engine.samples_of(plugin)
AT_MOST = 3  # samples of an operation on JAX, which compiles each
REFUSED = {
    **dict.fromkeys(
        (
            *("pytorch-fft.fft-7", "pytorch-fft.fftn-3", "pytorch-fft.hfft-6", "pytorch-fft.ifft-7"),
            *("pytorch-fft.ifftn-3", "pytorch-fft.ihfft-7", "pytorch-fft.irfft-6", "pytorch-fft.rfft-7"),
        ),
        "its transforms of no elements fail",
    ),
    "jax-permute_dims-2": "it takes no negative axes",
    "jax-special.betainc-0": "it has no derivative by the shapes",
    **dict.fromkeys(
        ("jax-special.gammainc-0", "jax-special.gammaincc-0"), "its derivative by the shape cannot be derived again"
    ),
    **dict.fromkeys(("pytorch-special.gammainc-0", "pytorch-special.gammaincc-0"), "it has no derivative by the shape"),
    "jax-special.exp1-0": "its derivative cannot be derived again",
    "jax-special.spence-0": "its derivative above 1 is NaN",
    "pytorch-logsumexp-6": "it takes no axes at all for all of them",
    "pytorch-remainder-8": "its remainder of a number by an array has no derivative",
}


def cases() -> list[Any]:
    """A sample of an operation, the library, and its function, for each that there is."""
    found = []
    for library, make, functions in (("jax", Jax, JAX), ("pytorch", Torch, PYTORCH)):
        for op, function in sorted(functions.items()):
            calls = SAMPLES[op].calls(op)
            for sample in calls if library == "pytorch" else calls[:AT_MOST]:
                name = f"{library}-{sample}"
                marks = [pytest.mark.skip(reason=f"{library}: {REFUSED[name]}")] if name in REFUSED else []
                found.append(pytest.param(sample, make, function, id=name, marks=marks))
    return found


def test_there_are_two_hundred_operations() -> None:
    assert len({*JAX, *PYTORCH}) >= 200


@pytest.mark.parametrize(("sample", "make", "function"), cases())
def test_values_and_derivatives(sample: Sample, make: Any, function: Callable[..., Any]) -> None:
    ours, theirs = Ours(sample), make(sample, function)
    values = ours.value()
    for found, expected in zip(values, theirs.value(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)
    if sample.wrt and sample.smooth:
        weights = [random_like(y, f"weights {i}") for i, y in enumerate(values)]
        directions = [random_like(sample.inputs[i], f"direction {i}") for i in sample.wrt]
        pairs = zip(ours.derivatives(weights, directions), theirs.derivatives(weights, directions), strict=True)
        for order, (found, expected) in enumerate(pairs, 1):
            for a, b in zip(found, expected, strict=True):
                scale = float(np.max(np.abs(b), initial=1.0))
                np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9 * scale, err_msg=f"derivative {order}")
