"""Clipping: closed forms, rows that repeat, None, zeros, and norms that are not finite."""

from typing import Any

import numpy as np
import pytest

import chainrule as cr

optim = cr.optim


def _rows(values: Any, indices: Any, n: int = 4) -> cr.IndexedSlices:
    return cr.IndexedSlices(cr.tensor(values), cr.tensor(indices), (n, *np.shape(values)[1:]))


def _close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


# By value


def test_by_value() -> None:
    clipped = optim.clip_by_value(np.array([-3.0, 0.5, np.inf, np.nan], np.float32), -1, 2)
    np.testing.assert_array_equal(clipped.numpy(), [-1.0, 0.5, 2.0, np.nan])
    assert clipped.dtype == "float32"
    assert optim.clip_by_value(None, -1.0, 1.0) is None


def test_rows_are_summed_before_they_are_clipped_by_value() -> None:
    rows = _rows([[0.75], [3.0], [0.75]], [1, 0, -3])
    clipped = optim.clip_by_value(rows, -1.0, 1.0)
    assert isinstance(clipped, cr.IndexedSlices)
    _close(clipped, [[1.0], [1.0], [0.0], [0.0]])
    assert isinstance(optim.clip_by_value(rows, 0.5, 1.0), cr.Tensor)
    _close(optim.clip_by_value(rows, 0.5, 1.0), [[1.0], [1.0], [0.5], [0.5]])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0], 2.0, 1.0), cr.ArgumentError, "clip_by_value: min 2 is above max 1"),
        (([1.0], "a", 1.0), cr.DTypeError, "clip_by_value: min: expected a number"),
        (([1.0], 0.0, np.nan), cr.ArgumentError, "clip_by_value: max: expected a finite number"),
        ((np.array([1]), 0.0, 1.0), cr.DTypeError, "clip_by_value: expected floating-point gradients, got int64"),
        (([1j], 0.0, 1.0), cr.DTypeError, "clip_by_value: complex128 numbers have no order"),
    ],
)
def test_by_value_refuses(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        optim.clip_by_value(*arguments)


# By norm


def test_by_norm() -> None:
    _close(optim.clip_by_norm([3.0, 4.0], 1.0), [0.6, 0.8])
    _close(optim.clip_by_norm([3.0, 4.0], 5.0), [3.0, 4.0])
    _close(optim.clip_by_norm([0.0, 0.0], 1.0), [0.0, 0.0])
    _close(optim.clip_by_norm([3j, 4.0], 1.0), [0.6j, 0.8])
    _close(optim.clip_by_norm([[3.0, 4.0], [0.3, 0.4]], 1.0, axis=1), [[0.6, 0.8], [0.3, 0.4]])
    assert optim.clip_by_norm(None, 1.0) is None
    assert optim.clip_by_norm(np.zeros((0, 2)), 1.0).shape == (0, 2)


def test_squares_of_float32_do_not_overflow() -> None:
    clipped = optim.clip_by_norm(np.array([3e30, 4e30], np.float32), 1.0)
    np.testing.assert_allclose(clipped.numpy(), [0.6, 0.8], rtol=1e-6)
    assert clipped.dtype == "float32"


def test_the_norm_of_rows_is_that_of_the_whole() -> None:
    rows = _rows([[1.0], [4.0], [2.0]], [1, 0, 1])  # 3 and 4
    clipped = optim.clip_by_norm(rows, 1.0)
    assert isinstance(clipped, cr.IndexedSlices)
    _close(clipped, [[0.8], [0.6], [0.0], [0.0]])
    _close(optim.clip_by_norm(rows, 1.0, axis=0), [[0.8], [0.6], [0.0], [0.0]])
    assert float(optim.global_norm([rows])) == pytest.approx(5.0)


def test_a_limit_that_is_a_tensor_of_the_moment() -> None:
    _close(optim.clip_by_norm([3.0, 4.0], cr.tensor(1.0)), [0.6, 0.8])


@pytest.mark.parametrize("norm", [0.0, -1.0, np.inf, np.nan])
def test_limits_are_positive(norm: float) -> None:
    with pytest.raises(cr.ArgumentError, match="clip_by_norm: norm: expected a finite number > 0"):
        optim.clip_by_norm([1.0], norm)
    with pytest.raises(cr.ArgumentError, match="clip_by_global_norm: norm: expected a finite number > 0"):
        optim.clip_by_global_norm([[1.0]], norm)


def test_by_norm_says_what_is_not_finite() -> None:
    with pytest.raises(cr.NumericsError, match="clip_by_norm: the norm of the gradient is not finite"):
        optim.clip_by_norm([1.0, np.inf], 1.0)


# By the norm of all


def test_by_global_norm() -> None:
    gradients = [np.array([3.0, 0.0]), None, _rows([[2.0], [2.0]], [0, 0]), cr.tensor(12.0, "float32")]
    (a, none, rows, b), norm = optim.clip_by_global_norm(gradients, 1.0)
    assert none is None
    assert float(norm) == pytest.approx(13.0)
    assert norm.dtype == "float64"
    _close(a, [3 / 13, 0.0])
    assert isinstance(rows, cr.IndexedSlices)
    _close(rows, [[4 / 13], [0.0], [0.0], [0.0]])
    np.testing.assert_allclose(b.numpy(), 12 / 13, rtol=1e-6)
    assert b.dtype == "float32"
    (a, *_), norm = optim.clip_by_global_norm(gradients, 14.0)
    assert a.numpy().tolist() == [3.0, 0.0]


def test_a_norm_that_is_known() -> None:
    (a,), norm = optim.clip_by_global_norm([[3.0, 4.0]], 1.0, use_norm=10.0)
    _close(a, [0.3, 0.4])
    assert float(norm) == 10.0
    with pytest.raises(cr.ArgumentError, match=r"use_norm: expected one number, got shape \(1,\)"):
        optim.clip_by_global_norm([[3.0]], 1.0, use_norm=[10.0])
    with pytest.raises(cr.NumericsError, match=r"the norm of all gradients is inf: every gradient is finite"):
        optim.clip_by_global_norm([[3.0]], 1.0, use_norm=np.inf)


def test_zeros_stay_zero() -> None:
    (a,), norm = optim.clip_by_global_norm([[0.0, 0.0]], 1.0)
    assert (a.numpy().tolist(), float(norm)) == ([0.0, 0.0], 0.0)


def test_by_global_norm_says_which_are_not_finite() -> None:
    gradients = [[1.0], None, [np.nan, 1.0], [np.inf]]
    with pytest.raises(cr.NumericsError, match=r"norm of all gradients is nan: NaN or .* of entry 2, entry 3$"):
        optim.clip_by_global_norm(gradients, 1.0)


@pytest.mark.parametrize("gradients", [[], [None, None]])
def test_no_gradients(gradients: Any) -> None:
    with pytest.raises(cr.ArgumentError, match="global_norm: no gradients"):
        optim.global_norm(gradients)


def test_agrees_with_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")
    arrays = [np.random.default_rng(0).normal(size=shape) for shape in ((3, 2), (4,))]
    parameters = [torch.zeros(array.shape, dtype=torch.float64, requires_grad=True) for array in arrays]
    for parameter, array in zip(parameters, arrays, strict=True):
        parameter.grad = torch.tensor(array)
    their_norm = torch.nn.utils.clip_grad_norm_(parameters, 1.5)
    clipped, norm = optim.clip_by_global_norm(arrays, 1.5)
    assert float(norm) == pytest.approx(float(their_norm), rel=1e-12)
    for ours, theirs in zip(clipped, parameters, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.grad.numpy(), rtol=1e-5)  # PyTorch adds 1e-6 to the norm
