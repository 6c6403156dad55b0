"""Branches and loops: one meaning eagerly, in compiled functions and in graphs, and gradients of any order in each."""

from __future__ import annotations

import math

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")


def eagerly(f, *arguments):
    return f(*map(cr.tensor, arguments))


def compiled(f, *arguments):
    return cr.function(f)(*map(cr.tensor, arguments))


def in_a_session(f, *arguments, known=True):
    arrays = [cr.tensor(x) for x in arguments]
    graph = cr.Graph()
    with graph.as_default():
        inputs = [cr.placeholder(x.dtype, x.shape if known else (None,) * x.ndim) for x in arrays]
        results = f(*inputs)
    session = cr.Session(graph)
    return session.run(results, {p: x.value for p, x in zip(inputs, arrays, strict=True)})


def of_open_shapes(f, *arguments):
    return in_a_session(f, *arguments, known=False)


MODES = {"eager": eagerly, "function": compiled, "session": in_a_session, "open session": of_open_shapes}


@pytest.fixture(params=MODES)
def run(request):
    """Runs a function of tensors in one of the ways there are."""
    return MODES[request.param]


def summed(f):
    return lambda x: cr.sum(f(x))


def gradient_in_a_graph(f):
    return lambda x: cr.gradients(f(x), x)[0]


GRADIENTS = {
    "eager": cr.grad,
    "outside": lambda f: cr.grad(cr.function(f)),
    "inside": lambda f: cr.function(cr.grad(f)),
    "session": gradient_in_a_graph,
    "open session": gradient_in_a_graph,
}


@pytest.fixture(params=GRADIENTS)
def derivative(request):
    """The n-th derivative of a function of one tensor, in each way: at each order that of the sum of results."""

    def find(f, n, x):
        for _ in range(n):
            f = GRADIENTS[request.param](summed(f))
        return MODES.get(request.param, eagerly)(f, x)

    return find


# Choices


def chosen(x):
    return cr.cond(cr.sum(x) > 0.0, lambda x: cr.exp(2.0 * x), lambda x: x * x * x, x)


@pytest.mark.parametrize(("x", "y"), [(0.5, math.exp(1.0)), (-2.0, -8.0)])
def test_cond_runs_the_branch_that_is_chosen(run, same, x, y):
    same(run(chosen, x), y)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_cond_has_the_derivatives_of_its_branch(derivative, same, n):
    same(derivative(chosen, n, 0.5), 2.0**n * math.exp(1.0))
    same(derivative(chosen, n, -2.0), [12.0, -12.0, 6.0][n - 1])


def test_only_the_chosen_branch_runs(run):
    ran = []

    def f(x):
        def noted(name, x):
            cr.callback(lambda _: ran.append(name), x)
            return x

        return cr.cond(x > 0.0, lambda x: noted("positive", x), lambda x: noted("other", x), x)

    run(f, 1.0)
    assert ran == ["positive"]
    run(f, -1.0)
    assert ran == ["positive", "other"]


def test_cond_without_operands_uses_what_is_around_it(run, same):
    def f(x, y):
        z = x * y
        return cr.cond(x > y, lambda: z + x, lambda: z - y)

    same(run(f, 3.0, 2.0), 9.0)
    same(run(f, 2.0, 3.0), 3.0)


