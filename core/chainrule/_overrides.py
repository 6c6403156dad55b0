"""Gradient overrides: other definitions for some nodes, by scope when they are made or at gradient time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from chainrule import _context, _registry
from chainrule._contracts import undeclared
from chainrule._definition import Definition, NoGradient
from chainrule._errors import ChainruleError, GradientDefinitionError, SelectorError, nearest
from chainrule._node import Node
from chainrule._op import Op
from chainrule._owner import USER, Owner
from chainrule._plugins import absent, load_plugins
from chainrule._record import Dropped
from chainrule._tensor import Tensor

if TYPE_CHECKING:
    from chainrule._program import Program

VARIABLE = "CHAINRULE_OVERRIDES"


@contextmanager
def override_gradients(overrides: Mapping[Any, Any] | str) -> Iterator[None]:
    """Give operations called in this block other gradients.

    Which gradient a node gets is decided when it is made, so it keeps it when the gradient is taken elsewhere. The
    block reaches everything called in it in this thread or task, and definitions never see it: an override changes the
    derivative it names and no other.

    Args:
        overrides: operation (its name or its function) to gradient: a definition `f(g, y, *inputs, **attributes)`, the
            name of a registered one, or `NoGradient(reason)`. Or the name of an override set of a plugin. A gradient
            that is not meant to be the derivative says so: `cr.surrogate(f)`; see `cr.check_gradient`.

    Raises:
        SelectorError: no such operation, gradient or set; suggests the nearest. Nothing is then in force.
        GradientDefinitionError: a gradient that cannot be called for its operation.

    >>> import chainrule as cr
    >>> with cr.override_gradients({"sign": lambda g, _y, _x: g}):
    ...     float(cr.grad(cr.sign)(3.0))
    1.0
    """
    with _context.scope(overrides={**(_context.current().overrides or {}), **_by_op(overrides)}):
        yield


def _by_op(overrides: Mapping[Any, Any] | str, owner: Owner = USER) -> dict[str, Definition]:
    """Definitions by operation name."""
    load_plugins()
    if isinstance(overrides, str):
        overrides, owner = _override_set(overrides)
    if not isinstance(overrides, Mapping):
        raise SelectorError(f"override_gradients: expected a mapping or a set's name, got {overrides!r:.80}")
    chosen = {}
    for key, gradient in overrides.items():
        op = op_of_key(key)
        if op is None:
            raise SelectorError(f"override_gradients: keys are operations or their names, got {key!r:.80}")
        chosen[op.name] = _definition(op, gradient, owner)
    return chosen


def _override_set(name: str) -> tuple[Mapping[str, Any], Owner]:
    """The override set of a name, and who registered it."""
    if name not in _registry.override_sets:
        have = ", ".join(sorted(_registry.override_sets)) or "none"
        raise SelectorError(f"no override set is called {name!r}; registered: {have}. {absent()}".rstrip())
    return _registry.override_sets[name], _registry.override_sets.owners.get(name, USER)


def check_overrides(name: str, overrides: Mapping[Any, Any], owner: Owner) -> None:
    """Check an override set before it is registered.

    Raises:
        SelectorError, GradientDefinitionError: as `override_gradients` would, when the set is put in force.
    """
    try:
        _by_op(overrides, owner)
    except ChainruleError as error:
        raise type(error)(f"override set {name!r}: {error}") from error


def op_of_key(key: Any) -> Op | None:
    """The operation a key names, None if it is no such key."""
    if isinstance(key, str):
        return _registry.find_op(key)
    op = key if isinstance(key, Op) else getattr(key, "op", None)
    return op if isinstance(op, Op) else None


def _definition(op: Op, gradient: Any, owner: Owner = USER) -> Definition:
    """The definition that an override's value means for an operation."""
    if isinstance(gradient, str):
        if gradient not in _registry.gradients:
            near = nearest(gradient, _registry.gradients)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise SelectorError(
                f"override of op {op.name!r}: no gradient is registered as {gradient!r}{hint}"
                f"; register it with cr.register_gradient({gradient!r}, f)"
            )
        registered_by = _registry.gradients.owners[gradient]
        return Definition(op, _registry.gradients[gradient], registered_by, gradient, is_override=True)
    bare, _ = undeclared(gradient)
    if not callable(bare) and not isinstance(bare, tuple | NoGradient):
        raise GradientDefinitionError(
            f"override of op {op.name!r}: expected a definition, a registered gradient's name or NoGradient, "
            f"got {gradient!r:.80}"
        )
    return Definition(op, gradient, owner, getattr(bare, "__qualname__", None), is_override=True)


