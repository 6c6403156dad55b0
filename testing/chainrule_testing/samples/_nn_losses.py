"""Samples of the losses of `cr.nn`: those of their operations, which give a loss for each element or row."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import scipy.special
import scipy.stats

from chainrule_testing._samples import Samples, apart, case, integers, positive, real, uniform
from chainrule_testing.samples._nn_activations import points

Array = Any
_probability = uniform(0.15, 0.85)


def _near(*shape: int) -> Array:
    """Elements near 0, so that differences from `points` stay away from where slopes jump."""
    return 0.05 * real(*shape)


def _pairs(
    reference: Any, *attributes: dict[str, Any], left: Any = points, right: Any = _near, **options: Any
) -> Samples:
    """A loss of predictions and targets, whose shapes broadcast; `attributes` are others than the defaults."""
    cases = [case(left(2, 3), right(3)), *(case(left(4), right(4), **given) for given in attributes)]
    return Samples(reference, cases, **{"integers": False, "fronted": True, **options})


def _signs(*shape: int) -> Array:
    return np.resize([1.0, -1.0, -1.0], shape)


def _huber(a: Array, b: Array, delta: float = 1.0) -> Array:
    return scipy.special.huber(delta, a - b)


def _binary(p: Array, labels: Array) -> Array:
    return -(labels * np.log(p) + (1 - labels) * np.log1p(-p))


def _of_logits(x: Array, labels: Array, positive_weight: Any) -> Array:
    kept, left = scipy.special.log_expit(x), scipy.special.log_expit(-x)
    return -((1.0 if positive_weight is None else positive_weight) * labels * kept + (1 - labels) * left)


def _kl(log_q: Array, p: Array, log_targets: bool = False) -> Array:
    return np.exp(p) * (p - log_q) if log_targets else scipy.special.xlogy(p, p) - p * log_q


def _poisson(x: Array, counts: Array, log_input: bool = True, full: bool = False) -> Array:
    rates = np.exp(x) if log_input else x
    loss = rates - counts * np.log(rates + (0 if log_input else 1e-8))
    if not full:
        return loss
    large = np.maximum(counts, 1.0)
    stirling = large * np.log(large) - large + 0.5 * np.log(2 * np.pi * large)
    return loss + np.where(counts > 1, stirling, 0.0)


def _gaussian(means: Array, x: Array, variances: Array, least: float = 1e-6, full: bool = False) -> Array:
    loss = -scipy.stats.norm.logpdf(x, means, np.sqrt(np.maximum(variances, least)))
    return loss - (0 if full else 0.5 * np.log(2 * np.pi))


def _cosine(a: Array, b: Array, axis: int = -1, eps: float = 1e-8) -> Array:
    a, b = np.broadcast_arrays(a, b)
    norms = np.linalg.norm(a, axis=axis) * np.linalg.norm(b, axis=axis)
    return np.sum(a * b, axis=axis) / np.maximum(norms, eps)


def _cosine_loss(a: Array, b: Array, labels: Array, margin: float = 0.0) -> Array:
    cosine = _cosine(a, b)
    return np.where(labels > 0, 1 - cosine, np.maximum(cosine - margin, 0))


def _triplet(
    a: Array,
    positives: Array,
    negatives: Array,
    margin: float = 1.0,
    p: float = 2.0,
    swap: bool = False,
    eps: float = 0.0,
) -> Array:
    pairs = ((a, positives), (a, negatives), (positives, negatives))
    near, far, swapped = (np.sum(np.abs(b - c + eps) ** p, axis=-1) ** (1 / p) for b, c in pairs)
    return np.maximum(near - (np.minimum(far, swapped) if swap else far) + margin, 0)


def _multi_margin(scores: Array, labels: Array, p: int, margin: float) -> Array:
    losses = np.zeros(labels.shape, scores.dtype)
    for row in np.ndindex(labels.shape):
        others = np.delete(scores[row], labels[row])
        losses[row] = np.sum(np.maximum(margin - scores[row][labels[row]] + others, 0) ** p) / scores.shape[-1]
    return losses


def _multilabel_margin(scores: Array, labels: Array) -> Array:
    losses = np.zeros(scores.shape[:-1], scores.dtype)
    for row in np.ndindex(losses.shape):
        listed = list(itertools.takewhile(lambda label: label >= 0, labels[row]))
        others = np.delete(scores[row], listed)
        losses[row] = sum(np.sum(np.maximum(1 - scores[row][label] + others, 0)) for label in listed)
    return losses / scores.shape[-1]


def _multilabel_soft_margin(scores: Array, labels: Array, class_weights: Any) -> Array:
    losses = -labels * scipy.special.log_expit(scores) - (1 - labels) * scipy.special.log_expit(-scores)
    return np.mean(losses if class_weights is None else losses * class_weights, axis=-1)


SAMPLES: dict[str, Samples] = {
    "nn.mse_loss": _pairs(lambda a, b: (a - b) ** 2),
    "nn.l1_loss": _pairs(lambda a, b: np.abs(a - b)),
    "nn.huber_loss": _pairs(_huber, {"delta": 1.7}),
    "nn.smooth_l1_loss": _pairs(lambda a, b, beta=1.0: _huber(a, b, beta) / beta, {"beta": 1.7}),
    "nn.log_cosh_loss": _pairs(lambda a, b: np.log(np.cosh(a - b))),
    "nn.hinge_loss": _pairs(lambda x, t: np.maximum(1 - t * x, 0), right=_signs, fixed=(1,)),
    "nn.squared_hinge_loss": _pairs(lambda x, t: np.maximum(1 - t * x, 0) ** 2, right=_signs, fixed=(1,)),
    "nn.soft_margin_loss": _pairs(lambda x, t: np.log1p(np.exp(-t * x))),
    "nn.binary_cross_entropy": _pairs(_binary, left=_probability, right=_probability),
    "nn.binary_cross_entropy_with_logits": Samples(
        _of_logits,
        [case(real(2, 3), _probability(3), None), case(real(2, 3), _probability(2, 3), positive(3))],
        integers=False,
        fronted=True,
    ),
    "nn.kl_div_loss": _pairs(_kl, {"log_targets": True}, right=_probability),
    "nn.poisson_nll_loss": _pairs(_poisson, {"log_input": False, "full": True}, left=positive, right=uniform(2.5, 4.0)),
    "nn.gaussian_nll_loss": Samples(
        _gaussian,
        [case(real(2, 3), real(3), positive(2, 1)), case(real(), real(), positive(), full=True)],
        integers=False,
        fronted=True,
    ),
    "nn.cosine_similarity": Samples(_cosine, [case(real(3, 2), real(3, 1), axis=0)], integers=False, needs_rank=True),
    "nn.cosine_embedding_loss": Samples(
        _cosine_loss,
        [case(points(3, 4), points(3, 4) + _near(3, 4), _signs(3), margin=0.1)],
        integers=False,
        fronted=True,
        fixed=(2,),
        needs_rank=True,
    ),
    "nn.margin_ranking_loss": Samples(
        lambda a, b, t, margin=0.0: np.maximum(margin - t * (a - b), 0),
        [case(points(2, 3), _near(3), _signs(2, 3)), case(points(4), _near(4), _signs(4), margin=0.1)],
        integers=False,
        fronted=True,
        fixed=(2,),
    ),
    "nn.triplet_margin_loss": Samples(
        _triplet,
        [
            case(points(2, 3), _near(3), _near(3), margin=2.0, p=3.0),
            case(points(2, 3), real(3), real(2, 3), margin=9.0, swap=True, eps=0.1),
        ],
        integers=False,
        fronted=True,
    ),
    "nn.hinge_embedding_loss": _pairs(
        lambda x, t, margin=1.0: np.where(t == 1, x, np.maximum(margin - x, 0)),
        {"margin": 1.7},
        right=_signs,
        fixed=(1,),
    ),
    "nn.multi_margin_loss": Samples(
        _multi_margin,
        [
            case(apart(2, 3), integers(0, 3)(2), p=1, margin=1.1),
            case(apart(2, 2, 3), integers(0, 3)(2, 2), p=2, margin=0.6),
        ],
        integers=False,
        fronted=True,
        needs_shape=True,
    ),
    "nn.multilabel_margin_loss": Samples(
        _multilabel_margin,
        [case(0.3 * apart(3, 4), np.array([[2, 0, -1, 1], [-1, 2, 2, 2], [3, 1, 0, -1]]))],
        integers=False,
        fronted=True,
        needs_shape=True,
    ),
    "nn.multilabel_soft_margin_loss": Samples(
        _multilabel_soft_margin,
        [case(real(2, 3), _probability(2, 3), None), case(real(3), _probability(3), positive(3))],
        integers=False,
        fronted=True,
    ),
    "nn.nll_loss": Samples(
        lambda x, labels: -np.take_along_axis(x, labels[..., None], -1)[..., 0],
        [case(real(*s, 3), integers(0, 3)(*s)) for s in ((2,), (), (2, 2))],
        integers=False,
        fronted=True,
    ),
}
