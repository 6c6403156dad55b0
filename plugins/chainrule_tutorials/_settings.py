"""How to train: every number that can be chosen, checked before anything is loaded."""

import math
from dataclasses import dataclass
from typing import Final

from chainrule import ArgumentError

# The optimizers, and for each a learning rate that learns MNIST in 1,000 steps.
OPTIMIZERS: Final = {"gradient-descent": 0.5, "momentum": 0.05, "adam": 0.005}

# The ways to write the program, which all learn the same, and what each is.
MODES: Final = {
    "tape": "operations run when they are called, and a tape records them",
    "functional": "the gradient is a function made of the loss, and no variable is there to change",
    "graph": "a graph is built once and run in a session, as in TensorFlow 1",
    "function": "a step is a compiled function: traced once, then run as a plan",
}


@dataclass(frozen=True)
class Settings:
    """How to train.

    Args:
        optimizer: a name from `OPTIMIZERS`.
        learning_rate: greater than 0; by default the optimizer's in `OPTIMIZERS`.
        steps: how many batches to learn from.
        batch: how many images a batch holds.
        seed: of the order in which images are drawn; the same seed gives the same run.
        mode: a name from `MODES`.

    Raises:
        ArgumentError: a value that means nothing; says which, and what would do.
    """

    optimizer: str = "gradient-descent"
    learning_rate: float | None = None
    steps: int = 1000
    batch: int = 100
    seed: int = 0
    mode: str = "tape"

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise ArgumentError(f"optimizer: expected one of {', '.join(OPTIMIZERS)}, got {self.optimizer!r}")
        if self.mode not in MODES:
            raise ArgumentError(f"mode: expected one of {', '.join(MODES)}, got {self.mode!r}")
        if not (math.isfinite(self.rate) and self.rate > 0):
            raise ArgumentError(f"learning rate: expected a number greater than 0, got {self.learning_rate}")
        for name, least in (("steps", 1), ("batch", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ArgumentError(f"{name}: expected a whole number of at least {least}, got {value!r}")

    @property
    def rate(self) -> float:
        """The learning rate in force."""
        return OPTIMIZERS[self.optimizer] if self.learning_rate is None else self.learning_rate
