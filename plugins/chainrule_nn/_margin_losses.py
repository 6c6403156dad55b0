"""Losses with a margin: of rows of scores and their classes, of distances, and of three rows."""

from __future__ import annotations

from typing import Any

import chainrule as cr
from chainrule import ArgumentError, ShapeError, Tensor, as_tensor, composite, fronts, infer, ops
from chainrule_nn._losses import loss, reduced


@loss
def hinge_embedding_loss(distances: Any, labels: Any, /, margin: float = 1.0) -> Any:
    """The distance itself for the label 1, `max(0, margin - distance)` for -1.

    Derivative: by the distances, 1 for the label 1; for -1, -1 below the margin, else 0.

    Args:
        distances: real numbers.
        labels: 1 for what belongs together, -1 for what does not.
        margin: how far apart that is to be.
        weights, reduction: as for `mse_loss`.

    >>> import chainrule as cr
    >>> cr.nn.hinge_embedding_loss(cr.tensor([0.5, 0.25]), cr.tensor([1.0, -1.0]), reduction="none")
    Tensor([0.5 , 0.75], float64)
    """
    return ops.where(labels == 1, distances, ops.relu(margin - distances))


@loss
def triplet_margin_loss(
    anchors: Any,
    positives: Any,
    negatives: Any,
    /,
    margin: float = 1.0,
    p: float = 2.0,
    swap: bool = False,
    eps: float = 0.0,
) -> Any:
    """`max(0, |anchors - positives| - |anchors - negatives| + margin)`, with the p-norm of rows.

    Args:
        anchors, positives, negatives: shape `(..., n)`.
        margin: how much farther a negative has to be.
        p: which norm.
        swap: whether a negative is as far away as from the nearer of anchor and positive
            (http://www.bmva.org/bmvc/2016/papers/paper119/paper119.pdf).
        eps: what is added to differences, which keeps slopes finite where they are 0.
        weights, reduction: as for `mse_loss`.

    >>> import chainrule as cr
    >>> cr.nn.triplet_margin_loss(cr.tensor([0.0, 0.0]), cr.tensor([3.0, 4.0]), cr.tensor([0.0, 2.0]))
    Tensor(4.0, float64)
    """

    def distance(a: Any, b: Any) -> Any:
        return cr.linalg.vector_norm(a - b + eps if eps else a - b, ord=p, axis=-1)

    far = distance(anchors, negatives)
    if swap:
        far = ops.minimum(far, distance(positives, negatives))
    return ops.relu(distance(anchors, positives) - far + margin)


# Of rows of scores


@composite(name="nn.multi_margin_loss")
def _multi_margin_loss(scores: Any, labels: Any, /, p: int, margin: float) -> Any:
    return ops.mean(_missed(scores, labels, p, margin), axis=-1)


def _missed(scores: Any, labels: Any, p: int, margin: float) -> Any:
    """By how much each class comes too near to the label of its row; the label itself, not at all."""
    shape = scores.shape
    try:
        infer.common_shape(labels.shape, None if shape is None else shape[:-1])
    except ShapeError:
        raise ShapeError(f"labels of shape {labels.shape} do not fit scores of shape {shape}") from None
    places = labels[..., None]
    near = ops.relu(margin - ops.take_along_axis(scores, places, axis=-1) + scores)
    return ops.where(places == ops.arange(shape[-1]), 0.0, near if p == 1 else ops.square(near))


