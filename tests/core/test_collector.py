"""The collector of cycles while something records: its thresholds come back, whatever happens."""

import gc
import threading

import pytest

import chainrule as cr
from chainrule import _registry


@pytest.fixture(autouse=True)
def thresholds():
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def full(x):
    """What is in force, seen from inside of a function that is differentiated."""
    seen.append(gc.get_threshold())
    return x * x


seen = []


def test_full_passes_are_rarer_while_a_function_is_recorded():
    seen.clear()
    cr.grad(cr.grad(full))(3.0)
    assert seen == [(700, 10, 500)]
    assert gc.get_threshold() == (700, 10, 10)


def test_they_come_back_after_an_error():
    def fails(x):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cr.grad(fails)(3.0)
    assert gc.get_threshold() == (700, 10, 10)


def test_tapes_nest():
    with cr.GradientTape() as outer:
        x = outer.watch(cr.tensor(3.0))
        with cr.GradientTape() as inner:
            inner.watch(x)
            y = x * x
        assert gc.get_threshold() == (700, 10, 500)
        (g,) = inner.gradient(y, [x])
    assert gc.get_threshold() == (700, 10, 10)
    assert float(outer.gradient(g, x)) == 2.0


def test_a_tape_that_a_gradient_ends():
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(3.0))
        tape.gradient(x * x, x)
        assert gc.get_threshold() == (700, 10, 10)
    assert gc.get_threshold() == (700, 10, 10)


def test_what_a_program_sets_meanwhile_stays():
    with cr.GradientTape():
        gc.set_threshold(500, 5, 5)
    assert gc.get_threshold() == (500, 5, 5)


def test_threads_end_in_any_order():
    first, second = threading.Event(), threading.Event()

    def record():
        with cr.GradientTape():
            first.set()
            second.wait(10)

    thread = threading.Thread(target=record)
    with cr.GradientTape():
        thread.start()
        assert first.wait(10)
    assert gc.get_threshold() == (700, 10, 500)
    second.set()
    thread.join()
    assert gc.get_threshold() == (700, 10, 10)


def test_a_collector_that_is_off_stays_off():
    gc.disable()
    try:
        cr.grad(full)(3.0)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_function_that_is_traced():
    seen.clear()
    f = cr.function(full)
    f(3.0)
    assert seen == [(700, 10, 500)]
    assert gc.get_threshold() == (700, 10, 10)


def test_a_program_that_is_compiled():
    found = []

    def looking(program, backend):
        found.append(gc.get_threshold())
        return program

    class Plugin:
        @cr.hookimpl
        def chainrule_passes():
            return {"looking": looking}

    cr.register_plugin(Plugin, "test_collector")
    try:
        assert float(cr.function(lambda x: x * 3.0)(2.0)) == 6.0
    finally:
        _registry.passes.discard("looking")
    assert set(found) == {(700, 10, 500)}
    assert gc.get_threshold() == (700, 10, 10)


def test_gradients_in_a_graph():
    found = []

    def derivative(g, _y, x):
        found.append(gc.get_threshold())
        return g * 2.0 * x

    with cr.Graph().as_default(), cr.override_gradients({"square": derivative}):
        x = cr.placeholder("float64", ())
        cr.gradients(cr.square(x), x)
    assert found == [(700, 10, 500)]
    assert gc.get_threshold() == (700, 10, 10)
