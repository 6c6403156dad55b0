"""Pooling: values against loops, derivatives against finite differences, ties, edges, and every refusal."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import infer, ops
from chainrule_testing.samples._windows import pool

from .references import check_gradients

RNG = np.random.default_rng(1)
SHAPES = [(2, 7, 3), (2, 6, 5, 2), (1, 4, 5, 3, 2)]
GRID = list(itertools.product((2, 3), (None, 1, 2, 4), ("VALID", "SAME", 1, "uneven")))
UNEVEN = [(1, 0), 1, (0, 1)]


def apart(shape: tuple[int, ...]) -> Any:
    """Numbers in any order, no two of which are near each other."""
    return (RNG.permutation(int(np.prod(shape))) * 0.1 - 1.0).reshape(shape)


def each(shape: tuple[int, ...]) -> Any:
    for window, strides, padding in GRID:
        padding = UNEVEN[: len(shape) - 2] if padding == "uneven" else padding
        if padding != "VALID" or min(shape[1:-1]) >= window:
            yield {"window": window, "strides": strides, "padding": padding}


@pytest.mark.parametrize("shape", SHAPES, ids=["1d", "2d", "3d"])
def test_agree_with_loops(backend: str, shape: tuple[int, ...]) -> None:
    x = apart(shape)
    for how in each(shape):
        for name, reduce, call in (("max", np.max, cr.nn.max_pool), ("mean", np.mean, cr.nn.avg_pool)):
            y = call(cr.tensor(x), **how)
            expected = pool(reduce, x, **how)
            assert y.shape == expected.shape
            np.testing.assert_allclose(y.numpy(), expected, rtol=1e-12, atol=1e-13, err_msg=f"{name} {how}")
        y = cr.nn.avg_pool(cr.tensor(x), **how, count_padding=True)
        np.testing.assert_allclose(y.numpy(), pool(np.mean, x, **how, counted=True), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("shape", "how"),
    [
        ((2, 5, 2), {"window": 3, "strides": 1}),
        ((1, 5, 4, 2), {}),
        ((1, 4, 5, 2), {"window": (2, 3), "strides": (1, 2), "padding": "SAME"}),
        ((1, 4, 4, 1), {"window": 3, "strides": 2, "padding": [(1, 0), 1]}),
        ((1, 3, 4, 2, 1), {"window": 2, "strides": (1, 3, 2), "padding": "SAME"}),
    ],
)
def test_derivatives(backend: str, shape: tuple[int, ...], how: dict[str, Any]) -> None:
    x = apart(shape)
    arguments = {"window": 2, **how}
    check_gradients(lambda x: cr.nn.max_pool(x, **how), lambda x: pool(np.max, x, **arguments), x)
    check_gradients(lambda x: cr.nn.avg_pool(x, **how), lambda x: pool(np.mean, x, **arguments), x)
    check_gradients(
        lambda x: cr.nn.avg_pool(x, **how, count_padding=True),
        lambda x: pool(np.mean, x, **arguments, counted=True),
        x,
    )


def test_ties_share_the_gradient(backend: str) -> None:
    x = cr.tensor([[[1.0], [1.0], [0.0], [2.0], [2.0], [2.0]]])
    gradient = cr.grad(lambda x: cr.sum(cr.nn.max_pool1d(x, 3)))(x)
    np.testing.assert_allclose(gradient.numpy().ravel(), [1 / 2, 1 / 2, 0, 1 / 3, 1 / 3, 1 / 3], rtol=1e-15)
    # as `cr.max` does, also where windows overlap
    overlapping = cr.grad(lambda x: cr.sum(cr.nn.max_pool1d(x, 2, 1)))(x)
    parts = cr.grad(lambda x: sum(cr.max(x[0, i : i + 2]) for i in range(5)))(x)
    np.testing.assert_allclose(overlapping.numpy(), parts.numpy(), rtol=1e-15)


def test_padding_is_never_the_largest(backend: str) -> None:
    x = cr.tensor([[[-3.0], [-1.0], [-np.inf]]])
    y = cr.nn.max_pool1d(x, 2, 1, padding=1)
    assert y.numpy().ravel().tolist() == [-3.0, -1.0, -1.0, -np.inf]
    gradient = cr.grad(lambda x: cr.sum(cr.nn.max_pool1d(x, 2, 1, padding="SAME") * cr.tensor([[[1.0], [2.0], [4.0]]])))
    assert gradient(cr.tensor([[[-3.0], [-1.0], [-2.0]]])).numpy().ravel().tolist() == [0.0, 3.0, 4.0]


def test_integers(backend: str) -> None:
    x = cr.tensor(np.array([[[-5], [-7], [-9]]], np.int32))
    y = cr.nn.max_pool1d(x, padding="SAME")
    assert (y.dtype, y.numpy().ravel().tolist()) == (cr.int32, [-5, -9])
    y = cr.nn.avg_pool1d(x, padding="SAME")
    assert (y.dtype, y.numpy().ravel().tolist()) == (cr.default_dtype(), [-6.0, -9.0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_is_kept(backend: str, dtype: str) -> None:
    x = cr.tensor(apart((2, 5, 4, 2)).astype(dtype))
    for call in (cr.nn.max_pool2d, cr.nn.avg_pool2d):
        y, back = cr.vjp(lambda x, call=call: call(x, 3, 2, "SAME"), x)
        assert str(y.dtype) == dtype
        (gradient,) = back(y)
        assert str(gradient.dtype) == dtype


def test_complex_numbers_have_a_mean(backend: str) -> None:
    x = apart((1, 5, 2)) * (1 - 2j)
    y = cr.nn.avg_pool1d(cr.tensor(x), padding="SAME")
    np.testing.assert_allclose(y.numpy(), pool(np.mean, x, 2, padding="SAME"), rtol=1e-13)
    gradient = cr.grad(lambda x: cr.imag(cr.sum(cr.nn.avg_pool1d(x, padding="SAME"))))(cr.tensor(x))
    np.testing.assert_allclose(gradient.numpy()[0], np.array([0.5, 0.5, 0.5, 0.5, 1.0])[:, None] * 1j * np.ones(2))


def test_not_a_number_is_not_lost(backend: str) -> None:
    x = cr.tensor([[[1.0], [np.nan], [3.0], [2.0]]])
    with np.errstate(all="ignore"):
        y, gradient = cr.value_and_grad(lambda x: cr.sum(cr.nn.max_pool1d(x)[:, 0]))(x)
    assert np.isnan(float(y))
    assert np.isnan(gradient.numpy()[0, :2]).any()
    assert not gradient.numpy()[0, 2:].any()


def test_channels_first(backend: str) -> None:
    x = apart((2, 6, 5, 3))
    first = cr.tensor(np.moveaxis(x, -1, 1))
    for reduce, call in ((np.max, cr.nn.max_pool2d), (np.mean, cr.nn.avg_pool2d)):
        y = call(first, (3, 2), padding="SAME", data_format="channels_first")
        expected = np.moveaxis(pool(reduce, x, (3, 2), padding="SAME"), -1, 1)
        np.testing.assert_allclose(y.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize(("shape", "padding"), [((0, 5, 4, 2), "VALID"), ((2, 5, 4, 0), 1), ((2, 0, 4, 2), "SAME")])
def test_nothing_to_compute(backend: str, shape: tuple[int, ...], padding: Any) -> None:
    for call in (cr.nn.max_pool2d, cr.nn.avg_pool2d):
        y, gradient = cr.value_and_grad(lambda x, call=call: cr.sum(call(x, padding=padding)))(cr.zeros(shape))
        assert float(y) == 0.0
        assert gradient.shape == shape


def test_numpy_computes_a_few_images_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from chainrule_nn import _numpy_conv

    x = cr.tensor(apart((7, 6, 5, 3)))
    gradient = cr.grad(lambda x: cr.sum(cr.nn.max_pool2d(x, 3, 2) ** 2))
    whole = gradient(x).numpy()
    monkeypatch.setattr(_numpy_conv, "_AT_ONCE", 3 * 6 * 5 * 3 * 8)  # three images
    np.testing.assert_array_equal(gradient(x).numpy(), whole)


def test_rule_of_unknown_lengths() -> None:
    def spec(*shape: Any) -> Any:
        return infer.Spec(shape, cr.float32)

    how: dict[str, Any] = {"window": (2, 3), "strides": (2, 1), "padding": ((0, 0), (1, 1))}
    for rule in (cr.nn.max_pool.op.infer, cr.nn.avg_pool.op.infer):
        assert rule(spec(None, None, 9, 3), **how) == spec(None, None, 9, 3)
        assert rule(spec(None, 9, None, None), **{**how, "padding": "SAME"}) == spec(None, 5, None, None)
        assert rule(infer.Spec(None, cr.float32), **how) == infer.Spec(None, cr.float32)
    rule = getattr(ops, "nn.avg_pool_transpose").op.infer
    assert rule(spec(None, 4, 9, 3), size=(9, 9), count_padding=False, **how) == spec(None, 9, 9, 3)
    assert rule(infer.Spec(None, cr.float32), size=(9, 9), **how) == infer.Spec(None, cr.float32)
    x, y = spec(2, 8, 9, 3), spec(2, 4, 9, 3)
    assert getattr(ops, "nn.max_pool_spread").op.infer(y, x, y, **how) == x
    assert getattr(ops, "nn.max_pool_gather").op.infer(x, x, y, **how) == y


X = np.zeros((2, 6, 5, 4))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda: cr.nn.max_pool(X, 6),
            cr.ShapeError,
            r"max_pool\(.*a window of length 6 is longer than an axis of length 5$",
        ),
        (
            lambda: cr.nn.avg_pool(X, 7),
            cr.ShapeError,
            r"avg_pool\(.*a window of length 7 is longer than an axis of length 6$",
        ),
        (
            lambda: cr.nn.max_pool(X, 2, padding=2),
            cr.ShapeError,
            r"can lie outside of an axis .*; pad by less than the window",
        ),
        (lambda: cr.nn.avg_pool(X[:, :0], 2, padding=1), cr.ShapeError, r"can lie outside of an axis of length 0"),
        (lambda: cr.nn.max_pool(X[0, 0]), cr.ShapeError, r"max_pool: x: expected at least 3 dimensions"),
        (lambda: cr.nn.max_pool3d(X[0]), cr.ShapeError, r"max_pool3d: x: expected 5 dimensions"),
        (lambda: cr.nn.avg_pool1d(X), cr.ShapeError, r"avg_pool1d: x: expected 3 dimensions"),
        (lambda: cr.nn.max_pool(X, 0), cr.ArgumentError, r"max_pool: window: expected a positive integer, .*got 0"),
        (lambda: cr.nn.max_pool(X, (2, 2, 2)), cr.ArgumentError, r"window: .*one for each of 2 axes, got \(2, 2, 2\)"),
        (lambda: cr.nn.avg_pool(X, 2, -1), cr.ArgumentError, r"avg_pool: strides: .*got -1"),
        (lambda: cr.nn.avg_pool(X, padding="FULL"), cr.ArgumentError, r"avg_pool: padding: .*got 'FULL'"),
        (lambda: cr.nn.max_pool(X, data_format=1), cr.ArgumentError, r"max_pool: data_format: .*got 1"),
        (lambda: cr.nn.max_pool(X * 1j), cr.DTypeError, r"max_pool: x: expected real numbers, .*got complex128"),
        (lambda: cr.nn.avg_pool(X > 0), cr.DTypeError, r"avg_pool: x: expected numbers, got booleans"),
        (
            lambda: getattr(ops, "nn.max_pool_spread")(X, X, X, (2,), (2,), ((0, 0),)),
            cr.ShapeError,
            r"x of shape \(2, 6, 5, 4\): expected 3 dimensions",
        ),
    ],
)
def test_refusals(backend: str, call: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()
