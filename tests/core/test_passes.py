"""The compiler's passes one by one: what each does to a program, what it leaves alone, and those of plugins."""

from __future__ import annotations

import math

import pytest

import chainrule as cr
from chainrule import _registry
from chainrule._dim import Dim
from chainrule._graph import Instruction
from chainrule._passes import PASSES, optimised, passes
from chainrule._passes.common_subexpressions import common_subexpressions, content_of
from chainrule._passes.constant_folding import constant_folding
from chainrule._passes.dead_code import dead_code
from chainrule._passes.decomposition import decomposition
from chainrule._passes.simplification import simplification
from chainrule._plan import Plan
from chainrule._program import Program

pytestmark = pytest.mark.usefixtures("backend")

X = [1.0, -2.0]
ROWS = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def program_of(f, *arguments):
    return cr.function(f).trace(*[x if isinstance(x, float | complex) else cr.tensor(x) for x in arguments])


def in_a_graph(f, *shapes):
    """The program of a function of placeholders, where constants are nodes."""
    with cr.Graph().as_default() as graph:
        inputs = [cr.placeholder("float64", shape) for shape in shapes]
        results = f(*inputs)
    results = results if isinstance(results, tuple) else (results,)
    return Program([x._value for x in inputs], [y._value for y in results], graph.nodes)


def ops_of(program):
    return [i.op.name for i in program.instructions]


def run(program, *arguments):
    return [cr.tensor(y) for y in Plan(program, cr.get_backend())(*[cr.tensor(x).value for x in arguments])]


def after(run, program):
    """A program's operations after one pass; the same program, if the pass changed nothing."""
    made = run(program, cr.get_backend())
    assert made.inputs == program.inputs
    assert [s.shape for s in made.specs] == [s.shape for s in program.specs]
    assert [s.dtype for s in made.specs] == [s.dtype for s in program.specs]
    return ops_of(made)


def unchanged(run, program):
    return run(program, cr.get_backend()) is program


# Dead code


def test_dead_code_goes():
    def f(x):
        cr.exp(x)
        y = cr.sin(x)
        cr.cos(y)
        return y * 2.0

    program = program_of(f, X)
    assert ops_of(program) == ["exp", "sin", "cos", "multiply"]
    assert after(dead_code, program) == ["sin", "multiply"]
    assert unchanged(dead_code, dead_code(program, cr.get_backend()))


def test_effects_stay_in_order():
    seen = []

    def f(x):
        cr.callback(lambda v: seen.append("first"), cr.exp(x))
        cr.callback(lambda v: seen.append("second"), x)
        return x * 1.5

    program = program_of(f, X)
    assert after(dead_code, program) == ["exp", "callback", "callback", "multiply"]
    run(optimised(program, cr.get_backend()), X)
    assert seen == ["first", "second"]


def test_effects_inside_of_branches_and_loops_stay():
    def f(x):
        cr.fori_loop(0, 2, lambda i, v: cr.callback(lambda v: None, v) or v, x)
        cr.fori_loop(0, 2, lambda i, v: v * 2.0, x)
        return x * 1.5

    assert after(dead_code, program_of(f, X)) == ["scan", "multiply"]


def test_results_of_control_flow_that_nobody_uses_go():
    def f(x):
        total, _ = cr.scan(lambda c, v: ((c[0] + v, c[1] * v), (c[1], cr.exp(v))), (0.0, 1.0), x)
        return total[0]

    (scan,) = (i for i in dead_code(program_of(f, X), None).instructions if i.op.name == "scan")
    flow = scan.attributes["flow"]
    assert (flow.n_carry, flow.n_xs, flow.n_ys, flow.history) == (1, 1, 0, ())
    assert ops_of(flow.program) == ["add"]

    def g(x):
        a, _ = cr.cond(x[0] > 0.0, lambda x: (cr.sin(x), cr.exp(x)), lambda x: (cr.cos(x), x), x)
        return a

    (switch,) = (i for i in dead_code(program_of(g, X), None).instructions if i.op.name == "switch")
    assert [ops_of(p) for p in switch.attributes["flow"].programs] == [["cos"], ["sin"]]


