"""With a tape: each operation runs when it is called, and the tape records it."""

import chainrule as cr
from chainrule_optim import Optimizer
from chainrule_tutorials._modes._types import Batches, Floats, Report


def learn(batches: Batches, optimizer: Optimizer, report: Report) -> tuple[Floats, Floats]:
    """See `Learn`."""
    W = cr.Variable(cr.zeros((784, 10), dtype="float32"), name="W")
    b = cr.Variable(cr.zeros((10,), dtype="float32"), name="b")
    for images, labels in batches:
        x, y = cr.tensor(images), cr.tensor(labels)
        with cr.GradientTape() as tape:
            loss = cr.cross_entropy(x @ W + b, y)
        # No gradient is passed in: the tape has the operations that made the loss, and they are walked backwards.
        optimizer.minimize(loss, [W, b], tape=tape)
        report(float(loss))
    return W.numpy(), b.numpy()
