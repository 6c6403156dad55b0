"""Losses: how far predictions are from targets.

The operation of a loss gives one for each element, or for each row where it compares rows. Its public function weights
them and reduces them to a number.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

from chainrule import ArgumentError, Tensor, as_tensor, composite, fronts, ops
from chainrule_nn._arguments import optional_arrays


def loss(function: Callable[..., Any]) -> Any:
    """Make a loss of a function that gives one for each element: an operation and its public function.

    The operation is called `nn.` and the function's name. The public function takes `weights` and `reduction` besides.
    """
    operation = optional_arrays(composite(function, name=f"nn.{function.__name__}", broadcasts=True))

    @fronts(operation)
    @functools.wraps(function)
    def front(*args: Any, weights: Any = None, reduction: str = "mean", **kwargs: Any) -> Tensor:
        return reduced(f"nn.{function.__name__}", operation(*args, **kwargs), weights, reduction)

    signature = inspect.signature(operation)
    more = [
        inspect.Parameter("weights", inspect.Parameter.KEYWORD_ONLY, default=None),
        inspect.Parameter("reduction", inspect.Parameter.KEYWORD_ONLY, default="mean"),
    ]
    signature = signature.replace(parameters=[*signature.parameters.values(), *more])
    front.__signature__ = signature  # type: ignore[attr-defined]  # what `inspect.signature` reads
    return front


def reduced(what: str, losses: Any, weights: Any = None, reduction: str = "mean") -> Tensor:
    """Losses as one number, or as they are.

    Args:
        what: whose losses they are, for errors.
        losses: an array of any shape.
        weights: what broadcasts against it, or None.
        reduction: `"mean"`, the weighted mean; `"sum"`, the weighted sum; or `"none"`, the losses times their weights.

    Raises:
        ArgumentError: there is no such reduction.
        ShapeError: the weights do not fit.
    """
    losses = as_tensor(losses)
    check_reduction(what, reduction)
    if weights is not None:
        weights = ops.broadcast_to(ops.astype(weights, dtype=losses.dtype), shape=losses.shape)
        losses = losses * weights
    total: Tensor
    if reduction == "none":
        total = losses
    elif reduction == "sum":
        total = ops.sum(losses)
    else:
        total = ops.mean(losses) if weights is None else ops.sum(losses) / ops.sum(weights)
    return total


def check_reduction(what: str, reduction: Any) -> None:
    """Refuse what is no reduction.

    Raises:
        ArgumentError: it is none.
    """
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(f"{what}: reduction: expected 'mean', 'sum' or 'none', got {reduction!r}")


# Of numbers


@loss
def mse_loss(predictions: Any, targets: Any, /) -> Any:
    """The squared error: `(predictions - targets)**2`.

    Derivative: 2 * d and -2 * d with d = predictions - targets.

    Args:
        predictions, targets: arrays whose shapes broadcast.
        weights: what broadcasts against the losses; each counts so much.
        reduction: `"mean"`, the weighted mean; `"sum"`; or `"none"` for all of them.

    >>> import chainrule as cr
    >>> cr.nn.mse_loss(cr.tensor([1.0, 3.0]), cr.tensor([0.0, 0.0]))
    Tensor(5.0, float64)
    >>> cr.nn.mse_loss(cr.tensor([1.0, 3.0]), 0.0, weights=[3.0, 1.0])
    Tensor(3.0, float64)
    """
    return ops.square(predictions - targets)


@loss
def l1_loss(predictions: Any, targets: Any, /) -> Any:
    """The absolute error: `|predictions - targets|`, whose slope is 0 where they are equal.

    Derivative: sign(d) and -sign(d) with d = predictions - targets.

    Args:
        predictions, targets, weights, reduction: as for `mse_loss`.

    >>> import chainrule as cr
    >>> cr.nn.l1_loss(cr.tensor([1.0, -3.0]), cr.tensor([0.0, 0.0]))
    Tensor(2.0, float64)
    """
    return ops.abs(predictions - targets)


@loss
def huber_loss(predictions: Any, targets: Any, /, delta: float = 1.0) -> Any:
    """`d**2 / 2` where the error `d` is at most `delta` in size, else `delta * (|d| - delta / 2)`.

    Derivative: d between -delta and delta, else delta * sign(d); by the targets the opposite.

    Args:
        predictions, targets, weights, reduction: as for `mse_loss`.
        delta: where the line begins that continues the parabola.

    >>> import chainrule as cr
    >>> cr.nn.huber_loss(cr.tensor([0.5, 3.0]), 0.0, reduction="none")
    Tensor([0.125, 2.5  ], float64)
    """
    error = predictions - targets
    size = ops.abs(error)
    return ops.where(size <= delta, 0.5 * ops.square(error), delta * (size - 0.5 * delta))


@loss
def smooth_l1_loss(predictions: Any, targets: Any, /, beta: float = 1.0) -> Any:
    """`huber_loss` divided by its `delta`, here `beta`; `l1_loss` for 0.

    Derivative: d / beta between -beta and beta, else sign(d) for the error d; by the targets the opposite.

    Args:
        predictions, targets, weights, reduction: as for `mse_loss`.
        beta: where the parabola ends.

    >>> import chainrule as cr
    >>> cr.nn.smooth_l1_loss(cr.tensor([0.5, 3.0]), 0.0, beta=2.0, reduction="none")
    Tensor([0.0625, 2.    ], float64)
    """
    error = predictions - targets
    size = ops.abs(error)
    return size if beta == 0 else ops.where(size < beta, 0.5 / beta * ops.square(error), size - 0.5 * beta)


@loss
def log_cosh_loss(predictions: Any, targets: Any, /) -> Any:
    """`log(cosh(predictions - targets))`, without overflow or cancellation: a parabola that becomes a line.

    Derivative: tanh(d) and -tanh(d) with d = predictions - targets.

    Args:
        predictions, targets, weights, reduction: as for `mse_loss`.

    >>> import chainrule as cr
    >>> cr.nn.log_cosh_loss(cr.tensor(1000.0), 0.0)
    Tensor(999.3068528194401, float64)
    """
    error = predictions - targets
    size = ops.abs(error)
    near = ops.log1p(2.0 * ops.square(ops.sinh(0.5 * ops.where(size < 1, error, 0.0))))
    return ops.where(size < 1, near, size + ops.log1p(ops.exp(-2.0 * size)) - math.log(2))


# Of two classes


@loss
def hinge_loss(scores: Any, labels: Any, /) -> Any:
    """`max(0, 1 - labels * scores)`.

    Derivative: by the scores, -labels where the loss is above 0, else 0.

    Args:
        scores: real numbers.
        labels: -1 or 1 for each.
        weights, reduction: as for `mse_loss`.

    >>> import chainrule as cr
    >>> cr.nn.hinge_loss(cr.tensor([0.5, 2.0]), cr.tensor([1.0, 1.0]), reduction="none")
    Tensor([0.5, 0. ], float64)
    """
    return ops.relu(1.0 - labels * scores)


@loss
def squared_hinge_loss(scores: Any, labels: Any, /) -> Any:
    """The square of `hinge_loss`.

    Derivative: by the scores, -2 * labels * max(0, 1 - labels * scores).

    Args:
        scores, labels, weights, reduction: as for `hinge_loss`.

    >>> import chainrule as cr
    >>> cr.nn.squared_hinge_loss(cr.tensor([0.5, 2.0]), cr.tensor([1.0, 1.0]), reduction="none")
    Tensor([0.25, 0.  ], float64)
    """
    return ops.square(ops.relu(1.0 - labels * scores))


@loss
def soft_margin_loss(scores: Any, labels: Any, /) -> Any:
    """`log(1 + exp(-labels * scores))`: the logistic loss.

    Derivative: by the scores, -labels * sigmoid(-labels * scores).

    Args:
        scores, labels, weights, reduction: as for `hinge_loss`.

    >>> import chainrule as cr
    >>> cr.nn.soft_margin_loss(cr.tensor(0.0), 1.0)
    Tensor(0.6931471805599453, float64)
    """
    return ops.softplus(-labels * scores)


@loss
def binary_cross_entropy(probabilities: Any, labels: Any, /) -> Any:
    """`-(labels * log(p) + (1 - labels) * log(1 - p))`, each logarithm at least -100.

    Derivative: by the probabilities, (p - labels) / (p * (1 - p)); by the labels, log(1 - p) - log(p).

    Of scores, `binary_cross_entropy_with_logits` is more accurate.

    Args:
        probabilities: of the label 1, between 0 and 1.
        labels: 0 or 1, or what lies between.
        weights, reduction: as for `mse_loss`.

    >>> import chainrule as cr
    >>> cr.nn.binary_cross_entropy(cr.tensor([0.5, 0.0]), cr.tensor([1.0, 1.0]), reduction="none")
    Tensor([  0.69314718, 100.        ], float64)
    """
    return -(labels * _log(probabilities) + (1.0 - labels) * _log(1.0 - probabilities))


def _log(p: Any) -> Any:
    """The logarithm, and -100 with slope 0 where it is less."""
    least = math.exp(-100)
    return ops.log(ops.where(p <= least, least, p))


@loss
def binary_cross_entropy_with_logits(logits: Any, labels: Any, positive_weight: Any = None, /) -> Any:
    """`-(positive_weight * labels * log(sigmoid(logits)) + (1 - labels) * log(1 - sigmoid(logits)))`, accurately.

    Derivative: by the logits without a weight, sigmoid(logits) - labels; by the labels, -logits.

    Args:
        logits: real numbers.
        labels: 0 or 1, or what lies between.
        positive_weight: how much more the label 1 counts: what broadcasts, such as a number for each class.
        weights, reduction: as for `mse_loss`.

    >>> import chainrule as cr
    >>> cr.nn.binary_cross_entropy_with_logits(cr.tensor([0.0, -1000.0]), cr.tensor([1.0, 1.0]), reduction="none")
    Tensor([6.93147181e-01, 1.00000000e+03], float64)
    """
    if positive_weight is None:
        return ops.softplus(logits) - labels * logits
    return (1.0 - labels) * logits + (1.0 + (positive_weight - 1.0) * labels) * ops.softplus(-logits)


# Of distributions


@loss
def kl_div_loss(log_predictions: Any, targets: Any, /, log_targets: bool = False) -> Any:
    """Kullback and Leibler's divergence, term by term: `targets * (log(targets) - log_predictions)`.

    Derivative: by the predictions, -targets; by the targets, log(targets) + 1 - log_predictions.

    Args:
        log_predictions: logarithms of probabilities.
        targets: probabilities; their logarithms with `log_targets`.
        log_targets: see there.
        weights, reduction: as for `mse_loss`. The divergence of a row is the sum of its terms.

    >>> import chainrule as cr
    >>> cr.nn.kl_div_loss(cr.log(cr.tensor([0.5, 0.5])), cr.tensor([1.0, 0.0]), reduction="sum")
    Tensor(0.6931471805599453, float64)
    """
    if log_targets:
        return ops.exp(targets) * (targets - log_predictions)
    positive = targets > 0
    return ops.where(positive, targets * ops.log(ops.where(positive, targets, 1.0)), 0.0) - targets * log_predictions


@loss
def poisson_nll_loss(
    log_rates: Any, counts: Any, /, log_input: bool = True, full: bool = False, eps: float = 1e-8
) -> Any:
    """The negative logarithm of a Poisson distribution: `rate - counts * log(rate)`.

    Derivative: by the logarithms, rate - counts.

    Args:
        log_rates: logarithms of rates; rates if not `log_input`, to which `eps` is added in the logarithm.
        counts: how often it happened.
        log_input, eps: see there.
        full: whether to add Stirling's approximation of `log(counts!)` where that is more than 1.
        weights, reduction: as for `mse_loss`.

    >>> import chainrule as cr
    >>> cr.nn.poisson_nll_loss(cr.tensor(0.0), 2.0)
    Tensor(1.0, float64)
    """
    rates, logs = (ops.exp(log_rates), log_rates) if log_input else (log_rates, ops.log(log_rates + eps))
    result = rates - counts * logs
    if full:
        large = counts > 1
        n = ops.where(large, counts, 1.0)
        result = result + ops.where(large, n * ops.log(n) - n + 0.5 * ops.log(2 * math.pi * n), 0.0)
    return result


@loss
def gaussian_nll_loss(means: Any, targets: Any, variances: Any, /, least: float = 1e-6, full: bool = False) -> Any:
    """The negative logarithm of a normal distribution: `(log(variance) + (targets - means)**2 / variance) / 2`.

    Args:
        means, targets, variances: arrays whose shapes broadcast.
        least: what variances are raised to where they are less; their slope there is 0.
        full: whether to add the constant, `log(2 * pi) / 2`.
        weights, reduction: as for `mse_loss`.

    >>> import chainrule as cr
    >>> cr.nn.gaussian_nll_loss(cr.tensor(1.0), 3.0, 4.0)
    Tensor(1.1931471805599454, float64)
    """
    variances = ops.where(variances < least, least, variances)
    result = 0.5 * (ops.log(variances) + ops.square(targets - means) / variances)
    return result + 0.5 * math.log(2 * math.pi) if full else result


# Of rows


@composite(name="nn.cosine_similarity", broadcasts=True)
def cosine_similarity(a: Any, b: Any, /, axis: int = -1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors: `a . b / (|a| |b|)`, neither norm taken as less than `eps`.

    Args:
        a, b: arrays whose shapes broadcast.
        axis: along which the vectors lie.
        eps: see there.

    >>> import chainrule as cr
    >>> cr.nn.cosine_similarity(cr.tensor([[2.0, 0.0], [0.0, 0.0]]), cr.tensor([3.0, 3.0]))
    Tensor([0.70710678, 0.        ], float64)
    """

    a, b = ops.broadcast_arrays(a, b)

    def length(x: Any) -> Any:
        return ops.maximum(ops.vector_norm(x, axis=axis, keepdims=True), eps)

    return ops.sum((a / length(a)) * (b / length(b)), axis=axis)


