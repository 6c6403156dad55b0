"""Lengths that are not known yet: they add up and multiply as numbers do, and say when they are asked for one."""

from __future__ import annotations

import itertools
import operator
import random

import pytest

import chainrule as cr
from chainrule._dim import Dim, PossibleDim, atoms, broadcast_dim, has_dim, resolve

n, m, k = Dim(), Dim(), Dim()


def size(expression):
    return eval(expression)


def value(size, **known):
    names = {"n": n, "m": m, "k": k}
    return resolve(size, {names[name]: number for name, number in known.items()})


# Equality


def test_equals_itself_and_none_and_nothing_else():
    assert n == n
    assert n == None  # noqa: E711  # how code that knows no lengths with identities looks at a shape
    assert n != m
    assert n != 3
    assert (n, 3) == (None, 3)
    assert (n, 3) == (n, 3)
    assert (n, 3) != (m, 3)


def test_prints_as_none():
    assert repr(n) == repr(2 * n + 1) == "None"


def test_hashes_as_it_compares():
    assert {n: 1}[n * 1] == 1
    assert len({n, m, n + m, m + n, 2 * n, n + n}) == 4


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("n + m", "m + n"),
        ("n * m", "m * n"),
        ("(n + m) + k", "n + (m + k)"),
        ("(n * m) * k", "n * (m * k)"),
        ("n * (m + k)", "n * m + n * k"),
        ("(n + m) * (n - m)", "n * n - m * m"),
        ("2 * n // 2", "n"),
        ("(4 * n + 6 * m) // 2", "2 * n + 3 * m"),
        ("n * m // n", "m"),
        ("(n * n + n) // n", "n + 1"),
        ("n // 3", "(n + 0) // 3"),
        ("n % 3", "(n * 1) % 3"),
        ("-(-n)", "n"),
        ("5 - (5 - n)", "n"),
        ("n + 1 - 1", "n"),
        ("0 + n", "n"),
        ("broadcast_dim(n, n)", "n"),
    ],
)
def test_what_is_certainly_equal_compares_equal(a, b):
    assert size(a) == size(b)
    assert hash(size(a)) == hash(size(b))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("n // 3 * 3", "n"),
        ("n // 2", "n // 3"),
        ("n % 2", "n % 3"),
        ("n // m", "m // n"),
        ("2 * n", "n"),
        ("n + 1", "n"),
        ("broadcast_dim(n, m)", "n"),
    ],
)
def test_what_may_differ_does_not(a, b):
    assert size(a) != size(b)


@pytest.mark.parametrize(
    ("expression", "number"),
    [
        ("n - n", 0),
        ("n * 0", 0),
        ("n // n", 1),
        ("6 * n // (2 * n)", 3),
        ("2 * n % 2", 0),
        ("n * m % m", 0),
        ("n % n", 0),
        ("(n + 3) - n", 3),
        ("n / n", 1.0),
    ],
)
def test_where_no_unknown_is_left_it_is_a_number(expression, number):
    assert type(size(expression)) is type(number)
    assert size(expression) == number


# Values


def test_evaluates_as_the_numbers_do():
    """Random expressions, worked out with lengths first and numbers after, and with numbers at once."""
    draw = random.Random(0)
    operations = [operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod, operator.truediv]

    def expression(depth):
        if depth == 0:
            return draw.choice(["n", "m", "k", 1, 2, 3])
        return draw.choice(operations[: 5 if depth > 1 else 6]), expression(depth - 1), expression(depth - 1)

    def work_out(tree, names):
        if not isinstance(tree, tuple):
            return names.get(tree, tree)
        operation, *sides = tree
        return operation(*(work_out(side, names) for side in sides))

    compared = 0
    for _ in range(2000):
        tree = expression(draw.randint(1, 3))
        numbers = {name: draw.randint(1, 9) for name in "nmk"}
        try:
            expected = work_out(tree, numbers)
            size = work_out(tree, {"n": n, "m": m, "k": k})
            found = value(size, **numbers)
        except ZeroDivisionError:
            continue
        assert found == pytest.approx(expected, rel=1e-12), (tree, numbers)
        compared += isinstance(size, Dim)
    assert compared > 1000


