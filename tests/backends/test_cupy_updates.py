"""Updates of weights by a product of matrices, which cuBLAS adds to them where they lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import ops

pytestmark = pytest.mark.gpu
rng = np.random.default_rng(5)
TOLERANCE = {"float16": 2e-2, "float32": 2e-6, "float64": 1e-14, "complex64": 2e-6, "complex128": 1e-14}


@pytest.fixture(autouse=True)
def cupy() -> Iterator[Any]:
    try:
        with cr.use_backend("cupy"):
            import cupy

            yield cupy
    except cr.BackendUnavailableError as error:
        pytest.skip(str(error))


def numbers(*shape: int, dtype: str = "float64") -> np.ndarray:
    values = rng.standard_normal(shape) + (1j * rng.standard_normal(shape) if dtype.startswith("complex") else 0)
    return values.astype(dtype)


def step_of(variable: cr.Variable, factor: float = 0.1) -> Any:
    """A compiled step of gradient descent on half the squares of `x @ w - y`."""

    @cr.function
    def step(x: Any, y: Any) -> Any:
        value, gradient = cr.value_and_grad(lambda w: 0.5 * cr.sum((x @ w - y) ** 2))(variable.read())
        variable.assign(variable.read() - factor * gradient)
        return value

    return step


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("turned", ["", "a", "b", "ab", "x"])
def test_values(cupy: Any, dtype: str, turned: str) -> None:
    x, a, b = numbers(3, 5, dtype=dtype), numbers(3, 4, dtype=dtype), numbers(4, 5, dtype=dtype)
    arrays = [np.asarray(z, order="F" if name in turned else "C") for name, z in (("x", x), ("a", a), ("b", b))]
    tensors = [cr.tensor(cupy.asarray(z)) for z in arrays]
    have = ops.add_product(*tensors, factor=-0.25)
    np.testing.assert_allclose(have.numpy(), x - 0.25 * (a @ b), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    assert have.dtype == dtype
    np.testing.assert_array_equal(tensors[0].numpy(), x)  # which nothing was added to


def test_parts_of_arrays(cupy: Any) -> None:
    a, b = numbers(6, 8), numbers(8, 10)
    have = ops.add_product(cr.tensor(np.ones((3, 5))), cr.as_tensor(cupy.asarray(a)[::2, ::2]), cr.tensor(b[::2, ::2]))
    np.testing.assert_allclose(have.numpy(), 1 + a[::2, ::2] @ b[::2, ::2], rtol=1e-14)


def test_compiled_descent_adds_in_place(cupy: Any) -> None:
    w, x, y = numbers(64, 32), numbers(16, 64) / 8, numbers(16, 32)
    variable = cr.Variable(w)
    step = step_of(variable)
    step(x, y)  # after which nobody else holds the array
    address = variable.read().value.data.ptr
    for _ in range(3):
        step(x, y)
    assert variable.read().value.data.ptr == address
    assert "add_product" in str(cr.explain(step, x, y))
    want = w
    for _ in range(4):
        want = want - 0.1 * x.T @ (x @ want - y)
    np.testing.assert_allclose(variable.numpy(), want, rtol=1e-11, atol=1e-12)


def test_what_somebody_holds_stays(cupy: Any) -> None:
    w, x, y = numbers(64, 32), numbers(16, 64), numbers(16, 32)
    variable = cr.Variable(w)
    held = variable.read()
    step_of(variable)(x, y)
    np.testing.assert_array_equal(held.numpy(), w)
    np.testing.assert_allclose(variable.numpy(), w - 0.1 * x.T @ (x @ w - y), rtol=1e-12, atol=1e-12)


def test_weights_that_are_a_factor_of_their_own_update(cupy: Any) -> None:
    w = numbers(48, 48) / 8
    variable, other = cr.Variable(w), numbers(48, 48)

    @cr.function
    def step(a: Any, left: bool) -> None:
        now = variable.read()
        variable.assign(now + (now @ a if left else a @ cr.matrix_transpose(now)))

    want = w
    for left in (True, True, False, False):
        step(other, left)
        want = want + (want @ other if left else other @ want.T)
        np.testing.assert_allclose(variable.numpy(), want, rtol=1e-11)


def test_a_gradient_that_is_asked_for_too_is_kept(cupy: Any) -> None:
    w, x, y = numbers(64, 32), numbers(16, 64), numbers(16, 32)
    variable = cr.Variable(w)

    @cr.function
    def step(x: Any, y: Any) -> Any:
        gradient = cr.grad(lambda w: 0.5 * cr.sum((x @ w - y) ** 2))(variable.read())
        variable.assign(variable.read() - 0.1 * gradient)
        return gradient

    gradient = x.T @ (x @ w - y)
    np.testing.assert_allclose(cr.as_tensor(step(x, y)).numpy(), gradient, rtol=1e-12)
    np.testing.assert_allclose(variable.numpy(), w - 0.1 * gradient, rtol=1e-12)
