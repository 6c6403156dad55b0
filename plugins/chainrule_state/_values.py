"""Where variables' values are kept, in themselves or in a session: the one place that knows."""

from __future__ import annotations

from contextlib import suppress

from chainrule import (
    ArgumentError,
    DTypeError,
    Graph,
    GraphError,
    Session,
    Tensor,
    Variable,
    get_default_graph,
    get_default_session,
)
from chainrule_state._encoding import Home


class Values:
    """The values that variables have in a session, where its graph has them; their own elsewhere.

    Args:
        what: the function that is called, for messages.
        session: the session; None for the one in force, if there is one.

    Raises:
        ArgumentError: a compiled function is being traced, where a variable stands for all the values it will have.
        DTypeError: it is no session.
        GraphError: it is closed.
    """

    def __init__(self, what: str, session: Session | None = None) -> None:
        if session is not None and not isinstance(session, Session):
            raise DTypeError(f"{what}: session: expected a Session or None, got {type(session).__name__}")
        graph = get_default_graph()
        if graph is not None and type(graph) is not Graph:
            raise ArgumentError(
                f"{what}: variables have no values while a compiled function or control flow is being built; save and "
                "load outside of it"
            )
        self.what = what
        self.session = session or get_default_session()
        if self.session is not None:
            try:
                self.session.run(())
            except GraphError as error:
                raise GraphError(f"{what}: session: expected one that is open: {error}") from error
        self._used = set() if self.session is None else {id(variable) for variable in self.session.graph.variables}

    def read(self, variable: Variable) -> Tensor:
        """The value now, without history.

        Raises:
            GraphError: it has none.
        """
        session = self._session_of(variable)
        if session is None:
            return variable.initial_value
        return Tensor(session.value(variable), session.backend)

    def read_or_initial(self, variable: Variable) -> Tensor:
        """The value now; where it is not initialised, the tensor of the value that it would be initialised with."""
        self._session_of(variable)  # refuses a variable that no session has
        with suppress(GraphError):
            return self.read(variable)
        return variable.initial_value

    def write(self, variable: Variable, value: Tensor) -> None:
        """Give it a value of its own shape and dtype, or of a symbolic tensor what that is in the session."""
        session = self._session_of(variable)
        if session is None:
            variable.assign(value)
        else:
            session.load(variable, session.run(value) if value.backend.name == "symbolic" else value)

    def home(self, variable: Variable) -> Home:
        """Where its value is."""
        session = self._session_of(variable)
        return Home.of(variable.initial_value) if session is None else Home(session.backend, session.device)

    def _session_of(self, variable: Variable) -> Session | None:
        """The session that has its value; None where it has one of its own."""
        if variable.graph is None:
            return self.session if id(variable) in self._used else None
        if self.session is None:
            raise GraphError(
                f"{self.what}: variable {variable.name!r} was made in a graph, so its values are in sessions, and none "
                "is in force; pass session=, or call it inside `with cr.Session(graph):`"
            )
        if variable.graph is not self.session.graph:
            raise GraphError(
                f"{self.what}: variable {variable.name!r} was made in another graph than the session's; pass a session "
                "of its graph"
            )
        return self.session
