"""Batching rules: what an operation is when some of its inputs have one more axis, that of a batch.

A rule is a function `rule(batch, *inputs, **attributes)`, written in operations. The inputs in `batch.has` come with
the batch's axis in front, the others as they are: tensors without it, Python numbers, None. The result, or each of
several, has the batch's axis in front. What most rules are made of is here. A plugin gives its rules to chainrule from
its hook `chainrule_batching`; an elementwise operation needs none, nor one that is made of others.

>>> import chainrule as cr
>>> from chainrule import batching
>>> @cr.op(lambda x, axis: x, lambda g, _y, _x, axis: their_flip(g, axis))
... def their_flip(xp, x, /, axis=0):
...     return xp.flip(x, axis=axis)
>>> class Rules:
...     @cr.hookimpl
...     def chainrule_ops(self):
...         return [their_flip]
...     @cr.hookimpl
...     def chainrule_batching(self):
...         return {"their_flip": batching.along()}
>>> cr.register_plugin(Rules(), "doctest_batching")
>>> cr.vmap(their_flip)(cr.tensor([[1.0, 2.0], [3.0, 4.0]]))
Tensor([[2., 1.],
        [4., 3.]], float64)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule import ops
from chainrule._dispatch import apply
from chainrule._op import Op
from chainrule._tensor import Tensor
from chainrule.infer import Spec

Rule = Callable[..., Any]


class Batch:
    """What a rule is told.

    Attributes:
        op: the operation.
        size: how long the batch is; a `Dim` where that is not known yet.
        has: which inputs have the batch's axis.
        results: the shapes and dtypes of the results without it.
    """

    __slots__ = ("has", "op", "results", "size")

    def __init__(self, op: Op, size: Any, has: Sequence[bool], results: Sequence[Spec]) -> None:
        self.op = op
        self.size = size
        self.has = tuple(has)
        self.results = tuple(results)

    def run(self, *inputs: Any, **attributes: Any) -> Any:
        """The operation itself, on other inputs or with other attributes."""
        return apply(self.op, inputs, attributes)

    def spread(self, x: Any, i: int) -> Any:
        """Input `i` with the batch's axis, along which it is repeated if it has none."""
        return x if self.has[i] else spread(x, self.size)

    def rank(self, x: Any, i: int) -> int:
        """The number of axes of input `i` without that of the batch."""
        return x.ndim - self.has[i] if type(x) is Tensor else 0


def spread(x: Any, size: Any) -> Tensor:
    """A tensor or number repeated along a new first axis."""
    x = ops.asarray(x)
    repeated: Tensor = ops.broadcast_to(x, shape=(size, *x.shape[: x.ndim]))
    return repeated


def aligned(batch: Batch, inputs: Sequence[Any], cores: Sequence[int] = ()) -> list[Any]:
    """Inputs that broadcast as they do without a batch.

    Args:
        batch: what the rule is told.
        inputs: the inputs.
        cores: how many last axes of each input take no part in broadcasting, as the two of a matrix; none by default.
    """
    cores = tuple(cores) or (0,) * len(inputs)
    ranks = [batch.rank(x, i) - core for i, (x, core) in enumerate(zip(inputs, cores, strict=True))]
    most = max(ranks)
    return [
        ops.reshape(x, shape=(batch.size, *[1] * (most - rank), *x.shape[1:])) if has and rank < most else x
        for x, has, rank in zip(inputs, batch.has, ranks, strict=True)
    ]


def shifted(axis: Any, ndim: int) -> Any:
    """An axis, a tuple of them, or None for all, of an array of `ndim` dimensions, as those behind the batch's."""
    if axis is None:
        return tuple(range(1, ndim + 1))
    if isinstance(axis, tuple):
        return tuple(shifted(a, ndim) for a in axis)
    return axis % ndim + 1 if ndim else axis + 1


def along(name: str = "axis") -> Rule:
    """The rule of an operation of one input along axes that an attribute says: None for all, negative from the end."""

    def rule(batch: Batch, x: Any, **attributes: Any) -> Any:
        attributes[name] = shifted(attributes[name], x.ndim - 1)
        return batch.run(x, **attributes)

    return rule


def stacked(*cores: int) -> Rule:
    """The rule of an operation that takes stacks: the last axes of each input matter, those before broadcast.

    Args:
        cores: how many last axes of each input matter. None given, the operation has one input, as it comes.
    """

    def rule(batch: Batch, *inputs: Any, **attributes: Any) -> Any:
        return batch.run(*(aligned(batch, inputs, cores) if cores else inputs), **attributes)

    return rule


def broadcast(batch: Batch, *inputs: Any, **attributes: Any) -> Any:
    """The rule of an operation whose inputs broadcast."""
    return batch.run(*aligned(batch, inputs), **attributes)


def everywhere(rule: Rule) -> Rule:
    """A rule for inputs that all have the batch's axis, made one for any of them."""

    def spreading(batch: Batch, *inputs: Any, **attributes: Any) -> Any:
        return rule(batch, *(batch.spread(x, i) for i, x in enumerate(inputs)), **attributes)

    return spreading


def flattened(rule: Rule) -> Rule:
    """A rule for an operation that with `axis=None` works along all of a flattened array, made of one along an axis."""

    def flattening(batch: Batch, x: Any, **attributes: Any) -> Any:
        if attributes["axis"] is not None:
            return rule(batch, x, **attributes)
        flat = ops.reshape(x, shape=(batch.size, _elements(x)))
        y = batch.run(flat, **{**attributes, "axis": 1})
        return ops.reshape(y, shape=(batch.size, *(batch.results[0].shape or ())))

    return flattening


def draws(rule: Rule) -> Rule:
    """A rule that holds though no input has the batch's axis: of a random draw, which is another for each element."""
    rule.draws = True  # type: ignore[attr-defined]  # what tells it from others
    return rule


def _elements(x: Tensor) -> Any:
    """How many elements each part of a batch has."""
    total: Any = 1
    for n in x.shape[1:]:
        total = total * n
    return total
