"""Settings: the tutorial's numbers by default, and each value that means nothing refused by name."""

import re
from typing import Any

import pytest

import chainrule as cr
from chainrule_tutorials import Settings


def test_defaults_are_the_tutorials_numbers() -> None:
    settings = Settings()
    assert (settings.optimizer, settings.rate, settings.steps, settings.batch) == ("gradient-descent", 0.5, 1000, 100)
    assert settings.mode == "tape"


def test_learning_rate_is_the_optimizers_unless_given() -> None:
    assert Settings("adam").rate < Settings("momentum").rate < Settings("gradient-descent").rate
    assert Settings("adam", learning_rate=0.25).rate == 0.25


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"optimizer": "sgd"}, "optimizer: expected one of gradient-descent, momentum, adam, got 'sgd'"),
        ({"mode": "eager"}, "mode: expected one of tape, functional, graph, function, got 'eager'"),
        ({"learning_rate": 0.0}, "learning rate: expected a number greater than 0, got 0.0"),
        ({"learning_rate": -1.0}, "learning rate: expected a number greater than 0, got -1.0"),
        ({"learning_rate": float("nan")}, "learning rate: expected a number greater than 0, got nan"),
        ({"learning_rate": float("inf")}, "learning rate: expected a number greater than 0, got inf"),
        ({"steps": 0}, "steps: expected a whole number of at least 1, got 0"),
        ({"steps": 2.5}, "steps: expected a whole number of at least 1, got 2.5"),
        ({"batch": -3}, "batch: expected a whole number of at least 1, got -3"),
        ({"seed": -1}, "seed: expected a whole number of at least 0, got -1"),
    ],
)
def test_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.ArgumentError, match=f"^{re.escape(message)}$"):
        Settings(**given)