def test_cond_takes_python_booleans_and_numbers(run, same):
    same(run(lambda x: cr.cond(True, cr.sin, cr.cos, x), 0.0), 0.0)
    same(run(lambda x: cr.cond(x > 0.0, lambda x: x, lambda _: 7.0, x), -1.0), 7.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_take_the_dtype_of_the_other_branch(dtype):
    x = cr.tensor([2.0, 3.0], dtype=dtype)
    f = cr.function(lambda x: cr.cond(x[0] > 0.0, lambda: 0, lambda: x[1]))
    assert f(x).dtype == f(-x).dtype == dtype
    f = cr.function(lambda x: cr.switch(cr.argmax(x), [lambda: 1, lambda: 2.5]))
    assert f(x).dtype == "float64"
    with pytest.raises(cr.DTypeError, match=r"cond: result is float64\[\] from false_fn, int64\[\] from true_fn"):
        cr.function(lambda x: cr.cond(x[0] > 0.0, lambda: cr.argmax(x), lambda: 0.5))(x)


def test_cond_gives_any_tree(run, same):
    def f(x):
        return cr.cond(x > 0.0, lambda x: {"a": x, "b": (x + 1.0, [x * 2.0])}, lambda x: {"a": -x, "b": (x, [x])}, x)

    same(run(f, 3.0), {"a": 3.0, "b": (4.0, [6.0])})
    same(run(f, -3.0), {"a": 3.0, "b": (-3.0, [-3.0])})


def test_branches_may_differ_in_lengths(run, same):
    def f(x):
        return cr.sum(cr.cond(cr.sum(x) > 0.0, lambda x: x[:2], lambda x: x, x) * 2.0)

    same(run(f, [1.0, 2.0, 3.0]), 6.0)
    same(run(f, [-1.0, -2.0, -3.0]), -12.0)


def test_gradients_where_branches_differ_in_lengths(derivative, same):
    def f(x):
        return cr.square(cr.cond(cr.sum(x) > 0.0, lambda x: x[:2], lambda x: x, x))

    same(derivative(f, 1, [1.0, 2.0, 3.0]), [2.0, 4.0, 0.0])
    same(derivative(f, 1, [-1.0, -2.0, -3.0]), [-2.0, -4.0, -6.0])


@pytest.mark.parametrize(
    ("x", "total", "slope"), [([1.0, 2.0, 3.0], 5.0, [2.0, 4.0, 0.0]), ([-1.0, 0.0], 1.0, [-2.0, 0.0])]
)
def test_a_loop_along_what_a_choice_gave(run, same, x, total, slope):
    def f(x):
        chosen = cr.cond(cr.sum(x) > 0.0, lambda x: x[:2], lambda x: x, x)
        return cr.scan(lambda c, v: (c + v * v, v), 0.0, chosen)[0]

    same(run(f, x), total)
    same(cr.grad(cr.function(f))(cr.tensor(x)), slope)


def test_switch_counts_from_zero(run, same):
    def f(i, x):
        return cr.switch(i, [lambda x: x + 1.0, lambda x: x * 10.0, lambda x: -x], x)

    for i, y in enumerate([3.0, 20.0, -2.0]):
        same(run(f, i, 2.0), y)


@pytest.mark.parametrize("i", [-1, 3])
def test_an_index_that_chooses_nothing(run, i):
    with pytest.raises(cr.IndexingError, match=f"switch: index {i} chooses none of 3 branches"):
        run(lambda i, x: cr.switch(i, [cr.sin, cr.cos, cr.exp], x), i, 2.0)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_switch_has_derivatives(derivative, same, n):
    def f(x):
        return cr.switch(cr.astype(x > 1.0, dtype="int64"), [cr.sin, lambda x: x**4], x)

    same(derivative(f, n, 0.5), [math.cos(0.5), -math.sin(0.5), -math.cos(0.5)][n - 1])
    same(derivative(f, n, 2.0), [32.0, 48.0, 48.0][n - 1])


# Loops


def powered(x):
    """x to the power of 8, by repeated squaring three times."""
    return cr.fori_loop(0, 3, lambda i, v: v * v, x)


def grown(x):
    """Squared until it is at least 100: to the power of 4 from 2 and 3.2 to 10, once from 10."""
    return cr.while_loop(lambda v: cr.sum(v) < 100.0, lambda v: v * v, x)


def test_fori_loop(run, same):
    same(run(powered, 1.5), 1.5**8)
    same(run(lambda x: cr.fori_loop(2, 5, lambda i, v: v + i, x), 0), 9)
    same(run(lambda x: cr.fori_loop(5, 2, lambda i, v: v + i, x), 7), 7)


def test_fori_loop_to_a_bound_that_is_computed(run, same):
    def f(n, x):
        return cr.fori_loop(0, n, lambda i, v: v * x, 1.0)

    same(run(f, 5, 2.0), 32.0)
    same(run(f, 0, 2.0), 1.0)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_fori_loop_has_derivatives(derivative, same, n):
    same(derivative(powered, n, 1.5), math.perm(8, n) * 1.5 ** (8 - n))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_fori_loop_to_a_computed_bound_has_derivatives(derivative, same, n):
    def f(x):
        steps = cr.astype(cr.floor(x), dtype="int64") + 3
        return cr.fori_loop(0, steps, lambda i, v: v * x, cr.ones_like(x))

    same(derivative(f, n, 1.5), math.perm(4, n) * 1.5 ** (4 - n))


def test_while_loop(run, same):
    same(run(grown, 3.0), 6561.0)
    same(run(grown, 100.0), 100.0)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_while_loop_has_derivatives(derivative, same, n):
    same(derivative(grown, n, 3.0), math.perm(8, n) * 3.0 ** (8 - n))
    same(derivative(grown, n, 200.0), [1.0, 0.0, 0.0][n - 1])  # no step at all


def test_while_loop_ends_after_so_many_steps(run, same):
    def f(x):
        return cr.while_loop(lambda v: v < 1e9, lambda v: v * 2.0, x, maximum_iterations=3)

    same(run(f, 1.0), 8.0)
    same(run(f, 1e10), 1e10)


def test_while_loop_with_a_bound_has_derivatives(derivative, same):
    def f(x):
        return cr.while_loop(lambda v: v < 1e9, lambda v: v * v, x, maximum_iterations=2)

    same(derivative(f, 1, 3.0), 4 * 27.0)
    same(derivative(f, 2, 3.0), 12 * 9.0)


def running(x):
    """The product of the elements, and the products so far."""
    return cr.scan(lambda total, v: (total * v, total), cr.ones_like(x[0]), x)


def test_scan(run, same):
    same(run(running, [2.0, 3.0, 5.0]), (30.0, [1.0, 2.0, 6.0]))


def test_scan_from_the_end(run, same):
    def f(x):
        return cr.scan(lambda total, v: (total + v, total * v), 0.0, x, reverse=True)

    same(run(f, [1.0, 2.0, 3.0]), (6.0, [5.0, 6.0, 0.0]))


def test_scan_without_elements(run, same):
    def f(x):
        return cr.scan(lambda v, _: (v * 2.0, v), x, length=4)

    same(run(f, 3.0), (48.0, [3.0, 6.0, 12.0, 24.0]))


def test_scan_of_trees(run, same):
    def f(a, b):
        def step(carried, x):
            total, count = carried["total"], carried["count"]
            return {"total": total + x["a"] * x["b"][0], "count": count + 1}, (x["a"], {"so far": total})

        return cr.scan(step, {"total": cr.zeros_like(a[0]), "count": 0}, {"a": a, "b": (b,)})

    carried, (a, so_far) = run(f, [[1.0, 2.0], [3.0, 4.0]], [10.0, 100.0])
    same(carried, {"count": 2, "total": [310.0, 420.0]})
    same(a, [[1.0, 2.0], [3.0, 4.0]])
    same(so_far, {"so far": [[0.0, 0.0], [10.0, 20.0]]})


def test_scan_of_one_element(run, same):
    same(run(running, [7.0]), (7.0, [1.0]))


def test_scan_of_no_elements(run, same):
    def f(x):
        return cr.scan(lambda total, v: (total * cr.sum(v), {"v": v * 2.0, "n": 1}), 3.0, x)

    total, ys = run(f, cr.zeros(shape=(0, 2)))
    same(total, 3.0)
    assert tuple(ys["v"].shape) == (0, 2)
    assert tuple(ys["n"].shape) == (0,)
    assert str(ys["n"].dtype) == "int64"


@pytest.mark.parametrize("n", [1, 2, 3])
def test_scan_has_derivatives(derivative, same, n):
    # of a product of three: the products of the other two, the sums of the others, and 2 in each place
    expected = [[15.0, 10.0, 6.0], [8.0, 7.0, 5.0], [2.0, 2.0, 2.0]][n - 1]
    same(derivative(lambda x: running(x)[0], n, [2.0, 3.0, 5.0]), expected)


def test_scan_has_derivatives_through_results_and_from_the_end(derivative, same):
    def f(x):
        total, so_far = cr.scan(lambda total, v: (total + v * v, total * v), cr.zeros_like(x[0]), x, reverse=True)
        return total + cr.sum(so_far)

    # x0² + x1² + x2² + (x1² + x2²) x0 + x2² x1
    same(derivative(f, 1, [1.0, 2.0, 3.0]), [2 + 13.0, 4 + 4 * 1 + 9.0, 6 + 6 * 1 + 6 * 2.0])


def test_no_steps_hand_the_gradient_on(derivative, same):
    def f(x):
        return cr.scan(lambda v, _: (v * v, v), x, length=0)[0]

    same(derivative(f, 1, 3.0), 1.0)
    same(derivative(f, 2, 3.0), 0.0)
    same(derivative(lambda x: cr.fori_loop(3, 3, lambda i, v: v * v, x), 1, 3.0), 1.0)


def test_map(run, same):
    def f(x, y):
        return cr.map(lambda pair: {"product": cr.sum(pair[0] * pair[1]), "first": pair[0][0]}, (x, y))

    rows = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    same(run(f, rows, rows), {"first": [1.0, 3.0, 5.0], "product": [5.0, 25.0, 61.0]})


@pytest.mark.parametrize("n", [1, 2, 3])
def test_map_has_derivatives(derivative, same, n):
    def f(x):
        return cr.map(lambda v: v**4, x)

    x = [1.0, 2.0, -3.0]
    same(derivative(f, n, x), [math.perm(4, n) * v ** (4 - n) for v in x])


@pytest.mark.parametrize("data", [2.0, [2.0, 3.0], [[1.0], [2.0]]])
def test_loops_and_choices_of_unknown_rank(data, same):
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64")
        y = cr.fori_loop(0, 2, lambda i, v: v * v, x)
        z = cr.cond(cr.sum(x) > 0.0, lambda v: v + 1.0, lambda v: v, x)
    x_ = cr.tensor(data)
    same(cr.Session(graph).run([y, z], {x: x_.value}), [x_**4, x_ + 1.0])
    with graph.as_default(), pytest.raises(cr.ShapeError, match="scan: xs is of unknown rank: give the placeholder"):
        cr.map(cr.sin, x)


def test_sizes_from_around_a_body(same):
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (None, 2))
        n = x.shape[0]
        y = cr.fori_loop(0, 2, lambda i, v: v / n, cr.sum(x))
        (g,) = cr.gradients(y, x)
    same(cr.Session(graph).run([y, g], {x: [[1.0, 2.0], [3.0, 10.0]]}), [4.0, [[0.25, 0.25], [0.25, 0.25]]])


