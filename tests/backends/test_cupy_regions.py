"""Regions as CUDA kernels: what NumPy's functions give, for every operation, dtype and layout."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from scipy import optimize, special

import chainrule as cr
from chainrule import ops
from chainrule._passes.constant_folding import constant_folding
from chainrule._passes.dead_code import dead_code
from chainrule.regions import Region
from chainrule_cupy import _expressions, _regions, _source

pytestmark = pytest.mark.gpu

INF, NAN = np.inf, np.nan
RANDOM = np.random.default_rng(0)
FLOATS = ["float16", "float32", "float64"]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
EXACT = {"float16": 2e-3, "float32": 1e-6, "float64": 1e-14, "complex64": 1e-6, "complex128": 1e-14}


@pytest.fixture(autouse=True)
def backend() -> Iterator[Any]:
    """CuPy in force; skipped with its own reason where it cannot compute."""
    try:
        scope = cr.use_backend("cupy")
        found = scope.__enter__()
    except cr.BackendUnavailableError as error:
        pytest.skip(str(error))
    try:
        yield found
    finally:
        scope.__exit__(None, None, None)


def as_region(function: Callable[..., Any], *arrays: Any, space: Any = None) -> Region:
    """A function of arrays as a region, over the shape that they broadcast to."""
    program = cr.function(function).trace(*map(cr.tensor, arrays))
    for step in (constant_folding, dead_code):
        program = step(program, cr.get_backend())
    return Region(program, np.broadcast_shapes(*map(np.shape, arrays)) if space is None else space)


def computed(function: Callable[..., Any], *arrays: Any, space: Any = None) -> list[Any]:
    """What the kernel of a function, as one region, gives for its arrays."""
    backend = cr.get_backend()
    assert backend.fusion is not None
    region = as_region(function, *arrays, space=space)
    assert all(map(backend.fusion.takes, region.program.instructions)), str(region.program)
    assert backend.fusion.pays(region)
    kernel = backend.fusion.compile(region, backend)
    return [backend.to_numpy(y) for y in kernel(*(backend.asarray(x, None, None) for x in arrays))]


def agree(have: Any, want: Any, rtol: float | None = None) -> None:
    """Two results are the same, their dtypes too."""
    want = np.asarray(want)
    assert have.dtype == want.dtype
    assert have.shape == want.shape
    np.testing.assert_allclose(have, want, rtol=EXACT.get(str(want.dtype), 0) if rtol is None else rtol)


def numpy_of(function: Callable[..., Any], *arrays: Any) -> Any:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arrays)


SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1.5, INF, -INF, NAN, 7.0, -7.0])
WHOLE = np.array([0, 1, -1, 2, -3, 7, -7, 100, 127, -128])


def relu(x: Any) -> Any:
    return np.maximum(x, 0)


def in_dtype(function: Any) -> Any:
    """A function of SciPy's, which gives longer numbers for short ones, in the dtype of its input."""
    return lambda x: function(x.astype("float64")).astype(x.dtype)


def softplus(x: Any) -> Any:
    return np.logaddexp(x, x.dtype.type(0))


