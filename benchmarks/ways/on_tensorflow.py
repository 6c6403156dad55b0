"""TensorFlow: graphs with sessions as in its first version, and `tf.function`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.contender import Made, once
from benchmarks.optimizers import Optimizer, Sgd
from benchmarks.ways.loss import Loss, Namespace, namespace, unrolled


def _namespace() -> Namespace:
    tf: Any = import_module("tensorflow")
    return namespace(
        tf,
        matvec=tf.linalg.matvec,
        log=tf.math.log,
        sum=tf.reduce_sum,
        mean=tf.reduce_mean,
        erf=tf.math.erf,
        relu=tf.nn.relu,
        softplus=tf.math.softplus,
        softmax=tf.nn.softmax,
        cross_entropy=lambda scores, labels: tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores)
        ),
        take=tf.gather,
        conv=lambda x, w: tf.nn.conv2d(x, w, 1, "SAME"),
        max_pool=lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"),
        scan=lambda step, carried, xs: tf.stack(unrolled(step, carried, tf.unstack(xs))),
    )


def _placeholders(arguments: Sequence[Any]) -> list[Any]:
    tf: Any = import_module("tensorflow")
    return [tf.compat.v1.placeholder(each.dtype, each.shape) for each in map(np.asarray, arguments)]


def callable_of_session(loss: Loss, count: int, *arguments: Any) -> Made:
    """A graph with its gradients, and `Session.make_callable`."""
    tf: Any = import_module("tensorflow")
    with tf.Graph().as_default() as graph:
        fed = _placeholders(arguments)
        value = loss(_namespace(), *fed)
        fetched = [value, *tf.gradients(value, fed[:count])]
    run = tf.compat.v1.Session(graph=graph).make_callable(fetched, fed)
    return once(lambda: run(*arguments))


def function(loss: Loss, count: int, *arguments: Any) -> Made:
    """`tf.function` with a tape in it."""
    tf: Any = import_module("tensorflow")
    xp, constants = _namespace(), [tf.constant(each) for each in map(np.asarray, arguments)]

    def both(*arguments: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(arguments[:count])
            value = loss(xp, *arguments)
        return value, *tape.gradient(value, arguments[:count])

    compiled = tf.function(both)
    return once(lambda: compiled(*constants))


def training_callable(loss: Loss, count: int, optimizer: Optimizer, *arguments: Any) -> Made:
    """A graph with an optimizer, and `Session.make_callable`."""
    tf: Any = import_module("tensorflow")
    tf1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        parameters = [tf1.get_variable(f"w{i}", initializer=each) for i, each in enumerate(arguments[:count])]
        fed = _placeholders(arguments[count:])
        value = loss(_namespace(), *parameters, *fed)
        if isinstance(optimizer, Sgd):
            chosen = tf1.train.GradientDescentOptimizer(optimizer.rate)
        else:
            chosen = tf1.train.AdamOptimizer(optimizer.rate, optimizer.beta1, optimizer.beta2, optimizer.epsilon)
        train = chosen.minimize(value)
        started = tf1.global_variables_initializer()
    session = tf1.Session(graph=graph)
    session.run(started)
    step, batch = session.make_callable(train, feed_list=fed), arguments[count:]
    return lambda: step(*batch), lambda: session.run(parameters)


def training_function(loss: Loss, count: int, optimizer: Optimizer, *arguments: Any) -> Made:
    """`tf.function` that changes variables by TensorFlow's own kernels of optimizers."""
    tf: Any = import_module("tensorflow")
    xp, parameters = _namespace(), [tf.Variable(each) for each in arguments[:count]]
    ms, vs = [[tf.Variable(tf.zeros_like(each)) for each in parameters] for _ in range(2)]
    steps = tf.Variable(0.0)
    batch = [tf.constant(each) for each in arguments[count:]]

    def sgd(parameter: Any, gradient: Any) -> None:
        if isinstance(gradient, tf.IndexedSlices):
            parameter.scatter_sub(tf.IndexedSlices(optimizer.rate * gradient.values, gradient.indices))
        else:
            tf.raw_ops.ResourceApplyGradientDescent(var=parameter.handle, alpha=optimizer.rate, delta=gradient)

    def adam(parameter: Any, m: Any, v: Any, gradient: Any) -> None:
        assert not isinstance(optimizer, Sgd)
        tf.raw_ops.ResourceApplyAdam(
            var=parameter.handle,
            m=m.handle,
            v=v.handle,
            beta1_power=optimizer.beta1**steps,
            beta2_power=optimizer.beta2**steps,
            lr=optimizer.rate,
            beta1=optimizer.beta1,
            beta2=optimizer.beta2,
            epsilon=optimizer.epsilon,
            grad=gradient,
        )

    def step(*batch: Any) -> None:
        with tf.GradientTape() as tape:
            value = loss(xp, *parameters, *batch)
        found = tape.gradient(value, parameters)
        steps.assign_add(1.0)
        for parameter, m, v, gradient in zip(parameters, ms, vs, found, strict=True):
            if isinstance(optimizer, Sgd):
                sgd(parameter, gradient)
            else:
                adam(parameter, m, v, gradient)

    compiled = tf.function(step)
    return lambda: compiled(*batch), lambda: [each.numpy() for each in parameters]


def hvp(loss: Loss, *arguments: Any) -> Made:
    """`tf.function` with a tape in a forward accumulator."""
    tf: Any = import_module("tensorflow")
    xp, constants = _namespace(), [tf.constant(each) for each in arguments]

    def product(w: Any, v: Any, *rest: Any) -> Any:
        with tf.autodiff.ForwardAccumulator(w, v) as forward:
            with tf.GradientTape() as tape:
                tape.watch(w)
                value = loss(xp, w, *rest)
            slope = tape.gradient(value, w)
        return forward.jvp(slope)

    compiled = tf.function(product)
    return once(lambda: [compiled(*constants)])
