"""Steps of the tutorial's softmax regression, built once and run many times: small arrays.

Every step is fed the same batch as NumPy arrays and moves the parameters, wherever they live. JAX is timed also with
the batch where it wants it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.contender import Made, carried
from benchmarks.contest import Contest

RATE = 0.5
SHAPES = (784, 10), (10,)


def contest(batch: int = 100) -> Contest:
    """Whole steps from zero parameters; the parameters after ten."""
    from chainrule import datasets

    images, labels, *_ = datasets.mnist().flat("float32")
    return Contest(
        f"MNIST softmax training step, batch of {batch}, float32",
        {
            "NumPy: by hand": numpy_hand,
            "chainrule: session": chainrule_session,
            "chainrule: callable": chainrule_callable,
            "chainrule: function, variables and optimizer": chainrule_variables,
            "chainrule: function, arrays": chainrule_arrays,
            "chainrule without JIT: callable": chainrule_callable,
            "chainrule without JIT: function, arrays": chainrule_arrays,
            "chainrule: eager, arrays": chainrule_eager,
            "chainrule: eager, optimizer": chainrule_tape,
            "JAX: jit": jax_jit,
            "JAX: jit, donated": jax_donated,
            "JAX: jit, donated, batch on its device": jax_placed,
            "TensorFlow: session": tensorflow_session,
            "TensorFlow: callable": tensorflow_callable,
            "TensorFlow: function": tensorflow_function,
        },
        inputs=(images[:batch], labels[:batch]),
        steps=10,
        tolerance=1e-4,
        traced=True,
    )


def _zeros() -> list[Any]:
    return [np.zeros(shape, np.float32) for shape in SHAPES]


# NumPy


def numpy_hand(x: Any, y: Any) -> Made:
    """Of the mean cross-entropy, the slope by the scores is (softmax - one-hot) / n."""
    rate, n, rows = np.float32(RATE), np.float32(len(y)), np.arange(len(y))

    def step(W: Any, b: Any) -> Any:
        scores = x @ W + b
        slope = np.exp(scores - scores.max(axis=1, keepdims=True))
        slope /= slope.sum(axis=1, keepdims=True)
        slope[rows, y] -= 1
        slope /= n
        return W - rate * (x.T @ slope), b - rate * slope.sum(axis=0)

    return carried(step, _zeros())


# chainrule


def _graph() -> Any:
    """A session with zero parameters, what to run, what to feed, and the parameters."""
    import chainrule as cr

    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float32", (None, SHAPES[0][0]), name="x")
        y = cr.placeholder("int64", (None,), name="y")
        W, b = [cr.Variable(cr.zeros(shape, dtype="float32")) for shape in SHAPES]
        loss = cr.cross_entropy(x @ W + b, y)
        train = cr.group(cr.optim.GradientDescent(RATE).minimize(loss))  # without the loss itself
        started = cr.global_variables_initializer()
    session = cr.Session(graph)
    session.run(started)
    return session, train, (x, y), [W, b]


def chainrule_session(x: Any, y: Any) -> Made:
    """A graph with its gradients, and `Session.run`."""
    session, train, (x_fed, y_fed), parameters = _graph()
    return lambda: session.run(train, {x_fed: x, y_fed: y}), lambda: session.run(parameters)


def chainrule_callable(x: Any, y: Any) -> Made:
    """The same graph, and `Session.make_callable`."""
    session, train, fed, parameters = _graph()
    step = session.make_callable(train, fed)
    return lambda: step(x, y), lambda: session.run(parameters)


def chainrule_variables(x: Any, y: Any) -> Made:
    """A compiled function that changes variables, with an optimizer in it."""
    import chainrule as cr

    W, b = [cr.Variable(cr.zeros(shape, dtype="float32")) for shape in SHAPES]
    optimizer = cr.optim.GradientDescent(RATE)

    @cr.function
    def step(x: Any, y: Any) -> None:
        optimizer.minimize(lambda: cr.cross_entropy(x @ W + b, y))

    return lambda: step(x, y), lambda: [W.numpy(), b.numpy()]


def chainrule_tape(x: Any, y: Any) -> Made:
    """Variables and an optimizer, with nothing compiled."""
    import chainrule as cr

    W, b = [cr.Variable(cr.zeros(shape, dtype="float32")) for shape in SHAPES]
    optimizer = cr.optim.GradientDescent(RATE)
    x, y = cr.tensor(x), cr.tensor(y)
    return lambda: optimizer.minimize(lambda: cr.cross_entropy(x @ W + b, y)), lambda: [W.numpy(), b.numpy()]


def _step_of_arrays() -> Any:
    import chainrule as cr

    gradient = cr.grad(lambda W, b, x, y: cr.cross_entropy(x @ W + b, y), argnums=(0, 1))

    def step(W: Any, b: Any, x: Any, y: Any) -> Any:
        dW, db = gradient(W, b, x, y)
        return W - RATE * dW, b - RATE * db

    return step


def chainrule_arrays(x: Any, y: Any) -> Made:
    """A compiled function of arrays to arrays."""
    import chainrule as cr

    step = cr.function(_step_of_arrays())
    return carried(lambda W, b: step(W, b, x, y), _zeros())


def chainrule_eager(x: Any, y: Any) -> Made:
    """The same, with nothing compiled."""
    step = _step_of_arrays()
    return carried(lambda W, b: step(W, b, x, y), _zeros())


# JAX


def jax_jit(x: Any, y: Any) -> Made:
    """`jax.jit` of arrays to arrays."""
    return _jax(x, y)


def jax_donated(x: Any, y: Any) -> Made:
    """The same where JAX may write the new parameters over the old."""
    return _jax(x, y, donate_argnums=(0, 1))


def jax_placed(x: Any, y: Any) -> Made:
    """The same with a batch that is on JAX's device already."""
    jnp: Any = import_module("jax.numpy")
    return _jax(jnp.asarray(x), jnp.asarray(y), donate_argnums=(0, 1))


