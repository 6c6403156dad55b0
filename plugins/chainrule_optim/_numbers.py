"""Numbers that are Python's while programs run, and 0-d tensors while they are being traced."""

from __future__ import annotations

import math
from typing import Any

import chainrule as cr
from chainrule import Tensor, infer


def is_symbolic(x: Any) -> bool:
    """Whether it is a tensor of something that is being traced, which has no value yet."""
    return isinstance(x, Tensor) and x.backend.name == "symbolic"


def number(x: Tensor) -> Any:
    """The one element of a tensor as a Python number; in a trace, the tensor."""
    return x if is_symbolic(x) else x.item()


def precise(x: Any) -> Any:
    """A number of steps to compute with: a Python number as it is, a tensor in float64."""
    return cr.astype(x, "float64") if isinstance(x, Tensor) else x


def beside(x: Any, array: Tensor) -> Any:
    """A real number that can stand beside an array: a tensor takes the array's precision, as Python's numbers do."""
    if not isinstance(x, Tensor):
        return x
    dtype = infer.real(infer.Spec((), array.dtype)).dtype
    return x if x.dtype is dtype else cr.astype(x, dtype)


def root(x: Any) -> Any:
    """The square root of a number."""
    return cr.sqrt(x) if isinstance(x, Tensor) else math.sqrt(x)


def choose(condition: Any, new: Any, old: Any) -> Any:
    """One of two by a Python bool; in a trace, by a tensor."""
    return cr.where(condition, new, old) if isinstance(condition, Tensor) else new if condition else old


def power(gradient: Tensor) -> Tensor:
    """`gradient**2`; of complex numbers `|gradient|**2`, real."""
    return gradient * gradient if gradient.dtype.kind == "float" else cr.real(gradient * cr.conj(gradient))


def real_zeros(value: Tensor) -> Tensor:
    """Zeros of a value's shape and precision, real."""
    return cr.zeros_like(cr.real(value))
