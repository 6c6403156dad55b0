"""A thousand dependent operations on one number: what recording an operation and walking back over it costs."""

from __future__ import annotations

from functools import partial

from benchmarks.chain import chain, operations
from benchmarks.contender import Made, once
from benchmarks.contest import Contest
from benchmarks.scalar_chain import START, numpy_hand


def contest(triples: int = 333) -> Contest:
    """Value and derivative, with nothing compiled."""
    return Contest(
        f"scalar chain of {operations(triples):,} operations, eager, value and gradient",
        {
            "NumPy: by hand, Python floats": numpy_hand,
            "chainrule: eager": chainrule_eager,
        },
        inputs=(triples,),
        operations=operations(triples),
    )


def chainrule_eager(triples: int) -> Made:
    """`cr.value_and_grad`."""
    import chainrule as cr

    both = cr.value_and_grad(partial(chain, sin=cr.sin, triples=triples))
    return once(lambda: both(START))
