"""The kernels written against the array API, on a strict library whose arrays NumPy's functions cannot touch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_testing import Sample

from .every import EVERY

pytest.importorskip("array_api_strict", reason="array_api_strict is not installed; it is the strict library")


def parts(y: Any) -> list[Any]:
    """An operation's results."""
    return list(y) if isinstance(y, tuple) else [y]


def on(backend: str, sample: Sample) -> tuple[list[Any], list[Any]]:
    """The operation's results on a backend, and the gradients of the sum of their real part."""
    with cr.use_backend(backend):
        inputs = [cr.tensor(x) if isinstance(x, np.ndarray) else x for x in sample.inputs]
        results = parts(sample.run(*inputs))
        assert all(part.backend.name == backend for part in results)
        if not (sample.smooth and sample.wrt):
            return results, []

        def f(*xs: Any) -> Any:
            moved = list(inputs)
            for i, x in zip(sample.wrt, xs, strict=True):
                moved[i] = x
            return sum(cr.sum(cr.real(part)) for part in parts(sample.run(*moved)) if part.dtype.is_inexact)

        return results, list(cr.grad(f, argnums=range(len(sample.wrt)))(*(inputs[i] for i in sample.wrt)))


@pytest.mark.parametrize("samples", EVERY, ids=lambda samples: samples[0].op)
def test_agrees_with_numpy(samples: list[Sample]) -> None:
    for sample in samples:
        want = sample.expected(*sample.inputs)
        (_, theirs), (results, gradients) = on("numpy", sample), on("array_api_strict", sample)
        for part, expected in zip(results, parts(want), strict=True):
            assert part.shape == np.shape(expected)
            np.testing.assert_allclose(part.numpy(), expected, rtol=1e-12, atol=1e-13, err_msg=repr(sample))
        for g, w in zip(gradients, theirs, strict=True):
            assert g.dtype == w.dtype
            np.testing.assert_allclose(g.numpy(), w.numpy(), rtol=1e-10, atol=1e-12, err_msg=repr(sample))
