"""The identities that programs are simplified by, one by one: what is left, and its value at every kind of number."""

from __future__ import annotations

import dataclasses
import itertools
import math

import pytest

import chainrule as cr
from chainrule._passes import optimised
from chainrule._plan import Plan

pytestmark = pytest.mark.usefixtures("backend")

INF, NAN = math.inf, math.nan
ALL = [0.0, -0.0, 1.0, -1.0, 0.3, -2.5, 3.0, 1e-300, -1e300, 1e308, 5e-324, INF, -INF, NAN]
SINGLE = [0.0, -0.0, 1.0, -2.5, 0.1, 1e-38, 3e38, INF, -INF, NAN]
OTHER = [*ALL[1:], 0.0]
MATRIX = [[1.0, -2.0, 0.5], [3.0, INF, -0.25]]
SQUARE = [[1.0, -2.0], [0.5, 4.0]]


def flat(x):
    return cr.reshape(x, shape=(x.size,)).tolist()


def agree(a, b, tolerance):
    """Whether two numbers are the same but for a last digit, or for the sign of a zero."""
    return a == b or (a != a and b != b) or abs(a - b) <= tolerance * abs(b) < INF


def checked(f, *arguments, tolerance=0.0):
    """What is left of a function, whose values are what its operations give one by one."""
    tensors = [x if isinstance(x, cr.Tensor) else cr.tensor(x) for x in arguments]
    traced = cr.function(f).trace(*tensors)
    made = optimised(traced, cr.get_backend())
    assert [(s.shape, s.dtype) for s in made.specs] == [(s.shape, s.dtype) for s in traced.specs]
    found = Plan(made, cr.get_backend())(*[x.value for x in tensors])
    expected = f(*tensors)
    for y, e in zip(found, expected if isinstance(expected, tuple) else (expected,), strict=True):
        y = cr.tensor(y)
        assert (y.shape, y.dtype) == (e.shape, e.dtype)
        assert all(map(agree, flat(y), flat(e), itertools.repeat(tolerance))), f"got {y}, expected {e}"
    return [i.op.name for i in made.instructions]


ONE = {
    "times -1": (lambda x: x * -1.0, ["negative"]),
    "-1 times": (lambda x: -1 * x, ["negative"]),
    "by -1": (lambda x: x / -1.0, ["negative"]),
    "square": (lambda x: x**2, ["square"]),
    "square of a negative": (lambda x: cr.square(-x), ["square"]),
    "cosine of a negative": (lambda x: cr.cos(-x), ["cos"]),
    "magnitude of a negative": (lambda x: cr.abs(-x), ["abs"]),
    "a half": (lambda x: x / 2, ["multiply"]),
    "a quarter, negative": (lambda x: x / -4.0, ["multiply"]),
    "a third": (lambda x: x / 3, ["divide"]),
    "nothing": (lambda x: x / 0.0, ["divide"]),
    "the smallest": (lambda x: x / 5e-324, ["divide"]),
    "a multiple of a negative": (lambda x: -x * 3.0, ["multiply"]),
    "the negative of a multiple": (lambda x: -(3.0 * x), ["multiply"]),
    "the negative of a quotient": (lambda x: -(3.0 / x), ["divide"]),
    "multiples": (lambda x: 3.0 * (x * 2.0), ["multiply"]),
    "fractions": (lambda x: (x * 0.5) * 0.25, ["multiply"]),
    "too small on the way": (lambda x: (x * 1e-200) * 1e200, ["multiply", "multiply"]),
    "out of range on the way": (lambda x: (x * 10.0) * 0.1, ["multiply", "multiply"]),
    "out of range at once": (lambda x: (x * 1e200) * 1e200, ["multiply", "multiply"]),
    "too small at once": (lambda x: (x * 1e-200) * 1e-200, ["multiply", "multiply"]),
    "ones": (lambda x: cr.ones_like(x) * x, []),
    "a number repeated": (lambda x: cr.broadcast_to(cr.constant([3.0]), shape=x.shape) * x, ["multiply"]),
    "numbers of numbers": (lambda x: x + cr.exp(cr.full_like(x, 2.0) * 0.5 - 1.0), ["add"]),
    "zeros of zeros": (lambda x: x + cr.zeros_like(x) * 3.0, []),
    "nan of zeros": (lambda x: x + cr.zeros_like(x) / 0.0, ["add"]),
}


