"""Plans called from several threads at once, from tasks and from within themselves: no call sees another's memory.

Every result is kept and compared when all calls are over, so that memory which is used again too early shows. Arrays
are long enough for fused regions to be divided among threads, or so short that they are not.
"""

from __future__ import annotations

import threading

import numpy as np
import pytest

import chainrule as cr

SIZES = (7, 140_001)
TIMES = 4


@pytest.fixture(autouse=True)
def three_threads():
    """More workers than one, and the defaults of the process in every thread of the user."""
    cr.set_num_threads(3)
    yield
    cr.set_num_threads(None)


def side_by_side(*works):
    """Run functions in threads that start together; what they returned."""
    gate = threading.Barrier(len(works), timeout=30)
    results, errors = [None] * len(works), []

    def run(i):
        try:
            gate.wait()
            results[i] = works[i]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if errors:
        raise errors[0]
    return results


def argument(size, seed):
    return np.random.default_rng(seed).uniform(-1.0, 1.0, size)


def wave(x):
    """Elementwise operations with a reduction, whose gradient is known."""
    return cr.sum(cr.exp(-x * x) * cr.sin(3.0 * x) + 2.0 * x)


def wave_by_hand(x):
    e = np.exp(-x * x)
    return np.sum(e * np.sin(3.0 * x) + 2.0 * x), e * (3.0 * np.cos(3.0 * x) - 2.0 * x * np.sin(3.0 * x)) + 2.0


def check(found, x):
    value, gradient = wave_by_hand(x)
    np.testing.assert_allclose(found[0], value, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found[1], gradient, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("size", SIZES)
def test_one_function_in_many_threads(size):
    f = cr.function(cr.value_and_grad(wave))  # compiled by whichever thread comes first
    arguments = [[argument(size, (k, i)) for i in range(TIMES)] for k in range(6)]
    copies = [[x.copy() for x in own] for own in arguments]
    found = side_by_side(*[lambda own=own: [f(x) for x in own] for own in arguments])
    assert f.traces == 1
    for own, kept, results in zip(arguments, copies, found, strict=True):
        for x, copy, result in zip(own, kept, results, strict=True):
            np.testing.assert_array_equal(x, copy)
            check(result, x)


def test_one_function_with_arguments_of_many_shapes():
    f = cr.function(cr.value_and_grad(wave))
    sizes = (3, 1_000, 70_000, 131_072, 140_001)
    found = side_by_side(*[lambda n=n: [f(argument(n, i)) for i in range(TIMES)] for n in sizes])
    assert f.traces == len(sizes)
    for n, results in zip(sizes, found, strict=True):
        for i, result in enumerate(results):
            check(result, argument(n, i))


@pytest.mark.parametrize("size", SIZES)
def test_a_gradient_from_outside_in_many_threads(size):
    f = cr.function(wave)
    value_and_grad = cr.value_and_grad(f)
    found = side_by_side(
        *[lambda k=k: [value_and_grad(argument(size, (k, i))) for i in range(TIMES)] for k in range(4)]
    )
    for k, results in enumerate(found):
        for i, result in enumerate(results):
            check(result, argument(size, (k, i)))


@pytest.mark.parametrize("size", SIZES)
def test_forward_and_backward_of_several_calls_interleaved(size):
    """What one call keeps for its gradient outlives the calls after it."""
    f = cr.function(wave)

    def work(k):
        calls = []
        for i in range(TIMES):
            with cr.GradientTape() as tape:
                x = tape.watch(cr.tensor(argument(size, (k, i))))
                calls.append((tape, x, f(x)))
        return [(y.numpy(), tape.gradient(y, x).numpy()) for tape, x, y in reversed(calls)][::-1]

    for k, results in enumerate(side_by_side(lambda: work(0), lambda: work(1), lambda: work(2))):
        for i, result in enumerate(results):
            check(result, argument(size, (k, i)))


@pytest.mark.parametrize("size", SIZES)
def test_in_tasks(size):
    f = cr.function(cr.value_and_grad(wave))
    arguments = [argument(size, i) for i in range(12)]
    for _ in range(2):
        for x, result in zip(arguments, cr.run_tasks([lambda x=x: f(x) for x in arguments]), strict=True):
            check(result, x)

    def work(k):
        return cr.run_tasks([lambda i=i: f(argument(size, (k, i))) for i in range(TIMES)])

    for k, results in enumerate(side_by_side(lambda: work(0), lambda: work(1))):
        for i, result in enumerate(results):
            check(result, argument(size, (k, i)))


@pytest.mark.parametrize("size", SIZES)
def test_a_callback_calls_the_function_it_is_in(size):
    """A plan begins again while it runs: what its first run holds is left alone."""

    @cr.function
    def f(x, depth):
        before = cr.exp(-x * x) * 2.0
        inner = cr.callback(again, x, depth, like=cr.Spec((size,), "float64"))
        return before * cr.sin(x) + inner, before

    def again(x, depth):
        return f(x * 0.5, depth - 1.0)[0] if depth > 0 else np.zeros(size)

    def by_hand(x, depth):
        inner = by_hand(x * 0.5, depth - 1)[0] if depth > 0 else 0.0
        return np.exp(-x * x) * 2.0 * np.sin(x) + inner, np.exp(-x * x) * 2.0

    def work(k):
        return [f(argument(size, (k, i)), np.float64(3)) for i in range(3)]

    for k, results in enumerate(side_by_side(lambda: work(0), lambda: work(1))):
        for i, result in enumerate(results):
            for got, expected in zip(result, by_hand(argument(size, (k, i)), 3), strict=True):
                np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)


