"""A multilayer perceptron on the MNIST digits: about 98.5 % right, in about a minute.

Run it: python examples/mnist_mlp.py [steps] [seed]
"""

import sys
from functools import partial
from itertools import pairwise

import numpy as np

import chainrule as cr


def layers(sizes, rng):
    """Weights and biases from each layer to the next."""
    return [
        (cr.Variable(cr.nn.he_normal((n, m), rng, "float32")), cr.Variable(cr.zeros((m,), dtype="float32")))
        for n, m in pairwise(sizes)
    ]


def scores(network, x):
    """For each image a score for each of the ten digits."""
    *hidden, last = network
    for w, b in hidden:
        x = cr.relu(cr.nn.dense(x, w, b))
    return cr.nn.dense(x, *last)


def loss(network, x, y):
    """How surprised the network is by the right answers, on average."""
    return cr.cross_entropy(scores(network, x), y)


def train(steps=6000, seed=0, batch=100, learning_rate=0.001):
    train_x, train_y, test_x, test_y = cr.datasets.mnist().flat("float32")
    rng = np.random.default_rng(seed)
    network = layers((784, 512, 256, 10), rng)
    optimizer = cr.optim.Adam(lambda step: learning_rate * (1 - step / steps))
    per_epoch = len(train_x) // batch
    losses = []

    for step in range(steps):
        if step % per_epoch == 0:  # a new epoch sees the images in a new order
            order = rng.permutation(len(train_x))
        rows = order[step % per_epoch * batch :][:batch]
        # A digit is the same digit one pixel further on. Shifted at random, no image is seen twice in quite the same
        # place, and the network cannot learn them by heart.
        shift = rng.integers(-1, 2, size=2)
        images = np.roll(train_x[rows].reshape(-1, 28, 28), shift, axis=(1, 2))
        x, y = cr.tensor(images.reshape(-1, 784)), cr.tensor(train_y[rows])
        # `minimize` runs the loss, which records its operations, walks them backwards, and changes the variables.
        losses.append(float(optimizer.minimize(partial(loss, network, x, y))))

    digits = cr.argmax(scores(network, cr.tensor(test_x)), axis=1)
    return losses, np.mean(digits.numpy() == test_y)


def main(steps=6000, seed=0):
    _, accuracy = train(steps, seed)
    print(f"accuracy on the 10,000 test images: {accuracy:.4f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
