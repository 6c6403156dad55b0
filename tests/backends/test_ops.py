"""Every operation on every backend: values against NumPy, first and second gradients against finite differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from scipy import special

import chainrule as cr
from chainrule import ops

A = np.array([[0.3, -0.7, 0.5], [0.9, 0.2, -0.4]])
B = np.array([[1.1, 0.6, -1.2], [-0.8, 1.7, 0.45]])
P = np.array([[0.3, 1.7, 0.5], [2.9, 0.2, 1.4]])  # positive
V = np.array([0.5, -1.5, 2.5])
S = np.array([[2.0, -1.0, 0.5], [0.3, 1.5, -0.2], [-0.4, 0.1, 1.0]])
INT = np.array([[7, -3, 2], [4, 5, -6]])
BOOL = np.array([[True, False, True], [False, False, True]])
LABELS = np.array([2, 0])


@dataclass
class Case:
    """A call of an operation, the same by NumPy alone, and its inputs.

    `gradient` says that finite differences of the reference are the gradient to expect.
    """

    op: str
    call: Callable[..., Any]
    reference: Callable[..., Any]
    inputs: tuple[Any, ...]
    gradient: bool = True
    attributes: dict[str, Any] = field(default_factory=dict)

    def run(self, *inputs: Any) -> Any:
        return self.call(*inputs, **self.attributes)

    def expected(self, *inputs: Any) -> Any:
        return self.reference(*inputs, **self.attributes)


def same(op: str, *inputs: Any, numpy: str | None = None, gradient: bool = True, **attributes: Any) -> Case:
    """An operation that NumPy has with the same parameters."""
    return Case(op, getattr(ops, op), getattr(np, numpy or op), inputs, gradient, attributes)


def other(op: str, call: Any, reference: Any, *inputs: Any, gradient: bool = True) -> Case:
    """An operation that NumPy lacks or calls in another way."""
    return Case(op, call, reference, inputs, gradient)


def softmax(x: Any, axis: int = -1) -> Any:
    return special.softmax(x, axis=axis)


def scattered(shape: tuple[int, ...], index: Any, values: Any) -> Any:
    result = np.zeros(shape, np.asarray(values).dtype)
    np.add.at(result, index, values)
    return result


def added(x: Any, index: Any, values: Any) -> Any:
    result = x.copy()
    np.add.at(result, index, values)
    return result


def replaced(x: Any, index: Any, values: Any) -> Any:
    result = x.copy()
    result[index] = values
    return result


UNARY = [
    *(
        "abs",
        "acosh",
        "asin",
        "acos",
        "asinh",
        "atan",
        "atanh",
        "cbrt",
        "ceil",
        "conj",
        "cos",
        "cosh",
        "deg2rad",
        "exp",
    ),
    *("exp2", "expm1", "floor", "imag", "log", "log10", "log1p", "log2", "negative", "positive", "rad2deg", "real"),
    *("reciprocal", "sign", "sin", "sinh", "sqrt", "square", "tan", "tanh", "trunc"),
]
DOMAIN = {"log": P, "log10": P, "log2": P, "sqrt": P, "acosh": 1 + P, "reciprocal": P, "cbrt": P}
BINARY = [
    *("add", "atan2", "divide", "hypot", "logaddexp", "maximum", "minimum", "multiply", "remainder", "subtract"),
    *("copysign", "floor_divide"),
]
COMPARISONS = ["equal", "greater", "greater_equal", "less", "less_equal", "not_equal"]

INDICES: list[Any] = [
    *(1, -1, (0, 2), slice(None, None, -1), (slice(None), slice(5, None)), (..., None, 1), (None, slice(0, 1), -2)),
    *([0, 0, 1], np.array([-1, 0]), ([1, 0], [2, -3]), (slice(None), [2, 0, 0]), ([[0, 1], [1, 1]], slice(0, 2)), BOOL),
    *((BOOL[:, 0],), (1, [0, 2]), (slice(None), np.array([True, False, True])), (None, [1], None, [0, 2])),
    *((np.array([0, 1], np.uint8), slice(None, None, -2)), np.zeros((2, 3), bool), np.zeros((0,), np.int64)),
]

CASES = [
    *(same(op, DOMAIN.get(op, A)) for op in UNARY),
    *(same(op, A, B) for op in BINARY),
    *(same(op, A, V[None] * 1.3) for op in ("add", "multiply", "divide", "maximum", "atan2")),
    *(same(op, A, B, gradient=False) for op in COMPARISONS),
    *(same(op, A, A, gradient=False) for op in ("equal", "less_equal")),
    *(same(op, BOOL, ~BOOL, gradient=False) for op in ("logical_and", "logical_or", "logical_xor", "less", "maximum")),
    *(same(op, INT, BOOL, gradient=False) for op in ("logical_and", "add", "multiply", "equal")),
    *(same(op, INT, INT[::-1], gradient=False) for op in ("divide", "floor_divide", "remainder", "bitwise_and")),
    *(same(op, INT, INT[::-1], gradient=False) for op in ("bitwise_or", "bitwise_xor", "maximum", "hypot", "subtract")),
    *(same(op, np.abs(INT), INT[0] ** 2 % 5, gradient=False) for op in ("bitwise_left_shift", "bitwise_right_shift")),
    *(same(op, INT, gradient=False) for op in ("sin", "exp", "abs", "negative", "floor", "isfinite", "real", "imag")),
    *(
        same(op, np.array([np.nan, np.inf, -0.0, 1.0]), gradient=False)
        for op in ("isfinite", "isinf", "isnan", "signbit")
    ),
    *(other(op, getattr(ops, op), getattr(special, op), A * 3) for op in ("erf", "erfc")),
    same("bitwise_invert", INT, gradient=False),
    same("logical_not", BOOL, gradient=False),
    same("logical_not", INT, gradient=False),
    same("angle", P * np.exp(1j), gradient=False),
    same("angle", P, gradient=False),
    *(same(op, A + 1j * B, gradient=False) for op in ("abs", "real", "imag", "conj", "exp", "sqrt", "square", "sum")),
    same("pow", P, B),
    same("pow", INT, np.abs(INT), gradient=False),
    other("pow", lambda x: x**3, lambda x: x**3, A),
    other("pow", lambda x: 2.0**x, lambda x: 2.0**x, A),
    other("add", lambda x: x + 1, lambda x: x + 1, A),
    other("subtract", lambda x: 1.5 - x, lambda x: 1.5 - x, INT, gradient=False),
    other("divide", lambda x: 1 / x, lambda x: 1 / x, P),
    other("multiply", lambda x: x * 2j, lambda x: x * 2j, A, gradient=False),
    same("round", A, decimals=1),
    same("round", INT, gradient=False),
    other("identity", ops.identity, np.copy, A),
    other("stop_gradient", ops.stop_gradient, np.copy, A, gradient=False),
    other("prevent_gradient", lambda x: ops.prevent_gradient(x, "no"), np.copy, A, gradient=False),
    other("multiply_zero_wins", ops.multiply_zero_wins, np.multiply, A, B),
    other(
        "multiply_zero_wins",
        ops.multiply_zero_wins,
        lambda g, d: np.array([0.0, 0.0, np.inf]),
        *(np.array([0.0, 0.0, 2.0]), np.array([np.inf, np.nan, np.inf])),
        gradient=False,
    ),
    other("relu", ops.relu, lambda x: np.maximum(x, 0), A),
    other("relu", ops.relu, lambda x: np.maximum(x, 0), INT, gradient=False),
    other("sigmoid", ops.sigmoid, special.expit, A),
    other("sigmoid", ops.sigmoid, special.expit, INT, gradient=False),
    other("softplus", ops.softplus, lambda x: np.log1p(np.exp(x)), A),
    same("where", BOOL, A, B),
    same("where", BOOL, INT, B, gradient=False),
    other("where", lambda c, x: ops.where(c, x, 0.0), lambda c, x: np.where(c, x, 0.0), BOOL, A),
    other("clip", lambda x: ops.clip(x, -0.5, 0.6), lambda x: np.clip(x, -0.5, 0.6), A),
    other("clip", lambda x: ops.clip(x, max=0.25), lambda x: np.clip(x, None, 0.25), A),
    other("clip", lambda x: ops.clip(x, 0.5), lambda x: np.clip(x, 0.5, None), INT, gradient=False),
    other("astype", lambda x: ops.astype(x, "float32"), lambda x: x.astype("float32"), A, gradient=False),
    other("astype", lambda x: ops.astype(x, dtype="complex64"), lambda x: x.astype("complex64"), A, gradient=False),
    other("astype", lambda x: ops.astype(x, dtype="float64"), lambda x: x.astype("float64"), INT, gradient=False),
    other("astype", lambda x: ops.astype(x, dtype="int64"), lambda x: x.astype("int64"), BOOL, gradient=False),
    # reductions
    *(same(op, P, **axis) for op in ("sum", "prod", "mean", "var", "std", "max", "min") for axis in ({}, {"axis": 1})),
    *(same(op, P, axis=(0, 1), keepdims=True) for op in ("sum", "mean", "var", "max")),
    *(same(op, INT, gradient=False) for op in ("sum", "prod", "mean", "var", "max", "argmax", "all", "any")),
    *(same(op, BOOL, gradient=False, axis=0) for op in ("sum", "mean", "max", "min", "argmax", "argmin", "all", "any")),
    same("sum", INT.astype(np.int8), gradient=False),
    same("sum", A, gradient=False, dtype="float32"),
    same("argmax", A, gradient=False, axis=0),
    same("argmin", A, gradient=False),
    same("count_nonzero", INT * BOOL, gradient=False, axis=1),
    same("count_nonzero", BOOL, gradient=False),
    other("logsumexp", ops.logsumexp, special.logsumexp, A),
    other("logsumexp", lambda x: ops.logsumexp(x, axis=1), lambda x: special.logsumexp(x, axis=1), INT, gradient=False),
    other("vector_norm", ops.vector_norm, np.linalg.norm, A),
    other("sum_to", lambda x: ops.sum_to(x, shape=(1, 3)), lambda x: np.sum(x, axis=0, keepdims=True), A),
    same("cumulative_sum", A, axis=1),
    same("cumulative_sum", BOOL, gradient=False, axis=0),
    same("cumulative_prod", P, axis=0),
    other("softmax", ops.softmax, softmax, A),
    other("softmax", lambda x: ops.softmax(x, axis=0), lambda x: softmax(x, 0), INT, gradient=False),
    other("log_softmax", ops.log_softmax, lambda x: special.log_softmax(x, axis=-1), A),
    other("softmax_cross_entropy", ops.softmax_cross_entropy, lambda x, p: -np.sum(p * np.log(softmax(x)), -1), A, P),
    other(
        "softmax_cross_entropy",
        ops.softmax_cross_entropy,
        lambda x, p: -np.sum(p * np.log(softmax(x)), -1),
        *(A, P.astype(np.float32)),
        gradient=False,
    ),
    other(
        "sparse_softmax_cross_entropy",
        ops.sparse_softmax_cross_entropy,
        lambda x, i: -np.log(softmax(x))[np.arange(2), i],
        *(A, LABELS),
    ),
    # products
    same("matmul", A, S),
    same("matmul", S, V),
    same("matmul", np.stack([S, 2 * S]), A.T),
    same("matmul", INT, S, gradient=False),
    same("tensordot", A, S, axes=1),
    same("tensordot", A, B, axes=((0, 1), (0, 1))),
    same("tensordot", INT, S, gradient=False, axes=1),
    other("einsum", lambda a, s: ops.einsum("ij,jk->ki", a, s), lambda a, s: np.einsum("ij,jk->ki", a, s), A, S),
    other("einsum", lambda s: ops.einsum("ii->i", s), lambda s: np.einsum("ii->i", s), S),
    other(
        "einsum", lambda i, s: ops.einsum("ij,jk", i, s), lambda i, s: np.einsum("ij,jk", i, s), INT, S, gradient=False
    ),
    # shapes
    same("reshape", A, shape=(3, -1)),
    same("broadcast_to", V, shape=(2, 3)),
    same("permute_dims", A, axes=(1, 0)),
    same("matrix_transpose", A),
    same("flip", A, axis=1),
    same("flip", A),
    same("roll", A, shift=1, axis=1),
    same("roll", A, shift=(1, -1), axis=(0, 1)),
    same("roll", A, shift=2),
    other("concat", lambda *x: ops.concat(x, axis=1), lambda *x: np.concat(x, axis=1), A, B[:, :1], A),
    other("concat", lambda *x: ops.concat(x), lambda *x: np.concat(x), A, INT, BOOL, gradient=False),
    other("stack", lambda *x: ops.stack(x, axis=1), lambda *x: np.stack(x, axis=1), A, B),
    other("stack", lambda *x: ops.stack(x), lambda *x: np.stack(x), INT, A, gradient=False),
    same("tril", S, k=-1),
    same("triu", S, k=1),
    # indexing
    *(other("getitem", lambda x, i=i: ops.getitem(x, i), lambda x, i=i: x[i], A) for i in INDICES),
    other("getitem", lambda x: x[:, :, [2, 0]], lambda x: x[:, :, [2, 0]], np.stack([A, B])),
    other("getitem", lambda x: x[0, :, [2, 0, 1]], lambda x: x[0, :, [2, 0, 1]], np.stack([A, B])),
    *(
        other("add_at", lambda x, v, i=i: ops.add_at(x, i, v), lambda x, v, i=i: added(x, i, v), A, A[i] + 1)
        for i in INDICES
    ),
    *(
        other("set_at", lambda x, v, i=i: ops.set_at(x, i, v), lambda x, v, i=i: replaced(x, i, v), A, A[i] + 1)
        for i in (1, (0, 2), slice(None, None, -1), [1], (slice(None), [2, 0]), BOOL, np.zeros((2, 3), bool), (None, 1))
    ),
    other("set_at", lambda x: ops.set_at(x, (..., [0, 2]), 5.0), lambda x: replaced(x, (..., [0, 2]), 5.0), A),
    other(
        "scatter_add",
        lambda g: ops.scatter_add(g, cr.tensor([0, 1, 0]), key=("array",), shape=(4, 2)),
        lambda g: scattered((4, 2), np.array([0, 1, 0]), g),
        A.T,
    ),
    other(
        "scatter_add",
        lambda g: ops.scatter_add(g, key=((None, None, 2), None), shape=(4, 3)),
        lambda g: scattered((4, 3), (slice(None, None, 2), None), g),
        A[:, None],
    ),
    other(
        "scatter_add_rows",
        lambda g, i: ops.scatter_add_rows(g, i, rows=4),
        lambda g, i: scattered((4, 2), i, g),
        *(A.T, np.array([3, -1, 0])),
    ),
    other(
        "scatter_add_rows",
        lambda g, i: ops.scatter_add_rows(g, i, rows=3),
        lambda g, i: scattered((3,), i, g),
        *(np.array([1.0, np.inf, 2.0]), np.array([0, 2, 0])),
        gradient=False,
    ),
    other(
        "scatter_add_rows",
        lambda g, i: ops.scatter_add_rows(g, i, rows=2),
        lambda g, i: scattered((2, 2), i, g),
        *((A + 1j * B).T, np.array([1, 1, 0])),
        gradient=False,
    ),
    other(
        "scatter_add_along_axis",
        lambda g, i: ops.scatter_add_along_axis(g, i, axis=1, length=4),
        lambda g, i: scattered((2, 4), (np.array([[0], [1]]), i), g),
        *(A, np.array([[3, 0, -1], [1, 1, 1]])),
    ),
    same("take_along_axis", A, np.array([[2, -3], [1, 1]]), axis=1),
    same("sort", A, axis=0),
    other("sort", lambda x: ops.sort(x, descending=True), lambda x: -np.sort(-x), A),
    same("sort", BOOL, gradient=False),
    same("argsort", A, gradient=False),
    other(
        "argsort",
        lambda x: ops.argsort(x, descending=True),
        lambda x: np.argsort(-x, stable=True),
        *(np.array([1.0, 3.0, 1.0, 3.0]),),
        gradient=False,
    ),
    same("searchsorted", np.sort(V), np.array([0.5, 9.0, -2.0]), gradient=False, side="right"),
    same("searchsorted", np.sort(V), INT[0], gradient=False),
    same("nonzero", INT * BOOL, gradient=False),
    other("nonzero", ops.nonzero, lambda x: (), np.array(3.0), gradient=False),
    other("to_backend", lambda x: ops.to_backend(x, "numpy"), np.copy, A),
    other("read_variable", lambda: cr.Variable(cr.tensor(A)) * 2.0, lambda: A * 2.0, gradient=False),
]
NAMES = [f"{case.op}-{i}" for i, case in enumerate(CASES)]


def numpy_of(result: Any) -> Any:
    return tuple(map(numpy_of, result)) if isinstance(result, tuple) else result.numpy()


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_value_dtype_and_device(choice: str, case: Case) -> None:
    inputs = [cr.tensor(x) for x in case.inputs]
    with np.errstate(all="ignore"):
        result = case.run(*inputs)
        expected = case.expected(*case.inputs)
    if isinstance(expected, tuple):
        assert len(result) == len(expected)
    else:
        assert str(result.dtype) == str(expected.dtype)
        assert result.shape == expected.shape
        if case.op != "to_backend":
            assert result.device == (inputs[0].device if inputs else cr.tensor(0.0).device)
    for have, want in zip(np.atleast_1d(numpy_of(result)), np.atleast_1d(expected), strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-6 if "32" in str(want.dtype) else 1e-12, atol=1e-15)


def inexact(case: Case) -> list[int]:
    return [i for i, x in enumerate(case.inputs) if np.asarray(x).dtype.kind == "f"]


def weights(shape: tuple[int, ...]) -> Any:
    return np.cos(1.0 + np.arange(np.prod(shape, dtype=int))).reshape(shape)


def projected(case: Case, which: list[int], inputs: tuple[Any, ...]) -> Callable[..., Any]:
    """The sum of an operation's result with fixed weights, as a function of its inputs `which`."""

    def function(*xs: Any) -> Any:
        arguments = [cr.as_tensor(x) for x in inputs]
        for i, x in zip(which, xs, strict=True):
            arguments[i] = x
        y = case.run(*arguments)
        if y.backend.name != cr.get_backend().name:
            return cr.sum(y * weights(y.shape))
        return cr.sum(y * cr.tensor(weights(y.shape)))

    return function


