"""What a gradient definition gives for a node's inputs; in a graph also where it asks for sizes not known yet.

There it becomes an opaque `vjp` node, whose result is like the input it belongs to. When the program is made for the
shapes that it is fed, the definition runs in the node's place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chainrule import _context, _record, ops
from chainrule._dim import Dim, resolve
from chainrule._dispatch import apply
from chainrule._errors import ChainruleError, GradientDefinitionError, MissingGradientError, UnknownSizeError
from chainrule._indexed_slices import dense
from chainrule._node import Node
from chainrule._op import REQUIRED, Op
from chainrule._owner import ENGINE
from chainrule._tensor import Tensor
from chainrule.infer import Spec

if TYPE_CHECKING:
    from chainrule._definition import Definition


def described(definition: Definition) -> str:
    """A definition as errors name it."""
    return f"definition {definition.name!r} of {definition.owner}, {definition.location}"


def fitted_to(part: Tensor, shape: Any) -> Tensor:
    """A cotangent in the shape of the input it belongs to, which the operation broadcast or which is larger than it."""
    if shape is None:
        raise UnknownSizeError("over which axes cotangents are summed depends on the ranks")
    have = part.shape
    repeats = len(have) < len(shape) or any(h == 1 != w for h, w in zip(have[::-1], shape[::-1], strict=False))
    fitted: Tensor = ops.broadcast_to(part, shape=shape) if repeats else ops.sum_to(part, shape=shape)
    return fitted


def counted(parts: Any, node: Node, definition: Definition) -> Sequence[Any]:
    """The result of a joint definition, once its count is right."""
    if not isinstance(parts, tuple | list) or len(parts) != len(node.inputs):
        came = f"{len(parts)}" if isinstance(parts, tuple | list) else f"a {type(parts).__name__}"
        raise GradientDefinitionError(
            f"gradient of op {node.op.name!r} ({described(definition)}): expected {len(node.inputs)} cotangents in a "
            f"tuple, one for each input (None where there is none), got {came}"
        )
    return parts


def symbolic_parts(
    g: Any, y: Any, node: Node, definition: Definition, wanted: Sequence[int]
) -> Mapping[int, Any] | Sequence[Any]:
    """The cotangents of the wanted inputs while a graph is being built."""
    graph = _context.current().graph
    assert graph is not None
    start = len(graph.nodes)
    try:
        if node.op.broadcasts and any(x.shape is None for x in (g, *node.inputs) if type(x) is Tensor):
            raise UnknownSizeError("over which axes cotangents are summed depends on the ranks")
        if definition.joint is not None:
            return counted(definition.joint(g, y, *node.inputs, **node.attributes), node, definition)
        functions = definition.functions
        return {i: f(g, y, *node.inputs, **node.attributes) if (f := functions[i]) else None for i in wanted}
    except UnknownSizeError:
        pass
    except (MissingGradientError, GradientDefinitionError):
        raise
    except Exception:
        if all(x.shape is not None for x in node.inputs if type(x) is Tensor):
            raise
    graph.forget(start)
    gs = tuple(g) if node.op.multiple else (g,)
    ys = () if y is None else tuple(y) if node.op.multiple else (y,)
    calls = {i: _Call(definition, node.attributes, len(gs), len(ys), node.op.multiple, i) for i in wanted}
    return {i: apply(VJP, (*gs, *ys, *node.inputs), {"call": call}) for i, call in calls.items()}


@dataclass(frozen=True, eq=False)
class _Call:
    """A definition that waits for sizes, and what it will be called with."""

    definition: Definition
    attributes: Mapping[str, Any]
    n_cotangents: int
    n_results: int
    multiple: bool
    wanted: int

    def spec(self, *specs: Any) -> Spec:
        """The shape and dtype of the input that the cotangent belongs to."""
        like = specs[self.n_cotangents + self.n_results + self.wanted]
        return Spec(like.shape, like.dtype)

    def specialised(self, inputs: Sequence[Any], known: Mapping[Dim, Any]) -> _Call:
        """With the sizes in the attributes that are known."""
        return replace(self, attributes={name: resolve(value, known) for name, value in self.attributes.items()})

    def run(self, arguments: Sequence[Any]) -> Tensor:
        """Run the definition on tensors of known shapes."""
        n, m = self.n_cotangents, self.n_cotangents + self.n_results
        g: Any = tuple(arguments[:n]) if self.multiple else arguments[0]
        y: Any = None if n == m else tuple(arguments[n:m]) if self.multiple else arguments[n]
        inputs = arguments[m:]
        definition = self.definition
        try:
            if definition.joint is not None:
                part = definition.joint(g, y, *inputs, **self.attributes)[self.wanted]
            else:
                function = definition.functions[self.wanted]
                part = function(g, y, *inputs, **self.attributes) if function is not None else None
        except ChainruleError:
            raise
        except Exception as error:
            if any(type(x) is Tensor and x.shape is None for x in arguments):
                raise  # it may be for want of a rank: it waits again
            raise GradientDefinitionError(
                f"gradient of op {definition.op.name!r} ({described(definition)}) raised {type(error).__name__}: "
                f"{error}"
            ) from error
        like = inputs[self.wanted]
        found: Tensor = ops.zeros_like(like) if part is None else dense(part)
        if definition.op.broadcasts and found.shape != like.shape:
            found = fitted_to(found, like.shape)
        if found.dtype.kind == "complex" and like.dtype.kind == "float":
            found = ops.real(found)
        return found if found.dtype == like.dtype else ops.astype(found, dtype=like.dtype)


def differentiated(h: Any, _y: Any, *arguments: Any, call: Any) -> Sequence[Any]:
    """The gradient of an opaque node: what it waits to run, run and differentiated."""
    from chainrule._gradients import gradients_of

    wanted = [type(x) is Tensor and x.dtype.is_inexact for x in arguments]
    with _context.scope(recording=True):
        sources = [_record.source(x, ops.identity.op, {}) if w else x for x, w in zip(arguments, wanted, strict=True)]
        part = call.run(sources)
    found = iter(gradients_of([part], [x for x, w in zip(sources, wanted, strict=True) if w], [h]))
    return [next(found) if w else None for w in wanted]


VJP = Op(
    "vjp",
    None,
    lambda *specs, call: call.spec(*specs),
    differentiated,
    attributes={"call": REQUIRED},
    holomorphic=False,
    owner=ENGINE,
)
