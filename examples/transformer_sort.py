"""A transformer of two blocks that learns to sort: digits in, the same digits in order out.

Run it: python examples/transformer_sort.py
"""

import numpy as np

import chainrule as cr

LENGTH, DIGITS, FEATURES = 10, 10, 32


class Block(cr.nn.Module):
    """Attention, then two layers for each position, both on normalised values and added to what came in."""

    def __init__(self, features, heads, seed):
        self.attention_norm, self.layers_norm = (cr.nn.LayerNorm(features, dtype="float32") for _ in range(2))
        self.attention = cr.nn.MultiHeadAttention(features, heads, seed=seed, dtype="float32")
        self.layers = cr.nn.Sequential(
            cr.nn.Linear(features, 4 * features, seed=seed, dtype="float32"),
            cr.nn.gelu,
            cr.nn.Linear(4 * features, features, seed=seed, dtype="float32"),
        )

    def __call__(self, x):
        x = x + self.attention(self.attention_norm(x))
        return x + self.layers(self.layers_norm(x))


class Sorter(cr.nn.Module):
    """For each position a score for each digit."""

    def __init__(self, seed):
        self.digits = cr.nn.Embedding(DIGITS, FEATURES, seed=seed, dtype="float32")
        self.positions = cr.Variable(cr.nn.normal((LENGTH, FEATURES), seed, "float32", 0.1), name="positions")
        self.blocks = cr.nn.Sequential(*(Block(FEATURES, 2, seed) for _ in range(2)))
        self.scores = cr.nn.Linear(FEATURES, DIGITS, seed=seed, dtype="float32")

    def __call__(self, digits):
        return self.scores(self.blocks(self.digits(digits) + self.positions))


def train(steps=600, batch=64, seed=0):
    rng = np.random.default_rng(seed)
    model, optimizer = Sorter(rng), cr.optim.Adam(lambda step: 3e-3 * (1 - step / steps))

    @cr.function
    def step(digits, ordered):
        return optimizer.minimize(lambda: cr.nn.cross_entropy(model(digits), ordered))

    def draw(n):
        digits = rng.integers(0, DIGITS, (n, LENGTH))
        return digits, np.sort(digits, axis=1)

    losses = [float(step(*draw(batch))) for _ in range(steps)]
    digits, ordered = draw(500)
    found = np.asarray(cr.argmax(model(digits), axis=-1))
    return losses, np.mean(found == ordered), np.mean(np.all(found == ordered, axis=1))


if __name__ == "__main__":
    losses, right, all_right = train()
    print(f"loss: {losses[0]:.2f} at first, {losses[-1]:.3f} at last")
    print(f"in place: {right:.1%} of the digits, all of them in {all_right:.1%} of 500 new sequences")