def test_what_a_loop_carries_for_its_condition_stays(same):
    def f(x):
        return cr.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * x, c[2] + c[1]), (0, x, x))[1]

    program = dead_code(program_of(f, 2.0), None)
    (loop,) = (i for i in program.instructions if i.op.name == "while_loop")
    assert loop.attributes["flow"].n_carry == 2
    same(run(program, 2.0), [16.0])


# Decomposition


def test_a_custom_gradient_is_its_program_once_differentiated(same):
    @cr.custom_gradient
    def tripled(x):
        return x * x + 1.0, lambda g: g * 3.0

    program = program_of(lambda x: (tripled(x), cr.grad(tripled)(x)), 2.0)
    assert any("tripled" in name for name in ops_of(program))
    assert not any("tripled" in name for name in after(decomposition, program))
    same(run(optimised(program, cr.get_backend()), 2.0), [5.0, 3.0])


def test_decomposition_leaves_the_rest_alone():
    assert unchanged(decomposition, program_of(lambda x: cr.sin(x), X))


# Simplification


SAME = {
    "add 0": lambda x: x + 0,
    "0 add": lambda x: 0.0 + x,
    "subtract 0": lambda x: x - 0.0,
    "multiply by 1": lambda x: x * 1,
    "1 multiply": lambda x: 1.0 * x,
    "divide by 1": lambda x: x / 1,
    "a power of 1": lambda x: x**1.0,
    "zeros": lambda x: x + cr.zeros_like(x),
    "ones": lambda x: x * cr.ones_like(x),
    "a constant": lambda x: x * cr.tensor([1.0]),
    "negative twice": lambda x: cr.negative(cr.negative(x)),
    "transpose twice": lambda x: cr.matrix_transpose(cr.matrix_transpose(x)),
    "permutation back": lambda x: cr.permute_dims(cr.permute_dims(x, (1, 0)), (-1, -2)),
    "permutation of none": lambda x: cr.permute_dims(x, (0, 1)),
    "reshape back": lambda x: cr.reshape(cr.reshape(x, shape=(6,)), shape=(2, 3)),
    "reshape to the same": lambda x: cr.reshape(x, shape=(2, 3)),
    "broadcast to the same": lambda x: cr.broadcast_to(x, shape=(2, 3)),
    "cast to the same": lambda x: cr.astype(x, dtype="float64"),
    "stop gradient": lambda x: cr.stop_gradient(x),
    "positive": lambda x: +x,
}


@pytest.mark.parametrize("name", SAME)
def test_what_changes_nothing_goes(name, same):
    program = program_of(lambda x: SAME[name](cr.sin(x)) * 2.0, ROWS)
    made = optimised(program, cr.get_backend())
    assert ops_of(made) == ["sin", "multiply"]
    same(run(made, ROWS), [[[2 * math.sin(v) for v in row] for row in ROWS]], 1e-15)


FEWER = {
    "reshape": (lambda x: cr.reshape(cr.reshape(x, shape=(6,)), shape=(3, 2)), "reshape"),
    "permutation": (lambda x: cr.permute_dims(cr.permute_dims(x[None], (2, 0, 1)), (2, 0, 1)), "permute_dims"),
    "broadcast": (lambda x: cr.broadcast_to(cr.broadcast_to(x[0], shape=(2, 3)), shape=(4, 2, 3)), "broadcast_to"),
}


@pytest.mark.parametrize("name", FEWER)
def test_several_that_come_to_one_are_one(name, same):
    f, op = FEWER[name]
    program = program_of(f, ROWS)
    assert ops_of(program).count(op) == 2
    made = dead_code(simplification(program, cr.get_backend()), None)
    assert ops_of(made).count(op) == 1
    same(run(made, ROWS)[0], f(cr.tensor(ROWS)))


def test_elementwise_operations_broadcast_by_themselves(same):
    def f(x):
        return x * cr.broadcast_to(x[0], shape=(2, 3)) + cr.reshape(x[0], shape=(1, 3))

    made = optimised(program_of(f, ROWS), cr.get_backend())
    assert not {"broadcast_to", "reshape"} & set(ops_of(made))
    same(run(made, ROWS)[0], [[2.0, 6.0, 12.0], [5.0, 12.0, 21.0]])


