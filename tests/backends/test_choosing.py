"""Which backend is in force: the environment variable, `set_backend`, `use_backend`, and wrong choices."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

import chainrule as cr
from chainrule import _backends
from chainrule._discovery import Entry

SHOW = "import chainrule as cr; x = cr.tensor([1.0]); print(x.backend.name, x.device)"

pytestmark = pytest.mark.usefixtures("fresh")
Run = Callable[..., CompletedProcess[str]]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("numpy", "numpy cpu"),
        (" NumPy\t", "numpy cpu"),
        ("", "numpy cpu"),
        ("   ", "numpy cpu"),
        ("numpy:cpu", "numpy cpu"),
        ("ARRAY_API_STRICT", "array_api_strict cpu_device"),
        ("array_api_strict:Device1", "array_api_strict device1"),
    ],
)
def test_the_variable_is_read_at_first_use(run_python: Run, value: str, expected: str) -> None:
    done = run_python(SHOW, CHAINRULE_BACKEND=value)
    assert done.stdout.strip() == expected, done.stderr


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (
            "nunpy",
            "BackendError",
            ["no backend 'nunpy'", "did you mean 'numpy'?", "array_api_strict, cupy, dask, jax, numpy, torch"],
        ),
        ("zzz", "BackendError", ["no backend 'zzz'", "installed:", "group 'chainrule.backends'"]),
        ("numpy:", "BackendError", ["'numpy:' is no backend", "NAME or NAME:DEVICE"]),
        (":1", "BackendError", ["':1' is no backend", "NAME or NAME:DEVICE"]),
        ("numpy:9", "BackendError", ["'numpy' has no device '9'", "it has cpu"]),
        ("array_api_strict:device9", "BackendError", ["no device 'device9'", "cpu_device, device1, device2"]),
        ("numpy cupy", "BackendError", ["'numpy cupy' is no backend"]),
        ("numpy,cupy", "BackendError", ["no backend 'numpy,cupy'", "installed:"]),
    ],
)
def test_what_is_wrong_with_the_variable_is_said(run_python: Run, value: str, error: str, words: list[str]) -> None:
    done = run_python(SHOW, CHAINRULE_BACKEND=value)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert error in last
    assert "CHAINRULE_BACKEND: " in last
    for word in words:
        assert word in last


def test_an_unavailable_backend_is_an_error_and_nothing_else_is_used(run_python: Run) -> None:
    hidden = "import sys; sys.modules['cupy'] = None; "
    done = run_python(hidden + SHOW, CHAINRULE_BACKEND="cupy")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "BackendUnavailableError: CHAINRULE_BACKEND: backend 'cupy'" in done.stderr


def test_importing_reads_no_backend(run_python: Run) -> None:
    done = run_python("import chainrule; print('imported')", CHAINRULE_BACKEND="nonsense")
    assert done.stdout == "imported\n", done.stderr


def test_a_use_that_needs_no_choice_survives_a_wrong_one(run_python: Run) -> None:
    code = "import chainrule as cr\nwith cr.use_backend('numpy'): print(cr.tensor(1.0).backend.name)"
    assert run_python(code, CHAINRULE_BACKEND="nonsense").stdout == "numpy\n"


def test_the_scope_wins_over_set_backend_and_that_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_BACKEND", "array_api_strict:device2")
    assert cr.tensor(1.0).device == "device2"
    cr.set_backend("array_api_strict:device1")
    assert cr.tensor(1.0).device == "device1"
    with cr.use_backend("numpy"):
        assert cr.tensor(1.0).backend.name == "numpy"
    assert cr.tensor(1.0).device == "device1"
    cr.set_backend(None)
    assert cr.tensor(1.0).device == "device2"


def test_set_backend_that_fails_changes_nothing() -> None:
    cr.set_backend("array_api_strict")
    with pytest.raises(cr.BackendError, match="set_backend: no backend 'nope'"):
        cr.set_backend("nope")
    assert cr.get_backend().name == "array_api_strict"


@pytest.mark.parametrize("choice", [3, b"numpy", ("numpy",)])
def test_a_choice_is_a_string(choice: object) -> None:
    with pytest.raises(cr.ChainruleError, match="is no backend"):
        cr.set_backend(choice)  # type: ignore[arg-type]
    with pytest.raises(cr.ChainruleError, match="is no backend"), cr.use_backend(choice):  # type: ignore[arg-type]
        pass


def test_scopes_nest_and_end_whatever_is_raised() -> None:
    with cr.use_backend("array_api_strict:device1") as outer:
        assert cr.get_backend() is outer
        with pytest.raises(RuntimeError, match="inside"), cr.use_backend("numpy"):
            raise RuntimeError("inside")
        assert cr.tensor(1.0).device == "device1"
        with pytest.raises(cr.BackendError), cr.use_backend("nope"):
            pass
        assert cr.tensor(1.0).device == "device1"
        with cr.use_backend("array_api_strict"):
            assert cr.tensor(1.0).device == "cpu_device"
    assert cr.get_backend().name == "numpy"


def test_a_thread_sees_the_default_and_not_anothers_scope() -> None:
    seen: list[str] = []
    with cr.use_backend("array_api_strict"):
        thread = threading.Thread(target=lambda: seen.append(cr.get_backend().name))
        thread.start()
        thread.join()
    assert seen == ["numpy"]


def test_tasks_do_not_see_each_others_scopes() -> None:
    async def task(choice: str, turn: asyncio.Barrier) -> str:
        with cr.use_backend(choice):
            await turn.wait()
            return cr.get_backend().name

    async def both() -> list[str]:
        turn = asyncio.Barrier(2)
        return await asyncio.gather(task("numpy", turn), task("array_api_strict", turn))

    assert asyncio.run(both()) == ["numpy", "array_api_strict"]


def test_many_threads_load_a_backend_once(installed: Callable[..., None]) -> None:
    made: list[cr.Backend] = []
    start = threading.Barrier(8)

    def factory() -> cr.Backend:
        backend = make_backend("counted")
        made.append(backend)
        return backend

    cr.register_backend("counted", factory)
    got: list[cr.Backend] = []

    def load() -> None:
        start.wait()
        got.append(_backends.load_backend("counted"))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert all(backend is made[0] for backend in got)


# Entry points that are wrong


def make_backend(name: str = "mine") -> cr.Backend:
    """A backend that cannot compute, by its own name or another."""
    return cr.Backend(
        name=name,
        version="0",
        xp=None,
        array_types=(),
        dtypes={},
        asarray=lambda data, dtype, device: None,
        full=lambda shape, value, dtype, device: None,
        to_numpy=lambda array: array,
    )


def not_a_backend() -> str:
    """What an entry point must not name."""
    return "surprise"


def breaks() -> cr.Backend:
    """A factory with a fault of its own."""
    raise KeyError("driver")


def refuses() -> cr.Backend:
    """A factory that says why."""
    raise cr.BackendUnavailableError("backend 'mine': no licence; buy one")


def test_an_entry_point_that_does_not_import(installed: Callable[..., None]) -> None:
    installed(mine="no_such_module_at_all:backend")
    with pytest.raises(
        cr.BackendUnavailableError, match=r"'mine'.*no_such_module_at_all:backend.*does not import"
    ) as info:
        cr.set_backend("mine")
    assert "ModuleNotFoundError" in str(info.value)
    assert isinstance(info.value, ImportError)
    assert "mine" in cr.available_backends()
    assert cr.get_backend().name == "numpy"


def test_an_entry_point_whose_attribute_is_missing(installed: Callable[..., None]) -> None:
    installed(mine="chainrule_numpy:no_such_function")
    with pytest.raises(cr.BackendUnavailableError, match=r"'mine'.*does not import: AttributeError"):
        cr.set_backend("mine")


def load_with(monkeypatch: pytest.MonkeyPatch, factory: object) -> None:
    """Choose the made-up backend `mine`, whose entry point gives this factory."""
    real = Entry.load
    monkeypatch.setattr(Entry, "load", lambda self: factory if self.name == "mine" else real(self))
    cr.set_backend("mine")


@pytest.mark.parametrize(
    ("factory", "error", "words"),
    [
        (not_a_backend, cr.BackendError, "'mine'.*expected a chainrule.Backend, got str"),
        (lambda: make_backend("yours"), cr.BackendError, "'mine'.*calls itself 'yours'"),
        (breaks, cr.BackendUnavailableError, "'mine'.*does not start: KeyError: 'driver'"),
        (refuses, cr.BackendUnavailableError, "set_backend: backend 'mine': no licence; buy one"),
        (None, cr.BackendUnavailableError, "'mine'.*does not start: TypeError"),
    ],
    ids=["wrong type", "wrong name", "fault", "refusal", "no function"],
)
def test_a_factory_that_gives_no_backend(
    installed: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    factory: object,
    error: type[Exception],
    words: str,
) -> None:
    installed(mine="some_module:backend")
    with pytest.raises(error, match=words):
        load_with(monkeypatch, factory)
    assert cr.get_backend().name == "numpy"
    with pytest.raises(error, match=words):  # and again: nothing of the failure is kept
        load_with(monkeypatch, factory)


def test_a_backend_that_works_after_it_failed(installed: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    installed(mine="some_module:backend")
    with pytest.raises(cr.BackendUnavailableError):
        load_with(monkeypatch, refuses)
    load_with(monkeypatch, make_backend)
    assert cr.get_backend().name == "mine"


def test_two_distributions_with_one_name(installed: Callable[..., None]) -> None:
    installed(mine=("one:backend", "two:backend"))
    with pytest.raises(cr.BackendError, match="'mine' is provided by one:backend and two:backend; uninstall one"):
        cr.set_backend("mine")
    cr.set_backend("array_api_strict")  # the others are not disturbed


def test_a_broken_backend_does_not_disturb_the_rest(installed: Callable[..., None]) -> None:
    installed(broken="no_such_module_at_all:backend")
    assert float(cr.tensor(2.0) * 3.0) == 6.0
    from chainrule._info_command import report

    assert "broken: unavailable: backend 'broken'" in report()


def test_registering_a_backend() -> None:
    cr.register_backend("mine", make_backend)
    cr.register_backend("mine", make_backend)  # the same again is none
    cr.set_backend("mine")
    assert cr.get_backend().name == "mine"
    with pytest.raises(cr.BackendError, match="a backend called 'mine' is there already"):
        cr.register_backend("mine", lambda: make_backend("mine"))
    with pytest.raises(cr.BackendError, match="a backend called 'numpy' is there already"):
        cr.register_backend("numpy", make_backend)


@pytest.mark.parametrize("name", [" mine", "mi:ne", "", "my backend"])
def test_a_name_that_could_never_be_chosen_is_refused(name: str) -> None:
    with pytest.raises(cr.BackendError, match="is no name for a backend"):
        cr.register_backend(name, lambda: make_backend(name))


def test_a_name_is_found_in_any_case() -> None:
    cr.register_backend("Mine", lambda: make_backend("Mine"))
    cr.set_backend(" mInE ")
    assert cr.get_backend().name == "Mine"
