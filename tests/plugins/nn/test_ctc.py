"""The loss of labels that are not aligned: in short floats, and where there are too few steps for them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import chainrule as cr

LABEL = [[1]]  # of the 9 ways through two steps of three classes, three are it: 1 1, 1 -, - 1


@pytest.mark.parametrize(
    ("dtype", "rtol"), [("float16", 1e-3), ("float32", 1e-6), ("float64", 1e-12), ("int32", 1e-12)]
)
def test_every_dtype(dtype: str, rtol: float) -> None:
    assert cr.nn.ctc_loss(cr.zeros((1, 2, 3), dtype=dtype), LABEL).item() == pytest.approx(math.log(3), rel=rtol)


@pytest.mark.parametrize(("dtype", "rtol"), [("float16", 2e-3), ("float32", 1e-5), ("float64", 1e-12)])
def test_gradient(dtype: str, rtol: float) -> None:
    """It is what softmax gives each class, less the share of the label's ways that pass it: 2/3 the label, 1/3 none."""
    gradient = cr.grad(lambda x: cr.nn.ctc_loss(x, LABEL))(cr.zeros((1, 2, 3), dtype=dtype))
    np.testing.assert_allclose(gradient.numpy(), [[[0.0, -1 / 3, 1 / 3]] * 2], rtol=rtol, atol=rtol)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_too_few_steps(dtype: str) -> None:
    logits = cr.zeros((1, 2, 3), dtype=dtype)
    assert cr.nn.ctc_loss(logits, [[1, 1]]).item() == math.inf
    loss, gradient = cr.value_and_grad(lambda x: cr.nn.ctc_loss(x, [[1, 1]], zero_infinity=True))(logits)
    assert loss.item() == 0.0
    np.testing.assert_array_equal(gradient.numpy(), np.zeros((1, 2, 3)))
