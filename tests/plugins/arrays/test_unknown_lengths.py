"""Functions that are made of others, and ask for lengths, in graphs whose lengths come when they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

# Ours, NumPy's, the shape that the graph knows of the argument, and that which it then knows of the result.
CASES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], Any, Any]] = {
    "pad": (lambda x: cr.pad(x, (2, 1), "reflect"), lambda x: np.pad(x, (2, 1), "reflect"), (None,), (None,)),
    "cross": (lambda x: cr.cross(x, x[::-1] ** 2), lambda x: np.cross(x, x[::-1] ** 2), (None, 3), (None, 3)),
    "vectors of unknown length": (lambda x: cr.cross(x, x**2), lambda x: np.cross(x, x**2), (2, None), None),
    "linalg.cross": (lambda x: cr.linalg.cross(x, x**2), lambda x: np.cross(x, x**2), (2, None), (2, 3)),
    "polyval": (lambda x: cr.polyval(x, x), lambda x: np.polyval(x, x), (None,), (None,)),
    "unwrap": (lambda x: cr.unwrap(4.0 * x), lambda x: np.unwrap(4.0 * x), (None,), (None,)),
    "gradient": (np.gradient, np.gradient, (None,), (None,)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_graph_of_unknown_lengths(name: str) -> None:
    ours, numpys, shape, known = CASES[name]
    lengths = (3,) if shape == (2, None) else (3, 5)
    with cr.Graph().as_default():
        x = cr.placeholder("float64", shape)
        y = ours(x)
        (slope,) = cr.gradients(cr.sum(y**2), [x])
        assert y.shape == known
        session = cr.Session()
        for length in lengths:
            value = np.random.default_rng(length).normal(size=[n or length for n in shape])
            got, gradient = session.run([y, slope], {x: value})
            np.testing.assert_allclose(got, numpys(value), rtol=1e-12)
            step = 1e-6
            for place in np.ndindex(value.shape):
                e = np.zeros_like(value)
                e[place] = step
                difference = (np.sum(numpys(value + e) ** 2) - np.sum(numpys(value - e) ** 2)) / (2 * step)
                assert gradient[place] == pytest.approx(difference, rel=1e-6, abs=1e-6)


def test_a_length_that_turns_out_not_to_fit() -> None:
    with cr.Graph().as_default():
        x = cr.placeholder("float64", (2, None))
        y = cr.linalg.cross(x, x)
        with pytest.raises(cr.ShapeError):
            cr.Session().run(y, {x: np.ones((2, 4))})


def test_ramps_keep_the_dtype() -> None:
    x = np.ones(3, "float32")
    assert cr.pad(cr.tensor(x), 2, "linear_ramp").dtype == "float32"