def test_loops_and_branches_in_many_threads():
    @cr.function
    def f(x):
        def body(carry, _):
            carry = cr.tanh(carry) * 1.5 + x
            return carry, cr.sum(carry)

        last, sums = cr.scan(body, x, None, length=5)
        return cr.cond(cr.sum(x) > 0.0, lambda: last * 2.0, lambda: last), sums

    def by_hand(x):
        carry, sums = x, []
        for _ in range(5):
            carry = np.tanh(carry) * 1.5 + x
            sums.append(np.sum(carry))
        return carry * 2.0 if np.sum(x) > 0.0 else carry, np.array(sums)

    found = side_by_side(*[lambda k=k: [f(argument(5_000, (k, i))) for i in range(TIMES)] for k in range(4)])
    for k, results in enumerate(found):
        for i, result in enumerate(results):
            for got, expected in zip(result, by_hand(argument(5_000, (k, i))), strict=True):
                np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("size", SIZES)
def test_a_session_in_many_threads(size):
    """Runs that read go at the same time, those that assign one after the other, and what was read stays as it was."""
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (size,), name="x")
        w = cr.Variable(np.zeros(size), name="w")
        y = wave(x)
        (dx,) = cr.gradients(y, [x])
        step = w.assign_add(cr.exp(x * 0.0))  # adds one
    with cr.Session(graph) as session:
        session.run(cr.global_variables_initializer())

        def read(k):
            return [session.run([y, dx], {x: argument(size, (k, i))}) for i in range(TIMES)]

        def write():
            values = []
            for i in range(TIMES):
                session.run(step, {x: argument(size, i)})
                values.append(session.run(w))
            return values

        *reads, first, second = side_by_side(lambda: read(0), lambda: read(1), write, write)
        for k, results in enumerate(reads):
            for i, result in enumerate(results):
                check(result, argument(size, (k, i)))
        for values in (first, second):
            assert all(np.ptp(value) == 0.0 for value in values), "a value was written to after it was read"
            assert [value[0] for value in values] == sorted(value[0] for value in values)
        np.testing.assert_array_equal(session.run(w), np.full(size, 2.0 * TIMES))


def test_a_failure_in_one_thread_is_nothing_to_the_others():
    @cr.function
    def f(x):
        cr.callback(refuse, x)
        return cr.sum(cr.exp(x) * 2.0), cr.exp(x)

    def refuse(x):
        if x[0] < 0.0:
            raise ValueError("negative")

    def fails(x):
        with pytest.raises(Exception, match="negative"):
            f(x)

    good, bad = np.full(100_000, 0.5), np.full(100_000, -0.5)
    found = side_by_side(
        lambda: [f(good) for _ in range(TIMES)], lambda: [fails(bad) for _ in range(TIMES)], lambda: [f(good)] * 2
    )
    for total, values in (*found[0], *found[2]):
        np.testing.assert_allclose(total, 2.0 * np.exp(0.5) * 100_000, rtol=1e-12)
        np.testing.assert_allclose(values, np.exp(0.5), rtol=1e-14)


def test_threads_under_different_settings():
    x = argument(100_000, 0)
    f = cr.function(lambda x: cr.exp(cr.sin(x)) * 2.0 + x)
    exact = np.exp(np.sin(x)) * 2.0 + x

    def strict():
        with cr.use_strict_math(), cr.use_num_threads(1):
            return [f(x) for _ in range(TIMES)]

    def off():
        with cr.use_jit("off"):
            return [f(x) for _ in range(TIMES)]

    strictly, *others = side_by_side(strict, off, lambda: [f(x) for _ in range(TIMES)])
    for result in strictly:
        np.testing.assert_array_equal(result, exact)
    for result in (result for results in others for result in results):
        np.testing.assert_allclose(result, exact, rtol=1e-12, atol=1e-14)
