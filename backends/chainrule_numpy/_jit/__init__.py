"""Regions as machine code, through llvmlite: the extra `chainrule[jit]`.

Nothing of llvmlite is imported before a region is compiled.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

from chainrule import BackendUnavailableError, Instruction, jit_mode
from chainrule.regions import Region


@cache
def why_not() -> str | None:
    """Why regions are not compiled to machine code here, or None if they are."""
    if find_spec("llvmlite") is None:
        return "llvmlite is not installed: pip install 'chainrule[jit]'"
    from chainrule_numpy._jit import _objects

    return _objects.why_not()


def is_on() -> bool:
    """Whether there is to be machine code.

    Raises:
        BackendUnavailableError: there cannot be any here, and it was asked for.
    """
    mode = jit_mode()
    if mode == "off":
        return False
    reason = why_not()
    if reason is not None and mode == "always":
        raise BackendUnavailableError(f"backend 'numpy': jit is set to 'always': {reason}")
    return reason is None


def is_loaded() -> bool:
    """Whether there has been machine code."""
    return f"{__name__}._team" in sys.modules


def vector_math() -> str:
    """What computes functions such as `exp` for vectors of numbers, and what it lacks."""
    from chainrule_numpy._jit import _machine, _math

    return _math.described(_machine.host().x86)


def takes(instruction: Instruction) -> bool:
    """Whether an instruction can be part of a region that is compiled."""
    from chainrule_numpy._jit import _analysis

    return _analysis.takes(instruction)


def compile(region: Region) -> Callable[..., tuple[Any, ...]] | None:
    """A region as a kernel: `kernel(*arrays, out=(...))` gives a tuple of results.

    Returns:
        The kernel, or None if there is no code for a region of this kind.
    """
    from chainrule_numpy._jit import _kernel

    return _kernel.kernel_of(region)
