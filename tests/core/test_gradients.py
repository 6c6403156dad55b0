"""`gradients(ys, xs)`: TensorFlow's semantics edge by edge, and what is refused up front."""

from __future__ import annotations

import itertools

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture
def tape():
    with cr.GradientTape(persistent=True) as tape:
        yield tape


@pytest.fixture
def watched(tape):
    def watch(data):
        return tape.watch(cr.tensor(data))

    return watch


# What is a derivative of what


def test_total_and_partial_derivatives(watched, same):
    a = watched(0.0)
    b = 2 * a
    y = a + b
    same(cr.gradients(y, [a, b]), [3.0, 1.0])
    same(cr.gradients(y, [a, b], stop_gradients=[a, b]), [1.0, 1.0])


def test_a_chain_of_partial_derivatives(watched, same):
    a = watched(2.0)
    b = a * 3.0
    c = b * b
    same(cr.gradients(c, [a, b, c], stop_gradients=[b]), [None, 12.0, 1.0])
    same(cr.gradients(c, [a, b, c]), [36.0, 12.0, 1.0])


@pytest.mark.parametrize("stopped", [s for n in range(5) for s in itertools.combinations(range(4), n)], ids=str)
def test_every_set_of_stopped_tensors(watched, same, stopped):
    # c = a b, d = a + c, y = c d, with slopes written out: a stopped tensor passes nothing to what it was made from.
    a, b = watched(2.0), watched(5.0)
    c = a * b
    d = a + c
    y = c * d
    to_d = 10.0
    to_c = 12.0 + (0.0 if 3 in stopped else to_d)
    to_b = None if 2 in stopped else 2.0 * to_c
    to_a = [part for part in (None if 3 in stopped else to_d, None if 2 in stopped else 5.0 * to_c) if part is not None]
    stops = [(a, b, c, d)[i] for i in stopped]
    expected = [sum(to_a) if to_a else None, to_b, to_c, to_d]
    same(cr.gradients(y, [a, b, c, d], stop_gradients=stops), expected)


def test_several_ys_are_summed(watched, same):
    x = watched(3.0)
    same(cr.gradients([x * x, 4.0 * x], x), [10.0])


def test_ys_that_depend_on_each_other(watched, same):
    x = watched(2.0)
    y1 = x * x
    y2 = y1 * y1
    same(cr.gradients([y1, y2], x), [2 * 2.0 + 4 * 2.0**3])
    same(cr.gradients([y1, y2], y1), [1.0 + 2 * 4.0])


def test_a_y_that_is_an_x_among_others(watched, same):
    x = watched(3.0)
    z = x * x
    same(cr.gradients([x, z], [x, z]), [7.0, 1.0])


def test_y_is_x(watched, same):
    x = watched([1.0, 2.0])
    same(cr.gradients(x, x), [[1.0, 1.0]])
    same(cr.gradients(x, x, grad_ys=[cr.tensor([5.0, 6.0])]), [[5.0, 6.0]])
    untracked = cr.tensor([1.0, 2.0])
    same(cr.gradients(untracked, untracked), [[1.0, 1.0]])


def test_the_same_x_twice_gets_the_whole_gradient_each_time(watched, same):
    x = watched(3.0)
    same(cr.gradients(x * x, [x, x]), [6.0, 6.0])


def test_the_same_y_twice_counts_twice(watched, same):
    x = watched(3.0)
    y = x * x
    same(cr.gradients([y, y], x), [12.0])


def test_nothing_asked_nothing_given(watched):
    x = watched(3.0)
    assert cr.gradients(x * x, []) == []
    assert cr.gradients([], [x, x]) == [None, None]


def test_boundary_stops_at_an_x_with_nothing_wanted_upstream(watched, same):
    # The walk must not ask definitions of what lies before the sources.
    x = watched(2.0)
    forbidden = cr.prevent_gradient(x * 3.0, "nobody asked")
    y = forbidden * forbidden
    same(cr.gradients(y, forbidden), [12.0])
    with pytest.raises(cr.MissingGradientError, match="gradient explicitly prevented: nobody asked"):
        cr.gradients(y, x)