def differences(function: Callable[..., Any], xs: list[Any], step: float = 1e-6) -> list[Any]:
    """Central finite differences of a scalar function of NumPy arrays."""
    gradients = []
    for k, x in enumerate(xs):
        gradient = np.zeros_like(x)
        for at in np.ndindex(x.shape):
            ends = []
            for sign in (1.0, -1.0):
                moved = x.copy()
                moved[at] += sign * step
                ends.append(function(*xs[:k], moved, *xs[k + 1 :]))
            gradient[at] = (ends[0] - ends[1]) / (2 * step)
        gradients.append(gradient)
    return gradients


DIFFERENTIABLE = [(case, name) for case, name in zip(CASES, NAMES, strict=True) if case.gradient]


@pytest.mark.parametrize("case", [c for c, _ in DIFFERENTIABLE], ids=[n for _, n in DIFFERENTIABLE])
def test_gradients_of_first_and_second_order(choice: str, case: Case) -> None:
    which = inexact(case)
    inputs = tuple(cr.tensor(x) for x in case.inputs)
    xs = [np.array(case.inputs[i]) for i in which]
    argnums = tuple(range(len(which)))

    def reference(*arrays: Any) -> Any:
        arguments = list(case.inputs)
        for i, x in zip(which, arrays, strict=True):
            arguments[i] = x
        y = case.expected(*arguments)
        return np.sum(y * weights(y.shape))

    tensors = [inputs[i] for i in which]
    gradient = cr.grad(projected(case, which, inputs), argnums=argnums)
    first = gradient(*tensors)
    for have, want, x in zip(first, differences(reference, xs), tensors, strict=True):
        assert have.device == x.device
        assert have.dtype == x.dtype
        np.testing.assert_allclose(have.numpy(), want, rtol=1e-6, atol=1e-8)

    with cr.use_backend("numpy"):
        on_numpy = cr.grad(projected(case, which, tuple(map(cr.tensor, case.inputs))), argnums=argnums)

        def slope(*arrays: Any) -> Any:
            return sum(np.sum(np.asarray(g) * weights(g.shape)) for g in on_numpy(*arrays))

        wanted = differences(slope, xs)

    def sum_of_gradients(*values: Any) -> Any:
        return sum(cr.sum(g * cr.tensor(weights(g.shape))) for g in gradient(*values))

    for have, want in zip(cr.grad(sum_of_gradients, argnums=argnums)(*tensors), wanted, strict=True):
        np.testing.assert_allclose(have.numpy(), want, rtol=1e-5, atol=1e-7)


