"""Products with logarithms that are 0 where the factor is, and the entropies made of them."""

from __future__ import annotations

from typing import Any

from chainrule import Binary, Unary, ops
from chainrule_special._rows import special, tensors, zero_wins


def _xlogy(xp: Any, x: Any, y: Any) -> Any:
    zero = (x == 0) & ~xp.isnan(y)
    return xp.where(zero, xp.zeros_like(x * y), x * xp.log(xp.where(zero, xp.ones_like(y), y)))


def _xlog1py(xp: Any, x: Any, y: Any) -> Any:
    zero = (x == 0) & ~xp.isnan(y)
    return xp.where(zero, xp.zeros_like(x * y), x * xp.log1p(xp.where(zero, xp.zeros_like(y), y)))


def _log_of(g: Any, x: Any, y: Any) -> Any:
    """`g * log(y)`, and 0 where `x` and `y` are 0: no slope is defined there."""
    x, y = tensors(g, x, y)
    undefined = ops.logical_and(ops.equal(x, 0), ops.equal(y, 0))
    return zero_wins(g, ops.log(ops.where(undefined, 1.0, y)))


def _log1p_of(g: Any, x: Any, y: Any) -> Any:
    x, y = tensors(g, x, y)
    undefined = ops.logical_and(ops.equal(x, 0), ops.equal(y, -1))
    return zero_wins(g, ops.log1p(ops.where(undefined, 0.0, y)))


def _share(g: Any, x: Any, y: Any) -> Any:
    """`g * x / y`, and 0 where `x` is."""
    x, y = tensors(g, x, y)
    return zero_wins(g * x, 1.0 / y)


xlogy: Binary = special(
    "xlogy",
    "x y",
    (lambda g, _y, x, y: _log_of(g, x, y), lambda g, _y, x, y: _share(g, x, y)),
    "`x * log(y)`, and 0 where x is.",
    "log(y) and x/y; 0 with respect to x where both are 0",
    kernel=_xlogy,
    takes_complex=True,
)
xlog1py: Binary = special(
    "xlog1py",
    "x y",
    (lambda g, _y, x, y: _log1p_of(g, x, y), lambda g, _y, x, y: _share(g, x, 1.0 + y)),
    "`x * log(1 + y)`, exact for small y, and 0 where x is.",
    "log(1 + y) and x/(1 + y); 0 with respect to x where x and 1 + y are 0",
    kernel=_xlog1py,
    takes_complex=True,
)


def _entr(xp: Any, x: Any) -> Any:
    inside = x > 0
    value = -x * xp.log(xp.where(inside, x, xp.ones_like(x)))
    return xp.where(x < 0, xp.full_like(x, -float("inf")), xp.where(inside | xp.isnan(x), value, xp.zeros_like(x)))


entr: Unary = special(
    "entr",
    "x",
    lambda g, _y, x: zero_wins(g, -ops.log(x) - 1.0),
    "`-x * log(x)`, 0 at 0 and `-inf` below.",
    "-log(x) - 1",
    kernel=_entr,
)


def _log_ratio(x: Any, y: Any) -> Any:
    """`log(x / y)`, where the quotient can be too large or too small for a number."""
    near = ops.logical_and(0.5 * y < x, x < 2.0 * y)
    ratio = ops.where(near, x, 1.0) / ops.where(near, y, 1.0)
    return ops.where(near, ops.log(ratio), ops.log(ops.where(near, 1.0, x)) - ops.log(ops.where(near, 1.0, y)))


def _rel_entr_of(g: Any, _y: Any, x: Any, y: Any) -> Any:
    x, y = tensors(g, x, y)
    return zero_wins(g, _log_ratio(x, y) + 1.0)


def _kl_div_of(g: Any, _y: Any, x: Any, y: Any) -> Any:
    x, y = tensors(g, x, y)
    return zero_wins(g, _log_ratio(x, y))


def _rel_entr(xp: Any, x: Any, y: Any) -> Any:
    inside = (x > 0) & (y > 0)
    one = xp.ones_like(x * y)
    value = xp.where(inside, x * (xp.log(xp.where(inside, x, one)) - xp.log(xp.where(inside, y, one))), x + y)
    value = xp.where(inside | xp.isnan(x + y), value, one * float("inf"))
    return xp.where((x == 0) & (y >= 0), 0.0 * one, value)


rel_entr: Binary = special(
    "rel_entr",
    "x y",
    (_rel_entr_of, lambda g, _y, x, y: -_share(g, x, y)),
    "`x * log(x / y)`, 0 where x is 0 and `inf` where x or y is negative.",
    "log(x/y) + 1 and -x/y",
    kernel=_rel_entr,
)
kl_div: Binary = special(
    "kl_div",
    "x y",
    (_kl_div_of, lambda g, _y, x, y: g - _share(g, x, y)),
    "`x * log(x / y) - x + y`, y where x is 0 and `inf` where x or y is negative.",
    "log(x/y) and 1 - x/y",
    kernel=lambda xp, x, y: _rel_entr(xp, x, y) - x + y,
)
