"""Softmax, its logarithm and the cross-entropy of classes, in as few passes as they need."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from chainrule import default_dtype
from chainrule_numpy._sums import row_sums

_NARROW: Final = 48  # a shorter last axis is reduced faster as the first one
_NO_OVERFLOW: Final = {"f": 60.0, "d": 500.0}  # any number of exponentials of these can be added up
_SMALL: Final = 4096  # elements; the sum of their squares is a cheap bound, though not a sharp one
_NO_UNDERFLOW: Final = 1e-3  # of a sum of exponentials: what is 0 among them is 0 of the sum as well


def softmax(x: Any, *, axis: Any, out: Any = None) -> Any:
    """The kernel of `softmax`; `out` is an array to write to.

    Numbers of usual size need no shift: the exponentials and their sums are normal numbers without it.
    """
    x = _floating(x)
    if not x.size:  # which has no largest element
        return np.empty_like(x) if out is None else out
    limit = _NO_OVERFLOW.get(x.dtype.char)
    if limit is not None and x.ndim:
        if x.size <= _SMALL and np.dot(flat := x.reshape(-1), flat) <= limit * limit:
            e = np.exp(x, out=out)
            return np.divide(e, _sums(e, axis), out=e)
        if np.maximum.reduce(x, axis=None) <= limit:
            e = np.exp(x, out=out)
            total = _sums(e, axis)
            if np.minimum.reduce(total, axis=None) >= _NO_UNDERFLOW:
                return np.divide(e, total, out=e)
    e = np.subtract(x, row_max(x, axis), out=out)
    e = np.exp(e, out=e if type(e) is np.ndarray else None)
    return np.divide(e, _sums(e, axis), out=out)


def log_softmax(x: Any, *, axis: Any, out: Any = None) -> Any:
    """The kernel of `log_softmax`; `out` is an array to write to."""
    x = _floating(x)
    if not x.size:
        return np.empty_like(x) if out is None else out
    shifted = np.subtract(x, row_max(x, axis), out=out)
    return np.subtract(shifted, np.log(_sums(np.exp(shifted), axis)), out=out)


def sparse_softmax_cross_entropy(logits: Any, labels: Any) -> Any:
    """The kernel of `sparse_softmax_cross_entropy`."""
    if logits.ndim == 2 and logits.shape[1] < _NARROW:
        shifted = logits.T.copy()
        shifted -= np.maximum.reduce(shifted, axis=0)
        picked = shifted[labels, np.arange(len(labels))]
        return np.log(np.add.reduce(np.exp(shifted, shifted), axis=0)) - picked
    shifted = logits - row_max(logits, -1)
    rows = shifted.reshape(-1, shifted.shape[-1])
    picked = rows[np.arange(len(rows)), labels.reshape(-1)].reshape(labels.shape)
    return np.log(row_sums(np.exp(shifted))[..., 0]) - picked


def row_max(x: Any, axis: Any) -> Any:
    """The largest along an axis, which stays with length 1."""
    if x.ndim == 2 and axis in (-1, 1) and x.shape[1] < _NARROW:
        return np.maximum.reduce(x.T.copy(), axis=0)[:, None]
    return np.maximum.reduce(x, axis=axis, keepdims=True)


def _sums(e: Any, axis: Any) -> Any:
    return row_sums(e) if axis == -1 or axis == e.ndim - 1 else np.add.reduce(e, axis=axis, keepdims=True)


def _floating(x: Any) -> Any:
    return x if x.dtype.kind in "fc" else x.astype(default_dtype())
