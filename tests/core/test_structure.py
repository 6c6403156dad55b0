"""Keys of programs: the same for the same structure, another wherever another plan is needed."""

from __future__ import annotations

import pytest

import chainrule as cr
from chainrule._graph import Graph
from chainrule._program import Program
from chainrule._session import closed
from chainrule._structure import structure_of


def key_of(f, *arguments):
    return structure_of(cr.function(f).trace(*[x if isinstance(x, float | int) else cr.tensor(x) for x in arguments]))


def made(build):
    """The key of a graph that is built anew."""
    with Graph().as_default():
        x = cr.placeholder("float64", (2,), name="x")
        y = build(x)
    return structure_of(closed([y._value], [], [x._value])[0])


SAME = {
    "operations": lambda x: cr.exp(x) * 2.0 + x,
    "a gradient": lambda x: cr.gradients(cr.sum(cr.sin(x) * x), x)[0],
    "a small constant": lambda x: x * cr.constant([1.0, 2.0]),
    "a branch": lambda x: cr.cond(cr.sum(x) > 0.0, lambda: x * 2.0, lambda: x - 1.0),
    "a loop": lambda x: cr.fori_loop(0, 3, lambda i, v: v * x, x),
    "indexing": lambda x: x[1:] + x[:-1],
}


@pytest.mark.parametrize("name", SAME)
def test_built_again_it_is_the_same(name):
    assert made(SAME[name]) == made(SAME[name])
    assert hash(made(SAME[name])) == hash(made(SAME[name]))


def many(x, kind):
    """Programs that differ in one thing, all made at one place of the code."""
    y = {
        "one": lambda: cr.sin(x),
        "op": lambda: cr.cos(x),
        "input": lambda: cr.sin(cr.sin(x)),
        "number": lambda: x * 2.0,
        "other number": lambda: x * 3.0,
        "integer": lambda: x * 2,
        "zero": lambda: x + 0.0,
        "negative zero": lambda: x + -0.0,
        "constant": lambda: x * cr.constant([1.0, 2.0]),
        "other constant": lambda: x * cr.constant([1.0, 3.0]),
        "zeros": lambda: x * cr.constant([1.0, 0.0]),
        "negative zeros": lambda: x * cr.constant([1.0, -0.0]),
        "attribute": lambda: cr.sum(x, axis=0),
        "other attribute": lambda: cr.sum(x, axis=None),
        "branch": lambda: cr.cond(True if kind == "" else cr.sum(x) > 0.0, lambda: x * 2.0, lambda: x - 1.0),
        "other branch": lambda: cr.cond(cr.sum(x) > 0.0, lambda: x * 2.0, lambda: x - 2.0),
        "loop": lambda: cr.fori_loop(0, 3, lambda i, v: v * x, x),
        "longer loop": lambda: cr.fori_loop(0, 4, lambda i, v: v * x, x),
    }
    return y[kind]()


KINDS = (
    *("one", "op", "input", "number", "other number", "integer", "zero", "negative zero", "constant", "other constant"),
    *("zeros", "negative zeros", "attribute", "other attribute", "branch", "other branch", "loop", "longer loop"),
)


def test_whatever_differs_tells_them_apart():
    assert len({made(lambda x, kind=kind: many(x, kind)) for kind in KINDS}) == len(KINDS)


def test_shapes_dtypes_and_weak_numbers_tell_them_apart():
    def f(x):
        return x * 2.0

    single = structure_of(cr.function(f).trace(cr.tensor([1.0], dtype="float32")))
    keys = {key_of(f, [1.0]), key_of(f, [1.0, 2.0]), key_of(f, [[1.0]]), key_of(f, 1.0), single, key_of(f, [1])}
    assert len(keys) == 6


def test_the_order_of_inputs_and_results_tells_them_apart():
    program = cr.function(lambda x, y: (x - y, x + y)).trace(cr.tensor(1.0), cr.tensor(2.0))
    turned = Program(program.inputs[::-1], program.outputs, program.instructions)
    swapped = Program(program.inputs, program.outputs[::-1], program.instructions)
    assert len({structure_of(p) for p in (program, turned, swapped)}) == 3


def test_the_line_in_the_users_code_tells_them_apart():
    assert key_of(lambda x: cr.sin(x), [1.0]) != key_of(lambda x: cr.sin(x), [1.0])
    functions = [lambda x: cr.sin(x) for _ in range(2)]
    assert functions[0] is not functions[1]
    assert key_of(functions[0], [1.0]) == key_of(functions[1], [1.0])


def test_names_tell_them_apart():
    def scoped(name):
        def build(x):
            with cr.name_scope(name):
                return cr.sin(x)

        return build

    assert made(scoped("a")) == made(scoped("a"))
    assert made(scoped("a")) != made(scoped("b"))


def test_large_constants_and_functions_are_the_same_object_alone():
    def large(x):
        return x[0] * cr.constant([float(i) for i in range(1000)])

    assert made(large) != made(large)

    def called(x):
        return cr.callback(lambda v: None, x, like=x)

    assert made(called) != made(called)
    program = cr.function(large).trace(cr.tensor([1.0]))
    assert structure_of(program) == structure_of(program)


def test_a_program_of_many_instructions_takes_time_in_proportion(same):
    def chain(n):
        def f(x):
            for _ in range(n):
                x = cr.sin(x)
            return x

        return cr.function(f).trace(cr.tensor(1.0))

    short, long = structure_of(chain(100)), structure_of(chain(1000))
    assert len(long) < 10 * len(short)