@pytest.mark.parametrize("name", ONE)
@pytest.mark.filterwarnings("ignore")
def test_of_one_array(name):
    f, expected = ONE[name]
    exact = 0.0 if len(expected) != 1 or name in ("times -1", "a half", "a third") else 1e-15
    left = checked(f, ALL, tolerance=exact)
    if expected:
        assert left == expected
    else:
        assert set(left) <= {"identity", "full"}


@pytest.mark.parametrize("name", ONE)
@pytest.mark.filterwarnings("ignore")
def test_in_single_precision(name):
    checked(ONE[name][0], cr.tensor(SINGLE, dtype="float32"), tolerance=1e-6)


TWO = {
    "plus a negative": (lambda a, b: a + -b, ["subtract"]),
    "a negative plus": (lambda a, b: -a + b, ["subtract"]),
    "minus a negative": (lambda a, b: a - -b, ["add"]),
    "the negative of a difference": (lambda a, b: -(a - b), ["subtract"]),
    "negatives": (lambda a, b: -a * -b, ["multiply"]),
    "a quotient of negatives": (lambda a, b: -a / -b, ["divide"]),
    "plus a negative product": (lambda a, b: a + -a * b, ["multiply", "subtract"]),
    "minus a negative quotient": (lambda a, b: a - a / -b, ["divide", "add"]),
    "no derivative of zero": (lambda a, b: cr.ops.multiply_zero_wins(cr.zeros_like(a), b) + a, None),
    "a derivative of a number": (lambda a, b: cr.ops.multiply_zero_wins(cr.full_like(a, 2.0), b), ["multiply"]),
    "a derivative that is a number": (lambda a, b: cr.ops.multiply_zero_wins(a, 0.5) + b, ["multiply", "add"]),
    "a derivative that may be infinite": (lambda a, b: cr.ops.multiply_zero_wins(a, b), ["multiply_zero_wins"]),
    "an infinite derivative": (
        lambda a, b: cr.ops.multiply_zero_wins(a, cr.full_like(b, INF)) + b,
        ["multiply_zero_wins", "add"],
    ),
}


@pytest.mark.parametrize("name", TWO)
@pytest.mark.filterwarnings("ignore")
def test_of_two_arrays(name):
    f, expected = TWO[name]
    for a in (ALL, ALL[3:] + ALL[:3], ALL[::-1], ALL[7:] + ALL[:7]):
        left = checked(f, a, OTHER)
    if expected is not None:
        assert [op for op in left if op != "full"] == expected


@pytest.mark.parametrize("name", [name for name in (*ONE, *TWO) if name != "an infinite derivative"])  # no integer
@pytest.mark.filterwarnings("ignore")
def test_of_integers_and_numbers_that_broadcast(name):
    if name in ONE:
        f = ONE[name][0]
        checked(f, cr.tensor([3, -4, 0], dtype="int64"), tolerance=1e-12)
    else:
        f = TWO[name][0]
        checked(f, cr.tensor([3, -4, 5], dtype="int64"), [2, 3, -7], tolerance=1e-12)
        checked(f, MATRIX, [2.0, -3.0, 0.5], tolerance=1e-12)
        checked(f, [2.0, -3.0, 0.5], MATRIX, tolerance=1e-12)
        checked(f, 2.5, MATRIX, tolerance=1e-12)
        checked(f, cr.tensor([2.0, 3.0], dtype="float32"), [2.0, 3.0], tolerance=1e-6)


def test_a_negative_of_what_is_repeated_stays_small():
    left = checked(lambda a, b: -cr.exp(a) * b, 2.0, MATRIX)
    assert left == ["exp", "negative", "multiply"]


def test_a_number_of_a_wider_dtype_still_widens():
    narrow = cr.tensor([1.5, 2.5], dtype="float32")
    left = checked(lambda x: x * cr.full(shape=(2,), fill_value=0.1, dtype="float64"), narrow)
    assert left[-1] == "multiply"
    checked(lambda x: x * cr.full(shape=(2,), fill_value=2.0, dtype="float64"), narrow)
    checked(lambda x: x * cr.full(shape=(3, 2), fill_value=2.0, dtype="float32"), narrow)
    checked(lambda x: x + cr.full(shape=(2,), fill_value=300), cr.tensor([1, 2], dtype="int64"))
    wide = cr.tensor([1.5, 2.5])
    checked(lambda x: x * cr.full(shape=(2,), fill_value=0.1, dtype="float32"), wide)
    checked(lambda x: cr.where(x > 0, cr.full(shape=(), fill_value=True), x < 1.0), wide)


