"""Functions of networks: activations, losses, convolutions, pooling, attention."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr

Function = Callable[..., Any]


def first(function: Function) -> Function:
    """A function of batches with their channels first, as all of PyTorch's are."""

    def front(*args: Any, **kwargs: Any) -> Any:
        return function(*args, data_format="channels_first", **kwargs)

    return front


def one_reduction(name: str, **keywords: str) -> Function:
    """A loss whose weights do not weight the mean, as PyTorch's do not: by keywords that are called otherwise there."""
    ours = getattr(cr.nn, name)

    def front(*args: Any, weight: Any = None, reduction: str = "mean", **kwargs: Any) -> Any:
        given = {keywords.get(k, k): x for k, x in kwargs.items()}
        if weight is None:
            return ours(*args, reduction=reduction, **given)
        losses = ours(*args, weights=weight, reduction="none", **given)
        return {"mean": cr.mean, "sum": cr.sum, "none": lambda y: y}[reduction](losses)

    return front


# Activations


def activation(name: str, **keywords: str) -> Function:
    """An activation, by keywords that are called otherwise there."""
    ours = getattr(cr.nn, name)

    def front(x: Any, *args: Any, inplace: bool = False, **kwargs: Any) -> Any:
        return ours(x, *args, **{keywords.get(k, k): v for k, v in kwargs.items()})

    return front


def of_axis(function: Function) -> Function:
    """Something like a softmax, which PyTorch's takes a dtype for."""

    def front(x: Any, dim: int = -1, dtype: Any = None) -> Any:
        return function(x if dtype is None else cr.astype(x, dtype), axis=dim)

    return front


def prelu(x: Any, weight: Any) -> Any:
    return cr.nn.prelu(x, at_channels(weight, x) if x.ndim > 1 else cr.reshape(weight, ()))


def softplus(x: Any, beta: float = 1, threshold: float = 20) -> Any:
    return cr.where(beta * x > threshold, x, cr.nn.softplus(beta * x) / beta)


