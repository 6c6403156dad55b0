"""Subclasses of NumPy's array: those that compute something else are refused, the others are taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

WAYS: dict[str, Callable[[Any], Any]] = {
    "tensor": cr.tensor,
    "as_tensor": cr.as_tensor,
    "variable": cr.Variable,
    "operation": lambda x: cr.exp(x),
    "operation beside a tensor": lambda x: cr.sum(cr.tensor([1.0, 2.0]) * x),
    "gradient": lambda x: cr.grad(lambda x: cr.sum(x * x))(x),
    "compiled function": lambda x: cr.function(lambda x: x * 2.0)(x),
    "feed": lambda x: fed(x),  # defined below
}


def fed(x: Any) -> Any:
    with cr.Graph().as_default():
        held = cr.placeholder("float64")
        return cr.Session().run(held * 2.0, {held: x})


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_those_that_compute_something_else_are_refused(way: Callable[[Any], Any]) -> None:
    with pytest.raises(
        cr.DTypeError, match=r"a MaskedArray cannot be a tensor; fill what is missing, x\.filled\(value\)"
    ):
        way(np.ma.array([1.0, 2.0], mask=[False, True]))
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0, 2.0]])
    with pytest.raises(cr.DTypeError, match=r"a matrix cannot be a tensor; make an array of it, numpy\.asarray\(x\)"):
        way(matrix)


def test_others_are_taken() -> None:
    class Named(np.ndarray):
        pass

    x = np.array([1.0, 2.0]).view(Named)
    np.testing.assert_array_equal(cr.grad(lambda x: cr.sum(x * x))(x), [2.0, 4.0])
