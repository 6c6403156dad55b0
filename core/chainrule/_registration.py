"""Entering what a plugin's hooks return into the tables: how each kind is checked, written, and taken back.

Names come first. What refers to operations by name (gradients, kernels, override sets) waits until the names of all
plugins are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any, Final

from chainrule import _registry
from chainrule._errors import PluginError
from chainrule._owner import Owner
from chainrule._tensor import Tensor, unbind_operator


def checked(hook: str, result: Any) -> Any:
    """What a hook returned, if it is of the kind that is expected."""
    if isinstance(result, Mapping):
        fits = all(isinstance(name, str) for name in result)
    else:
        fits = hook == "chainrule_ops" and isinstance(result, Iterable) and not isinstance(result, str)
    if not fits:
        expected = ("a list of operations, or " if hook == "chainrule_ops" else "") + "a mapping with names as keys"
        raise PluginError(f"hook {hook}: expected {expected}, got {result!r:.80}")
    return result if isinstance(result, Mapping) else list(result)


_Register = Callable[[Any, Owner, ExitStack], list[str]]
Kind = tuple[str, _Register]


def _enter(table: _registry.Table[Any], name: str, value: Any, owner: Owner, undo: ExitStack) -> None:
    """Write an entry, with the way back if it is a new one."""
    if name not in table:
        undo.callback(table.discard, name)
    table.register(name, value, owner)


def _table(table: _registry.Table[Any], fits: Callable[[Any], bool], expected: str, public: bool = False) -> _Register:
    """How the entries of one table are checked and written."""

    def register(entries: Mapping[str, Any], owner: Owner, undo: ExitStack) -> list[str]:
        for name, value in entries.items():
            if not fits(value):
                raise PluginError(f"{table.what} {name!r}: expected {expected}, got {value!r:.80}")
            if public:
                _claim(table, name, owner, undo)
            _enter(table, name, value, owner, undo)
        return list(entries)

    return register


def _claim(table: _registry.Table[Any], name: str, owner: Owner, undo: ExitStack) -> None:
    """Check that a public name can be had as `cr.<name>`; an operation of a namespace, `"fft.rfft"`, asks for none.

    Raises:
        PluginError: it is no name, one of chainrule's own, or one of another kind.
    """
    import chainrule

    if table is _registry.ops and "." in name and all(part.isidentifier() for part in name.split(".")):
        return
    if not name.isidentifier() or name.startswith("_"):
        raise PluginError(f"{table.what} {name!r}: not a name that `cr.<name>` can have")
    if name in chainrule._RESERVED:
        raise PluginError(f"{table.what} {name!r} would hide chainrule.{name} itself; choose another name")
    for other in (_registry.ops, _registry.functions, _registry.namespaces):
        if other is not table and name in other:
            raise PluginError(f"{table.what} {name!r} of {owner}: {other.owners[name]} has a {other.what} of that name")
    undo.callback(vars(chainrule).pop, name, None)


def _ops(entries: Iterable[Any], owner: Owner, undo: ExitStack) -> list[str]:
    if isinstance(entries, Mapping):
        named = list(entries.items())
    else:
        named = [(_registry.op_of(function, owner).name, function) for function in entries]
    for name, function in named:
        if not _is_function(function):
            raise PluginError(f"op {name!r} of {owner}: expected an operation{_OR_PLACE}, got {function!r:.80}")
        _claim(_registry.ops, name, owner, undo)
        if name not in _registry.ops:
            undo.callback(_forget_op, name)
        if isinstance(function, str):
            _registry.ops.register(name, function, owner)
        else:
            _registry.ops.check(name, function, owner)
            _registry.register_op(function, owner)
    return [name for name, _ in named if _registry.ops.owners[name] == owner]


def _forget_op(name: str) -> None:
    from chainrule import ops

    _registry.ops.discard(name)
    vars(ops).pop(name, None)
    unbind_operator(name)


def _methods(entries: Mapping[str, Any], owner: Owner, undo: ExitStack) -> list[str]:
    for name, method in entries.items():
        if not callable(method) and not isinstance(method, property):
            raise PluginError(f"tensor method {name!r}: expected a function or a property, got {method!r:.80}")
        if name not in _registry.tensor_methods:
            undo.callback(_forget_method, name)
        _registry.register_methods({name: method}, owner)
    return list(entries)


def _forget_method(name: str) -> None:
    if name in _registry.tensor_methods:
        _registry.tensor_methods.discard(name)
        delattr(Tensor, name)


def _gradients(entries: Mapping[str, Any], owner: Owner, undo: ExitStack) -> list[str]:
    for name, gradient in entries.items():
        function: Any = _registry.ops.find(name)
        if function is not None:
            undo.callback(setattr, function.op, "definition", function.op.definition)
        if name not in _registry.gradients:
            undo.callback(_registry.gradients.discard, name)
        _registry.register_gradient(name, gradient, owner=owner)
    return list(entries)


def _kernels(entries: Mapping[str, Any], owner: Owner, undo: ExitStack) -> list[str]:
    names = []
    for backend, by_op in entries.items():
        if not isinstance(by_op, Mapping):
            raise PluginError(f"kernels for backend {backend!r}: expected a mapping of op to kernel, got {by_op!r:.80}")
        for name, kernel in by_op.items():
            _registry.check_name(name)
            if not callable(kernel):
                raise PluginError(f"kernel of op {name!r} on backend {backend!r}: {kernel!r:.80} cannot be called")
            key = f"{backend}:{name}"
            if key not in _registry.kernels:
                undo.callback(_registry.forget_kernels, name)
                undo.callback(_registry.kernels.discard, key)
            _registry.register_kernels({backend: {name: kernel}}, owner)
            names.append(key)
    return names


def _override_sets(entries: Mapping[str, Any], owner: Owner, undo: ExitStack) -> list[str]:
    from chainrule._overrides import check_overrides

    for name, overrides in entries.items():
        if not isinstance(overrides, Mapping):
            raise PluginError(f"override set {name!r}: expected a mapping of op to gradient, got {overrides!r:.80}")
        check_overrides(name, overrides, owner)
        _enter(_registry.override_sets, name, overrides, owner, undo)
    return list(entries)


def _commands(entries: Mapping[str, Any], owner: Owner, undo: ExitStack) -> list[str]:
    from chainrule._cli import OWN, Command

    for name, command in entries.items():
        if not isinstance(command, Command):
            raise PluginError(f"command {name!r}: expected a chainrule.Command, got {command!r:.80}")
        if name in OWN:
            raise PluginError(f"command {name!r} is chainrule's own; choose another name")
        _enter(_registry.commands, name, command, owner, undo)
    return list(entries)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_function(value: Any) -> bool:
    """Whether it is a function, or says where one is."""
    if not isinstance(value, str):
        return callable(value)
    module, _, name = value.partition(":")
    return name.isidentifier() and all(part.isidentifier() for part in module.split("."))


_OR_PLACE: Final = ', or "module:function" to import it at its first use'
_A_FUNCTION: Final = f"a function{_OR_PLACE}"
NAMES: Final[Mapping[str, Kind]] = {
    "chainrule_ops": ("ops", _ops),
    "chainrule_functions": ("functions", _table(_registry.functions, _is_function, _A_FUNCTION, public=True)),
    "chainrule_numpy_functions": ("NumPy functions", _table(_registry.numpy_functions, _is_function, _A_FUNCTION)),
    "chainrule_tensor_methods": ("tensor methods", _methods),
    "chainrule_namespaces": ("namespaces", _table(_registry.namespaces, _is_text, "a module's name", public=True)),
    "chainrule_commands": ("commands", _commands),
    "chainrule_passes": ("passes", _table(_registry.passes, callable, "a function")),
}
DEFINITIONS: Final[Mapping[str, Kind]] = {
    "chainrule_gradients": ("gradients", _gradients),
    "chainrule_kernels": ("kernels", _kernels),
}
OVERRIDES: Final[Mapping[str, Kind]] = {"chainrule_overrides": ("override sets", _override_sets)}
STAGES: Final = {**NAMES, **DEFINITIONS, **OVERRIDES}
HOOKS: Final = (*STAGES, "chainrule_batching", "chainrule_info", "chainrule_samples")
