"""Threads, tasks and generators: scopes are seen where they were entered, and are restored whatever happens."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")


def slope(f=cr.square):
    return float(cr.grad(f)(3.0))


SCOPES = {
    "overrides": (lambda: cr.override_gradients({"square": lambda g, _y, _x: 100.0 * g}), slope),
    "no_grad": (cr.no_grad, lambda: (cr.tensor(1.0) * 1.0).node),
    "backend": (lambda: cr.use_backend("python"), lambda: cr.get_backend().name),
    "names": (lambda: cr.name_scope("layer"), lambda: cr.Variable(1.0, name="v").name),
    "debugging": (cr.debug_nans, lambda: hidden_nan()),
}


def hidden_nan():
    """Whether a NaN goes unnoticed."""
    with cr.get_backend().quiet():
        try:
            cr.log(cr.tensor(-1.0))
        except cr.NumericsError:
            return "noticed"
    return "unnoticed"


@pytest.mark.parametrize("name", SCOPES)
def test_restored_whatever_is_raised(name):
    scope, look = SCOPES[name]
    before = look()
    for error in (ValueError, KeyboardInterrupt, GeneratorExit):
        with scope():
            inside = look()
        with pytest.raises(error), scope():
            raise error
        assert look() == before
        with scope():
            assert look() == inside


def test_a_transformation_that_fails_restores_everything():
    def fails(x):
        with cr.override_gradients({"square": lambda g, _y, _x: g}), cr.name_scope("deep"), cr.no_grad():
            raise ValueError("stop")

    for transformation in (
        lambda: cr.grad(fails)(1.0),
        lambda: cr.vjp(fails, 1.0),
        lambda: cr.jvp(fails, [1.0], [1.0]),
        lambda: cr.jacobian(fails)(1.0),
        lambda: cr.hessian(fails)(1.0),
    ):
        with pytest.raises(ValueError, match="stop"):
            transformation()
        assert (cr.square(cr.tensor(1.0))).node is None, "still recording"
        assert cr.Variable(1.0, name="v").name == "v"
        assert slope() == 6.0


def test_a_tape_that_fails_stops_recording():
    x = cr.tensor(1.0)
    with pytest.raises(ValueError, match="stop"), cr.GradientTape() as tape:
        raise ValueError(tape.watch(x) and "stop")
    assert (x * x).node is None


def test_a_failing_definition_restores_overrides_and_debugging():
    with pytest.raises(cr.GradientDefinitionError), cr.debug_nans():
        cr.grad(cr.square, overrides={"square": lambda g, _y, _x: 1 / 0})(1.0)
    assert slope() == 6.0
    assert hidden_nan() == "unnoticed"


def test_threads_with_different_overrides(backend):
    """Two threads, in step, under different overrides, recording at the same time."""
    barrier = threading.Barrier(2, timeout=10)

    def work(factor):
        seen = set()
        with cr.use_backend(backend.name), cr.override_gradients({"square": lambda g, _y, _x: factor * g}):
            for _ in range(50):
                barrier.wait()
                seen.add(slope())
        seen_after = slope() if backend.name == "numpy" else None
        return seen, seen_after

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(work, [5.0, 7.0]))
    after = 6.0 if backend.name == "numpy" else None
    assert results == [({5.0}, after), ({7.0}, after)]


def test_threads_with_different_backends_and_recording():
    pytest.importorskip("numpy", reason="needs two backends; NumPy is not installed")
    barrier = threading.Barrier(2, timeout=10)

    def work(name):
        with cr.use_backend(name), cr.GradientTape(persistent=True) as tape:
            x = tape.watch(cr.tensor([1.0, 2.0]))
            for _ in range(20):
                barrier.wait()
                y = cr.sum(x * x)
                assert y.backend.name == name
                assert tape.gradient(y, x).tolist() == [2.0, 4.0]
        return name

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, ["python", "numpy"])) == ["python", "numpy"]


def test_one_thread_without_gradients_beside_one_with(backend):
    barrier = threading.Barrier(2, timeout=10)

    def work(off):
        with cr.use_backend(backend.name), cr.GradientTape() as tape:
            x = tape.watch(cr.tensor(3.0))
            if off:
                with cr.no_grad():
                    barrier.wait()
                    y = x * x
                    barrier.wait()
            else:
                barrier.wait()
                y = x * x
                barrier.wait()
        return tape.gradient(y, x)

    with ThreadPoolExecutor(2) as pool:
        off, on = pool.map(work, [True, False])
    assert off is None
    assert on.item() == 6.0


def test_a_tape_records_its_own_thread_alone(backend, same):
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(3.0))
        made = []

        def work():
            made.append((x * x).node)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        inside = []
        copied = threading.Thread(target=contextvars.copy_context().run, args=(lambda: inside.append(x * x),))
        copied.start()
        copied.join()
    assert made == [None]
    same(tape.gradient(inside[0], x), 6.0)


def test_many_threads_at_once(backend):
    def work(seed):
        with cr.use_backend(backend.name):
            k = float(seed)
            return float(cr.grad(lambda x: k * x * x * x)(2.0))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(64))) == [12.0 * k for k in range(64)]


def test_tasks_do_not_see_each_others_scopes():
    async def work(factor, turns):
        seen = set()
        with cr.override_gradients({"square": lambda g, _y, _x: factor * g}), cr.name_scope(f"task{factor:.0f}"):
            for _ in range(turns):
                await asyncio.sleep(0)
                seen.add((slope(), cr.Variable(1.0, name="v").name))
        return seen, slope()

    async def main():
        return await asyncio.gather(work(5.0, 10), work(7.0, 7), work(9.0, 3))

    assert asyncio.run(main()) == [({(k, f"task{k:.0f}/v")}, 6.0) for k in (5.0, 7.0, 9.0)]


def test_tapes_in_interleaved_tasks(same):
    async def work(k):
        with cr.GradientTape() as tape:
            x = tape.watch(cr.tensor(k))
            y = x * x
            await asyncio.sleep(0)
            y = y * x
            await asyncio.sleep(0)
        return tape.gradient(y, x)

    async def main():
        return await asyncio.gather(*(work(float(k)) for k in range(1, 6)))

    same(asyncio.run(main()), [3.0 * k * k for k in range(1, 6)])


def test_a_task_inherits_what_is_in_force_where_it_starts():
    async def child():
        return slope()

    async def main():
        with cr.override_gradients({"square": lambda g, _y, _x: 100.0 * g}):
            task = asyncio.create_task(child())
        return await task, slope()

    assert asyncio.run(main()) == (100.0, 6.0)


def test_a_generator_run_to_its_end_inside_a_scope(same):
    def layers(x):
        for k in (1.0, 2.0, 3.0):
            with cr.name_scope(f"layer{k:.0f}"):
                x = x * k
            yield x

    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(2.0))
        *_, y = layers(x)
    assert [step.node for step in cr.explain_gradients(y, x).steps] == [f"layer{k}/multiply" for k in (3, 2, 1)]
    same(tape.gradient(y, x), 6.0)


def test_no_grad_as_a_decorator():
    @cr.no_grad()
    def constant(x):
        return x * x

    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(3.0))
        y = x * constant(x)
    assert tape.gradient(y, x).item() == 9.0
    assert constant(x).node is None


def test_name_scopes_nest():
    with cr.name_scope("model") as outer, cr.name_scope("layer/") as inner:
        assert (outer, inner) == ("model/", "model/layer/")
        with cr.GradientTape() as tape:
            x = tape.watch(cr.tensor(1.0))
            y = cr.sin(x)
    assert y.node.name == "model/layer/sin"
    del tape


def test_backends_are_restored_and_unknown_ones_named(backend):
    with (
        pytest.raises(cr.BackendError, match=r"use_backend: no backend 'pyton'; did you mean 'python'\?"),
        cr.use_backend("pyton"),
    ):
        raise AssertionError("the block was entered")
    for malformed in ("", " ", "python:", ":0", "py thon"):
        with pytest.raises(cr.BackendError, match="write NAME or NAME:DEVICE"), cr.use_backend(malformed):
            raise AssertionError("the block was entered")
    with (
        pytest.raises(cr.BackendError, match="backend 'python' has no device '7'; it has cpu"),
        cr.use_backend("python:7"),
    ):
        raise AssertionError("the block was entered")
    assert cr.get_backend() is backend
    with cr.use_backend(" Python:cpu "):
        assert cr.get_backend().name == "python"
    assert cr.get_backend() is backend
