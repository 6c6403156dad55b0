"""Programs: their text, the shapes that are put in, what is expanded when sizes are known, and programs in programs."""

from __future__ import annotations

import math

import pytest

import chainrule as cr
from chainrule._dim import Dim
from chainrule._plan import Plan
from chainrule._program import Program, reads, size_owners
from chainrule._replay import specialise, vjp_program
from chainrule.infer import Spec

F64 = cr.float64


def program_of(f, *shapes):
    """The program of a function of placeholders, which may have unknown lengths."""
    with cr.Graph().as_default() as graph:
        inputs = [cr.placeholder("float64", shape, name=f"x{i}") for i, shape in enumerate(shapes)]
        results = f(*inputs)
    results = results if isinstance(results, tuple) else (results,)
    return Program([x._value for x in inputs], [y._value for y in results], graph.nodes)


def ops_of(program):
    return [i.op.name for i in program.instructions]


def run(program, *arguments):
    tensors = [cr.tensor(a) for a in arguments]
    specs = [Spec(x.shape, x.dtype) for x in tensors]
    return [y.tolist() for y in Plan(specialise(program, specs), cr.get_backend())(*[x.value for x in tensors])]


# Text


def test_text():
    program = cr.function(lambda x, n: cr.sin(x) * n + 2.5).trace(cr.tensor([1.0, 2.0]), 3)
    assert str(program).splitlines() == [
        "inputs a0: float64[2] 'x:0'",
        "v0: float64[2] = sin(a0)",
        "v1: float64[2] = multiply(v0, 3)",
        "v2: float64[2] = add(v1, 2.5)",
        "return v2",
    ]
    assert repr(program) == "<Program of 3 instructions, 1 in, 1 out>"


def test_text_of_unknown_lengths_attributes_and_nothing():
    program = program_of(lambda x: cr.sum(x, axis=(0,)), (None, 3))
    lines = str(program).splitlines()
    assert lines[0] == "inputs a0: float64[None, 3] 'x0:0'"
    assert lines[1].startswith("v0: float64[3] = sum(a0, ")
    assert "axis=(0,)" in lines[1]
    assert str(Program((), (), ())) == "inputs none\nreturn "


def test_text_of_programs_inside():
    f = cr.function(lambda x: cr.cond(x > 0.0, lambda v: cr.fori_loop(0, 3, lambda i, u: u * v, v), lambda v: -v, x))
    lines = str(f.trace(1.0)).splitlines()
    at = lines.index("  true_fn:")
    assert "  false_fn:" in lines
    assert lines[at + 1].startswith("    inputs a0: float64[]")
    assert any(line.startswith("      body:") for line in lines[at:])
    assert any("multiply(a0, a1)" in line or "multiply(a0, a2)" in line for line in lines[at:])
    assert lines[-1].startswith("return v")


def test_names_come_from_the_user_but_never_as_code():
    with cr.name_scope("'); raise SystemExit('"):
        program = cr.function(lambda x: cr.sin(x)).trace(1.0)
        assert "SystemExit" not in str(program)
        assert float(cr.function(lambda x: cr.sin(x) * 2.0)(0.0)) == 0.0


def test_specs_are_those_of_the_results():
    program = cr.function(lambda x: (cr.sum(x), x > 0.0)).trace(cr.tensor([1.0, 2.0]))
    assert [(s.shape, s.dtype) for s in program.specs] == [((), "float64"), ((2,), "bool")]


# Shapes put in


