"""`cr.scipy.minimize`: known minima by every method, over arrays and trees."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.optimize
from numpy.typing import NDArray

import chainrule as cr

GRADIENT = ["CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "SLSQP"]
HESSIAN = ["trust-constr", "dogleg", "trust-ncg", "trust-exact", "trust-krylov"]
WITHOUT = ["Nelder-Mead", "Powell", "COBYLA", "COBYQA"]
START = [1.3, 0.7, 0.8, 1.9, 1.2]
OPTIONS = {"TNC": {"maxfun": 2000, "ftol": 1e-16, "gtol": 1e-10}, "trust-constr": {"gtol": 1e-10}}


@pytest.mark.parametrize("method", [*GRADIENT, *HESSIAN, "bfgs", None])
def test_rosenbrock_by_methods_that_take_derivatives(rosenbrock: Callable[[Any], Any], method: str | None) -> None:
    x0 = np.array([1.1, 0.9, 1.05, 1.0]) if method == "dogleg" else np.array(START)  # dogleg needs a convex start
    options = OPTIONS.get(method or "")
    result = cr.scipy.minimize(rosenbrock, x0, method=method, options=options, tol=None if options else 1e-8)
    assert result.success
    np.testing.assert_allclose(result.x, np.ones(x0.size), atol=2e-5, rtol=0)
    assert result.x.dtype == np.float64


@pytest.mark.parametrize("method", WITHOUT)
def test_methods_that_take_no_derivatives_get_none(method: str) -> None:
    def plain(x: NDArray[Any]) -> Any:
        assert type(x) is np.ndarray
        return np.sum((x - np.array([1.0, 2.0])) ** 2)

    if method == "COBYQA" and not hasattr(scipy.optimize._minimize, "_minimize_cobyqa"):
        pytest.skip("this SciPy has no COBYQA (before 1.14)")
    result = cr.scipy.minimize(plain, np.array([1.3, 0.7]), method=method)
    np.testing.assert_allclose(result.x, [1.0, 2.0], atol=1e-3)


def test_written_with_cr(rosenbrock: Callable[[Any], Any]) -> None:
    def ours(x: Any) -> Any:
        return cr.sum(100.0 * (x[1:] - cr.square(x[:-1])) ** 2 + (1.0 - x[:-1]) ** 2)

    mine, theirs = (cr.scipy.minimize(f, np.array(START), method="BFGS") for f in (ours, rosenbrock))
    np.testing.assert_allclose(mine.x, theirs.x, rtol=1e-12)


def test_gradient_and_hessian_are_scipys_own(rosenbrock: Callable[[Any], Any]) -> None:
    """SciPy ships the derivatives of Rosenbrock's function: the same calls with them take the same way."""
    x0 = np.array(START)
    ours = cr.scipy.minimize(rosenbrock, x0, method="trust-ncg", tol=1e-9)
    theirs = scipy.optimize.minimize(
        scipy.optimize.rosen,
        x0,
        method="trust-ncg",
        jac=scipy.optimize.rosen_der,
        hessp=scipy.optimize.rosen_hess_prod,
        tol=1e-9,
    )
    assert ours.nit == theirs.nit
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-9)
    exact = cr.scipy.minimize(rosenbrock, x0, method="trust-exact", options={"maxiter": 1})
    by_scipy = scipy.optimize.minimize(
        scipy.optimize.rosen,
        x0,
        method="trust-exact",
        jac=scipy.optimize.rosen_der,
        hess=scipy.optimize.rosen_hess,
        options={"maxiter": 1},
    )
    np.testing.assert_allclose(exact.hess, by_scipy.hess, rtol=1e-10, atol=1e-9)


def test_plain_scipy_takes_the_same_derivatives(rosenbrock: Callable[[Any], Any]) -> None:
    result = scipy.optimize.minimize(
        rosenbrock, np.array(START), method="Newton-CG", jac=cr.grad(rosenbrock), hessp=cr.hvp(rosenbrock), tol=1e-10
    )
    assert result.success
    np.testing.assert_allclose(result.x, np.ones(5), atol=1e-6)