UNARY = {
    **{name: getattr(np, name) for name in ("abs", "negative", "positive", "sign", "square", "reciprocal", "conj")},
    **{name: getattr(np, name) for name in ("sqrt", "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "cbrt")},
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")},
    **{name: getattr(np, name) for name in ("asinh", "acosh", "atanh", "floor", "ceil", "trunc", "round")},
    **{name: getattr(np, name) for name in ("deg2rad", "rad2deg", "isnan", "isinf", "isfinite", "signbit")},
    **{"relu": relu, "sigmoid": in_dtype(special.expit), "softplus": softplus, "logical_not": np.logical_not},
    **{"real": np.real, "imag": np.imag, "identity": np.copy},
    **{name: in_dtype(getattr(special, name)) for name in ("erf", "erfc")},
}
BINARY = {
    **{name: getattr(np, name) for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "atan2")},
    **{name: getattr(np, name) for name in ("hypot", "copysign", "logaddexp", "floor_divide", "remainder", "pow")},
    **{name: getattr(np, name) for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")},
    **{name: getattr(np, name) for name in ("logical_and", "logical_or", "logical_xor")},
}
LOOSE = {"float16": 1e-2, "float32": 2e-6, "float64": 1e-13}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_number(name: str, dtype: str) -> None:
    x = SPECIAL.astype(dtype)
    (have,) = computed(getattr(ops, name), x)
    agree(have, numpy_of(UNARY[name], x), LOOSE[dtype])


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_hypotenuse_is_infinite_only_if_it_is(dtype: str) -> None:
    most = np.finfo(dtype).max
    a, b = np.array([[1.0, most / 2, most, np.inf, 3.0], [most, most / 2, most, 1.0, 4.0]], dtype)
    (have,) = computed(ops.hypot, a, b)
    agree(have, numpy_of(np.hypot, a, b), LOOSE[dtype])
    agree(ops.hypot(a, b).numpy(), have, 0.0)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_numbers(name: str, dtype: str) -> None:
    values = SPECIAL
    if name in ("floor_divide", "remainder"):  # CuPy's own divide by infinity in another way
        values = np.array([7.0, -7.0, 2.5, -2.5, 0.0, NAN, 1.0])
    a, b = (x.reshape(-1) for x in np.meshgrid(values.astype(dtype), values.astype(dtype)))
    if name in ("floor_divide", "remainder"):
        a, b = a[b != 0], b[b != 0]
    (have,) = computed(getattr(ops, name), a, b)
    agree(have, numpy_of(BINARY[name], a, b), LOOSE[dtype])


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", ["abs", "negative", "sign", "square", "floor", "round", "relu", "bitwise_invert"])
def test_functions_of_one_integer(name: str, dtype: str) -> None:
    x = WHOLE.astype(dtype)
    (have,) = computed(getattr(ops, name), x)
    agree(have, numpy_of({**UNARY, "bitwise_invert": np.invert}[name], x))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize(
    "name",
    [
        *("add", "subtract", "multiply", "maximum", "minimum", "floor_divide", "remainder", "equal", "less"),
        *("greater_equal", "bitwise_and", "bitwise_or", "bitwise_xor", "logical_and", "divide"),
    ],
)
def test_functions_of_two_integers(name: str, dtype: str) -> None:
    values = WHOLE[:-1].astype(dtype)  # the least number by -1 has no quotient
    a, b = (x.reshape(-1) for x in np.meshgrid(values, values))
    (have,) = computed(getattr(ops, name), a, b)
    want = numpy_of(getattr(np, name), a, b)
    agree(have, want if name != "divide" else want.astype("float64"))


def test_integers_to_whole_powers_that_are_known() -> None:
    for x in (np.arange(-4, 5), np.arange(9, dtype="uint8")):
        for n in (0, 1, 2, 3, 5):
            agree(computed(lambda x, n=n: x**n, x)[0], x**n)
    with pytest.raises(AssertionError):
        computed(lambda x: ops.pow(x, x), np.arange(3))  # where an exponent may be negative, the kernel refuses
    with pytest.raises(cr.ChainruleError, match="negative integer powers"):
        cr.function(lambda x: (x + 1) ** (x - 2))(cr.tensor([1, 2]))


@pytest.mark.parametrize(
    "name", ["add", "multiply", "maximum", "minimum", "logical_xor", "less", "equal", "bitwise_or"]
)
def test_functions_of_booleans(name: str) -> None:
    a, b = np.array([True, True, False, False]), np.array([True, False, True, False])
    agree(computed(getattr(ops, name), a, b)[0], getattr(np, name)(a, b))


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_numbers(dtype: str) -> None:
    z = (RANDOM.normal(size=11) + 1j * RANDOM.normal(size=11)).astype(dtype)
    w = z[::-1] * 2
    for name in ("add", "subtract", "multiply", "divide", "equal", "not_equal"):
        agree(computed(getattr(ops, name), z, w)[0], getattr(np, name)(z, w), 1e-5)
    for name in ("abs", "real", "imag", "conj", "negative", "square", "exp", "log", "sqrt", "sin", "cos", "tanh"):
        agree(computed(getattr(ops, name), z)[0], getattr(np, name)(z), 1e-5)
    agree(computed(lambda z: cr.sum(z * 2j), z)[0], np.sum(z * 2j), 1e-5)
    agree(computed(lambda z: cr.mean(z, axis=0), z)[0], np.mean(z, axis=0), 1e-5)


def test_every_operation_that_is_taken_is_tested() -> None:
    tested = {*UNARY, *BINARY, "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_invert"}
    elsewhere = {"astype", "broadcast_to", "clip", "multiply_zero_wins", "prevent_gradient", "stop_gradient", "strong"}
    assert set(_expressions._OPERATIONS) - tested == {*elsewhere, "where"}


def test_choices_and_bounds() -> None:
    x = SPECIAL
    agree(computed(lambda x: cr.where(x > 0, x, -1.0), x)[0], np.where(x > 0, x, -1.0))
    agree(computed(lambda c, x: cr.where(c, x, 0), WHOLE, WHOLE)[0], np.where(WHOLE != 0, WHOLE, 0))
    for low, high in ((-1.0, 1.0), (None, 1.0), (-1.0, None)):
        agree(computed(lambda x, low=low, high=high: cr.clip(x, low, high), x)[0], np.clip(x, low, high))
    g, d = np.array([0.0, 2.0, 0.0, 1.0]), np.array([INF, INF, NAN, NAN])
    agree(computed(ops.multiply_zero_wins, g, d)[0], [0.0, INF, 0.0, NAN])


@pytest.mark.parametrize("target", [*FLOATS, *INTEGERS, "bool", "complex64", "complex128"])
@pytest.mark.parametrize("source", ["float32", "float64", "float16", "int64", "uint8", "bool"])
def test_casts_are_numpys(source: str, target: str) -> None:
    x = np.array([0.0, 1.0, 2.0, 3.75, 100.0]).astype(source)
    agree(computed(lambda x: cr.astype(x, target), x)[0], x.astype(target))


def test_numbers_take_the_arrays_dtype() -> None:
    x = np.ones(3, "f")
    agree(computed(lambda x: x * 0.1 + 1e300, x)[0], np.full(3, INF, "f"))
    agree(computed(lambda x: (x * 0.1 - INF) * -1, x)[0], np.full(3, INF, "f"))
    agree(computed(lambda x: x * NAN, x)[0], np.full(3, NAN, "f"))
    agree(computed(lambda x: x + (-(2**63)), np.arange(3))[0], np.arange(3) + np.iinfo("int64").min)
    agree(computed(lambda x: x + (2**64 - 1), np.zeros(3, "uint64"))[0], np.full(3, 2**64 - 1, "uint64"))
    agree(computed(lambda x: x * 0.1, np.full(3, 3.0, "e"))[0], np.full(3, 3.0, "e") * 0.1)


def test_an_integer_that_does_not_fit_is_left_to_the_kernel() -> None:
    with pytest.raises(AssertionError):
        computed(lambda x: x + 300, np.zeros(2, "uint8"))


def test_short_numbers_are_rounded_after_each_operation() -> None:
    x = np.array([2048.0, 1.0 / 3], "e")
    agree(computed(lambda x: x + 1.0 - 2048.0, x)[0], x + np.float16(1) - np.float16(2048), 0)
    k = np.array([200, 255], "uint8")
    agree(computed(lambda k: cr.floor_divide(k + k, 2), k)[0], (k + k) // 2)


def test_short_floats_on_the_way_alone() -> None:
    x = np.array([1.0 / 3, 70000.0, 2.5], "f")
    short = numpy_of(lambda x: x.astype("e").astype("f"), x)
    agree(computed(lambda x: cr.astype(cr.astype(x, "float16"), "float32"), x)[0], short)
    agree(computed(lambda x: cr.max(cr.astype(cr.astype(x, "float16"), "float32")), x)[0], short.max())


def test_dtypes_mix_as_in_numpy() -> None:
    f, d = RANDOM.normal(size=9).astype("f"), RANDOM.normal(size=9)
    i, b = RANDOM.integers(-5, 5, 9), RANDOM.random(9) < 0.5
    have = computed(lambda f, d, i, b: (f * d, f + i, cr.where(b, f, d), f * 2 + True, i < f, i + b), f, d, i, b)
    for y, want in zip(have, (f * d, f + i, np.where(b, f, d), f * 2 + np.float32(1), i < f, i + b), strict=True):
        agree(y, want)


# Shapes and layouts

X = RANDOM.normal(size=(13, 7))


def test_broadcasting() -> None:
    row, column = X[0], X[:, :1]
    agree(computed(lambda x, r, c: (x + r) * c + 9.0, X, row, column)[0], (X + row) * column + 9.0)
    agree(computed(lambda r, c: r * c, row, column)[0], row * column)
    agree(computed(lambda r, c: cr.sum(r * c, axis=0), row, column)[0], (row * column).sum(0))
    agree(computed(lambda x: cr.broadcast_to(cr.exp(x), (4, 7)), row, space=(4, 7))[0], np.exp(row)[None].repeat(4, 0))
    agree(computed(lambda x: cr.sum(cr.broadcast_to(x, (4, 7)), axis=0), row, space=(4, 7))[0], 4 * row)


def test_arrays_that_do_not_lie_in_order() -> None:
    backend = cr.get_backend()
    x = backend.asarray(X, None, None)
    for view, want in ((x.T, X.T), (x[::2, ::-1], X[::2, ::-1]), (x[:, 1], X[:, 1])):
        region = as_region(lambda x: (cr.exp(x) * 2.0, cr.sum(x * x, axis=0)), want)
        y, total = backend.fusion.compile(region, backend)(view)
        agree(backend.to_numpy(y), np.exp(want) * 2.0)
        agree(backend.to_numpy(total), (want * want).sum(0), 1e-13)


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1), -1])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min"])
def test_reductions(name: str, axis: Any, keepdims: bool) -> None:
    have = computed(lambda x: getattr(cr, name)(x * x + 1.0, axis=axis, keepdims=keepdims), X)[0]
    agree(have, getattr(np, name)(X * X + 1.0, axis=axis, keepdims=keepdims), 1e-13)