def test_boundary_continues_past_an_x_towards_another(watched, same):
    x = watched(2.0)
    middle = x * 3.0
    y = middle * middle
    same(cr.gradients(y, [middle, x]), [12.0, 36.0])


def test_with_respect_to_an_unused_branch(watched, same):
    x = watched(2.0)
    unused = x * 5.0
    same(cr.gradients(x * 3.0, [unused, x]), [None, 3.0])


def test_a_diamond_adds_its_sides(watched, same):
    x = watched(2.0)
    left, right = x * 3.0, x * x
    same(cr.gradients(left * right, x), [9.0 * 2.0**2])


def test_x_used_in_both_operands_and_again(watched, same):
    x = watched(2.0)
    same(cr.gradients(x * x * x, x), [12.0])


def test_the_graph_outlives_the_block_and_gradients_can_be_taken_often(same):
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(3.0))
        y = x * x
    same([cr.gradients(y, x) for _ in range(3)], [[6.0]] * 3)


# Unconnected


def test_unconnected(watched, same):
    x, other = watched(3.0), watched([1.0, 2.0])
    y = x * x
    same(cr.gradients(y, [x, other]), [6.0, None])
    same(cr.gradients(y, [x, other], unconnected_gradients="zero"), [6.0, [0.0, 0.0]])
    with pytest.raises(cr.ArgumentError, match="unconnected_gradients: expected 'none' or 'zero', got 'zeros'"):
        cr.gradients(y, x, unconnected_gradients="zeros")


def test_integers_are_unconnected_and_say_why(watched):
    x = watched([1.0, 3.0])
    y = cr.astype(cr.argmax(x), "float64") * 2.0
    assert cr.gradients(y, x) == [None]
    assert "its result is an index" in str(cr.why_no_gradient(y, x))


def test_an_integer_y_or_x_is_unconnected(watched):
    x = watched(3.0)
    assert cr.gradients(cr.argmax(cr.stack([x, x])), x) == [None]
    integer = cr.tensor(3)
    assert cr.gradients(x * integer, integer) == [None]


# Seeds


def test_seeds(watched, same):
    x = watched([1.0, 2.0])
    y, z = x * x, 3.0 * x
    same(cr.gradients([y, z], x, grad_ys=[None, cr.tensor([10.0, 100.0])]), [[32.0, 304.0]])
    same(cr.gradients(y, x, grad_ys=[[1.0, 0.5]]), [[2.0, 2.0]])
    same(cr.gradients(y, x, grad_ys=cr.tensor([0.0, 1.0])), [[0.0, 4.0]])
    same(cr.gradients(y, x), [[2.0, 4.0]])


def test_seeds_take_their_ys_dtype(tape):
    x = tape.watch(cr.tensor([1.0, 2.0], dtype="float32"))
    (g,) = cr.gradients(x * x, x, grad_ys=[cr.tensor([1.0, 2.0])])
    assert g.dtype == cr.float32


def test_seeds_are_checked_before_anything_runs(watched):
    x = watched([1.0, 2.0])
    y = cr.prevent_gradient(x, "must not run")
    with pytest.raises(cr.ArgumentError, match="grad_ys: got 2 cotangents for 1 ys"):
        cr.gradients(y, x, grad_ys=[None, None])
    with pytest.raises(cr.ShapeError, match=r"grad_ys\[0\]: expected the shape of its y, \(2,\), got \(5,\)"):
        cr.gradients(y, x, grad_ys=[cr.zeros(5)])
    with pytest.raises(cr.DTypeError, match=r"grad_ys\[0\]: a complex128 cotangent for a y of dtype float64"):
        cr.gradients(y, x, grad_ys=[[1j, 1j]])


