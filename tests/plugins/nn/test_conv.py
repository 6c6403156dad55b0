"""Convolution and its transpose: values against SciPy, derivatives against finite differences, and every refusal."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import infer, ops
from chainrule_testing.samples._windows import convolution

from .references import check_gradients

RNG = np.random.default_rng(0)
SHAPES = [  # of x, and of w for one group
    ((2, 7, 2), (3, 2, 3)),
    ((2, 6, 5, 2), (3, 2, 2, 4)),
    ((1, 4, 5, 3, 2), (2, 3, 2, 2, 2)),
]
GRID = list(itertools.product((1, 2, 3), ("VALID", "SAME", 1, "uneven"), (1, 2), (1, 2)))
UNEVEN = [(2, 0), 1, (0, 1)]


def drawn(*shape: int) -> Any:
    return RNG.normal(size=shape)


def some(x: tuple[int, ...], w: tuple[int, ...], groups: int) -> tuple[Any, Any]:
    """Random arrays for so many groups."""
    return drawn(*x[:-1], x[-1] * groups), drawn(*w[:-1], w[-1] * groups)


@pytest.mark.parametrize("shapes", SHAPES, ids=["1d", "2d", "3d"])
def test_agrees_with_scipy(backend: str, shapes: Any) -> None:
    for strides, padding, dilation, groups in GRID:
        x, w = some(*shapes, groups)
        how = {
            "strides": strides,
            "padding": UNEVEN[: x.ndim - 2] if padding == "uneven" else padding,
            "dilation": dilation,
            "groups": groups,
        }
        try:
            y = cr.nn.conv(cr.tensor(x), cr.tensor(w), **how)
        except cr.ShapeError:
            assert padding in ("VALID", "uneven", 1)
            assert dilation == 2  # the window reaches further than the axis
            continue
        expected = convolution(x, w, **how)
        assert y.shape == expected.shape
        np.testing.assert_allclose(y.numpy(), expected, rtol=1e-12, atol=1e-13, err_msg=repr(how))


def test_each_axis_has_its_own(backend: str) -> None:
    x, w = drawn(2, 9, 8, 3), drawn(2, 3, 3, 4)
    how: dict[str, Any] = {"strides": (2, 1), "padding": [(1, 2), 1], "dilation": (3, 2)}
    y = cr.nn.conv2d(cr.tensor(x), cr.tensor(w), **how)
    np.testing.assert_allclose(y.numpy(), convolution(x, w, **how), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("size", "window", "stride", "dilation", "low", "high"),
    # from the formula in TensorFlow's notes on padding
    [
        (5, 3, 2, 1, 1, 1),
        (6, 3, 2, 1, 0, 1),
        (4, 2, 1, 1, 0, 1),
        (7, 2, 3, 1, 0, 1),
        (5, 3, 1, 2, 2, 2),
        (9, 2, 3, 1, 0, 0),
    ],
)
def test_same_pads_as_tensorflow(size: int, window: int, stride: int, dilation: int, low: int, high: int) -> None:
    x, w = cr.tensor(drawn(1, size, 1)), cr.tensor(drawn(window, 1, 1))
    same = cr.nn.conv1d(x, w, stride, "same", dilation)
    assert same.shape == (1, -(-size // stride), 1)
    explicit = cr.nn.conv1d(x, w, stride, [(low, high)], dilation)
    np.testing.assert_array_equal(same.numpy(), explicit.numpy()[:, : same.shape[1]])


GRADIENTS = [
    (SHAPES[0], {"strides": 2, "padding": "SAME"}),
    (SHAPES[0], {"padding": [(2, 0)], "dilation": 2, "groups": 2}),
    (((2, 4, 3, 2), (2, 2, 2, 2)), {}),
    (((1, 4, 4, 1), (3, 2, 1, 2)), {"strides": (2, 3), "padding": "SAME", "groups": 2}),
    (((1, 5, 4, 1), (2, 2, 1, 1)), {"strides": (3, 1), "padding": ((0, 1), (1, 0)), "dilation": (1, 2)}),
    (((1, 2, 3, 2, 1), (2, 2, 1, 1, 2)), {"padding": "SAME"}),
]


@pytest.mark.parametrize(("shapes", "how"), GRADIENTS)
def test_derivatives(backend: str, shapes: Any, how: dict[str, Any]) -> None:
    x, w = some(*shapes, how.get("groups", 1))
    check_gradients(lambda x, w: cr.nn.conv(x, w, **how), lambda x, w: convolution(x, w, **how), x, w)


def transposed(y: Any, w: Any, size: tuple[int, ...], **how: Any) -> Any:
    """The transpose of the linear map `x -> convolution(x, w)`, by the map's matrix."""
    channels = w.shape[-2] * how.get("groups", 1)
    basis = np.eye(int(np.prod(size)) * channels).reshape(-1, *size, channels)
    matrix = convolution(basis, w, **how).reshape(len(basis), -1)
    return (y.reshape(len(y), -1) @ matrix.T).reshape(len(y), *size, channels)