@pytest.mark.parametrize("axis", [0, 1, 2, (0, 1), (1, 2), (0, 2)])
def test_several_results_of_three_axes(axis: Any) -> None:
    x = RANDOM.normal(size=(3, 4, 5))
    have = computed(lambda x: (cr.exp(x), cr.sum(cr.exp(x), axis=axis), cr.max(x * 2.0, axis=axis), cr.mean(x * x)), x)
    want = (np.exp(x), np.exp(x).sum(axis), (x * 2.0).max(axis), (x * x).mean())
    for y, w in zip(have, want, strict=True):
        agree(y, w, 1e-13)


@pytest.mark.parametrize("dtype", ["bool", *INTEGERS, *FLOATS])
def test_reductions_of_every_dtype(dtype: str) -> None:
    x = (RANDOM.integers(0, 9, (6, 5)) % (2 if dtype == "bool" else 9)).astype(dtype)
    have = computed(lambda x: (cr.sum(x, axis=0), cr.mean(x), cr.max(x, axis=1), cr.min(x)), x)
    for y, want in zip(have, (x.sum(0), x.mean(), x.max(1), x.min()), strict=True):
        agree(y, want, 2e-3 if dtype == "float16" else 1e-6)


def test_a_sum_of_short_floats_is_held_in_longer_ones() -> None:
    x = np.ones(5000, "e")
    agree(computed(lambda x: cr.mean(x * 1.0), x)[0], np.float16(1))
    agree(computed(lambda x: cr.sum(x * 1.0), x)[0], np.float16(5000))
    agree(
        computed(lambda x: cr.mean(x * 1.0), np.full(100, 60000.0, "e"))[0], np.float16(60000)
    )  # whose sum is not one


