"""`vmap`: what a loop over single elements gives, in every mode, nested with everything else."""

from __future__ import annotations

import math
import warnings

import pytest

import chainrule as cr
from chainrule import batching

pytestmark = pytest.mark.usefixtures("backend")

ROWS = [[1.0, 2.0, 3.0], [0.5, -1.0, 4.0]]


def tensors(rows):
    return [cr.tensor(row) for row in rows]


def looped(f, *batches):
    """What `vmap` is to give."""
    return cr.stack([f(*map(cr.tensor, parts)) for parts in zip(*batches, strict=True)])


def in_a_session(f):
    def run(*batches):
        arrays = [cr.tensor(x) for x in batches]
        with cr.Graph().as_default() as graph:
            inputs = [cr.placeholder(x.dtype, (None, *x.shape[1:])) for x in arrays]
            y = f(*inputs)
        return cr.Session(graph).run(y, {p: x.value for p, x in zip(inputs, arrays, strict=True)})

    return run


MODES = {
    "eager": lambda f: f,
    "function": cr.function,
    "session": in_a_session,
    "of a function": lambda f: f,
}


@pytest.fixture(params=MODES)
def batched(request):
    """`vmap`, run in one of the modes there are."""
    inner = cr.function if request.param == "of a function" else lambda f: f
    return lambda f: MODES[request.param](cr.vmap(inner(f)))


# Axes and structures


def test_axes(same):
    matrix = cr.tensor(ROWS)
    same(cr.vmap(lambda c: c * 2.0, in_axes=1)(matrix), [[2.0, 1.0], [4.0, -2.0], [6.0, 8.0]])
    same(cr.vmap(lambda c: c * 2.0, in_axes=-1, out_axes=-1)(matrix), [[2.0, 4.0, 6.0], [1.0, -2.0, 8.0]])
    same(cr.vmap(lambda a, b: a + b, in_axes=(0, None))(cr.tensor([1.0, 2.0]), 10.0), [11.0, 12.0])


def test_structures(same):
    def f(tree, scale):
        return {"sum": tree["a"] + scale[0], "b": (tree["b"], 3.0)}

    tree = {"a": cr.tensor([1.0, 2.0]), "b": cr.tensor([5.0])}
    y = cr.vmap(f, in_axes=({"a": 0, "b": None}, [0]), out_axes={"sum": 0, "b": (None, 0)})(
        tree, [cr.tensor([10.0, 20.0])]
    )
    same(y["sum"], [11.0, 22.0])
    same(y["b"], ([5.0], [3.0, 3.0]))


def test_arguments_by_keyword_and_what_is_no_array(same):
    f = cr.vmap(lambda x, mode, *, power: x**power if mode == "power" else x, in_axes=(0, None))
    same(f(cr.tensor([2.0, 3.0]), "power", power=2), [4.0, 9.0])


def test_arrays_out_where_arrays_go_in(array):
    x = array([1.0, 2.0])
    assert type(cr.vmap(lambda x: x * x)(x)) is type(x)
    assert type(cr.vmap(lambda x: x * x)(cr.tensor(x))) is cr.Tensor


def test_an_empty_batch():
    y = cr.vmap(lambda row: cr.sum(row * row))(cr.zeros((0, 3)))
    assert y.shape == (0,)


@pytest.mark.parametrize(
    ("f", "in_axes", "args", "message"),
    [
        (lambda a, b: a, 0, ([1.0, 2.0], [1.0]), "argument 1 has a batch of 1 along axis 0, argument 0 one of 2"),
        (lambda a, b: a, (0,), ([1.0], [1.0]), "in_axes has 1 entries for 2 arguments"),
        (lambda a: a, None, ([1.0],), "leaves no argument with a batch"),
        (lambda a: a, 1, ([1.0],), "argument 0 of shape .1,. has no axis 1, which in_axes says"),
        (lambda a: a, 0, (1.0,), "argument 0 is the number 1.0, which has no axis 0"),
        (lambda a: a, ({"b": 0},), ({"a": [1.0]},), "has not the structure"),
        (lambda a: a, ("x",), ([1.0],), "an axis is an integer or None, got 'x'"),
    ],
)
def test_arguments_that_do_not_fit(f, in_axes, args, message):
    def arrays(arg):
        return (
            {k: arrays(v) for k, v in arg.items()}
            if isinstance(arg, dict)
            else cr.tensor(arg)
            if type(arg) is list
            else arg
        )

    with pytest.raises((cr.ShapeError, cr.ArgumentError), match=message):
        cr.vmap(f, in_axes=in_axes)(*map(arrays, args))


