"""Functions of a number: of Python's by `math`, of a 0-d tensor by operations."""

from __future__ import annotations

import math
from typing import Any

import chainrule as cr
from chainrule import Tensor


def cos(x: Any) -> Any:
    """The cosine."""
    return cr.cos(x) if isinstance(x, Tensor) else math.cos(x)


def exp(x: Any) -> Any:
    """e to the power of a number."""
    return cr.exp(x) if isinstance(x, Tensor) else math.exp(x)


def log(x: Any) -> Any:
    """The natural logarithm."""
    return cr.log(x) if isinstance(x, Tensor) else math.log(x)


def floor(x: Any) -> Any:
    """The number rounded down."""
    return cr.floor(x) if isinstance(x, Tensor) else math.floor(x)


def ceil(x: Any) -> Any:
    """The number rounded up."""
    return cr.ceil(x) if isinstance(x, Tensor) else math.ceil(x)


def at_most(x: Any, high: float) -> Any:
    """The smaller of a number and a bound."""
    return cr.minimum(x, high) if isinstance(x, Tensor) else min(x, high)


def at_least(x: Any, low: float) -> Any:
    """The larger of a number and a bound."""
    return cr.maximum(x, low) if isinstance(x, Tensor) else max(x, low)
