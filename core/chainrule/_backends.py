"""Which backend computes: found by entry point, chosen by `CHAINRULE_BACKEND`, `set_backend` or `use_backend`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from chainrule import _context, _discovery, _threads
from chainrule._backend import Backend
from chainrule._errors import BackendError, BackendUnavailableError, ChainruleError, nearest

GROUP = "chainrule.backends"
VARIABLE = "CHAINRULE_BACKEND"
DEFAULT = "numpy"

_lock = threading.RLock()
_loaded: dict[str, Backend] = {}
_registered: dict[str, Callable[[], Backend]] = {}
_by_type: dict[type, Backend | None] = {}
_default: tuple[Backend, str | None] | None = None


def available_backends() -> list[str]:
    """The names of all backends that are installed, whether they can compute here or not."""
    return sorted(_discovery.find(GROUP).keys() | _registered.keys())


def register_backend(name: str, factory: Callable[[], Backend]) -> None:
    """Make a backend known in this process alone, as an entry point does for an installed one.

    Raises:
        BackendError: a backend of that name is installed or registered already, or the name could not be chosen.
    """
    if not name or ":" in name or any(c.isspace() for c in name):
        raise BackendError(f"{name!r} is no name for a backend: it must have no blanks and no ':'")
    with _lock:
        if _registered.get(name) is not factory and name in available_backends():
            raise BackendError(f"a backend called {name!r} is there already; installed: {_installed()}")
        _registered[name] = factory


def load_backend(name: str) -> Backend:
    """The backend of a name, imported at its first use.

    Raises:
        BackendError: no backend has that name, or two distributions claim it.
        BackendUnavailableError: it cannot compute here; says what is missing and what to do.
    """
    backend = _loaded.get(name)
    if backend is not None:
        return backend
    with _lock:
        backend = _loaded.get(name)
        if backend is None:
            backend = _load(name)
            _threads.govern(backend)
            _loaded[name] = backend
            _by_type.clear()
        return backend


def _load(name: str) -> Backend:
    factory: Any = _registered.get(name)
    origin = ""
    if factory is None:
        found = _discovery.find(GROUP).get(name)
        if found is None:
            near = nearest(name, available_backends())
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise BackendError(
                f"no backend {name!r}; {hint}installed: {_installed()}; "
                "more come with distributions that have entry points in the group 'chainrule.backends'"
            )
        if found.conflict:
            raise BackendError(f"backend {found.conflict}")
        origin = f" ({found.entries[0].value} of {found.owner.distribution} {found.owner.version})"
        try:
            factory = found.entries[0].load()
        except Exception as error:
            raise BackendUnavailableError(
                f"backend {name!r}{origin} does not import: {type(error).__name__}: {error}"
            ) from error
    try:
        backend = factory()
    except BackendUnavailableError:
        raise
    except Exception as error:
        raise BackendUnavailableError(
            f"backend {name!r}{origin} does not start: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(backend, Backend):
        raise BackendError(f"backend {name!r}{origin}: expected a chainrule.Backend, got {type(backend).__name__}")
    if backend.name != name:
        raise BackendError(f"backend {name!r}{origin} calls itself {backend.name!r}; the two names must agree")
    return backend


def _installed() -> str:
    return ", ".join(available_backends()) or "none"


def parse(choice: str, origin: str) -> tuple[Backend, str | None]:
    """The backend and device that a choice such as `"cupy:1"` names.

    Names are taken in any case and with blanks around them; nothing else is forgiven.

    Raises:
        BackendError: it is malformed, or there is no such backend or device.
        BackendUnavailableError: the backend cannot compute here.
    """
    written = choice.strip().lower() if isinstance(choice, str) else ""  # type: ignore[redundant-expr]  # not all check
    name, colon, device = written.partition(":")
    if not name or (colon and not device) or any(c.isspace() for c in name + device):
        raise BackendError(f"{origin}: {choice!r} is no backend; write NAME or NAME:DEVICE, e.g. 'numpy' or 'cupy:1'")
    name = next((known for known in available_backends() if known.lower() == name), name)
    try:
        backend = load_backend(name)
    except ChainruleError as error:
        raise type(error)(f"{origin}: {error}") from error
    if not colon:
        return backend, None
    devices = tuple(backend.devices())
    device = next((name for name in devices if name == device or name.startswith(f"{device}:")), device)
    if device not in devices:
        raise BackendError(f"{origin}: backend {name!r} has no device {device!r}; it has {', '.join(devices)}")
    return backend, device


def get_backend() -> Backend:
    """The backend in force: of the innermost `use_backend`, else `set_backend`, else `CHAINRULE_BACKEND`, else NumPy.

    >>> import chainrule as cr
    >>> cr.get_backend().name
    'numpy'
    """
    backend = _context.current().backend
    return backend if backend is not None else process_default()[0]


def get_device() -> str | None:
    """The device in force, None for the backend's default."""
    context = _context.current()
    return context.device if context.backend is not None else process_default()[1]


def process_default() -> tuple[Backend, str | None]:
    """The backend and device of the process, where no scope says otherwise."""
    global _default
    if _default is None:
        with _lock:
            if _default is None:
                choice = os.environ.get(VARIABLE, "")
                _default = parse(choice, VARIABLE) if choice.strip() else (load_backend(DEFAULT), None)
    return _default


def set_backend(choice: str | None) -> None:
    """Choose the backend for the whole process; None goes back to `CHAINRULE_BACKEND`.

    Tensors that exist keep theirs. If the choice fails, the one before stays.

    Raises:
        BackendError, BackendUnavailableError: see `use_backend`.
    """
    global _default
    chosen = None if choice is None else parse(choice, "set_backend")
    with _lock:
        _default = chosen


@contextmanager
def use_backend(choice: str) -> Iterator[Backend]:
    """Choose the backend, or a device of it, for a `with` block.

    Args:
        choice: `"numpy"`, `"cupy"`, `"cupy:1"`, or any installed backend's name.

    Raises:
        BackendError: no such backend or device; lists what is there.
        BackendUnavailableError: it cannot compute here; says what is missing. Nothing else is used instead.

    >>> import chainrule as cr
    >>> with cr.use_backend("numpy"):
    ...     type(cr.tensor([1.0]).value)
    <class 'numpy.ndarray'>
    """
    backend, device = parse(choice, "use_backend")
    with use(backend, device):
        yield backend


@contextmanager
def use(backend: Backend, device: str | None = None) -> Iterator[None]:
    """`use_backend`, of one that is there."""
    with _context.scope(backend=backend, device=device):
        yield


def backend_of(value: Any) -> Backend | None:
    """The backend whose arrays `value` is one of, loaded if that is installed; None for anything else."""
    kind = type(value)
    try:
        return _by_type[kind]
    except KeyError:
        pass
    library = kind.__module__.partition(".")[0]
    if library in available_backends() and library not in _loaded:
        with suppress(BackendUnavailableError):  # its arrays are then as foreign as any
            load_backend(library)
    fitting = [b for b in tuple(_loaded.values()) if issubclass(kind, b.array_types)]
    found = next((b for b in fitting if b.name == library), fitting[0] if fitting else None)  # others may share arrays
    _by_type[kind] = found
    return found


def home_of(value: Any) -> Backend:
    """The backend that `value` becomes a tensor of: its own library's, but for host data the one in force."""
    owner = backend_of(value)
    return get_backend() if owner is None or owner.name == DEFAULT else owner
