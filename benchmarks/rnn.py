"""A recurrent network over a sequence: a loop of small products, and gradients that add up along it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.contender import Made, once
from benchmarks.contest import Contest
from benchmarks.ways import of_gradients, on_chainrule
from benchmarks.ways.loss import Namespace, unrolled


def contest(steps: int = 100, batch: int = 32, width: int = 64, hidden: int = 128) -> Contest:
    """Value and gradients by the weights."""
    random = np.random.default_rng(0)
    shapes = (width, hidden), (hidden, hidden), (hidden,)
    weights = [random.normal(size=shape) / np.sqrt(shape[0]) for shape in shapes]
    xs, start = random.normal(size=(steps, batch, width)), np.zeros((batch, hidden))
    ways = {
        "NumPy: by hand": numpy_hand,
        **of_gradients(loss, len(shapes)),
        "chainrule: function, unrolled": partial(on_chainrule.function, unrolled_loss, len(shapes)),
    }
    return Contest(
        f"RNN over {steps} steps, batch of {batch}, {hidden} hidden, value and gradients, float32",
        ways,
        inputs=tuple(each.astype(np.float32) for each in (*weights, xs, start)),
        tolerance=1e-4,
        traced=True,
    )


def loss(xp: Any, Wx: Any, Wh: Any, b: Any, xs: Any, start: Any) -> Any:
    """Mean square of all states; one product for what all steps see."""
    steps, batch, width = xs.shape
    seen = xp.reshape(xp.reshape(xs, (steps * batch, width)) @ Wx + b, (steps, batch, -1))
    states = xp.scan(lambda h, x: xp.tanh(x + h @ Wh), start, seen)
    return xp.mean(states * states)


def unrolled_loss(xp: Any, *arguments: Any) -> Any:
    """The same with as many operations as steps."""
    import chainrule as cr

    def scan(step: Any, carried: Any, xs: Any) -> Any:
        return cr.stack(unrolled(step, carried, cr.unstack(xs)))

    return loss(Namespace(**vars(xp) | {"scan": scan}), *arguments)


def numpy_hand(Wx: Any, Wh: Any, b: Any, xs: Any, start: Any) -> Made:
    """Backwards through time; one product for the weights' gradients of all steps."""
    steps, batch, width = xs.shape
    hidden = len(Wh)
    flat = xs.reshape(-1, width)
    scale = np.float32(2.0 / (steps * batch * hidden))

    def compute() -> Any:
        seen = flat @ Wx
        seen += b
        states = np.empty((steps + 1, batch, hidden), xs.dtype)
        states[0] = start
        for now, state, after in zip(seen.reshape(steps, batch, hidden), states, states[1:], strict=False):
            np.matmul(state, Wh, out=after)
            after += now
            np.tanh(after, out=after)
        reached = states[1:]
        slopes = scale * reached
        flatter = 1.0 - reached * reached
        back = np.zeros_like(start)
        for slope, flat_here in zip(slopes[::-1], flatter[::-1], strict=True):
            slope += back
            slope *= flat_here
            back = slope @ Wh.T
        rows = slopes.reshape(-1, hidden)
        value = np.vdot(reached, reached) / reached.size
        return value, flat.T @ rows, states[:-1].reshape(-1, hidden).T @ rows, rows.sum(axis=0)

    return once(compute)
