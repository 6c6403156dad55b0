"""Values that are in sessions: training resumed to the bit, eager checkpoints in graphs and back, and refusals."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_state import CheckpointError, inspect_checkpoint, load, save

OPTIMIZERS: dict[str, Callable[[], cr.optim.Optimizer]] = {
    "gradient_descent": lambda: cr.optim.GradientDescent(0.1),
    "momentum": lambda: cr.optim.Momentum(0.1, 0.9),
    "adam": lambda: cr.optim.Adam(cr.optim.schedules.Exponential(0.05, 3, 0.5)),
    "adagrad": lambda: cr.optim.Adagrad(0.1, initial_accumulator=0.5),
    "nadam": lambda: cr.optim.Nadam(0.05),
    "accumulated": lambda: cr.optim.AdamW(0.05, accumulate=3),
}
EACH = pytest.mark.parametrize("name", OPTIMIZERS)


def weights(dtype: str = "float32") -> dict[str, cr.Variable]:
    rng = np.random.default_rng(3)
    shapes = {"hidden": (4, 8), "out": (8, 1)}
    return {name: cr.Variable(rng.normal(size=shape).astype(dtype), name=name) for name, shape in shapes.items()}


def loss(model: dict[str, cr.Variable], x: Any) -> Any:
    return cr.mean(cr.square(cr.tanh(x @ model["hidden"]) @ model["out"] - 1.0))


def examples(step: int) -> Any:
    return np.random.default_rng(step).normal(size=(16, 4)).astype("float32")


class Built:
    """A regression in a graph of its own."""

    def __init__(self, name: str) -> None:
        self.optimizer = OPTIMIZERS[name]()
        with cr.Graph().as_default() as self.graph:
            self.x = cr.placeholder("float32", (None, 4))
            self.model = weights()
            self.step = self.optimizer.minimize(loss(self.model, self.x))
            self.init = cr.global_variables_initializer()
        self.objects: dict[str, Any] = {"model": self.model, "optimizer": self.optimizer}

    def session(self, initialised: bool = False) -> cr.Session:
        session = cr.Session(self.graph)
        if initialised:
            session.run(self.init)
        return session

    def train(self, session: cr.Session, start: int, stop: int) -> None:
        for step in range(start, stop):
            session.run(self.step, {self.x: examples(step)})

    def values(self, session: cr.Session) -> list[bytes]:
        kept = [*self.model.values(), *self.optimizer.variables()]
        return [session.value(variable).tobytes() for variable in kept]


class Eager:
    """The same without a graph."""

    def __init__(self, name: str) -> None:
        self.optimizer = OPTIMIZERS[name]()
        self.model = weights()
        self.objects: dict[str, Any] = {"model": self.model, "optimizer": self.optimizer}

    def train(self, start: int, stop: int) -> None:
        for step in range(start, stop):
            self.optimizer.minimize(lambda step=step: loss(self.model, examples(step)))

    def values(self) -> list[Any]:
        return [variable.numpy() for variable in (*self.model.values(), *self.optimizer.variables())]


@pytest.mark.parametrize("stop", [0, 1, 5])
@EACH
def test_resumed_in_a_new_session_and_in_a_graph_built_anew(path: Path, name: str, stop: int) -> None:
    built = Built(name)
    session = built.session(initialised=True)
    built.train(session, 0, stop)
    save(path, built.objects, session=session)
    built.train(session, stop, 10)
    for again in (built, Built(name)):
        resumed = again.session()
        load(path, again.objects, session=resumed)
        again.train(resumed, stop, 10)
        assert again.values(resumed) == built.values(session)


def test_resumed_in_another_process(path: Path) -> None:
    built = Built("adam")
    session = built.session(initialised=True)
    built.train(session, 0, 5)
    save(path, built.objects, session=session)
    built.train(session, 5, 10)
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_sessions import Built\n"
        "from chainrule_state import load, save\n"
        "built = Built('adam')\n"
        "with built.session() as session:\n"
        "    load(sys.argv[1], built.objects)\n"
        "    built.train(session, 5, 10)\n"
        "    save(sys.argv[1], built.objects)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    there = path.read_bytes()
    save(path, built.objects, session=session)
    assert path.read_bytes() == there


def test_the_session_in_force_and_its_plans(path: Path) -> None:
    built = Built("adam")
    with built.session(initialised=True) as session:
        built.train(session, 0, 3)
        size = len(built.graph)
        save(path, built.objects)
        before = built.values(session)
        built.train(session, 3, 6)
        load(path, built.objects)
        assert built.values(session) == before
        assert len(built.graph) == size
    other = built.session(initialised=True)
    with other.as_default():
        load(path, built.objects)
    assert built.values(other) == before


@pytest.mark.parametrize("stop", [0, 4])
@EACH
def test_from_eager_to_graph(path: Path, name: str, stop: int) -> None:
    eager = Eager(name)
    eager.train(0, stop)
    save(path, eager.objects)
    eager.train(stop, 8)
    built = Built(name)
    session = built.session(initialised=True)
    built.train(session, 0, 2)
    load(path, built.objects, session=session)
    built.train(session, stop, 8)
    found = session.run([*built.model.values(), *built.optimizer.variables()])
    for ours, theirs in zip(found, eager.values(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@EACH
def test_from_graph_to_eager(path: Path, name: str) -> None:
    built = Built(name)
    session = built.session(initialised=True)
    built.train(session, 0, 4)
    save(path, built.objects, session=session)
    eager = Eager(name)
    load(path, eager.objects)
    assert [value.tobytes() for value in eager.values()] == built.values(session)
    there = path.read_bytes()
    save(path, eager.objects)
    assert path.read_bytes() == there


def test_an_optimizer_that_has_no_slots_yet_in_its_graph(path: Path) -> None:
    eager = Eager("adam")
    eager.train(0, 4)
    save(path, eager.objects)
    optimizer = OPTIMIZERS["adam"]()
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float32", (None, 4))
        model = weights()
        y = loss(model, x)
    session = cr.Session(graph)
    load(path, {"model": model, "optimizer": optimizer}, session=session)
    with graph.as_default():
        step = optimizer.minimize(y)
    assert all(variable.graph is graph for variable in optimizer.variables())
    eager.train(4, 8)
    for i in range(4, 8):
        session.run(step, {x: examples(i)})
    for ours, theirs in zip(session.run([*model.values(), *optimizer.variables()]), eager.values(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_variables_made_outside_of_the_graph(path: Path) -> None:
    used, idle = cr.Variable(1.0, name="used"), cr.Variable(1.0, name="idle")
    with cr.Graph().as_default() as graph:
        step = used.assign_add(1.0)
    session = cr.Session(graph)
    session.run(step)
    save(path, [used, idle], session=session)
    used.assign(7.0)
    idle.assign(7.0)
    load(path, [used, idle], session=session)
    assert (session.value(used), used.item(), idle.item()) == (2.0, 7.0, 1.0)
    load(path, [used, idle])
    assert used.item() == 2.0
    with graph.as_default():
        save(path, [used, idle])
    assert inspect_checkpoint(path).arrays["used"].shape == ()


def test_a_session_of_another_backend(path: Path) -> None:
    pytest.importorskip("array_api_strict")
    built = Built("adam")
    session = built.session(initialised=True)
    built.train(session, 0, 3)
    save(path, built.objects, session=session)
    there = cr.Session(built.graph, backend="array_api_strict:device1")
    load(path, built.objects, session=there)
    value = there.value(built.model["out"])
    assert type(value).__module__.startswith("array_api_strict")
    assert str(there.device) == "device1"
    copied = path.with_name("copy.safetensors")
    save(copied, built.objects, session=there)
    assert copied.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("initialised", [True, False])
@pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt()], ids=repr)
def test_a_failure_in_the_middle(
    path: Path, failing: Callable[..., Any], error: BaseException, initialised: bool
) -> None:
    built = Built("adam")
    session = built.session(initialised=True)
    fresh = built.values(session)
    built.train(session, 0, 3)
    save(path, {**built.objects, "zzz": failing(error)}, session=session)
    other = built.session(initialised)
    if initialised:
        built.train(other, 0, 1)
    before = built.values(other) if initialised else fresh
    with pytest.raises(type(error)):
        load(path, {**built.objects, "zzz": failing(error)}, session=other)
    assert built.values(other) == before


def test_what_does_not_fit_changes_nothing(path: Path) -> None:
    save(path, {"w": cr.Variable([1.0, 2.0]), "b": cr.Variable(np.float32(1.0))})
    with cr.Graph().as_default() as graph:
        w, b = cr.Variable([0.0, 0.0]), cr.Variable(0.0)
        init = cr.global_variables_initializer()
    session = cr.Session(graph)
    session.run(init)
    with pytest.raises(CheckpointError, match=r"nothing was loaded:\n  'b': dtype float32 in the file, float64"):
        load(path, {"w": w, "b": b}, session=session)
    assert session.value(w).tolist() == [0.0, 0.0]


def test_what_does_not_fit_leaves_nothing_in_the_graph(path: Path) -> None:
    eager = Eager("adam")
    eager.train(0, 2)
    save(path, eager.objects)
    optimizer = OPTIMIZERS["adam"]()
    with cr.Graph().as_default() as graph:
        shapes = {"hidden": (4, 8), "out": (8,)}
        model = {name: cr.Variable(np.zeros(shape, "float32"), name=name) for name, shape in shapes.items()}
    size = len(graph)
    session = cr.Session(graph)
    with pytest.raises(CheckpointError, match="nothing was loaded"):
        load(path, {"model": model, "optimizer": optimizer}, session=session)
    assert len(graph) == size
    assert [variable.name for variable in graph.variables] == ["hidden", "out"]


@pytest.mark.parametrize("function", [save, load])
def test_no_session_of_the_graph(path: Path, function: Callable[..., Any]) -> None:
    built = Built("momentum")
    session = built.session(initialised=True)
    save(path, built.objects, session=session)
    there = path.read_bytes()
    what = f"^cr.{function.__name__}: "
    with pytest.raises(cr.GraphError, match=what + r"variable 'hidden' was made in a graph.* none is in force; "):
        function(path, built.objects)
    with pytest.raises(cr.GraphError, match=what + "variable 'hidden' was made in another graph than the session's"):
        function(path, built.objects, session=Built("momentum").session())
    with pytest.raises(cr.DTypeError, match=what + "session: expected a Session or None, got Graph"):
        function(path, built.objects, session=built.graph)
    session.close()
    with pytest.raises(cr.GraphError, match=what + "session: expected one that is open: .*the session is closed"):
        function(path, built.objects, session=session)
    assert path.read_bytes() == there


def test_saving_what_is_not_initialised(path: Path) -> None:
    built = Built("momentum")
    with pytest.raises(cr.GraphError, match="'hidden' is not initialised in this session; run"):
        save(path, built.objects, session=built.session())
    assert not path.exists()
