"""Training that is interrupted, saved and resumed gives the weights of training that was not, to the bit."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule_state import CheckpointError, inspect_checkpoint, load, save

OPTIMIZERS: dict[str, Callable[[], cr.optim.Optimizer]] = {
    "gradient_descent": lambda: cr.optim.GradientDescent(0.1),
    "momentum": lambda: cr.optim.Momentum(0.1, 0.9),
    "nesterov": lambda: cr.optim.Momentum(0.1, 0.9, nesterov=True),
    "adagrad": lambda: cr.optim.Adagrad(0.1),
    "adadelta": lambda: cr.optim.Adadelta(),
    "rmsprop": lambda: cr.optim.RMSProp(0.01, momentum=0.9, centered=True),
    "adam": lambda: cr.optim.Adam(0.05),
    "amsgrad": lambda: cr.optim.Adam(0.05, amsgrad=True),
    "adamw": lambda: cr.optim.AdamW(0.05),
    "adamax": lambda: cr.optim.Adamax(0.05),
    "nadam": lambda: cr.optim.Nadam(0.05),
    "ftrl": lambda: cr.optim.Ftrl(0.1, l1=0.01),
    "lion": lambda: cr.optim.Lion(0.01),
    "schedule": lambda: cr.optim.Adam(cr.optim.schedules.Exponential(0.1, 3, 0.5)),
    "accumulated": lambda: cr.optim.Adam(0.05, accumulate=3),
}


class Run:
    """A regression of noise by two layers, whose examples come from a generator that starts at a given step."""

    def __init__(self, optimizer: cr.optim.Optimizer, dtype: str = "float32") -> None:
        rng = np.random.default_rng(3)
        self.optimizer = optimizer
        self.model = {
            "hidden": cr.Variable(rng.normal(size=(4, 8)).astype(dtype), name="hidden"),
            "out": cr.Variable(rng.normal(size=(8, 1)).astype(dtype), name="out"),
        }

    def train(self, start: int, stop: int) -> None:
        for step in range(start, stop):
            self.optimizer.minimize(partial(self.loss, np.random.default_rng(step)))

    def loss(self, rng: np.random.Generator) -> cr.Tensor:
        x, y = (rng.normal(size=shape).astype(self.model["out"].dtype) for shape in ((16, 4), (16, 1)))
        return cr.mean(cr.square(cr.tanh(x @ self.model["hidden"]) @ self.model["out"] - y))

    @property
    def objects(self) -> dict[str, object]:
        return {"model": self.model, "optimizer": self.optimizer}

    @property
    def weights(self) -> list[bytes]:
        return [variable.numpy().tobytes() for variable in self.model.values()]


def test_every_optimizer_is_here() -> None:
    names = (getattr(cr.optim, name) for name in cr.optim.__all__)
    rules = {kind for kind in names if isinstance(kind, type) and issubclass(kind, cr.optim.Optimizer)}
    assert rules == {cr.optim.Optimizer, *(type(make()) for make in OPTIMIZERS.values())}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("stop", [0, 1, 7])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_resumed_in_new_objects(path: Path, name: str, stop: int, dtype: str) -> None:
    whole = Run(OPTIMIZERS[name](), dtype)
    whole.train(0, 20)
    first = Run(OPTIMIZERS[name](), dtype)
    first.train(0, stop)
    save(path, first.objects)
    second = Run(OPTIMIZERS[name](), dtype)
    for variable in second.model.values():
        variable.assign(cr.zeros_like(variable))
    load(path, second.objects)
    assert second.weights == first.weights
    second.train(stop, 20)
    assert second.weights == whole.weights


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_taken_back_in_the_same_objects(path: Path, name: str) -> None:
    run = Run(OPTIMIZERS[name]())
    run.train(0, 5)
    save(path, run.objects)
    run.train(5, 12)
    there = run.weights
    load(path, run.objects)
    run.train(5, 12)
    assert run.weights == there


def test_without_the_state_of_the_optimizer_it_is_not_the_same(path: Path) -> None:
    run = Run(OPTIMIZERS["adam"]())
    run.train(0, 5)
    save(path, run.objects)
    run.train(5, 12)
    fresh = Run(OPTIMIZERS["adam"]())
    load(path, {"model": fresh.model}, strict=False)
    fresh.train(5, 12)
    assert fresh.weights != run.weights


def test_resumed_in_another_process(path: Path) -> None:
    whole = Run(OPTIMIZERS["adam"]())
    whole.train(0, 5)
    save(path, whole.objects)
    whole.train(5, 10)
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_resume import OPTIMIZERS, Run\n"
        "from chainrule_state import load, save\n"
        "run = Run(OPTIMIZERS['adam']())\n"
        "load(sys.argv[1], run.objects)\n"
        "run.train(5, 10)\n"
        "save(sys.argv[1], run.objects)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    there = path.read_bytes()
    save(path, whole.objects)
    assert path.read_bytes() == there


def test_the_state_of_another_optimizer_is_refused(path: Path) -> None:
    run = Run(OPTIMIZERS["adam"]())
    run.train(0, 3)
    save(path, run.objects)
    other = Run(OPTIMIZERS["momentum"]())
    other.train(0, 4)
    there = other.weights
    with pytest.raises(CheckpointError, match=r"does not fit; nothing was loaded.*:\n  'optimizer': "):
        load(path, other.objects)
    assert other.weights == there
    other.train(4, 8)
    same = Run(OPTIMIZERS["momentum"]())
    same.train(0, 8)
    assert other.weights == same.weights


def test_a_failure_in_the_middle_takes_the_optimizer_back(path: Path, failing: Callable[..., object]) -> None:
    run = Run(OPTIMIZERS["adam"]())
    run.train(0, 3)
    save(path, {**run.objects, "zzz": failing(RuntimeError())})
    for done in (0, 5):
        other, same = Run(OPTIMIZERS["adam"]()), Run(OPTIMIZERS["adam"]())
        other.train(0, done)
        with pytest.raises(RuntimeError, match="no"):
            load(path, {**other.objects, "zzz": failing(RuntimeError("no"))})
        other.train(done, 9)
        same.train(0, 9)
        assert other.weights == same.weights


def test_names_of_slots_can_be_read(path: Path) -> None:
    run = Run(OPTIMIZERS["adam"]())
    run.train(0, 2)
    save(path, run.objects)
    names = [name for name in inspect_checkpoint(path).arrays if name.startswith("optimizer/")]
    assert [name for name in names if "hidden" in name]
    assert [name for name in names if "out" in name]
