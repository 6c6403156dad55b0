"""Plans: programs as Python functions, of any length, that keep nothing longer than needed and name what fails."""

from __future__ import annotations

import gc
import math
import re
import weakref
from dataclasses import replace

import pytest

import chainrule as cr
from chainrule._graph import Instruction
from chainrule._plan import CHUNK, Plan
from chainrule._program import Program
from chainrule._replay import specialise
from chainrule.infer import Spec

pytestmark = pytest.mark.usefixtures("backend")


def program_of(f, *arguments):
    return cr.function(f).trace(*map(cr.tensor, arguments))


def run(plan, *arguments):
    return [cr.tensor(y) for y in plan(*[cr.tensor(x).value for x in arguments])]


def test_source_is_one_statement_an_instruction():
    backend = replace(cr.get_backend(), into=lambda instruction: None)
    plan = Plan(program_of(lambda x, y: cr.sin(x) * y + 2.5, [1.0], [2.0]), backend)
    made = [re.sub(r"c\d+", "c", line.strip()) for line in plan.source.splitlines()]
    assert made == [
        "def plan(a0, a1):",
        *("v2 = c(a0)", "del a0", "v3 = c(v2, a1)", "del v2, a1", "v4 = c(v3, c)", "del v3"),
        "return (v4, )",
    ]


def test_results_that_are_inputs_constants_and_the_same(same):
    a = cr.tensor([7.0])
    program = program_of(lambda x: x * 2.0, [1.0])
    y = program.outputs[0]
    plan = Plan(Program(program.inputs, (y, program.inputs[0], y, 3.0), program.instructions), cr.get_backend())
    same(run(plan, [1.0]), [[2.0], [1.0], [2.0], 3.0])
    same(run(Plan(program_of(lambda x: a, [1.0]), cr.get_backend()), [1.0]), [[7.0]])


def test_instructions_of_several_results_and_of_none(same):
    seen = []

    def f(x):
        cr.callback(lambda v: seen.append(v.tolist()), x)
        return cr.scan(lambda c, v: (c + v, c * v), 0.0, x)

    same(run(Plan(program_of(f, [1.0, 2.0]), cr.get_backend()), [3.0, 4.0]), [7.0, [0.0, 12.0]])
    assert seen == [[3.0, 4.0]]


# Long programs


def long(n):
    def f(x):
        first = y = x * 1.5
        for i in range(n):
            y = y * 1.0001 + (first if i % 100 == 0 else 0.25)
        return y, first

    return f