def test_logistic_regression_against_newtons_method() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(80, 3))
    labels = (rng.random(80) < 1 / (1 + np.exp(-features @ [1.0, -2.0, 0.5] - 0.3))).astype(float)

    def loss(p: Any, data: Any) -> Any:
        z = data @ p["weights"] + p["bias"]
        return np.sum(np.logaddexp(0.0, z) - labels * z) + 0.5 * np.sum(p["weights"] ** 2)

    # Newton's method with the closed-form gradient and Hessian, in NumPy alone.
    design, ridge, beta = np.column_stack([np.ones(80), features]), np.diag([0.0, 1.0, 1.0, 1.0]), np.zeros(4)
    for _ in range(30):
        mean = 1 / (1 + np.exp(-design @ beta))
        hessian = design.T @ (design * (mean * (1 - mean))[:, None]) + ridge
        beta = beta - np.linalg.solve(hessian, design.T @ (mean - labels) + ridge @ beta)
    start = {"weights": np.zeros(3), "bias": 0.0}
    for method in ("BFGS", "Newton-CG", "trust-exact", "trust-krylov"):
        result = cr.scipy.minimize(loss, start, (features,), method=method, tol=1e-10)
        np.testing.assert_allclose([result.x["bias"], *result.x["weights"]], beta, rtol=1e-6)
        assert type(result.x["bias"]) is float
        np.testing.assert_allclose(result.x_flat, beta, rtol=1e-6)  # sorted keys: bias, then weights


def test_misra1a_has_its_certified_answer(misra1a: tuple[NDArray[Any], NDArray[Any]]) -> None:
    x, y = misra1a

    def squares(b: Any) -> Any:
        return np.sum((y - b["b1"] * (1.0 - np.exp(-1e-4 * b["b2"] * x))) ** 2)

    # NIST's first start; b2 in units of 1e-4, for the two to be of like size.
    result = cr.scipy.minimize(squares, {"b1": 500.0, "b2": 1.0}, method="trust-exact", tol=1e-10)
    assert result.x["b1"] == pytest.approx(2.3894212918e02, rel=1e-8)
    assert result.x["b2"] * 1e-4 == pytest.approx(5.5015643181e-04, rel=1e-8)
    assert result.fun == pytest.approx(1.2455138894e-01, rel=1e-9)


# Trees


def test_leaves_keep_structure_shape_dtype_and_library() -> None:
    target = {"a": np.array([[1.0, 2.0], [3.0, 4.0]]), "b": (5.0, 6.0), "c": 7.0}
    x0 = {
        "a": np.zeros((2, 2), np.float32),
        "b": (cr.tensor(0.0), cr.Variable(np.float32(0.0))),
        "c": np.float64(0.0),
    }

    def distance(x: Any) -> Any:
        return cr.sum((x["a"] - target["a"].astype("f")) ** 2) + sum(
            (one - other) ** 2 for one, other in zip((*x["b"], x["c"]), (5.0, 6.0, 7.0), strict=True)
        )

    result = cr.scipy.minimize(distance, x0, method="L-BFGS-B")
    assert result.x.keys() == x0.keys()
    assert result.x["a"].dtype == np.float32
    np.testing.assert_allclose(result.x["a"], target["a"], rtol=1e-4)
    assert [(type(leaf), leaf.dtype) for leaf in result.x["b"]] == [(cr.Tensor, "float64"), (cr.Tensor, "float32")]
    assert [leaf.tolist() for leaf in result.x["b"]] == pytest.approx([5.0, 6.0], rel=1e-4)
    assert float(result.x["c"]) == pytest.approx(7.0, rel=1e-4)
    assert result.jac.keys() == x0.keys()
    assert result.jac["a"].shape == (2, 2)
    assert result.x_flat.shape == (7,)
    assert result.x_flat.dtype == np.float64


def test_a_matrix_and_a_number_are_trees_too() -> None:
    result = cr.scipy.minimize(lambda x: np.sum((x - np.eye(2)) ** 2), np.zeros((2, 2)))
    np.testing.assert_allclose(result.x, np.eye(2), atol=1e-6)
    number = cr.scipy.minimize(lambda x: (x - 3.0) ** 2, 0.0)
    assert type(number.x) is float
    assert number.x == pytest.approx(3.0)


def test_exact_hessian_of_a_tree() -> None:
    a = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]])

    def quadratic(x: Any) -> Any:
        z = cr.concat([cr.reshape(x["u"], (1,)), x["v"]])
        return 0.5 * z @ a @ z

    result = cr.scipy.minimize(quadratic, {"v": np.array([1.0, -1.0]), "u": 2.0}, method="trust-constr", hess="exact")
    assert result.x["u"] == pytest.approx(0.0, abs=1e-7)
    result = cr.scipy.minimize(quadratic, {"v": np.array([1.0, -1.0]), "u": 2.0}, method="trust-exact")
    np.testing.assert_allclose(result.hess, a, rtol=1e-12)


