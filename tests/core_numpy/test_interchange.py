"""The engine with NumPy's own arrays and functions: what goes in and out, and what would cut a gradient in silence."""

from __future__ import annotations

import math

import numpy as np
import pytest

import chainrule as cr


@pytest.fixture
def tracked():
    with cr.GradientTape(persistent=True) as tape:
        x = tape.watch(cr.tensor([1.0, 2.0]))
        yield x * 2.0


@pytest.mark.parametrize(
    "convert",
    [
        lambda t: np.array(t),
        lambda t: np.asarray(t),
        lambda t: np.array([t[0], t[1]]),
        lambda t: np.zeros(2).__setitem__(0, t[0]),
        lambda t: math.sin(t[0]),
        lambda t: float(t[0]),
        lambda t: np.from_dlpack(t),
        lambda t: np.arange(3)[t[0]],
        lambda t: np.float64(t[0]),
    ],
    ids=["array", "asarray", "list", "setitem", "math.sin", "float", "dlpack", "index", "float64"],
)
def test_conversions_of_tracked_tensors_are_errors_with_the_replacement(tracked, convert):
    # NumPy puts a ValueError or IndexError of its own over ours for items and indices; ours is its cause.
    with pytest.raises((cr.TrackedValueError, ValueError, IndexError)) as caught:
        convert(tracked)
    assert cr.TrackedValueError in {type(caught.value), type(caught.value.__context__), type(caught.value.__cause__)}


def test_untracked_tensors_convert(tracked):
    plain = cr.tensor([1.0, 2.0])
    np.testing.assert_array_equal(np.array(plain), [1.0, 2.0])
    np.testing.assert_array_equal(np.asarray(plain, dtype=np.float32), np.float32([1.0, 2.0]))
    assert math.sin(plain[0]) == math.sin(1.0)
    np.testing.assert_array_equal(np.from_dlpack(plain), [1.0, 2.0])
    np.testing.assert_array_equal(tracked.numpy(), [2.0, 4.0])
    np.testing.assert_array_equal(np.array(cr.stop_gradient(tracked)), [2.0, 4.0])


def test_the_errors_say_what_to_write(tracked):
    with pytest.raises(cr.TrackedValueError, match=r"cr.stack or cr.asarray"):
        np.array(tracked)
    with pytest.raises(cr.TrackedValueError, match=r"cr.sin\(t\) for math.sin\(t\)"):
        math.sin(tracked[0])
    array = np.zeros(2)
    with pytest.raises(
        cr.DTypeError, match=r"writing one into an array would cut the gradient.*`a = a \+ t` for `a \+= t`"
    ):
        array += tracked
    with pytest.raises(cr.DTypeError, match="out"):
        np.sin(tracked, out=array)


def test_numpy_functions_stay_in_the_graph(tracked):
    y = np.sum(np.sin(tracked) * np.array([1.0, 3.0]))
    assert isinstance(y, cr.Tensor)
    assert y.node is not None
    assert isinstance(np.array([1.0, 2.0]) * tracked, cr.Tensor)
    assert isinstance(np.float64(2.0) * tracked, cr.Tensor)


def test_arrays_and_scalars_come_back_as_numpys():
    g = cr.grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    assert type(g) is np.ndarray
    value, g = cr.value_and_grad(lambda x: x**2)(3.0)
    assert isinstance(value, float)
    assert isinstance(g, float)
    g = cr.grad(lambda x: np.sum(x**2))(np.float32([1.0, 2.0]))
    assert g.dtype == np.float32
    tree = cr.grad(lambda p: np.sum(p["a"]) * p["b"])({"a": np.ones(2), "b": np.float64(3.0)})
    np.testing.assert_array_equal(tree["a"], [3.0, 3.0])
    assert tree["b"] == 2.0


