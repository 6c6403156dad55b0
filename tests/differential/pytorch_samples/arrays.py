"""Elementwise functions, reductions, and functions that choose and arrange elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chainrule as cr

Function = Callable[..., Any]

TRANSLATED: dict[str, Function] = {
    "exp": cr.exp,
    "add": lambda x, y, alpha=1: x + y if alpha == 1 else x + alpha * y,
    "sum": lambda x, dim=None, keepdim=False: cr.sum(x, axis=dim, keepdims=keepdim),
}

REFUSED: dict[str, str] = {}