@pytest.mark.parametrize(
    ("lengths", "window", "size", "how"),
    [
        ((3,), (3,), (5,), {}),
        ((3,), (2,), (10,), {"strides": 3, "size": 10}),
        ((3,), (2,), (9,), {"strides": 3, "padding": "SAME"}),
        ((3, 2), (3, 2), (5, 5), {"strides": (2, 3), "padding": 1, "size": 5}),
        ((2, 3), (2, 2), (4, 5), {"strides": (1, 2), "dilation": (2, 1), "padding": [0, (0, 1)]}),
        ((2, 2), (2, 2), (3, 3), {"groups": 2}),
        ((2, 1, 2), (2, 2, 1), (3, 2, 3), {"strides": (1, 1, 2)}),
    ],
)
def test_transpose(
    backend: str, lengths: tuple[int, ...], window: tuple[int, ...], size: tuple[int, ...], how: dict[str, Any]
) -> None:
    groups = how.get("groups", 1)
    y, w = drawn(2, *lengths, 2 * groups), drawn(*window, 1, 2 * groups)
    convolved = {name: value for name, value in how.items() if name != "size"}

    def expected(y: Any, w: Any) -> Any:
        return transposed(y, w, size, **convolved)

    result = cr.nn.conv_transpose(cr.tensor(y), cr.tensor(w), **how)
    assert result.shape == (2, *size, groups)
    np.testing.assert_allclose(result.numpy(), expected(y, w), rtol=1e-12, atol=1e-13)
    check_gradients(lambda y, w: cr.nn.conv_transpose(y, w, **how), expected, y, w)


