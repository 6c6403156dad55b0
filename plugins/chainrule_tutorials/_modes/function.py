"""With a compiled function: a step is traced at its first call, and runs as one plan from then on."""

import chainrule as cr
from chainrule_optim import Optimizer
from chainrule_tutorials._modes._types import Batches, Floats, Report


def learn(batches: Batches, optimizer: Optimizer, report: Report) -> tuple[Floats, Floats]:
    """See `Learn`."""
    W = cr.Variable(cr.zeros((784, 10), dtype="float32"), name="W")
    b = cr.Variable(cr.zeros((10,), dtype="float32"), name="b")

    @cr.function
    def step(x: cr.Tensor, y: cr.Tensor) -> cr.Tensor:
        # The gradients and the assignments are in the plan: those of all variables take effect when it has run.
        return optimizer.minimize(lambda: cr.cross_entropy(x @ W + b, y), [W, b])

    for images, labels in batches:
        report(float(step(cr.tensor(images), cr.tensor(labels))))
    return W.numpy(), b.numpy()