def test_every_operation_has_a_case() -> None:
    cr.plugins()
    from chainrule import _registry

    ours = {name for name, owner in _registry.ops.owners.items() if owner.plugin in ("arrays", "chainrule")}
    assert ours - {case.op for case in CASES} == set()


@pytest.mark.parametrize("index", [3, [0, 3], [-4], (slice(None), [0, 5]), np.zeros((3, 3), bool)], ids=repr)
def test_an_index_outside_is_an_error_everywhere(choice: str, index: Any) -> None:
    x = cr.tensor(S)
    if isinstance(index, np.ndarray):
        index = np.zeros((3, 4), bool)
    with pytest.raises(cr.IndexingError, match="getitem"):
        x[index]


@pytest.mark.parametrize("index", [[0, 3], [-4]])
def test_a_scatter_outside_is_an_error_everywhere(choice: str, index: Any) -> None:
    with pytest.raises(cr.IndexingError, match="scatter_add_rows"):
        ops.scatter_add_rows(cr.ones((len(index),)), cr.tensor(index), rows=3)
    with pytest.raises(cr.IndexingError, match="take_along_axis"):
        ops.take_along_axis(cr.ones((3,)), cr.tensor(index))
    with pytest.raises(cr.IndexingError, match="add_at"):
        ops.add_at(cr.ones((3,)), index, 1.0)
