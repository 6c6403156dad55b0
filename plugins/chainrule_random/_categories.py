"""Categories, drawn by their probabilities: as class numbers, as what they stand for, and as smooth weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule import ArgumentError, Tensor, as_dtype, as_tensor, float64, int64, ops
from chainrule_random import _draws
from chainrule_random._parameters import Shape, arranged, result_shape, spread
from chainrule_random._permutations import order
from chainrule_random._trials import integers

if TYPE_CHECKING:
    from chainrule_random._generator import Generator


def categorical(generator: Generator, logits: Any, shape: Shape = None) -> Tensor:
    """Class numbers, each drawn with a probability in proportion to the exponential of its logit. No gradient.

    The largest of the logits with Gumbel's noise (Maddison, Tarlow and Minka, 2014, https://arxiv.org/abs/1411.0030).

    Args:
        logits: along the last axis; of minus infinity, a class is never drawn.
        shape: that of the result, which `logits` without its last axis broadcasts to; by default its shape.

    >>> import chainrule as cr
    >>> cr.random.categorical([-float("inf"), 0.0, -float("inf")], (3,)).tolist()
    [1, 1, 1]
    """
    logits = as_tensor(logits)
    whole = None if shape is None else (*((shape,) if isinstance(shape, int) else shape), logits.shape[-1])
    noisy, _ = _with_noise(generator, "categorical", logits, whole)
    drawn: Tensor = ops.argmax(noisy, axis=-1)
    return drawn


def multinomial(generator: Generator, n: Any, p: Any, shape: Shape = None, dtype: Any = int64) -> Tensor:
    """How often each of some classes comes in `n` independent draws. No gradient: counts jump.

    Args:
        n: the number of draws, which broadcasts with `p` without its last axis.
        p: the probabilities of the classes, along the last axis; their sum is 1.
        shape: that of the result, classes along its last axis; by default that of the parameters.
        dtype: of the counts.

    Raises:
        ArgumentError: `n` is negative, or `p` are no probabilities.

    >>> import chainrule as cr
    >>> cr.sum(cr.random.multinomial(5, [0.2, 0.3, 0.5]))
    Tensor(5, int64)
    """
    n, p = as_tensor(n), as_tensor(p)
    given = {"n": n[..., None], "p": p}
    found = result_shape("multinomial", shape, given)
    _, precision, p = arranged("multinomial", None, None, p=p)
    spreads = spread(given["n"], found, int64), spread(p, found, precision)
    counts: Tensor = generator.draw(_draws.multinomial, *spreads, shape=found, dtype=as_dtype(dtype))
    return counts


def gumbel_softmax(
    generator: Generator, logits: Any, temperature: Any = 1.0, hard: bool = False, shape: Shape = None
) -> Tensor:
    """Weights that are near one of the classes: a draw of `categorical` made smooth, which has gradients.

    `softmax((logits + noise) / temperature)` with Gumbel's noise (Jang, Gu and Poole, 2017,
    https://arxiv.org/abs/1611.01144; Maddison, Mnih and Teh, 2017, https://arxiv.org/abs/1611.00712).

    Args:
        logits: along the last axis.
        temperature: the smaller, the nearer to one class.
        hard: give 1 for the largest weight and 0 for the others, with the gradient of the weights: straight through.
        shape: that of the result, which `logits` broadcasts to; its own by default.

    >>> import chainrule as cr
    >>> cr.random.gumbel_softmax([0.0, 100.0], hard=True)
    Tensor([0., 1.], float64)
    """
    noisy, dtype = _with_noise(generator, "gumbel_softmax", as_tensor(logits), shape)
    weights: Tensor = ops.softmax(noisy / temperature, axis=-1)
    if not hard:
        return weights
    largest = ops.argmax(weights, axis=-1, keepdims=True)
    chosen = ops.astype(largest == ops.arange(weights.shape[-1]), dtype=dtype)
    one_hot: Tensor = weights + ops.stop_gradient(chosen - weights)
    return one_hot


def _with_noise(generator: Generator, what: str, logits: Tensor, shape: Shape) -> tuple[Tensor, Any]:
    shape, dtype, logits = arranged(what, shape, None, logits=logits)
    return logits + generator.draw(_draws.standard_gumbel, shape=shape, dtype=dtype), dtype


def choice(
    generator: Generator, a: Any, shape: Shape = (), replace: bool = True, p: Any = None, axis: int = 0
) -> Tensor:
    """Some of the integers below `a`, or of what `a` has along an axis. The cotangent goes back to what was picked.

    Args:
        a: an integer or an array.
        shape: how many, put in place of the axis.
        replace: whether one can be picked again.
        p: their probabilities, in proportion; all the same by default. They have no gradient.
        axis: the axis, whose slices stay whole.

    Raises:
        ArgumentError: there are not as many to pick without replacement, or as many probabilities.

    >>> import chainrule as cr
    >>> sorted(cr.random.choice([3.0, 1.0, 2.0], (3,), replace=False).tolist())
    [1.0, 2.0, 3.0]
    """
    values = None if isinstance(a, int) else as_tensor(a)
    n = a if values is None else values.shape[axis]
    shape = (shape,) if isinstance(shape, int) else tuple(shape or ())
    p = None if p is None else ops.astype(as_tensor(p), dtype=float64)
    if p is not None and p.shape != (n,):
        raise ArgumentError(f"choice: p: expected {n} probabilities in one dimension, got shape {p.shape}")
    count: Any = 1
    for length in shape:
        count = count * length
    if replace:
        picked = integers(generator, n, shape=shape) if p is None else _by_probability(generator, n, shape, p)
    elif isinstance(count, int) and isinstance(n, int) and count > n:
        raise ArgumentError(f"choice: cannot pick {count} of {n} without replacement; use replace=True")
    else:
        ranking = order(generator, n) if p is None else _ranking(generator, n, p)
        picked = ops.reshape(ranking[:count], shape=shape)
    if values is None:
        return picked
    taken = ops.take(values, ops.reshape(picked, shape=(-1,)), axis=axis)
    axis = axis % values.ndim
    result: Tensor = ops.reshape(taken, shape=(*values.shape[:axis], *shape, *values.shape[axis + 1 :]))
    return result


def _by_probability(generator: Generator, n: int, shape: Any, p: Tensor) -> Tensor:
    """Where uniform numbers fall among the sums of the probabilities."""
    sums = ops.cumulative_sum(ops.stop_gradient(p))
    u = generator.draw(_draws.standard_uniform, shape=shape, dtype=float64)
    picked: Tensor = ops.minimum(ops.searchsorted(sums, u * sums[-1], side="right"), n - 1)
    return picked


def _ranking(generator: Generator, n: int, p: Tensor) -> Tensor:
    """The order that classes are drawn in without replacement: waiting times with rates, the shortest first."""
    times = generator.draw(_draws.standard_exponential, shape=(n,), dtype=float64) / p
    ranked: Tensor = ops.argsort(times)
    return ranked
