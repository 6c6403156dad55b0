"""Each workload, made small: what chainrule computes for it in every way is what NumPy by hand does."""

import os
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from benchmarks import (
    attention,
    black_scholes,
    cnn_step,
    compiled_chain,
    embedding_step,
    logistic_hvp,
    mlp_step,
    mnist_step,
    rnn,
    rosenbrock,
    scalar_chain,
    tables,
)
from benchmarks.contender import once
from benchmarks.contest import apart, hold, library_of
from benchmarks.libraries import environment
from benchmarks.workloads import WORKLOADS

SMALL = {
    "mnist_step": partial(mnist_step.contest, batch=3),
    "mlp_step": partial(mlp_step.contest, batch=4, widths=(6, 5, 4, 3)),
    "scalar_chain": partial(scalar_chain.compiled, triples=3),
    "scalar_chain_eager": partial(scalar_chain.eager, triples=3),
    "black_scholes": partial(black_scholes.contest, size=5),
    "rosenbrock": partial(rosenbrock.contest, size=5),
    "logistic_hvp": partial(logistic_hvp.contest, rows=5, columns=3),
    "rnn": partial(rnn.contest, steps=4, batch=3, width=2, hidden=5),
    "cnn_step": partial(cnn_step.contest, batch=2, size=8, channels=(2, 3)),
    "embedding_step": partial(embedding_step.contest, rows=5, width=2, ids=7),
    "attention": partial(attention.contest, batch=2, length=3, width=4, heads=2),
    "deep_chain_1e4": partial(scalar_chain.deep, triples=5),
    "compiled_chain": partial(compiled_chain.contest, triples=3),
}
CONTESTS = {name: make() for name, make in SMALL.items()}
WAYS = [(name, way) for name, contest in CONTESTS.items() for way in contest.ways if library_of(way) == "chainrule"]
PROCESSES = {"cold_start", "import"}


def results_of(contest, way):
    step, results = contest.ways[way](*contest.inputs)
    for _ in range(contest.steps):
        step()
    return [np.asarray(result) for result in results()]


def test_every_workload_is_tested():
    assert {name for name in WORKLOADS if not name.startswith("deep_chain")} - PROCESSES <= SMALL.keys()


@pytest.mark.parametrize(("workload", "way"), WAYS, ids=[f"{workload} {way}" for workload, way in WAYS])
def test_chainrule_computes_what_is_computed_by_hand(workload, way):
    contest = CONTESTS[workload]
    reference = next(iter(contest.ways))
    found, expected = results_of(contest, way), results_of(contest, reference)
    assert [each.dtype for each in found[1:]] == [each.dtype for each in expected[1:]]
    assert apart(found, expected) <= contest.tolerance


def test_distance_between_results():
    assert apart([np.float64(1.0), np.zeros(2)], [1.0, [0.0, 0.0]]) == 0.0
    assert apart([[3.0, 4.4]], [[3.0, 4.0]]) == pytest.approx(0.08)
    assert np.isnan(apart([np.nan, 1.0], [1.0, 1.0]))


def test_a_contest_in_processes():
    ways = {way: rosenbrock.contest(5).ways[way] for way in ("NumPy: by hand", "chainrule: function")}
    contest = replace(rosenbrock.contest(5), ways=ways | {"chainrule: wrong": wrong}, traced=True)
    outcome = hold(contest, 1, environment(os.environ, 1), time.perf_counter)
    assert list(outcome.seconds) == list(outcome.first) == list(outcome.process) == list(outcome.step) == list(ways)
    assert outcome.ratio["NumPy: by hand"] == 1.0
    assert outcome.missing == {"chainrule: wrong": "its results are 1 away"}
    assert outcome.process["chainrule: function"] > 10.0  # MiB
    assert "left out, its results are 1 away: chainrule: wrong" in tables.of_contest(contest, outcome)


def wrong(x):
    return once(lambda: (0.0, 0.0 * x))
