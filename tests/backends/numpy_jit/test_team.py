"""The threads of machine code: many who ask at once, more threads than processors, processes that fork or end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import chainrule as cr

HEAD = """
import os, sys, threading
import numpy as np
import chainrule as cr
from chainrule_numpy._jit._team import team

cr.set_num_threads(4)
x = np.linspace(0.0, 2.0, 500_001)
f = cr.function(lambda x: (cr.sum(cr.exp(-x) * x), cr.exp(-x) * x))
want = np.sum(np.exp(-x) * x), np.exp(-x) * x

a, b = (np.random.default_rng(0).integers(-3, 4, shape).astype("float64") for shape in ((500, 60), (60, 400)))
product = np.einsum("ik,kj->ij", a, b)

def check():
    np.testing.assert_array_equal(cr.matmul(a, b).numpy(), product)
    total, each = f(x)
    np.testing.assert_allclose(total, want[0], rtol=1e-12)
    np.testing.assert_allclose(each, want[1], rtol=1e-14, atol=1e-300)

check()
assert team().size == 3
"""


def run(program, timeout=60):
    environment = {**os.environ, "CHAINRULE_JIT": "always"}
    done = subprocess.run(
        [sys.executable, "-c", HEAD + program], capture_output=True, text=True, timeout=timeout, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def test_many_threads_ask_at_once_for_results_of_their_own():
    threads = 6
    gate = threading.Barrier(threads, timeout=30)
    functions = [cr.function(lambda x, k=k: (cr.sum(x * float(k)), x * float(k) + cr.sin(x))) for k in range(threads)]
    found = [[] for _ in range(threads)]

    def work(k):
        x = np.random.default_rng(k).normal(size=30_000 + 1000 * k)
        with cr.use_num_threads(2 + k % 3):
            gate.wait()
            for _ in range(300):
                found[k].append(functions[k](x))
        total, each = np.sum(x * k), x * k + np.sin(x)
        for y, z in found[k]:
            np.testing.assert_allclose(y, total, rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(z, each, rtol=1e-13, atol=1e-14)
        done.append(k)

    done = []
    workers = [threading.Thread(target=work, args=(k,)) for k in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert sorted(done) == list(range(threads))


def test_a_process_ends_while_threads_are_there():
    assert run("print('over')") == "over\n"
    assert run("import atexit; atexit.register(lambda: (check(), print('over')))") == "over\n"
    busy = "threading.Thread(target=lambda: [check() for _ in range(5000)], daemon=True).start(); print('over')"
    assert run(busy) == "over\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_has_threads_of_its_own():
    program = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads, which this is about

def other():
    while not stop:
        check()

stop = []
thread = threading.Thread(target=other)
thread.start()
for _ in range(5):
    child = os.fork()
    if not child:
        assert team().size == 0
        check()
        assert team().size == 3
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stop.append(1)
thread.join()
check()
print("both")
"""
    assert run(program) == "both\n"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not bind processes to processors")
def test_more_threads_than_processors():
    """Hundreds of times that parts wait for each other: minutes, if those who wait did not make room."""
    program = """
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
cr.set_num_threads(8)
for _ in range(500):
    f(x)
check()
print(team().size)
"""
    assert run(program) == "7\n"


def test_numbers_of_threads_that_change():
    x = np.linspace(0.0, 2.0, 100_003)
    f = cr.function(lambda x: cr.sum(cr.exp(-x) * x))
    want = np.sum(np.exp(-x) * x)
    for n in (2, 5, 1, 3, 200, 2):
        with cr.use_num_threads(n):
            np.testing.assert_allclose(f(x), want, rtol=1e-12)


def test_what_has_one_row_fewer_than_threads():
    with cr.use_num_threads(7):
        x = np.random.default_rng(0).normal(size=(5, 60_000))
        squares, exponentials = cr.function(lambda x: (cr.sum(x * x, axis=1), cr.exp(x)))(x)
        np.testing.assert_allclose(squares, np.sum(x * x, axis=1), rtol=1e-12)
        np.testing.assert_allclose(exponentials, np.exp(x), rtol=1e-14)