# What is used from outside


def test_loops_use_what_is_around_them(run, same):
    w = cr.Variable(10.0)
    constant = cr.tensor([1.0, 2.0, 3.0])

    def f(x, y):
        return cr.scan(lambda total, v: (total + v * y * w, total + constant[1]), cr.zeros_like(y), x)

    same(run(f, [1.0, 2.0], 3.0), (90.0, [2.0, 32.0]))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_gradients_reach_what_loops_use(derivative, same, n):
    def f(x):
        return cr.scan(lambda v, c: (v * x + c, None), x, cr.tensor([1.0, 1.0, 1.0]))[0]  # x⁴ + x² + x + 1

    same(derivative(f, n, 2.0), [32 + 4 + 1.0, 48 + 2.0, 48.0][n - 1])


@pytest.mark.parametrize("mode", ["eager", "function", "inside", "session"])
def test_gradients_reach_variables_that_loops_use(mode, same):
    w = cr.Variable(3.0)

    def f():
        return cr.while_loop(lambda v: v < 50.0, lambda v: v * w, cr.tensor(1.0))  # w⁴

    if mode == "session":
        with cr.Graph().as_default() as graph:
            (g,) = cr.gradients(f(), w)
            (h,) = cr.gradients(g, w)
        same(cr.Session(graph).run([g, h]), [4 * 27.0, 12 * 9.0])
        return

    def gradients():
        with cr.GradientTape() as outer:
            with cr.GradientTape() as tape:
                y = (cr.function(f) if mode == "function" else f)()
            g = tape.gradient(y, w)
        return g, outer.gradient(g, w)

    same((cr.function(gradients) if mode == "inside" else gradients)(), (4 * 27.0, 12 * 9.0))


