"""`linearize`, `linear_transpose`, and Jacobians whose rows or columns go together."""

from __future__ import annotations

import math

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")


def f(x):
    return cr.stack([x[0] * x[1], cr.sin(x[0]), cr.sum(x) ** 2])


X, V = [1.0, 2.0], [0.5, -1.0]
ROWS = [[2.0, 1.0], [math.cos(1.0), 0.0], [6.0, 6.0]]
FORWARD = [sum(a * b for a, b in zip(row, V, strict=True)) for row in ROWS]


def test_linearize(same):
    runs = []

    def counted(x):
        runs.append(1)
        return f(x)

    y, derivative = cr.linearize(counted, cr.tensor(X))
    same(y, [2.0, math.sin(1.0), 9.0])
    same(derivative(cr.tensor(V)), FORWARD)
    same(derivative(2.0 * cr.tensor(V)), [2.0 * t for t in FORWARD])
    assert len(runs) == 1


def test_linearize_within_others(same):
    x, v = cr.tensor(X), cr.tensor(V)
    want = cr.grad(lambda x: cr.sum(cr.jvp(f, [x], [v])[1]))(x)
    same(cr.grad(lambda x: cr.sum(cr.linearize(f, x)[1](v)))(x), want)
    same(cr.function(lambda x: cr.linearize(f, x)[1](v))(x), FORWARD)
    same(cr.vmap(cr.linearize(f, x)[1], out_axes=1)(cr.tensor([[1.0, 0.0], [0.0, 1.0]])), ROWS)


def test_linearize_of_pytrees(array, same):
    def g(tree, scale):
        return {"y": tree["a"] * scale}

    y, derivative = cr.linearize(g, {"a": array([1.0, 2.0])}, 3.0)
    same(y, {"y": [3.0, 6.0]})
    tangent = derivative({"a": array([1.0, 0.0])}, 2.0)
    same(tangent, {"y": [5.0, 4.0]})
    assert type(tangent["y"]) is type(array(1.0 * cr.tensor(X)))
    with pytest.raises(cr.ArgumentError, match="expected 2 tangents"):
        derivative({"a": array([1.0, 0.0])})
    with pytest.raises(cr.ShapeError, match=r"linearize of g: tangents\[0\]: expected shape \(2,\), got \(3,\)"):
        derivative({"a": array([1.0, 0.0, 0.0])}, 2.0)


def test_linear_transpose(same):
    transposed = cr.linear_transpose(lambda x, y: (x[1:] - x[:-1], 2.0 * y), cr.zeros(3), cr.Spec((), "float64"))
    same(transposed((cr.tensor([1.0, 10.0]), cr.tensor(3.0))), ([-1.0, -9.0, 10.0], 6.0))


def test_linear_transpose_of_a_loop(same):
    weights = cr.tensor([1.0, 2.0, 3.0])

    def g(x):
        return cr.scan(lambda c, w: (c * w, c), x, weights)[0]

    same(cr.linear_transpose(g, 0.0)(2.0), (12.0,))


def test_linear_transpose_of_what_is_not_linear():
    with pytest.raises(cr.ArgumentError, match=r"linear_transpose of .*: it is not linear.*through multiply"):
        cr.linear_transpose(lambda x: x * x * x, 1.0)


@pytest.mark.parametrize("of", [cr.jacobian, cr.jacfwd, cr.jacrev], ids=["auto", "forward", "reverse"])
def test_jacobians(of, array, same):
    same(of(f)(cr.tensor(X)), ROWS)
    assert type(of(f)(array(X))) is type(array(X))
    same(cr.function(of(f))(cr.tensor(X)), ROWS)
    third = cr.grad(lambda x: cr.sum(of(f)(x) ** 2))(cr.tensor(X))
    same(third, [2 * (2 * 6 + 2 * 6) - math.sin(2.0) + 2.0, 2 * (2 * 6 + 2 * 6) + 4.0])


@pytest.mark.parametrize("of", [cr.jacfwd, cr.jacrev])
def test_jacobians_of_definitions_that_read_results(of, same):
    for g, second in ((cr.exp, math.exp(2.0)), (lambda x: 2.0 / x, 0.5), (cr.tanh, None)):
        t = math.tanh(2.0)
        same(cr.grad(of(g))(2.0), -2.0 * t * (1.0 - t * t) if second is None else second)


@pytest.mark.parametrize("of", [cr.jacfwd, cr.jacrev])
def test_jacobians_through_checkpoints_and_compiled_functions(of, same):
    w = cr.Variable(2.0)
    same(of(cr.checkpoint(lambda x: cr.sin(x) * w))(cr.tensor(X)), [[2 * math.cos(1.0), 0.0], [0.0, 2 * math.cos(2.0)]])
    loop = cr.function(lambda x: cr.while_loop(lambda c: cr.sum(c) < 20.0, lambda c: c * c, x))
    same(of(loop)(cr.tensor(X)), [[8.0, 0.0], [0.0, 1024.0]])


def test_in_a_session_where_lengths_are_not_known(same):
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (None,))
        table = cr.jacrev(lambda x: x**3)(x)
    same(cr.Session(graph).run(table, {x: cr.tensor(X).value}), [[3.0, 0.0], [0.0, 12.0]])


def test_a_definition_that_looks_at_values_is_called_for_each(same):
    def looking(g, _y, _x):
        return g * 2.0 if float(cr.sum(g * g)) > 0 else g

    with cr.override_gradients({"positive": looking}):
        same(cr.jacrev(lambda x: +x)(cr.tensor(X)), [[2.0, 0.0], [0.0, 2.0]])