@pytest.mark.parametrize("n", [CHUNK // 2 - 1, CHUNK // 2, CHUNK, 5000])
def test_long_programs_run_in_parts(n, same):
    program = program_of(long(n), [1.0, 2.0])
    assert len(program.instructions) >= 2 * n
    plan = Plan(program, cr.get_backend())
    assert ("def f1" in plan.source) == (len(program.instructions) > CHUNK)
    expected = []
    for x in (1.0, 2.0):
        first = y = x * 1.5
        for i in range(n):
            y = y * 1.0001 + (first if i % 100 == 0 else 0.25)
        expected.append((y, first))
    same(run(plan, [1.0, 2.0]), list(map(list, zip(*expected, strict=True))))


def test_the_source_is_the_same_each_time():
    program = program_of(long(CHUNK), [1.0])
    assert Plan(program, cr.get_backend()).source == Plan(program, cr.get_backend()).source


def test_a_failure_in_a_part_is_named(here):
    def f(x):
        y = x
        for _ in range(CHUNK):
            y = y * 1.0001
        return cr.take(y, cr.astype(y, dtype="int64")) * 2.0

    place = here(-2)
    plan = Plan(program_of(f, [1.0, 2.0]), cr.get_backend())
    with pytest.raises(cr.IndexingError, match=r"^getitem\(float64\[2\], int64\[2\]") as caught:
        run(plan, [1.0, 7.0])
    assert place in str(caught.value)


# Memory


class Watched:
    """An array of one number, which can be watched, of a backend of its own."""

    shape = ()

    def __init__(self, value):
        self.value = value
        self.dtype = cr.float64


def watched_plan(program, alive, peaks):
    """A plan whose instructions are run by Python, which notes how many values are alive at each."""

    def kernel(instruction, backend):
        def step(*values):
            peaks.append(sum(ref() is not None for ref in alive))
            result = Watched(sum(v.value for v in values) + 1.0)
            alive.append(weakref.ref(result))
            return result

        return step

    instructions = []
    for i in program.instructions:
        op = cr.Op(i.op.name, None, i.op.infer, build=kernel)
        instructions.append(Instruction(op, i.inputs, {}, i.outputs, i.node))
    return Plan(Program(program.inputs, program.outputs, instructions), cr.get_backend())


@pytest.mark.parametrize("n", [50, 3 * CHUNK])
def test_values_are_freed_after_their_last_use(n):
    def chain(x):
        for _ in range(n):
            x = cr.sin(x)
        return x

    alive, peaks = [], []
    gc.disable()
    try:
        (result,) = watched_plan(program_of(chain, 1.0), alive, peaks)(Watched(0.0))
        assert sum(ref() is not None for ref in alive) == 1
    finally:
        gc.enable()
    assert result.value == n
    assert max(peaks) <= 2  # what comes in to a part is held by what calls the part


def test_values_live_as_long_as_something_needs_them():
    def f(x):
        a = cr.sin(x)
        b = cr.cos(a)
        c = cr.exp(b)
        return a + c

    alive, peaks = [], []
    (result,) = watched_plan(program_of(f, 1.0), alive, peaks)(Watched(0.0))
    assert peaks == [0, 1, 2, 2]
    assert result.value == (0 + 1) + (0 + 1 + 1 + 1) + 1


def test_what_nobody_uses_is_freed_at_once():
    def f(x):
        cr.sin(x)
        return cr.cos(x)

    alive, peaks = [], []
    watched_plan(program_of(f, 1.0), alive, peaks)(Watched(0.0))
    assert peaks == [0, 0]


# Constants, attributes, sizes


def test_constants_of_another_backend_are_moved_once(same):
    pytest.importorskip("numpy")
    with cr.use_backend("numpy"):
        a = cr.tensor([10.0, 20.0], dtype="float32")
    f = cr.function(lambda x: x * a)
    with cr.use_backend("python"):
        got = f(cr.tensor([1.0, 2.0], dtype="float32"))
    assert got.backend.name == "python"
    assert got.dtype == "float32"
    same(got, [10.0, 40.0])


def test_attributes_of_every_kind_reach_the_kernel(same):
    f = cr.function(lambda x: cr.sum(x, axis=(0,), keepdims=True) * math.pi + cr.astype(x[..., ::-1], dtype="float64"))
    same(f(cr.tensor([[1.0, 2.0]])), [[math.pi + 2.0, 2 * math.pi + 1.0]])
    same(cr.function(lambda x: x * math.inf - 1e-320)(cr.tensor([1.0])), [math.inf])


def test_sizes_that_are_known_when_it_runs(same):
    def f(x):
        shorter = cr.cond(cr.sum(x) > 0.0, lambda x: x[:2], lambda x: x, x)
        n = shorter.shape[0]
        return cr.sum(shorter) / n + cr.sum(cr.reshape(cr.concat((shorter, shorter)), shape=(n, 2))) * n

    run = cr.function(f)
    same(run(cr.tensor([1.0, 2.0, 3.0])), 1.5 + 6.0 * 2)
    same(run(cr.tensor([-1.0, -2.0, -3.0])), -2.0 - 12.0 * 3)
    same(cr.grad(run)(cr.tensor([1.0, 2.0, 3.0])), [0.5 + 4.0, 0.5 + 4.0, 0.0])


def test_a_size_from_outside_of_a_body_that_only_values_tell():
    def f(x):
        shorter = cr.cond(cr.sum(x) > 0.0, lambda x: x[:2], lambda x: x, x)
        return cr.fori_loop(0, 2, lambda i, v: v * shorter.shape[0], 1.0)

    with pytest.raises(cr.UnknownSizeError, match="depends on values computed outside of a branch or a loop's body"):
        cr.function(f)(cr.tensor([1.0, 2.0, 3.0]))


def test_open_programs_are_made_for_shapes(same):
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (None, None))
        y = cr.sum(x, axis=0) / x.shape[0]
    program = Program([x._value], [y._value], graph.nodes)
    for data, mean in (([[1.0, 2.0], [3.0, 4.0]], [2.0, 3.0]), ([[5.0]], [5.0])):
        spec = Spec(cr.tensor(data).shape, cr.float64)
        same(run(Plan(specialise(program, [spec]), cr.get_backend()), data), [mean])
    same(run(Plan(program, cr.get_backend()), [[1.0, 2.0], [3.0, 4.0]]), [[2.0, 3.0]])  # sizes looked up as it runs


# Errors


def test_a_kernel_that_fails(here):
    def f(x, y):
        return cr.reshape(x, shape=(2, 2)) @ y

    place = here(-2)
    with cr.Graph().as_default() as graph:
        x, y = cr.placeholder("float64", None), cr.placeholder("float64", (2,))
        z = f(x, y)
    plan = Plan(Program([x._value, y._value], [z._value], graph.nodes), cr.get_backend())
    with pytest.raises(cr.ChainruleError, match=r"^reshape\(float64\[3\], shape=\(2, 2\)\)") as caught:
        run(plan, [1.0, 2.0, 3.0], [1.0, 2.0])
    assert "node 'reshape', made at " + place in str(caught.value)
    assert caught.value.__cause__ is not None


def test_what_fails_in_a_body_is_named_with_all_that_is_around_it(here):
    def f(x):
        return cr.cond(
            x[0] > 0.0,
            lambda: cr.scan(lambda v, c: (2.0 * v, cr.take(v, c)), x, cr.tensor([0, 5]))[1],
            lambda: x,
        )

    place = here(-4)
    with pytest.raises(cr.IndexingError) as caught:
        cr.function(f)(cr.tensor([1.0, 2.0]))
    message = str(caught.value)
    assert message.startswith(
        "switch(int64[], float64[2], flow=<cond>): scan(float64[2], int64[2], flow=<scan>, length=2)"
    )
    assert "getitem(float64[2], int64[]" in message
    assert place in message


def test_exceptions_that_are_no_errors_of_kernels_pass():
    class Stop(BaseException):
        pass

    def stop(v):
        raise Stop

    with pytest.raises(Stop):
        cr.function(lambda x: cr.callback(stop, x))(1.0)


def test_an_operation_without_a_kernel_is_an_error_before_it_runs():
    @cr.op(cr.infer.floating, lambda g, _y, _x: g, name="test_plan_nowhere")
    def nowhere(xp, x, /):
        raise NotImplementedError

    nowhere.op.kernel = None
    with pytest.raises(cr.MissingKernelError, match="op 'test_plan_nowhere' of your code has no kernel on backend"):
        cr.function(lambda x: nowhere(x))(1.0)


def test_ten_thousand_operations_built_differentiated_and_run(same):
    n = 10_000

    def chain(x):
        for _ in range(n):
            x = x * 1.0000001
        return x

    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", ())
        y = chain(x)
        (g,) = cr.gradients(y, x)
    same(cr.Session(graph).run([y, g], {x: 2.0}), [2 * 1.0000001**n, 1.0000001**n], 1e-9)
    same(cr.grad(cr.function(chain))(2.0), 1.0000001**n, 1e-9)
