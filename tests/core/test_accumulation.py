"""Sums of parts of an array: side by side where they cover it, and added to one array where they do not."""

from __future__ import annotations

import itertools
import math

import pytest

import chainrule as cr
from chainrule._passes import optimised
from chainrule._passes._boxes import box_of
from chainrule._passes.accumulation import accumulation
from chainrule._plan import Plan

pytestmark = [pytest.mark.usefixtures("backend"), pytest.mark.filterwarnings("ignore")]

INF, NAN = math.inf, math.nan
SEVEN = [0.0, -0.0, 1.5, -2.0, INF, -INF, NAN]


def flat(x):
    return cr.reshape(x, shape=(x.size,)).tolist()


def agree(a, b):
    """Whether two numbers are the same but for the sign of a zero, or the last digits of a sum."""
    return a == b or (a != a and b != b) or abs(a - b) <= 1e-12 * abs(b) < INF


def left_of(f, *arguments):
    """The operations that are left of a function, whose values are what its operations give one by one."""
    tensors = [cr.tensor(x) for x in arguments]
    traced = cr.function(f).trace(*tensors)
    made = optimised(traced, cr.get_backend())
    assert accumulation(made, cr.get_backend()) is made
    (found,) = (cr.tensor(y) for y in Plan(made, cr.get_backend())(*[x.value for x in tensors]))
    expected = f(*tensors)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    assert all(map(agree, flat(found), flat(expected))), f"got {found}, expected {expected}"
    return [i.op.name for i in made.instructions]


def at(x, *key, shape):
    return cr.scatter_add(x, key=key, shape=shape)


def summed(terms):
    return list(itertools.accumulate(terms, lambda a, b: a + b))[-1]


def test_single_elements_are_stacked():
    def f(x):
        return summed(at(cr.sqrt(x)[i], i, shape=(7,)) for i in (3, 0, 6, -5, 1, 5, 4))

    left = left_of(f, SEVEN)
    assert left == ["sqrt", *["getitem"] * 7, "stack"]


def test_rows_are_stacked_in_their_order():
    x = [[1.0, INF], [-0.0, 2.0], [NAN, 3.0]]
    assert left_of(lambda x: summed(at(cr.sin(x[2 - i]), i, shape=(3, 2)) for i in (2, 0, 1)), x)[-1] == "stack"


def test_rows_that_keep_their_axis():
    x = [[1.0, INF], [-0.0, 2.0], [NAN, 3.0]]
    left = left_of(lambda x: summed(at(x[i : i + 1], (i, i + 1, None), shape=(3, 2)) for i in range(3)), x)
    assert left[-1] == "stack"


def test_columns():
    x = [[1.0, INF, -0.0], [2.0, NAN, 3.0]]
    left = left_of(lambda x: summed(at(cr.exp(x[:, i]), (None, None, None), i, shape=(2, 3)) for i in range(3)), x)
    assert left.count("concat") == 1
    assert "scatter_add" not in left


def test_stretches_of_different_lengths():
    keys = [(4, None, None), (None, 1, None), (1, -3, None)]
    left = left_of(lambda x: summed(at(x[slice(*key)] * 2.0, key, shape=(7,)) for key in keys), SEVEN)
    assert left[-1] == "concat"


def test_elements_of_a_matrix():
    x = [[1.0, INF, -0.0], [2.0, NAN, 3.0]]
    places = list(itertools.product(range(2), range(3)))
    left = left_of(lambda x: summed(at(x[i, j] * 3.0, i, j, shape=(2, 3)) for i, j in places), x)
    assert left[-2:] == ["stack", "reshape"]
    assert "scatter_add" not in left


@pytest.mark.parametrize("places", [[(0, 0), (0, 1), (1, 0)], [(0, 0), (0, 1), (0, 1), (1, 1)]])
def test_elements_that_do_not_cover_a_matrix(places):
    def f(x):
        return summed(at(x[i, j] * float(k + 2), i, j, shape=(2, 2)) for k, (i, j) in enumerate(places))

    assert "stack" not in left_of(f, [[1.0, -2.0], [NAN, 0.5]])