def test_a_broadcast_that_makes_the_result_larger_stays(same):
    def f(x):
        return cr.broadcast_to(x, shape=(2, 2)) * cr.broadcast_to(x * 2.0, shape=(2, 2))

    made = optimised(program_of(f, X), cr.get_backend())
    assert ops_of(made).count("broadcast_to") == 1  # one of the two is enough
    same(run(made, X)[0], [[2.0, 8.0], [2.0, 8.0]])


KEPT = {
    "times 0": lambda x: x * 0.0,  # NaN and infinity times 0 is NaN
    "minus itself": lambda x: x - x,
    "divided by itself": lambda x: x / x,
    "0 minus": lambda x: 0.0 - x,
    "1 divided by": lambda x: 1.0 / x,
    "a root": lambda x: x**0.5,  # of -0.0 and -infinity it is another than sqrt's
    "log of exp": lambda x: cr.log(cr.exp(x)),
    "broader": lambda x: x + cr.zeros(shape=(3, 2)),
    "add a number": lambda x: x + 1.0,
    "cast there and back": lambda x: cr.astype(cr.astype(x, dtype="int64"), dtype="float64"),
    "cast to fewer digits and back": lambda x: cr.astype(cr.astype(x, dtype="float32"), dtype="float64"),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_would_change_a_value_or_shape_stays(name):
    program = program_of(KEPT[name], X)
    assert [op for op in after(simplification, program)] == ops_of(program)


def test_a_neutral_number_of_a_wider_dtype_stays():
    program = cr.function(lambda x: x + cr.zeros(shape=(2,), dtype="float64")).trace(cr.tensor(X, dtype="float32"))
    assert "add" in after(simplification, program)
    program = cr.function(lambda n: n * 1.0).trace(cr.tensor([1, 2]))
    assert after(simplification, program) == ["multiply"]


def test_complex_times_one_stays():
    assert after(simplification, program_of(lambda z: z * 1, [1.0 + 2.0j])) == ["multiply"]


def test_infinities_and_nan_come_out_as_they_went_in(same):
    values = [math.inf, -math.inf, math.nan, 1e308]
    for name in ("add 0", "subtract 0", "multiply by 1", "divide by 1", "negative twice"):
        same(run(optimised(program_of(SAME[name], values), cr.get_backend()), values)[0], values)


# Constant folding


def test_operations_on_constants_are_done_beforehand(same):
    def f(x):
        return x * cr.exp(cr.sum(cr.constant([2.0, 3.0])) * 2.0) + cr.zeros_like(x) * 3.0 + 5.0

    program = in_a_graph(f, (2,))
    assert {"exp", "sum"} <= set(ops_of(program))
    made = optimised(program, cr.get_backend())
    assert [op for op in ops_of(made) if op not in ("constant", "full")] == ["multiply", "add"]
    same(run(made, X)[0], [math.exp(10.0) + 5.0, -2 * math.exp(10.0) + 5.0])


def test_what_depends_on_the_inputs_has_effects_or_fails_is_not_folded():
    def f(x):
        a = cr.constant([2.0, 3.0])
        cr.callback(lambda v: None, a)
        return x + a

    assert unchanged(constant_folding, in_a_graph(f, (2,)))
    program = in_a_graph(lambda x: x + cr.take(cr.constant([2.0, 3.0]), cr.constant([9])), (1,))
    assert "getitem" in after(constant_folding, program)
    with pytest.raises(cr.IndexingError, match="getitem"):
        run(optimised(program, cr.get_backend()), X[:1])


def test_a_small_constant_does_not_become_a_large_one():
    program = in_a_graph(lambda x: cr.sum(cr.broadcast_to(cr.constant(1.0), shape=(100, 100))) + x, ())
    assert "broadcast_to" in after(constant_folding, program)


def test_constants_keep_their_dtype():
    for f, dtype in ((lambda a: a + 1, "int64"), (lambda a: a / 2, "float64"), (lambda a: a > 1, "bool")):
        program = constant_folding(in_a_graph(lambda x, f=f: f(cr.constant([1, 2])), (2,)), cr.get_backend())
        assert ops_of(program)[-1] == "constant"
        assert program.specs[0].dtype == dtype
        assert run(program, X)[0].dtype == dtype


# Common subexpressions


def test_computed_once(same):
    program = program_of(lambda x: cr.sin(x * 2.0) + cr.sin(x * 2.0) * cr.cos(x * 2.0), X)
    made = common_subexpressions(program, cr.get_backend())
    assert ops_of(made) == ["multiply", "sin", "cos", "multiply", "add"]
    same(run(made, X)[0], [math.sin(2 * v) * (1 + math.cos(2 * v)) for v in X])
    assert unchanged(common_subexpressions, made)


@cr.op(lambda x, shift: cr.infer.floating(x), lambda g, _y, _x, shift: g)
def signed(xp, x, /, shift):
    return x + shift[0]


APART = {
    "operations": (lambda x: cr.sin(x) + cr.cos(x), ["sin", "cos"]),
    "inputs": (lambda x: cr.sin(x) + cr.sin(x + 1.0), ["sin", "sin"]),
    "order": (lambda x: (x - x[0]) + (x[0] - x), ["subtract", "subtract"]),
    "attributes": (lambda x: cr.sum(x) + cr.sum(x, keepdims=True), ["sum", "sum"]),
    "1 and 1.0": (lambda x: cr.stack((x * 1, x * 1.0)), ["multiply", "multiply"]),
    "1 and true": (lambda x: cr.stack((x * True, x * 1)), ["multiply", "multiply"]),
    "signs of zero": (lambda x: cr.atan2(x, 0.0) + cr.atan2(x, -0.0), ["atan2", "atan2"]),
    "signs of zero in tuples": (lambda x: signed(x, shift=(0.0,)) + signed(x, shift=(-0.0,)), ["signed", "signed"]),
}


@pytest.mark.parametrize("name", APART)
def test_what_differs_is_computed_twice(name):
    f, expected = APART[name]
    made = common_subexpressions(program_of(f, X), cr.get_backend())
    assert [op for op in ops_of(made) if op in expected] == expected


def test_what_cannot_be_read_equals_itself_alone():
    class OnADevice:
        def __buffer__(self, flags):
            raise RuntimeError("it is not in the host's memory")

    array = OnADevice()
    assert content_of(array) == content_of(array) != content_of(OnADevice())


def test_sizes_that_differ_are_apart():
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (None, None))
        n, m = x.shape
        y = x / n - x / m
    program = Program([x._value], [y._value], graph.nodes)
    assert ops_of(common_subexpressions(program, cr.get_backend())).count("divide") == 2
    instruction = next(i for i in program.instructions if i.op.name == "divide")
    twins = [
        Instruction(instruction.op, (x._value, size), {}, (instruction.outputs[0].copied(),), instruction.node)
        for size in (Dim(), Dim())
    ]
    program = Program([x._value], [t.outputs[0] for t in twins], twins)
    assert unchanged(common_subexpressions, program)


