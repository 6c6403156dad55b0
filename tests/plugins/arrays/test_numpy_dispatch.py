"""Functions written for NumPy: what dispatches gives NumPy's values and right gradients, what cannot is refused."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

Array = Any
H = 1e-3
X = np.random.default_rng(3).uniform(0.3, 0.9, (2, 3))
V = np.array([0.7, 0.2, 0.9, 0.4])
S = np.random.default_rng(4).uniform(0.3, 0.9, (3, 3))
A = np.arange(6.0).reshape(2, 3) + 1
LEFT = np.array([1.5, 2.5, 3.5]) * X  # far from where a quotient by X jumps


def called(f: Callable[..., Any], operands: Callable[[Any], tuple[Any, Any]]) -> Callable[[Any], Any]:
    """The function of `x` that calls `f` on two operands made of it."""
    return lambda x: f(*operands(x))


FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Array]] = {
    # ufuncs
    **{
        name: (getattr(np, name), X)
        for name in (
            *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arctanh"),
            *("asin", "acos", "atan", "asinh", "atanh", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p"),
            *("sqrt", "cbrt", "square", "reciprocal", "negative", "positive", "absolute", "abs", "fabs", "sign"),
            *("floor", "ceil", "trunc", "rint", "deg2rad", "rad2deg", "degrees", "radians", "conjugate", "conj"),
        )
    },
    "arccosh": (np.arccosh, X + 1),
    "acosh": (np.acosh, X + 1),
    **{
        f"{name} {side}": (called(getattr(np, name), operands), X)
        for name in (
            *("add", "subtract", "multiply", "divide", "true_divide", "power", "pow", "maximum", "minimum", "hypot"),
            *("arctan2", "atan2", "logaddexp", "copysign", "remainder", "mod", "floor_divide"),
        )
        for side, operands in (
            ("array", lambda x: (x, A[0])),
            ("on the right", lambda x: (A[0], x)),
            ("number", lambda x: (x, 0.31)),
            ("both", lambda x: (x, x + 0.05)),
        )
    },
    "matmul": (lambda x: np.matmul(x, A.T), X),
    "matmul on the right": (lambda x: np.matmul(A.T, x), X),
    # reductions
    "sum": (np.sum, X),
    "sum axis": (lambda x: np.sum(x, axis=1), X),
    "sum axes keepdims": (lambda x: np.sum(x, axis=(0, 1), keepdims=True), X),
    "sum dtype": (lambda x: np.sum(x, dtype=np.float64), X),
    "prod": (lambda x: np.prod(x, axis=0), X),
    "mean": (lambda x: np.mean(x, axis=-1), X),
    "var ddof": (lambda x: np.var(x, axis=0, ddof=1), X),
    "std ddof": (lambda x: np.std(x, axis=1, ddof=1, keepdims=True), X),
    "std": (np.std, X),
    "max": (lambda x: np.max(x, axis=0), X),
    "min": (lambda x: np.min(x, axis=1, keepdims=True), X),
    "amax": (np.amax, X),
    "amin": (np.amin, X),
    "cumsum": (np.cumsum, X),
    "cumsum axis": (lambda x: np.cumsum(x, axis=0), X),
    "cumprod": (lambda x: np.cumprod(x, axis=1), X),
    "diff": (np.diff, X),
    "diff n": (lambda x: np.diff(x, n=2, axis=1), X),
    "trace": (np.trace, S),
    "linalg.norm": (np.linalg.norm, X),
    "linalg.norm axis": (lambda x: np.linalg.norm(x, axis=1), X),
    "linalg.norm 1": (lambda x: np.linalg.norm(x, 1), V),
    "linalg.norm inf": (lambda x: np.linalg.norm(x, np.inf), V),
    "linalg.vector_norm": (lambda x: np.linalg.vector_norm(x, axis=0), X),
    "average": (lambda x: np.sum(x * A) / np.sum(A), X),
    # ufunc methods
    "add.reduce": (np.add.reduce, X),
    "add.reduce axis": (lambda x: np.add.reduce(x, axis=1), X),
    "multiply.reduce": (lambda x: np.multiply.reduce(x, axis=None), X),
    "maximum.reduce": (np.maximum.reduce, X),
    "minimum.reduce": (lambda x: np.minimum.reduce(x, axis=1, keepdims=True), X),
    "add.accumulate": (np.add.accumulate, X),
    "multiply.accumulate": (lambda x: np.multiply.accumulate(x, axis=1), X),
    "subtract.outer": (lambda x: np.subtract.outer(x, V), V),
    "multiply.outer": (lambda x: np.multiply.outer(x, V), X),
    # shapes
    "reshape": (lambda x: np.reshape(x, (3, 2)) * A.T, X),
    "ravel": (lambda x: np.ravel(x) * np.arange(6), X),
    "transpose": (lambda x: np.transpose(x) * A.T, X),
    "transpose axes": (lambda x: np.transpose(x, (1, 0)) * A.T, X),
    "swapaxes": (lambda x: np.swapaxes(x, 0, 1) * A.T, X),
    "moveaxis": (lambda x: np.moveaxis(x, 0, -1) * A.T, X),
    "expand_dims": (lambda x: np.expand_dims(x, 1) * A, X),
    "squeeze": (lambda x: np.squeeze(x[None]) * A, X),
    "broadcast_to": (lambda x: np.broadcast_to(x, (4, 2, 3)) * A, X),
    "concatenate": (lambda x: np.concatenate([x, A, x * 2], axis=0), X),
    "concatenate flat": (lambda x: np.concatenate([x, A], axis=None), X),
    "concat": (lambda x: np.concat([x, A], axis=1), X),
    "stack": (lambda x: np.stack([x, A, x], axis=1), X),
    "hstack": (lambda x: np.hstack([x, A]), X),
    "vstack": (lambda x: np.vstack([x, A[0]]), X),
    "column_stack": (lambda x: np.column_stack([x, V]), V),
    "split": (lambda x: np.split(x, 3, axis=1)[1] ** 2, X),
    "split at": (lambda x: np.split(x, [1], axis=1)[1] ** 2, X),
    "tile": (lambda x: np.tile(x, (2, 2)) * np.tile(A, (2, 2)), X),
    "repeat": (lambda x: np.repeat(x, 2, axis=1) * np.repeat(A, 2, axis=1), X),
    "flip": (lambda x: np.flip(x, axis=1) * A, X),
    "roll": (lambda x: np.roll(x, 1, axis=1) * A, X),
    "tril": (lambda x: np.tril(x) * A, X),
    "triu": (lambda x: np.triu(x, 1) * A, X),
    "diag": (np.diag, S),
    "diag of a vector": (np.diag, V),
    "diagonal": (np.diagonal, S),
    "atleast_2d": (np.atleast_2d, V),
    # products
    "dot": (lambda x: np.dot(x, A.T), X),
    "dot vector": (lambda x: np.dot(x, V), V),
    "inner": (lambda x: np.inner(x, A), X),
    "outer": (lambda x: np.outer(x, V), V),
    "tensordot": (lambda x: np.tensordot(x, A, axes=([0], [0])), X),
    "tensordot count": (lambda x: np.tensordot(A, x, axes=2), X),
    "einsum": (lambda x: np.einsum("ij,kj->ik", x, A), X),
    "einsum implicit": (lambda x: np.einsum("ij,jk", A, x.T), X),
    "einsum ellipsis": (lambda x: np.einsum("...j,j->...", x, V[:3]), X),
    "einsum diagonal": (lambda x: np.einsum("ii->i", x), S),
    "kron": (lambda x: np.kron(x, A), X),
    # choosing, sorting, taking
    "where": (lambda x: np.where(A > 3, x, 2 * x), X),
    "where of a tensor": (lambda x: np.where(x > 0.5, x * x, 0.0), X),
    "clip": (lambda x: np.clip(x, 0.4, 0.6), X),
    "clip one side": (lambda x: np.clip(x, 0.4, None), X),
    "clip keywords": (lambda x: np.clip(x, min=0.4, max=0.6), X),
    "sort": (np.sort, X),
    "sort axis": (lambda x: np.sort(x, axis=0) * A, X),
    "sort flat": (lambda x: np.sort(x, axis=None) * np.arange(6), X),
    "take": (lambda x: np.take(x, [0, 2, 0], axis=1), X),
    "take flat": (lambda x: np.take(x, [5, 0]), X),
    "take_along_axis": (lambda x: np.take_along_axis(x, np.array([[0, 2], [1, 1]]), axis=1), X),
    "argsort": (lambda x: x[np.argsort(x)], V),
    "argmax": (lambda x: x[np.argmax(x)] ** 2, V),
    "round": (lambda x: x * np.round(x, 1), A + 0.22),
    "real": (lambda x: np.real(x) + np.imag(x), X),
    "zeros_like": (lambda x: np.zeros_like(x) + x + np.ones_like(x) + np.full_like(x, 2.0), X),
    "astype": (lambda x: np.sum(np.astype(x, np.float64)), X),
    "copy": (lambda x: np.copy(x) * 2, X),
    # methods and attributes
    "x.T": (lambda x: x.T * A.T, X),
    "x.mT": (lambda x: x.mT * A.T, X),
    "x.reshape(-1)": (lambda x: x.reshape(-1) * np.arange(6), X),
    "x.reshape(3, 2)": (lambda x: x.reshape(3, 2) * A.T, X),
    "x.ravel()": (lambda x: x.ravel() * np.arange(6), X),
    "x.flatten()": (lambda x: x.flatten() * np.arange(6), X),
    "x.transpose()": (lambda x: x.transpose() * A.T, X),
    "x.transpose(1, 0)": (lambda x: x.transpose(1, 0) * A.T, X),
    "x.swapaxes(0, 1)": (lambda x: x.swapaxes(0, 1) * A.T, X),
    "x.squeeze()": (lambda x: x[:, :1].squeeze(), X),
    "x.sum()": (lambda x: x.sum(), X),
    "x.sum(0)": (lambda x: x.sum(0), X),
    "x.mean(axis)": (lambda x: x.mean(axis=1, keepdims=True), X),
    "x.var(ddof)": (lambda x: x.var(ddof=1), X),
    "x.std(axis)": (lambda x: x.std(axis=0), X),
    "x.max()": (lambda x: x.max(), X),
    "x.min(axis)": (lambda x: x.min(axis=1), X),
    "x.prod()": (lambda x: x.prod(), X),
    "x.cumsum()": (lambda x: x.cumsum(), X),
    "x.cumprod(axis)": (lambda x: x.cumprod(axis=0), X),
    "x.clip": (lambda x: x.clip(0.4, 0.6), X),
    "x.dot": (lambda x: x.dot(A.T), X),
    "x.take": (lambda x: x.take([0, 0, 1], axis=1), X),
    "x.repeat": (lambda x: x.repeat(2), X),
    "x.trace()": (lambda x: x.trace(), S),
    "x.diagonal()": (lambda x: x.diagonal(), S),
    "x.astype": (lambda x: x.astype(np.float64) * 2, X),
    "x.copy()": (lambda x: x.copy() * 2, X),
    "x.conj()": (lambda x: x.conj() * 2, X),
    "x.real": (lambda x: x.real * 2 + x.imag, X),
    "x.size": (lambda x: x.sum() / x.size + x.shape[0] * x.ndim * len(x), X),
    "loop": (lambda x: sum(row.sum() ** 2 for row in x), X),
    # operators, also with a NumPy array on the left
    **{
        f"{name} {side}": (called(getattr(operator, name), operands), X)
        for name in ("add", "sub", "mul", "truediv", "pow", "mod", "floordiv")
        for side, operands in (
            ("array on the left", lambda x: (LEFT, x)),
            ("array on the right", lambda x: (x, A)),
            ("NumPy scalar on the left", lambda x: (np.float64(0.25), x)),
            ("number on the left", lambda x: (0.25, x)),
            ("0-d array on the right", lambda x: (x, np.array(1.3))),
        )
    },
    "array @ x": (lambda x: A.T @ x, X),
    "x @ array": (lambda x: x @ A.T, X),
    "vector @ x": (lambda x: V[:2] @ x, X),
    "-x": (lambda x: -x, X),
    "+x": (lambda x: +x, X),
    "abs(x)": (lambda x: abs(-x), X),
    "divmod-free": (lambda x: x - x // 0.25 * 0.25, X),
    # indexing
    "x[::-1]": (lambda x: x[::-1] * A, X),
    "x[None]": (lambda x: x[None] * A, X),
    "x[..., 0]": (lambda x: x[..., 0], X),
    "x[-1]": (lambda x: x[-1] * A[0], X),
    "x[1, 2]": (lambda x: x[1, 2] ** 2, X),
    "x[:, ::2]": (lambda x: x[:, ::2] ** 2, X),
    "x[[0, 0, 1]]": (lambda x: x[[0, 0, 1]] ** 2, X),
    "x[np.array]": (lambda x: x[np.array([0, -1, 0])] ** 2, X),
    "x[:, [2, 2, -1]]": (lambda x: x[:, [2, 2, -1]] ** 2, X),
    "x[[0, 1], [2, 2]]": (lambda x: x[[0, 1], [2, 2]] ** 2, X),
    "x[mask]": (lambda x: x[A > 3] ** 2, X),
    "x[x > c]": (lambda x: x[x > 0.5] ** 2, X),
    "x[np.int64]": (lambda x: x[np.int64(1)] ** 2, X),
    "x[np.ix_]": (lambda x: x[np.ix_([0, 1], [0, 2])] ** 2, X),
    "x[()]": (lambda x: x[()] ** 2, X),
    "x[np.newaxis, ..., None]": (lambda x: x[np.newaxis, ..., None] ** 2, X),
}


@pytest.mark.parametrize(("f", "x"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_function_written_for_numpy(f: Callable[[Any], Any], x: Array) -> None:
    """The value is NumPy's own, on plain arrays; so are its finite differences and the gradient."""
    want = f(x)
    y = f(cr.tensor(x))
    assert isinstance(y, cr.Tensor)
    np.testing.assert_allclose(y.numpy(), want, rtol=1e-13, atol=1e-15)
    assert y.shape == np.shape(want)
    assert y.dtype == np.asarray(want).dtype
    c = np.random.default_rng(7).uniform(0.5, 1.5, np.shape(want))
    numbers = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        for steps, weight in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
            moved = x.copy()
            moved[place] += steps * H
            numbers[place] += weight * np.sum(c * f(moved)) / (12 * H)
    got = cr.grad(lambda x: np.sum(c * f(x)))(x)
    assert type(got) is np.ndarray
    np.testing.assert_allclose(got, numbers, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "name", ["isnan", "isinf", "isfinite", "signbit", "logical_not", "argmax", "argmin", "count_nonzero", "all", "any"]
)
def test_results_without_a_gradient_are_constants(name: str) -> None:
    f: Any = getattr(np, name)
    np.testing.assert_array_equal(f(cr.tensor(X)).numpy(), f(X))
    np.testing.assert_array_equal(cr.grad(lambda x: np.sum(x * f(x)))(X), np.broadcast_to(f(X), X.shape))


