"""The installed distribution, through chainrule's public names alone."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest
from chainrule_huber._samples import SAMPLES

import chainrule as cr
from chainrule_testing import check_op

X = np.array([-3.0, -1.5, -0.25, 0.0, 0.5, 0.75, 2.0])


def closed_form(x: np.ndarray, delta: float) -> np.ndarray:
    return np.where(abs(x) <= delta, x**2 / 2, delta * (abs(x) - delta / 2))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python *arguments`, with environment variables."""
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env={**os.environ, **environment}
    )


@pytest.mark.parametrize("delta", [0.5, 1.0, 10.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values(delta: float, dtype: str) -> None:
    y = cr.huber(X.astype(dtype), delta=delta)
    assert str(y.dtype) == dtype
    np.testing.assert_allclose(y.numpy(), closed_form(X, delta), rtol=1e-6)


def test_the_operation_is_right_on_every_backend_at_hand() -> None:
    """Shape rule, kernels, gradients of both orders, dtypes, graphs and compiled functions."""
    report = check_op(cr.huber, SAMPLES["huber"])
    assert "numpy" in report.backends
    assert not report.refused


def test_second_derivative_is_one_inside_and_zero_outside() -> None:
    second = [cr.grad(cr.grad(cr.huber))(float(x)) for x in X]
    assert second == [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0]


def test_the_kernel_for_numpy_is_the_one_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    from chainrule_huber import plugin

    assert cr.huber.op.kernels[cr.get_backend()] is plugin.huber_numpy
    monkeypatch.setitem(cr.huber.op.kernels, cr.get_backend(), lambda x, delta: x * 0 + 42)
    assert cr.huber(1.0) == 42.0


def test_generic_kernel_agrees_with_the_one_for_numpy() -> None:
    from chainrule_huber import plugin

    for delta in (0.5, 1.0, 10.0):
        np.testing.assert_allclose(cr.huber.op.kernel(np, X, delta), plugin.huber_numpy(X, delta=delta), rtol=1e-15)


def test_function_and_namespace() -> None:
    assert cr.robust.huber_loss is cr.huber_loss
    assert float(cr.huber_loss(X, 0.0)) == pytest.approx(closed_form(X, 1.0).mean())
    # three values at 0 and one far off: 3 m = delta
    assert cr.robust.location([0, 0, 0, 100]) == pytest.approx(1 / 3)
    assert cr.robust.location([0, 0, 0, 100], delta=3.0) == pytest.approx(1.0)
    with pytest.raises(cr.ArgumentError, match="location: expected at least one value"):
        cr.robust.location([])


@pytest.mark.parametrize("name", ["sign", "round", "floor"])
def test_straight_through(name: str) -> None:
    function = getattr(cr, name)
    assert cr.grad(function)(1.3) == 0.0
    with cr.override_gradients("straight_through"):
        assert cr.grad(function)(1.3) == 1.0
    assert cr.grad(function)(1.3) == 0.0


def test_straight_through_from_the_environment() -> None:
    program = "import chainrule as cr; print(cr.grad(cr.round)(1.3))"
    assert run("-c", program).stdout == "0.0\n"
    assert run("-c", program, CHAINRULE_OVERRIDES="straight_through").stdout == "1.0\n"


def test_named_gradient_overrides_abs() -> None:
    assert cr.grad(cr.abs)(0.25) == 1.0
    with cr.override_gradients({"abs": "huber_abs"}):
        assert cr.grad(cr.abs)(0.25) == 0.25
    with cr.override_gradients("smooth_abs"):
        assert cr.grad(cr.abs)(-4.0) == -1.0


def test_explanations_name_this_distribution() -> None:
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(2.0))
        with cr.override_gradients("straight_through"):
            y = cr.round(cr.huber(x))
    steps = cr.explain_gradients(y, x).steps
    assert [(s.op, s.override, s.plugin, s.distribution, s.version) for s in steps] == [
        ("round", True, "huber", "chainrule-huber", version("chainrule-huber")),
        ("huber", False, "huber", "chainrule-huber", version("chainrule-huber")),
    ]


def test_command() -> None:
    done = run("-m", "chainrule", "huber", "0", "0", "0", "100")
    assert (done.returncode, done.stdout) == (0, "mean 25, robust mean 0.333333\n")
    assert run("-m", "chainrule", "huber").returncode == 2


def test_info_reports_what_is_registered() -> None:
    report = run("-m", "chainrule", "info").stdout
    start = report.index(f"huber (chainrule-huber {version('chainrule-huber')}, chainrule_huber.plugin): loaded")
    for line in ("1 op: huber", "1 kernel: numpy:huber", "2 override sets: smooth_abs, straight_through"):
        assert line in report[start:]
    assert "straight_through passes gradients through sign, round and floor" in report[start:]


def test_disabled_by_name() -> None:
    done = run("-c", "import chainrule as cr; cr.huber", CHAINRULE_DISABLE_PLUGINS="huber")
    assert "plugin 'huber' (chainrule-huber 1.0.0) is disabled by CHAINRULE_DISABLE_PLUGINS" in done.stderr


def test_importing_the_package_first_works() -> None:
    assert run("-c", "import chainrule_huber as h, chainrule as cr; assert h.huber is cr.huber").returncode == 0


def test_loading_imports_no_array_library() -> None:
    program = "import sys, chainrule as cr; cr.plugins(), cr.huber; sys.exit('numpy' in sys.modules)"
    assert run("-c", program).returncode == 0
