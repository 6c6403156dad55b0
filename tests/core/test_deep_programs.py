"""Programs of a million steps and loops of ten thousand: no recursion, no cycles, no growth."""

from __future__ import annotations

import gc
import sys
import time
import weakref

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")


def chain(n, x):
    y = x
    for _ in range(n):
        y = y * 1.0000001
    return y


@pytest.fixture
def no_collector():
    """The cyclic garbage collector off, and nothing left over from before."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_deeper_than_the_recursion_limit(same):
    n = 10 * sys.getrecursionlimit()
    same(cr.grad(lambda x: chain(n, x))(1.0), 1.0000001**n, 1e-9)
    same(cr.jvp(lambda x: chain(n, x), [1.0], [1.0])[1], 1.0000001**n, 1e-9)
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(1.0))
        y = chain(n, x)
    assert cr.why_no_gradient(y, x).connected
    assert len(cr.explain_gradients(y, x).steps) == n
    del tape
    del y  # freeing it must not recurse either


def test_second_derivatives_of_a_deep_program(same):
    n = 2 * sys.getrecursionlimit()

    def f(x):
        y = chain(n, x)
        return y * y

    same(cr.grad(cr.grad(f))(1.0), 2 * 1.0000001 ** (2 * n), 1e-9)


def test_a_wide_fan_and_a_ladder_visit_each_node_once(same):
    # The ladder has 2**60 paths; walking them one by one would never end.
    def ladder(x):
        for _ in range(60):
            x = x + x
        return x

    same(cr.grad(ladder)(1.0), 2.0**60)
    same(cr.jvp(ladder, [1.0], [1.0])[1], 2.0**60)
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(1.0))
        y = ladder(x)
    assert len(cr.explain_gradients(y, x).steps) == 60
    same(cr.grad(lambda x: sum((x * float(i) for i in range(2000)), 0.0 * x))(1.0), 1999 * 2000 / 2)


def test_work_grows_with_the_length_alone():
    """Calls of Python functions, counted: ten times the length is ten times the work."""

    def calls(n):
        count = 0

        def tally(frame, event, argument):
            nonlocal count
            count += event == "call"

        f = cr.grad(lambda x: chain(n, x))
        f(1.0)
        sys.setprofile(tally)
        try:
            f(1.0)
        finally:
            sys.setprofile(None)
        return count

    short, long = calls(500), calls(5000)
    assert long < 10.5 * short


def test_time_and_memory_grow_with_the_length_alone(backend):
    """Built, differentiated and freed; `tests/core_numpy` goes on to a million."""

    def seconds(n):
        start = time.process_time()
        with cr.GradientTape() as tape:
            x = tape.watch(cr.tensor(1.0))
            y = chain(n, x)
        assert tape.gradient(y, x).item() == pytest.approx(1.0000001**n, rel=1e-6)
        del tape, x, y
        return time.process_time() - start

    gc.collect()
    gc.freeze()  # so that full collections do not walk what other tests left
    try:
        short = min(seconds(5_000) for _ in range(3))
        assert seconds(50_000) < 25 * short, "ten times the length took more than 25 times as long"
    finally:
        gc.unfreeze()


def test_a_gradient_leaves_no_cycles(no_collector):
    def everything(x):
        y = cr.sum(cr.sin(x) * x[0] + cr.exp(x @ x))
        return y * cr.stop_gradient(y)

    x = cr.tensor([0.1, 0.2])
    cr.hessian(everything)(x)
    gc.collect()
    for work in (
        lambda: cr.grad(everything)(x),
        lambda: cr.hessian(everything)(x),
        lambda: cr.jvp(everything, [x], [x]),
        lambda: cr.vjp(everything, x)[1](1.0),
        lambda: cr.hvp(everything)(x, x),
        lambda: cr.grad(everything, overrides={"sin": lambda g, _y, _x: g})(x),
    ):
        work()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            gc.collect()
            ours = [o for o in gc.garbage if type(o).__module__.startswith("chainrule")]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
        assert ours == []


def test_a_graph_goes_with_its_last_result(no_collector):
    x = cr.tensor([1.0, 2.0])
    with cr.GradientTape() as tape:
        tape.watch(x)
        y = cr.sum(cr.sin(x) * 2.0)
    nodes = [weakref.ref(y.node), weakref.ref(y.node.inputs[0].node)]
    tape.gradient(y, x)
    assert all(node() is not None for node in nodes)
    del y
    assert all(node() is None for node in nodes)


def test_a_graph_goes_when_an_error_is_raised(no_collector):
    nodes = []

    def f(x):
        y = x * x
        nodes.append(weakref.ref(y.node))
        raise ValueError("stop")

    try:
        cr.grad(f)(1.0)
    except ValueError as error:
        error.__traceback__ = None
    assert nodes[0]() is None


def test_memory_is_flat_over_ten_thousand_steps(no_collector):
    w = cr.Variable([0.5, -0.5])
    x = cr.tensor([1.0, 2.0])

    def step():
        with cr.GradientTape() as tape:
            loss = cr.sum((w * x - 1.0) ** 2)
        w.assign_sub(0.01 * tape.gradient(loss, w))

    def blocks_after(n):
        for _ in range(n):
            step()
        return sys.getallocatedblocks()

    first = blocks_after(1_000)  # free lists and caches are full by then
    grown = blocks_after(10_000) - first
    assert grown < 100, f"{grown} blocks of memory were left over by 10,000 steps"


def test_functional_training_is_flat_as_well(no_collector):
    x = cr.tensor([1.0, 2.0])
    f = cr.value_and_grad(lambda w: cr.sum((w * x - 1.0) ** 2))

    def train(n):
        w = cr.tensor([0.5, -0.5])
        for _ in range(n):
            w = w - 0.01 * f(w)[1]
        return sys.getallocatedblocks()

    first = train(1_000)
    grown = train(3_000) - first
    assert grown < 100, f"{grown} blocks of memory were left over by 3,000 steps"
