"""Softmax regression on the MNIST digits, with a graph and a session: the tutorial of TensorFlow 1.

Run it: python examples/mnist_graph.py
"""

import numpy as np

import chainrule as cr


def train(steps=1000, batch=100, learning_rate=0.5, seed=0):
    train_x, train_y, test_x, test_y = cr.datasets.mnist().flat("float32")
    rng = np.random.default_rng(seed)
    per_epoch = len(train_x) // batch

    with cr.Graph().as_default():
        # The model. Nothing is computed here: each line adds nodes to the graph.
        x = cr.placeholder("float32", [None, 784])
        W = cr.Variable(cr.zeros([784, 10], dtype="float32"))
        b = cr.Variable(cr.zeros([10], dtype="float32"))
        y = cr.matmul(x, W) + b

        # What is to be small, and what makes it smaller. `minimize` adds the nodes that compute the gradients (those
        # of `gradients/matmul_grad/` and so on) and the nodes that assign W and b.
        y_ = cr.placeholder("int64", [None])
        cross_entropy = cr.cross_entropy(y, y_)
        train_step = cr.optim.GradientDescent(learning_rate).minimize(cross_entropy)

        correct_prediction = cr.equal(cr.argmax(y, axis=1), y_)
        accuracy = cr.mean(cr.astype(correct_prediction, "float32"))

        with cr.Session() as sess:
            sess.run(cr.global_variables_initializer())
            for step in range(steps):
                if step % per_epoch == 0:  # a new epoch sees the images in a new order
                    order = rng.permutation(len(train_x))
                rows = order[step % per_epoch * batch :][:batch]
                sess.run(train_step, feed_dict={x: train_x[rows], y_: train_y[rows]})
            return sess.run((W, b, accuracy), feed_dict={x: test_x, y_: test_y})


if __name__ == "__main__":
    print(f"accuracy on the 10,000 test images: {train()[-1]:.4f}")
