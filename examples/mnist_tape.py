"""Softmax regression on the MNIST digits, with a tape.

Run it: python examples/mnist_tape.py
"""

import numpy as np

import chainrule as cr


def train(steps=1000, batch=100, learning_rate=0.5, seed=0):
    train_x, train_y, test_x, test_y = cr.datasets.mnist().flat("float32")
    rng = np.random.default_rng(seed)
    per_epoch = len(train_x) // batch

    # The model is `x @ W + b`: a score for each of the ten digits. Variables are what training changes.
    W = cr.Variable(cr.zeros((784, 10), dtype="float32"))
    b = cr.Variable(cr.zeros((10,), dtype="float32"))

    for step in range(steps):
        if step % per_epoch == 0:  # a new epoch sees the images in a new order
            order = rng.permutation(len(train_x))
        rows = order[step % per_epoch * batch :][:batch]
        x, y = cr.tensor(train_x[rows]), cr.tensor(train_y[rows])

        # Inside the block every operation that depends on a variable is recorded, with its inputs.
        with cr.GradientTape() as tape:
            loss = cr.cross_entropy(x @ W + b, y)

        # Here the gradients come from: the tape is walked backwards from the loss, and each operation's own gradient
        # definition turns the cotangent of its result into those of its inputs (for `x @ W`: `x.T @ cotangent`).
        # To see which definitions those are: print(cr.explain_gradients(loss, W))
        dW, db = tape.gradient(loss, [W, b])

        # Gradient descent: a small step downhill.
        W.assign_sub(learning_rate * dW)
        b.assign_sub(learning_rate * db)

    digits = cr.argmax(cr.tensor(test_x) @ W + b, axis=1)
    accuracy = np.mean(digits.numpy() == test_y)
    return W.numpy(), b.numpy(), accuracy


if __name__ == "__main__":
    print(f"accuracy on the 10,000 test images: {train()[-1]:.4f}")