def test_nan_and_infinity_in_reductions() -> None:
    x = np.array([[1.0, NAN, 2.0], [-INF, 3.0, 4.0], [-INF, -INF, -INF]])
    for name in ("max", "min", "sum"):
        agree(computed(lambda x, name=name: getattr(cr, name)(x + 0.0, axis=1), x)[0], getattr(np, name)(x, axis=1))


@pytest.mark.parametrize("shape", [(100_000,), (3000, 4), (2, 50_000), (1 << 14,), (99_991,), (64, 3, 256)])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_long_reductions_in_two_steps(shape: tuple[int, ...], axis: Any) -> None:
    x, w = RANDOM.random(shape), RANDOM.random(shape[-1:])
    have = computed(lambda x, w: (cr.sum(x * w, axis=axis), cr.mean(x * w, axis=axis), cr.max(x - w, axis=axis)), x, w)
    want = ((x * w).sum(axis), (x * w).mean(axis), (x - w).max(axis))
    for y, expected in zip(have, want, strict=True):
        agree(y, expected, 1e-11)


def test_which_reductions_take_two_steps() -> None:
    assert _regions._split((1 << 20,), (0,), 2) == (0, 1 << 13)
    assert _regions._split((1 << 20,), (0,), 1) is None  # CuPy has a better kernel for those
    assert _regions._split((1 << 20, 16), (0,), 1) == (0, 512)
    assert _regions._split((1000, 10_000), (1,), 2) == (1, 8)
    assert _regions._split((1 << 14, 1 << 10), (1,), 2) is None
    assert _regions._split((1_000_003,), (0,), 2) is None  # which is a prime number


