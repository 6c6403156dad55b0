"""A small convolutional network on the MNIST digits: about 98.5 % right, in about a minute.

Run it: python examples/mnist_cnn.py [steps] [seed]
"""

import sys
from functools import partial

import numpy as np

import chainrule as cr


def parameters(rng):
    """Two convolutions of 3x3 pixels and a dense layer; each with its biases."""
    shapes = {"conv1": (3, 3, 1, 16), "conv2": (3, 3, 16, 32), "dense": (7 * 7 * 32, 10)}
    return {
        name: (cr.Variable(cr.nn.he_normal(shape, rng, "float32")), cr.Variable(cr.zeros(shape[-1:], dtype="float32")))
        for name, shape in shapes.items()
    }


def scores(network, x):
    """For each image a score for each of the ten digits."""
    for name in ("conv1", "conv2"):
        w, b = network[name]
        x = cr.relu(cr.nn.conv2d(x, w, padding="SAME") + b)  # as many pixels as before, more channels
        x = cr.nn.max_pool2d(x)  # the largest of each 2x2 pixels: 28x28, 14x14, 7x7
    return cr.nn.dense(cr.nn.flatten(x), *network["dense"])


def loss(network, x, y):
    """How surprised the network is by the right answers, on average."""
    return cr.cross_entropy(scores(network, x), y)


def train(steps=2000, seed=0, batch=64, learning_rate=0.002):
    train_x, train_y, test_x, test_y = cr.datasets.mnist().flat("float32")
    train_x, test_x = train_x.reshape(-1, 28, 28, 1), test_x.reshape(-1, 28, 28, 1)  # images of one channel
    rng = np.random.default_rng(seed)
    network = parameters(rng)
    optimizer = cr.optim.Adam(lambda step: learning_rate * (1 - step / steps))
    per_epoch = len(train_x) // batch
    losses = []

    for step in range(steps):
        if step % per_epoch == 0:  # a new epoch sees the images in a new order
            order = rng.permutation(len(train_x))
        rows = order[step % per_epoch * batch :][:batch]
        x, y = cr.tensor(train_x[rows]), cr.tensor(train_y[rows])
        # `minimize` runs the loss, which records its operations, walks them backwards, and changes the variables.
        # Of `conv2d`, the gradients are a transposed convolution and the operation `conv_weight_gradient`.
        losses.append(float(optimizer.minimize(partial(loss, network, x, y))))

    digits = [
        cr.argmax(scores(network, cr.tensor(test_x[i : i + 1000])), axis=1).numpy() for i in range(0, len(test_x), 1000)
    ]
    return losses, np.mean(np.concatenate(digits) == test_y)


def main(steps=2000, seed=0):
    _, accuracy = train(steps, seed)
    print(f"accuracy on the 10,000 test images: {accuracy:.4f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
