"""Loading plugins: each by itself, at the first need, with every failure kept and reported.

chainrule's own plugins come first, then everybody else's, each in name order; a plugin's module may use the operations
of those before it. What refers to operations by name (gradients, kernels, override sets) is entered when the names of
all plugins are known. A plugin of which any part is refused leaves nothing behind.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import pluggy

from chainrule import _discovery, _registry, hookspecs
from chainrule._errors import ChainruleError, PluginError, nearest
from chainrule._owner import Owner
from chainrule._registration import DEFINITIONS, HOOKS, NAMES, OVERRIDES, STAGES, Kind, checked

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

    def fail(self, error: BaseException) -> None:
        """Keep why it could not be loaded."""
        import traceback

        self.status = "failed"
        self.error = f"{type(error).__name__}: {' '.join(str(error).split())}"
        self.trace = "".join(traceback.format_exception(error))


class _Entering:
    """A plugin whose registrations are under way, with the way back."""

    def __init__(self, plugin: Plugin, results: Mapping[str, Any]) -> None:
        self.plugin = plugin
        self.results = results
        self.undo = ExitStack()

    def import_operations(self) -> bool:
        """Import the operations that gradients and override sets are for, without our locks; False to do it later.

        What fails is told when these are entered.
        """
        gradients, sets = (self.results.get(f"chainrule_{kind}") for kind in ("gradients", "overrides"))
        for definitions in (gradients, *(sets.values() if isinstance(sets, Mapping) else ())):
            for name in definitions if isinstance(definitions, Mapping) else ():
                with suppress(ChainruleError):
                    _registry.ops.find(name)
                place = _registry.ops.get(name)
                if isinstance(place, str) and is_under_way(place.partition(":")[0]):
                    return False  # it is imported by the code that asks for plugins now
        return True

    def enter(self, stage: Mapping[str, Kind]) -> None:
        """Write what hooks of this stage returned into the tables.

        Raises:
            ChainruleError: something is refused; all that this plugin has entered is then taken back.
        """
        try:
            with _registry.lock:
                for hook, (kind, register) in stage.items():
                    if hook not in self.results:
                        continue
                    names = register(checked(hook, self.results[hook]), self.plugin.owner, self.undo)
                    if names:
                        self.plugin.registered[kind] = sorted(names)
        except BaseException:
            self.undo.close()
            raise


_lock = threading.RLock()
_here = threading.local()
_manager = pluggy.PluginManager(hookspecs.PROJECT)
_manager.add_hookspecs(hookspecs)
_plugins: dict[str, Plugin] = {}
_modules: dict[str, Any] = {}
_unfinished: list[_Entering] = []
_ready = False


def load_plugins() -> None:
    """Load all enabled plugins, if that has not been done, and what `CHAINRULE_OVERRIDES` asks for.

    Raises:
        SelectorError: `CHAINRULE_OVERRIDES` names what there is not. Every later call raises it again.
    """
    if _ready or getattr(_here, "loading", False):
        return
    with _loading():
        if _load_all():
            _finish()


def _finish() -> None:
    """What the environment asks for, once."""
    global _ready
    from chainrule._overrides import apply_environment

    with _lock:
        if _ready:
            return
        apply_environment()
        _ready = True
    for line in unknown_disabled():
        warnings.warn(line, RuntimeWarning, stacklevel=2)


@contextmanager
def _loading() -> Iterator[None]:
    """While this thread loads, what it calls finds the plugins that are loaded already."""
    before = getattr(_here, "loading", False)
    _here.loading = True
    try:
        yield
    finally:
        _here.loading = before


def _load_all() -> bool:
    """Load what is not loaded; whether that is all of it.

    Modules are imported outside of our lock, since imports take locks of their own.
    """
    complete = True
    disabled = _disabled()
    for name, found in sorted(_discovery.find(GROUP).items(), key=lambda item: (not _is_own(item[1]), item[0])):
        if name in _plugins:
            continue
        plugin = Plugin(found.owner, found.entries[0].value, "disabled" if name in disabled else "loaded")
        module = None
        if plugin.status == "loaded":
            try:
                if found.conflict:
                    raise PluginError(f"plugin {found.conflict}")
                module = found.entries[0].load()
                waiting = _is_being_imported(found.entries[0].module)
            except (Exception, SystemExit) as error:
                waiting = is_under_way(found.entries[0].module)
                plugin.fail(error)
            if waiting:  # by the code that asks for plugins now; it is loaded the next time
                complete = False
                continue
        with _lock:
            if name not in _plugins:
                _plugins[name] = plugin
                if plugin.status == "loaded":
                    _begin(plugin, module)
    with _lock:
        waiting_for_names = list(_unfinished)
    later = [entering for entering in waiting_for_names if not entering.import_operations()]
    with _lock:
        for stage in (DEFINITIONS, OVERRIDES):
            for entering in [e for e in _unfinished if e not in later]:
                try:
                    entering.enter(stage)
                except Exception as error:
                    _unfinished.remove(entering)
                    _fail(entering.plugin, error)
        _unfinished[:] = later
    return complete and not later


def _is_own(found: _discovery.Found) -> bool:
    return found.owner.distribution == hookspecs.PROJECT


def _is_being_imported(module: str) -> bool:
    """Whether a module is in the middle of its import, which is then one of this thread's."""
    return bool(getattr(getattr(sys.modules.get(module), "__spec__", None), "_initializing", False))


