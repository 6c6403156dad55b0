"""Graphs and sessions on arrays of NumPy and of the array API: Hessians, feeds, open shapes through many operations."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr


@pytest.fixture
def session():
    """A session of a graph that is being built."""
    with cr.Graph().as_default() as graph, cr.Session(graph) as session:
        yield session
    assert cr.get_default_graph() is None
    assert cr.get_default_session() is None


RNG = np.random.default_rng(0)


def hessian(y, x, n):
    """The second derivatives, row by row, of nodes added to the graph."""
    (g,) = cr.gradients(y, x)
    return [cr.gradients(g[i], x, unconnected_gradients="zero")[0] for i in range(n)]


# Hessians, as in TensorFlow's own tests


@pytest.mark.parametrize("open_shape", [False, True])
def test_hessian_of_a_quadratic_form(session, open_shape):
    a = RNG.normal(size=(4, 4))
    x = cr.placeholder("float64", (None,) if open_shape else (4,))
    y = cr.sum(x * (a @ x))
    found = session.run(hessian(y, x, 4), {x: RNG.normal(size=4)})
    np.testing.assert_allclose(found, a + a.T, atol=1e-12)


def test_several_hessians(session):
    mats = [RNG.normal(size=(3, 3)) for _ in range(2)]
    xs = [cr.placeholder("float64", (3,)) for _ in mats]
    y = sum(cr.sum(x * (a @ x)) for a, x in zip(mats, xs, strict=True))
    for a, x in zip(mats, xs, strict=True):
        found = session.run(hessian(y, x, 3), {each: RNG.normal(size=3) for each in xs})
        np.testing.assert_allclose(found, a + a.T, atol=1e-12)


def test_hessian_of_a_matrix(session):
    # d2/dX2 of sum(X^3) / 6 is diag(x).
    value = RNG.normal(size=(2, 3))
    x = cr.placeholder("float64", (2, 3))
    (g,) = cr.gradients(cr.sum(x**3) / 6.0, x)
    rows = [cr.gradients(g[i, j], x)[0] for i in range(2) for j in range(3)]
    np.testing.assert_allclose(np.reshape(session.run(rows, {x: value}), (6, 6)), np.diag(value.ravel()), atol=1e-12)


def test_hessian_vector_products(session):
    # The Hessian of sum(x^3) / 6 + (b.x)^2 / 2 is diag(x) + b b^T.
    b, v, value = RNG.normal(size=(3, 5))
    x, direction = cr.placeholder("float64", (None,)), cr.placeholder("float64", (None,))
    y = cr.sum(x**3) / 6.0 + cr.square(cr.sum(x * b)) / 2.0
    (g,) = cr.gradients(y, x)
    (product,) = cr.gradients(g, x, grad_ys=direction)
    found = session.run(product, {x: value, direction: v})
    np.testing.assert_allclose(found, value * v + b * (b @ v), rtol=1e-12)


def test_chain_of_products(session):
    # TensorFlow's first case: a matrix product, a bias and a non-linearity, against the formulas written out.
    xv, wv, bv = RNG.normal(size=(5, 3)), RNG.normal(size=(3, 2)), RNG.normal(size=2)
    x, w, b = cr.placeholder("float64", (None, 3)), cr.constant(wv), cr.constant(bv)
    y = cr.tanh(x @ w + b)
    dx, dw, db = session.run(cr.gradients(y, [x, w, b]), {x: xv})
    slope = 1.0 - np.tanh(xv @ wv + bv) ** 2
    np.testing.assert_allclose(dx, slope @ wv.T, rtol=1e-12)
    np.testing.assert_allclose(dw, xv.T @ slope, rtol=1e-12)
    np.testing.assert_allclose(db, slope.sum(axis=0), rtol=1e-12)


# What is fed


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("float64", np.array([1, 2])),
        ("float64", np.array([1.0, 2.0], "float32")),
        ("float32", np.array([1.0, 2.0])),
        ("int32", np.array([1, -2])),
        ("uint8", np.array([0, 255])),
        ("int64", np.array([True, False])),
        ("complex128", np.array([1.0, 2.0])),
        ("float64", np.array([1.0, 2.0])[::-1]),
        ("float64", np.array([[1.0, 2.0]])[0]),
    ],
)
def test_arrays_of_other_dtypes(session, dtype, value):
    x = cr.placeholder(dtype, (None,))
    found = session.run(cr.identity(x), {x: value})
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, value)


@pytest.mark.parametrize(
    ("dtype", "value", "problem"),
    [
        ("uint8", np.array([256]), r"got int64\[1\] with values that uint8 does not hold"),
        ("uint8", [-1], r"got int64\[1\] with values that uint8 does not hold"),
        ("int32", 2**40, r"got int64\[\] with values that int32 does not hold"),
        ("int64", np.array([2**63], "uint64"), r"got uint64\[1\] with values that int64 does not hold"),
        ("int64", np.array([1.0]), r"got float64\[1\]; cast it first"),
        ("float64", np.array([1j]), r"got complex128\[1\]; cast it first"),
        ("bool", np.array([1]), r"got int64\[1\]; cast it first"),
        ("float64", np.array(["a"]), "arrays of dtype <U1 cannot be tensors"),
        ("float64", np.array([object()]), "arrays of dtype object cannot be tensors"),
        ("int64", 2**70, "got 1180591620717411303424"),
    ],
)
def test_arrays_that_would_lose_something(session, dtype, value, problem):
    x = cr.placeholder(dtype, name="x")
    with pytest.raises(cr.DTypeError, match=rf"feed of 'x': expected {dtype}\[\.\.\.\], .*{problem}"):
        session.run(cr.identity(x), {x: value})


def test_memory_is_shared_with_nobody(session):
    value = np.array([[1.0, 2.0]])
    x = cr.placeholder("float64", (1, 2))
    w = cr.Variable(np.zeros((1, 2)))
    flat = cr.Variable(np.zeros(2))
    constant = cr.constant([1.0, 2.0])
    step = [w.assign(x), flat.assign(cr.reshape(x, (2,)))]
    session.run([w.initializer, flat.initializer])
    found = session.run(step, {x: value})
    value[:] = 100.0
    fetches = [w, flat, w.read().T, cr.stop_gradient(flat), constant, constant[:1]]
    for array in (*found, *session.run(fetches)):
        array[...] = 50.0
    assert [array.tolist() for array in session.run([w, flat, constant])] == [[[1.0, 2.0]], [1.0, 2.0], [1.0, 2.0]]


def test_results_are_arrays(session):
    x = cr.placeholder("float32", (None,))
    found = session.run({"y": cr.exp(x), "n": cr.sum(x)}, {x: np.zeros(3)})
    assert type(found["y"]) is np.ndarray
    assert type(found["n"]) in (np.float32, np.ndarray)
    assert found["y"].dtype == found["n"].dtype == "float32"


# Open shapes through many operations: a graph gives what runs eagerly, forward and backward


VALUE = np.array([[0.3, 1.2, 0.7], [2.5, 0.1, 1.9]])

FUNCTIONS = {
    "exp": cr.exp,
    "log": cr.log,
    "tanh": cr.tanh,
    "square": cr.square,
    "power": lambda x: x**2.5,
    "reverse power": lambda x: 2.0**x,
    "quotient": lambda x: 1.0 / (1.0 + x),
    "broadcast row": lambda x: x * np.array([1.0, 2.0, 3.0]),
    "broadcast column": lambda x: x + np.array([[1.0], [2.0]]),
    "maximum": lambda x: cr.maximum(x, 1.0),
    "clip": lambda x: cr.clip(x, 0.2, 1.5),
    "abs": lambda x: cr.abs(x - 1.0),
    "where": lambda x: cr.where(x > 1.0, x * x, -x),
    "sum": cr.sum,
    "sum of rows": lambda x: cr.sum(x, axis=1),
    "mean kept": lambda x: x - cr.mean(x, axis=0, keepdims=True),
    "max of axis": lambda x: cr.max(x, axis=-1),
    "prod": lambda x: cr.prod(x, axis=0),
    "var": cr.var,
    "cumulative sum": lambda x: cr.cumulative_sum(x, axis=1),
    "softmax": cr.softmax,
    "log_softmax": cr.log_softmax,
    "logsumexp": lambda x: cr.logsumexp(x, axis=1),
    "reshape": lambda x: cr.reshape(x, (-1,)) * 2.0,
    "reshape to a size": lambda x: cr.reshape(x, (x.shape[1], x.shape[0])),
    "transpose": lambda x: x.T @ x,
    "matmul": lambda x: x @ np.arange(6.0).reshape(3, 2),
    "index": lambda x: x[0] * x[-1],
    "slice": lambda x: x[:, 1:] * x[:, :-1],
    "rows": lambda x: x[np.array([1, 1, 0])] * 2.0,
    "mask of values": lambda x: cr.sum(x * cr.astype(x > 0.5, "float64")),
    "concat": lambda x: cr.concat([x, 2.0 * x], axis=0),
    "stack": lambda x: cr.stack([x, x * x], axis=1),
    "expand": lambda x: x[:, None, :] * x[None, :, :],
    "sort": lambda x: cr.sort(x, axis=1),
    "flip": lambda x: cr.flip(x, axis=0) * x,
    "cast": lambda x: cr.astype(x, "float32"),
    "size": lambda x: cr.sum(x) / x.shape[0],
    "einsum": lambda x: cr.einsum("ij,kj->ik", x, x),
}


ASKS_FOR_THE_RANK = ("reshape to a size", "transpose", "size", "einsum")


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        pytest.param(name, shape, id=f"{name}-{what}")
        for name in FUNCTIONS
        for what, shape in (("sizes", (None, None)), ("columns", (2, None)), ("rows", (None, 3)), ("rank", None))
        if shape is not None or name not in ASKS_FOR_THE_RANK
    ],
)
def test_open_shapes(session, name, shape):
    f = FUNCTIONS[name]
    with cr.init_scope(), cr.GradientTape() as tape:
        concrete = tape.watch(cr.tensor(VALUE))
        expected = f(concrete)
        (gradient,) = cr.gradients(expected, concrete)
    x = cr.placeholder("float64", shape)
    y = f(x)
    (g,) = cr.gradients(y, x)
    found, slope = session.run([y, g], {x: VALUE})
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-6)
    np.testing.assert_allclose(np.asarray(slope), gradient.numpy(), rtol=1e-6, atol=1e-15)
    (alone,) = session.run([g], {x: VALUE})
    np.testing.assert_allclose(np.asarray(alone), gradient.numpy(), rtol=1e-6, atol=1e-15)


def test_a_batch_of_any_size(session):
    x, labels = cr.placeholder("float64", (None, 3)), cr.placeholder("int64", (None,))
    w = cr.Variable(np.zeros((3, 4)))
    loss = cr.mean(cr.sparse_softmax_cross_entropy(x @ w, labels))
    (g,) = cr.gradients(loss, w)
    session.run(w.initializer)
    for n in (1, 2, 5):
        xv, lv = RNG.normal(size=(n, 3)), RNG.integers(4, size=n)
        value, slope = session.run([loss, g], {x: xv, labels: lv})
        assert value == pytest.approx(np.log(4.0))
        np.testing.assert_allclose(slope, xv.T @ (0.25 - np.eye(4)[lv]) / n, atol=1e-12)


# Sparse gradients


def test_embedding_rows(session):
    table, rows = RNG.normal(size=(6, 2)), np.array([5, 0, 5])
    w = cr.Variable(table, name="table")
    ids = cr.placeholder("int64", (None,))
    (g,) = cr.gradients(cr.sum(cr.square(w[ids])), w)
    assert isinstance(g, cr.IndexedSlices)
    step = w.assign_sub(g * 0.1)
    session.run(w.initializer)
    expected = np.zeros((6, 2))
    np.add.at(expected, rows, 2.0 * table[rows])
    np.testing.assert_allclose(session.run(g, {ids: rows}).numpy(), expected)
    np.testing.assert_allclose(session.run(step, {ids: rows}), table - 0.1 * expected)


# Other backends


def test_the_array_api(session):
    strict = pytest.importorskip("array_api_strict")
    x = cr.placeholder("float64", (None, 2))
    w = cr.Variable([[1.0], [2.0]])
    y = cr.sum(cr.tanh(x @ w))
    step = w.assign_sub(cr.gradients(y, w)[0] * 0.5)
    xv = RNG.normal(size=(3, 2))
    slope = xv.T @ (1.0 - np.tanh(xv @ [[1.0], [2.0]]) ** 2)
    with cr.Session(session.graph, backend="array_api_strict") as other:
        other.run(w.initializer)
        found = other.run(step, {x: xv})
        assert isinstance(found, type(strict.zeros(1)))
        np.testing.assert_allclose(np.asarray(found), [[1.0], [2.0]] - 0.5 * slope)
        assert isinstance(other.run(w), type(strict.zeros(1)))
        np.testing.assert_allclose(np.asarray(other.run(x, {x: strict.asarray(xv)})), xv)
        with pytest.raises(
            cr.ShapeError, match=r"feed of 'placeholder': expected float64\[None, 2\], got float64\[3\]"
        ):
            other.run(y, {x: strict.zeros(3)})
    session.run(w.initializer)
    np.testing.assert_allclose(session.run(step, {x: strict.asarray(xv)}), [[1.0], [2.0]] - 0.5 * slope)
