"""Cross-entropy of softmax with all that goes with it: classes and rows that count differently, or not at all."""

from __future__ import annotations

from typing import Any

from chainrule import ArgumentError, Tensor, as_tensor, ops
from chainrule_nn._losses import check_reduction, reduced


def cross_entropy(
    logits: Any,
    labels: Any,
    *,
    class_weights: Any = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    weights: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """The cross-entropy of softmax over rows, with class numbers or rows of probabilities.

    Its operations are `sparse_softmax_cross_entropy` and `softmax_cross_entropy`.

    Args:
        logits: shape `(..., n_classes)`.
        labels: integers of shape `(...)`, or probabilities of the shape of `logits`.
        class_weights: shape `(n_classes,)`: how much each class counts. With class numbers the mean is then weighted
            by them too, with probabilities it is not, as in PyTorch.
        label_smoothing: how much of each label, from 0 to 1, is shared out among all classes.
        ignore_index: the class number of rows that do not count.
        weights: how much each row counts: what broadcasts to `(...)`.
        reduction: `"mean"`, the weighted mean; `"sum"`; or `"none"` for the losses of shape `(...)`.

    Raises:
        ArgumentError: an argument has no meaning.
        ShapeError: the shapes do not fit.

    >>> import chainrule as cr
    >>> cr.nn.cross_entropy(cr.tensor([[0.0, 0.0], [5.0, 1.0]]), cr.tensor([1, -1]), ignore_index=-1)
    Tensor(0.6931471805599453, float64)
    """
    what = "cross_entropy"
    check_reduction(what, reduction)
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(f"{what}: label_smoothing: expected a number from 0 to 1, got {label_smoothing!r}")
    logits, labels = as_tensor(logits), as_tensor(labels)
    if class_weights is not None:
        class_weights = ops.astype(class_weights, dtype=logits.dtype)
    if not labels.dtype.is_inexact:
        return _of_classes(logits, labels, class_weights, label_smoothing, ignore_index, weights, reduction)
    if ignore_index is not None:
        raise ArgumentError(f"{what}: ignore_index: goes with class numbers, and labels are {labels.dtype}")
    if label_smoothing:
        labels = (1.0 - label_smoothing) * labels + label_smoothing / logits.shape[-1]
    if class_weights is not None:
        labels = labels * class_weights
    return reduced(what, ops.softmax_cross_entropy(logits, labels), weights, reduction)


def _of_classes(
    logits: Tensor,
    labels: Tensor,
    class_weights: Tensor | None,
    label_smoothing: float,
    ignore_index: int | None,
    weights: Any,
    reduction: str,
) -> Tensor:
    counts: Any = None  # how much each row counts
    if ignore_index is not None:
        kept = labels != ignore_index
        counts, labels = ops.astype(kept, dtype=logits.dtype), ops.where(kept, labels, 0)
    losses = ops.sparse_softmax_cross_entropy(logits, labels)
    if class_weights is not None:
        of_label = ops.take(class_weights, labels, axis=0)
        losses = losses * of_label
        counts = of_label if counts is None else counts * of_label
    if label_smoothing:
        shares = ops.full_like(logits, 1 / logits.shape[-1])
        shared = ops.softmax_cross_entropy(logits, shares if class_weights is None else shares * class_weights)
        losses = (1.0 - label_smoothing) * losses + label_smoothing * shared
    if ignore_index is not None:
        losses = ops.where(kept, losses, 0.0)
    if weights is not None and counts is not None:
        counts = counts * weights
    if counts is None or reduction != "mean":
        return reduced("cross_entropy", losses, weights, reduction)
    mean: Tensor = reduced("cross_entropy", losses, weights, "sum") / ops.sum(counts)
    return mean
