"""Connectionist temporal classification: the loss of a sequence whose labels are not aligned with its steps."""

from __future__ import annotations

from typing import Any

import chainrule as cr
from chainrule import ShapeError, Tensor, as_tensor, composite, fronts, ops
from chainrule_nn._losses import check_reduction


def _never(dtype: Any) -> float:
    """The logarithm of a probability of 0: finite, even twice that, so that differences are numbers."""
    return max(-1e30, 0.45 * float(cr.finfo(dtype).min))


@composite(name="nn.ctc_loss")
def _ctc_loss(logits: Any, labels: Any, lengths: Any, label_lengths: Any, /, blank: int) -> Any:
    steps, most = logits.shape[1], labels.shape[1]
    # Blanks around each label: places 2 i + 1 of 2 n + 1 are those of labels.
    blanks = ops.full_like(labels, blank)
    states = (
        ops.concat([ops.reshape(ops.stack([blanks, labels], axis=-1), shape=(-1, 2 * most)), blanks[:, :1]], axis=1)
        if most
        else ops.full((labels.shape[0], 1), blank, dtype=labels.dtype)
    )
    places = ops.broadcast_to(states[:, None, :], shape=(logits.shape[0], steps, 2 * most + 1))
    emitted = ops.take_along_axis(ops.log_softmax(logits, axis=-1), places, axis=-1)
    never = _never(emitted.dtype)
    # A label may follow the one before without a blank where it is another.
    before = ops.concat([ops.full_like(states, blank)[:, :2], states[:, :-2]], axis=1)[:, : 2 * most + 1]
    skips = ops.astype(ops.where((states != blank) & (states != before), 0.0, never), dtype=emitted.dtype)
    first = ops.where(ops.arange(2 * most + 1) < 2, emitted[:, 0, :], never)

    def step(alpha: Any, given: Any) -> Any:
        at, now = given
        none = ops.full_like(alpha, never)
        one = ops.concat([none[:, :1], alpha[:, :-1]], axis=1)
        two = ops.concat([none[:, :2], alpha[:, :-2]], axis=1)[:, : 2 * most + 1] + skips
        ways = ops.stack([alpha, one, ops.maximum(two, never)], axis=0)
        return ops.where((at < lengths)[:, None], ops.maximum(ops.logsumexp(ways, axis=0) + now, never), alpha), None

    alpha, _ = cr.scan(step, first, (ops.arange(1, steps), ops.moveaxis(emitted[:, 1:, :], 1, 0)))
    last = 2 * label_lengths[:, None]
    ends = ops.take_along_axis(alpha, ops.maximum(ops.concat([last, last - 1], axis=1), 0), axis=1)
    ends = ops.where(ops.concat([last >= 0, last > 0], axis=1), ends, never)
    return -ops.logsumexp(ends, axis=1)


@fronts(_ctc_loss)
def ctc_loss(
    logits: Any,
    labels: Any,
    lengths: Any = None,
    label_lengths: Any = None,
    blank: int = 0,
    *,
    zero_infinity: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """The negative logarithm of the probability of labels, in all the ways that they can lie in a longer sequence.

    Each step has a class, or the blank. A way through them is one of the labels if what repeats without a blank between
    is taken once, and blanks are left out: A. Graves and others (2006), https://doi.org/10.1145/1143844.1143891,
    section 4.1.

    Args:
        logits: shape `(batch, steps, n_classes)`: scores, or logarithms of probabilities, which `softmax` leaves as
            they are.
        labels: class numbers of shape `(batch, n)`, none of them the blank.
        lengths: shape `(batch,)`: how many steps each sequence has; all by default.
        label_lengths: shape `(batch,)`: how many labels each has; all by default.
        blank: the class number of the blank.
        zero_infinity: whether a loss is 0, and not infinite, where there are too few steps for the labels. It has no
            gradient then.
        reduction: `"mean"`, of losses divided by how many labels they are of, as in PyTorch; `"sum"`; or `"none"`.

    Raises:
        ArgumentError: there is no such reduction.
        ShapeError: the shapes do not fit.

    >>> import chainrule as cr
    >>> logits = cr.zeros((1, 2, 3))  # of 9 ways three are the label 1: 1 1, 1 -, - 1
    >>> cr.exp(-cr.nn.ctc_loss(logits, cr.tensor([[1]])))
    Tensor(0.3333333333333333, float64)
    """
    what = "ctc_loss"
    check_reduction(what, reduction)
    logits, labels = as_tensor(logits), as_tensor(labels)
    if logits.ndim != 3 or labels.ndim != 2:
        raise ShapeError(
            f"{what}: expected logits of shape (batch, steps, n_classes) and labels of shape (batch, n), got "
            f"{logits.shape} and {labels.shape}"
        )
    batch = logits.shape[0]
    lengths, label_lengths = (
        ops.full((batch,), most) if given is None else as_tensor(given)
        for given, most in ((lengths, logits.shape[1]), (label_lengths, labels.shape[1]))
    )
    losses = _ctc_loss(logits, labels, lengths, label_lengths, blank=blank)
    impossible = losses > -0.5 * _never(losses.dtype)
    losses = ops.where(impossible, 0.0 if zero_infinity else float("inf"), losses)
    if reduction == "mean":
        losses = losses / ops.astype(ops.maximum(label_lengths, 1), dtype=losses.dtype)
    total: Tensor = {"mean": ops.mean, "sum": ops.sum, "none": lambda y: y}[reduction](losses)
    return total
