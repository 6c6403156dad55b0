"""The package as chainrule sees it: operations with samples, a namespace, documentation, nothing imported early."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import chainrule as cr
import chainrule_random
from chainrule_testing.samples.random import SAMPLES

PAGE = Path(__file__).parents[3] / "docs/reference/random.md"


def test_what_is_registered() -> None:
    assert cr.random is chainrule_random
    assert set(cr.plugins()["random"].registered["ops"]) == set(SAMPLES)


def test_no_array_library_is_imported() -> None:
    program = "import sys, chainrule_random.plugin\nassert not {'numpy', 'scipy', 'cupy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_public_functions_are_documented() -> None:
    named = set(re.findall(r"(\w+)[(`]", PAGE.read_text(encoding="utf-8")))
    for name in chainrule_random.__all__:
        assert inspect.getdoc(getattr(chainrule_random, name))
        assert name in named, name


def test_the_modules_functions_are_the_methods_of_generators() -> None:
    for name in set(chainrule_random.__all__) - {"Generator", "default_generator", "seed"}:
        assert getattr(chainrule_random, name).__wrapped__ is getattr(chainrule_random.Generator, name)