@pytest.mark.filterwarnings("ignore")
def test_complex_numbers():
    z = cr.tensor([1.0 + 2.0j, complex(INF, 0.0), complex(0.0, -1.0)])
    for f in (lambda z: z * cr.ones_like(z), lambda z: -z * 2.0, lambda z: z + -z, lambda z: (z * 2.0) * 3.0):
        checked(f, z)


# Broadcasting


BROADCASTS = {
    "one input": (lambda x: cr.exp(cr.broadcast_to(x, shape=(4, 2, 3))), ["exp", "broadcast_to"]),
    "both inputs": (
        lambda x: cr.broadcast_to(x, shape=(2, 2, 3)) + cr.broadcast_to(x[0], shape=(2, 2, 3)),
        ["getitem", "add", "broadcast_to"],
    ),
    "and a number": (lambda x: cr.broadcast_to(x, shape=(2, 2, 3)) * 3.0, ["multiply", "broadcast_to"]),
    "summed again": (
        lambda x: cr.ops.sum_to(cr.broadcast_to(x, shape=(5, 2, 3)), shape=(2, 3)),
        ["multiply"],
    ),
    "a number, summed": (
        lambda x: cr.sum(cr.broadcast_to(cr.max(x), shape=(5, 4)), axis=0),
        None,
    ),
    "some of it summed": (
        lambda x: cr.sum(cr.broadcast_to(x, shape=(5, 2, 3)), axis=1),
        ["broadcast_to", "sum"],
    ),
}


@pytest.mark.parametrize("name", BROADCASTS)
def test_what_is_repeated(name):
    f, expected = BROADCASTS[name]
    left = checked(f, MATRIX, tolerance=1e-15)
    assert expected is None or left == expected
    checked(f, cr.tensor([[1, 2, 3], [4, 5, 6]]), tolerance=1e-15)


def test_the_sum_of_nothing_is_no_multiple():
    checked(lambda x: cr.sum(cr.broadcast_to(x, shape=(0, 2))), [INF, 1.0])


# Axes of length 1, and what is put back where it came from


COLUMN = [[1.0], [2.0], [NAN]]


INDEXED = {
    "there and back": (lambda x: x[:, 0][:, None] * 2.0, ["multiply"]),
    "an axis less": (lambda x: x[..., 0] * 2.0, ["reshape", "multiply"]),
    "a slice of all": (lambda x: x[:3, :] * 2.0, ["multiply"]),
    "backwards": (lambda x: x[::-1] * 2.0, ["getitem", "multiply"]),
    "all but one": (lambda x: x[1:] * 2.0, ["getitem", "multiply"]),
    "one": (lambda x: x[1, 0] * 2.0, ["getitem", "multiply"]),
}


@pytest.mark.parametrize("name", INDEXED)
def test_indexing_that_takes_everything(name):
    f, expected = INDEXED[name]
    assert checked(f, COLUMN) == expected


def scattered(x, key, n=4):
    return cr.scatter_add(x, key=key, shape=(n,))


FIRST, LAST = ((None, -1, None),), ((1, None, None),)


PLACES = {
    "one place": (lambda a, b: scattered(a, FIRST) + scattered(b, FIRST), ["add", "scatter_add"]),
    "two": (lambda a, b: scattered(a, FIRST) + scattered(b, LAST), ["scatter_add", "scatter_add", "add"]),
    "one place again": (
        lambda a, b: scattered(a, FIRST) + scattered(b, LAST) + scattered(b, FIRST),
        ["scatter_add", "add", "scatter_add", "add"],
    ),
    "after something else": (
        lambda a, b: cr.concat((a, b[:1])) + scattered(a, LAST) + scattered(b, LAST),
        ["getitem", "concat", "add", "scatter_add", "add"],
    ),
    "twice the same": (lambda a, b: scattered(a, FIRST) + scattered(a, FIRST) + b[0], None),
    "sums of two": (
        lambda a, b: (scattered(a, FIRST) + scattered(b, FIRST)) + (scattered(a, FIRST) + scattered(b, LAST)),
        None,
    ),
}


@pytest.mark.parametrize("name", PLACES)
def test_sums_of_what_is_put_at_places(name):
    f, expected = PLACES[name]
    left = checked(f, [1.0, -2.0, 0.5], [4.0, INF, -1.0])
    assert expected is None or left == expected


# Matrix products


