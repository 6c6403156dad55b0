"""Linear algebra, Fourier transforms, special functions and windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chainrule as cr

Function = Callable[..., Any]

TRANSLATED: dict[str, Function] = {
    "linalg.det": cr.linalg.det,
}

REFUSED: dict[str, str] = {}