# In each other


def nested(x):
    """Rows of products, each through a loop that ends by itself, or through none."""

    def row(v):
        return cr.cond(
            v > 1.0,
            lambda v: cr.while_loop(lambda u: u < 100.0, lambda u: u * v, v),
            lambda v: cr.scan(lambda c, e: (c + e * v * v, None), v, cr.tensor([1.0, 2.0]))[0],
            v,
        )

    return cr.map(row, x)


def test_loops_in_choices_in_loops(run, same):
    same(run(nested, [5.0, 0.5, 20.0]), [125.0, 0.5 + 3 * 0.25, 400.0])


@pytest.mark.parametrize("n", [1, 2, 3])
def test_loops_in_choices_in_loops_have_derivatives(derivative, same, n):
    expected = [[75.0, 4.0, 40.0], [30.0, 6.0, 2.0], [6.0, 0.0, 0.0]][n - 1]
    same(derivative(nested, n, [5.0, 0.5, 20.0]), expected)


def test_compiled_functions_in_loops_in_compiled_functions(derivative, run, same):
    cube = cr.function(lambda v: v * v * v)

    def f(x):
        return cr.fori_loop(0, 2, lambda i, v: cube(v) + i, x)  # (x³)³ + 1

    same(run(f, 1.5), 1.5**9 + 1)
    same(derivative(f, 2, 1.5), 72 * 1.5**7)