def test_complex_ys_need_a_direction(watched, same):
    z = watched(3.0 + 4.0j)
    y = z * z
    with pytest.raises(cr.DTypeError, match=r"ys\[0\] is complex \(complex128\): say in which direction"):
        cr.gradients(y, z)
    # The steepest ascent of Re(conj(seed) z^2) is seed * conj(2 z).
    same(cr.gradients(y, z, grad_ys=[1.0 + 0.0j]), [6.0 - 8.0j])
    same(cr.gradients(y, z, grad_ys=[1j]), [1j * (6.0 - 8.0j)])
    same(cr.gradients(cr.real(y), z), [6.0 - 8.0j])
    same(cr.gradients(cr.abs(z), z), [(3.0 + 4.0j) / 5.0])


# What is refused


def test_ys_and_xs_of_the_wrong_type(watched):
    x = watched(1.0)
    with pytest.raises(cr.DTypeError, match=r"ys\[1\]: expected a tensor .* got NoneType"):
        cr.gradients([x, None], x)
    with pytest.raises(cr.DTypeError, match=r"ys\[0\]: .* got str"):
        cr.gradients("loss", x)
    with pytest.raises(cr.DTypeError, match=r"xs: expected tensors or variables, got float 1.0; watch a tensor"):
        cr.gradients(x, 1.0)
    with pytest.raises(cr.DTypeError, match="stop_gradients: expected tensors or variables, got str"):
        cr.gradients(x, x, stop_gradients="x")


def test_a_bad_aggregation_is_refused_even_where_nothing_is_connected(watched):
    with pytest.raises(cr.ArgumentError, match="aggregation: expected 'add_n', 'tree' or a function, got 7"):
        cr.gradients(cr.tensor(1.0), watched(1.0), aggregation=7)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8])
def test_every_aggregation_gives_the_same(watched, same, n):
    x = watched([1.0, -2.0])
    y = sum((float(i + 1) * x * x for i in range(n)), 0.0 * x)
    expected = [[n * (n + 1) * v for v in (1.0, -2.0)]]
    parts = []

    def own(cotangents):
        parts.append(len(cotangents))
        total = cotangents[0]
        for other in cotangents[1:]:
            total = total + other
        return total

    for aggregation in ("add_n", "tree", own):
        same(cr.gradients(y, x, aggregation=aggregation), expected)
    assert max(parts) >= n


def test_an_aggregation_that_fails_is_named_and_not_a_definition(watched):
    x = watched(1.0)
    with pytest.raises(cr.GradientDefinitionError, match=r"aggregation .* of 2 cotangents raised ZeroDivisionError"):
        cr.gradients(x * x, x, aggregation=lambda parts: 1 / 0)


def test_aggregation_of_outputs_of_one_op(watched, same):
    x = watched([3.0, 1.0])
    a, b = halves(x)
    y = a + a * a + b
    for aggregation in ("add_n", "tree", lambda parts: sum(parts[1:], parts[0])):
        same(cr.gradients(y, x, aggregation=aggregation), [[7.0, 1.0]])


# Operations with several outputs, and definitions that break their contract


def _halves_gradient(g, _y, _x):
    assert len(g) == 2
    return cr.stack([g[0], g[1]])


@cr.op(lambda x: (cr.Spec((), x.dtype), cr.Spec((), x.dtype)), _halves_gradient, multiple=True)
def halves(xp, x, /):
    return x[0], x[1]


def test_unused_outputs_get_zeros(watched, same):
    x = watched([3.0, 5.0])
    first, second = halves(x)
    same(cr.gradients(first * first, x), [[6.0, 0.0]])
    same(cr.gradients(second * 2.0, x), [[0.0, 2.0]])
    same(cr.gradients(first * second, [x, first, second]), [[5.0, 3.0], 5.0, 3.0])


def test_stopping_one_output_of_several(watched, same):
    x = watched([3.0, 5.0])
    first, second = halves(x)
    same(cr.gradients(first * second, x, stop_gradients=[first]), [[0.0, 3.0]])
    assert cr.gradients(first * second, x, stop_gradients=[first, second]) == [None]


def _unary(gradient):
    @cr.op(lambda x: x, gradient, name="broken")
    def broken(xp, x, /):
        return x * 1.0

    return broken


