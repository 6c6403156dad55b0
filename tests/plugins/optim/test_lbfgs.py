"""L-BFGS: to the minimum, or back to where it was."""

from typing import Any

import numpy as np
import pytest

import chainrule as cr


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-5), ("float32", 5e-3)])
def test_rosenbrock_in_parts(dtype: str, tolerance: float) -> None:
    x, rest = cr.Variable(-1.2, dtype=dtype), cr.Variable([1.0, 0.5, -0.5], dtype=dtype)

    def rosenbrock() -> Any:
        p = cr.concat([cr.reshape(x.read(), (1,)), rest.read()])
        return cr.sum(100.0 * (p[1:] - p[:-1] ** 2) ** 2 + (1.0 - p[:-1]) ** 2)

    optimizer = cr.optim.LBFGS(tolerance=1e-8, loss_tolerance=1e-14 if dtype == "float64" else 1e-9)
    loss = optimizer.minimize(rosenbrock)
    assert float(loss) == pytest.approx(0.0, abs=tolerance)
    assert (loss.node, x.dtype, rest.dtype) == (None, dtype, dtype)
    np.testing.assert_allclose([x.numpy(), *rest.numpy()], 1.0, atol=tolerance)
    assert optimizer.result.nit > 5


def test_least_squares_has_its_closed_form() -> None:
    rng = np.random.default_rng(0)
    A, y = rng.normal(size=(30, 4)), rng.normal(size=30)
    w = cr.Variable(np.zeros(4))
    cr.optim.LBFGS(tolerance=1e-10, loss_tolerance=0.0).minimize(lambda: cr.sum((A @ w - y) ** 2), [w])
    np.testing.assert_allclose(w.numpy(), np.linalg.lstsq(A, y)[0], rtol=1e-6)


def test_it_is_scipys_search() -> None:
    from scipy.optimize import minimize, rosen, rosen_der

    start = [-1.2, 1.0, 0.7]
    expected = minimize(rosen, start, jac=rosen_der, method="L-BFGS-B", options={"maxiter": 7})
    w = cr.Variable(start)
    optimizer = cr.optim.LBFGS(max_iterations=7)
    loss = optimizer.minimize(lambda: cr.sum(100.0 * (w[1:] - w[:-1] ** 2) ** 2 + (1.0 - w[:-1]) ** 2))
    assert (optimizer.result.success, optimizer.result.nit) == (False, 7)  # and no warning: it was asked for
    np.testing.assert_allclose(w.numpy(), expected.x, rtol=1e-9)
    assert float(loss) == pytest.approx(expected.fun, rel=1e-9)


def test_only_the_variables_asked_for_move() -> None:
    a, b, fixed = cr.Variable(1.0, name="a"), cr.Variable(1.0, name="b"), cr.Variable(3.0, trainable=False)
    cr.optim.LBFGS().minimize(lambda: (a - fixed) ** 2 + b**2, [a])
    assert float(a.numpy()) == pytest.approx(3.0, abs=1e-5)
    assert float(b.numpy()) == 1.0


def test_a_variable_that_the_loss_does_not_depend_on_stays() -> None:
    a, other = cr.Variable(1.0), cr.Variable(2.0)
    cr.optim.LBFGS().minimize(lambda: a * a, [other, a])
    assert float(a.numpy()) == pytest.approx(0.0, abs=1e-5)
    assert float(other.numpy()) == 2.0


def test_row_sparse_gradients() -> None:
    w = cr.Variable(np.ones((4, 2)))
    cr.optim.LBFGS().minimize(lambda: cr.sum(w[np.array([1, 3])] ** 2))
    np.testing.assert_allclose(w.numpy(), [[1, 1], [0, 0], [1, 1], [0, 0]], atol=1e-5)


def test_own_gradients_and_overrides() -> None:
    a = cr.Variable(1.0)
    cr.optim.LBFGS().minimize(lambda: cr.tensor(float(a.numpy()) ** 2), [a], gradients=lambda: [2.0 * a.read()])
    assert float(a.numpy()) == pytest.approx(0.0, abs=1e-5)
    b = cr.Variable(1.0)
    cr.optim.LBFGS().minimize(lambda: cr.square(b), overrides={"square": lambda g, _y, x: 2.0 * g * x})
    assert float(b.numpy()) == pytest.approx(0.0, abs=1e-5)


def test_whatever_is_raised_takes_everything_back() -> None:
    a = cr.Variable(1.0)
    calls = 0

    def loss() -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return (a - 5.0) ** 4

    optimizer = cr.optim.LBFGS()
    with pytest.raises(KeyboardInterrupt):
        optimizer.minimize(loss)
    assert float(a.numpy()) == 1.0
    assert optimizer.result is None


def test_a_wrong_gradient_is_warned_of() -> None:
    a = cr.Variable([1.0, 1.0])
    with pytest.warns(RuntimeWarning, match=r"^LBFGS.minimize: the line search failed \(ABNORMAL.*cr.checked"):
        cr.optim.LBFGS().minimize(lambda: cr.sum(a * a), [a], gradients=lambda: [-2.0 * a.read()])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda o, a: o.minimize(cr.tensor(1.0)), cr.DTypeError, "expected the loss as a function without arguments"),
        (lambda o, a: o.minimize(lambda: a * a, [a], gradients=[1.0]), cr.DTypeError, "gradients: expected a function"),
        (
            lambda o, a: o.minimize(lambda: cr.stop_gradient(a), [a]),
            cr.MissingGradientError,
            "no variable has a gradient",
        ),
        (lambda o, a: o.minimize(lambda: a / 0.0), cr.NumericsError, "the loss is inf at the start"),
        (lambda o, a: o.minimize(lambda: cr.tensor(1.0)), cr.ArgumentError, "no variables to optimize"),
    ],
)
def test_refusals(call: Any, error: type[Exception], message: str) -> None:
    a = cr.Variable(1.0)
    with np.errstate(all="ignore"), pytest.raises(error, match=rf"^LBFGS\.minimize: .*{message}"):
        call(cr.optim.LBFGS(), a)
    assert float(a.numpy()) == 1.0


def test_where_there_are_no_values() -> None:
    a = cr.Variable(1.0)
    message = r"^LBFGS\.minimize: SciPy searches by values.*; call it outside"
    with cr.Graph().as_default(), pytest.raises(cr.GraphError, match=message):
        cr.optim.LBFGS().minimize(lambda: a * a)
    with pytest.raises(cr.GraphError, match=message):
        cr.function(lambda: cr.optim.LBFGS().minimize(lambda: a * a))()


def test_complex_variables() -> None:
    a = cr.Variable(1j)
    with pytest.raises(cr.DTypeError, match="real numbers"):
        cr.optim.LBFGS().minimize(lambda: cr.abs(a) ** 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_iterations": 0}, "LBFGS: max_iterations: expected an integer >= 1"),
        ({"tolerance": -1.0}, "LBFGS: tolerance: "),
        ({"memory": 0}, "LBFGS: memory: "),
        ({"name": ""}, "LBFGS: name: expected a non-empty string"),
    ],
)
def test_arguments(arguments: Any, message: str) -> None:
    with pytest.raises(cr.ArgumentError, match=message):
        cr.optim.LBFGS(**arguments)
    assert repr(cr.optim.LBFGS(max_iterations=9)) == "<LBFGS 'LBFGS' max_iterations=9>"
