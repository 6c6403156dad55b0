"""Every function of NumPy that takes arrays has a counterpart for tensors, or a reason and what to write instead."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import _registry
from chainrule._plugins import load_plugins
from chainrule_arrays._numpy_refused import REFUSED

load_plugins()
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "numpy-functions.md"


def names() -> list[str]:
    """What NumPy hands over: its ufuncs, and the functions that dispatch on their arguments."""
    found = set()
    for module in (np, np.linalg, np.fft):
        for name in module.__all__:
            function = getattr(module, name)
            if isinstance(function, np.ufunc) and function.__name__ not in found:
                found.add(function.__name__)
            elif callable(function) and hasattr(function, "_implementation"):
                inner = function.__module__.partition(".")[2]
                found.add(f"{inner}.{function.__name__}" if inner else function.__name__)
    return sorted(found)


NAMES = names()


def test_numpy_has_functions() -> None:
    assert {"sin", "interp", "linalg.solve", "fft.rfft", "nanquantile"} <= set(NAMES)
    assert len(NAMES) > 300


@pytest.mark.parametrize("name", NAMES)
def test_a_function_is_supported_or_refused_with_advice(name: str) -> None:
    tables = (_registry.numpy_functions, _registry.ops, _registry.functions)
    assert any(table.find(name) is not None for table in tables), f"np.{name} is unknown"


def test_no_refusal_is_of_what_is_supported() -> None:
    supported = {name for name in REFUSED if name in _registry.ops or name in _registry.functions}
    assert supported == {"save"}  # cr.save is another function than np.save
    assert set(REFUSED) <= set(NAMES)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refusal_says_why_and_what_to_write(name: str) -> None:
    why, instead = REFUSED[name]
    with pytest.raises(cr.MissingKernelError, match=f"np.{name} has no counterpart") as caught:
        _registry.numpy_functions.find(name)(cr.tensor([1.0]))  # type: ignore[misc]  # it is there
    assert why in str(caught.value)
    assert instead in str(caught.value)


def test_what_refusals_say_to_write_exists() -> None:
    text = " ".join(instead for _, instead in REFUSED.values())
    for dotted in re.findall(r"\bcr\.(\w+(?:\.\w+)*)", text):
        found: Any = cr
        for part in dotted.split("."):
            found = getattr(found, part)


def test_the_page_lists_all_of_them() -> None:
    listed = set(re.findall(r"`([\w.]+)`", PAGE.read_text()))
    assert not set(NAMES) - listed
