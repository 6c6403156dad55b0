"""What instructions cost: arithmetic counted by hand, and bytes."""

from __future__ import annotations

import pytest

import chainrule as cr
from chainrule._cost import Cost, cost_of

MATRIX = cr.Spec((3, 4), "float64")
STACK = cr.Spec((2, 3, 4), "float32")


def cost(f, *specs):
    return cost_of(cr.explain(f, *specs).stages["traced"])


COSTS = {
    "elementwise": (lambda a: a + a, (MATRIX,), Cost(12, 0, 2 * 96)),
    "with a number": (lambda a: a * 2.0, (MATRIX,), Cost(12, 0, 2 * 96)),
    "transcendental": (lambda a: cr.exp(a), (MATRIX,), Cost(12, 12, 2 * 96)),
    "broadcast": (lambda a: a * a[0], (MATRIX,), Cost(12, 0, 96 + 32 + 96)),
    "view": (lambda a: cr.reshape(a, shape=(12,))[2:], (MATRIX,), Cost()),
    "sum": (lambda a: cr.sum(a, axis=0), (MATRIX,), Cost(12, 0, 96 + 32)),
    "product": (lambda a, b: a @ b, (MATRIX, cr.Spec((4, 5), "float64")), Cost(2 * 3 * 4 * 5, 0, 8 * (12 + 20 + 15))),
    "with a vector": (lambda a, b: a @ b, (MATRIX, cr.Spec((4,), "float64")), Cost(2 * 3 * 4, 0, 8 * (12 + 4 + 3))),
    "of stacks": (
        lambda a, b: a @ b,
        (STACK, cr.Spec((2, 4, 5), "float32")),
        Cost(2 * 2 * 3 * 4 * 5, 0, 4 * (24 + 40 + 30)),
    ),
    "softmax": (lambda a: cr.softmax(a), (MATRIX,), Cost(48, 12, 2 * 96)),
    "constant": (lambda a: (a + cr.constant([1.0, 2.0, 3.0, 4.0]), a)[1], (MATRIX,), Cost(12, 0, 2 * 96 + 32)),
}


@pytest.mark.parametrize("name", COSTS)
def test_costs(name):
    f, specs, expected = COSTS[name]
    assert cost(f, *specs) == expected


def test_convolutions_and_their_gradients():
    image, window = cr.Spec((2, 8, 8, 3), "float32"), cr.Spec((3, 3, 3, 16), "float32")
    each = 2 * (2 * 6 * 6 * 16) * (3 * 3 * 3)
    forward = cost(lambda x, w: cr.nn.conv(x, w), image, window)
    assert (forward.flops, forward.bytes) == (each, 4 * (2 * 8 * 8 * 3 + 3 * 3 * 3 * 16 + 2 * 6 * 6 * 16))
    both = cost(lambda x, w: cr.grad(lambda x, w: cr.sum(cr.nn.conv(x, w)), (0, 1))(x, w), image, window)
    assert both.flops == 3 * each + 2 * 6 * 6 * 16


def test_sizes_and_steps_that_are_not_known():
    assert cost(lambda a: a + a, cr.Spec((None, 4), "float64")) == Cost(known=False)
    loop = cost(lambda a: cr.fori_loop(0, 3, lambda i, v: v + a, a), MATRIX)
    assert loop.flops == 12
    assert not loop.known


def test_costs_add_up_and_print():
    total = Cost(1000, 10, 8) + Cost(234, 0, 1000)
    assert total == Cost(1234, 10, 1008)
    assert str(total) == "1,234 flops, 10 of them transcendental, 1,008 bytes"
    assert str(Cost(2, 0, 16) + Cost(known=False)) == "2 flops, 16 bytes, and what is not known yet"


def test_an_explanation_tells_costs():
    explanation = cr.explain(lambda a: cr.sum(cr.exp(a) * 2.0), MATRIX)
    assert explanation.cost == sum(explanation.costs, Cost())
    assert explanation.cost.flops == 36
    assert explanation.cost.transcendentals == 12
    found = explanation.to_dict()
    assert found["cost"]["flops"] == 36
    assert [c["bytes"] for c in found["costs"]] == [c.bytes for c in explanation.costs]
    text = str(explanation)
    assert f"a run of the plan: {explanation.cost}" in text
    assert text.count(" flops") == 1 + len(explanation.costs)
