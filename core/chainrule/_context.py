"""What is in force here and now: one immutable object behind one `ContextVar`.

An operation looks it up once. Threads start with the process-wide defaults and asynchronous tasks with a copy of their
parent's, so no scope is ever seen by a neighbour, and leaving a scope restores what was before it, whatever was raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar, Token
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from chainrule._backend import Backend
    from chainrule._definition import Definition
    from chainrule._graph import Graph, GraphNode
    from chainrule._tensor import Tensor
    from chainrule._variable import Variable

    Assigned = dict[Variable, Tensor]  # what variables held before a checkpoint assigned them

RECORDING: Final = 1
OVERRIDING: Final = 2
DEBUGGING: Final = 4
BUILDING: Final = 8


class Context:
    """The scopes in force. `mode` sums up what an operation must attend to; 0 is nothing."""

    __slots__ = (
        *("assigned", "backend", "controls", "debugging", "derives", "device", "graph", "jit", "missing", "mode"),
        *("overrides", "recording", "scope", "strict", "threads"),
    )

    def __init__(
        self,
        recording: bool = False,
        overrides: Mapping[str, Definition] | None = None,
        debugging: str = "",
        backend: Backend | None = None,
        device: str | None = None,
        scope: str = "",
        graph: Graph | None = None,
        missing: Mapping[str, Any] | None = None,
        controls: tuple[GraphNode, ...] = (),
        derives: tuple[GraphNode, Definition] | None = None,
        strict: bool | None = None,
        jit: str | None = None,
        threads: int | None = None,
        assigned: Assigned | None = None,
    ) -> None:
        self.recording = recording
        self.overrides = overrides
        self.debugging = debugging
        self.backend = backend
        self.device = device
        self.scope = scope
        self.graph = graph
        self.missing = missing
        self.controls = controls
        self.derives = derives
        self.strict = strict
        self.jit = jit
        self.threads = threads
        self.assigned = assigned
        self.mode = (
            RECORDING * recording
            | OVERRIDING * (overrides is not None)
            | DEBUGGING * bool(debugging)
            | BUILDING * (graph is not None)
        )

    def replace(self, **changes: Any) -> Context:
        """This context with some fields changed."""
        fields = list(_fields_of(self))
        for name, value in changes.items():
            fields[_PLACES[name]] = value
        return Context(*fields)


_FIELDS: Final = Context.__init__.__code__.co_varnames[1 : Context.__init__.__code__.co_argcount]
_fields_of: Final = attrgetter(*_FIELDS)
_PLACES: Final = {name: i for i, name in enumerate(_FIELDS)}

_DEFAULT: Final = Context()
epoch = 0  # grows with every change of a setting of the process that plans depend on
_variable: ContextVar[Context] = ContextVar("chainrule", default=_DEFAULT)
current = _variable.get
enter = _variable.set
leave = _variable.reset


def is_plain(context: Context) -> bool:
    """Whether there is nothing to attend to but a choice of backend and of how plans compute."""
    return not context.mode and context.missing is None


def settings_changed() -> None:
    """Say that a setting of the process has changed."""
    global epoch
    epoch += 1


def set_default_graph(graph: Graph | None) -> None:
    """Make a graph the process-wide default, in which everything is built that no `with` block says otherwise of."""
    _DEFAULT.graph = graph
    _DEFAULT.recording = graph is not None
    _DEFAULT.mode = _DEFAULT.mode & ~(BUILDING | RECORDING) | (BUILDING | RECORDING) * (graph is not None)


def default_graph() -> Graph | None:
    """The process-wide default graph."""
    return _DEFAULT.graph


def set_default_overrides(overrides: Mapping[str, Definition]) -> None:
    """Add to the process-wide overrides, before anything has been recorded."""
    _DEFAULT.overrides = {**(_DEFAULT.overrides or {}), **overrides}
    _DEFAULT.mode |= OVERRIDING


@contextmanager
def scope(**changes: Any) -> Iterator[None]:
    """Put changed fields in force for a `with` block."""
    from chainrule._plugins import load_plugins

    load_plugins()  # the defaults that this scope lies over are complete then
    token = enter(current().replace(**changes))
    try:
        yield
    finally:
        leave(token)


class no_grad(ContextDecorator):  # a function to those who use it
    """Record nothing in this block: results are constants to every gradient around it.

    A transformation started inside (`grad`, a tape, ...) records for itself as always. Also a decorator.

    >>> import chainrule as cr
    >>> with cr.GradientTape() as tape:
    ...     x = tape.watch(cr.tensor(3.0))
    ...     with cr.no_grad():
    ...         scale = x * 2.0
    ...     y = x * scale
    >>> tape.gradient(y, x)
    Tensor(6.0, float64)
    """

    def __init__(self) -> None:
        self._tokens: list[Token[Context] | None] = []

    def __enter__(self) -> None:
        context = current()
        self._tokens.append(enter(context.replace(recording=False)) if context.recording else None)

    def __exit__(self, *exception: object) -> None:
        token = self._tokens.pop()
        if token is not None:
            leave(token)

    def _recreate_cm(self) -> no_grad:
        return no_grad()  # a decorated function can run in several threads at once


@contextmanager
def init_scope() -> Iterator[None]:
    """Leave every graph and function that is being built: this block runs now, eagerly, and records nothing.

    For what is made once, such as the variables of a layer at its first call.
    """
    with scope(graph=None, recording=False, controls=(), derives=None):
        yield


@contextmanager
def name_scope(name: str) -> Iterator[str]:
    """Name the nodes made in this block `"<name>/<op>"`, inside whatever scope is around it.

    Overrides select by these names (`{"layer1/*": ...}`) and explanations show them.

    >>> import chainrule as cr
    >>> with cr.name_scope("layer1") as full_name:
    ...     full_name
    'layer1/'
    """
    full_name = f"{current().scope}{name.strip('/')}/"
    with scope(scope=full_name):
        yield full_name