def test_a_result_that_differs_where_it_must_not():
    with pytest.raises(cr.ShapeError, match=r"out_axes is None for result\[1\], which differs within the batch"):
        cr.vmap(lambda x: (1.0, x), out_axes=(None, None))(cr.tensor([1.0, 2.0]))


def test_looking_at_values_says_what_to_write():
    def f(x):
        return x if x > 0 else -x

    with pytest.raises(cr.SymbolicValueError, match=r"while vmap of f is being built.*cr\.cond.*cr\.where"):
        cr.vmap(f)(cr.tensor([1.0, -1.0]))


# Nested with other transformations


def loss(w, row):
    return cr.sum(cr.tanh(w * row)) ** 2


def test_gradients_for_each_example(same):
    w = cr.tensor([0.1, 0.2, -0.3])
    found = cr.vmap(cr.grad(loss), in_axes=(None, 0))(w, cr.tensor(ROWS))
    same(found, [cr.grad(loss)(w, row) for row in tensors(ROWS)])


@pytest.mark.parametrize("way", ["closure", "argument"])
@pytest.mark.parametrize(
    "of",
    [cr.grad, lambda f: cr.grad(cr.grad(f), sum=True), lambda f: cr.function(cr.grad(f))],
    ids=["first", "second", "compiled"],
)
def test_gradients_around(same, way, of):
    w, x = cr.tensor([0.1, 0.2, -0.3]), cr.tensor(ROWS)

    def by_vmap(w):
        per = cr.vmap(lambda row: loss(w, row))(x) if way == "closure" else cr.vmap(loss, in_axes=(None, 0))(w, x)
        return cr.sum(per)

    same(of(by_vmap)(w), of(lambda w: sum(loss(w, row) for row in tensors(ROWS)))(w))


def test_forward_mode(same):
    x, v = cr.tensor(ROWS), cr.ones((2, 3))
    f = cr.vmap(lambda row: cr.sin(row) * cr.sum(row))
    same(
        cr.jvp(f, [x], [v])[1],
        looped(lambda row: cr.jvp(lambda r: cr.sin(r) * cr.sum(r), [row], [cr.ones(3)])[1], ROWS),
    )
    g = cr.vmap(lambda row, v: cr.jvp(lambda r: cr.sin(r) * cr.sum(r), [row], [v])[1])
    same(g(x, v), cr.jvp(f, [x], [v])[1])


def test_nested(same):
    a, b = cr.tensor([1.0, 2.0]), cr.tensor([3.0, 4.0, 5.0])
    table = cr.vmap(cr.vmap(lambda a, b: a * b + cr.cos(a), in_axes=(None, 0)), in_axes=(0, None))
    same(table(a, b), [[m * n + math.cos(m) for n in (3.0, 4.0, 5.0)] for m in (1.0, 2.0)])


def test_of_a_hessian(same):
    f = lambda row: cr.sum(row**3) * row[0]  # noqa: E731
    same(cr.vmap(cr.hessian(f))(cr.tensor(ROWS)), [cr.hessian(f)(row) for row in tensors(ROWS)])


def test_variables(same):
    v = cr.Variable([2.0, 0.0, 1.0])
    with cr.GradientTape() as tape:
        y = cr.sum(cr.vmap(lambda row: cr.sum(v * row) ** 2)(cr.tensor(ROWS)))
    inner = [sum(a * b for a, b in zip((2.0, 0.0, 1.0), row, strict=True)) for row in ROWS]
    same(tape.gradient(y, v), [sum(2 * s * row[i] for s, row in zip(inner, ROWS, strict=True)) for i in range(3)])