# Bounds, constraints, callbacks


def test_bounds_of_an_array(rosenbrock: Callable[[Any], Any]) -> None:
    # With x0 <= 0.5 the minimum of Rosenbrock's function of two variables is at (0.5, 0.25).
    for bounds in ([(None, 0.5), (-2.0, 2.0)], scipy.optimize.Bounds([-np.inf, -2.0], [0.5, 2.0])):
        result = cr.scipy.minimize(rosenbrock, np.array([-1.0, 1.0]), bounds=bounds)
        np.testing.assert_allclose(result.x, [0.5, 0.25], atol=1e-5)


def test_bounds_of_a_tree() -> None:
    def distance(x: Any) -> Any:
        return np.sum((x["a"] - 3.0) ** 2) + (x["b"] + 5.0) ** 2

    x0 = {"a": np.zeros((2, 2)), "b": 0.0}
    high = np.array([[1.0, 2.0], [5.0, 5.0]])
    result = cr.scipy.minimize(distance, x0, bounds={"a": (None, high), "b": (-1, None)})
    np.testing.assert_allclose(result.x["a"], [[1.0, 2.0], [3.0, 3.0]], atol=1e-5)
    assert result.x["b"] == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        *(("SLSQP", kind) for kind in ("dictionary", "nonlinear", "linear")),
        *(("COBYLA", kind) for kind in ("dictionary", "nonlinear", "linear")),
        ("trust-constr", "linear"),  # SciPy warns of a linear function given as a nonlinear one
    ],
)
def test_constraints(kind: str, method: str) -> None:
    # The point of the line p + 2q = 5 nearest to the origin is (1, 2).
    constraints: Any = {
        "dictionary": {"type": "eq", "fun": lambda x: [x["p"] + 2.0 * x["q"] - 5.0]},
        "nonlinear": scipy.optimize.NonlinearConstraint(lambda x: x["p"] + 2.0 * x["q"], 5.0, 5.0),
        "linear": [scipy.optimize.LinearConstraint([[1.0, 2.0]], 5.0, 5.0)],
    }[kind]
    result = cr.scipy.minimize(
        lambda x: x["p"] ** 2 + x["q"] ** 2, {"p": 0.0, "q": 0.5}, method=method, constraints=constraints
    )
    assert [result.x["p"], result.x["q"]] == pytest.approx([1.0, 2.0], abs=1e-3)


@pytest.mark.parametrize("method", ["SLSQP", "trust-constr"])
def test_constraints_get_exact_derivatives(method: str) -> None:
    seen: list[type] = []

    def on_circle(x: Any, radius: float) -> Any:
        seen.append(type(x["p"]))
        return np.stack([x["p"] ** 2 + x["q"] ** 2 - radius**2])

    result = cr.scipy.minimize(
        lambda x: x["p"] + x["q"],
        {"p": 1.0, "q": -0.5},
        method=method,
        constraints={"type": "eq", "fun": on_circle, "args": (2.0,)},
        tol=1e-12,
    )
    assert [result.x["p"], result.x["q"]] == pytest.approx([-np.sqrt(2), -np.sqrt(2)], rel=1e-7)
    assert cr.Tensor in seen


def test_callbacks_see_trees() -> None:
    points: list[Any] = []
    results: list[Any] = []

    def stop(intermediate_result: Any) -> None:
        results.append(intermediate_result)
        raise StopIteration

    loss = lambda x: (x["a"] - 1.0) ** 4  # noqa: E731  # one line
    cr.scipy.minimize(loss, {"a": 0.0}, method="BFGS", callback=points.append)
    cr.scipy.minimize(loss, {"a": 0.0}, method="trust-constr", callback=lambda x, state: points.append(x))
    cr.scipy.minimize(loss, {"a": 0.0}, method="BFGS", callback=stop)
    assert len(points) > 2
    assert all(type(point["a"]) is float for point in points)
    assert [type(result.x["a"]) for result in results] == [float]


# What is yours


def test_own_gradient(rosenbrock: Callable[[Any], Any]) -> None:
    def not_for_tensors(x: NDArray[Any]) -> Any:
        assert type(x) is np.ndarray
        return rosenbrock(x)

    result = cr.scipy.minimize(not_for_tensors, np.array(START), jac=scipy.optimize.rosen_der)
    theirs = scipy.optimize.minimize(scipy.optimize.rosen, np.array(START), jac=scipy.optimize.rosen_der)
    assert result.nit == theirs.nit
    np.testing.assert_allclose(result.x, theirs.x, rtol=1e-9)


