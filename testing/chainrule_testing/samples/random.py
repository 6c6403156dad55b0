"""Samples of random numbers. What is drawn from a state is compared with NumPy's generator at that state."""

from __future__ import annotations

from typing import Any

import numpy as np

import chainrule as cr
from chainrule_testing._samples import Samples, case

Array = Any
STATES = (np.array([11, -5, 0]), np.array([-1, 96, 7]))


def generator(state: Array) -> np.random.Generator:
    """NumPy's generator at a state: a key of two words, and the last word of the counter."""
    words = [int(word) % 2**64 for word in state]
    return np.random.Generator(np.random.Philox(key=words[0] + (words[1] << 64), counter=words[2] << 192))


def _drawn(name: str, **options: Any) -> Samples:
    """The samples of a draw without parameters, by the name of NumPy's function."""

    def reference(state: Array, shape: Any, dtype: str) -> Array:
        own = {"dtype": dtype} if dtype == "float32" and name in ("random", "standard_normal") else {}
        own = {"dtype": dtype} if dtype == "float32" and name == "standard_exponential" else own
        return getattr(generator(state), name)(size=shape, **own).astype(dtype)

    shapes = ((), (3,), (2, 0), (2, 1, 3))
    cases = [case(STATES[i % 2], shape=shape, dtype=cr.float64) for i, shape in enumerate(shapes)]
    return Samples(reference, [*cases, case(STATES[0], shape=(4,), dtype=cr.float32)], **options)


SAMPLES: dict[str, Samples] = {
    "random.next_state": Samples(lambda s: np.add(s, [0, 0, 1]), [case(state) for state in STATES]),
    "random.permutation": Samples(
        lambda state, shape, dtype: generator(state).permutation(shape[0]),
        [case(STATES[0], shape=(n,), dtype=cr.int64) for n in (0, 1, 6)],
    ),
    "random.standard_cauchy": _drawn("standard_cauchy"),
    "random.standard_exponential": _drawn("standard_exponential"),
    "random.standard_gumbel": _drawn("gumbel"),
    "random.standard_laplace": _drawn("laplace"),
    "random.standard_logistic": _drawn("logistic"),
    "random.standard_normal": _drawn("standard_normal"),
    "random.standard_uniform": _drawn("random"),
}