def test_a_variable_is_assigned_once_what_does_not_differ(same):
    calls, v = cr.Variable(0.0, trainable=False), cr.Variable(0.0)

    def f(x):
        calls.assign_add(1.0)
        return x * 2.0

    for g in (cr.vmap(f), cr.function(cr.vmap(f))):
        same(g(cr.tensor([1.0, 2.0])), [2.0, 4.0])
    same(calls, 2.0)
    with pytest.raises(cr.ArgumentError, match="a value that differs within the batch"):
        cr.vmap(lambda x: v.assign(x))(cr.tensor([1.0, 2.0]))


def test_effects_are_refused():
    with pytest.raises(cr.ArgumentError, match="vmap: callback has an effect"):
        cr.vmap(lambda x: (cr.print("x", x), x)[1])(cr.tensor([1.0]))


def test_an_override_is_for_each_element_by_itself(same):
    def normalised(g, _y, _x):
        return g / cr.vector_norm(g)

    def f(row):
        with cr.override_gradients({"positive": normalised}):
            y = +row
        return cr.sum(y * row * row)

    want = [cr.grad(f)(row) for row in tensors(ROWS)]
    same(cr.vmap(cr.grad(f))(cr.tensor(ROWS)), want)
    same(cr.grad(lambda x: cr.sum(cr.vmap(f)(x)))(cr.tensor(ROWS)), want)
    same(cr.function(cr.grad(lambda x: cr.sum(cr.vmap(f)(x))))(cr.tensor(ROWS)), want)


def test_a_composite_operation_is_what_it_is_made_of(same):
    @cr.composite
    def spread_of(x, /, scale=1.0):
        return scale * cr.sum((x - cr.mean(x)) ** 2)

    same(
        cr.vmap(lambda row: spread_of(row, scale=2.0))(cr.tensor(ROWS)), looped(lambda r: spread_of(r, scale=2.0), ROWS)
    )


# Control flow


def chosen(row):
    return cr.cond(cr.sum(row) > 4.0, lambda: row * row, lambda: cr.sqrt(cr.abs(row)))


def switched(row):
    i = cr.astype(cr.sum(row) > 4.0, "int64")
    return cr.switch(i, [cr.sin, lambda x: x**3], row)


def grown(row):
    return cr.while_loop(lambda c: cr.sum(c) < 50.0, lambda c: c * c + row, row)


def both_counted(row):
    return cr.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * row), (0, row))[1]


def counted(row):
    n = cr.astype(cr.sum(row), "int64")
    return cr.fori_loop(0, n, lambda i, c: c + i * row, row)


def scanned(row):
    total, parts = cr.scan(lambda c, x: (c * x + row[0], c), row[1], row)
    return parts * total


def scanned_back(row):
    return cr.scan(lambda c, x: (c + x * x, c * x), 0.0, row, reverse=True)[1]


def kept(row):
    return cr.checkpoint(lambda x: cr.sin(cr.exp(x * 0.1)))(row)


def clipped(row):
    @cr.custom_gradient
    def f(x, scale):
        return x * scale, lambda g: (cr.clip(g, -1.0, 1.0) * scale, cr.sum(g * x))

    return f(row, row[0])


FLOWS = [chosen, switched, grown, both_counted, counted, scanned, scanned_back, kept, clipped]


@pytest.mark.parametrize("f", FLOWS)
def test_control_flow(batched, same, f):
    same(batched(f)(cr.tensor(ROWS)), looped(f, ROWS))


@pytest.mark.parametrize("f", FLOWS)
def test_gradients_of_control_flow(same, f):
    def summed(row):
        return cr.sum(f(row) * 0.1)

    want = [cr.grad(summed)(row) for row in tensors(ROWS)]
    same(cr.vmap(cr.grad(summed))(cr.tensor(ROWS)), want)
    same(cr.function(cr.vmap(cr.grad(summed)))(cr.tensor(ROWS)), want)
    same(cr.grad(lambda x: cr.sum(cr.vmap(summed)(x)))(cr.tensor(ROWS)), want)


