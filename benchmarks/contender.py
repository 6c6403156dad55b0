"""A way to compute something, in a process of its own that does a step whenever it is asked to."""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from benchmarks.memory import peak_of_process, peak_of_step

Made = tuple[Callable[[], Any], Callable[[], Sequence[Any]]]
"""A function that computes a step, and one that gives the numbers computed so far."""
Way = Callable[..., Made]
"""What makes them of the inputs. It imports the library itself, so that others' processes do not."""
SLICE = 0.2  # seconds that each way gets in a round


class Contender:
    """A way in a process of its own.

    Args:
        module: what is imported before the clock starts.
        way: a function of a module.
        inputs: what it takes.
        steps: how many to do at first.
        environment: the process's variables.
        clock: what times are of.
        traced: whether to measure the memory of a step, and nothing else.
    """

    def __init__(
        self,
        module: str,
        way: Way,
        inputs: tuple[Any, ...],
        steps: int,
        environment: Mapping[str, str],
        clock: Callable[[], float],
        traced: bool = False,
    ) -> None:
        fresh = multiprocessing.get_context("spawn")
        self._pipe, theirs = fresh.Pipe()
        rest = () if traced else (steps, clock)
        target = _trace if traced else _contend
        self._process: BaseProcess = fresh.Process(
            target=target, args=(theirs, module, way, inputs, *rest), daemon=False
        )
        with _around(environment):
            self._process.start()
        theirs.close()

    def answer(self, limit: float | None = None) -> Any:
        """What it says next; a reason if it cannot."""
        try:
            if not self._pipe.poll(limit):
                return f"more than {limit:g} s"
            return self._pipe.recv()
        except EOFError:
            self._process.join()
            return f"its process ended with {self._process.exitcode}"

    def round(self) -> float:
        """The best step of a round."""
        return self._asked("round")

    def peak(self) -> float:
        """MiB that the process took at most so far."""
        return self._asked("peak")

    def _asked(self, question: str) -> float:
        self._pipe.send(question)
        answer = self.answer()
        if not isinstance(answer, float):
            raise RuntimeError(f"a step failed after others had not: {answer}")
        return answer

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def processor_time() -> float:
    """Seconds of the processor that this process, and those that it has waited for, took on all threads."""
    import resource  # not on Windows

    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def once(compute: Callable[[], Sequence[Any]]) -> Made:
    """A step that computes the same again, and gives what the last one found."""
    found: Sequence[Any] = ()

    def step() -> None:
        nonlocal found
        found = compute()

    return step, lambda: found


def carried(step: Callable[..., Sequence[Any]], state: Sequence[Any]) -> Made:
    """A step from a state to the next, which goes on where it left off."""

    def run() -> None:
        nonlocal state
        state = step(*state)

    return run, lambda: state


def _contend(
    pipe: Connection,
    module: str,
    way: Way,
    inputs: tuple[Any, ...],
    steps: int,
    clock: Callable[[], float],
) -> None:
    """The process's side: its first step and results, and whatever is asked for then."""
    try:
        with _silence():
            import_module(module)
        start = clock()
        step, results = way(*inputs)
        step()
        first = clock() - start
        for _ in range(steps - 1):
            step()
        pipe.send((first, _numbers(results())))
    except ModuleNotFoundError as error:
        pipe.send(f"{error.name} is not installed")
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}".splitlines()[0])
    else:
        with suppress(EOFError):
            while question := pipe.recv():
                pipe.send(_best_of(step, clock) if question == "round" else peak_of_process())


def _trace(pipe: Connection, module: str, way: Way, inputs: tuple[Any, ...]) -> None:
    """The process's side: the memory of a step."""
    import_module(module)
    pipe.send(peak_of_step(lambda: way(*inputs)[0]))


def _numbers(results: Sequence[Any]) -> list[Any]:
    import numpy as np

    return [np.asarray(result) for result in results]


def _best_of(step: Callable[[], Any], clock: Callable[[], float]) -> float:
    """The best call of a round."""
    gc.collect()
    end = time.perf_counter() + SLICE
    best = float("inf")
    while True:
        start = clock()
        step()
        best = min(best, clock() - start)
        if time.perf_counter() >= end:
            return best


@contextmanager
def _around(environment: Mapping[str, str]) -> Iterator[None]:
    """This process's environment for as long, which a process that is started meanwhile inherits."""
    kept = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


@contextmanager
def _silence() -> Iterator[None]:
    """No word on the standard error stream, not even from libraries in C++."""
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
