"""The normal distribution in several dimensions, and between bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule import Tensor, as_tensor, infer, ops
from chainrule_linalg import cholesky
from chainrule_random import _draws
from chainrule_random._parameters import Shape, arranged

if TYPE_CHECKING:
    from chainrule_random._generator import Generator


def multivariate_normal(
    generator: Generator, mean: Any, cov: Any = None, shape: Shape = None, factor: Any = None, dtype: Any = None
) -> Tensor:
    """Normal vectors, `mean + L @ z` with `L @ L^T = cov`, and their derivatives by the mean and the covariance.

    Args:
        mean: the means, along the last axis.
        cov: the covariances, positive definite matrices.
        shape: that of the result, vectors along its last axis; by default that of the parameters.
        factor: `L` in place of `cov`, a Cholesky factor.
        dtype: as for `normal`.

    Raises:
        ArgumentError: a covariance is not positive definite.

    >>> import chainrule as cr
    >>> cr.random.multivariate_normal([0.0, 1.0], [[2.0, 0.5], [0.5, 1.0]], (4, 2)).shape
    (4, 2)
    """
    mean = as_tensor(mean)
    factor = cholesky(cov) if factor is None else as_tensor(factor)
    _, dtype, mean, factor = arranged("multivariate_normal", None, dtype, mean=mean, factor=factor)
    whole: Any = infer.broadcast_shapes(mean.shape, factor.shape[:-1]) if shape is None else shape
    z = generator.draw(_draws.standard_normal, shape=tuple(whole), dtype=dtype)
    drawn: Tensor = mean + ops.matmul(factor, z[..., None])[..., 0]
    return drawn
