"""The package as chainrule sees it: operations, a namespace, and kernels for NumPy, which they import when they run."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import chainrule as cr
import chainrule_nn
from chainrule import ops


def test_what_is_registered() -> None:
    assert cr.nn is chainrule_nn
    registered = cr.plugins()["nn"].registered
    assert {"nn.conv", "nn.conv_transpose", "nn.max_pool", "nn.avg_pool"} <= set(registered["ops"])
    assert all(hasattr(ops, name) for name in registered["ops"])
    assert getattr(ops, "nn.conv") is cr.nn.conv
    assert not hasattr(cr, "conv")


def test_no_array_library_is_imported() -> None:
    program = "import sys, chainrule_nn.plugin\nassert not {'numpy', 'scipy', 'cupy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_public_functions_are_documented() -> None:
    for name in chainrule_nn.__all__:
        function = getattr(chainrule_nn, name)
        assert function.__name__ == name
        assert inspect.getdoc(function)
    page = (Path(__file__).parents[3] / "docs" / "reference" / "operations" / "nn.md").read_text()
    assert [name for name in chainrule_nn.__all__ if not re.search(rf"^\| `{name}\b", page, re.MULTILINE)] == []
    assert list(inspect.signature(cr.nn.conv2d).parameters)[:3] == ["x", "w", "strides"]
    assert "conv" in str(cr.nn.conv2d.__doc__)