def is_under_way(module: str) -> bool:
    """Whether a module, or a package it is in, is in the middle of its import."""
    parts = module.split(".")
    return any(_is_being_imported(".".join(parts[: i + 1])) for i in range(len(parts)))


def _begin(plugin: Plugin, module: Any) -> None:
    """Call a plugin's hooks and enter its names; the rest waits for the other plugins."""
    try:
        entering = _Entering(plugin, _call_hooks(plugin, module))
        entering.enter(NAMES)
    except Exception as error:
        _fail(plugin, error)
    else:
        _modules[plugin.owner.plugin] = module
        _unfinished.append(entering)


def _fail(plugin: Plugin, error: Exception) -> None:
    plugin.fail(error)
    plugin.registered = {}
    _modules.pop(plugin.owner.plugin, None)
    if _manager.has_plugin(plugin.owner.plugin):
        _manager.unregister(name=plugin.owner.plugin)


def fail_late(owner: Owner, error: BaseException) -> None:
    """Keep why something of a loaded plugin cannot be imported; the rest of it stays."""
    plugin = _plugins.get(owner.plugin)
    if plugin is not None:
        plugin.fail(error)


def _disabled() -> set[str]:
    return {name.strip() for name in os.environ.get(DISABLE, "").split(",") if name.strip()}


def unknown_disabled() -> list[str]:
    """What `CHAINRULE_DISABLE_PLUGINS` names in vain, as sentences."""
    have = _discovery.find(GROUP)
    return [
        f"{DISABLE} names {name!r}, which is no installed plugin; installed: {', '.join(have)}"
        for name in sorted(_disabled() - have.keys())
    ]


