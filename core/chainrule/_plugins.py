"""Loading plugins: each by itself, at the first need, with every failure kept and reported."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pluggy

from chainrule import _discovery, _registry, hookspecs
from chainrule._errors import PluginError
from chainrule._owner import Owner

GROUP: Final = "chainrule.plugins"
DISABLE: Final = "CHAINRULE_DISABLE_PLUGINS"


@dataclass
class Plugin:
    """What became of one plugin.

    Attributes:
        owner: its name, distribution and version.
        module: what its entry point names.
        status: "loaded", "failed" or "disabled".
        error: why it failed, in a line.
        trace: the traceback.
        registered: what it registered: kind to names.
    """

    owner: Owner
    module: str
    status: str
    error: str = ""
    trace: str = ""
    registered: dict[str, list[str]] = field(default_factory=dict)


_lock = threading.RLock()
_plugins: dict[str, Plugin] = {}
_manager: pluggy.PluginManager | None = None
_loading = False


def load_plugins() -> None:
    """Load all enabled plugins, in name order, if that has not been done."""
    global _loading, _manager
    if _manager is not None and not _loading:
        return
    with _lock:
        if _manager is not None or _loading:
            return
        _loading = True
        try:
            manager = _new_manager()
            disabled = _disabled()
            for name, found in _discovery.find(GROUP).items():
                _plugins[name] = _load(manager, found, name in disabled)
            _manager = manager
        finally:
            _loading = False
        for name in sorted(disabled - _plugins.keys()):
            print(f"chainrule: {DISABLE} names {name!r}, which is no installed plugin", file=sys.stderr)
        from chainrule._overrides import apply_environment

        apply_environment()


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def _disabled() -> set[str]:
    return {name.strip() for name in os.environ.get(DISABLE, "").split(",") if name.strip()}


def _load(manager: pluggy.PluginManager, found: _discovery.Found, disabled: bool) -> Plugin:
    plugin = Plugin(found.owner, found.entries[0].value, "disabled" if disabled else "loaded")
    if disabled:
        return plugin
    try:
        if found.conflict:
            raise PluginError(f"plugin {found.conflict}")
        _register(manager, found.entries[0].load(), plugin)
    except Exception as error:
        plugin.status = "failed"
        plugin.error = f"{type(error).__name__}: {error}"
        plugin.trace = traceback.format_exc()
    return plugin


def register_plugin(module: Any, name: str) -> None:
    """Register a plugin in this process alone: a module or object with hook implementations.

    Raises:
        PluginError: it is broken, or claims what is taken; nothing of it stays registered.
    """
    load_plugins()
    assert _manager is not None
    with _lock:
        if name in _plugins and _plugins[name].status == "loaded":
            raise PluginError(f"a plugin called {name!r} is loaded already ({_plugins[name].module})")
        plugin = Plugin(Owner(name), getattr(module, "__name__", repr(module)), "loaded")
        try:
            _register(_manager, module, plugin)
        except PluginError:
            raise
        except Exception as error:
            raise PluginError(f"plugin {name!r}: {type(error).__name__}: {error}") from error
        _plugins[name] = plugin


def _register(manager: pluggy.PluginManager, module: Any, plugin: Plugin) -> None:
    """Validate a plugin, call its hooks once, and write what they return into the tables: all of it or nothing."""
    manager.register(module, plugin.owner.plugin)
    try:
        manager.check_pending()
        others = [other for other in manager.get_plugins() if other is not module]
        results = {}
        for hook in _REGISTER:
            called = manager.subset_hook_caller(hook, others)()
            if called:
                results[hook] = called[0]
        with _registry.lock:
            _commit(results, plugin)
    except BaseException:
        manager.unregister(module)
        raise


def _commit(results: Mapping[str, Any], plugin: Plugin) -> None:
    before = {id(table): (dict(table), dict(table.owners)) for table in _TABLES}
    definitions = {name: function.op.definition for name, function in _registry.ops.items()}  # type: ignore[attr-defined]
    try:
        for hook, result in results.items():
            kind, register = _REGISTER[hook]
            names = register(result, plugin.owner)
            if names:
                plugin.registered[kind] = sorted(names)
    except BaseException:
        for table in _TABLES:
            entries, owners = before[id(table)]
            table.clear()
            table.update(entries)
            table.owners = owners
        for name, definition in definitions.items():
            _registry.ops[name].op.definition = definition  # type: ignore[attr-defined]  # an op's function has its op
        raise


def _table(table: _registry.Table[Any]) -> Callable[[Mapping[str, Any], Owner], list[str]]:
    def register(entries: Mapping[str, Any], owner: Owner) -> list[str]:
        for name, value in entries.items():
            table.register(name, value, owner)
        return list(entries)

    return register


def _register_ops(functions: Any, owner: Owner) -> list[str]:
    functions = list(functions)
    for function in functions:
        _registry.register_op(function, owner)
    return [function.op.name for function in functions]


def _register_gradients(entries: Mapping[str, Any], owner: Owner) -> list[str]:
    for name, gradient in entries.items():
        _registry.register_gradient(name, gradient, owner=owner)
    return list(entries)


def _register_kernels(entries: Mapping[str, Mapping[str, Any]], owner: Owner) -> list[str]:
    _registry.register_kernels(entries, owner)
    return [f"{backend}:{name}" for backend, by_op in entries.items() for name in by_op]


def _register_methods(entries: Mapping[str, Any], owner: Owner) -> list[str]:
    _registry.register_methods(entries, owner)
    return list(entries)


_TABLES: Final = (
    *(_registry.ops, _registry.functions, _registry.numpy_functions, _registry.tensor_methods, _registry.gradients),
    *(_registry.override_sets, _registry.kernels, _registry.namespaces, _registry.commands),
)
_REGISTER: Final[Mapping[str, tuple[str, Callable[[Any, Owner], list[str]]]]] = {
    "chainrule_ops": ("ops", _register_ops),
    "chainrule_functions": ("functions", _table(_registry.functions)),
    "chainrule_numpy_functions": ("NumPy functions", _table(_registry.numpy_functions)),
    "chainrule_tensor_methods": ("tensor methods", _register_methods),
    "chainrule_gradients": ("gradients", _register_gradients),
    "chainrule_overrides": ("override sets", _table(_registry.override_sets)),
    "chainrule_kernels": ("kernels", _register_kernels),
    "chainrule_namespaces": ("namespaces", _table(_registry.namespaces)),
    "chainrule_commands": ("commands", _table(_registry.commands)),
}


def plugins() -> dict[str, Plugin]:
    """What became of each installed plugin, by name.

    >>> import chainrule as cr
    >>> cr.plugins()["arrays"].status
    'loaded'
    """
    load_plugins()
    return dict(_plugins)


def info_lines(name: str) -> list[str]:
    """A plugin's own lines for `chainrule info`; if it fails, the failure."""
    assert _manager is not None
    module = _manager.get_plugin(name)
    if module is None:
        return []
    others = [other for other in _manager.get_plugins() if other is not module]
    try:
        return [line for lines in _manager.subset_hook_caller("chainrule_info", others)() for line in lines]
    except Exception as error:
        return [f"chainrule_info failed: {type(error).__name__}: {error}"]


def why_no_op(name: str) -> str:
    """Why there is no operation or public name `name`: a plugin that failed or is disabled, or nobody has it."""
    import difflib

    near = difflib.get_close_matches(name, _registry.public_names(), 1)
    reasons = [f"did you mean {near[0]!r}?"] if near else ["no loaded plugin provides it."]
    for plugin in _plugins.values():
        if plugin.status == "failed":
            reasons.append(f"{plugin.owner} failed to load ({plugin.error}); see `chainrule info`.")
        elif plugin.status == "disabled":
            reasons.append(f"{plugin.owner} is disabled by {DISABLE}.")
    return " ".join(reasons)
