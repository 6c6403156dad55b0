"""Numbers that values are multiplied by: gathered into one, and taken out of sums.

What this changes is the last digits of a result. A number goes where no value on the way becomes larger than one that
was there before: no product overflows that did not, though what overflowed on the way may do so no longer. A sum may,
where its terms without their signs do. Numbers that are put elsewhere are so near to 1 that only values near the
smallest of their dtype can lose a few more digits.
"""

from __future__ import annotations

from typing import Any, Final

from chainrule._dtypes import DType
from chainrule._graph import Instruction
from chainrule._passes._rewrite import Found, Producers, Rules, instead, made
from chainrule._symbol import Symbol

_LIMITS: Final = {"float16": (2.0**-14, 2.0**15), "bfloat16": (2.0**-126, 2.0**127), "float32": (2.0**-126, 2.0**127)}
_DOUBLE: Final = (2.0**-1022, 2.0**1023)
_NEAR: Final = {"float32": 2.0**8, "float64": 2.0**16}  # how far from 1 a number is at most that is put elsewhere


def like(x: Any, y: Symbol) -> bool:
    """Whether a value has the shape and dtype of a result it would take the place of."""
    return type(x) is Symbol and not x.weak and x.shape == y.shape and x.shape is not None and x.dtype == y.dtype


def is_safe(number: float, dtype: DType) -> bool:
    """Whether a number is neither infinite in a dtype, nor too small for all of its digits."""
    low, high = _LIMITS.get(dtype.name, _DOUBLE)
    return low <= abs(number) <= high


def _split(product: Instruction | None) -> tuple[Any, Any]:
    """The array and the number of a product, None for the number if there is none."""
    if product is None:
        return None, None
    a, b = product.inputs
    if type(a) in (int, float):
        return b, a
    return a, b if type(b) in (int, float) else None


def _multiple(instruction: Instruction, producers: Producers) -> Found:
    """A multiple of a multiple is one, where no product on the way is out of range that the last is not."""
    (y,) = instruction.outputs
    x, number = _split(instruction)
    if number is None or y.dtype.kind != "float" or not like(x, y):
        return None
    z, other = _split(producers.made(x, "multiply"))
    if other is None or not like(z, y):
        return None
    product = number * other
    alike = (abs(number) < 1) == (abs(other) < 1)
    undone = abs(other) < 1 and _is_near(number, y.dtype) and _is_near(other, y.dtype)
    if not is_safe(product, y.dtype) or not (alike or undone):
        return None
    return instead(instruction.op, (z, product), instruction)


def _multiple_of_a_product(instruction: Instruction, producers: Producers) -> Found:
    """`((a * 2) * b) * 3` is `(a * b) * 6`, or `((a * 6) * b)`."""
    (y,) = instruction.outputs
    x, number = _split(instruction)
    product = None if number is None or not _is_near(number, y.dtype) else producers.made(x, "multiply")
    if product is None or not like(x, y) or not producers.used_once(x):
        return None
    for p, q in (product.inputs, product.inputs[::-1]):
        a, other = _near_multiple(p, y, producers)
        if other is None or type(q) is not Symbol:
            continue
        both = number * other
        small, other_small = abs(number) <= 1, abs(other) <= 1
        outside = not small if small == other_small else (abs(both) <= 1) != other_small
        return _product(a, q, both, outside, instruction)
    return None


def _product_of_multiples(instruction: Instruction, producers: Producers) -> Found:
    """`(a * 2) * (b * 3)` is `(a * b) * 6`; where the numbers are less than 1, `(a * number) * b`."""
    (y,) = instruction.outputs
    if y.weak or y.shape is None or instruction.inputs[0] is instruction.inputs[1]:
        return None
    a, number = _near_multiple(instruction.inputs[0], y, producers)
    b, other = (None, None) if number is None else _near_multiple(instruction.inputs[1], y, producers)
    if other is None:
        return None
    both = number * other
    small = abs(both) <= 1
    if (abs(number) <= 1) != small:
        a, b = b, a  # then the other number is on the same side of 1 as both
    outside = min(abs(number), abs(other)) > 1
    return _product(a, b, both, outside, instruction)


