"""Ties, kinks, zeros, empty arrays and integers: where libraries differ and chainrule does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_testing._checks import refusal

SLOPES: list[tuple[str, Callable[[Any], Any], Any, Any]] = [
    ("max shares ties", lambda x: cr.max(x), [1, 1, 0], [0.5, 0.5, 0]),
    ("max shares ties along an axis", lambda x: cr.max(x, axis=1), [[2, 2], [0, 3]], [[0.5, 0.5], [0, 1]]),
    ("min shares ties", lambda x: cr.min(x), [1, 1, 2], [0.5, 0.5, 0]),
    ("maximum shares ties", lambda x: cr.maximum(x, 1.0), [1, 0, 2], [0.5, 0, 1]),
    ("minimum shares ties", lambda x: cr.minimum(x, 1.0), [1, 0, 2], [0.5, 1, 0]),
    ("abs at 0", lambda x: cr.abs(x), [0, -2, 3], [0, -1, 1]),
    ("relu at 0", lambda x: cr.relu(x), [0, -1, 2], [0, 0, 1]),
    ("clip at its bounds", lambda x: cr.clip(x, -1, 1), [-1, 1, 0, 2], [1, 1, 1, 0]),
    ("norm at 0", lambda x: cr.vector_norm(x), [0, 0], [0, 0]),
    ("std of equal numbers", lambda x: cr.std(x), [2, 2, 2], [0, 0, 0]),
    ("log where it is not taken", lambda x: cr.where(x > 0, cr.log(x), 0.0), [0, 2], [0, 0.5]),
    ("sqrt where it is not taken", lambda x: cr.where(x > 0, cr.sqrt(x), 0.0), [0, 4], [0, 0.25]),
    ("products with a zero", lambda x: cr.prod(x), [2, 0, 3], [0, 6, 0]),
    ("products with two zeros", lambda x: cr.prod(x), [0, 0, 3], [0, 0, 0]),
    ("powers at 0", lambda x: x**2, [0, 3], [0, 6]),
    ("a power of 0", lambda x: x**0, [0, 3], [0, 0]),
    ("logsumexp of large numbers", lambda x: cr.logsumexp(x), [1000, 1000], [0.5, 0.5]),
    ("softplus of large numbers", lambda x: cr.softplus(x), [-1000, 1000], [0, 1]),
    ("sigmoid of large numbers", lambda x: cr.sigmoid(x), [-1000, 1000], [0, 0]),
    ("sorting of equal numbers", lambda x: cr.sort(x), [1, 1, 0], [1, 1, 1]),
]


@pytest.mark.parametrize(("f", "x", "want"), [row[1:] for row in SLOPES], ids=[row[0] for row in SLOPES])
def test_slope(backend: cr.Backend, f: Callable[[Any], Any], x: Any, want: Any) -> None:
    try:
        with np.errstate(all="ignore"):
            got = cr.grad(f, sum=True)(cr.tensor(np.array(x, float))).numpy()  # what a lazy library computes now
    except cr.ChainruleError as error:
        reason = refusal(error)
        if reason is None:
            raise
        pytest.skip(f"refused: {reason}")
    np.testing.assert_allclose(got, np.array(want, float), rtol=1e-12, atol=1e-300)


def test_a_zero_cotangent_wins_in_the_second_derivative_too(backend: cr.Backend) -> None:
    """The second derivative of log(x)**2 at 1 is 2, though the first cotangent of log is 0 there."""
    second = cr.grad(cr.grad(lambda x: cr.log(x) ** 2))(cr.tensor(1.0))
    np.testing.assert_allclose(second.numpy(), 2.0, rtol=1e-12)


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_the_largest_of_nothing_is_an_error(backend: cr.Backend, name: str) -> None:
    function = getattr(cr, name)
    with pytest.raises(cr.ChainruleError, match=name):
        function(cr.zeros((0,)))
    with pytest.raises(cr.ChainruleError, match=name):
        function(cr.zeros((2, 0)), axis=1)


def test_a_negative_power_of_integers_is_an_error(backend: cr.Backend) -> None:
    with pytest.raises(cr.ChainruleError, match="pow"):
        cr.pow(cr.tensor([2, 3]), cr.tensor([-1, 2]))
    with pytest.raises(cr.ChainruleError, match="pow"):
        cr.tensor([2, 3]) ** -1


def test_sums_of_nothing(backend: cr.Backend) -> None:
    x = cr.zeros((0, 3))
    assert cr.sum(x, axis=0).tolist() == [0.0, 0.0, 0.0]
    assert cr.prod(x, axis=0).tolist() == [1.0, 1.0, 1.0]
    assert cr.sum(x).item() == 0.0
    assert cr.grad(lambda x: cr.sum(x * x))(x).shape == (0, 3)


def test_results_without_dimensions_are_tensors(backend: cr.Backend) -> None:
    x = cr.tensor([3.0, 4.0])
    for y in (cr.sum(x), x[0], cr.max(x), cr.matmul(x, x)):
        assert isinstance(y, cr.Tensor)
        assert (y.shape, y.ndim, y.backend) == ((), 0, backend)
        assert type(y.item()) is float
        assert float(y) == y.item()
    assert list(range(10))[cr.argmax(x)] == 1


def test_equal_numbers_keep_their_order(backend: cr.Backend) -> None:
    x = np.array([1.0, 3.0, 1.0, 3.0, 1.0])
    assert cr.argsort(cr.tensor(x)).tolist() == [0, 2, 4, 1, 3]
    assert cr.argsort(cr.tensor(x), descending=True).tolist() == [1, 3, 0, 2, 4]
    assert cr.argmax(cr.tensor(x)).item() == 1
    assert cr.argmin(cr.tensor(x)).item() == 0


def test_small_dtypes_add_up_in_larger_ones(backend: cr.Backend) -> None:
    for dtype, total in (("int8", "int64"), ("uint8", "uint64"), ("bool", "int64")):
        if {dtype, total} <= set(backend.dtypes):
            y = cr.sum(cr.full((300,), 1, dtype=dtype))
            assert (str(y.dtype), y.item()) == (total, 300)


def test_a_prevented_gradient_is_an_error(backend: cr.Backend) -> None:
    x = cr.tensor([1.0, -2.0])
    assert cr.ops.prevent_gradient(x, message="here").tolist() == [1.0, -2.0]
    with pytest.raises(cr.MissingGradientError, match="use the other branch"):
        cr.grad(lambda x: cr.sum(cr.ops.prevent_gradient(x, message="use the other branch")))(x)