@pytest.mark.parametrize("compile", [False, True])
def test_forward_mode_passes_loops_and_choices(compile, same):
    f = cr.function(nested) if compile else nested
    y, dy = cr.jvp(f, [cr.tensor([5.0, 0.5, 20.0])], [cr.tensor([1.0, 10.0, 100.0])])
    same(y, [125.0, 1.25, 400.0])
    same(dy, [75.0, 40.0, 4000.0])
    same(cr.jvp(cr.function(powered) if compile else powered, [1.5], [1.0])[1], 8 * 1.5**7)


# Variables that are assigned inside


def test_variables_assigned_in_loops(run, same):
    count, total = cr.Variable(0, trainable=False), cr.Variable(100.0)

    def f(x):
        def step(i, v):
            count.assign_add(1)
            total.assign(total * 2.0 + v)
            return v + total

        last = cr.fori_loop(0, 3, step, x)
        return last, count * 1, total * 1.0

    v, t = 1.0, 100.0
    for _ in range(3):
        t = t * 2 + v
        v += t
    same(run(f, 1.0), (v, 3, t))


@pytest.mark.parametrize("x", [1.0, -1.0])
def test_variables_assigned_in_one_branch(run, same, x):
    w = cr.Variable(5.0)

    def f(x):
        def assign(x):
            w.assign(w * x + 3.0)
            return x

        return cr.cond(x > 0.0, assign, lambda x: x, x), w * 1.0

    same(run(f, x), (x, 8.0 if x > 0 else 5.0))


def test_variables_assigned_in_nested_bodies_and_in_while_loops(run, same):
    w = cr.Variable(1.0)

    def f(x):
        def step(v):
            cr.cond(v > 4.0, lambda: w.assign_add(v), lambda: w.assign_sub(v))
            return v * 2.0

        return cr.while_loop(lambda v: v + w < 30.0, step, x), w * 1.0

    v, total = 1.0, 1.0
    while v + total < 30.0:
        total += v if v > 4.0 else -v
        v *= 2
    same(run(f, 1.0), (v, total))


def test_values_stay_in_variables_after_a_compiled_loop(same):
    w = cr.Variable(1.0)

    @cr.function
    def f(n):
        return cr.fori_loop(0, n, lambda i, v: v + w.assign(w * 2.0), cr.tensor(0.0))

    same(f(cr.tensor(3)), 2.0 + 4.0 + 8.0)
    same(w, 8.0)
    same(f(cr.tensor(1)), 16.0)
    same(w, 16.0)


# Gradient overrides


def straight(g, _y, _x):
    return g


def stepped(x):
    return cr.fori_loop(0, 2, lambda i, v: cr.sign(v) * 3.0, x)


def test_overrides_in_force_reach_into_bodies(derivative, same):
    with cr.override_gradients({"sign": straight}):
        same(derivative(stepped, 1, 2.0), 9.0)
    same(derivative(stepped, 1, 2.0), 0.0)


def test_overrides_around_a_part_of_a_body(derivative, same):
    def step(i, v):
        with cr.override_gradients({"sign": straight}):
            v = cr.sign(v) * 3.0
        return v

    same(derivative(lambda x: cr.fori_loop(0, 2, step, x), 1, 2.0), 9.0)


@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize(
    "selector", ["sign", "*sign", cr.sign if hasattr(cr, "sign") else None], ids=["name", "glob", "function"]
)
def test_overrides_at_gradient_time_reach_into_bodies(compile, selector, same):
    def f(x):
        return cr.cond(x > 0.0, stepped, lambda x: x, x) + cr.scan(lambda v, _: (cr.sign(v), None), x, length=2)[0]

    f = cr.function(f) if compile else f
    same(cr.grad(f, overrides={selector: straight})(2.0), 10.0)
    same(cr.grad(f)(2.0), 0.0)


