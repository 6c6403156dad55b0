"""What a loss is, and what one may be written in."""

from __future__ import annotations

from collections.abc import Callable
from operator import matmul
from types import SimpleNamespace
from typing import Any

Loss = Callable[..., Any]
"""`loss(xp, *arguments)`, one number."""
Namespace = SimpleNamespace
"""`xp`: functions that are called alike, whatever the library."""

NAMES = ("sin", "exp", "log", "sqrt", "tanh", "sum", "mean", "reshape", "transpose")  # called alike in most libraries


def namespace(library: Any, **others: Any) -> Namespace:
    """What a library calls as NumPy does, and what is added to that."""
    alike = {name: getattr(library, name) for name in NAMES if name not in others}
    return Namespace(**({"matvec": matmul} | alike | others))


def unrolled(step: Callable[[Any, Any], Any], carried: Any, xs: Any) -> list[Any]:
    """`scan` as a loop of Python: what is carried after each of `xs`, in a list."""
    found = []
    for x in xs:
        carried = step(carried, x)
        found.append(carried)
    return found
