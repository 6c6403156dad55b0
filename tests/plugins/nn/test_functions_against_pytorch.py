"""What networks are made of against PyTorch's functions: values, first and second gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

torch = pytest.importorskip("torch", reason="PyTorch is not installed; the differential tests compare with it")
F = torch.nn.functional
RNG = np.random.default_rng(11)
X = RNG.normal(size=(4, 6)) * 2
IMAGES = RNG.normal(size=(2, 4, 7, 6))
SIGNS = np.where(RNG.random((4, 6)) < 0.5, -1.0, 1.0)
PROBABILITIES = RNG.uniform(0.05, 0.95, (4, 6))
CLASSES = np.array([0, 5, 2, 3])
CLASS_WEIGHTS = RNG.uniform(0.5, 2.0, 6)
FIRST = {"data_format": "channels_first"}
LISTS = np.array([[0, 5, -1, 2, 1, 1], [-1, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 0], [3, -1, 4, 4, 4, 4]])
# Of these PyTorch has no second derivative of its own.
ONCE = {"multilabel_margin_loss", "multi_margin_loss", "ctc_loss", "embedding_bag"}


def constant(x: Any) -> Any:
    """What has no gradient, for PyTorch."""
    return torch.tensor(x)


def unpooled(y: Any, indices: Any) -> Any:
    return cr.nn.max_unpool(y, indices, (7, 6), **FIRST)


# Ours, PyTorch's, and the arrays that both are differentiated by.
CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]] = {
    "relu6": (cr.nn.relu6, F.relu6, (X * 3,)),
    "hard_tanh": (lambda x: cr.nn.hard_tanh(x, -0.5, 2.0), lambda x: F.hardtanh(x, -0.5, 2.0), (X,)),
    "leaky_relu": (lambda x: cr.nn.leaky_relu(x, 0.2), lambda x: F.leaky_relu(x, 0.2), (X,)),
    "prelu": (cr.nn.prelu, F.prelu, (X, RNG.normal(size=6))),
    "elu": (lambda x: cr.nn.elu(x, 0.7), lambda x: F.elu(x, 0.7), (X,)),
    "selu": (cr.nn.selu, F.selu, (X,)),
    "celu": (lambda x: cr.nn.celu(x, 0.5), lambda x: F.celu(x, 0.5), (X,)),  # whose slope it has in single precision
    "gelu": (cr.nn.gelu, F.gelu, (X * 2,)),
    "gelu-tanh": (lambda x: cr.nn.gelu(x, True), lambda x: F.gelu(x, approximate="tanh"), (X * 2,)),
    "silu": (cr.nn.silu, F.silu, (X * 10,)),
    "mish": (cr.nn.mish, F.mish, (X * 4,)),
    "softsign": (cr.nn.softsign, F.softsign, (X * 4,)),
    "tanh_shrink": (cr.nn.tanh_shrink, F.tanhshrink, (X,)),
    "hard_sigmoid": (cr.nn.hard_sigmoid, lambda x: F.relu6(x + 3) / 6, (X * 2,)),
    "hard_swish": (cr.nn.hard_swish, F.hardswish, (X * 2,)),
    "log_sigmoid": (cr.nn.log_sigmoid, F.logsigmoid, (X * 10,)),
    "soft_shrink": (lambda x: cr.nn.soft_shrink(x, 0.8), lambda x: F.softshrink(x, 0.8), (X,)),
    "hard_shrink": (lambda x: cr.nn.hard_shrink(x, 0.8), lambda x: F.hardshrink(x, 0.8), (X,)),
    "threshold": (lambda x: cr.nn.threshold(x, 0.3, 7.0), lambda x: F.threshold(x, 0.3, 7.0), (X,)),
    "glu": (lambda x: cr.nn.glu(x, axis=0), lambda x: F.glu(x, 0), (X,)),
    "softmin": (lambda x: cr.nn.softmin(x, axis=0), lambda x: F.softmin(x, 0), (X,)),
    "mse_loss": (cr.nn.mse_loss, F.mse_loss, (X, 0.5 * X.T.reshape(4, 6))),
    "l1_loss-sum": (
        lambda a, b: cr.nn.l1_loss(a, b, reduction="sum"),
        lambda a, b: F.l1_loss(a, b, reduction="sum"),
        (X, X[::-1].copy()),
    ),
    "huber_loss": (
        lambda a, b: cr.nn.huber_loss(a, b, 1.5),
        lambda a, b: F.huber_loss(a, b, delta=1.5),
        (X, X[::-1] * 1.0),
    ),
    "smooth_l1_loss": (
        lambda a, b: cr.nn.smooth_l1_loss(a, b, 0.7),
        lambda a, b: F.smooth_l1_loss(a, b, beta=0.7),
        (X, X[::-1] * 1.0),
    ),
    "soft_margin_loss": (
        lambda x: cr.nn.soft_margin_loss(x, SIGNS),
        lambda x: F.soft_margin_loss(x, constant(SIGNS)),
        (X,),
    ),
    "binary_cross_entropy": (
        cr.nn.binary_cross_entropy,
        F.binary_cross_entropy,
        (PROBABILITIES, PROBABILITIES[::-1] * 1.0),
    ),
    "binary_cross_entropy_with_logits": (
        lambda x: cr.nn.binary_cross_entropy_with_logits(x, PROBABILITIES, positive_weight=CLASS_WEIGHTS),
        lambda x: F.binary_cross_entropy_with_logits(x, constant(PROBABILITIES), pos_weight=constant(CLASS_WEIGHTS)),
        (X * 5,),
    ),
    "kl_div_loss": (cr.nn.kl_div_loss, lambda a, b: F.kl_div(a, b, reduction="none").mean(), (X, PROBABILITIES)),
    "kl_div_loss-log": (
        lambda a, b: cr.nn.kl_div_loss(a, b, True),
        lambda a, b: F.kl_div(a, b, reduction="none", log_target=True).mean(),
        (X, X[::-1] * 1.0),
    ),
    "poisson_nll_loss": (
        lambda x: cr.nn.poisson_nll_loss(x, 3 * PROBABILITIES, full=True),
        lambda x: F.poisson_nll_loss(x, constant(3 * PROBABILITIES), full=True),
        (X,),
    ),
    "gaussian_nll_loss": (
        lambda m, x, v: cr.nn.gaussian_nll_loss(m, x, v, full=True),
        lambda m, x, v: F.gaussian_nll_loss(m, x, v, full=True),
        (X, X[::-1] * 1.0, PROBABILITIES),
    ),
    "cosine_similarity": (
        cr.nn.cosine_similarity,
        lambda a, b: F.cosine_similarity(a, b, -1),
        (X, X[::-1] * 1.0 + 0.3),
    ),
    "cosine_embedding_loss": (
        lambda a, b: cr.nn.cosine_embedding_loss(a, b, SIGNS[:, 0], margin=0.2),
        lambda a, b: F.cosine_embedding_loss(a, b, constant(SIGNS[:, 0]), margin=0.2),
        (X, X[::-1] + PROBABILITIES),
    ),
    "margin_ranking_loss": (
        lambda a, b: cr.nn.margin_ranking_loss(a, b, SIGNS, margin=0.5),
        lambda a, b: F.margin_ranking_loss(a, b, constant(SIGNS), margin=0.5),
        (X, X[::-1] * 1.0),
    ),
    "triplet_margin_loss": (
        cr.nn.triplet_margin_loss,
        lambda a, p, n: F.triplet_margin_loss(a, p, n, eps=0.0),
        (X, X[::-1] * 1.0, X[:, ::-1] * 1.0),
    ),
    "nll_loss": (lambda x: cr.nn.nll_loss(x, CLASSES), lambda x: F.nll_loss(x, constant(CLASSES)), (X,)),
    "cross_entropy": (
        lambda x: cr.nn.cross_entropy(x, CLASSES, class_weights=CLASS_WEIGHTS, label_smoothing=0.1, ignore_index=2),
        lambda x: F.cross_entropy(
            x, constant(CLASSES), weight=constant(CLASS_WEIGHTS), label_smoothing=0.1, ignore_index=2
        ),
        (X,),
    ),
    "cross_entropy-probabilities": (
        lambda x, p: cr.nn.cross_entropy(x, p, class_weights=CLASS_WEIGHTS, label_smoothing=0.1),
        lambda x, p: F.cross_entropy(x, p, weight=constant(CLASS_WEIGHTS), label_smoothing=0.1),
        (X, PROBABILITIES / PROBABILITIES.sum(1, keepdims=True)),
    ),
    "layer_norm": (
        lambda x, w, b: cr.nn.layer_norm(x, w, b, axis=(-2, -1)),
        lambda x, w, b: F.layer_norm(x, (7, 6), w, b),
        (IMAGES, RNG.normal(size=(7, 6)), RNG.normal(size=(7, 6))),
    ),
    "rms_norm": (cr.nn.rms_norm, lambda x, w: F.rms_norm(x, (6,), w, eps=1e-6), (X, CLASS_WEIGHTS)),
    "instance_norm": (
        lambda x: cr.nn.instance_norm(x, **FIRST),
        lambda x: F.instance_norm(x),
        (IMAGES,),
    ),
    "group_norm": (
        lambda x, w, b: cr.nn.group_norm(x, 2, w, b, **FIRST),
        lambda x, w, b: F.group_norm(x, 2, w, b),
        (IMAGES, RNG.normal(size=4), RNG.normal(size=4)),
    ),
    "batch_norm": (
        lambda x, w, b: cr.nn.batch_norm(x, X[0, :4], CLASS_WEIGHTS[:4], w, b, axis=1),
        lambda x, w, b: F.batch_norm(x, constant(X[0, :4]), constant(CLASS_WEIGHTS[:4]), w, b),
        (IMAGES, RNG.normal(size=4), RNG.normal(size=4)),
    ),
    "batch_norm_training": (
        lambda x, w, b: cr.nn.batch_norm_training(x, cr.zeros(4), cr.ones(4), w, b, axis=1)[0],
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        (IMAGES, RNG.normal(size=4), RNG.normal(size=4)),
    ),
    "local_response_norm": (
        lambda x: cr.nn.local_response_norm(x, 4, 0.3, 0.6, 2.0),
        lambda x: F.local_response_norm(x.movedim(-1, 1), 4, 0.3, 0.6, 2.0).movedim(1, -1),
        (IMAGES,),
    ),
    "max_pool-ceil": (
        lambda x: cr.nn.max_pool2d(x, 3, 2, 1, ceil_mode=True, **FIRST),
        lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
        (IMAGES,),
    ),
    "max_pool-dilation": (
        lambda x: cr.nn.max_pool2d(x, 2, (2, 3), 1, ceil_mode=True, dilation=(1, 3), **FIRST),
        lambda x: F.max_pool2d(x, 2, (2, 3), 1, (1, 3), ceil_mode=True),
        (IMAGES,),
    ),
    "avg_pool-ceil": (
        lambda x: cr.nn.avg_pool2d(x, 3, 2, 1, ceil_mode=True, **FIRST),
        lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
        (IMAGES,),
    ),
    "avg_pool-ceil-counted": (
        lambda x: cr.nn.avg_pool2d(x, (2, 3), (3, 2), 1, True, ceil_mode=True, **FIRST),
        lambda x: F.avg_pool2d(x, (2, 3), (3, 2), 1, ceil_mode=True),
        (IMAGES,),
    ),
    "lp_pool": (lambda x: cr.nn.lp_pool(x, 2, p=3.0, **FIRST), lambda x: F.lp_pool2d(x.abs(), 3.0, 2), (IMAGES,)),
    "adaptive_avg_pool": (
        lambda x: cr.nn.adaptive_avg_pool(x, (3, 4), **FIRST),
        lambda x: F.adaptive_avg_pool2d(x, (3, 4)),
        (IMAGES,),
    ),
    "adaptive_max_pool": (
        lambda x: cr.nn.adaptive_max_pool(x, (3, 4), **FIRST),
        lambda x: F.adaptive_max_pool2d(x, (3, 4)),
        (IMAGES,),
    ),
    "resize-nearest": (lambda x: cr.nn.resize(x, (5, 9), **FIRST), lambda x: F.interpolate(x, (5, 9)), (IMAGES,)),
    "resize-nearest-exact": (
        lambda x: cr.nn.resize(x, (5, 9), "nearest-exact", **FIRST),
        lambda x: F.interpolate(x, (5, 9), mode="nearest-exact"),
        (IMAGES,),
    ),
    "cosine_similarity-broadcast": (
        lambda a, b: cr.nn.cosine_similarity(a, b, axis=-2),
        lambda a, b: F.cosine_similarity(a, b, -2),
        (X, X[:1] + 1.0),
    ),
    "resize-linear": (
        lambda x: cr.nn.resize(x, (5, 9), "linear", **FIRST),
        lambda x: F.interpolate(x, (5, 9), mode="bilinear"),
        (IMAGES,),
    ),
    "resize-cubic": (
        lambda x: cr.nn.resize(x, (5, 9), "cubic", align_corners=True, **FIRST),
        lambda x: F.interpolate(x, (5, 9), mode="bicubic", align_corners=True),
        (IMAGES,),
    ),
    "pixel_shuffle": (lambda x: cr.nn.pixel_shuffle(x, 2, **FIRST), lambda x: F.pixel_shuffle(x, 2), (IMAGES,)),
    "pixel_unshuffle": (
        lambda x: cr.nn.pixel_unshuffle(x, 2, **FIRST),
        lambda x: F.pixel_unshuffle(x, 2),
        (IMAGES[:, :, :6],),
    ),
    "unfold": (
        lambda x: cr.reshape(
            cr.permute_dims(cr.nn.unfold(x, (2, 3), 2, 1, **FIRST), axes=(0, 5, 3, 4, 1, 2)), (2, 24, 12)
        ),
        lambda x: F.unfold(x, (2, 3), padding=1, stride=2),
        (IMAGES,),
    ),
    "conv_transpose-output_padding": (
        lambda x, w: cr.nn.conv_transpose2d(x, w, (3, 2), 1, (1, 4), output_padding=(2, 3), **FIRST),
        lambda x, w: F.conv_transpose2d(x, w.permute(3, 2, 0, 1), None, (3, 2), 1, (2, 3), dilation=(1, 4)),
        (IMAGES, RNG.normal(size=(3, 2, 5, 4))),
    ),
    **{
        f"conv-{mode}": (
            lambda x, w, mode=mode: cr.nn.conv2d(x, w, padding=[(1, 2), 1], padding_mode=mode, **FIRST),
            lambda x, w, mode=mode: F.conv2d(F.pad(x, (1, 1, 1, 2), mode=mode), w.permute(3, 2, 0, 1)),
            (IMAGES, RNG.normal(size=(3, 2, 4, 2))),
        )
        for mode in ("reflect", "replicate", "circular")
    },
    "nll_loss-classes": (
        lambda x: cr.nn.nll_loss(x, CLASSES, class_weights=CLASS_WEIGHTS, ignore_index=5),
        lambda x: F.nll_loss(x, constant(CLASSES), constant(CLASS_WEIGHTS), ignore_index=5),
        (X,),
    ),
    "hinge_embedding_loss": (
        lambda x: cr.nn.hinge_embedding_loss(x, SIGNS, 1.5),
        lambda x: F.hinge_embedding_loss(x, constant(SIGNS), 1.5),
        (X,),
    ),
    "multi_margin_loss": (
        lambda x: cr.nn.multi_margin_loss(x, CLASSES, 2, 0.7, class_weights=CLASS_WEIGHTS),
        lambda x: F.multi_margin_loss(x, constant(CLASSES), 2, 0.7, constant(CLASS_WEIGHTS)),
        (X,),
    ),
    "multilabel_margin_loss": (
        lambda x: cr.nn.multilabel_margin_loss(x, LISTS),
        lambda x: F.multilabel_margin_loss(x, constant(LISTS)),
        (X,),
    ),
    "multilabel_soft_margin_loss": (
        lambda x: cr.nn.multilabel_soft_margin_loss(x, SIGNS > 0, class_weights=CLASS_WEIGHTS),
        lambda x: F.multilabel_soft_margin_loss(x, constant(SIGNS > 0).double(), constant(CLASS_WEIGHTS)),
        (X,),
    ),
    "triplet_margin_loss-swap": (
        lambda a, p, n: cr.nn.triplet_margin_loss(a, p, n, 2.0, swap=True, eps=1e-6),
        lambda a, p, n: F.triplet_margin_loss(a, p, n, 2.0, swap=True),
        (X, X[::-1] * 1.0, X[:, ::-1] * 1.0),
    ),
    "normalize": (lambda x: cr.nn.normalize(x, 0, 3.0), lambda x: F.normalize(x, 3.0, 0), (X,)),
    "rrelu": (lambda x: cr.nn.rrelu(x, 0.1, 0.6), lambda x: F.rrelu(x, 0.1, 0.6), (X,)),
    "softsign-complex": (
        lambda x, y: cr.real(cr.nn.softsign(x + 1j * y) * (2 - 1j)),
        lambda x, y: (F.softsign(torch.complex(x, y)) * (2 - 1j)).real,
        (X, X[::-1] * 1.0),
    ),
    "bilinear": (
        lambda x, y, w, b: cr.nn.bilinear(x, y, w, b),
        lambda x, y, w, b: F.bilinear(x, y, w.permute(2, 0, 1), b),
        (X, X[:, :2] * 1.0, RNG.normal(size=(6, 2, 3)), RNG.normal(size=3)),
    ),
    "channel_shuffle": (
        lambda x: cr.nn.channel_shuffle(x, 2, **FIRST),
        lambda x: F.channel_shuffle(x, 2),
        (IMAGES,),
    ),
    "conv2d-unbatched": (
        lambda x, w: cr.nn.conv2d(x, w, 2, 1, **FIRST),
        lambda x, w: F.conv2d(x, w.permute(3, 2, 0, 1), None, 2, 1),
        (IMAGES[0], RNG.normal(size=(3, 2, 4, 2))),
    ),
    "avg_pool-divisor": (
        lambda x: cr.nn.avg_pool2d(x, 3, 2, 1, ceil_mode=True, divisor=5, **FIRST),
        lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, divisor_override=5),
        (IMAGES,),
    ),
    "max_pool_with_indices": (
        lambda x: unpooled(*cr.nn.max_pool_with_indices(x, 3, 2, 1, **FIRST)),
        lambda x: F.max_unpool2d(*F.max_pool2d(x, 3, 2, 1, return_indices=True), 3, 2, 1, (7, 6)),
        (IMAGES,),
    ),
    "adaptive_max_pool_with_indices": (
        lambda x: unpooled(*cr.nn.adaptive_max_pool_with_indices(x, (3, 4), **FIRST)),
        lambda x: F.max_unpool2d(*F.adaptive_max_pool2d(x, (3, 4), True), (2, 3), (2, 1), output_size=(7, 6)),
        (IMAGES,),
    ),
    "resize-area": (
        lambda x: cr.nn.resize(x, (5, 9), "area", **FIRST),
        lambda x: F.interpolate(x, (5, 9), mode="area"),
        (IMAGES,),
    ),
    "resize-scale": (
        lambda x: cr.nn.resize(x, method="cubic", scale=(1.7, 0.6), **FIRST),
        lambda x: F.interpolate(x, scale_factor=(1.7, 0.6), mode="bicubic"),
        (IMAGES,),
    ),
    **{
        f"grid_sample-{method}-{padding}": (
            lambda x, grid, method=method, padding=padding: cr.nn.grid_sample(x, grid, method, padding, **FIRST),
            lambda x, grid, method=method, padding=padding: F.grid_sample(
                x, grid, {"linear": "bilinear", "cubic": "bicubic"}[method], padding, align_corners=False
            ),
            (IMAGES, 0.8 * RNG.normal(size=(2, 3, 4, 2))),
        )
        for method in ("linear", "cubic")
        for padding in ("zeros", "border", "reflection")
    },
    "affine_grid": (
        lambda t: cr.nn.affine_grid(t, (3, 4, 2)),
        lambda t: F.affine_grid(t, (2, 1, 3, 4, 2), align_corners=False),
        (RNG.normal(size=(2, 3, 4)),),
    ),
    "embedding_bag": (
        lambda x, w: cr.nn.embedding_bag(CLASSES % 4, x, offsets=[0, 1, 1], mode="sum", weights=w, padding_index=2),
        lambda x, w: F.embedding_bag(
            constant(CLASSES % 4), x, constant([0, 1, 1]), mode="sum", per_sample_weights=w, padding_idx=2
        ),
        (X, CLASS_WEIGHTS[:4]),
    ),
    "ctc_loss": (
        lambda x: cr.nn.ctc_loss(cr.moveaxis(x, 0, 1), [[1, 3], [2, 2]], [7, 6], [1, 2]),
        lambda x: F.ctc_loss(x.log_softmax(-1), constant([[1, 3], [2, 2]]), constant([7, 6]), constant([1, 2])),
        (IMAGES[:, 0].transpose(1, 0, 2) * 1.0,),
    ),
    "weight_norm": (
        cr.nn.weight_norm,
        lambda v, g: v * (g / v.norm(dim=0)),
        (X, CLASS_WEIGHTS),
    ),
    "depthwise_conv": (
        lambda x, w: cr.nn.depthwise_conv(x, w, padding=1, **FIRST),
        lambda x, w: F.conv2d(x, w.permute(2, 3, 0, 1).reshape(8, 1, 3, 3), padding=1, groups=4),
        (IMAGES, RNG.normal(size=(3, 3, 4, 2))),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_as_pytorchs(name: str) -> None:
    ours, theirs, xs = CASES[name]
    tensors = [torch.tensor(x, requires_grad=True) for x in xs]
    expected = theirs(*tensors)
    weights, directions = np.cos(np.arange(expected.numel())).reshape(expected.shape), [np.sin(1 + x) for x in xs]

    def first(*xs: Any) -> Any:
        return cr.grad(lambda *xs: cr.sum(ours(*xs) * weights), argnums=tuple(range(len(xs))))(*xs)

    def slope(*xs: Any) -> Any:
        return sum(cr.sum(g * d) for g, d in zip(first(*xs), directions, strict=True))

    np.testing.assert_allclose(cr.as_tensor(ours(*xs)).numpy(), expected.detach().numpy(), rtol=1e-11, atol=1e-12)
    twice = name.split("-")[0] not in ONCE
    wanted = torch.autograd.grad(expected, tensors, torch.tensor(weights), create_graph=twice)
    for have, want in zip(first(*xs), wanted, strict=True):
        np.testing.assert_allclose(have, want.detach().numpy(), rtol=1e-10, atol=1e-11)
    if not twice:
        cr.check_gradient(slope, *xs)
        return
    second = cr.grad(slope, argnums=tuple(range(len(xs))))(*xs)
    along = sum((g * torch.tensor(d)).sum() for g, d in zip(wanted, directions, strict=True))
    wanted = torch.autograd.grad(along, tensors, allow_unused=True) if along.requires_grad else [None] * len(xs)
    for have, want in zip(second, wanted, strict=True):
        np.testing.assert_allclose(have, 0.0 if want is None else want.numpy(force=True), rtol=1e-9, atol=1e-10)