def norm(x: Any, xp: Any) -> Any:
    """A row less its mean, over its deviation."""
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    return centred / xp.sqrt(xp.mean(centred * centred, axis=-1, keepdims=True) + 1e-5)


def test_what_is_reduced_is_used_again() -> None:
    e = np.exp(X - X.max(-1, keepdims=True))
    have = computed(
        lambda x: ops.divide(
            cr.exp(x - cr.max(x, axis=-1, keepdims=True)),
            cr.sum(cr.exp(x - cr.max(x, axis=-1, keepdims=True)), axis=-1, keepdims=True),
        ),
        X,
    )
    agree(have[0], e / e.sum(-1, keepdims=True), 1e-13)
    agree(computed(lambda x: norm(x, cr), X)[0], norm(X, np), 1e-12)
    total, logarithm, shifted, mean = computed(
        lambda x: (
            cr.sum(x * x, axis=-1, keepdims=True),
            cr.log(cr.sum(x * x, axis=-1, keepdims=True)),  # of the rows' shape
            x - cr.log(cr.sum(x * x, axis=-1, keepdims=True)),
            cr.mean(x - cr.log(cr.sum(x * x, axis=-1, keepdims=True))),
        ),
        X,
    )
    squares = (X * X).sum(-1, keepdims=True)
    agree(total, squares, 1e-13)
    agree(logarithm, np.log(squares), 1e-13)
    agree(shifted, X - np.log(squares), 1e-13)
    agree(mean, (X - np.log(squares)).mean(), 1e-12)


def test_a_reduction_of_rows() -> None:
    have = computed(lambda x: cr.mean(cr.log(cr.sum(cr.exp(x), axis=-1, keepdims=True))), X)[0]
    agree(have, np.log(np.exp(X).sum(-1)).mean(), 1e-13)


@pytest.mark.parametrize(("dtype", "count"), [("float32", 1), ("float64", 1), ("float64", 2), ("complex128", 2)])
def test_totals_that_share_no_memory_are_of_several_kernels(dtype: str, count: int) -> None:
    n = {("complex128", 2): 7}.get((dtype, count), 12 * count)
    x = np.linspace(0.1, 2.0, 40).reshape(8, 5).astype(dtype)
    f = cr.function(lambda x: tuple(cr.sum(cr.exp(x) * cr.sin(x + float(i)), axis=0) for i in range(n)))
    for i, y in enumerate(f(cr.tensor(x))):
        np.testing.assert_allclose(y.numpy(), np.sum(np.exp(x) * np.sin(x + i), axis=0), rtol=1e-5, atol=1e-5)
    told = str(cr.explain(f, cr.tensor(x)))
    assert ("one CUDA kernel" if count == 1 else f"{count} CUDA kernels") in told


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_a_softmax_is_a_region(name: str, dtype: str) -> None:
    f, x = cr.function(getattr(cr, name)), (X * 3).astype(dtype)
    want = getattr(special, name)(x.astype("float64"), axis=-1).astype(dtype)
    np.testing.assert_allclose(f(cr.tensor(x)).numpy(), want, rtol=LOOSE[dtype], atol=LOOSE[dtype])
    assert "in 1 region (2 CUDA kernels)" in str(cr.explain(f, cr.tensor(x)))


def test_gradients_through_rows() -> None:
    def loss(x: Any) -> Any:
        return cr.mean(norm(cr.softmax(x), cr) ** 3) + cr.sum(cr.log_softmax(x * 2.0)[:, :2])

    with cr.use_backend("numpy"):
        want = cr.grad(loss)(X)
    np.testing.assert_allclose(cr.function(cr.grad(loss))(cr.tensor(X)).numpy(), want, rtol=1e-9, atol=1e-12)


def test_sums_to_a_shape() -> None:
    for shape in ((7,), (1, 7), (13, 1), (1, 1), ()):
        lead = X.ndim - len(shape)
        axes = (*range(lead), *(i + lead for i, n in enumerate(shape) if n == 1))
        want = X.sum(axes).reshape(shape) * 2.0
        agree(computed(lambda x, shape=shape: ops.sum_to(x * 2.0, shape=shape), X)[0], want, 1e-13)


