"""Softmax regression on the MNIST digits, with functions alone: no variable, no tape, nothing that changes.

Run it: python examples/mnist_functional.py
"""

import numpy as np

import chainrule as cr


def scores(parameters, x):
    """For each image a score for each of the ten digits."""
    return x @ parameters["W"] + parameters["b"]


def loss(parameters, x, y):
    """How surprised the model is by the right answers, on average."""
    return cr.cross_entropy(scores(parameters, x), y)


# Here the gradients come from: a function that runs `loss`, records its operations, and walks them backwards through
# their gradient definitions. The gradient has the structure of the first argument: {"W": ..., "b": ...}.
loss_and_gradient = cr.value_and_grad(loss)


def train(steps=1000, batch=100, learning_rate=0.5, seed=0):
    train_x, train_y, test_x, test_y = cr.datasets.mnist().flat("float32")
    rng = np.random.default_rng(seed)
    per_epoch = len(train_x) // batch
    parameters = {"W": cr.zeros((784, 10), dtype="float32"), "b": cr.zeros((10,), dtype="float32")}

    for step in range(steps):
        if step % per_epoch == 0:  # a new epoch sees the images in a new order
            order = rng.permutation(len(train_x))
        rows = order[step % per_epoch * batch :][:batch]
        _, gradient = loss_and_gradient(parameters, cr.tensor(train_x[rows]), cr.tensor(train_y[rows]))
        # Gradient descent: the next parameters are a small step downhill from these.
        parameters = {name: value - learning_rate * gradient[name] for name, value in parameters.items()}

    digits = cr.argmax(scores(parameters, cr.tensor(test_x)), axis=1)
    accuracy = np.mean(digits.numpy() == test_y)
    return parameters["W"].numpy(), parameters["b"].numpy(), accuracy


if __name__ == "__main__":
    print(f"accuracy on the 10,000 test images: {train()[-1]:.4f}")