def register_plugin(module: Any, name: str) -> None:
    """Register a plugin in this process alone: a module or object with hook implementations.

    Registering one again under its name is allowed as long as what it has registered stays the same, as when a
    notebook's cell is run again.

    Raises:
        PluginError: it is broken, or claims what is taken; nothing of it stays registered.

    >>> import chainrule as cr
    >>> class Halves:
    ...     @cr.hookimpl
    ...     def chainrule_functions(self):
    ...         return {"doctest_halve": lambda x: x / 2}
    >>> cr.register_plugin(Halves(), "doctest_halves")
    >>> cr.doctest_halve(3.0)
    1.5
    """
    with _loading():
        _load_all()
        with _lock:
            before = _plugins.get(name)
            if before is not None and before.owner.distribution:
                raise PluginError(f"a plugin called {name!r} is installed: {before.owner}, {before.module}")
            previous = _modules.get(name)
            if previous is not None:
                _manager.unregister(previous)
            plugin = Plugin(Owner(name), getattr(module, "__name__", type(module).__qualname__), "loaded")
            try:
                entering = _Entering(plugin, _call_hooks(plugin, module))
                for stage in (NAMES, DEFINITIONS, OVERRIDES):
                    entering.enter(stage)
            except BaseException as error:
                if _manager.has_plugin(name):
                    _manager.unregister(name=name)
                if previous is not None:
                    _manager.register(previous, name)
                if not isinstance(error, Exception):
                    raise
                kind = "" if isinstance(error, ChainruleError) else f"{type(error).__name__}: "
                raise PluginError(f"plugin {name!r}: {kind}{error}") from error
            _modules[name] = module
            _plugins[name] = plugin
            _registry.generation += 1  # also where its hooks are called later


def _call_hooks(plugin: Plugin, module: Any) -> dict[str, Any]:
    """Validate a plugin and call its hooks once; what each returned."""
    if module is None:
        raise PluginError(f"{plugin.module} is None, where a module or object with hooks is expected")
    for name in HOOKS:
        function = getattr(module, name, None)
        if callable(function) and not hasattr(function, f"{hookspecs.PROJECT}_impl"):
            raise PluginError(f"{name} of {plugin.module} is not marked as a hook: put @chainrule.hookimpl above it")
    _manager.register(module, plugin.owner.plugin)
    _manager.check_pending()
    callers = _manager.get_hookcallers(module)
    if not callers:
        raise PluginError(
            f"{plugin.module} has no hooks: mark functions called {', '.join(HOOKS)} with @chainrule.hookimpl"
        )
    others = [other for other in _manager.get_plugins() if other is not module]
    results = {}
    for hook in (caller.name for caller in callers if caller.name in STAGES):
        try:
            results[hook] = next(iter(_manager.subset_hook_caller(hook, others)()), None)
        except Exception as error:
            raise PluginError(f"hook {hook} raised {type(error).__name__}: {error}") from error
    return results


def plugins() -> dict[str, Plugin]:
    """What became of each installed plugin, by name, in the order they were loaded.

    >>> import chainrule as cr
    >>> cr.plugins()["arrays"].status
    'loaded'
    """
    with _loading():
        _load_all()
    return dict(_plugins)


def info_lines(name: str) -> list[str]:
    """A plugin's own lines for `chainrule info`; if it fails, the failure."""
    try:
        return [str(line) for lines in late_hook("chainrule_info", name) for line in lines]
    except Exception as error:
        return [f"chainrule_info failed: {type(error).__name__}: {error}"]


def late_hook(hook: str, name: str) -> list[Any]:
    """What a plugin's hook returns that is not called when plugins load; nothing if it has none."""
    module = _modules.get(name)
    if module is None:
        return []
    others = [other for other in _manager.get_plugins() if other is not module]
    return list(_manager.subset_hook_caller(hook, others)())


def why_no_op(name: str) -> str:
    """Why there is no operation or public name `name`: a plugin that failed or is disabled, or nobody has it."""
    near = _registry.namesakes(name) or nearest(name, _registry.public_names())
    reason = f"did you mean {near[0]!r}?" if near else "no loaded plugin provides it."
    return f"{reason} {absent()}".strip()


def absent() -> str:
    """The plugins whose contributions are missing, and why."""
    reasons = []
    for plugin in _plugins.values():
        if plugin.status == "failed":
            reasons.append(f"{plugin.owner} failed to load ({plugin.error}); see `chainrule info`.")
        elif plugin.status == "disabled":
            reasons.append(f"{plugin.owner} is disabled by {DISABLE}.")
    return " ".join(reasons)
