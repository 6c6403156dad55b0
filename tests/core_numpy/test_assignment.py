"""`x[i] = v` on tensors: it works on what was made inside, refuses what came in, and leaves earlier uses alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

Array = Any
X = np.array([0.5, -1.2, 2.0, 0.3])


def filled(x: Any) -> Any:
    y = np.zeros_like(x)
    y[0] = x[1] ** 2
    y[1:3] = x[:2] * 3.0
    y[-1] += x[0]
    return np.sum(y * y)


def written_over(x: Any) -> Any:
    y = x * x
    y[1] = 2.0 * x[0]
    y[1] *= x[3]
    return np.sum(y)


def earlier_uses_keep_the_old_value(x: Any) -> Any:
    """Of products, which read their inputs, and of elementwise operations."""
    y = np.exp(x)
    product, square, largest = y @ y, y * y, np.max(y)
    y[0] = x[1]
    y[:] = y * 2.0
    return product + np.sum(square) * largest + np.sum(y**3)


def a_recurrence(x: Any) -> Any:
    y = np.zeros_like(x)
    y[0] = x[0]
    for i in range(1, 4):
        y[i] = np.sin(y[i - 1]) + x[i] * y[i - 1]
    return y[3]


def a_copy_of_the_argument(x: Any) -> Any:
    y = x.copy()
    y[x > 0] = 1.5
    y[[1]] = y[[1]] * x[2]
    return np.sum(y * x)


def parts_are_values(x: Any) -> Any:
    y = x * 1.0
    row = y[1:3]
    row[0] = 7.0 * x[0]
    return np.sum(y) + np.sum(row * x[1:3])


def parts_are_values_in_numpy(x: Array) -> Array:
    y = x * 1.0
    row = y[1:3].copy()
    row[0] = 7.0 * x[0]
    return np.sum(y) + np.sum(row * x[1:3])


PROGRAMS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    **{
        f.__name__: (f, f)
        for f in (filled, written_over, earlier_uses_keep_the_old_value, a_recurrence, a_copy_of_the_argument)
    },
    "parts are values": (parts_are_values, parts_are_values_in_numpy),
}


def differences(f: Callable[[Any], Any], x: Array) -> Array:
    steps = 1e-6 * np.eye(x.size)
    return np.array([(f(x + d) - f(x - d)) / 2e-6 for d in steps])


@pytest.mark.parametrize(("f", "reference"), PROGRAMS.values(), ids=PROGRAMS)
def test_values_and_gradients_in_every_mode(f: Callable[[Any], Any], reference: Callable[[Any], Any]) -> None:
    want, slope = reference(X), differences(reference, X)
    np.testing.assert_allclose(float(f(cr.tensor(X))), want, rtol=1e-13)
    value, gradient = cr.value_and_grad(f)(X)
    np.testing.assert_allclose(value, want, rtol=1e-13)
    np.testing.assert_allclose(gradient, slope, rtol=1e-6, atol=1e-8)
    compiled = cr.function(f)
    np.testing.assert_allclose(compiled(X), want, rtol=1e-13)
    np.testing.assert_allclose(cr.grad(compiled)(X), slope, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(cr.function(cr.grad(f))(X), slope, rtol=1e-6, atol=1e-8)
    ones, moved = np.ones(4), 1e-6 * np.ones(4)
    curved = (cr.grad(f)(X + moved) - cr.grad(f)(X - moved)) / 2e-6
    np.testing.assert_allclose(cr.hvp(f)(X, ones), curved, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(cr.jvp(f, [X], [ones])[1], slope.sum(), rtol=1e-6)
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(X))
        y = f(x)
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), slope, rtol=1e-6, atol=1e-8)
    with cr.Graph().as_default(), cr.Session() as session:
        x = cr.placeholder("float64", (4,))
        y = f(x)
        (g,) = cr.gradients(y, [x])
        got = session.run([y, g], {x: X})
    np.testing.assert_allclose(got[0], want, rtol=1e-13)
    np.testing.assert_allclose(got[1], slope, rtol=1e-6, atol=1e-8)


def test_where_places_repeat_the_value_that_stays_has_the_gradient() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        y[[0, 0, 2]] = x[1:] ** 2
        return np.sum(y * np.array([1.0, 2.0, 3.0, 4.0]))

    for g in (cr.grad(f)(X), cr.grad(cr.function(f))(X)):
        np.testing.assert_allclose(g, differences(f, X), rtol=1e-6, atol=1e-8)


def test_only_the_object_changes() -> None:
    x = cr.tensor(X)
    other, array = cr.copy(x), x.value
    x[0] = 9.0
    assert x.tolist() == [9.0, -1.2, 2.0, 0.3]
    assert other.tolist() == X.tolist()
    assert array.tolist() == X.tolist()


def test_an_array_that_a_tensor_was_made_of_stays_as_it_is() -> None:
    array = X.copy()
    x = cr.as_tensor(array)
    x[1:] = 0.0
    assert array.tolist() == X.tolist()


def test_values_take_the_dtype_and_broadcast() -> None:
    x = cr.zeros((2, 3), dtype="float32")
    x[0] = 1
    x[:, 1] = np.array([5.0, 6.0])
    assert x.dtype == "float32"
    assert x.tolist() == [[1.0, 5.0, 1.0], [0.0, 6.0, 0.0]]


def assigned(x: Any) -> Any:
    x[0] = 1.0
    return cr.sum(x)


OUTSIDE = cr.tensor(X)


def of_the_outside(x: Any) -> Any:
    OUTSIDE[0] = x[0]
    return cr.sum(OUTSIDE)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "an argument of grad": (lambda: cr.grad(assigned)(X), "an argument"),
    "a tensor as an argument of grad": (lambda: cr.grad(assigned)(cr.tensor(X)), "an argument"),
    "an argument of a compiled function": (lambda: cr.function(assigned)(X), "an argument"),
    "a constant of the outside": (lambda: cr.grad(of_the_outside)(X), "a constant from outside"),
    "one in a compiled function": (lambda: cr.function(of_the_outside)(X), "a constant from outside"),
}


@pytest.mark.parametrize(("run", "what"), REFUSED.values(), ids=REFUSED)
def test_what_comes_in_is_refused(run: Callable[[], Any], what: str) -> None:
    with pytest.raises(cr.TrackedValueError, match=f"{what}.*x = x.copy.*cr.set_at"):
        run()
    assert OUTSIDE.tolist() == X.tolist()


def test_what_a_tape_watches_and_recorded_is_refused() -> None:
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(X))
        with pytest.raises(cr.TrackedValueError, match="a watched tensor"):
            x[0] = 1.0
        y = x * 2.0
    with pytest.raises(cr.TrackedValueError, match="recorded for a gradient"):
        y[0] = 1.0


def test_a_variables_value_is_refused() -> None:
    v = cr.Variable(X)
    with pytest.raises(cr.TrackedValueError, match="a variable's value"):
        v.read()[0] = 1.0
    v.assign(cr.zeros(4))
    with pytest.raises(cr.TrackedValueError, match="a variable's value"):
        v.read()[0] = 1.0
    with cr.GradientTape(), pytest.raises(cr.TrackedValueError, match="a variable's value"):
        v.read()[0] = 1.0
    assert v.read().tolist() == [0.0] * 4


def test_what_a_variable_was_given_is_not_the_variables() -> None:
    x = cr.zeros(2)
    v = cr.Variable(x)
    x[0] = 1.0
    v.assign(x)
    x[1] = 2.0
    assert v.read().tolist() == [1.0, 0.0]


def test_inside_of_loops_and_branches() -> None:
    def body(i: Any, y: Any) -> Any:
        y = y.copy()
        y[i] = cr.sin(y[i - 1])
        return y

    def f(x: Any) -> Any:
        y = cr.fori_loop(1, 4, body, cr.set_at(cr.zeros_like(x), 0, x[0]))
        return y[3]

    want = np.sin(np.sin(np.sin(X[0])))
    np.testing.assert_allclose(float(f(cr.tensor(X))), want, rtol=1e-14)
    slope = np.cos(X[0]) * np.cos(np.sin(X[0])) * np.cos(np.sin(np.sin(X[0])))
    np.testing.assert_allclose(cr.grad(f)(X), [slope, 0, 0, 0], rtol=1e-12)