def test_results_are_the_callers_own():
    x = np.array([1.0, 2.0])
    x.flags.writeable = False
    g = cr.grad(lambda x: np.sum(x**2))(x)
    g += 1.0
    np.testing.assert_array_equal(x, [1.0, 2.0])
    y, pull = cr.vjp(lambda x: x, np.array([1.0, 2.0]))
    seed = np.array([5.0, 6.0])
    (h,) = pull(seed)
    y[:] = h[:] = 9.0
    np.testing.assert_array_equal(seed, [5.0, 6.0])
    a, b = cr.grad(lambda a, b: np.sum((a + b) * 3.0), argnums=(0, 1))(np.ones(2), np.ones(2))
    a[:] = 7.0
    np.testing.assert_array_equal(b, [3.0, 3.0])
    # A pullback reads the recorded result of exp, which writing into y must not change.
    y, pull = cr.vjp(np.exp, np.array([0.0, 1.0]))
    y[:] = 0.0
    np.testing.assert_array_equal(pull(np.ones(2))[0], np.exp([0.0, 1.0]))


def test_integer_arrays_are_refused_with_the_fix():
    with pytest.raises(
        cr.DTypeError, match=r"argument 0 is of dtype int64, which has no gradient; convert it with astype\(float\)"
    ):
        cr.grad(lambda x: np.sum(x))(np.arange(3))


def test_arrays_of_objects_and_strings_are_refused():
    for array in (np.array(["a"]), np.array([object()])):
        with pytest.raises(cr.DTypeError, match="cannot be tensors"):
            cr.tensor(array)


def test_complex_gradients_against_finite_differences():
    rng = np.random.default_rng(0)
    z = rng.normal(size=3) + 1j * rng.normal(size=3)

    def f(z):
        return np.sum(np.abs(np.exp(z) * z**2 + np.conj(z)) ** 2)

    g = cr.grad(f)(z)
    step = 1e-6
    for i in range(3):
        e = np.eye(3)[i] * step
        along_real = (f(z + e) - f(z - e)) / (2 * step)
        along_imaginary = (f(z + 1j * e) - f(z - 1j * e)) / (2 * step)
        np.testing.assert_allclose(g[i], along_real + 1j * along_imaginary, rtol=1e-6)


def test_complex_seeds_against_finite_differences():
    rng = np.random.default_rng(1)
    z, seed = (rng.normal(size=3) + 1j * rng.normal(size=3) for _ in range(2))

    def f(z):
        return np.sin(z) * z[::-1]

    def along(z):
        return np.sum(np.real(np.conj(seed) * f(z)))

    _, pull = cr.vjp(f, z)
    (g,) = pull(seed)
    step = 1e-6
    for i in range(3):
        e = np.eye(3)[i] * step
        slope = (along(z + e) - along(z - e)) / (2 * step) + 1j * (along(z + 1j * e) - along(z - 1j * e)) / (2 * step)
        np.testing.assert_allclose(g[i], slope, rtol=1e-6)


def test_random_programs_against_finite_differences():
    rng = np.random.default_rng(2)

    def f(x):
        a = np.tanh(x @ x.T) + np.maximum(x[:, :1], 0.3)
        return np.mean(np.log1p(np.exp(a)) * np.concatenate([x, x[:, :1]], axis=1)[:, :3])

    x = rng.normal(size=(3, 3))
    v = rng.normal(size=(3, 3))
    step = 1e-6
    np.testing.assert_allclose(np.sum(cr.grad(f)(x) * v), (f(x + step * v) - f(x - step * v)) / (2 * step), rtol=1e-6)
    np.testing.assert_allclose(cr.jvp(f, [x], [v])[1], np.sum(cr.grad(f)(x) * v), rtol=1e-12)
    change = (cr.grad(f)(x + step * v) - cr.grad(f)(x - step * v)) / (2 * step)
    np.testing.assert_allclose(cr.hvp(f)(x, v), change, rtol=1e-5, atol=1e-8)


def test_a_pullback_does_not_see_what_is_written_into_the_argument_later():
    x = np.array([1.0, 2.0])
    _, pullback = cr.vjp(lambda x: x**2, x)
    x[:] = 100.0
    np.testing.assert_array_equal(pullback(np.ones(2))[0], [2.0, 4.0])


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float64", "complex64"])
def test_a_dtype_has_a_class_of_numbers_as_numpys_has(dtype):
    number = np.ones((), dtype).item()
    found = cr.as_dtype(dtype).type(number)
    assert (found, type(found)) == (np.dtype(dtype).type(number).item(), type(number))
