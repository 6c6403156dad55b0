"""A chain of 10,000 operations on one number, built, differentiated, compiled and run once: what compiling costs."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.chain import chain, operations
from benchmarks.contender import Made, once
from benchmarks.contest import Contest
from benchmarks.scalar_chain import numpy_hand

START = np.float64(0.5)


def contest(triples: int = 3_333) -> Contest:
    """Value and derivative, from nothing to numbers; every step starts again from nothing."""
    return Contest(
        f"scalar chain of {operations(triples):,} operations, built, differentiated, compiled and run once",
        {
            "NumPy: by hand, Python floats": numpy_hand,
            "chainrule: session": chainrule_session,
            "chainrule: function": chainrule_function,
            "chainrule without JIT: function": chainrule_function,
            "JAX: jit": jax_jit,
            "TensorFlow: session": tensorflow_session,
            "TensorFlow: function": tensorflow_function,
        },
        inputs=(triples,),
        operations=operations(triples),
    )


def chainrule_session(triples: int) -> Made:
    """A graph, its gradient, and a session that runs both."""
    import chainrule as cr

    def compute() -> Any:
        with cr.Graph().as_default() as graph:
            x = cr.placeholder("float64", (), name="x")
            y = chain(x, cr.sin, triples)
            (slope,) = cr.gradients(y, [x])
        return cr.Session(graph).run([y, slope], {x: START})

    return once(compute)


def chainrule_function(triples: int) -> Made:
    """A compiled function with the gradient in it."""
    import chainrule as cr

    return once(lambda: cr.function(cr.value_and_grad(partial(chain, sin=cr.sin, triples=triples)))(START))


def jax_jit(triples: int) -> Made:
    """`jax.jit` of value and gradient."""
    jax: Any = import_module("jax")
    jax.config.update("jax_enable_x64", True)

    def compute() -> Any:
        return jax.block_until_ready(
            jax.jit(jax.value_and_grad(partial(chain, sin=jax.numpy.sin, triples=triples)))(START)
        )

    return once(compute)


def tensorflow_session(triples: int) -> Made:
    """A graph, its gradient, and a session that runs both."""
    tf: Any = import_module("tensorflow")

    def compute() -> Any:
        with tf.Graph().as_default() as graph:
            x = tf.compat.v1.placeholder("float64", ())
            y = chain(x, tf.sin, triples)
            (slope,) = tf.gradients(y, [x])
        with tf.compat.v1.Session(graph=graph) as session:
            return session.run([y, slope], {x: START})

    return once(compute)


def tensorflow_function(triples: int) -> Made:
    """`tf.function` with a tape in it."""
    tf: Any = import_module("tensorflow")

    def compute() -> Any:
        def both(x: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = chain(x, tf.sin, triples)
            return y, tape.gradient(y, x)

        return tf.function(both)(tf.constant(START))

    return once(compute)
