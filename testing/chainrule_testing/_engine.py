"""What the kit reads of the engine beyond its public names."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import chainrule as cr
from chainrule import _registry
from chainrule._convert import spec_of as spec_of
from chainrule._definition import Definition as Definition
from chainrule._dispatch import apply
from chainrule._dtypes import DTYPES as DTYPES
from chainrule._plugins import late_hook
from chainrule._registry import find_op as find_op


def ops_of(plugin: str) -> dict[str, cr.Op]:
    """The operations of a plugin, by name."""
    cr.plugins()
    return {name: find_op(name) for name, owner in _registry.ops.owners.items() if owner.plugin == plugin}


def override_sets_of(plugin: str) -> dict[str, Mapping[str, Any]]:
    """The named override sets of a plugin."""
    cr.plugins()
    sets = _registry.override_sets
    return {name: sets[name] for name, owner in sets.owners.items() if owner.plugin == plugin}


def samples_of(plugin: str) -> Mapping[str, Any]:
    """What a plugin's hook `chainrule_samples` gives; nothing if it has none."""
    cr.plugins()
    found: dict[str, Any] = {}
    for samples in late_hook("chainrule_samples", plugin):
        found |= samples
    return found


def definition_of(op: cr.Op) -> Definition | None:
    """An operation's gradient definition, also one that was registered by name; None if there is none."""
    if op.definition is None and op.name in _registry.gradients:
        return _registry.find_definition(op)
    return op.definition


def overriding(op: cr.Op, gradient: Any) -> Definition:
    """What an entry of an override set, a definition or the name of one, is for its operation."""
    chosen = _registry.gradients[gradient] if isinstance(gradient, str) else gradient
    return Definition(op, chosen, is_override=True)


def draws_its_own(op: str, backend: cr.Backend) -> bool:
    """Whether a backend has a kernel of its own to draw random numbers with."""
    return backend.name != "numpy" and _registry.has_own_kernel(find_op(op), backend)


def call(op: str, inputs: Sequence[Any], attributes: Mapping[str, Any], fronted: bool) -> Any:
    """Call an operation as a program does, or by itself where its public function has other arguments."""
    function: Any = _registry.ops.find(op)
    operation: cr.Op = function.op
    if fronted:
        return apply(operation, tuple(inputs), {**operation.attributes, **attributes})
    if operation.n_inputs is None:
        kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
        if inspect.Parameter.VAR_POSITIONAL not in kinds:  # its arrays in one sequence, as `concat` has them
            return function(list(inputs), **attributes)
    return function(*inputs, **attributes)
