"""Strict math and the JIT's mode: where they come from, how far they reach, and what is compiled again for them."""

from __future__ import annotations

import math
import threading

import pytest

import chainrule as cr
from chainrule import _registry, _settings
from chainrule._graph import Instruction
from chainrule._owner import USER
from chainrule._passes import passes
from chainrule._program import Program


@pytest.fixture(autouse=True)
def as_by_default(monkeypatch):
    monkeypatch.delenv("CHAINRULE_STRICT_MATH", raising=False)
    monkeypatch.delenv("CHAINRULE_JIT", raising=False)
    forget()
    yield
    monkeypatch.undo()
    forget()


def forget():
    cr.set_strict_math(None)
    cr.set_jit(None)


def test_defaults():
    assert _settings.plan_settings() == (False, "auto")
    assert cr.jit_mode() == "auto"


def test_the_environment_then_what_was_set_then_the_scope(monkeypatch):
    monkeypatch.setenv("CHAINRULE_STRICT_MATH", "1")
    monkeypatch.setenv("CHAINRULE_JIT", " OFF ")
    forget()
    assert _settings.plan_settings() == (True, "off")
    cr.set_strict_math(False)
    cr.set_jit("always")
    assert _settings.plan_settings() == (False, "always")
    with cr.use_strict_math(), cr.use_jit("auto"):
        assert _settings.plan_settings() == (True, "auto")
        with cr.use_strict_math(False):
            assert _settings.plan_settings() == (False, "auto")
            cr.set_jit("off")
            assert cr.jit_mode() == "auto"
    assert _settings.plan_settings() == (False, "off")
    forget()
    assert _settings.plan_settings() == (True, "off")


@pytest.mark.parametrize(("given", "meant"), [("0", "off"), ("1", "always"), ("Auto", "auto"), ("off", "off")])
def test_ways_to_write_the_mode(given, meant, monkeypatch):
    with cr.use_jit(given):
        assert cr.jit_mode() == meant
    monkeypatch.setenv("CHAINRULE_JIT", given)
    forget()
    assert cr.jit_mode() == meant


@pytest.mark.parametrize("wrong", ["", "on", "yes", "2", 1])
def test_a_wrong_mode_is_named_and_changes_nothing(wrong):
    cr.set_jit("off")
    for function in (cr.set_jit, lambda mode: cr.use_jit(mode).__enter__()):
        with pytest.raises(cr.ArgumentError, match=r"(set|use)_jit: expected 'auto', 'always' .* got "):
            function(wrong)
    assert cr.jit_mode() == "off"
    with pytest.raises(cr.ArgumentError, match="did you mean 'always'"):
        cr.set_jit("allways")


@pytest.mark.parametrize("wrong", ["on", 1, "0"])
def test_a_wrong_switch_is_named_and_changes_nothing(wrong):
    cr.set_strict_math(True)
    for function in (cr.set_strict_math, lambda strict: cr.use_strict_math(strict).__enter__()):
        with pytest.raises(cr.ArgumentError, match=r"(set|use)_strict_math: expected True or False, got "):
            function(wrong)
    assert _settings.strict_math()


@pytest.mark.parametrize("variable", ["CHAINRULE_STRICT_MATH", "CHAINRULE_JIT"])
def test_a_wrong_environment_stops_what_is_compiled(variable, monkeypatch):
    monkeypatch.setenv(variable, "2")
    forget()
    with pytest.raises(cr.ArgumentError, match=rf"{variable}: expected .* got '2'"):
        cr.function(cr.sin)(1.0)
    assert float(cr.sin(cr.tensor(0.0))) == 0.0, "eager code does not ask"


def test_scopes_reach_no_other_thread():
    seen = []
    with cr.use_strict_math(), cr.use_jit("off"):
        thread = threading.Thread(target=lambda: seen.append(_settings.plan_settings()))
        thread.start()
        thread.join()
    assert seen == [(False, "auto")]


# What is compiled under them: a pass stands in for fusion, which computes cos for sin unless told not to


@pytest.fixture
def fast_sin(backend):
    cosine = _registry.find_op("cos")

    def fast(program, backend):
        if _settings.strict_math():
            return program
        if all(i.op.name != "sin" for i in program.instructions):
            return program
        body = [
            Instruction(cosine, i.inputs, i.attributes, i.outputs, i.node) if i.op.name == "sin" else i
            for i in program.instructions
        ]
        return Program(program.inputs, program.outputs, body)

    _registry.passes.register("fast", fast, USER)
    yield
    _registry.passes.discard("fast")


STRICT, FAST = math.sin(1.0), math.cos(1.0)


def test_passes_that_change_bits_are_left_out():
    with cr.use_strict_math(False):
        assert {"simplification", "dead_code"} <= passes().keys()
    with cr.use_strict_math():
        exact = ["dead_code", "decomposition", "constant_folding", "common_subexpressions", "loop_residuals"]
        assert list(passes()) == exact


@pytest.mark.usefixtures("fast_sin")
def test_a_function_is_compiled_for_each_mode_once(array):
    f = cr.function(lambda x: cr.sin(x))
    one = array([1.0])

    def value():
        return float(f(one)[0])

    assert value() == pytest.approx(FAST)
    with cr.use_strict_math():
        assert value() == pytest.approx(STRICT)
        with cr.use_strict_math(False):
            assert value() == pytest.approx(FAST)
    cr.set_strict_math(True)
    assert value() == pytest.approx(STRICT)
    cr.set_strict_math(False)
    assert value() == pytest.approx(FAST)
    assert f.traces == 2
    with cr.use_jit("off"):
        assert value() == pytest.approx(FAST)
    assert f.traces == 3


@pytest.mark.usefixtures("fast_sin")
def test_a_session_and_its_callables_compile_for_each_mode(array):
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (1,), name="x")
        y = cr.sin(x)
    with cr.Session(graph) as session:
        call = session.make_callable(y, [x])
        for run in (lambda: session.run(y, {x: array([1.0])}), lambda: call(array([1.0]))):
            assert float(run()[0]) == pytest.approx(FAST)
            with cr.use_strict_math():
                assert float(run()[0]) == pytest.approx(STRICT)
            cr.set_strict_math(True)
            assert float(run()[0]) == pytest.approx(STRICT)
            cr.set_strict_math(None)
            assert float(run()[0]) == pytest.approx(FAST)


@pytest.mark.usefixtures("fast_sin")
def test_a_gradient_is_computed_in_the_mode_of_its_call(array):
    f = cr.function(lambda x: cr.sum(cr.cos(x)))  # whose gradient is -sin
    for strict, expected in ((False, -FAST), (True, -STRICT)):
        with cr.GradientTape(persistent=True) as tape:
            x = tape.watch(cr.tensor(array([1.0])))
            with cr.use_strict_math(strict):
                y = f(x)
        for _ in range(2):
            assert float(tape.gradient(y, x).numpy()[0]) == pytest.approx(expected)


@pytest.mark.usefixtures("fast_sin")
def test_bodies_of_loops_are_compiled_in_the_mode_too(array):
    f = cr.function(lambda x: cr.fori_loop(0, 1, lambda i, y: cr.sin(y), x))
    assert float(f(array([1.0]))[0]) == pytest.approx(FAST)
    with cr.use_strict_math():
        assert float(f(array([1.0]))[0]) == pytest.approx(STRICT)
