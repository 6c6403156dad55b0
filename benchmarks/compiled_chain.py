"""A chain of 10,000 operations on one number, built, differentiated, compiled and run once: what compiling costs."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks import chain
from benchmarks.contender import Made, Way, once
from benchmarks.contest import Contest
from benchmarks.scalar_chain import EAGER, START, loss, numpy_hand
from benchmarks.ways import of_gradients


def contest(triples: int = 3_333) -> Contest:
    """Value and derivative, from nothing to numbers; every step starts again from nothing."""
    ways = {name: way for name, way in of_gradients(partial(loss, triples), 1).items() if name not in EAGER}
    return Contest(
        f"scalar chain of {chain.operations(triples):,} operations, built, differentiated, compiled and run once",
        {
            "NumPy: by hand, Python's floats": partial(numpy_hand, triples),
            **{name: partial(anew, way) for name, way in ways.items()},
        },
        inputs=(START,),
        operations=chain.operations(triples),
        tolerance=1e-6,
    )


def anew(way: Way, *arguments: Any) -> Made:
    """All that a way does before its first step, and that step."""

    def compute() -> Any:
        step, results = way(*arguments)
        step()
        return results()

    return once(compute)
