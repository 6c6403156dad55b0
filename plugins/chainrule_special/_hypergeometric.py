"""Hypergeometric functions. Their derivatives with respect to the parameters have no closed form."""

from __future__ import annotations

from typing import Any

from chainrule import Binary, NoGradient
from chainrule_special._rows import special

_PARAMETER = NoGradient("the derivative of a hypergeometric function with respect to a parameter has no closed form")

hyp0f1: Binary = special(
    "hyp0f1",
    "v z",
    (_PARAMETER, lambda g, _y, v, z: g * (hyp0f1(v + 1, z) / v)),
    "The confluent hypergeometric limit function, 0F1(; v; z).",
    "hyp0f1(v + 1, z)/v with respect to z",
    takes_complex=True,
)
hyp1f1: Any = special(
    "hyp1f1",
    "a b z",
    (_PARAMETER, _PARAMETER, lambda g, _y, a, b, z: g * (a / b * hyp1f1(a + 1, b + 1, z))),
    "Kummer's confluent hypergeometric function, 1F1(a; b; z).",
    "a/b * hyp1f1(a + 1, b + 1, z) with respect to z",
    takes_complex=True,
)
hyp2f1: Any = special(
    "hyp2f1",
    "a b c z",
    (
        *(_PARAMETER, _PARAMETER, _PARAMETER),
        lambda g, _y, a, b, c, z: g * (a * b / c * hyp2f1(a + 1, b + 1, c + 1, z)),
    ),
    "Gauss's hypergeometric function, 2F1(a, b; c; z).",
    "a*b/c * hyp2f1(a + 1, b + 1, c + 1, z) with respect to z",
    takes_complex=True,
)
hyperu: Any = special(
    "hyperu",
    "a b x",
    (_PARAMETER, _PARAMETER, lambda g, _y, a, b, x: g * (-a * hyperu(a + 1, b + 1, x))),
    "Tricomi's confluent hypergeometric function, U(a, b, x).",
    "-a * hyperu(a + 1, b + 1, x) with respect to x",
)