def _near_multiple(x: Any, y: Symbol, producers: Producers) -> tuple[Any, Any]:
    """The array and the number of a product that nobody else needs; None for the number where it is to stay."""
    a, number = _split(producers.made(x, "multiply"))
    if number is None or type(a) is not Symbol or a.weak or a.dtype != y.dtype or not _is_near(number, y.dtype):
        return None, None
    return (a, number) if producers.used_once(x) else (None, None)


def _is_near(number: float, dtype: DType) -> bool:
    """Whether a number may be put elsewhere in a product."""
    limit = _NEAR.get(dtype.name, 0.0)
    return abs(number) <= limit and abs(number) * limit >= 1


def _product(a: Any, b: Any, number: float, outside: bool, instruction: Instruction) -> list[Instruction]:
    """The product of two arrays and a number, which the first is multiplied by, or the product of both."""
    op = instruction.op
    step = made(op, (a, b) if outside else (a, number), instruction)
    return [step, instead(op, (*step.outputs, number if outside else b), instruction)]


def _same_twice(instruction: Instruction, producers: Producers) -> Found:
    """`x + x` is `x * 2`, and `(a + x) + x` is `a + x * 2`, so for differences; the 2 can become part of a product."""
    (y,) = instruction.outputs
    a, b = instruction.inputs
    multiply = producers.op("multiply")
    if multiply is None or y.weak or y.dtype.kind != "float":
        return None
    if a is b:
        return instead(multiply, (a, 2.0), instruction) if instruction.op.name == "add" and like(a, y) else None
    for x, total in ((b, a), (a, b)) if instruction.op.name == "add" else ((b, a),):
        inner = producers.made(total, instruction.op.name)
        if inner is None or not like(x, y) or not like(total, y) or not producers.used_once(total):
            continue
        rest = inner.inputs[0] if x is inner.inputs[1] else inner.inputs[1] if x is inner.inputs[0] else None
        if rest is None or (instruction.op.name == "subtract" and x is not inner.inputs[1]):
            continue
        double = made(multiply, (x, 2.0), instruction)
        return [double, instead(instruction.op, (rest, *double.outputs), instruction)]
    return None


def _common_number(instruction: Instruction, producers: Producers) -> Found:
    """`a * 2 + b * 2` is `(a + b) * 2`, if the number is at least 2: then a sum that overflows did so before."""
    (y,) = instruction.outputs
    multiply = producers.op("multiply")
    a, number = _near_multiple(instruction.inputs[0], y, producers)
    b, other = (None, None) if number is None else _near_multiple(instruction.inputs[1], y, producers)
    if multiply is None or y.weak or number is None or other is None or abs(number) != abs(other) or abs(number) < 2:
        return None
    if not like(a, y) and not like(b, y):
        return None
    op = instruction.op if number == other else producers.op("add" if instruction.op.name == "subtract" else "subtract")
    if op is None:
        return None
    total = made(op, (a, b), instruction)
    return [total, instead(multiply, (*total.outputs, number), instruction)]


def _same_product(instruction: Instruction, producers: Producers) -> Found:
    """`z * (x * 3) + (z * x) * 3` is `(z * x) * 6`: so is what the gradient of `3 * x * x` comes to."""
    (y,) = instruction.outputs
    for one, other in (instruction.inputs, instruction.inputs[::-1]):
        product, number = _near_multiple(one, y, producers)
        inner = None if number is None else producers.made(product, "multiply")
        outer = producers.made(other, "multiply")
        if inner is None or outer is None or not like(product, y):
            continue
        for z, multiple in (outer.inputs, outer.inputs[::-1]):
            x, same = _split(producers.made(multiple, "multiply"))
            if same == number and any(z is p and x is q for p, q in (inner.inputs, inner.inputs[::-1])):
                return instead(inner.op, (product, 2 * number), instruction)
    return None


_MULTIPLE: Final = frozenset({"multiply"})

COEFFICIENTS: Final[Rules] = {
    "multiply": {_multiple: _MULTIPLE, _multiple_of_a_product: _MULTIPLE, _product_of_multiples: _MULTIPLE},
    "add": {_same_twice: frozenset({"same", "add"}), _common_number: _MULTIPLE, _same_product: _MULTIPLE},
    "subtract": {_same_twice: frozenset({"subtract"}), _common_number: _MULTIPLE},
}
