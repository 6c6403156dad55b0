"""Ways to compute one thing by libraries that do not bear each other's company: each in a process of its own.

The processes take turns, so that a drift of the machine meets them all alike, and only one is at work at a time. Times
are of the clock, because some libraries compute on threads that the caller waits for; the best call of a round is the
one that nobody disturbed.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from benchmarks.harness import aligned, best_of, same, show

Made = tuple[Callable[[], Any], Callable[[], Sequence[Any]]]  # computes a step; gives the numbers computed so far
Way = Callable[..., Made]
SLOW = 5.0  # seconds; what takes as long is not called again


@dataclass
class Contest:
    """Ways of several libraries.

    Attributes:
        title: what is computed.
        ways: by `library: way`, where the library is called as its module is, in capitals or not. Functions of a
            module, which take `inputs` and give a function that computes one step and one that gives the numbers
            computed so far. They import the library, so that others' processes do not.
        inputs: what they take.
        steps: how many steps are done before results are compared.
        against: the libraries whose fastest way the others are compared with.
        tolerance: how far results may be apart, relatively.
        limit: seconds that a library may take to be imported and do the first steps.
    """

    title: str
    ways: Mapping[str, Way]
    against: Sequence[str]
    inputs: tuple[Any, ...] = ()
    steps: int = 1
    tolerance: float = 1e-8
    limit: float = 60.0


@dataclass
class Outcome:
    """What came of a contest.

    Attributes:
        seconds: of a step: the median over rounds of the best of a round.
        first: seconds until the first step is done, with all that is built, traced and compiled, once the library is
            imported.
        missing: ways that are left out, and why.
    """

    seconds: dict[str, float]
    first: dict[str, float]
    missing: dict[str, str]

    def data(self) -> dict[str, Any]:
        """As what JSON can hold."""
        return {"seconds": self.seconds, "first": self.first, "left out": self.missing}


def hold(contest: Contest, rounds: int) -> Outcome:
    """Time all ways.

    Raises:
        AssertionError: two of them give different results.
    """
    outcome = Outcome({}, {}, {})
    contenders: dict[str, _Contender] = {}
    results: dict[str, Sequence[Any]] = {}
    try:
        for name, way in contest.ways.items():
            contender = contenders[name] = _Contender(contest, name.partition(":")[0].lower(), way)
            answer = contender.answer(contest.limit)
            if isinstance(answer, str):
                outcome.missing[name] = answer
                contenders.pop(name).end()
            else:
                outcome.first[name], results[name] = answer
        same(contest.title, results, contest.tolerance)
        best: dict[str, list[float]] = {name: [] for name in contenders if outcome.first[name] < SLOW}
        for _ in range(rounds):
            for name, times in best.items():
                times.append(contenders[name].round())
    finally:
        for contender in contenders.values():
            contender.end()
    outcome.seconds = {name: statistics.median(best.get(name, [outcome.first[name]])) for name in contenders}
    return outcome


class _Contender:
    """A way in a process of its own."""

    def __init__(self, contest: Contest, module: str, way: Way) -> None:
        fresh = multiprocessing.get_context("spawn")
        self._pipe, theirs = fresh.Pipe()
        arguments = (theirs, module, way, contest.inputs, contest.steps)
        self._process: BaseProcess = fresh.Process(target=_contend, args=arguments, daemon=True)
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
        self._pipe.send(True)
        seconds = self.answer()
        if not isinstance(seconds, float):
            raise RuntimeError(f"a step failed after others had not: {seconds}")
        return seconds

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _contend(pipe: Connection, module: str, way: Way, inputs: tuple[Any, ...], steps: int) -> None:
    """A contender's side: its first step and results, and the best step of a round whenever that is asked for."""
    try:
        with _silence():
            import_module(module)
        start = time.perf_counter()
        step, results = way(*inputs)
        step()
        first = time.perf_counter() - start
        for _ in range(steps - 1):
            step()
        pipe.send((first, results()))
    except ModuleNotFoundError as error:
        pipe.send(f"{error.name} is not installed")
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}".splitlines()[0])
    else:
        with suppress(EOFError):
            while pipe.recv():
                pipe.send(best_of(step, time.perf_counter))


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


def report(contest: Contest, outcome: Outcome) -> str:
    """The times as a table, with how many times longer each way takes than the fastest of the libraries asked for."""
    fastest: dict[str, float] = {}
    for name, seconds in outcome.seconds.items():
        library = name.partition(":")[0]
        fastest[library] = min(seconds, fastest.get(library, seconds))
    against = [library for library in contest.against if library in fastest]
    rows = [["", "first", "step", *(f"/ {library}" for library in against)]]
    for name, seconds in outcome.seconds.items():
        ratios = [f"{seconds / fastest[library]:.3g}" for library in against]
        rows.append([name, show(outcome.first[name]), show(seconds), *ratios])
    left_out = [f"  {name}: left out, {reason}" for name, reason in outcome.missing.items()]
    return "\n".join([contest.title, *aligned(rows), *left_out])
