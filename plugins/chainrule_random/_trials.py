"""Outcomes of trials: whole numbers, which have no gradient by the parameters of their distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule import Tensor, bool_, ops
from chainrule_random import _draws
from chainrule_random._parameters import Shape, arranged

if TYPE_CHECKING:
    from chainrule_random._generator import Generator


def bernoulli(generator: Generator, shape: Shape = None, p: Any = 0.5, dtype: Any = bool_) -> Tensor:
    """True with probability `p`: no gradient, since outcomes jump. `gumbel_softmax` is a smooth stand-in.

    Args:
        shape: the shape, which `p` broadcasts to; by default its own.
        p: the probability; of 0 it is never true, of 1 always.
        dtype: of the outcomes.

    >>> import chainrule as cr
    >>> x = cr.random.bernoulli((1000,), 0.25, dtype="float32")
    >>> bool(150.0 < cr.sum(x) < 350.0)
    True
    """
    shape, precision, p = arranged("bernoulli", shape, None, p=p)
    hit: Tensor = generator.draw(_draws.standard_uniform, shape=shape, dtype=precision) < p
    return hit if dtype == bool_ else ops.astype(hit, dtype=dtype)