def test_channels_first(backend: str) -> None:
    x, w = drawn(2, 6, 5, 3), drawn(3, 2, 3, 4)
    first = cr.tensor(np.moveaxis(x, -1, 1))
    y = cr.nn.conv2d(first, cr.tensor(w), strides=(2, 1), data_format="channels_first")
    np.testing.assert_allclose(np.moveaxis(y.numpy(), 1, -1), convolution(x, w, (2, 1)), rtol=1e-12, atol=1e-13)
    back = cr.nn.conv_transpose2d(y, cr.tensor(w), strides=(2, 1), size=(6, 5), data_format="channels_first")
    assert back.shape == (2, 3, 6, 5)
    gradient = cr.grad(lambda x: cr.sum(y * cr.nn.conv2d(x, cr.tensor(w), (2, 1), data_format="channels_first")))
    np.testing.assert_allclose(gradient(first).numpy(), back.numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_dtype_is_kept(backend: str, dtype: str) -> None:
    x, w = drawn(2, 5, 4, 2).astype(dtype), drawn(2, 2, 2, 3).astype(dtype)
    if "complex" in dtype:
        x, w = x * (1 + 0.5j), w * (0.3 - 2j)
    x, w = x.astype(dtype), w.astype(dtype)
    tensors = cr.tensor(x), cr.tensor(w)
    y = cr.nn.conv2d(*tensors, padding="SAME")
    assert str(y.dtype) == dtype
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype in ("float32", "complex64") else {"rtol": 1e-11, "atol": 1e-12}
    np.testing.assert_allclose(y.numpy(), convolution(x, w, padding="SAME"), **close)
    gradients = cr.grad(lambda x, w: cr.sum(cr.real(cr.nn.conv2d(x, w))), argnums=(0, 1))(*tensors)
    assert [str(g.dtype) for g in gradients] == [dtype, dtype]
    # the direction of steepest ascent of a real linear function is the conjugate of its coefficients
    ones = np.ones((2, 4, 3, 3), dtype)
    np.testing.assert_allclose(gradients[0].numpy(), transposed(ones, np.conj(w), (5, 4)), **close)


def test_mixed_dtypes_are_promoted(backend: str) -> None:
    x, w = np.arange(6).reshape(1, 6, 1), drawn(2, 1, 1)
    y = cr.nn.conv1d(cr.tensor(x), cr.tensor(w))
    np.testing.assert_allclose(y.numpy(), convolution(x.astype(float), w), rtol=1e-13)
    single = cr.tensor(w.astype("float32"))
    gradient = cr.grad(lambda w: cr.sum(cr.nn.conv1d(cr.tensor(x * 1.0), w)))(single)
    assert (gradient.dtype, gradient.shape) == (cr.float32, (2, 1, 1))
    integers = cr.nn.conv1d(cr.tensor(x), cr.tensor(np.array([[[1]], [[-1]]])))
    assert integers.dtype == cr.int64
    assert integers.numpy().tolist() == [[[-1]] * 5]


@pytest.mark.parametrize(
    ("x", "w"),
    [
        ((0, 5, 4, 2), (2, 2, 2, 3)),
        ((2, 5, 4, 0), (2, 2, 0, 3)),
        ((2, 5, 4, 2), (2, 2, 2, 0)),
        ((2, 0, 4, 2), (2, 2, 2, 3)),
    ],
)
def test_nothing_to_compute(backend: str, x: tuple[int, ...], w: tuple[int, ...]) -> None:
    tensors = cr.zeros(x), cr.ones(w)
    y = cr.nn.conv2d(*tensors, padding="SAME")
    assert y.shape == (*x[:-1], w[-1])
    gradients = cr.grad(lambda x, w: cr.sum(cr.nn.conv2d(x, w, padding="SAME") ** 2), argnums=(0, 1))(*tensors)
    assert [g.shape for g in gradients] == [x, w]
    assert not any(g.numpy().any() for g in gradients)


def test_numpy_computes_a_few_images_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from chainrule_nn import _numpy_conv

    x, w, c = drawn(7, 6, 5, 3), drawn(2, 3, 3, 2), drawn(7, 5, 3, 2)

    def results() -> list[Any]:
        y, back = cr.vjp(cr.nn.conv2d, cr.tensor(x), cr.tensor(w))
        return [y.numpy(), *(g.numpy() for g in back(cr.tensor(c)))]

    whole = results()
    monkeypatch.setattr(_numpy_conv, "_AT_ONCE", 3 * 5 * 3 * 18 * 8)  # the windows of three images
    for part, expected in zip(results(), whole, strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-12, atol=1e-13)


def test_arrays_that_are_not_contiguous(backend: str) -> None:
    x, w = drawn(3, 5, 2, 6).transpose(0, 3, 1, 2)[:, ::-1], drawn(2, 3, 2, 2).transpose(1, 0, 3, 2)
    y = cr.nn.conv2d(cr.tensor(x), cr.tensor(w))
    np.testing.assert_allclose(y.numpy(), convolution(x, w), rtol=1e-12, atol=1e-13)


def test_overridden_by_name() -> None:
    x, w = cr.tensor(drawn(1, 4, 4, 1)), cr.tensor(drawn(2, 2, 1, 1))
    with cr.override_gradients({"nn.conv": lambda g, _y, _x, _w, **_: (cr.zeros_like(_x), cr.ones_like(_w))}):
        gradients = cr.grad(lambda x, w: cr.sum(cr.nn.conv2d(x, w)), argnums=(0, 1))(x, w)
    assert [float(cr.sum(g)) for g in gradients] == [0.0, 4.0]
    assert getattr(ops, "nn.conv") is cr.nn.conv


HOW: dict[str, Any] = {"strides": (2, 1), "padding": ((0, 0), (1, 1)), "dilation": (1, 1), "groups": 1}


def test_rule_of_unknown_lengths() -> None:
    def spec(*shape: Any) -> Any:
        return infer.Spec(shape, cr.float32)

    rule = cr.nn.conv.op.infer
    w = spec(3, 3, 2, 8)
    assert rule(spec(None, 9, 9, 2), w, **HOW) == spec(None, 4, 9, 8)
    assert rule(spec(None, None, 9, None), w, **HOW) == spec(None, None, 9, 8)
    assert rule(spec(4, None, 9, 2), w, **{**HOW, "padding": "SAME"}) == spec(4, None, 9, 8)
    assert rule(spec(4, 9, 9, 2), spec(None, 3, None, None), **HOW) == spec(4, None, 9, None)
    assert rule(infer.Spec(None, cr.float32), w, **HOW) == infer.Spec(None, cr.float32)
    assert rule(spec(1, 9, 9, 2), infer.Spec(w.shape, cr.float64), **HOW).dtype == cr.float64
    back = cr.nn.conv_transpose.op.infer
    assert back(spec(None, None, 9, 8), w, size=None, **HOW) == spec(None, None, 9, 2)
    assert back(spec(None, None, 9, 8), w, size=(9, 9), **HOW) == spec(None, 9, 9, 2)
    assert back(spec(2, None, 9, None), w, size=None, **{**HOW, "padding": "SAME"}) == spec(2, None, 9, 2)
    assert back(infer.Spec(None, cr.float32), w, size=None, **HOW) == infer.Spec(None, cr.float32)
    ofweights = getattr(ops, "nn.conv_weight_gradient").op.infer
    assert ofweights(spec(None, 9, 9, 2), spec(None, 4, 9, 8), window=(3, 3), **HOW) == w
    assert ofweights(spec(None, 9, 9, None), infer.Spec(None, cr.float32), window=(3, 3), **HOW) == spec(
        3, 3, None, None
    )


X, W = np.zeros((2, 6, 5, 4)), np.zeros((3, 3, 4, 2))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda: cr.nn.conv(X, W[:, :, :3]),
            cr.ShapeError,
            r"conv\(.*channels: x of .* has 4, w of shape \(3, 3, 3, 2\) is for 3",
        ),
        (lambda: cr.nn.conv(X, W, groups=2), cr.ShapeError, r"has 4, .* is for 2 groups of 4"),
        (
            lambda: cr.nn.conv(X, W[:, :, :2, :1], groups=2),
            cr.ShapeError,
            r"channels of the result: w of shape \(3, 3, 2, 1\) has 1, not a multiple of 2 groups",
        ),
        (lambda: cr.nn.conv(X, W[0]), cr.ShapeError, r"w of shape \(3, 4, 2\): expected 4 dimensions each"),
        (
            lambda: cr.nn.conv(X[0, 0], W),
            cr.ShapeError,
            r"conv: x: expected at least 3 dimensions, .* got shape \(5, 4\)",
        ),
        (
            lambda: cr.nn.conv(X[:, :2], W),
            cr.ShapeError,
            r"a window of length 3 is longer than an axis of length 2$",
        ),
        (
            lambda: cr.nn.conv(X, W, padding=[1, (0, 1)], dilation=4),
            cr.ShapeError,
            r"window of length 3 and dilation 4 is longer than an axis of length 6 and 1 \+ 1 of padding$",
        ),
        (lambda: cr.nn.conv(X, W[:0]), cr.ShapeError, r"a window of length 0 has no elements"),
        (lambda: cr.nn.conv1d(X, W), cr.ShapeError, r"conv1d: x: expected 3 dimensions, .* got shape \(2, 6, 5, 4\)"),
        (lambda: cr.nn.conv(X, W, padding="FULL"), cr.ArgumentError, r"conv: padding: expected 'SAME', .*got 'FULL'"),
        (lambda: cr.nn.conv(X, W, padding=-1), cr.ArgumentError, r"padding: .*got -1"),
        (lambda: cr.nn.conv(X, W, padding=1.5), cr.ArgumentError, r"padding: .*got 1\.5"),
        (lambda: cr.nn.conv(X, W, padding=[1]), cr.ArgumentError, r"padding: .*a sequence of 2 with"),
        (lambda: cr.nn.conv(X, W, padding=[(1, 2, 3), 0]), cr.ArgumentError, r"padding: .*a pair of them"),
        (lambda: cr.nn.conv(X, W, strides=0), cr.ArgumentError, r"conv: strides: expected a positive integer, .*got 0"),
        (lambda: cr.nn.conv(X, W, strides=(1, 1, 1)), cr.ArgumentError, r"strides: .*one for each of 2 axes"),
        (lambda: cr.nn.conv(X, W, dilation=1.0), cr.ArgumentError, r"conv: dilation: .*got 1\.0"),
        (lambda: cr.nn.conv(X, W, groups=0), cr.ArgumentError, r"conv: groups: expected a positive integer, got 0"),
        (
            lambda: cr.nn.conv(X, W, data_format="NHWC"),
            cr.ArgumentError,
            r"data_format: expected 'channels_last', .*'NHWC'",
        ),
        (lambda: cr.nn.conv(X > 0, W), cr.DTypeError, r"conv: x: expected numbers, got booleans"),
        (
            lambda: cr.nn.conv_transpose(X, W),
            cr.ShapeError,
            r"conv_transpose\(.*x of shape \(2, 6, 5, 4\) has 4, w of shape \(3, 3, 4, 2\) is for 2",
        ),
        (lambda: cr.nn.conv_transpose(X, W[0]), cr.ShapeError, r"expected 4 dimensions each"),
        (
            lambda: cr.nn.conv_transpose(X[..., :2], W, size=(9, 7)),
            cr.ShapeError,
            r"size \(9, 7\): a convolution of that size gives \(7, 5\), not the \(6, 5\) of x",
        ),
        (
            lambda: cr.nn.conv_transpose(X[:, :1, :1, :2], W, padding=2),
            cr.ShapeError,
            r"no size has a convolution of shape \(2, 1, 1, 2\) .* it would be \(-1, -1\)",
        ),
        (lambda: cr.nn.conv_transpose(X, W, size=(1, -1)), cr.ArgumentError, r"conv_transpose: size: .*got \(1, -1\)"),
        (lambda: cr.nn.conv_transpose2d(X[0][0], W), cr.ShapeError, r"conv_transpose2d: x: expected 4 dimensions"),
    ],
)
def test_refusals(backend: str, call: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()
