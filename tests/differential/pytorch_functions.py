"""What in PyTorch computes what an operation computes, with the operation's attributes."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import array_api_compat.torch as xp
import torch
from torch.nn import functional

Function = Callable[..., Any]
# By the same names and with the same arguments in the namespace of the array API standard.
_SAME = """
abs acos acosh add all angle any argmax argmin argsort asin asinh atan atan2 atanh bitwise_and bitwise_invert
bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor broadcast_to ceil clip conj copysign cos cosh
count_nonzero cumulative_prod cumulative_sum deg2rad divide equal erf erfc exp exp2 expm1 flip floor greater
greater_equal hypot isfinite isinf isnan less less_equal log log10 log1p log2 logaddexp logical_and logical_not
logical_or logical_xor matmul matrix_transpose max maximum mean min minimum multiply negative nextafter nonzero
not_equal permute_dims positive pow prod rad2deg real reciprocal relu remainder reshape roll round searchsorted
sigmoid sign signbit sin sinh sort sqrt square std subtract sum take_along_axis tan tanh tril triu trunc var where
"""
_LINALG = "det inv pinv qr slogdet solve svdvals"
_SPECIAL = """
digamma entr erfcx erfinv gammainc gammaincc gammaln i0 i0e i1 i1e log_ndtr logit ndtr ndtri xlog1py xlogy zeta
"""
_ACTIVATIONS = "elu celu mish relu6 selu softsign"


def _hermitian(a: Any) -> Any:
    return (a + a.mH) / 2


def _each_axis(function: Function) -> Function:
    """A transform over several axes by that over one."""

    def transform(x: Any, s: Any, axes: Any, norm: str) -> Any:
        axes = tuple(range(x.ndim)) if axes is None else axes
        lengths = [None] * len(axes) if s is None else s
        return reduce(lambda y, i: function(y, n=lengths[i], dim=axes[i], norm=norm), range(len(axes)), x)

    return transform


def _one_axis(function: Function) -> Function:
    return lambda x, s, axes, norm: function(x, n=None if s is None else s[0], dim=axes[0], norm=norm)


def _loss(function: Function) -> Function:
    """A loss of PyTorch's, which wants arrays of one shape, term by term."""
    return lambda a, b, **options: function(*torch.broadcast_tensors(a, b), reduction="none", **options)


FUNCTIONS: dict[str, Function] = {
    **{name: getattr(xp, name) for name in _SAME.split()},
    **{f"linalg.{name}": getattr(torch.linalg, name) for name in _LINALG.split()},
    **{f"special.{name}": getattr(torch.special, name) for name in _SPECIAL.split()},
    **{f"nn.{name}": getattr(functional, name) for name in _ACTIVATIONS.split()},
    **{
        f"fft.{name}": _one_axis(getattr(torch.fft, name)) for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
    },
    **{f"fft.{name}n": _each_axis(getattr(torch.fft, name)) for name in ("fft", "ifft")},
    "cbrt": lambda x: torch.sign(x) * torch.abs(x) ** (1 / 3),
    "concat": lambda *xs, axis=0: torch.concat(xs, axis),
    "einsum": lambda *xs, subscripts: torch.einsum(subscripts, *xs),
    "linalg.cholesky": lambda a: torch.linalg.cholesky(_hermitian(a)),
    "linalg.eigvals": torch.linalg.eigvals,
    "linalg.eigvalsh": lambda a: torch.linalg.eigvalsh(_hermitian(a)),
    "linalg.expm": torch.linalg.matrix_exp,
    "linalg.lu": torch.linalg.lu,
    "linalg.matrix_rank": lambda a, rtol=None: torch.linalg.matrix_rank(a, rtol=rtol),
    "linalg.p_norm": lambda x, p, axis=None, keepdims=False: torch.linalg.vector_norm(x, p, axis, keepdims),
    "linalg.solve_triangular": lambda a, b, lower=False, unit_diagonal=False: torch.linalg.solve_triangular(
        a, b, upper=not lower, unitriangular=unit_diagonal
    ),
    "log_softmax": lambda x, axis=-1: torch.log_softmax(x, axis),
    "logsumexp": lambda x, axis=None, keepdims=False: (
        torch.logsumexp(x, tuple(range(x.ndim)) if axis is None else axis, keepdims) if x.ndim else x
    ),
    "nn.gelu": lambda x, approximate=False: functional.gelu(x, approximate="tanh" if approximate else "none"),
    "nn.glu": lambda x, axis=-1: functional.glu(x, axis),
    "nn.hard_shrink": lambda x, limit=0.5: functional.hardshrink(x, limit),
    "nn.hard_sigmoid": lambda x: functional.relu6(x + 3) / 6,  # whose own has no second derivative
    "nn.hard_swish": functional.hardswish,
    "nn.hard_tanh": lambda x, low=-1.0, high=1.0: functional.hardtanh(x, low, high),
    "nn.hinge_loss": lambda scores, labels: torch.relu(1 - labels * scores),
    "nn.huber_loss": _loss(functional.huber_loss),
    "nn.l1_loss": _loss(functional.l1_loss),
    "nn.leaky_relu": lambda x, slope=0.01: functional.leaky_relu(x, slope),
    "nn.log_cosh_loss": lambda a, b: torch.log(torch.cosh(a - b)),
    "nn.log_sigmoid": functional.logsigmoid,
    "nn.mse_loss": _loss(functional.mse_loss),
    "nn.poisson_nll_loss": _loss(functional.poisson_nll_loss),
    "nn.prelu": lambda x, slope: torch.where(x > 0, x, slope * x),
    "nn.silu": lambda x, beta=1.0: x * torch.sigmoid(beta * x),
    "nn.smooth_l1_loss": _loss(functional.smooth_l1_loss),
    "nn.soft_margin_loss": lambda scores, labels: functional.softplus(-labels * scores),
    "nn.soft_shrink": lambda x, limit=0.5: functional.softshrink(x, limit),
    "nn.softmin": lambda x, axis=-1: functional.softmin(x, axis),
    "nn.squared_hinge_loss": lambda scores, labels: torch.relu(1 - labels * scores) ** 2,
    "nn.tanh_shrink": functional.tanhshrink,
    "nn.threshold": lambda x, limit=0.0, value=0.0: functional.threshold(x, limit, value),
    "softmax": lambda x, axis=-1: torch.softmax(x, axis),
    "softmax_cross_entropy": lambda x, labels: -(labels * torch.log_softmax(x, -1)).sum(-1),
    "softplus": functional.softplus,
    "sparse_softmax_cross_entropy": lambda x, labels: (
        -torch.log_softmax(x, -1).gather(-1, labels[..., None].long())[..., 0]
    ),
    "stack": lambda *xs, axis=0: torch.stack(xs, axis),
    "tensordot": lambda a, b, pairs: torch.tensordot(a, b, pairs),
    "vector_norm": xp.linalg.vector_norm,
}
