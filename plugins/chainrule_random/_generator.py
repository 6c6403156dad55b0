"""`Generator`: a stream of random numbers with a state of its own; and the default ones, of the module's functions."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from chainrule import (
    Backend,
    GraphError,
    Symbol,
    Tensor,
    Variable,
    control_dependencies,
    get_backend,
    get_default_graph,
    get_device,
    init_scope,
    use_backend,
)
from chainrule_random import (
    _categories,
    _gamma,
    _implicit,
    _location_scale,
    _multivariate,
    _permutations,
    _trials,
    _truncated,
)
from chainrule_random._state import child_states, first_state, next_state

P = ParamSpec("P")
R = TypeVar("R")


class Generator:
    """A stream of random numbers that a seed decides, eagerly, in graphs and in compiled functions.

    Each draw takes it one step further. A run of a compiled function or a session goes on where the last one ended; one
    that fails leaves it where it was. Each session starts from the state that the generator has when the session first
    needs it. Loops, branches, checkpoints and gradients that compute something again draw the same again.

    A generator lives on the backend and device that are in force when it is made, as variables do, and draws there. One
    seed gives the same numbers on all backends but CuPy's. Threads can share one eagerly; those that run compiled
    functions each need their own: see `spawn`.

    Args:
        seed: None for one that is unlike any other; a non-negative integer, a sequence of them, or NumPy's
            `SeedSequence`.
        name: a name for reports.

    Attributes:
        state: the variable that holds the state, to be saved, restored, or read in a session:
            `cr.save(path, {"random": generator.state})`.

    >>> import chainrule as cr
    >>> generator = cr.random.Generator(0)
    >>> before = generator.state.numpy()
    >>> x = generator.normal((2, 3))
    >>> _ = generator.state.assign(before)
    >>> bool(cr.all(generator.normal((2, 3)) == x))
    True
    """

    def __init__(self, seed: Any = None, name: str = "generator") -> None:
        self._start(first_state(seed), name)

    def _start(self, state: Any, name: str) -> None:
        with init_scope():
            self.state = Variable(state, trainable=False, name=name)
        self._lock = threading.Lock()

    def draw(self, operation: Callable[..., Any], *parameters: Any, **attributes: Any) -> Any:
        """Call an operation with the state, and go on to the next."""
        with self._lock:
            state = self.state.read()
            changed = self.state.assign(next_state(state))
        if type(state.value) is not Symbol:
            return operation(state, *parameters, **attributes)
        with control_dependencies([changed]):  # whatever part of a graph runs this takes the step too
            return operation(state, *parameters, **attributes)

    def spawn(self, n: int) -> list[Generator]:
        """Generators whose streams have nothing to do with each other or with this one: for threads and processes.

        It takes a draw: the next call gives others.

        Raises:
            GraphError: a graph is being built, which happens once for many runs.
        """
        if get_default_graph() is not None:
            raise GraphError("spawn: a graph or compiled function is being built; spawn generators before")
        name = self.state.name
        made = []
        for i, state in enumerate(self.draw(lambda state: child_states(state.numpy(), n))):
            child = object.__new__(Generator)
            child._start(state, f"{name}_{i}")
            made.append(child)
        return made

    def __repr__(self) -> str:
        return f"<Generator {self.state.name!r} on {self.state.backend.name}>"

    bernoulli = _trials.bernoulli
    beta = _gamma.beta
    binomial = _trials.binomial
    categorical = _categories.categorical
    cauchy = _location_scale.cauchy
    chi2 = _gamma.chi2
    choice = _categories.choice
    dirichlet = _gamma.dirichlet
    exponential = _location_scale.exponential
    f = _gamma.f
    gamma = _gamma.gamma
    geometric = _trials.geometric
    gumbel = _location_scale.gumbel
    gumbel_softmax = _categories.gumbel_softmax
    integers = _trials.integers
    laplace = _location_scale.laplace
    logistic = _location_scale.logistic
    lognormal = _location_scale.lognormal
    multinomial = _categories.multinomial
    multivariate_normal = _multivariate.multivariate_normal
    negative_binomial = _trials.negative_binomial
    normal = _location_scale.normal
    pareto = _location_scale.pareto
    permutation = _permutations.permutation
    poisson = _trials.poisson
    power = _location_scale.power
    rayleigh = _location_scale.rayleigh
    student_t = _gamma.student_t
    triangular = _location_scale.triangular
    truncated_normal = _truncated.truncated_normal
    uniform = _location_scale.uniform
    von_mises = _implicit.von_mises
    wald = _implicit.wald
    weibull = _location_scale.weibull


_lock = threading.Lock()
_seeded: Any = None  # the state that default generators start from
_defaults: dict[tuple[Backend, str | None], Generator] = {}


def seed(seed: Any) -> None:
    """Start the module's functions anew from a seed, on every backend. Sessions keep the states they have.

    >>> import chainrule as cr
    >>> cr.random.seed(0)
    >>> x = cr.random.normal(3)
    >>> cr.random.seed(0)
    >>> bool(cr.all(cr.random.normal(3) == x))
    True
    """
    global _seeded
    if get_default_graph() is not None:
        raise GraphError("seed: a graph or compiled function is being built; seed before")
    with _lock:
        _seeded = first_state(seed)
        for generator in _defaults.values():
            generator.state.assign(_seeded)


def default_generator(backend: Backend | None = None) -> Generator:
    """The generator of the module's functions on a backend, the one in force if None is given.

    Until `seed` is called, it is unlike any other.
    """
    global _seeded
    backend, device = (get_backend(), get_device()) if backend is None else (backend, None)
    with _lock:
        found = _defaults.get((backend, device))
        if found is None:
            if _seeded is None:
                _seeded = first_state(None)
            found = object.__new__(Generator)
            with use_backend(backend.name) if device is None else use_backend(f"{backend.name}:{device}"):
                found._start(_seeded, "default_generator")
            _defaults[backend, device] = found
        return found


def by_default(method: Callable[Concatenate[Generator, P], R]) -> Callable[P, R]:
    """The function of the module that a method of generators is for the default one."""

    @functools.wraps(method)
    def function(*args: P.args, **kwargs: P.kwargs) -> R:
        given = (*args, *kwargs.values())
        backend = next((x.backend for x in given if type(x) is Tensor and type(x.value) is not Symbol), None)
        return method(default_generator(backend), *args, **kwargs)

    signature = inspect.signature(method)
    function.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # type: ignore[attr-defined]  # functions take it
    return function
