"""What the tests of `chainrule_state` share: a file, and an object with state that is no variable."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr


class Averages:
    """Running sums of variables by name. Like an optimizer it has nothing of a variable before its first update."""

    def __init__(self, name: str = "averages") -> None:
        self.name = name
        self.sums: dict[str, cr.Variable] = {}
        self.count = 0

    def update(self, *variables: cr.Variable) -> None:
        for variable in variables:
            zeros = cr.Variable(cr.zeros_like(variable), trainable=False)
            self.sums.setdefault(variable.name, zeros).assign_add(variable)
        self.count += 1

    def __chainrule_state__(self) -> Mapping[str, cr.Tensor]:
        sums = {f"{name}/sum": total.read() for name, total in self.sums.items()}
        return sums | {"count": cr.tensor(self.count)} if self.count else {}

    def __chainrule_restore__(
        self, state: Mapping[str, cr.Tensor], variables: Sequence[cr.Variable]
    ) -> Callable[[], None]:
        known = {*self.sums, *(variable.name for variable in variables)}
        parts = {name.removesuffix("/sum"): value for name, value in state.items() if name != "count"}
        if strange := sorted(parts.keys() - known):
            raise cr.ArgumentError(f"no variable is called {', '.join(strange)}")
        sums = {name: cr.Variable(value, trainable=False) for name, value in parts.items()}
        count = int(state["count"]) if state else 0

        def commit() -> None:
            self.sums, self.count = sums, count

        return commit


class Failing:
    """Fails when its state is put in place, in whatever way it is told to."""

    name = "failing"

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.calls = 0

    def __chainrule_state__(self) -> Mapping[str, cr.Tensor]:
        return {}

    def __chainrule_restore__(
        self, state: Mapping[str, cr.Tensor], variables: Sequence[cr.Variable]
    ) -> Callable[[], None]:
        def commit() -> None:
            self.calls += 1
            if self.calls == 1:
                raise self.error

        return commit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where to save."""
    return tmp_path / "state.safetensors"


@pytest.fixture
def averages() -> type[Averages]:
    """The class of something that has state and a name."""
    return Averages


@pytest.fixture
def failing() -> type[Failing]:
    """The class of something that cannot be restored."""
    return Failing


@pytest.fixture
def variables() -> list[cr.Variable]:
    """Two variables of different shapes and dtypes."""
    rng = np.random.default_rng(0)
    return [cr.Variable(rng.normal(size=(2, 3)), name="w"), cr.Variable(np.float32([1.5, -2.5]), name="b")]
