"""What in JAX computes what an operation computes, with the operation's attributes."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy import linalg, special

jax.config.update("jax_enable_x64", True)
Function = Callable[..., Any]
# By the same names and with the same arguments in JAX's namespace of the array API standard.
_SAME = """
abs acos acosh add all angle any argmax argmin argsort asin asinh atan atan2 atanh broadcast_to cbrt ceil clip conj
copysign cos cosh count_nonzero deg2rad divide equal exp exp2 expm1 flip floor floor_divide greater greater_equal hypot
imag isfinite isinf isnan less less_equal log log10 log1p log2 logaddexp logical_and logical_not logical_or logical_xor
matmul matrix_transpose max maximum mean min minimum multiply negative not_equal permute_dims positive pow prod rad2deg
real reciprocal remainder reshape roll round sign signbit sin sinh sort sqrt square std subtract sum take_along_axis tan
tanh tril triu trunc var where
"""
_LINALG = "det inv pinv qr slogdet solve svdvals"
_SPECIAL = """
beta betaln digamma entr erfinv exp1 expi gamma gammaln i0 i0e i1 i1e kl_div log_ndtr logit ndtr ndtri poch rel_entr
gammainc gammaincc hyp1f1 hyp2f1 polygamma spence xlog1py xlogy zeta
"""
_ACTIVATIONS = {"hard_sigmoid": "hard_sigmoid", "hard_swish": "hard_swish", "log_sigmoid": "log_sigmoid"}
_ACTIVATIONS |= {"mish": "mish", "relu6": "relu6", "selu": "selu", "softsign": "soft_sign"}


def _hermitian(a: Any) -> Any:
    return (a + jnp.conj(jnp.swapaxes(a, -1, -2))) / 2


def _one_axis(function: Function) -> Function:
    return lambda x, s, axes, norm: function(x, n=None if s is None else s[0], axis=axes[0], norm=norm)


def _each_axis(function: Function) -> Function:
    """A transform over several axes by that over one."""

    def transform(x: Any, s: Any, axes: Any, norm: str) -> Any:
        axes = tuple(range(x.ndim)) if axes is None else axes
        lengths = [None] * len(axes) if s is None else s
        return reduce(lambda y, i: function(y, n=lengths[i], axis=axes[i], norm=norm), range(len(axes)), x)

    return transform


FUNCTIONS: dict[str, Function] = {
    **{name: getattr(jnp, name) for name in _SAME.split()},
    **{f"linalg.{name}": getattr(jnp.linalg, name) for name in _LINALG.split()},
    **{f"special.{name}": getattr(special, name) for name in _SPECIAL.split()},
    **{f"nn.{name}": getattr(jax.nn, theirs) for name, theirs in _ACTIVATIONS.items()},
    **{f"fft.{name}": _one_axis(getattr(jnp.fft, name)) for name in ("fft", "ifft", "rfft", "irfft")},
    **{f"fft.{name}n": _each_axis(getattr(jnp.fft, name)) for name in ("fft", "ifft")},
    **{f"fft.{name}": getattr(jnp.fft, name) for name in ("irfftn", "rfftn")},
    "concat": lambda *xs, axis=0: jnp.concat(xs, axis=axis),
    "einsum": lambda *xs, subscripts: jnp.einsum(subscripts, *xs),
    "erf": special.erf,
    "erfc": special.erfc,
    "linalg.cholesky": lambda a: jnp.linalg.cholesky(_hermitian(a)),
    "linalg.eigvalsh": lambda a: jnp.linalg.eigvalsh(_hermitian(a)),
    "linalg.expm": linalg.expm,
    "log_softmax": jax.nn.log_softmax,
    "logsumexp": special.logsumexp,
    "nn.celu": lambda x, alpha=1.0: jax.nn.celu(x, alpha),
    "nn.elu": lambda x, alpha=1.0: jax.nn.elu(x, alpha),
    "nn.gelu": lambda x, approximate=False: jax.nn.gelu(x, approximate=approximate),
    "nn.glu": lambda x, axis=-1: jax.nn.glu(x, axis),
    "nn.leaky_relu": lambda x, slope=0.01: jax.nn.leaky_relu(x, slope),
    "nn.softmin": lambda x, axis=-1: jax.nn.softmax(-x, axis),
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
    "softmax": jax.nn.softmax,
    "softplus": jax.nn.softplus,
    "special.betainc": special.betainc,
    "stack": lambda *xs, axis=0: jnp.stack(xs, axis=axis),
    "tensordot": lambda a, b, pairs: jnp.tensordot(a, b, axes=pairs),
}
