"""What explanations tell of plans on NumPy: which values share memory, what is written over, and what is fused."""

from __future__ import annotations

import json
import tracemalloc
from importlib.util import find_spec

import numpy as np
import pytest

import chainrule as cr
from chainrule_numpy import _jit

MATRIX = cr.Spec((8, 8), "float64")
LARGE = cr.Spec((100_000,), "float64")
needs_jit = pytest.mark.skipif(find_spec("llvmlite") is None or _jit.why_not() is not None, reason="there is no JIT")


@pytest.fixture(autouse=True)
def _without_jit():
    with cr.use_jit("off"):
        yield


# Memory


def test_values_that_share_memory():
    explanation = cr.explain(lambda x: cr.sum(((cr.exp(x) @ x) @ x) @ x), MATRIX)
    (first, second), peak = explanation.memory["plan"].workspace, explanation.memory["plan"].peak
    assert (first.bytes, first.values) == (512, ("v0", "v2"))
    assert (second.bytes, second.values) == (512, ("v1", "v3"))
    assert peak == 2 * 512
    text = str(explanation)
    assert "\nmemory: 1,024 bytes alive at once; a workspace of 1,024 bytes is kept for the next call\n" in text
    assert "\nplan, memory that is used again\n  512 bytes for v0, then v2\n  512 bytes for v1, then v3\n\n" in text


def test_what_is_computed_in_place_counts_once():
    memory = cr.explain(lambda x: cr.sum(cr.exp(cr.sin(x)) * 2.0), MATRIX).memory["plan"]
    assert [buffer.values for buffer in memory.workspace] == [("v0", "v1", "v2")]
    assert memory.peak == 512 + 8


def test_the_peak_is_what_numpy_allocates():
    x = np.ones((200, 200))
    f = cr.function(lambda x: cr.sum((cr.exp(x) * cr.sin(x)).T @ x))
    with cr.use_strict_math():  # which keeps no workspace
        f(x)
        tracemalloc.start()
        try:
            f(x)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        told = cr.explain(f, x).memory["plan"].peak
    assert told == 3 * 320_000
    assert told <= peak < 1.02 * told


def test_variables_that_are_written_over():
    w = cr.Variable(cr.ones((100, 100)), name="w")

    def f(x):
        w.assign_sub(0.5 * x)
        return cr.sum(x)

    explanation = cr.explain(f, cr.Spec((100, 100), "float64"))
    plan = explanation.stages["plan"]
    (new,) = explanation.memory["plan"].overwritten.values()
    assert explanation.memory["plan"].overwritten == {"a1": new}
    assert plan.inputs[1].node.name == "w"
    assert f"{new}: float64[100, 100] = subtract(a1, v" in str(plan)
    assert f"\n  a1 is written over with {new}, if nobody else holds it\n" in str(explanation)
    assert "alone" in explanation.plans["plan"]


def test_variables_of_graphs_are_written_over_too():
    with cr.Graph().as_default():
        x, fed = cr.placeholder("float64", (None, 100)), cr.Spec((100, 100), "float64")
        w = cr.Variable(cr.ones((100, 100)), name="w")
        explanation = cr.explain(cr.group(w.assign_sub(0.5 * x)), {x: fed})
        given = cr.explain(w.assign_sub(0.5 * x), {x: fed})
    assert list(explanation.memory["plan"].overwritten) == ["a1"]
    assert given.memory["plan"].overwritten == {}  # what is fetched, somebody else holds


# Regions


def test_large_arrays_are_computed_in_blocks():
    explanation = cr.explain(cr.value_and_grad(lambda x: cr.sum(cr.exp(cr.sin(x)))), LARGE)
    (region,) = explanation.regions
    assert (region.instructions, region.space, region.executor) == (5, (100_000,), "NumPy in blocks")
    assert explanation.counts["plan"] == 1
    assert "\nfused: 5 instructions in 1 region (NumPy in blocks)\n" in str(explanation)
    assert "= fused(a0, space=(100000,))" in str(explanation)


def test_single_numbers_are_computed_by_python():
    def f(x):
        for _ in range(5):
            x = cr.sin(x) * x
        return x

    (region,) = cr.explain(f, cr.Spec((), "float64")).regions
    assert (region.instructions, region.space, region.executor) == (10, (), "Python's numbers")


def test_nothing_is_fused_in_small_arrays():
    explanation = cr.explain(lambda x: cr.exp(cr.sin(x)), MATRIX)
    assert explanation.regions == ()
    assert "\nfused: " not in str(explanation)


@needs_jit
@pytest.mark.parametrize("mode", ["auto", "always"])
def test_machine_code(mode):
    with cr.use_jit(mode):
        (region,) = cr.explain(lambda x: cr.exp(cr.sin(x)), MATRIX).regions
    assert (region.instructions, region.space, region.executor) == (2, (8, 8), "machine code")


def test_loops_have_regions_and_memory_of_their_own():
    def f(x):
        return cr.scan(lambda h, _: (cr.sin(cr.exp(h @ h)), None), x, None, length=3)[0]

    explanation = cr.explain(f, cr.Spec((200, 200), "float64"))
    (region,) = explanation.regions
    assert (region.instructions, region.space) == (2, (200, 200))
    assert list(explanation.memory) == list(explanation.plans) == ["plan", "plan of scan, body"]
    (buffer,) = explanation.memory["plan of scan, body"].workspace
    assert (buffer.bytes, buffer.values) == (320_000, ("v0",))
    assert explanation.counts["plan"] == 3  # the loop, and in its body a product and a region


def test_data_is_plain():
    data = json.loads(json.dumps(cr.explain(lambda x: cr.sum(cr.exp(cr.sin(x))), LARGE).to_dict()))
    assert data["regions"] == [{"instructions": 3, "space": [100_000], "executor": "NumPy in blocks"}]
    assert data["memory"]["plan"]["peak"] == 8
