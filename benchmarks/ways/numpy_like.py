"""The namespace of libraries that differentiate NumPy's own functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.ways.loss import Namespace, namespace, unrolled


def numpy_like(np: Any, logsumexp: Callable[..., Any], **others: Any) -> Namespace:
    """What NumPy has not is written in what it has.

    Args:
        np: the library's NumPy.
        logsumexp: as SciPy's.
        others: what it has of its own, or does better.
    """

    def softmax(x: Any) -> Any:
        e = np.exp(x - np.max(x, axis=-1, keepdims=True))
        return e / np.sum(e, axis=-1, keepdims=True)

    def cross_entropy(scores: Any, labels: Any) -> Any:
        return np.mean(logsumexp(scores, axis=1) - scores[np.arange(labels.shape[0]), labels])

    def conv(x: Any, w: Any) -> Any:
        n, height, width, _ = x.shape
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="constant")
        shifts = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
        columns = np.reshape(np.concatenate(shifts, axis=3), (n * height * width, -1))
        return np.reshape(np.dot(columns, np.reshape(w, (-1, w.shape[3]))), (n, height, width, -1))

    def max_pool(x: Any) -> Any:
        n, height, width, channels = x.shape
        return np.max(np.reshape(x, (n, height // 2, 2, width // 2, 2, channels)), axis=(2, 4))

    def scan(step: Callable[[Any, Any], Any], carried: Any, xs: Any) -> Any:
        return np.stack(unrolled(step, carried, [xs[i] for i in range(xs.shape[0])]))

    return namespace(
        np,
        **{
            "relu": lambda x: np.maximum(x, 0),
            "softplus": lambda x: np.logaddexp(0.0, x),
            "softmax": softmax,
            "cross_entropy": cross_entropy,
            "take": lambda table, ids: table[ids],
            "conv": conv,
            "max_pool": max_pool,
            "scan": scan,
        }
        | others,
    )