def test_a_definition_with_a_wrong_shape_is_named(watched, here):
    x = watched([1.0, 2.0])
    op = _unary(lambda g, _y, _x: cr.sum(g))
    made = here(1)
    y = op(x)
    with pytest.raises(cr.GradientDefinitionError) as caught:
        cr.gradients(y, x)
    message = str(caught.value)
    assert "gradient of op 'broken'" in message
    assert "wrong shape for input 0: expected (2,), got ()" in message
    assert f"the op was called at {made}" in message
    assert f"{__file__}:" in message.partition("wrong shape")[0]


def test_a_definition_with_a_wrong_dtype_is_named(watched):
    x = watched([1.0, 2.0])
    y = _unary(lambda g, _y, _x: cr.astype(g, "int64"))(x)
    with pytest.raises(cr.GradientDefinitionError, match="wrong dtype for input 0: expected float64, got int64"):
        cr.gradients(y, x)


def test_a_joint_definition_with_a_wrong_count_is_named(watched):
    x = watched(1.0)

    @cr.op(lambda a, b: a, lambda g, _y, _a, _b: (g,), name="pair")
    def pair(xp, a, b, /):
        return a + b

    with pytest.raises(
        cr.GradientDefinitionError, match=r"gradient of op 'pair'.*expected 2 cotangents in a tuple.*got 1"
    ):
        cr.gradients(pair(x, x), x)


@pytest.mark.parametrize("result", ["text", object()])
def test_a_definition_that_returns_nonsense_is_named(watched, result):
    x = watched(1.0)
    y = _unary(lambda g, _y, _x: result)(x)
    with pytest.raises(
        cr.GradientDefinitionError, match=r"gradient of op 'broken'.*wrong value for input 0: expected a tensor"
    ):
        cr.gradients(y, x)


def test_a_definition_may_return_a_number_or_nothing(watched, same):
    x = watched([1.0, 2.0])
    same(cr.gradients(_unary(lambda g, _y, _x: 2.0)(x), x), [[2.0, 2.0]])
    assert cr.gradients(_unary(lambda g, _y, _x: None)(x), x) == [None]


def test_a_definition_that_raises_is_named_with_its_op_and_the_users_line(watched, here):
    x = watched(1.0)
    op = _unary(lambda g, _y, _x: 1 / 0)
    made = here(1)
    y = op(x)
    with pytest.raises(cr.GradientDefinitionError) as caught:
        cr.gradients(y, x)
    assert "gradient of op 'broken'" in str(caught.value)
    assert "raised ZeroDivisionError: division by zero" in str(caught.value)
    assert made in str(caught.value)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_op_without_definition_is_an_error_when_it_is_tracked(watched):
    op = _unary(None)
    assert op(cr.tensor(2.0)).item() == 2.0
    with pytest.raises(
        cr.MissingGradientError, match=r"op 'broken' of your code has no gradient definition.*register_gradient"
    ):
        op(watched(2.0))


def test_a_definition_may_take_gradients_itself(watched, same):
    # TensorFlow's gradient lock makes this hang.
    def nested(g, _y, x):
        return g * cr.grad(lambda t: t * t * t)(x)

    x = watched(2.0)
    same(cr.gradients(_unary(nested)(x), x), [12.0])


# Sparse


