"""Threads compute side by side, each on the backend that it chose."""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np

import chainrule as cr
from chainrule_testing._targets import Target

THREADS = 4
ROUNDS = 30


def work(n: int) -> Any:
    x = cr.tensor(np.arange(1.0, 40.0) / (n + 20.0))
    compiled = cr.function(lambda x: cr.sum(cr.exp(x) * cr.sin(x)) + cr.sum(x[[0, 0, 3]]))
    return [cr.grad(compiled)(x).numpy(), cr.hessian(lambda x: cr.sum(x**3))(x[:3]).numpy()]


def test_threads_give_what_one_gives(place: Target, backend: cr.Backend) -> None:
    want = [work(n) for n in range(THREADS)]
    wrong: list[Any] = []
    start = threading.Barrier(THREADS)

    def run(n: int) -> None:
        try:
            with cr.use_backend(place.choice):
                start.wait()
                for _ in range(ROUNDS):
                    for have, expected in zip(work(n), want[n], strict=True):
                        np.testing.assert_allclose(have, expected, rtol=1e-12)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # so that they come between each other's steps
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    if wrong:
        raise wrong[0]


def test_a_choice_holds_for_its_thread_alone(place: Target, backend: cr.Backend) -> None:
    """A new thread starts with the backend of the process, not with that of the thread that started it."""
    seen: list[str] = []
    inside = cr.get_backend().name
    thread = threading.Thread(target=lambda: seen.append(cr.get_backend().name))
    thread.start()
    thread.join()
    assert inside == backend.name
    with cr.use_backend("numpy"):
        assert cr.get_backend().name == "numpy"
    assert cr.get_backend() is backend
    assert len(seen) == 1