def test_places_in_arrays_of_zeros_and_their_sums() -> None:
    def shifted(x: Any) -> Any:
        y = x * 2.0
        first = ops.scatter_add(y, key=((1, None, None),), shape=(9,))
        return first + ops.scatter_add(x * x, key=((None, -1, None),), shape=(9,)), cr.sum(y)

    x = RANDOM.normal(size=8)
    want = np.zeros(9)
    want[1:] += 2 * x
    want[:-1] += x * x
    have, total = computed(shifted, x)
    agree(have, want)
    agree(total, 2 * x.sum(), 1e-13)

    def twice(x: Any) -> Any:  # one value at two places, in two arrays
        y = cr.exp(x)
        a, b = (
            ops.scatter_add(y, key=((1, None, None),), shape=(9,)),
            ops.scatter_add(y, key=((0, 8, None),), shape=(9,)),
        )
        return a + b, ops.scatter_add(y, key=((None, None, 2),), shape=(16,)), y

    both, apart, y = computed(twice, x)
    want = np.zeros(9)
    want[1:] += np.exp(x)
    want[:-1] += np.exp(x)
    agree(both, want)
    wide = np.zeros(16)
    wide[::2] = np.exp(x)
    agree(apart, wide)
    agree(y, np.exp(x))


def test_a_value_in_two_sums_of_parts() -> None:
    def apart(x: Any) -> Any:
        y = cr.exp(x)
        first = ops.scatter_add(y, key=((1, None, None),), shape=(9,))
        overlapping = ops.scatter_add(x * 2.0, key=((None, -1, None),), shape=(9,))
        return first + overlapping, ops.scatter_add(y, key=((None, None, 2),), shape=(16,))

    x = RANDOM.normal(size=8)
    both, wide = computed(apart, x)
    want = np.zeros(9)
    want[1:] += np.exp(x)
    want[:-1] += 2 * x
    agree(both, want, 1e-13)
    agree(wide, np.stack([np.exp(x), np.zeros(8)], -1).reshape(-1))


def test_results_go_where_they_are_told() -> None:
    backend = cr.get_backend()
    region = as_region(lambda x: (x * 2.0, cr.sum(x * x, axis=0), cr.mean(x)), X)
    x = backend.asarray(X, None, None)
    out = (x, backend.full((7,), 9.0, None, None), None)
    kernel = backend.fusion.compile(region, backend)
    y, total, mean = kernel(backend.asarray(X, None, None), out=out)
    assert y is x
    assert total is out[1]
    agree(backend.to_numpy(x), X * 2.0)
    agree(backend.to_numpy(total), (X * X).sum(0), 1e-13)
    agree(backend.to_numpy(mean), X.mean(), 1e-13)


def test_results_may_lie_over_inputs() -> None:
    backend = cr.get_backend()
    region = as_region(lambda x: (cr.sum(x * x, axis=0), cr.exp(x) * 2.0), X)
    x = backend.asarray(X, None, None)
    total, y = backend.fusion.compile(region, backend)(x, out=(None, x))
    assert y is x
    agree(backend.to_numpy(total), (X * X).sum(0), 1e-13)
    agree(backend.to_numpy(x), np.exp(X) * 2.0)


# In programs


def test_a_program_becomes_one_kernel() -> None:
    f = cr.function(lambda x, w: cr.sum(cr.tanh(x * w + 1.0) ** 2))
    x, w = cr.tensor(X), cr.tensor(X[0])
    np.testing.assert_allclose(f(x, w).numpy(), (np.tanh(X * X[0] + 1.0) ** 2).sum(), rtol=1e-13)
    assert "5 instructions in 1 region (one CUDA kernel)" in str(cr.explain(f, x, w))


def test_gradients_of_shifted_slices() -> None:
    def rosenbrock(x: Any) -> Any:
        return cr.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    x = X.reshape(-1)
    value, gradient = cr.function(cr.value_and_grad(rosenbrock))(cr.tensor(x))
    np.testing.assert_allclose(value.numpy(), optimize.rosen(x), rtol=1e-12)
    np.testing.assert_allclose(gradient.numpy(), optimize.rosen_der(x), rtol=1e-10, atol=1e-12)


def test_a_python_number_that_is_fed() -> None:
    f = cr.function(lambda x, rate: x - rate * (2.0 * x))
    for x in (X, X.astype("f")):
        y = f(cr.tensor(x), 0.1)
        assert str(y.dtype) == str(x.dtype)
        np.testing.assert_allclose(y.numpy(), x - x.dtype.type(0.1) * (2 * x), rtol=1e-6)


