"""Regions: what goes together, and that NumPy's blocks compute what its kernels do one by one."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import chainrule as cr
from chainrule._passes import optimised
from chainrule._passes.fusion import fusion
from chainrule._plan import Plan
from chainrule.regions import FUSED
from chainrule_numpy import _blocks, _expansions, _jit


class Everything:
    """Blocks for every region, however small."""

    rows = False

    def expanded(self, instruction):
        return None

    def takes(self, instruction):
        return _blocks.takes(instruction)

    def pays(self, region):
        return bool(region.space) and 0 not in region.space

    def executor(self, region):
        return "blocks"

    def compile(self, region, backend):
        return _blocks.Blocks(region)


class MachineCode(Everything):
    """Machine code for every region."""

    rows = True

    def expanded(self, instruction):
        return _expansions.expanded(instruction)

    def takes(self, instruction):
        return _jit.takes(instruction)

    def compile(self, region, backend):
        kernel = _jit.compile(region)
        assert kernel is not None
        return kernel


CODE = replace(cr.get_backend(), fusion=MachineCode())
needs_jit = pytest.mark.skipif(_jit.why_not() is not None, reason=str(_jit.why_not()))
BACKEND = replace(cr.get_backend(), fusion=Everything())


def compiled(f, *args, backend=None):
    """A function's program, as it is and with regions."""
    program = optimised(cr.function(f).trace(*args), cr.get_backend())
    return program, fusion(program, backend or BACKEND)


def regions(program):
    return [i.attributes["region"] for i in program.instructions if i.op is FUSED]


def check(f, *args, count=1, rtol=1e-12, backend=None):
    """The regions of a function, which gives what it does without them."""
    backend = backend or BACKEND
    program, fused = compiled(f, *args, backend=backend)
    found = regions(fused)
    assert len(found) == count, str(fused)
    want, have = Plan(program, cr.get_backend())(*args), Plan(fused, backend)(*args)
    for a, b in zip(want, have, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_allclose(b, a, rtol=rtol, atol=1e-14)
    return found


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(_blocks, "SMALLEST", 8)
    monkeypatch.setattr(_blocks, "CACHE", 1)


X = np.random.default_rng(0).normal(size=(13, 7))


def test_a_chain():
    (region,) = check(lambda x: cr.exp(cr.sin(x) * 2.0) + x, X)
    assert region.space == (13, 7)
    assert [i.op.name for i in region.program.instructions] == ["sin", "multiply", "exp", "add"]


@pytest.mark.parametrize("n", [1, 7, 8, 9, 100])
def test_lengths(n):
    x = np.linspace(-1, 1, n)
    check(lambda x: (cr.exp(x) * x, cr.sum(cr.exp(x))), x)


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1), -1])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("reduce", [cr.sum, cr.mean, cr.max, cr.min])
def test_reductions(reduce, axis, keepdims):
    check(lambda x: reduce(x * x + 1.0, axis=axis, keepdims=keepdims), X)


@pytest.mark.parametrize("axis", [None, 0, 1, 2, (0, 1), (1, 2), (0, 2)])
def test_reductions_of_three_axes(axis):
    check(lambda x: (cr.sum(cr.exp(x), axis=axis), cr.exp(x)), X.reshape(1, 13, 7)[[0, 0, 0]])


def test_broadcasting():
    row, column = X[0], X[:, :1]
    check(lambda x, r, c: (x + r) * c - r, X, row, column)
    check(lambda x, r, c: cr.sum((x + r) * c - r, axis=0), X, row, column)
    check(lambda x, y: cr.exp(x + y) * x, X.reshape(13, 1, 7), X[:5].reshape(1, 5, 7))


def test_a_short_row_is_repeated_for_many_blocks(monkeypatch):
    monkeypatch.setattr(_blocks, "SHARE", 8)
    for f in (lambda x, r: cr.exp(x + r) * r, lambda x, r: cr.sum((x - r) * cr.exp(r + x), axis=0)):
        (region,) = check(f, X, X[0])
        assert "copyto" in _blocks.Blocks(region).source


def test_gradients_and_values_together():
    def rosenbrock(x):
        return cr.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    (region,) = check(cr.value_and_grad(rosenbrock), X.reshape(-1))
    assert "scatter_add" in {i.op.name for i in region.program.instructions}
    gradient = cr.function(cr.grad(rosenbrock))(X.reshape(-1))
    from scipy.optimize import rosen_der

    np.testing.assert_allclose(gradient, rosen_der(X.reshape(-1)), rtol=1e-12)