@pytest.mark.parametrize("f", [grown, scanned, chosen])
def test_second_derivatives_of_control_flow(same, f):
    def slope(row):
        return cr.sum(cr.grad(lambda r: cr.sum(f(r)))(row) * row)

    same(cr.vmap(cr.grad(slope))(cr.tensor(ROWS)), [cr.grad(slope)(row) for row in tensors(ROWS)])


def test_a_loop_uses_what_is_differentiated_around(same):
    def f(w):
        return cr.sum(cr.vmap(lambda x: cr.scan(lambda c, _: (c * w, None), x, length=3)[0])(cr.tensor([1.0, 2.0])))

    same(cr.grad(f)(2.0), 3 * 4.0 * 3.0)


def test_an_index_outside_of_all_branches():
    with pytest.raises(cr.IndexingError):
        cr.vmap(lambda i: cr.switch(i, [lambda: 1.0, lambda: 2.0]))(cr.tensor([0, 2]))


# Rules


def test_an_operation_without_a_rule_runs_in_a_loop_that_is_told(same):
    @cr.op(lambda x: x, lambda g, _y, _x: backwards(g))
    def backwards(xp, x, /):
        return xp.flip(x, axis=0)

    before = {loop.op: loop.calls for loop in cr.batching_loops()}
    with pytest.warns(
        cr.BatchingWarning, match=r"op 'backwards' of your code runs in a loop .* no batching rule"
    ) as caught:
        same(cr.vmap(backwards)(cr.tensor(ROWS)), [row[::-1] for row in ROWS])
    assert caught[0].filename == __file__
    (loop,) = (loop for loop in cr.batching_loops() if loop.op == "backwards")
    assert loop.calls == before.get("backwards", 0) + 1
    with warnings.catch_warnings(action="ignore", category=cr.BatchingWarning):
        same(cr.vmap(cr.grad(lambda r: backwards(r)[0] ** 2))(cr.tensor(ROWS)), [[0.0, 0.0, 6.0], [0.0, 0.0, 8.0]])
        same(cr.function(cr.vmap(backwards))(cr.tensor(ROWS)), [row[::-1] for row in ROWS])


def test_rules_of_plugins(same):
    @cr.op(lambda x, axis: x)
    def turned(xp, x, /, axis=0):
        return xp.flip(x, axis=axis)

    @cr.op(lambda a, b: a)
    def scaled_rows(xp, a, b, /):
        return a * b

    class Plugin:
        @cr.hookimpl
        def chainrule_ops(self):
            return [turned, scaled_rows]

        @cr.hookimpl
        def chainrule_batching(self):
            return {"turned": batching.along(), "scaled_rows": batching.stacked(1, 1)}

    cr.register_plugin(Plugin(), "rules_for_tests")
    same(cr.vmap(turned)(cr.tensor(ROWS)), [row[::-1] for row in ROWS])
    same(
        cr.vmap(scaled_rows, in_axes=(None, 0))(cr.tensor(ROWS[0]), cr.tensor(ROWS)),
        looped(lambda r: cr.tensor(ROWS[0]) * r, ROWS),
    )


@pytest.mark.parametrize("rule", [3, None])
def test_a_rule_that_is_none_is_an_error_of_its_plugin(rule):
    class Plugin:
        @cr.hookimpl
        def chainrule_batching(self):
            return self.rules

    plugin = Plugin()
    plugin.rules = {"no such operation": rule}
    cr.register_plugin(plugin, "broken_rules")
    try:
        with pytest.raises(cr.PluginError, match=r"batching rule of op 'no such operation' .* cannot be called"):
            cr.vmap(cr.sum)(cr.tensor(ROWS))
    finally:
        plugin.rules = {}
        cr.register_plugin(plugin, "broken_rules")