@loss
def cosine_embedding_loss(a: Any, b: Any, labels: Any, /, margin: float = 0.0) -> Any:
    """`1 - cos(a, b)` for rows with the label 1, `max(0, cos(a, b) - margin)` for those with -1.

    Args:
        a, b: shape `(..., n)`.
        labels: 1 for rows that belong together, -1 for others, of shape `(...)`.
        margin: how near others may be.
        weights, reduction: as for `mse_loss`.

    >>> import chainrule as cr
    >>> a, b = cr.tensor([[1.0, 0.0], [1.0, 0.0]]), cr.tensor([[1.0, 1.0], [1.0, 1.0]])
    >>> cr.nn.cosine_embedding_loss(a, b, cr.tensor([1.0, -1.0]), reduction="none")
    Tensor([0.29289322, 0.70710678], float64)
    """
    cosine = cosine_similarity(a, b)
    return ops.where(labels > 0, 1.0 - cosine, ops.relu(cosine - margin))


@loss
def margin_ranking_loss(a: Any, b: Any, labels: Any, /, margin: float = 0.0) -> Any:
    """`max(0, margin - labels * (a - b))`: what `a` has to be larger than `b` by where the label is 1, smaller for -1.

    Derivative: by `a`, -labels where the loss is above 0, else 0; by `b`, the opposite.

    Args:
        a, b, labels: arrays whose shapes broadcast.
        margin: see there.
        weights, reduction: as for `mse_loss`.

    >>> import chainrule as cr
    >>> cr.nn.margin_ranking_loss(cr.tensor(1.0), 0.75, 1.0, margin=0.5)
    Tensor(0.25, float64)
    """
    return ops.relu(margin - labels * (a - b))