def test_shifts_in_two_axes():
    def roughness(x):
        return cr.sum((x[1:, 1:] - x[:-1, :-1]) ** 2)

    check(cr.grad(roughness), X)
    np.testing.assert_allclose(cr.function(cr.grad(roughness))(X), cr.grad(roughness)(X), rtol=1e-12)


def test_inputs_that_do_not_lie_in_order():
    check(lambda x: cr.exp(x) * 2.0, X.T)
    check(lambda x: cr.exp(x) * 2.0, X[::2, ::-1])


def test_what_waits_for_a_region_is_not_in_it():
    def f(x):
        y = cr.exp(x) * 2.0
        return cr.cos(y - cr.max(y)) * y

    _, fused = compiled(f, X)
    first, second = regions(fused)
    assert {i.op.name for i in first.program.instructions} == {"exp", "multiply", "max"}
    assert "cos" in {i.op.name for i in second.program.instructions}
    check(f, X, count=2)


def test_a_way_out_and_back():
    def f(x):
        y = cr.exp(x) * 2.0
        return cr.sort(y, axis=0) * y + 1.0  # of what a region gives, and of what comes of it outside

    check(f, X, count=2)


def test_integers_and_booleans():
    k = np.arange(20).reshape(4, 5)
    check(lambda k: (cr.sum(k * 3 - 1, axis=0), (k * 3 - 1) > 7), k)
    check(lambda x: cr.where(x > 0.0, x * 2.0, -x), X.astype(np.float32), rtol=1e-6)
    assert check(lambda k, x: (k * 2 > 3) * x, k[:, :1], X[:4, :5])


def test_results_are_given_once_and_kept():
    f = cr.function(lambda x: (cr.exp(x) * 2.0, cr.exp(x) * 2.0 + 1.0))
    a, b = f(X)
    c, _ = f(X * 0.0)
    np.testing.assert_allclose(b - a, np.ones_like(X))
    np.testing.assert_array_equal(c, np.full_like(X, 2.0))
    np.testing.assert_allclose(a, np.exp(X) * 2.0)


def test_strict_math_computes_one_by_one():
    program, _ = compiled(lambda x: cr.exp(x) * 2.0 + 1.0, X)
    with cr.use_strict_math():
        assert fusion(program, BACKEND) is program


ROWS = [lambda x: x - cr.max(x, axis=-1, keepdims=True), lambda x: cr.mean(x, axis=-1, keepdims=True) * x]
UNARY = [*ROWS, cr.sin, cr.exp, cr.tanh, cr.negative, lambda x: x * x, lambda x: x * 0.5, lambda x: cr.sum(x, axis=0)]
BINARY = [
    cr.add,
    cr.subtract,
    cr.multiply,
    cr.maximum,
    lambda a, b: a + cr.mean(b),
    lambda a, b: cr.sort(a, axis=0) * b,
]


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed):
    random_program(seed, BACKEND)


def random_program(seed, backend):
    rng = np.random.default_rng(seed)

    def f(x, y):
        values = [x, y]
        for _ in range(rng.integers(3, 25)):
            if rng.random() < 0.4:
                values.append(UNARY[rng.integers(len(UNARY))](values[rng.integers(len(values))]))
            else:
                a, b = (values[rng.integers(len(values))] for _ in range(2))
                if a.ndim == b.ndim == 2 or rng.random() < 0.5:
                    values.append(BINARY[rng.integers(len(BINARY))](a, b))
            if values[-1].ndim == 0 or values[-1].size == 0:
                values.pop()
        return values[-5:]

    program, fused = compiled(f, X, X[::-1], backend=backend)
    want, have = Plan(program, cr.get_backend())(X, X[::-1]), Plan(fused, backend)(X, X[::-1])
    for a, b in zip(want, have, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-9)


@needs_jit
def test_rows_are_used_again():
    def softmax(x):
        e = cr.exp(x - cr.max(x, axis=-1, keepdims=True))
        return e / cr.sum(e, axis=-1, keepdims=True)

    def normal(x):
        centred = x - cr.mean(x, axis=-1, keepdims=True)
        return centred / cr.sqrt(cr.mean(centred * centred, axis=-1, keepdims=True) + 1e-5)

    (region,) = check(lambda x: softmax(x * 2.0), X, backend=CODE)
    assert [i.op.name for i in region.program.instructions][1] == "max"
    (region,) = check(lambda x: normal(cr.exp(x)), X, backend=CODE)
    assert "sqrt" in {i.op.name for i in region.program.instructions}
    check(cr.grad(lambda x: cr.sum(cr.sin(softmax(x * 2.0)))), X, backend=CODE)
    check(lambda x: softmax(x * 2.0), X.reshape(13, 1, 7), backend=CODE)


