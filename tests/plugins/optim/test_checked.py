"""`checked`: right gradients pass, and every fault is named."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.optimize

import chainrule as cr

X = np.array([0.5, -1.0, 2.0])


def f(x: Any) -> Any:
    return np.sum(x**4 + np.sin(x))


def df(x: Any) -> Any:
    return 4 * x**3 + np.cos(x)


def opaque(x: Any) -> float:
    """The same for arrays of NumPy alone: no tensor gets through."""
    assert isinstance(x, np.ndarray)
    return math.fsum(float(a) ** 4 + math.sin(float(a)) for a in x)


FUNCTIONS = pytest.mark.parametrize("function", [f, opaque])


@FUNCTIONS
def test_a_right_gradient_passes(function: Any) -> None:
    checked = cr.checked(df, function)
    for x in np.random.default_rng(0).normal(size=(20, 3)) * 3:
        np.testing.assert_array_equal(checked(x), df(x))
    assert (checked.calls, checked.checks) == (20, 20)


@FUNCTIONS
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_precision_of_the_argument(function: Any, dtype: str) -> None:
    cr.checked(df, function)(X.astype(dtype))


FAULTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "none": (lambda x: None, "it is None; does the function forget to return the gradient?"),
    "text": (lambda x: "gradient", "it is no array of numbers: "),
    "too short": (lambda x: df(x)[:2], r"it has shape \(2,\), expected \(3,\): 2 elements for 3"),
    "column": (lambda x: df(x)[:, None], r"it has shape \(3, 1\), expected \(3,\), a column vector: reshape it to"),
    "row": (lambda x: df(x)[None], r"it has shape \(1, 3\), expected \(3,\), a row vector: reshape it to \(3,\)"),
    "number": (lambda x: 1.0, r"it has shape \(\), expected \(3,\): 1 elements for 3"),
    "complex": (lambda x: df(x) + 2j, "it is complex128, imaginary parts up to 2, for float64: return its real part"),
    "integers": (lambda x: df(x).astype(int), "it is int64, for float64: return floating-point numbers"),
    "float32": (lambda x: df(x).astype(np.float32), "it is float32, of 7 digits, for float64: compute in float64"),
    "nan": (lambda x: df(x) * [1, np.nan, 1], r"1 of 3 elements are NaN or infinite, the first is \[1\]"),
    "infinite": (lambda x: df(x) / 0, r"3 of 3 elements are NaN or infinite, the first is \[0\]"),
    "sign": (lambda x: -df(x), "it has the wrong sign"),
    "scale": (lambda x: 10 * df(x), "it has the wrong scale: it is 10 times what it should be"),
    "scale and sign": (lambda x: -df(x) / 2, "the wrong scale and the wrong sign: it is -0.5 times"),
    "zero": (lambda x: 0 * df(x), "it is zero"),
}


@FUNCTIONS
@pytest.mark.parametrize("fault", FAULTS)
def test_faults(fault: str, function: Any) -> None:
    jac, message = FAULTS[fault]
    with np.errstate(all="ignore"), pytest.raises(cr.GradientCheckError, match=message) as caught:
        cr.checked(jac, function)(X)
    assert str(caught.value).startswith("gradient '<lambda>', call 1, ")


def test_the_element_that_is_farthest_off() -> None:
    def jac(x: Any) -> Any:
        return df(x) + np.array([0.0, 0.5, 0.1])

    with pytest.raises(cr.GradientCheckError) as caught:
        cr.checked(jac, f)(X)
    expected = float(df(X)[1])
    assert str(caught.value) == (
        "gradient 'jac', call 1, beside chainrule's gradient of 'f': 2 of 3 elements differ, most of all x[1]: "
        f"expected {expected:.8g}, got {expected + 0.5:.8g}"
    )
    with pytest.raises(cr.GradientCheckError, match=r"differences of 'opaque' along 3 random .* slopes differ"):
        cr.checked(jac, opaque)(X)


def test_several_faults_at_once() -> None:
    with pytest.raises(cr.GradientCheckError) as caught:
        cr.checked(lambda x: [[np.nan + 1j]], f)(X)
    assert len(str(caught.value).splitlines()) == 4


@FUNCTIONS
def test_every_nth_call(function: Any) -> None:
    checked = cr.checked(lambda x: df(x) if x[0] < 4 else -df(x), function, every=3)
    for i in range(5):  # the wrong one is call 5
        checked(X + i)
    checked(X + 5)
    with pytest.raises(cr.GradientCheckError, match="call 7"):
        checked(X + 5)
    assert (checked.calls, checked.checks) == (7, 3)


def test_warnings() -> None:
    checked = cr.checked(lambda x: -df(x), f, on_fault="warn")
    with pytest.warns(cr.optim.GradientCheckWarning, match="it has the wrong sign"):
        np.testing.assert_array_equal(checked(X), -df(X))


def test_tolerances() -> None:
    off = 1 + 1e-3
    with pytest.raises(cr.GradientCheckError):
        cr.checked(lambda x: off * df(x), f)(X)
    cr.checked(lambda x: off * df(x), f, rtol=2e-3)(X)
    cr.checked(lambda x: df(x) + 1e-3, f, atol=2e-3)(X)
    cr.checked(lambda x: off * df(x), opaque, rtol=2e-3)(X)


def test_further_arguments() -> None:
    cr.checked(lambda x, a, b: 2 * a * x, lambda x, a, b: np.sum(a * x * x) + b)(X, 3.0, 1.0)


@pytest.mark.parametrize("make", [lambda v: v, cr.tensor], ids=["arrays", "tensors"])
def test_trees(make: Any) -> None:
    x = {"a": make(np.array([1.0, 2.0])), "b": (make(np.array([[3.0]])), 0.5)}

    def function(x: Any) -> Any:
        return np.sum(x["a"] ** 2) + x["b"][1] * np.sum(x["b"][0])

    def jac(x: Any, wrong: float = 0.0) -> Any:
        return {"a": 2 * x["a"], "b": (0 * x["b"][0] + x["b"][1] + wrong, float(np.sum(np.asarray(x["b"][0]))))}

    cr.checked(jac, function)(x)
    with pytest.raises(cr.GradientCheckError, match=r"most of all x\['b'\]\[0\]\[0, 0\]: expected 0.5, got 1.5"):
        cr.checked(lambda x: jac(x, 1.0), function)(x)
    with pytest.raises(cr.GradientCheckError, match="it has not the structure of x"):
        cr.checked(lambda x: jac(x)["a"], function)(x)
    with pytest.raises(cr.GradientCheckError, match=r"x\['a'\]: it has shape \(\), expected \(2,\)"):
        cr.checked(lambda x: {**jac(x), "a": 1.0}, function)(x)


def test_a_number() -> None:
    assert cr.checked(lambda x: 3 * x**2, lambda x: x**3)(2.0) == 12.0
    assert cr.checked(lambda x: math.cos(x), lambda x: math.sin(x))(0.5) == math.cos(0.5)
    with pytest.raises(cr.GradientCheckError, match="it has the wrong scale: it is 2 times"):
        cr.checked(lambda x: 2 * math.cos(x), lambda x: math.sin(float(x)))(0.5)


def test_complex_arguments() -> None:
    z = np.array([1 + 2j, -0.5j])
    cr.checked(lambda z: 2 * z, lambda z: np.sum(np.abs(z) ** 2))(z)
    with pytest.raises(cr.GradientCheckError):
        cr.checked(lambda z: 2 * np.conj(z), lambda z: np.sum(np.abs(z) ** 2))(z)


def test_a_path_that_the_function_cuts_is_found_by_differences() -> None:
    def cut(x: Any) -> Any:
        return float(np.sum((x.numpy() if isinstance(x, cr.Tensor) else x) ** 2)) + 0.0 * np.sum(x)

    cr.checked(lambda x: 2 * x, cut)(X)


def test_zeros_are_right_where_it_is_flat() -> None:
    cr.checked(lambda x: 0 * x, lambda x: np.sum(0.0 * x))(X)


def test_a_function_that_gives_an_array() -> None:
    def vector(x: Any) -> Any:
        return np.array([float(a) for a in x])

    with pytest.raises(cr.ArgumentError, match=r"checked: 'vector' gave shape \(3,\), expected one number"):
        cr.checked(df, vector)(X)


def test_nothing_to_compare_with() -> None:
    with pytest.raises(cr.ArgumentError, match=r"nothing to compare 'df' with: pass the function"):
        cr.checked(df)(X)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3,), cr.DTypeError, "checked: jac: expected a function, got int 3"),
        ((df, 3), cr.DTypeError, "checked: function: expected a function, got int 3"),
        ((df, f, 0), cr.ArgumentError, "checked: every: expected an integer >= 1"),
        ((df, f, 1, -1.0), cr.ArgumentError, "checked: rtol: "),
        ((df, f, 1, 1.0, "a"), cr.DTypeError, "checked: atol: "),
        ((df, f, 1, 1.0, 1.0, 0), cr.ArgumentError, "checked: directions: "),
        ((df, f, 1, 1.0, 1.0, 1, 0, "ignore"), cr.ArgumentError, "checked: on_fault: expected 'raise' or 'warn'"),
    ],
)
def test_arguments(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        cr.checked(*arguments)
    assert repr(cr.checked(df, f, every=5)) == "<checked gradient 'df', every 5>"


# Where gradients are taken


@FUNCTIONS
def test_scipy(function: Any) -> None:
    result = scipy.optimize.minimize(function, X, jac=cr.checked(df, function))
    np.testing.assert_allclose(df(result.x), 0.0, atol=1e-4)
    with pytest.raises(cr.GradientCheckError, match="10 times"):
        scipy.optimize.minimize(function, X, jac=cr.checked(lambda x: 10 * df(x), function))


def test_our_scipy() -> None:
    result = cr.scipy.minimize(f, X, jac=cr.checked(df, f))
    np.testing.assert_allclose(df(result.x), 0.0, atol=1e-4)


def _problem() -> tuple[cr.Variable, cr.Variable, Callable[[], Any]]:
    w, b = cr.Variable([1.0, 2.0], name="w"), cr.Variable(3.0, name="b")
    return w, b, lambda: b * cr.sum(w * w)


@pytest.mark.parametrize("form", ["sequence", "mapping", "some"])
def test_minimize(form: str) -> None:
    w, b, loss = _problem()

    def gradients() -> Any:
        dw, db = 2 * b.numpy() * w.numpy(), (w.numpy() ** 2).sum()
        return {"sequence": [dw, db], "mapping": {w: dw, b: db}, "some": {b: db}}[form]

    checked = cr.checked(gradients, every=2)
    optimizer = cr.optim.GradientDescent(0.01)
    for _ in range(4):
        optimizer.minimize(loss, [w, b], gradients=checked)
    assert (checked.calls, checked.checks) == (4, 2)
    ours, theirs, loss = _problem()
    other = cr.optim.GradientDescent(0.01)
    for _ in range(4):
        other.minimize(loss)
    np.testing.assert_allclose([*w.numpy(), b.numpy()], [*ours.numpy(), theirs.numpy()], rtol=1e-12)


@pytest.mark.parametrize(
    ("give", "message"),
    [
        (lambda w, b: [-6.0 * w.read(), 5.0], "of variable 'w', it has the wrong sign"),
        (lambda w, b: [6.0 * w.read(), 10.0], "of variable 'b', it has the wrong scale: it is 2 times"),
        (lambda w, b: [6.0 * w.read(), None], "of variable 'b', it is None"),
        (lambda w, b: [[6.0, np.nan], 5.0], r"of variable 'w', 1 of 2 elements are NaN or infinite"),
        (lambda w, b: [[6.0, 11.0], 5.0], r"of variable 'w', 1 of 2 .*w\[1\]: expected 12, got 11"),
    ],
)
def test_minimize_finds_faults_and_changes_nothing(give: Any, message: str) -> None:
    w, b, loss = _problem()
    with pytest.raises(cr.GradientCheckError, match=rf"GradientDescent\.minimize, beside .*: {message}"):
        cr.optim.GradientDescent(0.1).minimize(loss, [w, b], gradients=cr.checked(lambda: give(w, b)))
    assert (w.numpy().tolist(), float(b.numpy())) == ([1.0, 2.0], 3.0)


def test_a_loss_without_a_gradient_to_compare_with() -> None:
    w = cr.Variable(1.0, name="w")
    with pytest.raises(cr.GradientCheckError, match="of variable 'w', there is nothing to compare with"):
        cr.optim.GradientDescent(0.1).minimize(lambda: cr.tensor(1.0), [w], gradients=cr.checked(lambda: [1.0]))


def test_lbfgs_and_rows() -> None:
    w = cr.Variable(np.ones((3, 2)), name="w")
    rows = np.array([0, 2])
    checked = cr.checked(lambda: [cr.IndexedSlices(2 * w.read()[rows], cr.tensor(rows), (3, 2))])
    with warnings.catch_warnings(action="error"):
        cr.optim.LBFGS().minimize(lambda: cr.sum(w[rows] ** 2), [w], gradients=checked)
    np.testing.assert_allclose(w.numpy()[1], 1.0)
    assert checked.checks > 1
