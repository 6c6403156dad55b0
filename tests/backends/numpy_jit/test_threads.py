"""Regions that many threads compile at once, from the first one of a process on, while others compute."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import faulthandler, random, threading
import numpy as np
import chainrule as cr

faulthandler.enable()
cr.set_num_threads(3)
OPERATIONS = [cr.sin, cr.tanh, lambda x: x * 0.5, lambda x: x - cr.max(x, axis=-1, keepdims=True)]
BY_HAND = [np.sin, np.tanh, lambda x: x * 0.5, lambda x: x - np.max(x, axis=-1, keepdims=True)]
gate = threading.Barrier(8, timeout=30)

def work(k):
    random_, x = random.Random(k), np.random.default_rng(k).normal(size=(1 + k, 9) if k else (300, 500))
    gate.wait()
    for _ in range(8):
        chosen = [random_.randrange(4) for _ in range(random_.randrange(2, 9))]

        @cr.function
        def f(x):
            for i in chosen:
                x = OPERATIONS[i](x)
            return cr.sum(x * x)

        want = x
        for i in chosen:
            want = BY_HAND[i](want)
        for _ in range(3):
            np.testing.assert_allclose(f(x), np.sum(want * want), rtol=1e-10, atol=1e-12)
    done.append(k)

done = []
threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sorted(done))
"""


def test_threads_compile_while_others_compute(monkeypatch):
    monkeypatch.setenv("CHAINRULE_JIT", "always")
    for _ in range(3):
        run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
        assert (run.returncode, run.stdout.strip()) == (0, "[0, 1, 2, 3, 4, 5, 6, 7]"), run.stderr
