"""What is compiled, what is not and why, and other machines than this one."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule_numpy import _jit
from chainrule_numpy._jit import _kernel, _machine, _math, _nest, _operations, _values


def test_llvmlite_is_not_imported_before_it_is_used():
    code = "import sys, chainrule as cr; from chainrule_numpy import _jit; cr.sin(1.0); _jit.why_not();"
    code += "print('llvmlite' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_what_to_install(monkeypatch):
    _jit.why_not.cache_clear()
    monkeypatch.setattr(_jit, "find_spec", lambda name: None)
    try:
        assert _jit.why_not() == "llvmlite is not installed: pip install 'chainrule[jit]'"
    finally:
        _jit.why_not.cache_clear()


def test_the_library_of_vector_functions_is_named(monkeypatch):
    assert _jit.vector_math().startswith(("libmvec.so.1", "one number at a time"))
    monkeypatch.setattr(_math, "_vector_library", lambda: None)
    assert _jit.vector_math().startswith("one number at a time: there is no libmvec.so.1")


REFUSED = {
    "complex": (lambda x: x * 2.0, np.ones(3, "D")),
    "half": (lambda x: x * 2.0, np.ones(3, "e")),
    "small integers": (lambda x: x + 1, np.ones(3, np.int8)),
    "a sort": (cr.sort, np.ones(3)),
    "rounding to decimals": (lambda x: cr.round(x, decimals=1), np.ones(3)),
    "an index": (lambda x: cr.ops.scatter_add(x, key=((None, None, 2),), shape=(6,)), np.ones(3)),
    "a power of an integer": (lambda x: x**x, np.ones(3, int)),
    "a number too large": (lambda x: x + 2**40, np.ones(3, np.int32)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_compiled(what, region):
    function, x = REFUSED[what]
    made = region(function, x)
    if what != "a number too large":
        assert not all(map(_jit.takes, made.program.instructions))
    assert _jit.compile(made) is None


def test_an_empty_space_is_not_compiled(region):
    assert _jit.compile(region(lambda x: x * 2.0, np.ones((0, 3)))) is None


MACHINES = {"avx2": (256, "db"), "sse": (128, "b"), "no vector library": (256, ""), "narrow, no library": (128, "")}


@pytest.mark.parametrize("machine", MACHINES)
def test_other_machines(machine, monkeypatch, region):
    bits, x86 = MACHINES[machine]
    if not set(x86) <= set(_machine.host().x86):
        pytest.skip("this processor has no such vectors")
    there = _machine.host()._replace(bits=bits, fma=bits > 128, x86=x86)
    for module in (_nest, _operations, _values):
        monkeypatch.setattr(module, "host", lambda: there)
    monkeypatch.setattr(_kernel, "_kernels", type(_kernel._kernels)())
    random = np.random.default_rng(0)
    for dtype in (np.float64, np.float32):
        x = random.normal(size=(13, 21)).astype(dtype)

        def f(x):
            e = cr.exp(x - cr.max(x, axis=1, keepdims=True))
            y = e / cr.sum(e, axis=1, keepdims=True)
            return y, cr.sum(y * cr.sin(x), axis=0), cr.pow(cr.abs(x), e), cr.astype(x, "float32") * 2, x > 0

        e = np.exp(x - x.max(1, keepdims=True))
        y = e / e.sum(1, keepdims=True)
        wanted = (y, (y * np.sin(x)).sum(0), np.power(abs(x), e), x.astype("f") * 2, x > 0)
        for got, w in zip(_jit.compile(region(f, x))(x), wanted, strict=True):
            np.testing.assert_allclose(got, w, rtol=1e-12 if dtype is np.float64 else 1e-4, atol=1e-6)