@pytest.mark.parametrize(
    "name", ["less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "logical_and"]
)
def test_comparisons(name: str) -> None:
    f: Any = getattr(np, name)
    for a, b in ((cr.tensor(X), S[:2]), (X, cr.tensor(S[:2])), (cr.tensor(X), 0.5)):
        plain = [v.numpy() if isinstance(v, cr.Tensor) else v for v in (a, b)]
        np.testing.assert_array_equal(f(a, b).numpy(), f(*plain))


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
def test_comparison_operators_with_an_array_on_the_left(compare: Callable[[Any, Any], Any]) -> None:
    np.testing.assert_array_equal(compare(S[:2], cr.tensor(X)).numpy(), compare(S[:2], X))


def test_predicates_of_whole_arrays() -> None:
    t = cr.tensor(X)
    assert np.allclose(t, X) is True
    assert np.array_equal(t, X) is True
    assert np.allclose(t, X + 1) is False
    assert np.isclose(t, X).numpy().all()
    assert np.shape(t) == (2, 3)
    assert np.ndim(t) == 2
    assert np.size(t) == 6
    rows, columns = np.where(t > 0.5)
    np.testing.assert_array_equal(rows.numpy(), np.where(X > 0.5)[0])
    np.testing.assert_array_equal(columns.numpy(), np.where(X > 0.5)[1])


def test_float32_arrays_stay_float32() -> None:
    x = X.astype(np.float32)
    y, gradient = cr.value_and_grad(lambda x: np.mean(np.sin(x) * 2.5 + np.where(x > 0.5, x, 0.0) ** 2))(x)
    assert y.dtype == gradient.dtype == np.float32


def refused(f: Callable[[Any], Any], error: type[Exception], words: str, x: Array = V) -> None:
    """The function of a tracked tensor is an error that says what to write instead."""
    with pytest.raises(error, match=words):
        cr.grad(lambda x: np.sum(f(x)))(x)


def assigned(a: Array, index: Any, value: Any) -> Array:
    a[index] = value
    return a


def added_in_place(a: Array, value: Any) -> Array:
    a += value
    return a


REFUSALS: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "np.array of elements": (lambda x: np.array([x[0], x[1]]), cr.TrackedValueError, "cr.stack or cr.asarray"),
    "np.asarray": (np.asarray, cr.TrackedValueError, "cut it out of the gradient"),
    "a[:] = t": (lambda x: assigned(np.zeros(4), slice(None), x), cr.TrackedValueError, "cut it out of the gradient"),
    "math.sin": (lambda x: math.sin(x[0]), cr.TrackedValueError, r"cr\.sin\(t\) for math\.sin\(t\)"),
    "float": (lambda x: float(x[0]), cr.TrackedValueError, "float"),
    "int": (lambda x: int(x[0]), cr.TrackedValueError, "cr.floor"),
    "complex": (lambda x: complex(x[0]), cr.TrackedValueError, "complex"),
    "out": (lambda x: np.sin(x, out=np.zeros(4)), cr.DTypeError, "tensors are immutable"),
    "out of a function": (lambda x: np.sum(x, out=np.zeros(())), cr.DTypeError, "tensors are immutable"),
    "where": (lambda x: np.log(x, where=V > 0.3), cr.DTypeError, "where is not supported on tensors; use cr.where"),
    "np.add.at": (lambda x: np.add.at(np.zeros(4), [0], x[0]), cr.MissingKernelError, "cr.add_at"),
    "np.add.at a tensor": (lambda x: np.add.at(x, [0], 1.0), cr.MissingKernelError, "cr.add_at"),
    "a += t": (lambda x: added_in_place(np.zeros(4), x), cr.DTypeError, r"a = a \+ t"),
    "t[i] = v": (lambda x: assigned(x, 0, 1.0), TypeError, r"cr\.set_at\(x, i, v\)"),
    "no counterpart": (np.packbits, cr.MissingKernelError, r"np.packbits has no counterpart.*np.packbits\(x.numpy"),
    "a ufunc without one": (np.spacing, cr.MissingKernelError, "np.spacing has no counterpart.*cr.nextafter"),
    "a ufunc's method": (lambda x: np.add.reduceat(x, [0, 1]), cr.MissingKernelError, "np.add.reduceat"),
    "reshape in Fortran's order": (lambda x: np.reshape(x, (2, 2), order="F"), cr.ArgumentError, "order 'F'"),
    "take with a mode": (lambda x: np.take(x, [9], mode="skip"), cr.ArgumentError, "got 'skip'"),
    "an unknown method": (lambda x: x.frobnicate(), AttributeError, "has no attribute 'frobnicate'"),
}


