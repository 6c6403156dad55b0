"""Samples of recurrent cells and of dropout in `cr.nn`."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit

from chainrule_testing._samples import Samples, case, real

Array = Any


def _sum(x: Array, w: Array, b: Array | None) -> Array:
    return x @ w + (0.0 if b is None else b)


def _lstm(x: Array, h: Array, c: Array, w: Array, u: Array, b: Array | None) -> tuple[Array, Array]:
    i, f, g, o = np.split(_sum(x, w, b) + h @ u, 4, axis=-1)
    c = expit(f) * c + expit(i) * np.tanh(g)
    return expit(o) * np.tanh(c), c


def _gru(x: Array, h: Array, w: Array, u: Array, b: Array | None, b_h: Array | None) -> Array:
    (rx, zx, nx), (rh, zh, nh) = (np.split(part, 3, axis=-1) for part in (_sum(x, w, b), _sum(h, u, b_h)))
    z = expit(zx + zh)
    return z * h + (1 - z) * np.tanh(nx + expit(rx + rh) * nh)


def _cell(reference: Any, *cases: Any) -> Samples:
    return Samples(reference, cases, integers=False, fronted=True, needs_rank=True)


SAMPLES: dict[str, Samples] = {
    "nn.dropout": Samples(
        lambda x, kept, rate: np.where(kept, x / (1 - rate), 0),
        [case(real(2, 3), np.array([True, False, True]), rate=0.25)],
        integers=False,
        fronted=True,
    ),
    "nn.rnn_cell": _cell(
        lambda x, h, w, u, b: np.tanh(_sum(x, w, b) + h @ u),
        case(real(2, 3), real(2, 2), real(3, 2), real(2, 2), real(2)),
    ),
    "nn.lstm_cell": _cell(_lstm, case(real(2, 2), real(2, 1), real(2, 1), real(2, 4), real(1, 4), real(4))),
    "nn.gru_cell": _cell(_gru, case(real(2, 2), real(2, 1), real(2, 3), real(1, 3), real(3), None)),
}
