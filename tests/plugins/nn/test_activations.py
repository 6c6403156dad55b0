"""Activations far from 0: derivatives keep their digits where values are almost flat or huge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

import chainrule as cr

PHI, DENSITY = stats.norm.cdf, stats.norm.pdf
# What, where, and its first and second derivative there, by closed forms.
FAR: dict[str, tuple[Callable[..., Any], float, Any, Any]] = {
    "elu": (cr.nn.elu, -60.0, np.exp(-60.0), np.exp(-60.0)),
    "celu": (lambda x: cr.nn.celu(x, 2.0), -90.0, np.exp(-45.0), np.exp(-45.0) / 2),
    "gelu": (cr.nn.gelu, -12.0, PHI(-12.0) - 12.0 * DENSITY(12.0), (2 - 144.0) * DENSITY(12.0)),
    "log_sigmoid": (cr.nn.log_sigmoid, 50.0, special.expit(-50.0), -special.expit(-50.0)),
    "log_sigmoid-low": (cr.nn.log_sigmoid, -800.0, 1.0, 0.0),
    "silu": (cr.nn.silu, -50.0, -49.0 * np.exp(-50.0), -48.0 * np.exp(-50.0)),
    "mish": (cr.nn.mish, 800.0, 1.0, 0.0),
    "softsign": (cr.nn.softsign, 1e8, (1 + 1e8) ** -2.0, -2 * (1 + 1e8) ** -3.0),
    "tanh_shrink": (cr.nn.tanh_shrink, 1e-6, 1e-12, 2e-6),
    "log_cosh_loss": (lambda x: cr.nn.log_cosh_loss(x, 0.0), 1e-6, 1e-6, 1.0),
    "log_cosh_loss-far": (lambda x: cr.nn.log_cosh_loss(x, 0.0), -900.0, -1.0, 0.0),
    "binary_cross_entropy_with_logits": (
        lambda x: cr.nn.binary_cross_entropy_with_logits(x, 0.0),
        -50.0,
        special.expit(-50.0),
        special.expit(-50.0),
    ),
}


@pytest.mark.parametrize("name", FAR)
def test_far_from_zero(name: str) -> None:
    f, x, first, second = FAR[name]
    np.testing.assert_allclose(cr.grad(f)(x), first, rtol=1e-9)
    np.testing.assert_allclose(cr.grad(cr.grad(f))(x), second, rtol=1e-8, atol=1e-300)


def test_corners() -> None:
    """A slope that jumps is that of the side nearer to 0."""
    for f, x, slope in (
        (cr.nn.relu6, 0.0, 0.0),
        (cr.nn.relu6, 6.0, 0.0),
        (cr.nn.leaky_relu, 0.0, 0.01),
        (cr.nn.elu, 0.0, 1.0),
        (cr.nn.hard_tanh, 1.0, 0.0),
        (cr.nn.soft_shrink, 0.5, 0.0),
        (cr.nn.l1_loss, 0.0, 0.0),
    ):
        given = (x, 0.0) if f is cr.nn.l1_loss else (x,)
        assert float(cr.grad(f)(*given)) == slope


def test_by_name() -> None:
    """Each is one operation, which overrides and explanations find."""
    with cr.override_gradients({"nn.gelu": lambda g, _y, _x, approximate: 7.0 * g}):
        assert float(cr.grad(cr.nn.gelu)(1.0)) == 7.0
    with cr.override_gradients({"nn.mse_loss": (lambda g, _y, a, _b: g * a, None)}):
        np.testing.assert_array_equal(cr.grad(cr.nn.mse_loss)(np.array([2.0, 4.0]), 1.0), [1.0, 2.0])
    x = cr.Variable(1.0)
    with cr.GradientTape():
        y = cr.nn.gelu(x)
    assert "nn.gelu" in str(cr.explain_gradients(y, x))


def test_reductions_and_weights() -> None:
    a, w = np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.0, 3.0])
    squares = a**2
    np.testing.assert_array_equal(cr.nn.mse_loss(a, 0.0, reduction="none").numpy(), squares)
    np.testing.assert_allclose(float(cr.nn.mse_loss(a, 0.0, weights=w)), np.sum(squares * w) / 4.0)
    np.testing.assert_allclose(float(cr.nn.mse_loss(a, 0.0, weights=w, reduction="sum")), np.sum(squares * w))
    assert cr.nn.mse_loss(a.astype("float32"), 0.0, weights=w).dtype == "float32"
    rows = -special.log_softmax(np.eye(3), axis=1)
    weighted = cr.nn.cross_entropy(np.eye(3), np.array([0, 1, 1]), weights=[1.0, 2.0, 3.0], ignore_index=0)
    np.testing.assert_allclose(float(weighted), (2.0 * rows[1, 1] + 3.0 * rows[2, 1]) / 5.0)


def test_refusals() -> None:
    with pytest.raises(cr.ArgumentError, match=r"nn.mse_loss: reduction: expected 'mean', 'sum' or 'none', got 'avg'"):
        cr.nn.mse_loss(1.0, 0.0, reduction="avg")
    with pytest.raises(cr.ArgumentError, match="label_smoothing: expected a number from 0 to 1, got 2"):
        cr.nn.cross_entropy(np.eye(2), [0, 1], label_smoothing=2)
    with pytest.raises(cr.ArgumentError, match="ignore_index: goes with class numbers, and labels are float64"):
        cr.nn.cross_entropy(np.eye(2), np.eye(2), ignore_index=0)
    with pytest.raises(cr.ShapeError, match=r"nn.glu.*: x: expected an even length along axis -1, got shape \(3,\)"):
        cr.nn.glu(np.ones(3))
    with pytest.raises(cr.ShapeError, match=r"nn.nll_loss.*labels of shape \(3,\) do not fit .* of shape \(2, 2\)"):
        cr.nn.nll_loss(np.eye(2), [0, 1, 1])
    with pytest.raises(cr.ShapeError, match=r"nn.group_norm.* has 3 channels, not a multiple of 2 groups"):
        cr.nn.group_norm(np.ones((1, 2, 3)), 2)
    with pytest.raises(cr.ShapeError, match=r"nn.fold.*windows of size \(4,\) are of shape \(1, 3, 2, 1\)"):
        cr.nn.fold(np.ones((1, 5, 2, 1)), 4, 2)
    with pytest.raises(cr.ArgumentError, match=r"resize: method: expected one of 'nearest', .* got 'areas'"):
        cr.nn.resize(np.ones((1, 2, 1)), 3, "areas")
    with pytest.raises(cr.ArgumentError, match="output_padding: goes with lengths as padding, and without a size"):
        cr.nn.conv_transpose(np.ones((1, 2, 1)), np.ones((2, 1, 1)), 2, "SAME", output_padding=1)
    with pytest.raises(cr.ArgumentError, match=r"padding_mode: expected one of 'zeros', 'reflect', .* got 'mirror'"):
        cr.nn.conv(np.ones((1, 2, 1)), np.ones((2, 1, 1)), padding=1, padding_mode="mirror")
    with pytest.raises(cr.ShapeError, match="delta_orthogonal: shape: expected no more inputs than outputs"):
        cr.nn.delta_orthogonal((3, 3, 2))
