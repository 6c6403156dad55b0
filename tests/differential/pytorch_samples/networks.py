"""Functions of networks: activations, losses, convolutions, pooling, attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chainrule as cr

Function = Callable[..., Any]

TRANSLATED: dict[str, Function] = {
    "nn.functional.mish": lambda x, inplace=False: cr.nn.mish(x),
}

REFUSED: dict[str, str] = {}
