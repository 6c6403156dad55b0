"""Hooks on intermediate results: to watch, change or keep the cotangent that passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from chainrule._errors import ChainruleError, GradientDefinitionError, TrackedValueError
from chainrule._indexed_slices import dense
from chainrule._node import Node

if TYPE_CHECKING:
    from chainrule._tensor import Tensor

Hook = Callable[[Any], Any]
hooks: WeakKeyDictionary[Node, dict[int, list[Hook]]] = WeakKeyDictionary()
_kept: WeakKeyDictionary[Node, dict[int, Any]] = WeakKeyDictionary()


def register_hook(x: Tensor, hook: Hook) -> Callable[[], None]:
    """Call a hook with every cotangent that reaches `x`; see `Tensor.register_hook`."""
    node = x._node
    if not isinstance(node, Node):
        raise TrackedValueError(
            "a hook was put on a tensor that no gradient can reach: it was not computed from tracked values while "
            "something records"
        )
    of_output = hooks.setdefault(node, {}).setdefault(x._index, [])
    of_output.append(hook)

    def remove() -> None:
        if hook in of_output:
            of_output.remove(hook)

    return remove


def run(node: Node, g: Any) -> Any:
    """The cotangent of a node after its hooks."""
    by_output = hooks.get(node)
    if by_output is None:
        return g
    if node.op.multiple:
        return [_through(by_output.get(i, ()), part, node) if part is not None else None for i, part in enumerate(g)]
    return _through(by_output.get(0, ()), g, node)


def _through(chain: Any, g: Any, node: Node) -> Any:
    for hook in tuple(chain):
        try:
            changed = hook(g)
        except ChainruleError:
            raise
        except Exception as error:
            raise GradientDefinitionError(
                f"a hook on the result of op {node.op.name!r}, made at {node.site}, raised "
                f"{type(error).__name__}: {error}"
            ) from error
        if changed is None:
            continue
        if tuple(getattr(changed, "shape", ())) != tuple(g.shape):
            raise GradientDefinitionError(
                f"a hook on the result of op {node.op.name!r}, made at {node.site}, returned "
                f"{type(changed).__name__} of shape {getattr(changed, 'shape', None)}; expected None or a tensor of "
                f"shape {tuple(g.shape)}"
            )
        g = changed
    return g


def keep_gradient(x: Tensor) -> Tensor:
    """Keep the cotangents that reach `x`; see `Tensor.keep_gradient`."""
    index = x._index

    # The hook must not refer to the node: the tables hold it weakly.
    box: dict[int, Any] = _kept.setdefault(x._node, {}) if isinstance(x._node, Node) else {}

    def keep(g: Any) -> None:
        box[index] = dense(g)

    if index not in box:
        register_hook(x, keep)
        box[index] = None
    return x


def kept_gradient(x: Tensor) -> Any:
    """What was kept for `x`."""
    return _kept.get(x._node, {}).get(x._index) if isinstance(x._node, Node) else None
