"""A chain of 10,000 operations on one number, built, differentiated, compiled and run once: what compiling costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.chain import chain
from benchmarks.contest import Contest, Made

TRIPLES = 3333
OPERATIONS = 3 * TRIPLES + 1
START = np.float64(0.5)


def contest() -> Contest:
    """Value and derivative, from nothing to numbers; every step starts again from nothing."""
    return Contest(
        f"scalar chain of {OPERATIONS:,} operations, built, differentiated, compiled and run once",
        {
            "chainrule: session": session,
            "chainrule: function": function,
            "chainrule: eager": eager,
            "JAX: jit": jax_jit,
            "TensorFlow: session": tensorflow_session,
            "TensorFlow: function": tensorflow_function,
        },
        against=("JAX", "TensorFlow"),
    )


def _anew(compute: Callable[[], Sequence[Any]]) -> Made:
    """A step that computes all of it, and gives what the last one found."""
    found: Sequence[Any] = ()

    def step() -> None:
        nonlocal found
        found = compute()

    return step, lambda: [np.asarray(x) for x in found]


def session() -> Made:
    """A graph, its gradient, and a session that runs both."""
    import chainrule as cr

    def compute() -> Any:
        with cr.Graph().as_default() as graph:
            x = cr.placeholder("float64", (), name="x")
            y = chain(x, cr.sin, TRIPLES)
            (slope,) = cr.gradients(y, [x])
        return cr.Session(graph).run([y, slope], {x: START})

    return _anew(compute)


def function() -> Made:
    """A compiled function with the gradient in it."""
    import chainrule as cr

    return _anew(lambda: cr.function(cr.value_and_grad(partial(chain, sin=cr.sin, triples=TRIPLES)))(START))


def eager() -> Made:
    """Nothing compiled, for comparison."""
    import chainrule as cr

    return _anew(lambda: cr.value_and_grad(partial(chain, sin=cr.sin, triples=TRIPLES))(START))


def jax_jit() -> Made:
    """`jax.jit` of value and gradient."""
    jax: Any = import_module("jax")
    jax.config.update("jax_enable_x64", True)

    def compute() -> Any:
        return jax.block_until_ready(
            jax.jit(jax.value_and_grad(partial(chain, sin=jax.numpy.sin, triples=TRIPLES)))(START)
        )

    return _anew(compute)


def tensorflow_session() -> Made:
    """A graph, its gradient, and a session that runs both."""
    tf: Any = import_module("tensorflow")

    def compute() -> Any:
        with tf.Graph().as_default() as graph:
            x = tf.compat.v1.placeholder("float64", ())
            y = chain(x, tf.sin, TRIPLES)
            (slope,) = tf.gradients(y, [x])
        with tf.compat.v1.Session(graph=graph) as session:
            return session.run([y, slope], {x: START})

    return _anew(compute)


def tensorflow_function() -> Made:
    """`tf.function` with a tape in it."""
    tf: Any = import_module("tensorflow")

    def compute() -> Any:
        def both(x: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = chain(x, tf.sin, TRIPLES)
            return y, tape.gradient(y, x)

        return tf.function(both)(tf.constant(START))

    return _anew(compute)
