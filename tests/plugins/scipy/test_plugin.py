"""The package as chainrule sees it: a hook, a namespace, and no SciPy before a solver is asked for."""

import subprocess
import sys

import numpy as np
import pytest

import chainrule as cr
import chainrule_scipy
from chainrule_scipy.plugin import chainrule_namespaces


def test_hook_names_the_package() -> None:
    assert chainrule_namespaces() == {"scipy": chainrule_scipy.__name__}
    assert cr.scipy is chainrule_scipy


def test_plugin_loads_without_numpy_and_scipy() -> None:
    program = (
        "import sys, chainrule_scipy.plugin\n"
        "assert not {'numpy', 'scipy'} & set(sys.modules)\n"
        "chainrule_scipy.minimize\n"
        "assert 'scipy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_public_names() -> None:
    assert chainrule_scipy.__all__ == ["minimize"]
    assert "minimize" in dir(chainrule_scipy)
    with pytest.raises(AttributeError, match=r"^module 'chainrule_scipy' has no attribute 'root'; it has minimize$"):
        chainrule_scipy.root  # type: ignore[attr-defined]  # noqa: B018  # the missing name is the test


def test_a_function_that_would_cut_the_gradient_says_what_to_do() -> None:
    from scipy import stats

    with pytest.raises(cr.TrackedValueError, match=r"SCIPY_ARRAY_API=1 is .* before SciPy .* cr\.special"):
        cr.grad(lambda x: cr.sum(stats.norm.logpdf(x)))(np.ones(3))