@pytest.mark.parametrize(("f", "error", "words"), REFUSALS.values(), ids=REFUSALS)
def test_what_cannot_dispatch_is_refused(f: Callable[[Any], Any], error: type[Exception], words: str) -> None:
    refused(f, error, words)


def test_assigning_an_element_says_why_as_its_cause() -> None:
    """NumPy puts words of its own before ours."""
    with pytest.raises(ValueError, match="setting an array element") as caught:
        cr.grad(lambda x: np.sum(assigned(np.zeros(4), 0, x[0])))(V)
    assert isinstance(caught.value.__cause__, cr.TrackedValueError)
    assert "cr.set_at(a, i, t) for a[i] = t" in str(caught.value.__cause__)


def test_the_fixes_that_refusals_name_work() -> None:
    x = V.copy()
    np.testing.assert_array_equal(cr.grad(lambda x: np.sum(cr.stack([x[0], x[1]])))(x), [1, 1, 0, 0])
    np.testing.assert_array_equal(cr.grad(lambda x: np.sum(cr.asarray([x[0], 2 * x[1]])))(x), [1, 2, 0, 0])
    np.testing.assert_array_equal(cr.grad(lambda x: np.sum(cr.set_at(np.zeros(4), 0, x[0])))(x), [1, 0, 0, 0])
    np.testing.assert_array_equal(cr.grad(lambda x: np.sum(cr.add_at(x, 0, x[1])))(x), [1, 2, 1, 1])
    np.testing.assert_allclose(cr.grad(lambda x: cr.sin(x[0]))(x), [np.cos(V[0]), 0, 0, 0])
    np.testing.assert_array_equal(x, V)


def test_untracked_tensors_convert_freely() -> None:
    t = cr.tensor(V)
    np.testing.assert_array_equal(np.asarray(t), V)
    np.testing.assert_array_equal(np.array([t[0], t[1]]), V[:2])
    assert math.sin(t[0]) == math.sin(V[0])
    assert float(t[0]) == V[0]
