"""A thousand dependent operations on one number, value and gradient: what an operation costs, compiled and eager."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks import chain
from benchmarks.contender import Made, once
from benchmarks.contest import Contest
from benchmarks.ways import of_gradients

START = 0.5
TRIPLES = 333
EAGER = ("chainrule: eager", "autograd", "MyGrad", "advect", "PyTorch")


def compiled(triples: int = TRIPLES) -> Contest:
    """By what compiles."""
    return contest(f"compiled scalar chain of {chain.operations(triples):,} operations", False, triples)


def eager(triples: int = TRIPLES) -> Contest:
    """By what does not, or need not."""
    return contest(f"eager scalar chain of {chain.operations(triples):,} operations", True, triples)


def deep(triples: int) -> Contest:
    """A long chain, built, differentiated and freed: a cost for each operation that must not grow."""
    return contest(f"deep chain of {chain.operations(triples):,} operations, eager", True, triples)


def contest(title: str, eager: bool, triples: int) -> Contest:
    """Value and derivative."""
    ways = {name: way for name, way in of_gradients(partial(loss, triples), 1).items() if (name in EAGER) == eager}
    return Contest(
        f"{title}, value and gradient",
        {"NumPy: by hand, Python's floats": partial(numpy_hand, triples), **ways},
        inputs=(START,),
        operations=chain.operations(triples),
        tolerance=1e-6 if triples > TRIPLES else 1e-8,  # the slope's errors add up along the chain
    )


def loss(triples: int, xp: Any, x: Any) -> Any:
    """The chain."""
    return chain.forward(x, xp.sin, triples)


def numpy_hand(triples: int, x: float) -> Made:
    """`math` on Python's floats."""
    return once(lambda: chain.by_hand(x, triples))
