"""Ways to compute one thing by libraries that do not bear each other's company: each in a process of its own.

The processes take turns, so that a drift of the machine meets them all alike, and only one is at work at a time. The
best call of a round is the one that nobody disturbed.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from benchmarks.contender import Contender, Way
from benchmarks.libraries import LIBRARIES, Library

SLOW = 5.0  # seconds; what takes as long has one round


@dataclass(frozen=True)
class Contest:
    """Ways of several libraries.

    Attributes:
        title: what is computed.
        ways: by `library: way` or `library` alone, with the names of `LIBRARIES`; the first is what the others are
            compared with. Functions of a module, which take `inputs`.
        inputs: what they take.
        steps: how many steps are done before results are compared.
        operations: how many operations a step is, if a time for each is of interest.
        tolerance: how far results may be from those of the first way, relatively, each as a whole.
        limit: seconds that a library may take to be imported and do the first steps.
        traced: whether the memory of a step is of interest.
    """

    title: str
    ways: Mapping[str, Way]
    inputs: tuple[Any, ...] = ()
    steps: int = 1
    operations: int | None = None
    tolerance: float = 1e-8
    limit: float = 60.0
    traced: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a contest, for each way.

    Attributes:
        seconds: of a step: the median over rounds of the best of a round.
        ratio: to the first way: the median over rounds of the ratio in a round.
        first: seconds until the first step is done, with all that is built, traced and compiled, once the library is
            imported.
        process: MiB that the process took at most.
        step: MiB that NumPy's arrays take at most during a step, where that is known.
        missing: ways that are left out, and why.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    ratio: dict[str, float] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    process: dict[str, float] = field(default_factory=dict)
    step: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """As what JSON can hold."""
        return asdict(self)


def library_of(way: str) -> str:
    """The library of a way, by its name in `LIBRARIES`."""
    return way.partition(":")[0]


def hold(
    contest: Contest,
    rounds: int,
    environment: Mapping[str, str],
    clock: Callable[[], float],
    only: Collection[str] | None = None,
) -> Outcome:
    """Time all ways whose results are those of the first.

    Args:
        contest: what to compute.
        rounds: how many rounds.
        environment: variables of all processes.
        clock: what times are of.
        only: the modules of the libraries to take; None for all.
    """
    outcome = Outcome()
    contenders: dict[str, Contender] = {}
    expected: Sequence[Any] = ()

    def enter(name: str, traced: bool = False) -> Contender:
        library = LIBRARIES[library_of(name)]
        around = {**environment, **library.environment}
        return Contender(library.module, contest.ways[name], contest.inputs, contest.steps, around, clock, traced)

    try:
        for name in contest.ways:
            library: Library = LIBRARIES[library_of(name)]
            if only is not None and library.module not in only:
                continue
            contender = contenders[name] = enter(name)
            answer = contender.answer(contest.limit)
            if not isinstance(answer, str):
                first, results = answer
                expected = expected or results
                distance = apart(results, expected)
                if distance <= contest.tolerance:
                    outcome.first[name] = first
                    continue
                answer = f"its results are {distance:.2g} away"
            outcome.missing[name] = answer
            contenders.pop(name).end()
        best: dict[str, list[float]] = {name: [] for name in contenders}
        for name, contender in contenders.items():
            if outcome.first[name] < SLOW:
                contender.round()  # does not count: some compile at their second call, or later
        for _ in range(rounds):
            for name, times in best.items():
                if not times or times[-1] < SLOW:
                    times.append(contenders[name].round())
        for name, contender in contenders.items():
            outcome.process[name] = contender.peak()
    finally:
        for contender in contenders.values():
            contender.end()

    reference = next(iter(best.values()), [])
    for name, times in best.items():
        outcome.seconds[name] = statistics.median(times)
        outcome.ratio[name] = statistics.median(mine / theirs for mine, theirs in zip(times, reference, strict=False))
    if contest.traced:
        for name in best:
            if LIBRARIES[library_of(name)].numpy:
                contender = enter(name, traced=True)
                outcome.step[name] = contender.answer()
                contender.end()
    return outcome


def apart(results: Sequence[Any], expected: Sequence[Any]) -> float:
    """How far results are from what they should be: the largest relative distance, each as a whole."""
    distances = [0.0]
    for result, want in zip(results, expected, strict=True):
        distance = float(np.linalg.norm(np.subtract(result, want)))
        distances.append(distance / (float(np.linalg.norm(want)) or 1.0))
    return max(distances, key=lambda distance: (distance != distance, distance))  # NaN is the largest
