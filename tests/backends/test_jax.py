"""What the backend `jax` promises beside the operations: whole programs under `jax.jit`, 64-bit numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule_array_api.jax
from chainrule._plan import Plan

jax = pytest.importorskip("jax", reason="JAX is not installed; pip install 'chainrule[jax]'")

X = np.random.default_rng(0).normal(size=(5, 4))


@pytest.fixture(autouse=True)
def _jax() -> Iterator[None]:
    with cr.use_backend("jax"):
        yield


def executor(f: Any, *arguments: Any) -> str:
    return cr.explain(f, *arguments).executors["plan"]


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(cr.BackendUnavailableError, match=r"JAX is not installed; pip install 'chainrule\[jax\]'"):
        chainrule_array_api.jax.backend()


def test_numbers_have_64_bits() -> None:
    assert cr.tensor(1.0).dtype == cr.float64
    assert jax.numpy.ones(1).dtype == np.float64


def test_gradients_are_those_of_jax() -> None:
    def loss(xp: Any, x: Any) -> Any:
        return xp.sum(xp.tanh(x) * xp.log1p(x * x))

    x = jax.numpy.asarray(X)
    gradient = cr.grad(lambda x: loss(cr, x))(x)
    assert isinstance(gradient, jax.Array)
    np.testing.assert_allclose(gradient, jax.grad(lambda x: loss(jax.numpy, x))(x), rtol=1e-12)


def test_arrays_stay_as_they_are() -> None:
    x = cr.tensor(X)
    cr.add_at(x, 0, 1.0), cr.set_at(x, ([0, 0], [1, 1]), 5.0)
    np.testing.assert_array_equal(x.numpy(), X)


def test_for_what_comes_from_the_host_nothing_is_compiled(caplog: pytest.LogCaptureFixture) -> None:
    with jax.log_compiles():
        for x in (X[1:, ::2], X.astype("float32").T, [1, 2, 3], 2.5):
            for dtype in (None, "float32", "complex64", "bfloat16"):
                cr.tensor(x, dtype=dtype)
        assert not [record for record in caplog.records if "Compiling" in record.getMessage()]
        cr.tensor(X[1:, ::2]) * 2.0
    assert [record for record in caplog.records if "Compiling" in record.getMessage()]


def test_the_first_device_of_a_kind_needs_no_number() -> None:
    with cr.use_backend("jax:cpu"):
        assert cr.tensor(1.0).device == "cpu:0"
    assert cr.tensor(1.0, device="cpu").device == "cpu:0"


def test_a_whole_program_is_traced_once_and_then_run_by_jax() -> None:
    calls = []

    @cr.op(lambda x: x, cr.NoGradient("for a test"))
    def doubled_for_test(xp: Any, x: Any, /) -> Any:
        """Twice x."""
        calls.append(x)
        return x + x

    f = cr.function(lambda x: cr.sum(doubled_for_test(cr.sin(x)) @ cr.matrix_transpose(x)))
    for _ in range(3):
        np.testing.assert_allclose(f(X), np.sum(2 * np.sin(X) @ X.T), rtol=1e-12)
    assert len(calls) == 1
    assert executor(f, X) == "jax.jit"


def test_gradients_of_compiled_functions_are_compiled() -> None:
    def f(x: Any) -> Any:
        return cr.sum(cr.logsumexp(x[[0, 1, 1]], axis=1) ** 2)

    expected = cr.grad(f)(X)
    assert executor(cr.grad(f), X) == "jax.jit"
    np.testing.assert_allclose(cr.function(cr.grad(f))(X), expected, rtol=1e-12)
    np.testing.assert_allclose(cr.grad(cr.function(f))(X), expected, rtol=1e-12)


def test_an_index_outside_is_an_error_of_compiled_programs_too() -> None:
    f = cr.function(lambda x, i: cr.sum(x[i]))
    assert executor(f, X, np.array([0])) == "jax.jit"
    np.testing.assert_allclose(f(X, np.array([0, -5])), 2 * X[0].sum())
    for wrong in ([0, 5], [-6, 0]):
        with pytest.raises(cr.IndexingError, match=r"getitem.*outside of an axis of length 5.*test_jax\.py"):
            f(X, np.array(wrong))
    losses = cr.function(cr.sparse_softmax_cross_entropy)
    with pytest.raises(cr.IndexingError, match="sparse_softmax_cross_entropy"):
        losses(X, np.array([0, 1, 2, 3, 4]))


def test_control_flow_is_pythons_and_what_it_holds_is_jaxs() -> None:
    def f(x: Any) -> Any:
        return cr.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * 2.0), (cr.tensor(0), x))[1]

    executors = cr.explain(f, X).executors
    assert executors["plan"].startswith("Python, because 'while_loop' holds programs")
    assert [how for name, how in executors.items() if name != "plan"] == ["jax.jit", "jax.jit"]
    np.testing.assert_array_equal(cr.function(f)(X), 8 * X)


def test_what_cannot_be_traced_is_pythons_with_the_reason() -> None:
    assert "because tracing raised ConcretizationTypeError" in executor(cr.nonzero, X)
    assert "'callback' has an effect" in executor(lambda x: cr.callback(lambda x: None, x), X)
    with cr.use_jit("off"):
        assert executor(cr.sum, X) == "Python, because the JIT is off"
    with cr.use_strict_math():
        assert "strict math" in executor(cr.sum, X)


def test_a_program_of_unknown_sizes_is_compiled_for_each_size() -> None:
    explanation = cr.explain(lambda x: cr.sum(x[x[:, 0] > 0.0]), cr.Spec((None, 4), "float64"))
    plan = Plan(explanation.stages["plan"], cr.get_backend())
    for rows in (5, 3, 5):
        x = X[:rows]
        (total,) = plan(jax.numpy.asarray(x))
        np.testing.assert_allclose(total, x[x[:, 0] > 0].sum(), rtol=1e-12)
    explanation = cr.explain(lambda x: cr.sum(x, axis=0), cr.Spec((None, 4), "float64"))
    plan = Plan(explanation.stages["plan"], cr.get_backend())
    assert plan.executor == "jax.jit"
    for rows in (5, 3):
        np.testing.assert_allclose(plan(jax.numpy.asarray(X[:rows]))[0], X[:rows].sum(0), rtol=1e-12)


def test_python_numbers_are_constants_of_what_is_compiled() -> None:
    f = cr.function(lambda x, s: x / s)
    for s in (*np.linspace(1.0, 2.0, 12).tolist(), 0.0, -0.0):
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(f(X.astype("float32"), s), X.astype("float32") / np.float32(s), rtol=1e-6)
    assert f(X.astype("float32"), 2.0).dtype == np.float32


def test_waiting_and_memory() -> None:
    backend = cr.get_backend()
    cr.sum(cr.tensor(X) @ cr.tensor(X.T))
    for device in (None, *backend.devices()):
        backend.synchronize(device)
        assert set(backend.memory(device)) <= {"total", "used", "peak"}