def test_unknown_lengths_become_numbers():
    program = program_of(lambda x: cr.mean(x * x, axis=0), (None, 3))
    closed = specialise(program, [Spec((4, 3), F64)])
    assert all(type(n) is int for i in closed.instructions for s in i.outputs for n in s.shape)
    assert closed.inputs[0].shape == (4, 3)
    assert ops_of(closed) == ops_of(program)
    assert run(program, [[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]) == [[5.0, 4.0, 5.0]]


def test_a_program_of_known_shapes_is_left_as_it_is():
    program = program_of(lambda x: x + 1.0, (2,))
    assert specialise(program, [Spec((2,), F64)]) is program


def test_sizes_become_numbers_where_they_are_used():
    program = program_of(lambda x: cr.sum(x) / x.shape[0] + cr.reshape(x, shape=(x.shape[0] // 2, 2))[0, 1], (None,))
    assert "size" in ops_of(program)
    assert "size" not in ops_of(specialise(program, [Spec((4,), F64)]))
    assert run(program, [1.0, 2.0, 3.0, 6.0]) == [3.0 + 2.0]


def test_unknown_rank():
    program = program_of(lambda x: cr.sum(x * 2.0), None)
    assert program.inputs[0].shape is None
    for data in (3.0, [1.0, 2.0], [[1.0], [2.0]]):
        assert run(program, data) == [6.0]


def test_lengths_that_contradict_each_other():
    n = Dim()
    program = program_of(lambda x, y: x * y, (n,), (n,))
    assert run(program, [1.0, 2.0], [3.0, 4.0]) == [[3.0, 8.0]]
    with pytest.raises(cr.ShapeError, match="x1:0: axis 0 is of length 3, and a length that equals it is 2"):
        specialise(program, [Spec((2,), F64), Spec((3,), F64)])


def test_an_operation_that_refuses_the_shapes_it_gets():
    program = program_of(lambda x, y: cr.matmul(x, y), (None, None), (None, None))
    with pytest.raises(cr.ShapeError):
        specialise(program, [Spec((2, 3), F64), Spec((4, 5), F64)])


def test_lengths_keep_their_identity_while_they_are_not_known():
    program = program_of(lambda x: (x * 2.0, cr.concat((x, x))), (None,))
    n = program.inputs[0].shape[0]
    a, b = program.outputs
    assert a.shape[0] == n
    assert b.shape[0] == 2 * n
    m = Dim()
    renamed = specialise(program, [Spec((m,), F64)])
    assert [y.shape for y in renamed.outputs] == [(m,), (2 * m,)]


def test_which_value_tells_a_length():
    program = program_of(lambda x, y: cr.sum(x) / y.shape[1], (None,), (2, None))
    owners = size_owners(program)
    size = next(i for i in program.instructions if i.op.name == "size")
    assert reads(size, owners) == [program.inputs[1]]
    assert owners[program.inputs[0].shape[0]] is program.inputs[0]


# Opaque gradients


def looks_at_a_size(x):
    return cr.test_program_tiled(x)


@pytest.fixture(scope="module", autouse=True)
def _an_operation_whose_gradient_looks_at_sizes():
    def gradient(g, _y, x):
        total = cr.zeros_like(x)
        for _ in range(x.shape[0]):  # only where this is a number
            total = total + g
        return total * cr.cos(x)

    @cr.op(cr.infer.floating, gradient, elementwise=True, name="test_program_tiled")
    def tiled(xp, x, /):
        return xp.sin(x) * x.shape[0]

    class Plugin:
        @cr.hookimpl
        def chainrule_ops():
            return [tiled]

    cr.register_plugin(Plugin, "test_program")


def test_a_gradient_that_asks_for_sizes_waits_for_them(same):
    program = program_of(lambda x: cr.gradients(cr.sum(looks_at_a_size(x)), x)[0], (None,))
    assert "vjp" in ops_of(program)
    closed = specialise(program, [Spec((2,), F64)])
    assert "vjp" not in ops_of(closed)
    assert ops_of(closed).count("add") == 2
    same(run(program, [0.0, 0.0, 0.0])[0], [3.0, 3.0, 3.0])


def test_its_second_derivative_waits_too(same):
    def second(x):
        (g,) = cr.gradients(cr.sum(looks_at_a_size(x)), x)
        return cr.gradients(cr.sum(g), x)[0]

    program = program_of(second, (None,))
    same(run(program, [0.5, 1.0])[0], [-2 * math.sin(0.5), -2 * math.sin(1.0)])


def test_known_sizes_need_no_waiting():
    program = program_of(lambda x: cr.gradients(cr.sum(looks_at_a_size(x)), x)[0], (3,))
    assert "vjp" not in ops_of(program)


# The program of a gradient


def test_the_program_of_a_gradient(same):
    program = cr.function(lambda x, y: (x * y, cr.sum(x))).trace(cr.tensor([1.0, 2.0]), cr.tensor([3.0, 4.0]))
    pull = vjp_program(program, wanted=[0, 1], seeds=[0, 1])
    assert [x.shape for x in pull.inputs] == [(2,), (2,), (2,), ()]
    same(run(pull, [1.0, 2.0], [3.0, 4.0], [1.0, 10.0], 100.0), [[103.0, 140.0], [1.0, 20.0]])
    both = vjp_program(program, wanted=[1], seeds=[0], with_results=True)
    same(run(both, [1.0, 2.0], [3.0, 4.0], [1.0, 1.0]), [[3.0, 8.0], 3.0, [1.0, 2.0]])