@needs_jit
def test_rows_join_a_region_of_their_own_shape():
    """The condition, of the shape of rows, comes before them: their space is that of what they are made of."""
    n = cr.tensor(X[:, :1])
    (region,) = check(
        lambda x, y: cr.where(n > 0, cr.sum(x * y, axis=-1, keepdims=True), 0.5 * n), X, np.cos(X), backend=CODE
    )
    assert region.space == X.shape


@needs_jit
def test_rows_are_reduced_in_a_region_of_their_own():
    def rows(x):
        return 2.0 * cr.sum(cr.exp(x), axis=-1, keepdims=True)

    check(lambda x: cr.sum(rows(x)), X, backend=CODE)
    check(lambda x: cr.sum(rows(x), axis=-1), X, backend=CODE)
    check(lambda x, y: cr.mean(rows(x) * cr.exp(y)), X, X[:, :1], backend=CODE)


@needs_jit
@pytest.mark.parametrize("seed", range(60))
def test_random_programs_as_machine_code(seed):
    random_program(seed, CODE)


@needs_jit
@pytest.mark.parametrize("f", [cr.softmax, cr.log_softmax])
def test_operations_of_several_steps(f):
    (region,) = check(lambda x: f(x + 1.0), X, backend=CODE)
    assert f.op not in {i.op for i in region.program.instructions}
    check(lambda x: f(x + 1.0), np.float32(X), rtol=1e-5, backend=CODE)
    check(lambda x: f(x + 1.0), 1000.0 * X.reshape(13, 1, 7), backend=CODE)
    check(lambda x: cr.exp(f(x, axis=0)) * 2.0, X, backend=CODE)  # which is not along the last axis


def dots(f, *arguments):
    """How often the one region of a function calls BLAS for a sum of products, in a block."""
    _, fused = compiled(f, *arguments)
    (region,) = regions(fused)
    blocks = _blocks.Blocks(region)
    names = [name for name, value in blocks._run.__globals__.items() if value is np.dot]
    return sum(blocks.source.count(f"{name}(") for name in names)


# Each with how many sums of products it is for BLAS.
SUMS = {
    "a product": (lambda x, y: cr.sum(cr.exp(x) * y), 1),
    "a mean of products": (lambda x, y: cr.mean((x + 1.0) * y), 1),
    "a multiple of a product": (lambda x, y: cr.sum((x + 1.0) * y * 4.0), 1),
    "a product with a multiple": (lambda x, y: cr.sum((4.0 * cr.exp(x)) * y), 1),
    "multiples of squares": (lambda x, y: cr.sum(100.0 * x * x + (y - x) ** 2 + 3.0 * (y * y)), 3),
    "a product that others need": (lambda x, y: (cr.sum(x * y), cr.exp(x * y)), 0),
    "a fraction, which may underflow": (lambda x, y: cr.sum((x * x) * 0.5), 0),
    "an infinite multiple": (lambda x, y: cr.sum((cr.exp(x) * math.inf) * cr.exp(y)), 1),
    "squares that may cancel": (lambda x, y: cr.sum(x * x - y * y), 0),
    "products that may cancel": (lambda x, y: cr.sum(x * y + x * x), 0),
    "along one axis": (lambda x, y: cr.sum(x * y + 1.0, axis=0), 0),
    "along no axis": (lambda x, y: cr.sum(cr.exp(x) * y, axis=()), 0),
    "repeated rows": (lambda x, y: cr.sum(cr.exp(x) * y[:1]), 0),
}


@pytest.mark.parametrize("name", SUMS)
def test_sums_of_products(name):
    f, count = SUMS[name]
    y = np.cos(X)
    check(f, X, y)
    assert dots(f, X, y) == count


def test_sums_of_products_of_floats_that_blas_sums_less_accurately():
    assert dots(lambda x: cr.sum((x + 1.0) * x), X.astype(np.float32)) == 0


def test_a_sum_of_squares_is_exact_but_for_last_digits():
    x = np.random.default_rng(1).normal(size=50_000)
    found = cr.function(lambda x: cr.sum(100.0 * x * x + (1.0 - x) ** 2))(x)
    want = math.fsum(100.0 * x * x) + math.fsum((1.0 - x) ** 2)
    assert abs(float(found) - want) <= 2e-15 * want