def _jax(x: Any, y: Any, **options: Any) -> Made:
    jax: Any = import_module("jax")
    jnp = jax.numpy

    def loss(W: Any, b: Any, x: Any, y: Any) -> Any:
        scores = x @ W + b
        picked = jnp.take_along_axis(scores, y[:, None], axis=1)[:, 0]
        return jnp.mean(jax.nn.logsumexp(scores, axis=1) - picked)

    def step(W: Any, b: Any, x: Any, y: Any) -> Any:
        dW, db = jax.grad(loss, argnums=(0, 1))(W, b, x, y)
        return W - RATE * dW, b - RATE * db

    compiled = jax.jit(step, **options)
    return carried(lambda W, b: jax.block_until_ready(compiled(W, b, x, y)), list(map(jnp.asarray, _zeros())))


# TensorFlow


def _tensorflow_graph() -> Any:
    """As `_graph`."""
    tf: Any = import_module("tensorflow")
    tf1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder("float32", (None, SHAPES[0][0]))
        y = tf1.placeholder("int64", (None,))
        W, b = [tf1.get_variable(name, initializer=value) for name, value in zip("Wb", _zeros(), strict=True)]
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, x @ W + b))
        train = tf1.train.GradientDescentOptimizer(RATE).minimize(loss)
        started = tf1.global_variables_initializer()
    session = tf1.Session(graph=graph)
    session.run(started)
    return session, train, [x, y], [W, b]


def tensorflow_session(x: Any, y: Any) -> Made:
    """A graph with its gradients, and `Session.run`."""
    session, train, (x_fed, y_fed), parameters = _tensorflow_graph()
    return lambda: session.run(train, {x_fed: x, y_fed: y}), lambda: session.run(parameters)


def tensorflow_callable(x: Any, y: Any) -> Made:
    """The same graph, and `Session.make_callable`."""
    session, train, fed, parameters = _tensorflow_graph()
    step = session.make_callable(train, feed_list=fed)
    return lambda: step(x, y), lambda: session.run(parameters)


def tensorflow_function(x: Any, y: Any) -> Made:
    """`tf.function` that changes variables."""
    tf: Any = import_module("tensorflow")
    W, b = map(tf.Variable, _zeros())

    def step(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, x @ W + b))
        dW, db = tape.gradient(loss, [W, b])
        W.assign_sub(RATE * dW)
        b.assign_sub(RATE * db)

    compiled = tf.function(step)
    return lambda: compiled(x, y), lambda: [W.numpy(), b.numpy()]