def test_overrides_at_gradient_time_in_graphs(same):
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", ())
        y = cr.while_loop(lambda v: v < 1.0, lambda v: cr.sign(v) * 5.0, x)
        (changed,) = cr.gradients(y, x, overrides={"sign": straight})
        (plain,) = cr.gradients(y, x)
    same(cr.Session(graph).run([changed, plain], {x: 0.5}), [5.0, 0.0])


@pytest.mark.parametrize("compile", [False, True])
def test_an_override_that_selects_nothing_is_an_error(compile):
    f = cr.function(stepped) if compile else stepped
    with pytest.raises(cr.SelectorError, match="override 'sine' matches no node of this gradient; did you mean"):
        cr.grad(f, overrides={"sine": straight})(2.0)


# What is cut


def test_stop_gradient_inside(derivative, same):
    same(derivative(lambda x: cr.fori_loop(0, 2, lambda i, v: v * cr.stop_gradient(v), x), 1, 3.0), 27.0)


def test_no_grad_inside(derivative, same):
    def step(i, v):
        with cr.no_grad():
            scale = v * 1.0
        return v * scale

    same(derivative(lambda x: cr.fori_loop(0, 2, step, x), 1, 3.0), 27.0)


@pytest.mark.parametrize("compile", [False, True])
def test_no_grad_around(compile, same):
    loop = cr.function(powered) if compile else powered

    def f(x):
        with cr.no_grad():
            scale = loop(x)
        return x * scale

    same(cr.grad(f)(2.0), 256.0)


def test_custom_gradients_inside(derivative, same):
    @cr.custom_gradient
    def tripled(x):
        return x * x, lambda g: g * 3.0 * x

    same(derivative(lambda x: cr.fori_loop(0, 2, lambda i, v: tripled(v), x), 1, 2.0), 3.0 * 4.0 * 3.0 * 2.0)
    same(derivative(lambda x: cr.cond(cr.sum(x) > 0.0, tripled, lambda x: x, x), 2, 2.0), 3.0)


# Effects


def test_effects_in_bodies_happen_in_order_and_once(same):
    for compile in (False, True):
        seen = []

        def f(x, seen=seen):
            def step(i, v):
                cr.callback(lambda i, v: seen.append((int(i), float(v))), i, v)
                return v * 2.0

            return cr.fori_loop(0, 3, step, x)

        same(cr.grad(cr.function(f) if compile else f)(1.0), 8.0)
        assert seen == [(0, 1.0), (1, 2.0), (2, 4.0)]


def test_effects_in_bodies_happen_in_a_session(same):
    seen = []
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", ())

        def step(v, _):
            cr.callback(lambda v: seen.append(float(v)), v)
            return v + 1.0, None

        y = cr.scan(step, x, length=2)[0]
        (g,) = cr.gradients(y, x)
    session = cr.Session(graph)
    same(session.run([y, g], {x: 1.0}), [3.0, 1.0])
    assert seen == [1.0, 2.0]


# What gradients keep


def loops_of(program):
    return [i for i in program.instructions if i.op.name in ("scan", "while_loop")]


@pytest.mark.parametrize("loop", [powered, grown])
def test_a_loop_that_nobody_differentiates_keeps_no_history(loop, same):
    f = cr.function(loop)
    same(f(1.5), 1.5**8 if loop is powered else 1.5 ** (16 if 1.5**8 < 100 else 8))
    from chainrule._passes import optimised

    program = optimised(f.trace(1.5), cr.get_backend())
    (instruction,) = loops_of(program)
    assert not instruction.attributes["flow"].history
    gradient = cr.function(cr.grad(loop))
    kept = [i.attributes["flow"].history for i in loops_of(optimised(gradient.trace(1.5), cr.get_backend()))]
    assert kept[0] == (0,)
    assert kept[1:] == [()]


# Numbers, dtypes and what does not fit


def test_integers_are_carried(run, same):
    def f(n):
        return cr.while_loop(lambda c: c[0] > 0, lambda c: (c[0] - 1, c[1] * c[0]), (n, 1))[1]

    got = run(f, 5)
    same(got, 120)
    assert str(got.dtype) == "int64"


