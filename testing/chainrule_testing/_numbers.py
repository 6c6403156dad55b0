"""Finite differences of references, random directions, and how near two arrays have to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = Any
STEP = 1e-3  # the stencil is of fourth order: its error is near 1e-12, that of rounding near 1e-13
STENCIL = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))
# How far a result may be off, relative to its largest element, by the dtype it was computed in.
TOLERANCES = {"float64": 1e-12, "complex128": 1e-12, "float32": 1e-5, "complex64": 1e-5, "float16": 1e-2}
TOLERANCES["bfloat16"] = 0.1


def random_like(y: Array, seed: int) -> Array:
    """An array of a shape, complex where that is, with no element near 0."""
    rng = np.random.default_rng(seed)
    drawn = rng.uniform(0.5, 1.5, np.shape(y)) * rng.choice([-1.0, 1.0], np.shape(y))
    if np.iscomplexobj(y):
        drawn = drawn + 1j * rng.uniform(0.5, 1.5, np.shape(y))
    return np.asarray(drawn)


def inner(a: Array, b: Array) -> float:
    """The real inner product."""
    return float(np.sum(np.real(np.conj(a) * b)))


def along(f: Callable[[Sequence[Array]], Any], xs: Sequence[Array], ds: Sequence[Array]) -> Any:
    """The derivative of `f` along a direction, by finite differences."""
    terms = [
        weight / STEP * np.asarray(f([x + steps * STEP * d for x, d in zip(xs, ds, strict=True)]))
        for steps, weight in STENCIL
    ]
    return sum(terms[1:], terms[0])


def gradients(f: Callable[[Sequence[Array]], float], xs: Sequence[Array]) -> list[Array]:
    """The gradient of a real `f`; for a complex element the direction of steepest ascent."""
    found = []
    for n, x in enumerate(xs):
        gradient = np.zeros(x.shape, x.dtype)
        for place in np.ndindex(x.shape):
            for direction in (1.0, 1j) if x.dtype.kind == "c" else (1.0,):
                for steps, weight in STENCIL:
                    moved = x.copy()
                    moved[place] += steps * STEP * direction
                    gradient[place] += direction * weight / STEP * f([*xs[:n], moved, *xs[n + 1 :]])
        found.append(gradient)
    return found


def assert_near(got: Any, want: Any, tolerance: float, what: str, floor: float = 1e-10) -> None:
    """Two arrays have the same shape and differ by no more than a part of the largest element."""
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        raise AssertionError(f"{what}: shape {got.shape}, expected {want.shape}")
    if not want.size:
        return
    if want.dtype.kind == "b":
        assert_equal(got, want, what)
        return
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    if same.all():
        return
    with np.errstate(all="ignore"):
        error = float(np.max(np.where(same, 0.0, np.abs(got - want))))
        scale = float(np.max(np.where(np.isfinite(want), np.abs(want), 0.0)))
    if not error <= tolerance * scale + floor:
        raise AssertionError(f"{what}: off by {error:.3g} of {scale:.3g}\ngot {got}\nexpected {want}")


def assert_equal(got: Any, want: Any, what: str) -> None:
    """Two arrays are the same."""
    if not np.array_equal(got, want):
        raise AssertionError(f"{what}:\ngot {got}\nexpected {want}")
