"""Samples of what sequences are learnt by in `cr.nn`: a loss that sums over all ways, here by going through them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import scipy.special

from chainrule_testing._samples import Samples, case, real

Array = Any


def _collapsed(way: tuple[int, ...], blank: int) -> tuple[int, ...]:
    return tuple(c for c, _ in itertools.groupby(way) if c != blank)


def _ctc(logits: Array, labels: Array, lengths: Array, label_lengths: Array, blank: int) -> Array:
    logs = scipy.special.log_softmax(logits, axis=-1)
    losses = []
    for rows, label, steps, n in zip(logs, labels, lengths, label_lengths, strict=True):
        wanted = tuple(label[:n])
        ways = itertools.product(range(logits.shape[-1]), repeat=int(steps))
        fitting = [sum(rows[t, c] for t, c in enumerate(way)) for way in ways if _collapsed(way, blank) == wanted]
        losses.append(-scipy.special.logsumexp(fitting))
    return np.array(losses)


_LABELS = np.array([[1, 2], [2, 2], [1, 0]])

SAMPLES: dict[str, Samples] = {
    "nn.ctc_loss": Samples(
        _ctc,
        [
            case(real(3, 5, 3), _LABELS, np.array([5, 4, 3]), np.array([2, 2, 1]), blank=0),
            case(real(1, 4, 3), np.array([[0, 1]]), np.array([4]), np.array([2]), blank=2),
        ],
        integers=False,
        fronted=True,
        needs_shape=True,
    ),
}