def test_gradients_pass_beside_integers(derivative, same):
    def f(x):
        return cr.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * x * c[0]), (1, cr.ones_like(x)))[1]

    same(derivative(f, 1, 3.0), 12.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_number_takes_the_dtype_that_the_body_gives(run, dtype):
    def summed(x):
        return cr.scan(lambda total, v: (total + v, v), 0.0, x)[0]

    def repeated(x):
        return cr.while_loop(lambda c: c[0] < 9.0, lambda c: (c[0] + c[1][0], c[1]), (0.5, x))[0]

    x = cr.tensor([1.0, 2.0], dtype=dtype)
    assert str(run(summed, x).dtype) == dtype
    assert str(run(lambda x: summed(x[:0]), x).dtype) == dtype
    assert str(run(repeated, x).dtype) == dtype


def test_a_whole_number_takes_the_dtype_that_the_body_gives(run):
    x = [1.0, 2.0]
    assert str(run(lambda x: cr.scan(lambda total, v: (total + v, v), 0, x)[0], x).dtype) == "float64"
    assert str(run(lambda x: cr.scan(lambda total, v: (total + v, v), 0, x[:0])[0], x).dtype) == "float64"
    assert str(run(lambda x: cr.scan(lambda count, v: (count + 1, v), 0, x)[0], x).dtype) == "int64"


def test_a_float_argument_of_a_compiled_function_is_a_python_number(same):
    f = cr.function(lambda x, start: cr.scan(lambda total, v: (total + v, v), start, x)[0])
    got = f(cr.tensor([1.0, 2.0], dtype="float32"), 0.5)
    same(got, 3.5)
    assert str(got.dtype) == "float32"


def test_a_body_that_changes_the_dtype(run):
    with pytest.raises(cr.DTypeError, match=r"what is carried was int64\[\], the body gave float64\[\]; it must stay"):
        run(lambda n: cr.fori_loop(0, 2, lambda i, v: v * 0.5, n), 4)


def test_a_body_that_changes_the_shape(run):
    def f(x):
        return cr.scan(lambda c, _: ({"a": c["a"][:1], "b": 1.0}, None), {"a": x, "b": 1.0}, length=2)[0]

    expected = r"scan: what is carried.* was float64\[2\], the body gave float64\[1\]; it must stay"
    with pytest.raises(cr.ShapeError, match=expected):
        run(f, [1.0, 2.0])


def test_a_body_that_changes_the_structure(run):
    with pytest.raises(cr.DTypeError, match=r"while_loop: what is carried was PyTreeSpec.*, the body gave PyTreeSpec"):
        run(lambda x: cr.while_loop(lambda v: v < 10.0, lambda v: (v, v), x), 1.0)


def test_a_scan_gives_pairs(run):
    with pytest.raises(cr.DTypeError, match=r"scan: the function gives a pair \(carried, result\), got"):
        run(lambda x: cr.scan(lambda c, v: c + v, 0.0, x), [1.0, 2.0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: cr.scan(lambda c, v: (c, v), 0.0), cr.ArgumentError, "say how many steps: length="),
        (lambda x: cr.scan(lambda c, v: (c, v), 0.0, x, length=3), cr.ShapeError, "xs has length 2, expected 3"),
        (
            lambda x: cr.scan(lambda c, v: (c, v), 0.0, {"a": x, "b": cr.tensor([1.0])}),
            cr.ShapeError,
            r"xs\['b'\] has length 1, expected 2",
        ),
        (lambda x: cr.scan(lambda c, v: (c, v), 0.0, 5.0), cr.ShapeError, "xs has no axis to go along"),
        (lambda x: cr.map(cr.sin, ()), cr.ArgumentError, "map: there are no arrays"),
        (lambda x: cr.switch(0, [], x), cr.ArgumentError, "switch: there are no branches"),
        (lambda x: cr.scan(lambda c, v: (c, v), 0.0, length=-1), cr.ArgumentError, "how many steps there are, got -1"),
        (lambda x: cr.scan(lambda c, v: (c, v), 0.0, length=2.5), cr.DTypeError, "length= is an integer, got"),
        (lambda x: cr.cond(x > 0.0, cr.sum, cr.sum, x), cr.DTypeError, r"cond: pred is one boolean, got bool\["),
        (lambda x: cr.cond(x[0], cr.sum, cr.sum, x), cr.DTypeError, r"pred is one boolean, got float64\[\]; compare"),
        (lambda x: cr.cond(1.5, cr.sum, cr.sum, x), cr.DTypeError, "pred is one boolean, got float64"),
        (lambda x: cr.switch(x[0], [cr.sin], x), cr.DTypeError, r"the index is one integer, got float64\[\]"),
        (lambda x: cr.switch(0.0, [cr.sin], x), cr.DTypeError, r"the index is one integer, got float64\[\]"),
        (lambda x: cr.fori_loop(0, x[0], lambda i, v: v, x), cr.DTypeError, "fori_loop: the bounds are integers, got"),
    ],
    ids=[
        *("no length", "other length", "lengths", "no axis", "nothing", "no branches", "negative", "fraction"),
        *("pred", "no bool", "a number", "index", "float index", "bounds"),
    ],
)
@pytest.mark.parametrize("mode", ["eager", "function", "session"])
def test_calls_that_mean_nothing(mode, call, error, message):
    with pytest.raises(error, match=message):
        MODES[mode](call, [1.0, 2.0])


