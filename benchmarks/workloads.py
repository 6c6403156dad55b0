"""All workloads, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from benchmarks import (
    attention,
    black_scholes,
    cnn_step,
    cold_start,
    compiled_chain,
    embedding_step,
    logistic_hvp,
    mlp_step,
    mnist_step,
    rnn,
    rosenbrock,
    scalar_chain,
)
from benchmarks.contest import Contest

WORKLOADS: Mapping[str, Callable[[], Contest]] = {
    "mnist_step": mnist_step.contest,
    "mlp_step": mlp_step.contest,
    "scalar_chain": scalar_chain.compiled,
    "scalar_chain_eager": scalar_chain.eager,
    "black_scholes": black_scholes.contest,
    "rosenbrock": rosenbrock.contest,
    "logistic_hvp": logistic_hvp.contest,
    "rnn": rnn.contest,
    "cnn_step": cnn_step.contest,
    "embedding_step": embedding_step.contest,
    "attention": attention.contest,
    "deep_chain_1e4": partial(scalar_chain.deep, 3_333),
    "deep_chain_1e5": partial(scalar_chain.deep, 33_333),
    "deep_chain_1e6": partial(scalar_chain.deep, 333_333),
    "compiled_chain": compiled_chain.contest,
    "cold_start": cold_start.contest,
    "import": cold_start.imports,
}