def hard_tanh(x: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    limits = (min_val, max_val) if x.dtype.is_inexact else (int(min_val), int(max_val))  # of the array's dtype there
    return cr.nn.hard_tanh(x, *limits)


def at_channels(t: Any, x: Any) -> Any:
    """A number for each channel, as what broadcasts against an array with its channels behind its batch."""
    return cr.reshape(t, (-1, *(1,) * (x.ndim - 2)))


# Losses


def classes_last(x: Any) -> Any:
    return cr.moveaxis(x, 1, -1) if x.ndim > 1 else x


def cross_entropy(
    x: Any,
    labels: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    probabilities = labels.dtype.is_inexact
    y = cr.nn.cross_entropy(
        classes_last(x),
        classes_last(labels) if probabilities else labels,
        class_weights=weight,
        ignore_index=None if probabilities else ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )
    return y


def linear_cross_entropy(
    x: Any,
    w: Any,
    labels: Any,
    linear_bias: Any = None,
    ignore_index: int | None = None,
    options: Any = None,
    **kwargs: Any,
) -> Any:
    y = cr.tensordot(x, w, axes=((-1,), (-1,)))
    y = y if linear_bias is None else y + linear_bias
    return cross_entropy(y, labels, ignore_index=-100 if ignore_index is None else ignore_index, **kwargs)


def nll_loss(x: Any, labels: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Any:
    return cr.nn.nll_loss(classes_last(x), labels, class_weights=weight, ignore_index=ignore_index, reduction=reduction)


def gaussian_nll_loss(
    x: Any, targets: Any, variances: Any, full: bool = False, eps: float = 1e-6, **kwargs: Any
) -> Any:
    if isinstance(variances, cr.Tensor) and variances.shape == x.shape[:-1]:  # one for each row
        variances = variances[..., None]
    return cr.nn.gaussian_nll_loss(x, targets, variances, eps, full, **kwargs)


def kl_div(x: Any, targets: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    if reduction == "batchmean":
        return kl_div(x, targets, "sum", log_target) / x.shape[0]
    return cr.nn.kl_div_loss(x, targets, log_targets=log_target, reduction=reduction)


def distance(a: Any, b: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    return cr.linalg.vector_norm(a - b + eps, ord=p, axis=-1, keepdims=keepdim)


def ctc_loss(
    x: Any, labels: Any, lengths: Any, label_lengths: Any, blank: int = 0, reduction: str = "mean", **kwargs: Any
) -> Any:
    return cr.nn.ctc_loss(cr.moveaxis(x, 0, 1), labels, lengths, label_lengths, blank, reduction=reduction, **kwargs)


def multi_margin_loss(
    x: Any, labels: Any, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean"
) -> Any:
    labels = labels if x.ndim > 1 else cr.reshape(labels, x.shape[:-1])
    return cr.nn.multi_margin_loss(x, labels, p, margin, class_weights=weight, reduction=reduction)


def multilabel_soft_margin_loss(x: Any, labels: Any, weight: Any = None, **kwargs: Any) -> Any:
    return cr.nn.multilabel_soft_margin_loss(x, labels, class_weights=weight, **kwargs)


def triplet_margin_loss(*rows: Any, eps: float = 1e-6, **kwargs: Any) -> Any:
    return cr.nn.triplet_margin_loss(*rows, eps=eps, **kwargs)


# Convolutions and pooling


def conv(n: int) -> Function:
    ours = getattr(cr.nn, f"conv{n}d")

    def front(
        x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
    ) -> Any:
        w = cr.permute_dims(w, (*range(2, n + 2), 1, 0))
        y = ours(x, w, stride, padding, dilation, groups, data_format="channels_first")
        return y if b is None else y + cr.reshape(b, (-1, *(1,) * n))

    return front


def conv_transpose(n: int) -> Function:
    ours = getattr(cr.nn, f"conv_transpose{n}d")

    def front(
        x: Any,
        w: Any,
        b: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> Any:
        w = cr.permute_dims(w, (*range(2, n + 2), 1, 0))
        how = {"data_format": "channels_first", "output_padding": output_padding}
        y = ours(x, w, stride, padding, dilation, groups, **how)
        return y if b is None else y + cr.reshape(b, (-1, *(1,) * n))

    return front


def avg_pool(n: int) -> Function:
    ours = first(getattr(cr.nn, f"avg_pool{n}d"))

    def front(
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Any:
        padding = padding[0] if isinstance(padding, tuple) and len(padding) == 1 else padding
        how = {"count_padding": count_include_pad, "ceil_mode": ceil_mode, "divisor": divisor_override}
        y = ours(x, kernel_size, stride or None, padding, **how)
        return y if x.dtype.is_inexact else cr.astype(cr.trunc(y), x.dtype)  # where means of integers are integers

    return front


def located(function: Function, n: int, x: Any, *args: Any, **kwargs: Any) -> Any:
    """Largest elements and where they are; of an array without its batch too."""
    if x.ndim == n + 1:
        return tuple([y[0] for y in located(function, n, x[None], *args, **kwargs)])
    return first(function)(x, *args, **kwargs)


def max_pool(n: int) -> Function:
    ours = first(getattr(cr.nn, f"max_pool{n}d"))

    def front(
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        how = {"ceil_mode": ceil_mode, "dilation": dilation}
        if return_indices:
            return located(cr.nn.max_pool_with_indices, n, x, kernel_size, stride, padding, **how)
        return ours(x, kernel_size, stride, padding, **how)

    return front


def max_unpool(n: int) -> Function:
    def front(
        x: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
    ) -> Any:
        size = tuple(output_size)[-n:]
        if x.ndim == n + 1:
            return first(cr.nn.max_unpool)(x[None], indices[None], size)[0]
        return first(cr.nn.max_unpool)(x, indices, size)

    return front


def adaptive(name: str, n: int) -> Function:
    ours = first(getattr(cr.nn, f"{name}{n}d"))

    def front(x: Any, size: Any, return_indices: bool = False) -> Any:
        sizes = size if isinstance(size, tuple) else (size,) * n
        sizes = tuple(length if m is None else m for m, length in zip(sizes, x.shape[-n:], strict=True))
        if return_indices:
            return located(cr.nn.adaptive_max_pool_with_indices, n, x, sizes)
        return ours(x, sizes)

    return front


def unfold(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    y = cr.nn.unfold(x, kernel_size, stride, padding, dilation, data_format="channels_first")
    batch, *counts, k, m, channels = y.shape
    y = cr.permute_dims(y, (0, 5, 3, 4, 1, 2))
    return cr.reshape(y, (batch, channels * k * m, math.prod(counts)))


def pad(x: Any, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    """Less than nothing of padding is cut off: before an array is wrapped around, and after its edges are repeated."""
    pairs = [(0, 0)] * (x.ndim - len(pad) // 2) + [*zip(pad[::2], pad[1::2], strict=True)][::-1]
    width = [(max(low, 0), max(high, 0)) for low, high in pairs]

    def cut(x: Any) -> Any:
        return x[tuple([slice(max(-low, 0), n - max(-high, 0)) for (low, high), n in zip(pairs, x.shape, strict=True)])]

    if mode == "constant":
        return cut(cr.pad(x, width, constant_values=value or 0))
    if mode == "circular":
        return cr.pad(cut(x), width, "wrap")
    return cut(cr.pad(x, width, {"reflect": "reflect", "replicate": "edge"}[mode]))


def interpolate(
    x: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
) -> Any:
    method = {"bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    if recompute_scale_factor:
        size, scale_factor = tuple(math.floor(m * scale_factor) for m in x.shape[2:]), None
    return cr.nn.resize(x, size, method, bool(align_corners), "channels_first", scale_factor)


# Normalisation


def rows(t: Any, x: Any) -> tuple[int, ...]:
    return tuple(range(x.ndim - len(t), x.ndim))


def layer_norm(x: Any, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    return cr.nn.layer_norm(x, weight, bias, axis=rows(shape, x), eps=eps)


def rms_norm(x: Any, shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    return cr.nn.rms_norm(x, weight, axis=rows(shape, x), eps=cr.finfo(x.dtype).eps if eps is None else eps)


def group_norm(x: Any, groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    return cr.nn.group_norm(x, groups, weight, bias, eps, "channels_first")


def instance_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    return cr.nn.instance_norm(x, weight, bias, eps, "channels_first")


def batch_norm(
    x: Any,
    mean: Any,
    variance: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    axis = min(1, x.ndim - 1)
    if not training:
        return cr.nn.batch_norm(x, mean, variance, weight, bias, axis=axis, eps=eps)
    return cr.nn.batch_norm_training(x, mean, variance, weight, bias, momentum=momentum, axis=axis, eps=eps)[0]


def local_response_norm(x: Any, size: int, **kwargs: Any) -> Any:
    return cr.moveaxis(cr.nn.local_response_norm(cr.moveaxis(x, 1, -1), size, **kwargs), -1, 1)


def with_statistics(y: Any, x: Any, axes: Any, eps: float, keepdims: bool) -> Any:
    """What PyTorch's operations give that are no function of its: the mean and one over the deviation besides."""
    mean, variance = cr.mean(x, axis=axes, keepdims=keepdims), cr.var(x, axis=axes, keepdims=keepdims)
    return y, mean, 1 / cr.sqrt(variance + eps)


def native_layer_norm(x: Any, shape: Any, weight: Any, bias: Any, eps: float) -> Any:
    return with_statistics(layer_norm(x, shape, weight, bias, eps), x, rows(shape, x), eps, keepdims=True)


def native_group_norm(
    x: Any, weight: Any, bias: Any, _batch: int, _channels: int, _elements: int, groups: int, eps: float
) -> Any:
    parts = cr.reshape(x, (x.shape[0], groups, -1 if x.size else 0))
    return with_statistics(group_norm(x, groups, weight, bias, eps), parts, 2, eps, keepdims=False)


# Others


def attention(
    q: Any,
    k: Any,
    v: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Any:
    return cr.nn.scaled_dot_product_attention(q, k, v, attn_mask, is_causal, scale, dropout_p)


def embedding(
    table: Any,
    indices: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    return cr.nn.embedding(indices, table, padding_idx, max_norm, norm_type, scale_grad_by_freq)


def one_hot(x: Any, num_classes: int = -1) -> Any:
    return cr.nn.one_hot(x, None if num_classes == -1 else num_classes, "int64")


def embedding_bag(
    table: Any,
    indices: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    offsets = offsets[:-1] if include_last_offset else offsets
    norm = {"max_norm": max_norm, "norm": norm_type, "by_frequency": scale_grad_by_freq}
    return cr.nn.embedding_bag(indices, table, offsets, mode, per_sample_weights, padding_idx, **norm)


def grid_sample(
    x: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool = False
) -> Any:
    method = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    return cr.nn.grid_sample(x, grid, method, padding_mode, align_corners, "channels_first")


def bilinear(x: Any, y: Any, w: Any, b: Any = None) -> Any:
    return cr.nn.bilinear(x, y, cr.permute_dims(w, (1, 2, 0)), b)


def pdist(x: Any, p: float = 2.0) -> Any:
    i, j = np.triu_indices(len(x), 1)
    return cr.linalg.vector_norm(x[i] - x[j], ord=p, axis=-1)


def rrelu(x: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False) -> Any:
    return cr.nn.rrelu(x, lower, upper, training, cr.random.Generator(0))


def dropout(axes: int | None, function: Function = cr.nn.dropout) -> Function:
    """Of elements, or of whole channels with so many axes each."""

    def front(x: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
        shape = None if axes is None else (*x.shape[: x.ndim - axes], *(1,) * axes)
        return function(x, p, cr.random.Generator(0), shape) if training else x

    return front


TRANSLATED: dict[str, Function] = {
    "nn.functional.relu": activation("relu"),
    "nn.functional.relu6": activation("relu6"),
    "nn.functional.leaky_relu": activation("leaky_relu", negative_slope="slope"),
    "nn.functional.prelu": prelu,
    "nn.functional.rrelu": rrelu,
    "nn.functional.elu": activation("elu"),
    "nn.functional.selu": activation("selu"),
    "nn.functional.celu": activation("celu"),
    "nn.functional.gelu": lambda x, approximate="none": cr.nn.gelu(x, approximate=approximate == "tanh"),
    "nn.functional.silu": activation("silu"),
    "nn.functional.silu:complex": activation("silu"),
    "nn.functional.mish": activation("mish"),
    "nn.functional.softplus": softplus,
    "nn.functional.softsign": activation("softsign"),
    "nn.functional.tanhshrink": activation("tanh_shrink"),
    "nn.functional.softshrink": activation("soft_shrink", lambd="limit"),
    "nn.functional.hardshrink": activation("hard_shrink", lambd="limit"),
    "nn.functional.hardtanh": hard_tanh,
    "nn.functional.hardswish": activation("hard_swish"),
    "nn.functional.hardsigmoid": activation("hard_sigmoid"),
    "nn.functional.logsigmoid": activation("log_sigmoid"),
    "nn.functional.threshold": activation("threshold", threshold="limit"),
    "nn.functional.glu": lambda x, dim=-1: cr.nn.glu(x, axis=dim),
    "softmax": of_axis(cr.nn.softmax),
    "softmax:with_dtype": of_axis(cr.nn.softmax),
    "log_softmax": of_axis(cr.nn.log_softmax),
    "log_softmax:with_dtype": of_axis(cr.nn.log_softmax),
    "nn.functional.softmin": of_axis(cr.nn.softmin),
    "nn.functional.softmin:with_dtype": of_axis(cr.nn.softmin),
    "nn.functional.mse_loss": cr.nn.mse_loss,
    "nn.functional.l1_loss": cr.nn.l1_loss,
    "nn.functional.huber_loss": cr.nn.huber_loss,
    "nn.functional.smooth_l1_loss": cr.nn.smooth_l1_loss,
    "nn.functional.soft_margin_loss": cr.nn.soft_margin_loss,
    "nn.functional.margin_ranking_loss": cr.nn.margin_ranking_loss,
    "nn.functional.cosine_embedding_loss": cr.nn.cosine_embedding_loss,
    "nn.functional.cosine_similarity": lambda a, b, dim=1, eps=1e-8: cr.nn.cosine_similarity(a, b, dim, eps),
    "nn.functional.gaussian_nll_loss": gaussian_nll_loss,
    "nn.functional.poisson_nll_loss": cr.nn.poisson_nll_loss,
    "nn.functional.kl_div": kl_div,
    "nn.functional.binary_cross_entropy": one_reduction("binary_cross_entropy"),
    "nn.functional.binary_cross_entropy_with_logits": one_reduction(
        "binary_cross_entropy_with_logits", pos_weight="positive_weight"
    ),
    "nn.functional.hinge_embedding_loss": cr.nn.hinge_embedding_loss,
    "nn.functional.triplet_margin_loss": triplet_margin_loss,
    "nn.functional.multi_margin_loss": multi_margin_loss,
    "nn.functional.multilabel_margin_loss": cr.nn.multilabel_margin_loss,
    "nn.functional.multilabel_soft_margin_loss": multilabel_soft_margin_loss,
    "nn.functional.ctc_loss": ctc_loss,
    **{
        f"nn.functional.linear_cross_entropy{variant}": linear_cross_entropy
        for variant in ("", ":chunked", ":chunked_none")
    },
    "nn.functional.cross_entropy": cross_entropy,
    "nn.functional.nll_loss": nll_loss,
    **{f"nn.functional.conv{n}d": conv(n) for n in (1, 2, 3)},
    **{f"nn.functional.conv_transpose{n}d": conv_transpose(n) for n in (1, 2, 3)},
    **{f"nn.functional.avg_pool{n}d": avg_pool(n) for n in (1, 2, 3)},
    **{f"nn.functional.max_pool{n}d": max_pool(n) for n in (1, 2, 3)},
    **{f"nn.functional.max_unpool{n}d{variant}": max_unpool(n) for n in (1, 2, 3) for variant in ("", ":grad")},
    **{
        f"nn.functional.adaptive_{kind}_pool{n}d": adaptive(f"adaptive_{kind}_pool", n)
        for kind in ("avg", "max")
        for n in (1, 2, 3)
    },
    **{
        f"nn.functional.interpolate:{mode}": interpolate
        for mode in ("nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area")
    },
    "nn.functional.upsample_nearest": lambda x, size=None, scale_factor=None: interpolate(x, size, scale_factor),
    "nn.functional.upsample_bilinear": lambda x, size=None, scale_factor=None: interpolate(
        x, size, scale_factor, "bilinear", align_corners=True
    ),
    "nn.functional.unfold": unfold,
    **{
        f"nn.functional.pad:{mode}": pad
        for mode in ("constant", "reflect", "replicate", "replicate_negative", "circular")
    },
    "nn.functional.layer_norm": layer_norm,
    "nn.functional.rms_norm": rms_norm,
    "nn.functional.group_norm": group_norm,
    "nn.functional.instance_norm": instance_norm,
    "nn.functional.local_response_norm": local_response_norm,
    "nn.functional.batch_norm": batch_norm,
    "native_layer_norm": native_layer_norm,
    "native_group_norm": native_group_norm,
    "nn.functional.linear": lambda x, w, b=None: cr.nn.dense(x, w.T, b),
    "nn.functional.scaled_dot_product_attention": attention,
    "nn.functional.embedding": embedding,
    "nn.functional.one_hot": one_hot,
    "nn.functional.pixel_shuffle": lambda x, upscale_factor: first(cr.nn.pixel_shuffle)(x, upscale_factor),
    "nn.functional.pixel_unshuffle": lambda x, downscale_factor: first(cr.nn.pixel_unshuffle)(x, downscale_factor),
    "nn.functional.channel_shuffle": first(cr.nn.channel_shuffle),
    "nn.functional.bilinear": bilinear,
    "nn.functional.normalize": lambda x, p=2.0, dim=1, eps=1e-12: cr.nn.normalize(x, dim, p, eps),
    "nn.functional.pairwise_distance": distance,
    "nn.functional.pdist": pdist,
    "nn.functional.embedding_bag": embedding_bag,
    "nn.functional.grid_sample": grid_sample,
    "nn.functional.alpha_dropout": dropout(None, cr.nn.alpha_dropout),
    "nn.functional.dropout": dropout(None),
    "nn.functional.dropout2d": dropout(2),
    "nn.functional.dropout3d": dropout(3),
}

_DRAWN = "PyTorch draws other random numbers"
_NUMBER = "PyTorch takes a number for an array with one axis"
_EMPTY = "PyTorch normalises what has no numbers, or gives it back"
_LABEL = "neither label of the two: PyTorch adds up both losses"


def _refused(why: str, op: str, *numbers: int, dtypes: tuple[str, ...] = ("float64", "float32")) -> dict[str, str]:
    return {f"nn.functional.{op}-{dtype}-{i}": why for dtype in dtypes for i in numbers}


REFUSED: dict[str, str] = {
    **_refused(_DRAWN, "scaled_dot_product_attention", 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23),
    **_refused(_DRAWN, "rrelu", 0, 2),
    **_refused(_DRAWN, "dropout", 2),
    **_refused(_DRAWN, "dropout2d", 2, 8, 12),
    **_refused(_DRAWN, "dropout3d", 8, 12),
    **_refused(_DRAWN, "alpha_dropout", 2, 18),
    **_refused(_NUMBER, "cosine_similarity", 3, dtypes=("float64",)),
    **_refused(_NUMBER, "multi_margin_loss", 0),
    **_refused(_NUMBER, "multilabel_margin_loss", 0),
    **_refused(_EMPTY, "batch_norm", 3),
    **_refused(_EMPTY, "local_response_norm", 10, dtypes=("int64",)),
    **_refused(_LABEL, "hinge_embedding_loss", 9),
}
