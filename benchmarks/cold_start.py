"""Fresh processes: what an import takes, and the time to a first gradient."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from functools import partial

from benchmarks.contender import Made, once
from benchmarks.contest import Contest

IMPORTS = {
    "NumPy": "import numpy",
    "chainrule": "import chainrule",
    "autograd": "import autograd.numpy",
    "MyGrad": "import mygrad",
    "advect": "import advect",
    "JAX": "import jax",
    "PyTorch": "import torch",
    "TensorFlow": "import tensorflow",
}
_DATA = """
import numpy as np
x = (np.arange(78400) % 1009 / 1009).astype("float32").reshape(100, 784)
y, W = np.arange(100) ** 2 % 10, np.zeros((784, 10), "float32")
"""
_GRADIENTS = {
    "NumPy": """
scores = x @ W
p = np.exp(scores - scores.max(axis=1, keepdims=True))
p /= p.sum(axis=1, keepdims=True)
p[np.arange(100), y] -= 1
g = x.T @ p / np.float32(100)
""",
    "chainrule": """
import chainrule as cr
g = cr.grad(lambda W: cr.cross_entropy(x @ W, y))(W)
""",
    "autograd": """
import autograd, autograd.numpy as anp
from autograd.scipy.special import logsumexp
def loss(W):
    scores = anp.dot(x, W)
    return anp.mean(logsumexp(scores, axis=1) - scores[np.arange(100), y])
g = autograd.grad(loss)(W)
""",
    "MyGrad": """
import mygrad as mg
from mygrad.nnet import softmax_crossentropy
W = mg.tensor(W)
softmax_crossentropy(mg.matmul(x, W), y).backward()
g = W.grad
""",
    "JAX": """
import jax, jax.numpy as jnp
def loss(W):
    scores = x @ W
    return jnp.mean(jax.nn.logsumexp(scores, axis=1) - scores[np.arange(100), y])
g = np.asarray(jax.jit(jax.grad(loss))(W))
""",
    "PyTorch": """
import torch
W = torch.tensor(W, requires_grad=True)
torch.nn.functional.cross_entropy(torch.tensor(x) @ W, torch.tensor(y)).backward()
g = W.grad.numpy()
""",
    "TensorFlow": """
import tensorflow as tf
W = tf.Variable(W)
with tf.GradientTape() as tape:
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, x @ W))
g = tape.gradient(loss, W).numpy()
""",
}


def imports() -> Contest:
    """Processes that import a library and end."""
    return _contest("import, in a fresh process", IMPORTS)


def contest() -> Contest:
    """Processes that import a library, compute the gradient of a softmax regression, and end."""
    programs = {name: f"{_DATA}{gradient}\nprint(abs(g).sum())" for name, gradient in _GRADIENTS.items()}
    return _contest("first gradient of the MNIST softmax regression, in a fresh process", programs)


def _contest(title: str, programs: Mapping[str, str]) -> Contest:
    ways = {name: partial(process, program) for name, program in programs.items()}
    return Contest(f"{title}, from its start to its end", ways, tolerance=1e-4)


def process(program: str) -> Made:
    """A fresh process with a program; what it prints is the result."""

    def compute() -> list[float]:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        return [float(word) for word in done.stdout.split()]

    return once(compute)
