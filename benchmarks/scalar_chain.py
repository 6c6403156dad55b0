"""A thousand dependent operations on one number, value and gradient: what a compiled operation costs."""

from __future__ import annotations

from functools import partial

from benchmarks.chain import by_hand, chain, operations
from benchmarks.contender import Made, once
from benchmarks.contest import Contest

START = 0.5


def contest(triples: int = 333) -> Contest:
    """Value and derivative, compiled before."""
    return Contest(
        f"scalar chain of {operations(triples):,} operations, compiled, value and gradient",
        {
            "NumPy: by hand, Python floats": numpy_hand,
            "chainrule: function": chainrule_function,
            "chainrule: session": chainrule_session,
            "chainrule without JIT: function": chainrule_function,
        },
        inputs=(triples,),
        operations=operations(triples),
    )


def numpy_hand(triples: int) -> Made:
    """`math` on Python's floats."""
    return once(lambda: by_hand(START, triples))


def chainrule_function(triples: int) -> Made:
    """A compiled function with the gradient in it."""
    import chainrule as cr

    both = cr.function(cr.value_and_grad(partial(chain, sin=cr.sin, triples=triples)))
    return once(lambda: both(START))


def chainrule_session(triples: int) -> Made:
    """A graph, its gradient, and a callable that runs both."""
    import chainrule as cr

    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (), name="x")
        y = chain(x, cr.sin, triples)
        (slope,) = cr.gradients(y, [x])
    run = cr.Session(graph).make_callable([y, slope], [x])
    return once(lambda: run(START))
