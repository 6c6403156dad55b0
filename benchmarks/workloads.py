"""All workloads, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from benchmarks import (
    black_scholes,
    compiled_chain,
    deep_chain,
    logistic_hvp,
    mnist_step,
    rosenbrock,
    scalar_chain,
    scalar_chain_eager,
)
from benchmarks.contest import Contest

WORKLOADS: Mapping[str, Callable[[], Contest]] = {
    "mnist_step": mnist_step.contest,
    "scalar_chain": scalar_chain.contest,
    "scalar_chain_eager": scalar_chain_eager.contest,
    "black_scholes": black_scholes.contest,
    "rosenbrock": rosenbrock.contest,
    "logistic_hvp": logistic_hvp.contest,
    "deep_chain_1e4": partial(deep_chain.contest, 3_333),
    "deep_chain_1e5": partial(deep_chain.contest, 33_333),
    "deep_chain_1e6": partial(deep_chain.contest, 333_333),
    "compiled_chain": compiled_chain.contest,
}
