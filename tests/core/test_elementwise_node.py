"""Nodes of elementwise operations: what they were called with is there, in one object each."""

import gc

import pytest

import chainrule as cr


@pytest.fixture
def x():
    with cr.GradientTape() as tape:
        yield tape.watch(cr.tensor(3.0))


def test_inputs_are_what_the_operation_was_called_with(x):
    constant = cr.tensor(2.0)
    product = x * constant
    a, b = product.node.inputs
    assert (float(a.item()), float(b.item())) == (3.0, 2.0)
    assert a.node is x.node
    assert b.node is None
    assert dict(product.node.attributes) == {}


def test_numbers_stay_numbers(x):
    assert (x * 2.0).node.inputs[1] == 2.0
    assert type((2.0 - x).node.inputs[0]) is float


def test_one_input(x):
    (a,) = cr.sin(x).node.inputs
    assert a.node is x.node


def test_arrays_that_are_not_read_are_kept_as_shape_and_dtype():
    with cr.GradientTape() as tape:
        v = tape.watch(cr.tensor([1.0, 2.0]))
        total = v + cr.tensor([3.0, 4.0])
        scaled = v * cr.tensor([3.0, 4.0])
    for part in (*total.node.inputs, scaled.node.inputs[0]):
        assert (part.shape, part.dtype) == ((2,), cr.float64)
        assert "dropped" in repr(part)
    assert scaled.node.inputs[1].tolist() == [3.0, 4.0]


def test_an_output_among_several_is_an_input():
    with cr.GradientTape() as tape:
        v = tape.watch(cr.tensor([1.0, 2.0, 5.0]))
        first, second = cr.split(v, [1])
        loss = cr.sum(second * second) + cr.sum(first)
    assert tape.gradient(loss, v).tolist() == [1.0, 4.0, 10.0]


def test_the_collector_sees_no_tensor_and_no_tuple_of_an_operation(x):
    n = 1000
    x = x * 1.0

    def held():
        gc.collect()
        return sum(type(thing) in (cr.Tensor, tuple) for thing in gc.get_objects())

    before = held()
    y = x
    for _ in range(n):
        y = 1.0 - y * 0.5
    assert held() - before < 100
    assert y.node is not None


def test_an_override_at_gradient_time_reads_numbers_that_the_definition_does_not(x):
    y = x + 1.0
    (g,) = cr.gradients(y, [x], overrides={"add": (cr.surrogate(lambda g, _y, a, b: g * a * b), None)})
    assert float(g.item()) == 3.0
