"""The normal distribution between bounds, by its quantiles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from chainrule import Tensor, as_tensor, infer, op, ops
from chainrule_random import _draws
from chainrule_random._parameters import Shape, arranged

if TYPE_CHECKING:
    from chainrule_random._generator import Generator


def _quantile(u: Any, lower: Any, upper: Any) -> Any:
    """The quantile by logarithms of probabilities, from the side where these are small; NumPy arrays."""
    import numpy as np
    from scipy import special

    turned = lower > -upper
    low, high = np.where(turned, -upper, lower), np.where(turned, -lower, upper)
    share = np.where(turned, 1.0 - u, u)
    with np.errstate(divide="ignore"):  # of a share of 0, the bound
        parts = special.log_ndtr(low) + np.log1p(-share), special.log_ndtr(high) + np.log(share)
    z = np.clip(special.ndtri_exp(np.logaddexp(*parts)), low, high)
    return np.where(turned, -z, z)


def _by_share(g: Any, y: Any, _u: Any, lower: Any, upper: Any) -> Any:
    turned = lower + upper < 0.0  # so that what is subtracted is small
    low, high = ops.where(turned, -upper, lower), ops.where(turned, -lower, upper)
    mass = 0.5 * (ops.erfc(low * math.sqrt(0.5)) - ops.erfc(high * math.sqrt(0.5)))
    return g * (mass * math.sqrt(2.0 * math.pi)) * ops.exp(0.5 * y * y)


def _by_bound(y: Any, bound: Any) -> Any:
    """The density at the bound over that at the quantile."""
    return ops.exp(0.5 * (y - bound) * (y + bound))


@op(
    infer=infer.floating,
    gradient=(
        _by_share,
        lambda g, y, u, lower, _upper: g * (1.0 - u) * _by_bound(y, lower),
        lambda g, y, u, _lower, upper: g * u * _by_bound(y, upper),
    ),
    name="random.truncated_quantile",
    broadcasts=True,
    elementwise=True,
)
@_draws.on_host
def truncated_quantile(xp: Any, u: Any, lower: Any, upper: Any, /) -> Any:
    """Where a share `u` of the standard normal distribution between two bounds lies below; computed by SciPy.

    Derivative: by `u`, `g` times the probability between the bounds over the density at `y`; by the bounds, `g * (1 -
    u)` and `g * u` times the density there over that at `y`.
    """
    home = as_tensor(u)
    found = _quantile(*[as_tensor(x).numpy() for x in (u, lower, upper)])
    return home.backend.asarray(found, xp.result_type(u, lower, upper), home.device)


def jax_quantile(u: Any, lower: Any, upper: Any) -> Any:
    """The kernel for JAX, for values that are known only when what it compiles runs."""
    import jax
    import numpy as np

    shape = jax.numpy.broadcast_shapes(u.shape, lower.shape, upper.shape)
    dtype = jax.numpy.result_type(u, lower, upper)
    called = lambda *arrays: _quantile(*map(np.asarray, arrays)).astype(dtype)  # noqa: E731
    return jax.pure_callback(called, jax.ShapeDtypeStruct(shape, dtype), u, lower, upper)


def truncated_normal(
    generator: Generator,
    shape: Shape = None,
    low: Any = -2.0,
    high: Any = 2.0,
    loc: Any = 0.0,
    scale: Any = 1.0,
    dtype: Any = None,
) -> Tensor:
    """Normal numbers between two bounds, by their quantiles, which have derivatives by all parameters.

    Args:
        shape, dtype: as for `normal`.
        low, high: the bounds; infinities for none.
        loc, scale: the mean and standard deviation that there were without bounds.

    >>> import chainrule as cr
    >>> x = cr.random.truncated_normal((100,), 5.0, float("inf"))
    >>> bool(cr.all(x >= 5.0))
    True
    """
    shape, dtype, low, high, loc, scale = arranged(
        "truncated_normal", shape, dtype, low=low, high=high, loc=loc, scale=scale
    )
    u = generator.draw(_draws.standard_uniform, shape=shape, dtype=dtype)
    u = ops.maximum(u, 2.0**-54 if dtype.bits == 64 else 2.0**-25)  # whose quantile is finite
    bounds = [ops.astype(as_tensor((bound - loc) / scale), dtype=dtype) for bound in (low, high)]
    drawn: Tensor = loc + scale * truncated_quantile(u, *bounds)
    return drawn
