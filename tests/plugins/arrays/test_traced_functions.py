"""Functions composed of operations: NumPy's values, the same in graphs and compiled, with lengths not known as well."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest
import scipy.special

import chainrule as cr
import chainrule_arrays
from chainrule_testing import integers, positive, real
from chainrule_testing._ways import assert_known, assert_same, built, full, lengths_unknown

X, Y, V, W = real(2, 3), real(4, 3), real(3), real(4)
S, C, T = real(3, 3), real(2, 3) + 1j * real(2, 3), real(2, 6, 3)
EMPTY, SCALAR = real(0, 3), real()
LABELS = integers(0, 3)(2)
Case = tuple[str, Callable[..., Any], Callable[..., Any], tuple[Any, ...]]


def both(name: str, call: Callable[..., Any], *arrays: Any) -> Case:
    """A function that NumPy has under the same name: `call(library, *arrays)`."""
    return (name, lambda *xs: call(cr, *xs), lambda *xs: call(np, *xs), arrays)


def _cross_entropy(x: Any, labels: Any) -> Any:
    rows = scipy.special.log_softmax(x, axis=-1)
    return -np.mean(rows[np.arange(len(x)), labels] if labels.dtype.kind == "i" else np.sum(rows * labels, axis=-1))


def _diagonals(x: Any, offset: int = 0) -> Any:
    return np.diagonal(x, offset, -2, -1)


ELSEWHERE = ("chainrule_arrays._data_types", "chainrule_arrays._sets")  # test_standard_functions.py
OFFSETS = (-5, -2, -1, 0, 1, 2, 5)
CASES: list[Case] = [
    both("arange", lambda np, x: np.arange(x.shape[0]) * x[:, 0], X),
    both("arange", lambda np, x: np.arange(1, 2 * x.shape[0] + x.shape[1], 2), X),
    both("arange", lambda np, x: np.arange(x.shape[1], x.shape[0], -1, dtype="float32"), X),
    both("asarray", lambda np, x: np.asarray(x, dtype="complex128"), X),
    ("asarray", lambda x: cr.asarray([x[0, 0], 1.0, x[1, 2]]), lambda x: np.array([x[0, 0], 1.0, x[1, 2]]), (X,)),
    *(both("atleast_1d", lambda np, x: np.atleast_1d(x), x) for x in (SCALAR, V, X)),
    *(both("atleast_2d", lambda np, x: np.atleast_2d(x), x) for x in (SCALAR, V, X)),
    both("broadcast_arrays", lambda np, x, v: np.broadcast_arrays(x, v, 2.0)[1], X, V),
    both("broadcast_arrays", lambda np, x, y: np.broadcast_arrays(x, y)[0], X[:, :1], V),
    both("column_stack", lambda np, x, v: np.column_stack([x, v, v]), S, V),
    both("concatenate", lambda np, x, y: np.concatenate([x, y]), X, Y),
    both("concatenate", lambda np, x, y: np.concatenate([x, y], axis=None), X, V),
    both("copy", lambda np, x: np.copy(x), X),
    ("cross_entropy", cr.cross_entropy, _cross_entropy, (X, LABELS)),
    ("cross_entropy", cr.cross_entropy, _cross_entropy, (X, positive(2, 3))),
    *(both("diag", lambda np, x, k=k: np.diag(x, k), x) for k in OFFSETS for x in (X, Y, S, EMPTY, V, C)),
    *(("diagonal", lambda x, k=k: cr.diagonal(x, k), lambda x, k=k: _diagonals(x, k), (T,)) for k in OFFSETS),
    both("diff", lambda np, x: np.diff(x), X),
    both("diff", lambda np, x: np.diff(x, 2, axis=0), Y),
    both("diff", lambda np, x: np.diff(x, axis=0), EMPTY),
    *(both("dot", lambda np, a, b: np.dot(a, b), a, b) for a, b in ((X, V), (V, V), (X, S), (SCALAR, X))),
    both("dot", lambda np, a, b: np.dot(a, b), X, real(2, 3, 2)),
    *(both("expand_dims", lambda np, x, axis=axis: np.expand_dims(x, axis), X) for axis in (0, -1, (1, 3))),
    both("empty", lambda np, x: np.empty((x.shape[0], 2)) * 0.0, X),
    both("empty_like", lambda np, x: np.empty_like(x) * 0.0, X),
    *(both("eye", lambda np, x, k=k: np.eye(x.shape[0], x.shape[1], k) * x, X) for k in (-1, 0, 1)),
    both("eye", lambda np, x: np.eye(x.shape[0], 0), X),
    both("eye", lambda np, x: np.eye(x.shape[0], dtype="float32"), X),
    ("from_dlpack", cr.from_dlpack, lambda x: x, (X,)),
    both("full", lambda np, x: np.full((x.shape[0], 2), 7.0), X),
    both("full", lambda np, x: np.full((2, x.shape[1]), x[0, 0]), X),
    both("full", lambda np, x: np.full((2, 3), x), V),
    both("full_like", lambda np, x: np.full_like(x, 2), X),
    both("full_like", lambda np, x, v: np.full_like(x, v), X, V),
    both("full_like", lambda np, x: np.full_like(x, 3, shape=(x.shape[1], 2)), X),
    both("hstack", lambda np, x, y: np.hstack([x, y]), X, real(2, 1)),
    both("hstack", lambda np, x, y: np.hstack([x, y]), V, W),
    both("inner", lambda np, x, y: np.inner(x, y), X, Y),
    both("inner", lambda np, x, y: np.inner(x, y), V, SCALAR),
    both("kron", lambda np, a, b: np.kron(a, b), X, S),
    both("kron", lambda np, a, b: np.kron(a, b), V, W),
    both("kron", lambda np, a, b: np.kron(a, b), EMPTY, S),
    both("linspace", lambda np, x: np.linspace(0, 1, x.shape[0]) * x[:, 0], X),
    both("linspace", lambda np, x: np.linspace(x[0, 0], x[1, 1], 5), X),
    both("linspace", lambda np, x: np.linspace(x[0, 0], 2, x.shape[1], endpoint=False), X),
    both("linspace", lambda np, x: np.linspace(3.0, 4.0, x.shape[0]), real(1, 2)),
    *(both("meshgrid", lambda np, v, w, how=h: np.meshgrid(v, w, indexing=how)[0], V, W) for h in ("xy", "ij")),
    both("meshgrid", lambda np, v, w, x: np.meshgrid(v, w, x)[2], V, W, V),
    both("moveaxis", lambda np, x: np.moveaxis(x, 0, -1), T),
    both("moveaxis", lambda np, x: np.moveaxis(x, (0, 1), (2, 0)), T),
    both("ones", lambda np, x: np.ones(x.shape[0]), X),
    both("ones_like", lambda np, x: np.ones_like(x), X),
    both("outer", lambda np, a, b: np.outer(a, b), X, V),
    both("ravel", lambda np, x: np.ravel(x), T),
    both("repeat", lambda np, x: np.repeat(x, 2), X),
    both("repeat", lambda np, x: np.repeat(x, 3, axis=-1), X),
    both("repeat", lambda np, x: np.repeat(x, x.shape[1], axis=0), X),
    both("split", lambda np, x: np.split(x, 3, axis=1)[1], T),
    both("split", lambda np, x: np.split(x, [1, 4], axis=-2)[2], T),
    both("split", lambda np, x: np.split(x, 2, axis=0)[0], EMPTY),
    both("squeeze", lambda np, x: np.squeeze(x, axis=1), real(2, 1, 3)),
    both("squeeze", lambda np, x: np.squeeze(x, axis=(0, -1)), real(1, 2, 1)),
    both("swapaxes", lambda np, x: np.swapaxes(x, 0, -1), T),
    both("take", lambda np, x: np.take(x, np.asarray([2, 0, -1])), X),
    both("take", lambda np, x: np.take(x, np.asarray([[2, 0], [1, 1]]), axis=1), X),
    both("take", lambda np, x, i: np.take(x, i, axis=1), X, LABELS),
    both("tile", lambda np, x: np.tile(x, 2), X),
    both("tile", lambda np, x: np.tile(x, (2, 1, 3)), X),
    both("tile", lambda np, x: np.tile(x, x.shape[0]), X),
    *(("trace", lambda x, k=k: cr.trace(x, k), lambda x, k=k: np.trace(x, k, -2, -1), (T,)) for k in (-1, 0, 2)),
    both("transpose", lambda np, x: np.transpose(x), T),
    both("transpose", lambda np, x: np.transpose(x, (1, -1, 0)), T),
    both("unstack", lambda np, x: x.reshape(6, -1), T[0]),
    ("vecdot", cr.vecdot, lambda a, b: np.sum(np.conj(a) * b, axis=-1), (C, X)),
    ("vecdot", lambda a, b: cr.vecdot(a, b, axis=0), lambda a, b: np.sum(a * b, axis=0), (X, V)),
    both("vstack", lambda np, x, v: np.vstack([x, v]), X, V),
    both("zeros", lambda np, x: np.zeros((x.shape[1], x.shape[0])), X),
    both("zeros_like", lambda np, x: np.zeros_like(x, dtype="int64"), X),
    # indices made of sizes and of tensors
    both("getitem", lambda np, x: x[: x.shape[0] // 2, -1], Y),
    both("getitem", lambda np, x: x[x.shape[0] - 1], Y),
    both("getitem", lambda np, x: x[1 : x.shape[1] : 2, x.shape[0] - 4], Y),
    both("getitem", lambda np, x: x[:, None, x.shape[1] - 2 :], Y),
    both("getitem", lambda np, x, i: x[i[0], 1:], X, LABELS - 1),
    both("getitem", lambda np, x: x[x > 0.0] ** 2, X),
    both("getitem", lambda np, x: x[np.nonzero(x > 0.0)], X),
    both("getitem", lambda np, x: x[:, np.argsort(x[0])], X),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[f"{case[0]}-{i}" for i, case in enumerate(CASES)])
def test_eager_is_graph_is_compiled(case: Case) -> None:
    name, call, reference, arrays = case
    wrt = tuple(i for i, x in enumerate(arrays) if x.dtype.kind in "fc")

    def loss(*xs: Any) -> Any:
        y = call(*xs)
        return cr.sum(cr.abs(y) ** 2) + cr.real(cr.sum(y)) * 0.0 + cr.real(cr.sum(xs[0])) * 0.5

    def everything(*xs: Any) -> dict[str, Any]:
        return {"value": call(*xs), "gradient": cr.grad(loss, argnums=wrt)(*xs)}

    tensors = [cr.tensor(x) for x in arrays]
    want = everything(*tensors)
    assert_same(want["value"], reference(*arrays), "eagerly")
    assert_same(cr.function(everything)(*tensors), want, "compiled")
    assert_same(cr.grad(cr.function(loss), argnums=wrt)(*tensors), want["gradient"], "differentiated from outside")
    by_values = name == "getitem" and "nonzero" in call.__code__.co_names
    for shape in (full, lengths_unknown):
        symbolic, results = built(everything, arrays, shape)
        assert_known(symbolic, want, shape.__name__, certain=shape is full and not by_values and name != "getitem")
        assert_same(results, want, shape.__name__)


def test_every_function_has_a_case() -> None:
    public = {name: f for name, f in vars(chainrule_arrays).items() if callable(f) and not name.startswith("_")}
    of_arrays = {name for name, f in public.items() if not hasattr(f, "op") and f.__module__ not in ELSEWHERE}
    assert of_arrays <= {case[0] for case in CASES}


def test_known_lengths_stay_known() -> None:
    with cr.Graph().as_default():
        x, y = cr.placeholder("float32", (None, 3)), cr.placeholder("float32", (4, None))
        v, r = cr.placeholder("float32", (None,)), cr.placeholder("float32")
        assert cr.stack([x, cr.ones((2, 3)), r]).shape == (3, 2, 3)
        assert cr.concat([x, cr.zeros((2, 3))]).shape == (None, 3)
        assert cr.concat([x, y], axis=0).shape == (None, 3)
        assert cr.broadcast_to(x, (5, None or x.shape[0], 3)).shape == (5, None, 3)
        assert cr.broadcast_to(cr.ones((4, 3)), (2, x.shape[0], 3)).shape == (2, 4, 3)
        assert cr.matmul(y, x).shape == (4, 3)
        assert cr.einsum("ij,jk->ik", y, x).shape == (4, 3)
        assert cr.einsum("ij,kj->jki", y, x).shape == (3, None, 4)
        assert cr.flip(x)[::-1, ::-1].shape == x.shape
        assert x[::-1].shape[0] == x.shape[0]
        assert x[:, 1:].shape == (None, 2)
        assert cr.softmax_cross_entropy(x, cr.ones((2, 3))).shape == (2,)
        assert cr.sparse_softmax_cross_entropy(x, cr.placeholder("int64", (7,))).shape == (7,)
        assert cr.split(x, 2)[0].shape == (None, 3)
        assert cr.tile(x, (2, 2)).shape == (None, 6)
        assert (cr.tile(x, (2, 1)) + cr.concat([x, x])).shape[0] == 2 * x.shape[0]
        assert cr.reshape(x, (-1,)).shape[0] == 3 * x.shape[0]
        assert cr.expand_dims(v, (0, 2)).shape == (1, None, 1)
        assert cr.set_at(x, (0, [0, 2]), 1.0).shape == (None, 3)
        assert r[0].shape is None
        assert cr.sum(r).shape == ()


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x, r: cr.squeeze(x), cr.UnknownSizeError, r"squeeze: .*\(None, 3\).*say which"),
        (lambda x, r: cr.unstack(x), cr.UnknownSizeError, r"unstack: .*axis 0 of shape \(None, 3\)"),
        (lambda x, r: cr.arange(0.5, x.shape[0]), cr.UnknownSizeError, "arange: .*fractions"),
        (lambda x, r: cr.linspace(0, 1, x.shape[0] / 2), cr.UnknownSizeError, "arange: .*fractions"),
        (lambda x, r: cr.nonzero(r), cr.UnknownSizeError, "nonzero.*how many axes"),
        (lambda x, r: cr.arange(cr.sum(x)), cr.SymbolicValueError, "no value while a graph is being built"),
        (lambda x, r: cr.eye(cr.argmax(x)), cr.SymbolicValueError, "no value while a graph is being built"),
        (lambda x, r: cr.zeros((cr.argmax(x),)), cr.SymbolicValueError, "no value while a graph is being built"),
        (lambda x, r: x[: cr.argmax(x)], cr.SymbolicValueError, "no value while a graph is being built"),
        *(
            (call, cr.SymbolicValueError, "number of axes.*Give the placeholder a shape")
            for call in (
                lambda x, r: cr.squeeze(r),
                lambda x, r: cr.transpose(r),
                lambda x, r: cr.einsum("ij->ji", r),
                lambda x, r: cr.tensordot(r, x),
                lambda x, r: cr.broadcast_arrays(x, r),
                lambda x, r: cr.tile(r, 2),
                lambda x, r: cr.diagonal(r),
                lambda x, r: cr.diff(r),
            )
        ),
    ],
    ids=map(str, count()),
)
def test_what_takes_a_size_that_is_not_known(call: Any, error: type[Exception], match: str) -> None:
    with cr.Graph().as_default(), pytest.raises(error, match=match):
        call(cr.placeholder("float64", (None, 3)), cr.placeholder("float64"))


def test_what_turns_out_not_to_fit_is_an_error_of_the_run() -> None:
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (None, 3))
        halves, squeezed, wide = cr.split(x, 2)[0], cr.squeeze(x, 0), cr.broadcast_to(x, (4, 3))
    session = cr.Session(graph)
    for fetch, match in ((halves, "cannot reshape"), (squeezed, "cannot reshape"), (wide, "does not broadcast")):
        with pytest.raises(cr.ShapeError, match=match):
            session.run(fetch, {x: Y[:3]})


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: cr.diagonal(V), r"diagonal: takes matrices, got shape \(3,\)"),
        (lambda: cr.diag(T), r"diag: takes a vector or a matrix, got shape \(2, 6, 3\)"),
        (lambda: cr.split(X, 2, axis=1), "split: axis 1 of length 3 does not divide into 2"),
        (lambda: cr.stack([X, Y]), r"shapes \(2, 3\), \(4, 3\) differ"),
        (lambda: cr.concat([X, T[0]], axis=1), r"shapes \(2, 3\), \(6, 3\) differ elsewhere than along axis 1"),
        (lambda: cr.broadcast_to(X, (2,)), r"\(2, 3\) does not broadcast to \(2,\)"),
    ],
)
def test_shapes_that_do_not_fit(call: Any, match: str) -> None:
    with pytest.raises(cr.ShapeError, match=match):
        call()


def test_creation_takes_arrays_and_their_numbers() -> None:
    assert cr.full((2,), np.float32(3)).dtype == cr.full_like(np.zeros(2, "float32"), np.float64(3)).dtype == "float32"
    assert cr.arange(np.int64(3)).dtype == cr.arange(cr.tensor(3)).dtype == "int64"
    np.testing.assert_array_equal(cr.full(2, [1, 2]).numpy(), [1, 2])
    np.testing.assert_array_equal(cr.full_like(X, cr.tensor(V)).numpy(), np.full_like(X, V))
    assert cr.grad(lambda a: cr.sum(cr.full((2, 3), a)))(1.0) == 6.0
    assert cr.grad(lambda a: cr.sum(cr.linspace(a, 2.0, 5)))(1.0) == 2.5
    with pytest.raises(cr.TrackedValueError, match="float"):
        cr.grad(lambda a: cr.sum(cr.arange(a)))(3.0)
