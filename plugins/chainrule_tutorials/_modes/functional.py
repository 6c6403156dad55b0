"""With functions alone: the gradient is a function made of the loss, and a step gives new parameters for old ones."""

import chainrule as cr
from chainrule_optim import Optimizer
from chainrule_tutorials._modes._types import Batches, Floats, Report

Parameters = dict[str, cr.Tensor]


def _loss(parameters: Parameters, x: cr.Tensor, y: cr.Tensor) -> cr.Tensor:
    loss: cr.Tensor = cr.cross_entropy(x @ parameters["W"] + parameters["b"], y)
    return loss


_loss_and_gradient = cr.value_and_grad(_loss)


def learn(batches: Batches, optimizer: Optimizer, report: Report) -> tuple[Floats, Floats]:
    """See `Learn`. An optimizer's rule is a function too: what it keeps goes in and comes out."""
    parameters = {"W": cr.zeros((784, 10), dtype="float32"), "b": cr.zeros((10,), dtype="float32")}
    kept = {name: optimizer.create_slots(value) for name, value in parameters.items()}
    for step, (images, labels) in enumerate(batches, 1):
        loss, gradient = _loss_and_gradient(parameters, cr.tensor(images), cr.tensor(labels))
        moved = {
            name: optimizer.update(gradient[name], value, kept[name], optimizer.learning_rate, step)
            for name, value in parameters.items()
        }
        parameters = {name: value for name, (value, _) in moved.items()}
        kept = {name: dict(slots) for name, (_, slots) in moved.items()}
        report(float(loss))
    return parameters["W"].numpy(), parameters["b"].numpy()
