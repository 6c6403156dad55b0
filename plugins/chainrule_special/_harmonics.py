"""Spherical harmonics."""

from __future__ import annotations

from typing import Any

from chainrule import as_tensor, ops
from chainrule_special._rows import special


def _ladder(n: Any, m: Any, like: Any) -> Any:
    """What the harmonic of order `m + 1` has for a factor where the one of order `m` is raised."""
    n, m = as_tensor(n), as_tensor(m)
    product = ops.astype(ops.maximum((n - m) * (n + m + 1), 0), dtype=like.dtype)
    return ops.sqrt(product)


def _by_polar(g: Any, y: Any, n: Any, m: Any, theta: Any, phi: Any) -> Any:
    """By what raises and lowers the order, which needs no cotangent of the angle."""
    like = ops.real(y)
    phase = ops.exp(1j * as_tensor(phi))
    raised = _ladder(n, m, like) * sph_harm_y(n, m + 1, theta, phi) / phase
    lowered = _ladder(n, m - 1, like) * sph_harm_y(n, m - 1, theta, phi) * phase
    return g * (0.5 * (raised - lowered))


sph_harm_y: Any = special(
    "sph_harm_y",
    "n m theta phi",
    (None, None, _by_polar, lambda g, y, _n, m, _theta, _phi: g * (1j * m * y)),
    "Spherical harmonics of degree n and order m, theta from the pole, phi around it: complex numbers.",
    "(c*exp(-i phi)*sph_harm_y(n, m + 1, theta, phi) - d*exp(i phi)*sph_harm_y(n, m - 1, theta, phi))/2, where c = "
    "sqrt((n - m)*(n + m + 1)) and d = sqrt((n + m)*(n - m + 1)), and i*m*y",
    gives_complex=True,
)