def test_gathered_rows_stay_sparse(watched, same):
    table = watched([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    y = cr.sum(table[cr.tensor([2, 0, 2])] * 3.0)
    (g,) = cr.gradients(y, table)
    assert isinstance(g, cr.IndexedSlices)
    same(g.indices, [2, 0, 2])
    same(g.values, [[3.0, 3.0]] * 3)
    same(g.to_dense(), [[3.0, 3.0], [0.0, 0.0], [6.0, 6.0]])
    assert g.dense_shape == (3, 2)


def test_two_gathers_are_concatenated_and_a_dense_use_makes_it_dense(watched, same):
    table = watched([[1.0], [2.0], [3.0]])
    gathered = cr.sum(table[cr.tensor([0])]) + cr.sum(2.0 * table[cr.tensor([0, 1])])
    for aggregation in ("add_n", "tree"):
        (g,) = cr.gradients(gathered, table, aggregation=aggregation)
        assert isinstance(g, cr.IndexedSlices)
        assert g.indices.size == 3
        same(g, [[3.0], [2.0], [0.0]])
    (g,) = cr.gradients(gathered + cr.sum(table), table)
    assert isinstance(g, cr.Tensor)
    same(g, [[4.0], [3.0], [1.0]])


def test_a_sparse_cotangent_becomes_dense_for_an_op_that_needs_it(watched, same):
    table = watched([[1.0], [2.0], [3.0]])
    scaled = table * table
    same(cr.gradients(cr.sum(scaled[cr.tensor([1, 1])]), table), [[[0.0], [8.0], [0.0]]])


def test_negative_rows_are_counted_from_the_end(watched, same):
    table = watched([[1.0], [2.0], [3.0]])
    (g,) = cr.gradients(cr.sum(table[cr.tensor([-1])]), table)
    same(g, [[0.0], [0.0], [1.0]])


# Values along the way


def test_broadcasting_is_undone(watched, same):
    a, b = watched([[1.0], [2.0]]), watched([10.0, 20.0, 30.0])
    same(cr.gradients(a * b, [a, b]), [[[60.0], [60.0]], [3.0, 3.0, 3.0]])


def test_gradients_have_their_xs_dtype(tape):
    narrow = tape.watch(cr.tensor(2.0, dtype="float32"))
    wide = tape.watch(cr.tensor(3.0))
    g = cr.gradients(narrow * wide, [narrow, wide])
    assert [part.dtype for part in g] == [cr.float32, cr.float64]


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")  # NumPy's, from log(0) itself
@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        # Ties and zeros: gradients are shared, and a zero cotangent wins.
        (lambda x: cr.max(x), [1.0, 1.0, 0.0], [0.5, 0.5, 0.0]),
        (lambda x: cr.maximum(x, 1.0)[0], [1.0], [0.5]),
        (lambda x: cr.abs(x)[0], [0.0], [0.0]),
        (lambda x: cr.sqrt(cr.sum(cr.where(x > 0, x, 0.0))), [4.0, -1.0], [0.25, 0.0]),
        (lambda x: cr.sum(cr.where(x > 0, cr.sqrt(x), 0.0)), [0.0], [0.0]),
        (lambda x: cr.sum(cr.where(x > 0, cr.log(x), 0.0)), [0.0], [0.0]),
    ],
)
def test_conventions_at_ties_and_zeros(watched, same, function, at, expected):
    x = watched(at)
    same(cr.gradients(function(x), x), [expected])


def test_against_finite_differences(slope):
    def f(x):
        t = cr.tensor(x)
        return cr.sum(cr.tanh(t * cr.sin(t)) / (1.0 + cr.exp(-t)) + cr.log(t) * cr.cos(t * t)).item()

    def g(t):
        return cr.tanh(t * cr.sin(t)) / (1.0 + cr.exp(-t)) + cr.log(t) * cr.cos(t * t)

    for x in (0.3, 1.1, 2.7):
        assert float(cr.grad(g)(x)) == pytest.approx(slope(f, x), rel=1e-6)


def test_matmul_against_the_written_out_answer(watched, same):
    a, b = watched([[1.0, 2.0], [3.0, 4.0]]), watched([[5.0], [6.0]])
    same(cr.gradients(a @ b, [a, b]), [[[5.0, 6.0], [5.0, 6.0]], [[4.0], [6.0]]])


def test_a_cut_in_one_branch_leaves_the_other(watched, same):
    x = watched(3.0)
    same(cr.gradients(x * cr.stop_gradient(x), x), [3.0])
    same(cr.gradients(x * x.detach() * x, x), [18.0])


def test_tensors_of_two_backends_do_not_mix(watched, backend):
    if backend.name == "python":
        pytest.importorskip("numpy", reason="needs a second backend; NumPy is not installed")
    other = "numpy" if backend.name == "python" else "python"
    with cr.use_backend(other):
        stranger = cr.tensor(1.0)
    with pytest.raises(cr.BackendError, match=rf"'{backend.name}' and '{other}'; move one: cr.to_backend"):
        watched(1.0) * stranger
