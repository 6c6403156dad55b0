"""Losses of rows and their classes, with all that goes with them: classes and rows that count differently, or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule import ArgumentError, ShapeError, Tensor, as_tensor, composite, fronts, infer, ops
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
    if labels.dtype.is_inexact:
        if ignore_index is not None:
            raise ArgumentError(f"{what}: ignore_index: goes with class numbers, and labels are {labels.dtype}")
        if label_smoothing:
            labels = (1.0 - label_smoothing) * labels + label_smoothing / logits.shape[-1]
        if class_weights is not None:
            labels = labels * ops.astype(class_weights, dtype=logits.dtype)
        return reduced(what, ops.softmax_cross_entropy(logits, labels), weights, reduction)

    def losses(labels: Any) -> Any:
        return ops.sparse_softmax_cross_entropy(logits, labels)

    def smoothed(found: Any, class_weights: Any) -> Any:
        if not label_smoothing:
            return found
        shares = ops.full_like(logits, 1 / logits.shape[-1])
        shared = ops.softmax_cross_entropy(logits, shares if class_weights is None else shares * class_weights)
        return (1.0 - label_smoothing) * found + label_smoothing * shared

    return _of_classes(what, losses, smoothed, logits, labels, class_weights, ignore_index, weights, reduction)


@composite(name="nn.nll_loss")
def _nll_loss(log_probabilities: Any, labels: Any, /) -> Any:
    shape = log_probabilities.shape
    try:
        infer.common_shape(labels.shape, None if shape is None else shape[:-1])
    except ShapeError:
        raise ShapeError(f"labels of shape {labels.shape} do not fit log_probabilities of shape {shape}") from None
    return -ops.take_along_axis(log_probabilities, labels[..., None], axis=-1)[..., 0]


@fronts(_nll_loss)
def nll_loss(
    log_probabilities: Any,
    labels: Any,
    *,
    class_weights: Any = None,
    ignore_index: int | None = None,
    weights: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative logarithm of the probability of each row's class: `-log_probabilities[..., label]`.

    Derivative: -1 at the class, else 0.

    `cross_entropy` takes scores.

    Args:
        log_probabilities: shape `(..., n_classes)`, as `log_softmax` gives them.
        labels: class numbers of shape `(...)`.
        class_weights, ignore_index, weights, reduction: as for `cross_entropy`.

    >>> import chainrule as cr
    >>> cr.nn.nll_loss(cr.log(cr.tensor([[0.25, 0.75]])), cr.tensor([0]))
    Tensor(1.3862943611198906, float64)
    """
    what = "nll_loss"
    check_reduction(what, reduction)
    log_probabilities, labels = as_tensor(log_probabilities), as_tensor(labels)

    def losses(labels: Any) -> Any:
        return _nll_loss(log_probabilities, labels)

    def as_found(found: Any, _class_weights: Any) -> Any:
        return found

    of = (log_probabilities, labels, class_weights, ignore_index, weights, reduction)
    return _of_classes(what, losses, as_found, *of)


def _of_classes(
    what: str,
    losses: Callable[[Any], Any],
    smoothed: Callable[[Any, Any], Any],
    rows: Tensor,
    labels: Tensor,
    class_weights: Any,
    ignore_index: int | None,
    weights: Any,
    reduction: str,
) -> Tensor:
    """The losses of rows, reduced: `losses` of labels that are classes, and what `smoothed` makes of weighted ones."""
    counts: Any = None  # how much each row counts
    if ignore_index is not None:
        kept = labels != ignore_index
        counts, labels = ops.astype(kept, dtype=rows.dtype), ops.where(kept, labels, 0)
    found = losses(labels)
    if class_weights is not None:
        class_weights = ops.astype(class_weights, dtype=rows.dtype)
        of_label = ops.take(class_weights, labels, axis=0)
        found = found * of_label
        counts = of_label if counts is None else counts * of_label
    found = smoothed(found, class_weights)
    if ignore_index is not None:
        found = ops.where(kept, found, 0.0)
    if weights is not None and counts is not None:
        counts = counts * weights
    if counts is None or reduction != "mean":
        return reduced(what, found, weights, reduction)
    mean: Tensor = reduced(what, found, weights, "sum") / ops.sum(counts)
    return mean