def resolve_overrides(overrides: Mapping[Any, Any], nodes: Sequence[Node]) -> dict[Node, Definition]:
    """Which definition each selected node gets at gradient time; where several selectors match, the last one's.

    A selector is an operation or its name; a glob over nodes' names, such as `"layer1/*"`; a predicate on nodes; or a
    node or the tensor it made. All but the last two reach into compiled functions, branches and the bodies of loops.

    Raises:
        SelectorError: a selector matches no node that this gradient passes through.
        GradientDefinitionError: an override reads a value that its node did not keep.
    """
    load_plugins()
    chosen: dict[Node, Definition] = {}
    inside: dict[Node, dict[Any, Any]] = {}
    for selector, gradient in overrides.items():
        matches = [node for node in nodes if _matches(selector, node)]
        holders = [node for node in nodes if any(selects_in(selector, program) for program in _programs(node))]
        if not matches and not holders:
            raise SelectorError(_no_match(selector, nodes))
        for node in matches:
            chosen[node] = _readable(_definition(node.op, gradient), node)
        for node in holders:
            inside.setdefault(node, {})[selector] = gradient
    return {node: _reaching(node, some) for node, some in inside.items()} | chosen


def _programs(node: Any) -> list[Program]:
    """The programs that a node holds: of a compiled function, branches or a loop's body."""
    return [program for value in node.attributes.values() for program in getattr(value, "programs", ())]


def selects_in(selector: Any, program: Program) -> bool:
    """Whether a selector selects something in a program, or in the programs in it."""
    return any(_matches(selector, node) for node in _with_inner(i.node for i in program.instructions))


def _reaching(node: Node, overrides: Mapping[Any, Any]) -> Definition:
    """The definition of a node that holds programs, made again with overrides in force in these."""
    own = node.definition
    assert own is not None
    joint: Any = own.joint

    def gradient(g: Any, y: Any, *inputs: Any, **attributes: Any) -> Any:
        changed = {
            name: value.overridden(overrides) if hasattr(value, "overridden") else value
            for name, value in attributes.items()
        }
        return joint(g, y, *inputs, **changed)

    definition = Definition(node.op, gradient, own.owner, own.name)
    definition.reads_output = own.reads_output
    return definition


def _readable(definition: Definition, node: Node) -> Definition:
    """An override, once it is known that the node kept what it reads: that was decided when the node was made."""
    n = len(node.inputs)
    tracked = sum(1 << i for i, x in enumerate(node.inputs) if type(x) is Tensor and x.node is not None)
    unread = definition.drops(tracked, n) if definition.reason is None else tuple(range(n))
    lost = [
        f"input {i}"
        for i, x in enumerate(node.inputs)
        if type(x) is Tensor and type(x._value) is Dropped and i not in unread
    ]
    kept = type(node.output[0]) is not Dropped if node.op.multiple else node.output is not None
    if definition.reads_output and not kept:
        lost.insert(0, "the result")
    if lost:
        raise GradientDefinitionError(
            f"override of op {node.op.name!r} by {definition.location or definition.owner} reads "
            f"{' and '.join(lost)}, which its node, made at {node.site}, did not keep; start the parameter's name with "
            "'_' if only its shape and dtype are read, or put the override in force with cr.override_gradients where "
            "the op is called"
        )
    return definition


def _matches(selector: Any, node: Any) -> bool:
    if isinstance(selector, str):
        return fnmatchcase(_scoped_name(node), selector) if _is_glob(selector) else node.op.name == selector
    if isinstance(selector, Node):
        return node is selector
    if isinstance(selector, Tensor):
        return node is selector._node
    op = op_of_key(selector)
    if op is not None:
        return node.op is op
    if callable(selector):
        return bool(selector(node))
    raise SelectorError(
        f"overrides: {selector!r:.80} selects nothing; use an operation, name, glob, predicate, node or tensor"
    )


def _scoped_name(node: Any) -> str:
    """The operation's name in its name scope: of a graph's node, without the number that makes it unique."""
    if isinstance(node, Node):
        return node.name
    name: str = node.name
    return name[: name.rfind("/") + 1] + str(node.op.name)


def _is_glob(selector: str) -> bool:
    return any(c in selector for c in "*?[/")


def _no_match(selector: Any, nodes: Sequence[Node]) -> str:
    as_glob = isinstance(selector, str) and _is_glob(selector)
    names = sorted({_scoped_name(node) if as_glob else node.op.name for node in _with_inner(nodes)})
    hint = ""
    if isinstance(selector, str):
        near = nearest(selector, [*names, *_registry.ops], 0.5)
        hint = f"; did you mean {near[0]!r}?" if near and near[0] != selector else ""
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return f"override {selector!r:.80} matches no node of this gradient{hint}; it passes through: {shown or 'nothing'}"


def _with_inner(nodes: Iterable[Any]) -> Iterator[Any]:
    """Nodes, and those of the programs that they hold."""
    for node in nodes:
        yield node
        for program in _programs(node):
            yield from _with_inner(instruction.node for instruction in program.instructions)


def apply_environment() -> None:
    """Put the override sets named by `CHAINRULE_OVERRIDES` in force for the whole process.

    Raises:
        SelectorError: one of them is not registered.
    """
    chosen: dict[str, Definition] = {}
    for name in filter(None, map(str.strip, os.environ.get(VARIABLE, "").split(","))):
        try:
            chosen |= _by_op(name)
        except SelectorError as error:
            raise SelectorError(f"{VARIABLE}: {error}") from error
    if chosen:
        _context.set_default_overrides(chosen)
