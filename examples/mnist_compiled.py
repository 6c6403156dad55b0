"""Softmax regression on the MNIST digits, with a compiled step: `mnist_tape.py` and one line more.

Run it: python examples/mnist_compiled.py
"""

import numpy as np

import chainrule as cr


def train(steps=1000, batch=100, learning_rate=0.5, seed=0):
    train_x, train_y, test_x, test_y = cr.datasets.mnist().flat("float32")
    rng = np.random.default_rng(seed)
    per_epoch = len(train_x) // batch

    W = cr.Variable(cr.zeros((784, 10), dtype="float32"))
    b = cr.Variable(cr.zeros((10,), dtype="float32"))

    # The line. The first call runs the Python code below with tensors that have no values, and keeps the operations;
    # from then on a call runs those as one plan. To see it: print(cr.explain(step, x, y))
    @cr.function
    def step(x, y):
        with cr.GradientTape() as tape:
            loss = cr.cross_entropy(x @ W + b, y)
        # The gradients are operations like any other, and so in the plan.
        dW, db = tape.gradient(loss, [W, b])
        # Both variables get their new values at the end of the call.
        W.assign_sub(learning_rate * dW)
        b.assign_sub(learning_rate * db)
        return loss

    for i in range(steps):
        if i % per_epoch == 0:  # a new epoch sees the images in a new order
            order = rng.permutation(len(train_x))
        rows = order[i % per_epoch * batch :][:batch]
        step(train_x[rows], train_y[rows])

    digits = cr.argmax(cr.tensor(test_x) @ W + b, axis=1)
    accuracy = np.mean(digits.numpy() == test_y)
    return W.numpy(), b.numpy(), accuracy


if __name__ == "__main__":
    print(f"accuracy on the 10,000 test images: {train()[-1]:.4f}")