def test_own_gradient_of_a_tree_may_be_tensors() -> None:
    result = cr.scipy.minimize(
        lambda x: x["a"] ** 2 + np.sum(x["b"] ** 2),
        {"a": 1.0, "b": np.ones(2)},
        jac=lambda x: {"a": cr.tensor(2.0 * x["a"]), "b": (2.0 * x["b"]).astype("f")},
    )
    assert result.x["a"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("jac", "error", "message"),
    [
        (lambda x: np.ones(3), cr.ShapeError, r"jac: expected shape \(2,\), got \(3,\)"),
        (lambda x: np.ones((2, 1)), cr.ShapeError, r"jac: expected shape \(2,\), got \(2, 1\)"),
        (lambda x: np.ones(2) * 1j, cr.DTypeError, "jac: expected real numbers, got complex128"),
        (lambda x: None, cr.DTypeError, "jac: expected real numbers: .*None"),
        (lambda x: "ab", cr.DTypeError, "jac: expected real numbers"),
        (lambda x: np.array([True, False]), cr.DTypeError, "jac: expected real numbers, got bool"),
        (
            lambda x: np.array([1.0, np.nan]),
            cr.NumericsError,
            "jac: 1 of 2 elements at x0 are not finite, .* nan in jac",
        ),
        ("2-point", cr.ArgumentError, "jac: expected 'auto' or a function"),
        (True, cr.ArgumentError, "jac: expected 'auto' or a function"),
    ],
)
def test_own_gradient_that_cannot_be_used(jac: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^cr.scipy.minimize: {message}"):
        cr.scipy.minimize(lambda x: np.sum(x**2), np.ones(2), jac=jac)


def test_own_gradient_of_another_structure() -> None:
    with pytest.raises(cr.ArgumentError, match="jac has not the structure of x0"):
        cr.scipy.minimize(lambda x: x["a"] ** 2, {"a": 1.0}, jac=lambda x: {"b": 1.0})
    with pytest.raises(cr.NumericsError, match=r"inf in jac\['b'\]"):
        cr.scipy.minimize(lambda x: x["a"] ** 2, {"a": 1.0, "b": 2.0}, jac=lambda x: {"a": 1.0, "b": np.inf})


def test_own_hessians(rosenbrock: Callable[[Any], Any]) -> None:
    x0 = np.array(START)
    calls: list[str] = []

    def hess(x: Any) -> Any:
        calls.append("hess")
        return scipy.optimize.rosen_hess(x)

    def hessp(x: Any, v: Any) -> Any:
        calls.append("hessp")
        return scipy.optimize.rosen_hess_prod(x, v)

    for own in ({"hess": hess}, {"hessp": hessp}):
        result = cr.scipy.minimize(rosenbrock, x0, method="trust-ncg", tol=1e-9, **own)  # type: ignore[arg-type]
        np.testing.assert_allclose(result.x, np.ones(5), atol=1e-6)
    assert set(calls) == {"hess", "hessp"}
    with pytest.raises(cr.ShapeError, match=r"hess: expected shape \(5, 5\), got \(5,\)"):
        cr.scipy.minimize(rosenbrock, x0, method="trust-exact", hess=lambda x: x)


def test_scipys_own_hessian_approximations(rosenbrock: Callable[[Any], Any]) -> None:
    result = cr.scipy.minimize(
        rosenbrock, np.array(START), method="trust-constr", hess=scipy.optimize.SR1(), options={"gtol": 1e-8}
    )
    np.testing.assert_allclose(result.x, np.ones(5), atol=1e-5)


def test_overrides() -> None:
    result = cr.scipy.minimize(
        lambda x: np.abs(x - 2.0),
        5.0,
        method="BFGS",
        options={"maxiter": 1},
        overrides={"abs": lambda g, _y, _x: 0.0 * g},
    )
    assert result.x == 5.0  # a gradient of zero goes nowhere


# What is refused


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"method": "bogus"},
            cr.ArgumentError,
            "unknown method 'bogus'; .*there are Nelder-Mead, .*trust-krylov",
        ),
        ({"method": "newton"}, cr.ArgumentError, "unknown method 'newton'; did you mean 'Newton-CG'"),
        ({"method": 3}, cr.DTypeError, "method: expected a name"),
        (
            {"method": "Powell", "jac": np.asarray},
            cr.ArgumentError,
            "method 'Powell' makes no use of jac=; these do: CG, BFGS",
        ),
        ({"method": "BFGS", "hess": np.asarray}, cr.ArgumentError, "no use of hess=; these do: Newton-CG"),
        ({"method": "BFGS", "hess": "exact"}, cr.ArgumentError, "no use of hess="),
        ({"method": "dogleg", "hessp": np.asarray}, cr.ArgumentError, "no use of hessp=; these do: Newton-CG"),
        ({"method": "trust-ncg", "hess": "exact", "hessp": np.asarray}, cr.ArgumentError, "hess= or hessp=, not both"),
        ({"method": "BFGS", "bounds": [(0, 1)] * 2}, cr.ArgumentError, "no use of bounds=; these do: Nelder-Mead"),
        ({"method": "BFGS", "constraints": {"type": "eq"}}, cr.ArgumentError, "no use of constraints="),
        ({"bounds": [(0, 1)]}, cr.ArgumentError, "bounds: expected a pair .* for each of 2 elements, got 1 entries"),
        ({"constraints": 3}, cr.DTypeError, r"constraints\[0\]: expected a dictionary, .*got int"),
        ({"constraints": {"type": "eq"}}, cr.ArgumentError, r"constraints\[0\]: expected keys 'type'"),
    ],
)
def test_arguments_that_do_not_fit(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^cr.scipy.minimize: .*{message}"):
        cr.scipy.minimize(lambda x: np.sum(x**2), np.ones(2), **arguments)


@pytest.mark.parametrize(
    ("x0", "error", "message"),
    [
        (np.array([1, 2]), cr.DTypeError, "x0 is int64, which has no gradient"),
        ({"a": 1.0, "b": 2}, cr.DTypeError, r"x0\['b'\] is int64, which has no gradient"),
        (np.array([1j]), cr.DTypeError, "x0 is complex128; SciPy minimizes over real numbers"),
        ({"a": "text"}, cr.DTypeError, r"x0\['a'\]: expected a tensor, array or number"),
        ({}, cr.ArgumentError, "x0 holds no numbers"),
    ],
)
def test_starts_that_cannot_be_used(x0: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^cr.scipy.minimize: {message}"):
        cr.scipy.minimize(lambda x: 1.0, x0)


@pytest.mark.parametrize("method", ["BFGS", "Nelder-Mead"])
def test_a_function_that_gives_an_array(method: str) -> None:
    with pytest.raises(cr.ShapeError, match=r"shape \(2,\)"):
        cr.scipy.minimize(lambda x: x, np.ones(2), method=method)


def test_bounds_that_do_not_fit_a_tree() -> None:
    loss = lambda x: x["a"] ** 2  # noqa: E731  # one line
    with pytest.raises(cr.ArgumentError, match="bounds has not the structure of x0"):
        cr.scipy.minimize(loss, {"a": 1.0}, bounds={"b": (0, 1)})
    with pytest.raises(cr.ArgumentError, match=r"bounds\['a'\]: expected a pair"):
        cr.scipy.minimize(loss, {"a": 1.0}, bounds={"a": 3})
    with pytest.raises(cr.ArgumentError, match=r"bounds\['a'\]: a bound of shape \(3,\) for a leaf of shape \(\)"):
        cr.scipy.minimize(loss, {"a": 1.0}, bounds={"a": (None, np.ones(3))})


def test_a_gradient_around_it_does_not_pass() -> None:
    def solution(scale: Any) -> Any:
        return scale * cr.scipy.minimize(lambda x: (x - 3.0) ** 2, 0.0).x

    assert cr.grad(solution)(2.0) == pytest.approx(3.0)


def test_an_error_in_the_function_is_its_own_and_leaves_nothing_recording() -> None:
    with pytest.raises(ZeroDivisionError), warnings.catch_warnings():
        cr.scipy.minimize(lambda x: x / 0.0 if x > 100.0 else 1 / 0, 1.0)
    with pytest.raises(cr.TapeError):
        cr.GradientTape().stop_recording().__enter__()
    assert (cr.Variable(1.0) * 1.0).node is None


def test_tensors_of_another_backend_stay_there() -> None:
    pytest.importorskip("array_api_strict", reason="array_api_strict, the other backend, is not installed")
    with cr.use_backend("array_api_strict"):
        start = cr.tensor([1.0, 2.0])
    result = cr.scipy.minimize(lambda x: cr.sum((x["a"] - 3.0) ** 2), {"a": start}, method="trust-ncg")
    assert result.x["a"].backend.name == "array_api_strict"
    assert result.x["a"].tolist() == pytest.approx([3.0, 3.0])