@pytest.mark.parametrize("mode", ["function", "session"])
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: cr.cond(x[0] > 0.0, lambda: (x, x), lambda: x),
            cr.DTypeError,
            "cond: false_fn gives .*, true_fn gives .*; all branches give the same structure",
        ),
        (
            lambda x: cr.cond(x[0] > 0.0, lambda: {"a": x}, lambda: {"a": x > 0.0}),
            cr.DTypeError,
            r"cond: result\['a'\] is bool\[2\] from false_fn, float64\[2\] from true_fn",
        ),
        (
            lambda x: cr.switch(cr.argmax(x), [lambda: x, lambda: x[0]]),
            cr.ShapeError,
            r"switch: result is float64\[2\] from branches\[0\], float64\[\] from branches\[1\]",
        ),
        (lambda x: cr.while_loop(lambda v: v > 0.0, cr.sin, x), cr.DTypeError, r"condition gives one boolean, got"),
        (lambda x: cr.while_loop(lambda v: v[0], cr.sin, x), cr.DTypeError, r"condition gives one boolean, got"),
        (
            lambda x: cr.cond(x[0] > 0.0, lambda: "a", lambda: "b"),
            cr.DTypeError,
            "a result of false_fn of cond: expected",
        ),
        (
            lambda x: cr.scan(lambda c, v: (c, v), 0.0, length=cr.argmax(x)),
            cr.ArgumentError,
            "known beforehand; to a computed bound go by cr.fori_loop",
        ),
    ],
    ids=["structure", "dtype", "rank", "cond shape", "cond dtype", "text", "computed length"],
)
def test_what_a_trace_refuses(mode, call, error, message):
    with pytest.raises(error, match=message):
        MODES[mode](call, [1.0, 2.0])


def test_a_condition_assigns_nothing():
    w = cr.Variable(1.0, name="w")
    with pytest.raises(cr.ArgumentError, match="while_loop: the condition assigns variable 'w'; assign it in the body"):
        cr.function(lambda x: cr.while_loop(lambda v: v < w.assign_add(1.0), lambda v: v, x))(1.0)


def test_what_is_computed_in_a_body_stays_in_it():
    kept = []

    def f(x):
        cr.fori_loop(0, 2, lambda i, v: kept.append(v * 2.0) or v, x)
        return kept[0] + 1.0

    with pytest.raises(cr.GraphError, match="belongs to another graph: it is of the body of scan"):
        cr.function(f)(1.0)


def test_a_body_is_traced_a_few_times_whatever_its_length(same):
    traced = []

    def step(i, v):
        traced.append(i)
        return v + 1.0

    same(cr.function(lambda x: cr.fori_loop(0, 1000, step, x))(1.0), 1001.0)
    assert len(traced) == 1


def test_an_error_inside_of_a_body_names_the_line(here):
    def bad(x):
        return cr.scan(lambda v, c: (v, cr.take(v, c)), x, cr.tensor([0, 5]))[1]

    place = here(-2)
    with pytest.raises(cr.IndexingError, match="take") as caught:
        cr.function(bad)(cr.tensor([1.0, 2.0]))
    assert place in str(caught.value)