PRODUCTS = {
    "a transposed product": (
        lambda a, b: cr.matrix_transpose(cr.matrix_transpose(a) @ cr.matrix_transpose(b)),
        ["matmul"],
    ),
    "of one transposed": (
        lambda a, b: cr.matrix_transpose(cr.matrix_transpose(a) @ b),
        ["matrix_transpose", "matmul"],
    ),
    "of none": (lambda a, b: cr.matrix_transpose(a @ b), ["matmul", "matrix_transpose"]),
    "by a column": (lambda a, b: (a @ b[0][:, None])[:, 0], ["getitem", "matmul"]),
    "by a column that stays": (lambda a, b: a @ b[0][:, None], ["getitem", "matmul", "reshape"]),
    "permuted and transposed": (
        lambda a, b: cr.permute_dims(cr.matrix_transpose(a), (1, 0)) + b,
        ["add"],
    ),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_of_matrices(name):
    f, expected = PRODUCTS[name]
    assert checked(f, SQUARE, [[2.0, 0.0], [-1.0, 3.0]], tolerance=1e-15) == expected


STACK = [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[-1.0, 0.5, 2.0], [0.0, 1.0, -3.0]]]
WIDE = [[1.0, -2.0], [0.5, 4.0], [2.0, 0.0]]


def test_stacks_times_one_matrix_are_one_product():
    left = checked(lambda a, w: a @ w, STACK, WIDE, tolerance=1e-15)
    assert left == ["reshape", "matmul", "reshape"]
    left = checked(lambda a, w: cr.matrix_transpose(a) @ w, STACK, SQUARE, tolerance=1e-15)
    assert left == ["matrix_transpose", "matmul"]


def test_the_gradient_of_the_matrix_of_a_stack_is_one_product():
    def slope(a, w):
        return cr.grad(lambda w: cr.sum(cr.sin(a @ w)))(w)

    left = checked(slope, STACK, WIDE, tolerance=1e-14)
    assert left.count("matmul") == 2
    assert "sum_to" not in left


def test_a_product_that_others_use_is_done_once():
    def f(a, b):
        y = cr.matrix_transpose(a) @ b
        return y, cr.matrix_transpose(y)

    assert checked(f, SQUARE, SQUARE).count("matmul") == 1


def logistic(x, y):
    return lambda w: cr.mean(cr.softplus(x @ w) - y * (x @ w))


@pytest.mark.parametrize("way", ["reverse", "forward"])
def test_a_hessian_vector_product_is_three_passes_over_the_data(way):
    def product(w, v, x, y):
        slope = cr.grad(logistic(x, y))
        if way == "forward":
            return cr.jvp(slope, (w,), (v,))[1]
        return cr.grad(lambda w: cr.sum(slope(w) * v))(w)

    data = [[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]]
    left = checked(product, [0.1, -0.2], [1.0, 2.0], data, [0.0, 1.0, 1.0], tolerance=1e-14)
    assert left.count("matmul") == 3
    assert not {"getitem", "scatter_add", "reshape", "broadcast_to"} & set(left)


UPDATES = {
    "a step": (lambda w, a, b: w - 0.5 * (a @ b), -0.5),
    "the other way about": (lambda w, a, b: w - (a @ b) * 0.5, -0.5),
    "a step up": (lambda w, a, b: w + 2 * (a @ b), 2.0),
    "all of it": (lambda w, a, b: w - a @ b, -1.0),
    "added": (lambda w, a, b: w + a @ b, 1.0),
    "of what is made here": (lambda w, a, b: cr.exp(w) - 0.5 * (a @ b), None),
    "by a row": (lambda w, a, b: w[0] - 0.5 * (a @ b), None),
    "kept": (lambda w, a, b: (w - 0.5 * (a @ b), a @ b), None),
    "of a stack": (lambda w, a, b: w - 0.5 * (cr.stack((a, a)) @ b), None),
    "by a tensor": (lambda w, a, b: w - w * (a @ b), None),
    "less": (lambda w, a, b: a @ b - w, None),
}


@pytest.mark.parametrize("case", UPDATES)
def test_an_update_by_a_product_is_one_operation_where_the_backend_has_it(case):
    f, factor = UPDATES[case]
    w, a, b = map(cr.tensor, ([[1.0, 2.0], [3.0, 5.0]], SQUARE, SQUARE))
    backend = cr.get_backend()
    traced = cr.function(f).trace(w, a, b)
    assert "add_product" not in [i.op.name for i in optimised(traced, backend).instructions]
    kernels = {**backend.kernels, "add_product": lambda *arrays, factor: None}
    made = optimised(traced, dataclasses.replace(backend, kernels=kernels))
    found = [i.attributes["factor"] for i in made.instructions if i.op.name == "add_product"]
    assert found == ([] if factor is None else [factor])
    checked(f, w, a, b)
    checked(lambda w, a, b: cr.add_product(w, a, b, factor=-0.5), w, a, b)