def test_parts_beside_something_else():
    def f(x):
        return cr.exp(x) + summed(at(x[i] * 2.0, i, shape=(7,)) for i in range(7)) - x * 3.0

    left = left_of(f, SEVEN)
    assert left[-4:] == ["stack", "add", "multiply", "subtract"]


@pytest.mark.parametrize("keys", [[0, 2, 5], [(0, 2, None), (1, 3, None), (2, 4, None)], [(1, 6, 2), 0, 5]])
def test_parts_that_leave_out_or_share_elements_are_added_one_by_one(keys):
    def f(x):
        return summed(at(x[slice(*k) if type(k) is tuple else k] * 2.0, k, shape=(7,)) for k in keys)

    left = left_of(f, SEVEN)
    assert left.count("scatter_add") == 1
    assert left.count("add_at") == len(keys) - 1
    assert "add" not in left


def test_parts_that_leave_out_elements_are_added_to_the_rest():
    left = left_of(lambda x: at(x[1], 1, shape=(7,)) + cr.sin(x) + at(x[4], 4, shape=(7,)), SEVEN)
    assert left.count("add_at") == 2
    assert not {"add", "scatter_add"} & set(left)


def test_large_parts_are_left_to_regions():
    def f(x):
        return at(x[1:], (1, None, None), shape=(7,)) + at(x[:-1], (None, -1, None), shape=(7,))

    assert left_of(f, SEVEN).count("scatter_add") == 2


def test_parts_that_others_need_too_stay():
    def f(x):
        parts = [at(x[i], i, shape=(7,)) for i in range(7)]
        return summed(parts) * cr.cos(parts[3])

    assert left_of(f, SEVEN).count("scatter_add") == 1


def test_sums_that_others_need_too_stay():
    def f(x):
        half = summed(at(x[i], i, shape=(7,)) for i in range(4))
        return (half + at(x[5], 5, shape=(7,)) + at(x[6], 6, shape=(7,))) * half

    assert "add_at" in left_of(f, SEVEN)


def test_places_that_are_computed_are_left_alone():
    i = cr.tensor([1, 1, 2])

    def f(x):
        return cr.scatter_add(x[:3], i, key=("array",), shape=(7,)) + cr.scatter_add(
            x[3:6], i, key=("array",), shape=(7,)
        )

    assert "add_at" not in left_of(f, SEVEN)


def test_of_nothing():
    def f(x):
        return summed(at(x[i:i], (i, i, None), shape=(0,)) for i in range(3))

    left_of(f, [])
    left_of(lambda x: summed(at(x[i:i], (i, i, None), shape=(7,)) for i in range(3)), SEVEN)


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_other_dtypes(dtype):
    x = cr.tensor([3, 1, 2], dtype=dtype)
    assert left_of(lambda x: summed(at(x[i] * 2, i, shape=(3,)) for i in range(3)), x)[-1] == "stack"


def test_gradients_of_a_function_of_elements(same):
    def f(x):
        a, b, c = x[0], x[1], x[2]
        return a * b * c + cr.sin(a)

    g = cr.function(cr.grad(f))
    same(g(cr.tensor([1.0, 2.0, 3.0])), [6.0 + math.cos(1.0), 3.0, 2.0])


def test_boxes():
    assert box_of((), (2, 3)) == ((0, 2), (0, 3))
    assert box_of((None, -1, Ellipsis), (2, 3)) == ((1, 2), (0, 3))
    assert box_of((Ellipsis, (-2, None, None)), (2, 3)) == ((0, 2), (1, 3))
    assert box_of(((None, None, -1),), (3,)) is None
    assert box_of(((None, None, -1),), (1,)) == ((0, 1),)
    assert box_of(((0, 5, 2),), (5,)) is None
    assert box_of(((4, 2, None),), (5,)) == ((0, 0),)
