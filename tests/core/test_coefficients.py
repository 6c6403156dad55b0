"""Numbers in products and sums: which are gathered, and that the results are the exact ones but for last digits."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest

import chainrule as cr
from chainrule._passes import optimised
from chainrule._plan import Plan

pytestmark = [pytest.mark.usefixtures("backend"), pytest.mark.filterwarnings("ignore")]

INF, NAN = math.inf, math.nan
USUAL = [0.0, -0.0, 1.0, -2.5, 0.1, 7.0, INF, -INF, NAN]
EXTREME = [1e308, -1.7e308, 1e307, 1e200, 1e-200, 1e-290, 1e-300, 3.0]


def compiled(f, *arguments):
    """What is left of a function, and what it gives."""
    tensors = [cr.tensor(x) for x in arguments]
    made = optimised(cr.function(f).trace(*tensors), cr.get_backend())
    (found,) = (cr.tensor(y) for y in Plan(made, cr.get_backend())(*[x.value for x in tensors]))
    return [i.op.name for i in made.instructions], found


def agree(a, b):
    """Whether two numbers are the same but for last digits, or for the sign of a zero."""
    return a == b or (a != a and b != b) or abs(a - b) <= 4e-16 * abs(b) < INF


def is_right(found, one_by_one, exact, terms):
    """Whether a result is the exact one, but for last digits of its terms, wherever it is in range.

    Out of range it may be where its terms together are, and where it is if the operations are done one by one.
    """
    if math.isfinite(found):
        return abs(Fraction(found) - exact) <= Fraction(1, 2**51) * terms + Fraction(2**16, 2**1074)
    return terms >= Fraction(2**1024) or not math.isfinite(one_by_one)


# Each with what is left.
PRODUCTS = {
    "a multiple of a fraction": (lambda a, b: (a * 0.3) * 2.0, ["multiply"]),
    "a fraction that is undone": (lambda a, b: (a * 0.5) * 2.0, []),
    "inside": (lambda a, b: ((a * 0.5) * b) * 0.25, ["multiply", "multiply"]),
    "outside": (lambda a, b: ((a * 3.0) * b) * 2.0, ["multiply", "multiply"]),
    "a small one and a large one": (lambda a, b: ((a * 0.5) * b) * 3.0, ["multiply", "multiply"]),
    "a large one and a small one": (lambda a, b: ((a * 3.0) * b) * 0.5, ["multiply", "multiply"]),
    "a small one and one not as large": (lambda a, b: ((a * 0.125) * b) * 3.0, ["multiply", "multiply"]),
    "a large one and one smaller still": (lambda a, b: ((a * 3.0) * b) * 0.125, ["multiply", "multiply"]),
    "ones that make one": (lambda a, b: ((a * 2.0) * b) * 0.5, ["multiply"]),
    "ones that make a sign": (lambda a, b: ((a * -2.0) * b) * 0.5, ["multiply", "negative"]),
    "at both sides, large": (lambda a, b: (a * 3.0) * (2.0 * b), ["multiply", "multiply"]),
    "at both sides, small": (lambda a, b: (a * 0.3) * (b * -0.5), ["multiply", "multiply"]),
    "at both sides, small and large": (lambda a, b: (a * 0.25) * (b * 2.0), ["multiply", "multiply"]),
    "at both sides, large and small": (lambda a, b: (a * 8.0) * (b * 0.25), ["multiply", "multiply"]),
    "everywhere": (lambda a, b: ((a * 3.0) * (b * 0.5)) * 2.0, ["multiply", "multiply"]),
    "far from one": (lambda a, b: ((a * 1e9) * b) * 1e-3, ["multiply", "multiply", "multiply"]),
    "nothing": (lambda a, b: ((a * 0.0) * b) * 2.0, ["multiply", "multiply", "multiply"]),
}
SUMS = {
    "twice": (lambda a, b: a + a, ["multiply"]),
    "one more time": (lambda a, b: (a + b) + b, ["multiply", "add"]),
    "one more time, from the front": (lambda a, b: (b + a) + b, ["multiply", "add"]),
    "one time less": (lambda a, b: (a - b) - b, ["multiply", "subtract"]),
    "a difference is no sum": (lambda a, b: (b - a) - b, ["subtract", "subtract"]),
    "a common number": (lambda a, b: a * 3.0 + b * 3.0, ["add", "multiply"]),
    "a common number but for the sign": (lambda a, b: a * 3.0 + b * -3.0, ["subtract", "multiply"]),
    "a common number in a difference": (lambda a, b: a * 3.0 - b * 3.0, ["subtract", "multiply"]),
    "a sign in a difference": (lambda a, b: a * 3.0 - b * -3.0, ["add", "multiply"]),
    "a common number below 2": (lambda a, b: a * 1.5 + b * 1.5, ["multiply", "multiply", "add"]),
    "a multiple of a product, twice": (lambda a, b: a * (b * 3.0) + (a * b) * 3.0, ["multiply", "multiply"]),
    "half of a product, twice": (lambda a, b: (b * a) * 0.5 + (0.5 * b) * a, ["multiply"]),
    "from a negative": (lambda a, b: -a - b, ["add", "negative"]),
}


def pairs(values):
    a, b = zip(*itertools.product(values, values), strict=True)
    return list(a), list(b)


@pytest.mark.parametrize("name", [*PRODUCTS, *SUMS])
def test_usual_numbers(name):
    f, expected = (PRODUCTS | SUMS)[name]
    a, b = pairs(USUAL)
    left, found = compiled(f, a, b)
    assert left == expected
    assert all(map(agree, found.tolist(), f(cr.tensor(a), cr.tensor(b)).tolist()))


@pytest.mark.parametrize("name", [*PRODUCTS, *SUMS])
def test_numbers_near_the_largest_and_the_smallest(name):
    f, expected = (PRODUCTS | SUMS)[name]
    a, b = pairs(EXTREME)
    left, found = compiled(f, a, b)
    assert left == expected
    for x, y, z, one_by_one in zip(a, b, found.tolist(), f(cr.tensor(a), cr.tensor(b)).tolist(), strict=True):
        exact = f(Exact(x), Exact(y))
        assert is_right(z, one_by_one, exact.value, exact.terms), f"{x} and {y} give {z}, one by one {one_by_one}"


class Exact:
    """A number that a function of tensors takes as well; with the sum of its terms without their signs."""

    def __init__(self, value, terms=None):
        self.value = Fraction(value)
        self.terms = abs(self.value) if terms is None else terms

    def __mul__(self, other):
        other = other if isinstance(other, Exact) else Exact(other)
        return Exact(self.value * other.value, self.terms * other.terms)

    def __add__(self, other):
        return Exact(self.value + other.value, self.terms + other.terms)

    def __neg__(self):
        return Exact(-self.value, self.terms)

    def __sub__(self, other):
        return self + -other

    __rmul__ = __mul__


def test_single_precision():
    a, b = cr.tensor([0.1, -3.0, INF, 3e38], dtype="float32"), cr.tensor([7.0, 1e-30, 0.0, 1e-3], dtype="float32")
    left, found = compiled(lambda a, b: ((a * 3.0) * b) * 0.3, a, b)
    assert left == ["multiply", "multiply"]
    assert found.dtype == "float32"
    for z, exact in zip(found.tolist(), [0.63, -2.7e-30, NAN, 0.9 * 3e35], strict=True):
        assert (z != z and exact != exact) or abs(z - exact) <= 3e-7 * abs(exact)


@pytest.mark.parametrize("dtype", ["int64", "complex128"])
def test_other_dtypes_are_left_alone(dtype):
    x = cr.tensor([1, 2, 3], dtype=dtype)
    left, found = compiled(lambda x: (x * 3) * (x * 2), x)
    assert left == ["multiply"] * 3
    assert found.tolist() == [6, 24, 54]


def test_what_others_need_is_not_computed_twice():
    def f(a, b):
        c = a * 3.0
        return cr.sin(c) + (c * b) * 2.0

    left, found = compiled(f, [0.5, -1.0], [2.0, 4.0])
    assert left == ["multiply", "sin", "multiply", "multiply", "add"]
    assert all(map(agree, found.tolist(), [math.sin(1.5) + 6.0, math.sin(-3.0) - 24.0]))


def test_a_small_array_keeps_the_number():
    column = [[0.5], [-2.0]]
    left, found = compiled(lambda a, b: ((a * 0.5) * b) * 0.5, column, [[1.0, 2.0, 3.0]] * 2)
    assert left == ["multiply", "multiply"]
    assert found.tolist() == [[0.125, 0.25, 0.375], [-0.5, -1.0, -1.5]]


def test_of_nothing():
    _, found = compiled(lambda a, b: (a * 3.0) * (b * 2.0) + a + a, cr.zeros((0, 2)), cr.zeros((0, 2)))
    assert found.shape == (0, 2)


def test_products_and_sums_in_another_order_are_the_same():
    left, found = compiled(lambda a, b: cr.sin(a * b) * cr.sin(b * a) + (a + 1.0) * (1.0 + a), [2.0, -1.0], [0.5, 3.0])
    assert left == ["multiply", "sin", "multiply", "add", "multiply", "add"]
    expected = [math.sin(1.0) ** 2 + 9.0, math.sin(-3.0) ** 2]
    assert all(abs(x - y) < 1e-14 for x, y in zip(found.tolist(), expected, strict=True))
    left, _ = compiled(lambda a, b: (a - b) * (b - a), [2.0, -1.0], [0.5, 3.0])
    assert left.count("subtract") == 2


def test_the_gradient_of_rosenbrock_function():
    def f(x):
        a, b = x[:-1], x[1:]
        return cr.sum(100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2)

    x = [0.5, -1.2, 2.0, 1.0, -0.3]
    made = optimised(cr.function(cr.grad(f)).trace(cr.tensor(x)), cr.get_backend())
    (found,) = (cr.tensor(y).tolist() for y in Plan(made, cr.get_backend())(cr.tensor(x).value))
    expected = [0.0] * 5
    for i in range(4):
        miss = x[i + 1] - x[i] ** 2
        expected[i] += -400.0 * x[i] * miss - 2.0 * (1.0 - x[i])
        expected[i + 1] += 200.0 * miss
    assert all(abs(y - e) <= 1e-12 * abs(e) for y, e in zip(found, expected, strict=True))
    assert sum(i.op.name in ("multiply", "negative", "square", "add", "subtract") for i in made.instructions) <= 8
