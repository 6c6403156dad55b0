"""The package as chainrule sees it: operations with samples, a namespace, documentation, nothing imported early."""

from __future__ import annotations

import inspect
import subprocess
import sys

import chainrule as cr
import chainrule_random
from chainrule_testing.samples.random import SAMPLES


def test_what_is_registered() -> None:
    assert cr.random is chainrule_random
    assert set(cr.plugins()["random"].registered["ops"]) == set(SAMPLES)


def test_no_array_library_is_imported() -> None:
    program = "import sys, chainrule_random.plugin\nassert not {'numpy', 'scipy', 'cupy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_public_functions_are_documented() -> None:
    for name in chainrule_random.__all__:
        assert inspect.getdoc(getattr(chainrule_random, name)), name
    assert str(inspect.signature(chainrule_random.permutation)) == "(x: 'Any', axis: 'int' = 0) -> 'Tensor'"


def test_the_modules_functions_are_the_methods_of_generators() -> None:
    for name in set(chainrule_random.__all__) - {"Generator", "default_generator", "seed"}:
        assert getattr(chainrule_random, name).__wrapped__ is getattr(chainrule_random.Generator, name)