@fronts(_multi_margin_loss)
def multi_margin_loss(
    scores: Any,
    labels: Any,
    p: int = 1,
    margin: float = 1.0,
    *,
    class_weights: Any = None,
    weights: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over all classes of `max(0, margin - score of the label + score)**p`, that of the label left out.

    Args:
        scores: shape `(..., n_classes)`.
        labels: class numbers of shape `(...)`.
        p: 1 or 2.
        margin: how much higher the score of the label has to be.
        class_weights: shape `(n_classes,)`: how much a row counts that has this label. The mean is not weighted by it.
        weights, reduction: as for `mse_loss`.

    Raises:
        ArgumentError: `p` is neither.
        ShapeError: the shapes do not fit.

    >>> import chainrule as cr
    >>> cr.nn.multi_margin_loss(cr.tensor([[0.0, 0.5, 2.0]]), cr.tensor([2]))
    Tensor(0.0, float64)
    >>> cr.nn.multi_margin_loss(cr.tensor([[0.0, 0.5, 2.0]]), cr.tensor([1]))
    Tensor(1.0, float64)
    """
    what = "multi_margin_loss"
    if p not in (1, 2):
        raise ArgumentError(f"{what}: p: expected 1 or 2, got {p!r}")
    scores, labels = as_tensor(scores), as_tensor(labels)
    losses = _multi_margin_loss(scores, labels, p=p, margin=margin)
    if class_weights is not None:
        of_label = ops.take(ops.astype(class_weights, dtype=scores.dtype), labels, axis=0)
        losses = losses * of_label
    return reduced(what, losses, weights, reduction)


@composite(name="nn.multilabel_margin_loss")
def _multilabel_margin_loss(scores: Any, labels: Any, /) -> Any:
    n = scores.shape[-1]
    listed = ops.cumulative_prod(ops.astype(labels >= 0, dtype=scores.dtype), axis=-1)  # up to the first that is none
    places = ops.where(listed > 0, labels, 0)
    hits = ops.astype(places[..., None] == ops.arange(n), dtype=scores.dtype) * listed[..., None]
    others = 1.0 - ops.max(hits, axis=-2)
    near = ops.relu(1.0 - ops.take_along_axis(scores, places, axis=-1)[..., None] + scores[..., None, :])
    return ops.sum(near * listed[..., None] * others[..., None, :], axis=(-2, -1)) / n


@fronts(_multilabel_margin_loss)
def multilabel_margin_loss(scores: Any, labels: Any, *, weights: Any = None, reduction: str = "mean") -> Tensor:
    """The sum of `max(0, 1 - score of a label + score)` over all labels and all classes that are none, by `n_classes`.

    Args:
        scores: shape `(..., n_classes)`.
        labels: integers of the same shape: for each row its class numbers, and -1 after the last.
        weights, reduction: as for `mse_loss`.

    >>> import chainrule as cr
    >>> cr.nn.multilabel_margin_loss(cr.tensor([[0.1, 0.2, 0.4, 0.8]]), cr.tensor([[3, 0, -1, 1]]))
    Tensor(0.8500000000000001, float64)
    """
    losses = _multilabel_margin_loss(as_tensor(scores), as_tensor(labels))
    return reduced("multilabel_margin_loss", losses, weights, reduction)


@composite(name="nn.multilabel_soft_margin_loss")
def _multilabel_soft_margin_loss(scores: Any, labels: Any, class_weights: Any, /) -> Any:
    losses = ops.softplus(scores) - labels * scores
    return ops.mean(losses if class_weights is None else losses * class_weights, axis=-1)


@fronts(_multilabel_soft_margin_loss)
def multilabel_soft_margin_loss(
    scores: Any, labels: Any, *, class_weights: Any = None, weights: Any = None, reduction: str = "mean"
) -> Tensor:
    """The mean over all classes of `binary_cross_entropy_with_logits`: each row may be of several classes.

    Args:
        scores: shape `(..., n_classes)`.
        labels: of the same shape: 1 where a row is of a class, else 0.
        class_weights: what broadcasts against them: how much each class counts.
        weights, reduction: as for `mse_loss`, of rows.

    >>> import chainrule as cr
    >>> cr.nn.multilabel_soft_margin_loss(cr.tensor([[0.0, 0.0]]), cr.tensor([[1.0, 0.0]]))
    Tensor(0.6931471805599453, float64)
    """
    losses = _multilabel_soft_margin_loss(scores, labels, class_weights)
    return reduced("multilabel_soft_margin_loss", losses, weights, reduction)
