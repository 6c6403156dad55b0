"""What a run is about: the backends and devices it computes on, and the operations it checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import chainrule as cr
from chainrule_testing import _engine
from chainrule_testing._samples import Samples
from chainrule_testing.samples import engine

ENGINE = "chainrule"


@dataclass(frozen=True)
class Target:
    """A backend, or a device of one.

    Attributes:
        choice: what users choose it by, such as `"cupy:1"`.
        backend: the backend.
    """

    choice: str
    backend: cr.Backend

    def __str__(self) -> str:
        return f"{self.choice} {self.backend.version}"


def target(choice: str) -> Target:
    """The backend and device of a name.

    Raises:
        BackendError: there is none.
        BackendUnavailableError: it cannot compute here.
    """
    with cr.use_backend(choice) as backend:
        return Target(choice, backend)


def at_hand() -> tuple[list[Target], dict[str, str]]:
    """All installed backends that can compute here, and why the others cannot."""
    found, missing = [], {}
    for name in cr.available_backends():
        try:
            found.append(target(name))
        except cr.BackendUnavailableError as error:
            missing[name] = " ".join(str(error).split())
    return found, missing


def own_plugins() -> list[str]:
    """The plugins that come with chainrule and have operations."""
    own = [name for name, plugin in cr.plugins().items() if plugin.owner.distribution == ENGINE]
    return [name for name in own if _engine.ops_of(name)]


@dataclass(frozen=True)
class Override:
    """An entry of a plugin's named override set: another gradient for an operation."""

    name: str
    op: str
    gradient: Any

    def __str__(self) -> str:
        return f"{self.name}-{self.op}"


def overrides_of(plugins: Sequence[str]) -> list[Override]:
    """What the named override sets of these plugins hold."""
    return [
        Override(name, op, gradient)
        for plugin in plugins
        for name, overrides in _engine.override_sets_of(plugin).items()
        for op, gradient in overrides.items()
    ]


def samples_of(plugins: Sequence[str]) -> tuple[dict[str, Samples], list[str]]:
    """The samples of the operations of these plugins, and the operations that have none.

    Raises:
        PluginError: a plugin is not loaded, or gives samples of what is no operation of its own.
    """
    found: dict[str, Samples] = {}
    without = []
    for plugin in plugins:
        state = cr.plugins().get(plugin)
        if state is None or state.status != "loaded":
            why = "there is none of that name" if state is None else f"it is {state.status}; {state.error}"
            raise cr.PluginError(f"plugin {plugin!r}: {why}; `chainrule info` lists them")
        given = engine.SAMPLES if plugin == ENGINE else dict(_engine.samples_of(plugin))
        ops = _engine.ops_of(plugin)
        foreign = sorted(given.keys() - ops.keys())
        if foreign:
            raise cr.PluginError(f"plugin {plugin!r}: samples of {', '.join(foreign)}, which it does not register")
        found |= given
        elsewhere = engine.ELSEWHERE if plugin == ENGINE else {}
        without += [f"{op} of plugin {plugin!r}" for op in ops if op not in given and op not in elsewhere]
    return found, without
