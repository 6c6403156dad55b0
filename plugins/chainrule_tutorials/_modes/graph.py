"""With a graph and a session, as in TensorFlow 1: build all of it first, then run it."""

import chainrule as cr
from chainrule_optim import Optimizer
from chainrule_tutorials._modes._types import Batches, Floats, Report


def learn(batches: Batches, optimizer: Optimizer, report: Report) -> tuple[Floats, Floats]:
    """See `Learn`."""
    with cr.Graph().as_default():
        x = cr.placeholder("float32", (None, 784), name="x")
        y = cr.placeholder("int64", (None,), name="y")
        W = cr.Variable(cr.zeros((784, 10), dtype="float32"), name="W")
        b = cr.Variable(cr.zeros((10,), dtype="float32"), name="b")
        loss = cr.cross_entropy(x @ W + b, y)
        # Nothing has been computed yet. This adds to the graph the operations that compute the gradients, and those
        # that assign the variables.
        train_step = optimizer.minimize(loss)
        with cr.Session() as session:
            session.run(cr.global_variables_initializer())
            for images, labels in batches:
                report(float(session.run(train_step, feed_dict={x: images, y: labels})))
            weights, biases = session.run([W, b])
            return cr.tensor(weights).numpy(), cr.tensor(biases).numpy()