def test_effects_are_never_merged():
    seen = []

    def f(x):
        a = cr.callback(lambda v: seen.append(1) or v, x, like=x)
        b = cr.callback(lambda v: seen.append(2) or v, x, like=x)
        return a + b

    run(optimised(program_of(f, X), cr.get_backend()), X)
    assert seen == [1, 2]


# All of them


def test_rounds_go_on_until_nothing_changes():
    made = optimised(program_of(lambda x: cr.negative(-(x * 1 + 0)) / 1, X), cr.get_backend())
    assert made.instructions == ()
    assert made.outputs == made.inputs


def test_the_report_tells_what_changed_what():
    told = []
    program = program_of(lambda x: (cr.exp(x), cr.sin(x) * 1 + cr.sin(x))[1], X)
    optimised(program, cr.get_backend(), lambda name, program: told.append((name, ops_of(program))))
    assert told == [
        ("dead_code", ["sin", "multiply", "sin", "add"]),
        ("simplification", ["sin", "sin", "add"]),
        ("common_subexpressions", ["sin", "add"]),
        ("simplification", ["sin", "multiply"]),
    ]


def test_passes_reach_programs_inside(same):
    seen = []

    def counting(program, backend):
        seen.extend(ops_of(program))
        return program

    def f(x):
        return cr.fori_loop(0, 3, lambda i, v: (v + 0.0) * cr.exp(cr.tensor(0.0)), x)

    with a_pass(counting):
        program = program_of(f, X)
        same(run(optimised(program, cr.get_backend()), X)[0], X)
    assert "exp" not in seen  # folded in the body before


