"""What gradients are at ties, kinks, zeros and infinities: the table of numerical conventions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

INF = float("inf")


def gradient(f: Callable[[Any], Any], x: Any) -> Any:
    return cr.grad(f, sum=True)(np.asarray(x, float))


def second(f: Callable[[Any], Any], x: Any) -> Any:
    """The second derivative of an elementwise function."""
    return gradient(cr.grad(f, sum=True), x)


def assert_gradient(f: Callable[[Any], Any], x: Any, want: Any) -> None:
    np.testing.assert_array_equal(gradient(f, x), np.asarray(want, float))


@pytest.mark.parametrize(
    ("f", "x", "want"),
    [
        # ties are shared
        (cr.max, [1, 1, 0], [0.5, 0.5, 0]),
        (cr.min, [1, 1, 2], [0.5, 0.5, 0]),
        (lambda x: cr.max(x, axis=1), [[2, 2, 2, 1], [0, 3, 1, 3]], [[1 / 3, 1 / 3, 1 / 3, 0], [0, 0.5, 0, 0.5]]),
        (lambda x: cr.max(x, axis=(0, 1)), [[1, 2], [2, 2]], [[0, 1 / 3], [1 / 3, 1 / 3]]),
        (lambda x: cr.max(x, axis=0, keepdims=True), [[1, 2], [1, 3]], [[0.5, 0], [0.5, 1]]),
        (lambda x: cr.maximum(x, 1.0), [1, 0, 2], [0.5, 0, 1]),
        (lambda x: cr.maximum(1.0, x), [1, 0, 2], [0.5, 0, 1]),
        (lambda x: cr.minimum(x, 1.0), [1, 0, 2], [0.5, 1, 0]),
        (lambda x: cr.maximum(x, x), [1, -2], [1, 1]),
        (lambda x: cr.maximum(x, cr.tensor([[1.0], [3.0]])), [1, 2], [0.5, 1]),
        (lambda x: np.maximum(x, 0), [0], [0.5]),
        # kinks
        (abs, [0, -2, 3], [0, -1, 1]),
        (cr.relu, [0, -1, 2], [0, 0, 1]),
        (cr.sign, [0, -1, 2], [0, 0, 0]),
        (lambda x: cr.clip(x, -1, 1), [-1, 1, 0, 2, -2], [1, 1, 1, 0, 0]),
        (cr.vector_norm, [0, 0], [0, 0]),
        (np.linalg.norm, [0, 0], [0, 0]),
        (lambda x: cr.vector_norm(x, axis=1), [[0, 0], [3, 4]], [[0, 0], [0.6, 0.8]]),
        (cr.std, [2, 2, 2], [0, 0, 0]),
        (lambda x: cr.std(x, axis=1), [[5, 5], [1, 3]], [[0, 0], [-0.5, 0.5]]),
        (lambda x: cr.hypot(x, cr.tensor(0.0)), [0], [0]),
        (lambda x: cr.hypot(x, x), [0], [0]),
        (lambda x: cr.atan2(x, x), [0], [0]),
        (lambda x: cr.atan2(x, cr.tensor(0.0)), [0], [0]),
        (lambda x: cr.fmod(x, 2.0), [0, -3, 3], [1, 1, 1]),
        (lambda x: cr.fmod(-0.0, x), [2], [0]),
        # what numbers are too large, or quotients too close to an integer, to tell
        (lambda x: cr.logaddexp(x, 1e17), [1e17], [0.5]),
        (lambda x: cr.logaddexp(x, np.inf), [1], [0]),
        (lambda x: cr.remainder(1.0, x), [0.1], [-9]),
        # a zero cotangent wins over an infinite slope
        (lambda x: cr.where(x > 0, cr.log(x), 0.0), [0, 2], [0, 0.5]),
        (lambda x: cr.where(x > 0, cr.sqrt(x), 0.0), [0, 4], [0, 0.25]),
        (lambda x: cr.where(x > 0, cr.log(x), x), [0, -1], [1, 1]),
        (lambda x: cr.where(x != 0, 1 / x, 0.0), [0, 2], [0, -0.25]),
        (lambda x: cr.where(x != 0, cr.sin(x) / x, 1.0), [0], [0]),
        (lambda x: cr.where(x != 0, 2.0 / x, 1.0), [0], [0]),
        (lambda x: cr.where(x > 0, x**0.5, 0.0), [0, 4], [0, 0.25]),
        (lambda x: cr.where(x > 0, x**-1, 0.0), [0], [0]),
        (lambda x: cr.where(x > 0, x**x, 0.0), [0, 1], [0, 1]),
        (lambda x: cr.where(x < 1, cr.asin(x), 0.0), [1], [0]),
        (lambda x: cr.where(x < 1, cr.acos(x), 0.0), [1], [0]),
        (lambda x: cr.where(x > 1, cr.acosh(x), 0.0), [1], [0]),
        (lambda x: cr.where(x < 1, cr.atanh(x), 0.0), [1], [0]),
        (lambda x: cr.where(x > -1, cr.log1p(x), 0.0), [-1], [0]),
        (lambda x: cr.where(x > 0, cr.log2(x) + cr.log10(x), 0.0), [0], [0]),
        (lambda x: cr.where(x > 0, cr.cbrt(x), 0.0), [0, 8], [0, 1 / 12]),
        (lambda x: cr.where(x > 0, cr.reciprocal(x), 0.0), [0], [0]),
        # and an infinite slope that is asked for is told
        (cr.sqrt, [0], [INF]),
        (cr.log, [0], [INF]),
        # powers
        (lambda x: x**0, [0, 3, -2], [0, 0, 0]),
        (lambda x: x**1, [0, 3, -2], [1, 1, 1]),
        (lambda x: x**2, [0, 3, -2], [0, 6, -4]),
        (lambda x: x**3, [0, -2], [0, 12]),
        (lambda x: x**2.0, [0, -2], [0, -4]),
        (lambda x: x**-1, [2, -2], [-0.25, -0.25]),
        (lambda x: x ** cr.tensor(0.0), [0, 3], [0, 0]),
        (lambda x: x ** cr.tensor(2.0), [0, -3], [0, -6]),
        (lambda x: x ** cr.tensor(3.0), [0, -2], [0, 12]),
        (lambda y: 0.0**y, [1, 2, 0.5], [0, 0, 0]),
        (lambda y: cr.tensor(0.0) ** y, [1, 2], [0, 0]),
        (lambda y: 2.0**y, [0, 1], [np.log(2), 2 * np.log(2)]),
        (lambda y: 1.0**y, [0, 5], [0, 0]),
        # products
        (cr.prod, [2, 0, 3], [0, 6, 0]),
        (cr.prod, [0, 0, 3], [0, 0, 0]),
        (cr.prod, [0, 5], [5, 0]),
        (cr.prod, [[0, 1], [2, 3]], [[6, 0], [0, 0]]),
        (lambda x: cr.prod(x, axis=1), [[0, 2], [3, 0]], [[2, 0], [0, 3]]),
        # d/dx_i of sum of x0 + x0 x1 + x0 x1 x2
        (cr.cumulative_prod, [2, 0, 3], [1, 2 * (1 + 3), 0]),
        (cr.cumulative_prod, [0, 0, 3], [1, 0, 0]),
        (np.cumprod, [0, 4, 5], [1 + 4 + 20, 0, 0]),
        # extremes
        (cr.logsumexp, [1000, 1000], [0.5, 0.5]),
        (cr.logsumexp, [-INF, 0], [0, 1]),
        (cr.softplus, [-1000, 1000], [0, 1]),
        (cr.sigmoid, [-1000, 1000], [0, 0]),
        (lambda x: cr.logaddexp(x, 0.0), [-1000, 1000], [0, 1]),
        (lambda x: cr.log_softmax(x)[0], [0, 1000], [1, -1]),
        (lambda x: cr.sort(x), [1, 1, 0], [1, 1, 1]),
    ],
)
def test_slope(f: Callable[[Any], Any], x: Any, want: Any) -> None:
    with np.errstate(all="ignore"):  # the forward values divide by 0 on purpose
        np.testing.assert_allclose(gradient(f, x), np.asarray(want, float), rtol=1e-15, atol=0)


@pytest.mark.parametrize(
    ("f", "x", "want"),
    [
        (lambda x: cr.log(x) ** 2, [1], [2]),  # (2 - 2 log x) / x**2
        (lambda x: cr.log(x) ** 2, [np.e], [0]),
        (lambda x: x**2, [0, 1], [2, 2]),
        (lambda x: x**3, [0, -1], [0, -6]),
        (lambda x: x**1, [0], [0]),
        (lambda x: x**0, [0], [0]),
        (lambda x: x ** cr.tensor(3.0), [-1], [-6]),
        (lambda x: x / x, [2], [0]),
        (lambda x: (x - 2) / x, [2], [-0.5]),  # -4 / x**3
        (lambda x: 1 / x, [2], [0.25]),
        (lambda x: abs(x), [0, 1], [0, 0]),
        (lambda x: cr.relu(x) ** 2, [0, 3], [0, 2]),
        (lambda x: cr.hypot(x, 1.0), [0], [1]),
        (lambda x: cr.where(x > 0, cr.log(x), 0.0), [0, 1], [0, -1]),
        (lambda x: cr.asin(x - 1) ** 2, [1], [2]),
        (lambda x: cr.clip(x, 0, 1) ** 2, [0.5, 3], [2, 0]),
    ],
)
def test_second_derivative(f: Callable[[Any], Any], x: Any, want: Any) -> None:
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(second(f, x), np.asarray(want, float), rtol=1e-12, atol=1e-12)


def test_hessian_of_a_product_with_zeros() -> None:
    np.testing.assert_array_equal(cr.hessian(cr.prod)(np.array([0.0, 0.0, 3.0])), [[0, 3, 0], [3, 0, 0], [0, 0, 0]])


def test_hessian_of_a_cumulative_product_with_zeros() -> None:
    hessian = cr.hessian(lambda x: cr.sum(cr.cumulative_prod(x)))(np.array([0.0, 0.0, 3.0]))
    np.testing.assert_array_equal(hessian, [[0, 4, 0], [4, 0, 0], [0, 0, 0]])


def test_hessian_of_the_squared_norm_through_the_norm() -> None:
    hessian = cr.hessian(lambda x: cr.vector_norm(x) ** 2)(np.array([3.0, 4.0]))
    np.testing.assert_allclose(hessian, 2 * np.eye(2), atol=1e-14)


def test_hessian_of_a_share_at_a_tie() -> None:
    """Shares are constants: they bring no curvature of their own."""
    np.testing.assert_array_equal(cr.hessian(lambda x: cr.max(x))(np.array([1.0, 1.0])), np.zeros((2, 2)))
    np.testing.assert_array_equal(cr.hessian(lambda x: cr.max(x) ** 2)(np.array([1.0, 1.0])), np.full((2, 2), 0.5))


@pytest.mark.parametrize(
    "f",
    [cr.log, cr.sqrt, cr.reciprocal, cr.cbrt, lambda x: x**0.5, lambda x: 1 / x],
    ids=["log", "sqrt", "reciprocal", "cbrt", "pow", "divide"],
)
def test_jvp_along_zero_stays_zero_at_an_infinite_slope(f: Callable[[Any], Any]) -> None:
    with np.errstate(all="ignore"):
        _, tangent = cr.jvp(f, [np.array([0.0, 4.0])], [np.array([0.0, 1.0])])
    assert tangent[0] == 0
    np.testing.assert_allclose(tangent[1], gradient(f, [4.0])[0], rtol=1e-15)


def test_jvp_along_zero_of_a_branch_not_taken() -> None:
    f = lambda x: cr.where(x > 0, cr.log(x), 0.0)  # noqa: E731
    with np.errstate(divide="ignore"):
        _, tangent = cr.jvp(f, [np.array([0.0, 2.0])], [np.array([0.0, 1.0])])
    np.testing.assert_array_equal(tangent, [0, 0.5])


@pytest.mark.parametrize("f", [cr.vector_norm, cr.std, lambda x: cr.sum(cr.hypot(x, x))], ids=["norm", "std", "hypot"])
def test_jvp_at_the_tip_of_a_cone_is_zero(f: Callable[[Any], Any]) -> None:
    _, tangent = cr.jvp(f, [np.zeros(3)], [np.array([1.0, 2.0, 3.0])])
    assert tangent == 0


def test_both_sides_of_a_tie_share() -> None:
    a, b = cr.grad(lambda a, b: cr.maximum(a, b), argnums=(0, 1))(1.0, 1.0)
    assert (a, b) == (0.5, 0.5)


def test_clip_bounds_get_what_they_hold_back() -> None:
    f = lambda x, low, high: cr.sum(cr.clip(x, low, high))  # noqa: E731
    x = np.array([-2.0, 0.0, 0.5, 1.0, 3.0, 4.0])
    _, low, high = cr.grad(f, argnums=(0, 1, 2))(x, 0.0, 1.0)
    assert (low, high) == (1.0, 2.0)


def test_of_bounds_that_cross_the_upper_one_holds() -> None:
    f = lambda x, low, high: cr.sum(cr.clip(x, low, high))  # noqa: E731
    x, low, high = cr.grad(f, argnums=(0, 1, 2))(np.array([-2.0, 0.5, 3.0]), 1.0, 0.0)
    assert (x.tolist(), low, high) == ([0, 0, 0], 0.0, 3.0)


def test_the_logarithm_of_no_sum_is_that_of_zero() -> None:
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(cr.logsumexp(np.ones((2, 0)), axis=1).numpy(), [-np.inf, -np.inf])
    assert cr.logsumexp(np.ones((2, 0)), axis=0).shape == (0,)


def test_complex_logarithms_of_sums_are_principal_values() -> None:
    z = np.array([[1.0 + 7.0j, 0.5 - 4.0j], [900.0 + 3.5j, 899.0 - 9.0j]])
    far = np.array([0.0, 900.0])
    want = np.log(np.sum(np.exp(z - far[:, None]), axis=1)) + far
    np.testing.assert_allclose(cr.logsumexp(z, axis=1).numpy(), want, rtol=1e-13)
    np.testing.assert_allclose(cr.special.logsumexp(z, axis=1).numpy(), want, rtol=1e-13)


def test_integer_powers() -> None:
    np.testing.assert_array_equal((cr.tensor([2, 3]) ** 2).numpy(), [4, 9])
    assert (cr.tensor([2, 3]) ** 2).dtype == "int64"
    with pytest.raises(cr.ArgumentError, match="negative integer powers"):
        cr.tensor([2, 3]) ** -1


@pytest.mark.parametrize(
    ("f", "z", "want"),
    [
        (lambda z: cr.real(z**2), 1 + 2j, 2 - 4j),
        (lambda z: cr.imag(z**2), 1 + 2j, 4 + 2j),
        (lambda z: cr.abs(z), 3 + 4j, 0.6 + 0.8j),
        (lambda z: cr.abs(z) ** 2, 1 + 2j, 2 + 4j),
        (lambda z: cr.real(z * cr.conj(z)), 1 - 2j, 2 - 4j),
        (lambda z: cr.angle(z), 2j, -0.5),
        (lambda z: cr.real(cr.exp(z)), 0j, 1 + 0j),
        (lambda z: cr.imag(cr.conj(z)), 1 + 2j, -1j),
        (lambda z: cr.abs(z), 0j, 0j),
        (cr.angle, 0j, 0j),
    ],
)
def test_complex_gradient_is_the_steepest_ascent(f: Callable[[Any], Any], z: complex, want: complex) -> None:
    np.testing.assert_allclose(cr.grad(f)(z), want, rtol=1e-14, atol=1e-15)


def test_gradient_descent_on_a_complex_number_descends() -> None:
    f = lambda z: cr.abs(z * z - (3 + 4j)) ** 2  # noqa: E731
    z = np.complex128(1.0 + 0.5j)
    for _ in range(200):
        z = z - 0.02 * cr.grad(f)(z)
    np.testing.assert_allclose(z, 2 + 1j, atol=1e-6)  # (2 + i)**2 = 3 + 4i


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("integers", ["bool", "int8", "int64", "uint16"])
def test_integers_are_computed_in_the_default_dtype(dtype: str, integers: str) -> None:
    x = np.array([1, 0, 1], integers)
    cr.set_default_dtype(dtype)
    try:
        results = [cr.exp(x), cr.divide(x, 2 * np.ones_like(x)), cr.hypot(x, x), cr.hypot(x, 0.0), cr.sigmoid(x)]
        results += [
            cr.mean(x),
            cr.std(x),
            cr.logsumexp(x),
            cr.softmax(x),
            cr.vector_norm(x),
            cr.cbrt(x),
            cr.softplus(x),
        ]
    finally:
        cr.set_default_dtype("float64")
    assert [str(y.dtype) for y in results] == [dtype] * len(results)
    want = [np.exp(x.astype(float)), x / 2, np.sqrt(2.0) * x, x, 1 / (1 + np.exp(-x.astype(float))), 2 / 3]
    for y, w in zip(results, want, strict=False):
        np.testing.assert_allclose(y.numpy(), w, rtol=1e-6)