def test_single_numbers() -> None:
    f = cr.function(lambda a, b: cr.exp(a * b) + cr.sin(a) - b)
    np.testing.assert_allclose(f(cr.tensor(0.5), cr.tensor(2.0)).numpy(), np.exp(1.0) + np.sin(0.5) - 2.0, rtol=1e-14)


def test_a_region_of_too_many_arrays_is_not_one() -> None:
    arrays = [cr.tensor(np.full((2, 3, 4), float(i))) for i in range(90)]

    def total(*arrays: Any) -> Any:
        result = arrays[0] * 1.5
        for x in arrays[1:]:
            result = result + x * 1.5
        return result

    region = as_region(total, *(x.numpy() for x in arrays))
    assert not cr.get_backend().fusion.pays(region)
    np.testing.assert_allclose(cr.function(total)(*arrays).numpy(), np.full((2, 3, 4), 1.5 * sum(range(90))))


def test_regions_can_be_switched_off() -> None:
    f = cr.function(lambda x: cr.exp(x) * 2.0)
    for scope in (cr.use_jit("off"), cr.use_strict_math()):
        with scope:
            assert "CUDA kernel" not in str(cr.explain(f, cr.tensor(X)))
            np.testing.assert_allclose(f(cr.tensor(X)).numpy(), np.exp(X) * 2.0, rtol=1e-14)
    assert "one CUDA kernel" in str(cr.explain(f, cr.tensor(X)))


def test_the_same_text_is_the_same_kernel() -> None:
    def kernel(factor: float) -> Any:
        region = as_region(lambda x: cr.exp(x) * factor, X)
        return _regions.Kernels(__import__("cupy"), region)._steps[0]._kernel

    assert kernel(2.5) is kernel(2.5)
    assert kernel(2.5) is not kernel(3.5)
    assert kernel(2.5).name.startswith("chainrule_region_")


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["cbrt", "multiply_zero_wins", "sigmoid", "softplus"])
def test_operations_of_several_functions_are_one_kernel(name: str, dtype: str) -> None:
    function = getattr(ops, name)
    inputs = [SPECIAL.astype(dtype), SPECIAL[::-1].astype(dtype)][: function.op.n_inputs]
    have = function(*map(cr.tensor, inputs)).numpy()
    assert any(f"x{len(inputs) - 1}" in text and text.startswith(dtype) for text in _source._kernels)
    np.testing.assert_array_equal(have, computed(function, *inputs)[0])  # which is tested above


def test_what_is_not_alike_is_left_to_generic_kernels() -> None:
    k = np.array([-2, 0, 3])
    np.testing.assert_allclose(ops.sigmoid(cr.tensor(k)).numpy(), special.expit(k))
    z = np.array([0.5 + 1j, -1.0])
    np.testing.assert_allclose(ops.sigmoid(cr.tensor(z)).numpy(), 1 / (1 + np.exp(-z)))
    g, d = np.array([0.0, 2.0], "f"), np.array([INF, 3.0])
    agree(ops.multiply_zero_wins(cr.tensor(g), cr.tensor(d)).numpy(), np.array([0.0, 6.0]))
    agree(ops.multiply_zero_wins(cr.tensor(g), 3.0).numpy(), g * np.float32(3))


def test_sources_can_be_listed() -> None:
    computed(lambda x: (cr.exp(x) * 41.25, cr.sum(x * 43.25)), X)
    listed = _source.sources()
    assert any("41.25" in source and 'extern "C" __global__' in source for source in listed)
    assert any("43.25" in source and "chainrule_totals" in source for source in listed)


def test_an_empty_region_is_none() -> None:
    f = cr.function(lambda x: (cr.exp(x) * 2.0, cr.sum(x * 2.0)))
    y, total = f(cr.tensor(np.zeros((0, 3))))
    assert y.shape == (0, 3)
    assert total.item() == 0.0


def test_plans_keep_no_memory_of_their_own() -> None:
    f = cr.function(lambda x: cr.sum(cr.matmul(cr.exp(x), cr.exp(x.T) * 2.0) * 3.0))
    assert cr.get_backend().workspace is None
    assert "a workspace" not in str(cr.explain(f, cr.tensor(X)))
    np.testing.assert_allclose(f(cr.tensor(X)).numpy(), (np.exp(X) @ (np.exp(X.T) * 2) * 3).sum(), rtol=1e-12)
