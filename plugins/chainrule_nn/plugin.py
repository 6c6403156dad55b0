"""The hooks that register what this package has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from chainrule import hookimpl

# Where each operation's function is.
_OPERATIONS: Mapping[str, str] = {
    "_activations": (
        "celu elu gelu glu hard_shrink hard_sigmoid hard_swish hard_tanh leaky_relu log_sigmoid mish prelu relu6 selu "
        "silu soft_shrink softmin softsign sparsemax tanh_shrink threshold"
    ),
    "_adaptive": "adaptive_avg_pool adaptive_max_pool",
    "_attention": "scaled_dot_product_attention scaled_dot_product_attention_gradient",
    "_conv": "conv conv_transpose conv_weight_gradient",
    "_cross_entropy": "nll_loss",
    "_ctc": "ctc_loss",
    "_dropout": "dropout",
    "_grid": "grid_sample",
    "_losses": (
        "binary_cross_entropy binary_cross_entropy_with_logits cosine_embedding_loss cosine_similarity "
        "gaussian_nll_loss hinge_loss huber_loss kl_div_loss l1_loss log_cosh_loss margin_ranking_loss mse_loss "
        "poisson_nll_loss smooth_l1_loss soft_margin_loss squared_hinge_loss"
    ),
    "_margin_losses": (
        "hinge_embedding_loss multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss triplet_margin_loss"
    ),
    "_normalization": "batch_norm group_norm instance_norm layer_norm local_response_norm normalize rms_norm",
    "_patches": "fold unfold",
    "_pool": "avg_pool avg_pool_transpose max_pool max_pool_gather max_pool_indices max_pool_spread max_unpool",
    "_recurrent": "gru_cell lstm_cell rnn_cell",
    "_resize": "resize",
}
_WRITE = {"conv", "conv_transpose", "max_pool", "max_pool_spread"}
_FASTER: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "numpy": {
        "chainrule_nn._numpy_conv": ("conv", "conv_transpose", "conv_weight_gradient"),
        "chainrule_nn._numpy_pool": ("max_pool", "max_pool_spread", "avg_pool_transpose"),
    },
    "torch": {
        "chainrule_nn._torch": ("conv", "conv_transpose", "conv_weight_gradient", "max_pool", "avg_pool"),
        "chainrule_nn._torch_attention": ("scaled_dot_product_attention", "scaled_dot_product_attention_gradient"),
    },
}


@hookimpl
def chainrule_ops() -> Mapping[str, str]:
    """Every operation, those that gradients alone need among them."""
    return {
        f"nn.{name}": f"chainrule_nn.{part}:{name}" for part, names in _OPERATIONS.items() for name in names.split()
    }


@hookimpl
def chainrule_kernels() -> Mapping[str, Mapping[str, Callable[..., Any]]]:
    """The other backends use the generic kernels."""
    return {
        backend: {f"nn.{name}": _lazy(module, name, backend) for module, names in modules.items() for name in names}
        for backend, modules in _FASTER.items()
    }


def _lazy(module: str, name: str, backend: str) -> Callable[..., Any]:
    """A kernel that is imported when it first computes."""

    def kernel(*arrays: Any, **attributes: Any) -> Any:
        return getattr(import_module(module), name)(*arrays, **attributes)

    kernel.writes = backend == "numpy" and name in _WRITE  # type: ignore[attr-defined]  # into `out=`
    return kernel


@hookimpl
def chainrule_namespaces() -> Mapping[str, str]:
    """Public namespaces: the name under `cr`, and the module."""
    return {"nn": "chainrule_nn"}


@hookimpl
def chainrule_batching() -> Mapping[str, Any]:
    """What `cr.vmap` does with the operations."""
    from chainrule_nn._batching import RULES

    return RULES


@hookimpl
def chainrule_samples() -> Mapping[str, Any]:
    """What the conformance kit checks the operations with."""
    from chainrule_testing.samples.nn import SAMPLES

    return SAMPLES