def test_a_gradient_comes_out_small():
    """Of sum(x * x): the sum is not computed, and no ones are multiplied."""
    made = optimised(program_of(cr.grad(lambda x: cr.sum(x * x)), X), cr.get_backend())
    assert ops_of(made) == ["multiply"]


# Those of plugins


class a_pass:
    """Registers a pass of a plugin for a block."""

    def __init__(self, f, name="a pass"):
        self.name, self.f = name, f

    def __enter__(self):
        class Plugin:
            @cr.hookimpl
            def chainrule_passes(name=self.name, f=self.f):
                return {name: f}

        cr.register_plugin(Plugin, f"test_passes_{id(self)}")

    def __exit__(self, *_):
        _registry.passes.discard(self.name)


def test_a_plugins_pass_runs_after_ours_on_what_they_made():
    seen = []

    def looked(program, backend):
        assert backend is cr.get_backend()
        seen.append(ops_of(program))
        return program

    with a_pass(looked):
        assert list(passes())[: len(PASSES)] == list(PASSES)
        assert "a pass" in passes()
        cr.function(lambda x: cr.sin(x) * 1)(cr.tensor(X))
    assert seen[0] == ["sin"]


def test_a_plugins_pass_changes_programs(same):
    def sines_to_cosines(program, backend):
        if "sin" not in ops_of(program):
            return program
        new = [
            Instruction(cr.cos.op, i.inputs, i.attributes, i.outputs, i.node) if i.op.name == "sin" else i
            for i in program.instructions
        ]
        return Program(program.inputs, program.outputs, new)

    with a_pass(sines_to_cosines):
        same(cr.function(lambda x: cr.sin(x))(0.0), 1.0)
        same(cr.function(lambda x: cr.fori_loop(0, 1, lambda i, v: cr.sin(v), x))(0.0), 1.0)
    same(cr.function(lambda x: cr.sin(x))(0.0), 0.0)  # what passes there are is part of the key


BROKEN = {
    "raises": (lambda p, b: 1 / 0, "raised ZeroDivisionError: division by zero"),
    "nothing": (lambda p, b: None, "expected a Program, got None"),
    "inputs": (lambda p, b: Program((), p.outputs, p.instructions), "inputs are no longer those it had"),
    "fewer results": (
        lambda p, b: Program(p.inputs, p.outputs[:1], p.instructions),
        r"the program gave float64\[2\], bool\[2\], and gives float64\[2\] now",
    ),
    "other results": (
        lambda p, b: Program(p.inputs, p.outputs[::-1], p.instructions),
        r"gives bool\[2\], float64\[2\]",
    ),
    "missing": (
        lambda p, b: Program(p.inputs, p.outputs, p.instructions[1:]),
        "takes 'sin:0', which nothing before it",
    ),
    "order": (
        lambda p, b: Program(p.inputs, p.outputs, p.instructions[::-1]),
        "'greater' takes 'sin:0', which nothing",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_pass_is_named_with_its_plugin(name):
    f, message = BROKEN[name]
    with a_pass(f), pytest.raises(cr.PluginError, match=message) as caught:
        cr.function(lambda x: (cr.sin(x), cr.sin(x) > 0.0))(cr.tensor(X))
    assert str(caught.value).startswith("pass 'a pass' of test_passes_")
    assert __file__ in str(caught.value)


def test_a_plugins_pass_with_the_name_of_one_of_ours_is_an_error():
    with (
        a_pass(lambda p, b: p, "dead_code"),
        pytest.raises(cr.PluginError, match=r"pass 'dead_code' of .*: chainrule has"),
    ):
        cr.function(lambda x: cr.sin(x))(cr.tensor(X))


def test_info_lists_the_passes(capsys):
    from chainrule._info_command import report

    with a_pass(lambda p, b: p):
        lines = report().splitlines()
    start = lines.index("Passes of the compiler")
    assert [line.split()[0] for line in lines[start + 1 : start + 1 + len(PASSES)]] == list(PASSES)
    assert any(line.startswith("  a pass of ") for line in lines[start + 1 + len(PASSES) :])
