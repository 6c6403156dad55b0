"""A long chain of operations on one number, built, differentiated and freed: a cost for each that does not grow."""

from __future__ import annotations

from benchmarks.chain import operations
from benchmarks.contest import Contest
from benchmarks.scalar_chain import numpy_hand
from benchmarks.scalar_chain_eager import chainrule_eager


def contest(triples: int) -> Contest:
    """Value and derivative; every step starts again from nothing."""
    return Contest(
        f"deep chain of {operations(triples):,} operations, built, differentiated and freed",
        {
            "NumPy: by hand, Python floats": numpy_hand,
            "chainrule: eager": chainrule_eager,
        },
        inputs=(triples,),
        operations=operations(triples),
        tolerance=1e-6,  # the slope's errors add up along the chain
    )