def test_known_in_part():
    size = n * m + m // 2 + broadcast_dim(n, k)
    part = value(size, n=3)
    assert isinstance(part, Dim)
    assert part == 3 * m + m // 2 + broadcast_dim(3, k)
    assert value(part, m=5, k=1) == 3 * 5 + 2 + 3
    assert value(size, n=1, m=4, k=7) == 4 + 2 + 7


def test_broadcast_takes_the_one_that_is_not_one():
    for a, b in itertools.product((1, 4), (1, 4)):
        assert value(broadcast_dim(n, m), n=a, m=b) == max(a, b)


def test_a_quotient_is_a_number_with_a_fraction():
    half = n / 2
    assert half.is_float
    assert (n * 0.5).is_float
    assert not (n // 2).is_float
    assert value(half, n=3) == 1.5
    assert value(1 / n, n=4) == 0.25
    assert value(7 // n, n=2) == 3
    assert value(7 % n, n=4) == 3


def test_only_a_length_itself_is_an_atom():
    assert n.is_atom
    assert not (2 * n).is_atom
    assert not (n * n).is_atom
    assert not (n + m).is_atom
    assert not (n // 2).is_atom


def test_what_a_value_depends_on():
    assert set(atoms((n * m, (k // 2, 5), "text"))) == {n, m, k}
    assert atoms(n) == [n]
    assert atoms(7) == atoms((1, None)) == []
    assert has_dim((1, (2, n)))
    assert not has_dim((1, (2, 3)))


def test_resolved_inside_of_tuples():
    assert resolve((1, (n + 1, "axis"), None), {n: 4}) == (1, (5, "axis"), None)


def test_in_doubt_it_equals_what_it_may_turn_out_to_be():
    doubtful = PossibleDim.of(n)
    assert doubtful == 5
    assert doubtful == m
    assert doubtful != 1
    assert doubtful != 0
    assert doubtful.certain == n
    assert hash(doubtful) == hash(n)


# Looking at the number


@pytest.mark.parametrize(
    "expression",
    [
        *("bool(n)", "int(n)", "float(n)", "range(n)", "[0, 1][n]", "max(n, m)", "int(n + 1)"),
        *("n > 3", "n >= 3", "n < 3", "3 < n", "n <= m", "2 * n > n"),
    ],
)
def test_the_number_behind_it_is_not_there(expression):
    with pytest.raises(cr.UnknownSizeError, match=r"not known yet.*Give the\s+placeholder a full shape"):
        size(expression)


@pytest.mark.parametrize("combine", [operator.add, operator.mul, operator.floordiv, operator.mod, operator.truediv])
def test_only_sizes_combine_with_sizes(combine):
    with pytest.raises(TypeError):
        combine(n, "3")
    with pytest.raises(TypeError):
        combine({}, n)


@pytest.mark.parametrize("divide", [operator.floordiv, operator.mod, operator.truediv])
def test_division_by_zero_is_found_when_the_size_is_known(divide):
    with pytest.raises(ZeroDivisionError):
        value(divide(n + 1, m), n=1, m=0)


@pytest.mark.parametrize("divide", [operator.floordiv, operator.mod, operator.truediv])
def test_division_by_the_number_zero_is_found_at_once(divide):
    with pytest.raises(ZeroDivisionError):
        divide(n, 0)


# As a tensor


def test_outside_of_graphs_it_is_no_tensor():
    with pytest.raises(cr.GraphError, match="a size that is not known yet was used as a tensor where no graph"):
        cr.tensor(1.0) * cr.add(n, 1.0)


def test_in_a_graph_it_computes_with_tensors():
    graph = cr.Graph()
    with graph.as_default():
        x = cr.placeholder("float64", (None, 2))
        rows = x.shape[0]
        y = cr.sum(x) / rows + (rows * 2 + 1)
    session = cr.Session(graph)
    assert float(session.run(y, {x: [[1.0, 2.0], [3.0, 4.0]]})) == 10.0 / 2 + 5
    assert float(session.run(y, {x: [[1.0, 2.0]]})) == 3.0 + 3
