"""NumPy's functions on tensors give what they give on arrays, and the derivatives of that.

The reference of values is NumPy on arrays, that of derivatives finite differences of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_testing._numbers import along

Array = Any
RNG = np.random.default_rng(7)
V = np.array([0.7, -1.3, 2.1, 0.2, -0.4])
W = np.array([1.1, 0.4, -0.6])
M = np.array([[0.3, -1.2, 2.2, 0.8], [1.7, 0.6, -0.9, -2.1], [-0.2, 1.4, 0.1, 3.3]])
S = RNG.permutation(24).reshape(2, 3, 4) * 0.31 - 3.6
HOLES = np.array([[0.3, np.nan, 2.2, 0.8], [np.nan, 0.6, -0.9, -2.1], [-0.2, 1.4, 0.1, 3.3]])
GRID = np.array([-2.0, -0.5, 0.4, 1.5, 3.0])
MASK = np.array([[True, False, True, True], [True, True, False, True], [False, True, True, True]])

Case = tuple[Callable[..., Any], tuple[Array, ...]]


def of(f: Callable[..., Any], *arrays: Array) -> Case:
    return f, arrays


ELEMENTWISE = {
    "logaddexp2": of(np.logaddexp2, V, V[::-1]),
    "fmax": of(np.fmax, V, V[::-1] + 0.1),
    "fmin": of(np.fmin, V, 0.3),
    "fmod": of(np.fmod, V * 5, np.array([1.1, -0.7, 1.3, 0.9, -2.0])),
    "heaviside": of(np.heaviside, V, 0.5),
    "sinc": of(np.sinc, V),
    "sinc of small and large": of(np.sinc, np.array([1e-5, 0.99, 1.01, 7.3, -20.2])),
    "i0": of(np.i0, V),
    "float_power": of(np.float_power, np.abs(V), 1.5),
    "ldexp": of(lambda x: np.ldexp(x, np.array([1, 2, -1, 0, 3])), V),
    "modf": of(np.modf, V),
    "divmod": of(np.divmod, V * 3, np.array([1.1, -0.7, 1.3, 0.9, -2.0])),
    "builtin divmod": of(lambda x: divmod(x, 0.83), V),
    "nan_to_num": of(lambda x: np.nan_to_num(x, nan=1.5), HOLES),
    "angle in degrees": of(lambda x: np.angle(x + 1j, deg=True), V),
    "fix": of(np.fix, V),
    "around": of(lambda x: np.around(x, 1), V),
    "unwrap": of(lambda x: np.unwrap(x * 3), V),
    "unwrap, period": of(lambda x: np.unwrap(x, period=1.0, axis=0), M),
    "unwrap, discont": of(lambda x: np.unwrap(x, discont=1.25, period=1.1), M),
    "a dtype": of(lambda x: np.add(x, 1.0, dtype=np.float64), V),
    "real_if_close": of(lambda x: np.real_if_close(x + 1e-20j), V),
}
REDUCTIONS = {
    "sum, where": of(lambda x: np.sum(x, axis=0, where=MASK), M),
    "sum, initial": of(lambda x: np.sum(x, initial=2.0, keepdims=True), M),
    "prod, where": of(lambda x: np.prod(x, axis=1, where=MASK, initial=0.5), M),
    "max, initial": of(lambda x: np.max(x, axis=1, initial=1.0), M),
    "max, where": of(lambda x: np.max(x, axis=0, initial=-9.0, where=MASK), M),
    "min": of(lambda x: np.amin(x, (0, 2)), S),
    "mean, where": of(lambda x: np.mean(x, axis=1, where=MASK), M),
    "var, where": of(lambda x: np.var(x, axis=1, where=MASK, ddof=1), M),
    "var, mean": of(lambda x: np.var(x, axis=1, mean=np.mean(x, axis=1, keepdims=True)), M),
    "std, where": of(lambda x: np.std(x, where=MASK), M),
    "cumsum": of(np.cumsum, M),
    "cumprod": of(lambda x: np.cumprod(x, axis=0), M),
    "nansum": of(lambda x: np.nansum(x, axis=0), HOLES),
    "nanprod": of(np.nanprod, HOLES),
    "nanmean": of(lambda x: np.nanmean(x, axis=1, keepdims=True), HOLES),
    "nanmean, where": of(lambda x: np.nanmean(x, axis=1, where=MASK), HOLES),
    "nanvar": of(lambda x: np.nanvar(x, axis=1, ddof=1), HOLES),
    "nanstd": of(lambda x: np.nanstd(x, axis=0), HOLES),
    "nanmax": of(lambda x: np.nanmax(x, axis=0), HOLES),
    "nanmin": of(np.nanmin, HOLES),
    "nancumsum": of(lambda x: np.nancumsum(x, axis=1), HOLES),
    "nancumprod": of(np.nancumprod, HOLES),
    "nanmedian": of(lambda x: np.nanmedian(x, axis=1), HOLES),
    "nanquantile": of(lambda x: np.nanquantile(x, [0.2, 0.7], axis=1), HOLES),
    "nanpercentile": of(lambda x: np.nanpercentile(x, 35, axis=0), HOLES),
    "median of even": of(lambda x: np.median(x, axis=1), M),
    "median of odd": of(np.median, V),
    "median over axes": of(lambda x: np.median(x, axis=(0, 2), keepdims=True), S),
    "percentile": of(lambda x: np.percentile(x, [0, 30, 100], axis=1), M),
    **{
        f"quantile, {method}": of(
            lambda x, method=method: np.quantile(x, [0.1, 0.37, 0.5, 1.0], axis=-1, method=method), S
        )
        for method in (
            *("linear", "lower", "higher", "midpoint", "nearest", "interpolated_inverted_cdf", "hazen", "weibull"),
            *("median_unbiased", "normal_unbiased"),
        )
    },
    "quantile by q": of(lambda x, q: np.quantile(x, q), V, np.array([0.3, 0.9])),
    "ptp": of(lambda x: np.ptp(x, axis=1), M),
    "average": of(lambda x, w: np.average(x, weights=w), M, np.abs(M)),
    "average along an axis": of(lambda x, w: np.average(x, 1, w, returned=True), M, np.array([1.0, 2.0, 0.5, 3.0])),
    "average of all alike": of(lambda x: np.average(x, axis=0, returned=True), M),
    "cov": of(np.cov, M),
    "cov of two": of(lambda x, y: np.cov(x, y, rowvar=False, bias=True), M, M[:, :1]),
    "cov, weights": of(
        lambda x: np.cov(x, fweights=np.array([1, 2, 1, 3]), aweights=np.array([0.5, 1.0, 2.0, 0.3])), M
    ),
    "cov of one": of(lambda x: np.cov(x, ddof=0), V),
    "corrcoef": of(np.corrcoef, M),
    "add.reduce": of(lambda x: np.add.reduce(x, axis=1, keepdims=True), M),
    "multiply.reduce": of(np.multiply.reduce, M),
    "maximum.reduce": of(lambda x: np.maximum.reduce(x, axis=None), M),
    "logaddexp.reduce": of(lambda x: np.logaddexp.reduce(x), M),
    "fmax.reduce": of(np.fmax.reduce, HOLES),
    "add.accumulate": of(np.add.accumulate, M),
    "maximum.accumulate": of(lambda x: np.maximum.accumulate(x, axis=1), M),
    "minimum.accumulate": of(np.minimum.accumulate, S),
    "subtract.outer": of(np.subtract.outer, V, W),
    "the method sum, where": of(lambda x: x.sum(axis=0, where=MASK), M),
    "the method std": of(lambda x: x.std(1, ddof=1), M),
}
SIGNALS = {
    "interp": of(np.interp, np.array([-3.0, -1.0, 0.4, 0.9, 2.9, 3.5]) + 0.01, GRID, V),
    "interp, ends": of(
        lambda x, f: np.interp(x, GRID, f, left=-7.0, right=9.0), np.array([[-3.0, 1.0], [9.0, 2.0]]), V
    ),
    "interp, period": of(lambda x, f: np.interp(x, GRID, f, period=6.0), np.array([-4.0, 3.3, 11.2]), V),
    **{
        f"{name} of {m} and {n}, {mode}": of(
            lambda a, b, name=name, mode=mode: getattr(np, name)(a, b, mode), RNG.normal(size=m), RNG.normal(size=n)
        )
        for name in ("convolve", "correlate")
        for mode in ("full", "same", "valid")
        for m, n in ((5, 3), (5, 2), (3, 4), (4, 4), (1, 3))
    },
    "trapezoid": of(lambda y: np.trapezoid(y, dx=0.3, axis=0), M),
    "trapezoid at places": of(lambda y, x: np.trapezoid(y, x), M, GRID[:4]),
    "trapezoid at places of each": of(lambda y, x: np.trapezoid(y, x, axis=0), M, np.cumsum(np.abs(M), axis=0)),
    "gradient": of(np.gradient, V),
    "gradient of a matrix": of(np.gradient, M),
    "gradient at places": of(lambda f, x: np.gradient(f, x, edge_order=2), V, GRID),
    "gradient, distances": of(lambda f: np.gradient(f, 0.5, 2.0, edge_order=2), M),
    "gradient, one axis": of(lambda f: np.gradient(f, 0.5, axis=-1), S),
    "diff": of(lambda x: np.diff(x, n=2, axis=0), M),
    "diff, ends": of(lambda x: np.diff(x, prepend=0.5, append=x[:, :2]), M),
    "ediff1d": of(lambda x: np.ediff1d(x, to_end=[1.0, 2.0], to_begin=x[0]), V),
    "polyval": of(np.polyval, W, M),
    "polyder": of(lambda p: np.polyder(p, 2), V),
    "polyint": of(lambda p: np.polyint(p, 2, [3.0, 4.0]), V),
    "polyadd": of(np.polyadd, V, W),
    "polysub": of(np.polysub, W, V),
    "polymul": of(np.polymul, V, W),
    "polydiv": of(np.polydiv, V, W),
    "polyfit": of(lambda x, y: np.polyfit(x, y, 2), GRID, V),
    "polyfit, weights": of(
        lambda y: np.polyfit(GRID, y, 1, w=np.array([1.0, 2.0, 0.5, 1.0, 3.0])), M.T[[0, 1, 2, 3, 0]]
    ),
    "poly": of(np.poly, W),
    "vander": of(np.vander, W),
    "vander, increasing": of(lambda x: np.vander(x, 5, increasing=True), W),
    "linspace": of(lambda a, b: np.linspace(a, b, 4), V, V[::-1] + 3.0),
    "logspace": of(lambda a: np.logspace(a[0], a[1], 4, base=2.0), W),
    "geomspace": of(lambda a: np.geomspace(a[0], 8.0, 4), W),
    "bincount": of(lambda w: np.bincount([0, 3, 1, 0, 3], w, minlength=6), V),
    "histogram": of(lambda w: np.histogram(GRID, 3, range=(-1.0, 3.0), weights=w)[0], V),
    "histogram, edges": of(lambda w: np.histogram(GRID, [-2.0, 0.0, 1.5, 3.0], weights=w, density=True)[0], np.abs(V)),
}
PADS: dict[str, Case] = {
    f"pad, {mode}{', ' if options else ''}{', '.join(map(str, options.values()))}, {width}": of(
        lambda x, mode=mode, width=width, options=options: np.pad(x, width, mode, **options), x
    )
    for mode, options in (
        ("constant", {}),
        ("constant", {"constant_values": ((1.0, 2.0),)}),
        ("edge", {}),
        ("reflect", {}),
        ("reflect", {"reflect_type": "odd"}),
        ("symmetric", {}),
        ("symmetric", {"reflect_type": "odd"}),
        ("wrap", {}),
        ("linear_ramp", {}),
        ("linear_ramp", {"end_values": (5.0, -4.0)}),
        ("maximum", {}),
        ("mean", {"stat_length": 2}),
        ("median", {}),
        ("minimum", {"stat_length": ((1, 2),)}),
    )
    for x, width in ((V, 2), (V, (7, 12)), (M, ((1, 0), (2, 5))))
}
ARRANGEMENTS = {
    "rot90": of(np.rot90, M),
    "rot90 thrice": of(lambda x: np.rot90(x, 3, (2, 1)), S),
    "rot90 back": of(lambda x: np.rot90(x, -2), M),
    "fliplr": of(np.fliplr, M),
    "flipud": of(np.flipud, M),
    "flip": of(lambda x: np.flip(x, (0, 2)), S),
    "roll": of(lambda x: np.roll(x, (1, -2), (0, 1)), M),
    "rollaxis": of(lambda x: np.rollaxis(x, 2, 1), S),
    "rollaxis to the end": of(lambda x: np.rollaxis(x, 0, 3), S),
    "diagonal": of(np.diagonal, S),
    "diagonal, axes": of(lambda x: np.diagonal(x, 1, 2, 0), S),
    "trace": of(lambda x: np.trace(x, -1, 1, 2), S),
    "diagflat": of(lambda x: np.diagflat(x, -1), W),
    "atleast_3d": of(lambda x, y: np.atleast_3d(x, y), W, M),
    "atleast_2d": of(np.atleast_2d, W),
    "dstack": of(lambda x, y: np.dstack([x, y]), M, M + 1),
    "vstack": of(lambda x, y: np.vstack([x, y[:4]]), M, V),
    "stack": of(lambda x, y: np.stack([x, y], axis=-1), M, M + 1),
    "concatenate": of(lambda x, y: np.concatenate([x, y], axis=None), M, V),
    "block": of(lambda x, y: np.block([[x, np.ones((3, 1))], [y, 2.0]]), M, V[:4]),
    "array_split": of(lambda x: np.array_split(x, 3), V),
    "hsplit": of(lambda x: np.hsplit(x, [1, 3]), M),
    "vsplit": of(lambda x: np.vsplit(x, 3), M),
    "dsplit": of(lambda x: np.dsplit(x, 2), S),
    "append": of(lambda x, y: np.append(x, y), M, V),
    "append, axis": of(lambda x, y: np.append(x, y, axis=0), M, M[:1]),
    "delete": of(lambda x: np.delete(x, [1, -1], axis=1), M),
    "delete a slice": of(lambda x: np.delete(x, slice(None, None, 2)), M),
    "insert": of(lambda x, y: np.insert(x, 1, y), V, 5.0),
    "insert several": of(lambda x, y: np.insert(x, [1, 3, 1], y, axis=1), M, M[:, :3]),
    "insert a row": of(lambda x, y: np.insert(x, 1, y, axis=0), M, V[:4]),
    "insert values at one place": of(lambda x, y: np.insert(x, 2, y), V, W),
    "resize": of(lambda x: np.resize(x, (3, 4)), V),
    "repeat": of(lambda x: np.repeat(x, [1, 0, 2], axis=0), M),
    "take, clip": of(lambda x: np.take(x, [-9, 1, 9], axis=1, mode="clip"), M),
    "take, wrap": of(lambda x: np.take(x, [-9, 1, 19], mode="wrap"), M),
    "meshgrid": of(lambda x, y: np.meshgrid(x, y), V, W),
    "meshgrid, sparse": of(lambda x, y: np.meshgrid(x, y, 2.0, indexing="ij", sparse=True), V, W),
    "broadcast_arrays": of(np.broadcast_arrays, M, V[:4]),
    "partition": of(lambda x: np.sort(np.partition(x, 2)), V),
    "kron": of(np.kron, M, W),
    "kron of two": of(np.kron, S, M[:2]),
    "cross": of(lambda x, y: np.cross(x, y), M.T, W),
    "cross, axes": of(lambda x, y: np.cross(x, y, axisa=0, axisb=1, axisc=0), M, M.T),
    "vdot": of(np.vdot, M, M + 1.0),
    "matvec": of(np.matvec, S, V[:4]),
    "vecmat": of(np.vecmat, W, S),
    "einsum, diagonal": of(lambda x: np.einsum("iij->ji", x[:, :2]), S),
    "einsum, ellipsis": of(lambda x, y: np.einsum("...ij,...j", x, y, optimize=True), S, V[:4]),
    "einsum, lists": of(lambda x, y: np.einsum(x, [0, 1], y, [1], [0]), M, V[:4]),
    "einsum, implicit": of(lambda x: np.einsum("ba", x), M),
}
CHOICES = {
    "select": of(lambda x: np.select([x < 0, x < 1], [x**2, np.sin(x)], 7.0), V),
    "piecewise": of(lambda x: np.piecewise(x, [x < 0, x > 1], [np.exp, np.log, lambda x: x**2]), V),
    "piecewise of numbers": of(lambda x: np.piecewise(x, [x < 0, x >= 0], [-1.0, np.sqrt]), V),
    "choose": of(lambda x, y: np.choose([0, 1, 1, 0, 1], [x, y]), V, 3.0),
    "choose, wrap": of(lambda x: np.choose(np.array([4, -1, 0]), [x, 2 * x, x**2], mode="wrap"), W),
    "compress": of(lambda x: np.compress([True, False, True], x, axis=0), M),
    "extract": of(lambda x: np.extract(x > 0, x), M),
    "unique": of(np.unique, W),
    "unique rows": of(lambda x: np.unique(x, axis=0), M[[2, 0, 1]]),
    "apply_along_axis": of(lambda x: np.apply_along_axis(lambda v: v[:2] * np.sum(v), 1, x), S),
    "apply_along_axis to numbers": of(lambda x: np.apply_along_axis(np.prod, 0, x), M),
    "apply_over_axes": of(lambda x: np.apply_over_axes(np.sum, x, [0, -1]), S),
    "sort, flat": of(lambda x: np.sort(x, axis=None), M),
    "ix_": of(lambda x: x[np.ix_([0, 2], [1, 3])], M),
    "where": of(lambda x, y: np.where(x > 0, x, y), V, 2.0),
    "take_along_axis": of(lambda x: np.take_along_axis(x, np.argsort(x, axis=1), axis=1), M),
    "put into zeros_like": of(lambda x: np.zeros_like(x) + x * np.tri(3, 4), M),
}
CASES = ELEMENTWISE | REDUCTIONS | SIGNALS | PADS | ARRANGEMENTS | CHOICES


def results(y: Any) -> list[Any]:
    return list(y) if isinstance(y, tuple | list) else [y]


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_values_and_derivatives_are_those_of_numpy(case: Case) -> None:
    f, arrays = case
    want = [np.asarray(y) for y in results(f(*arrays))]
    got = results(f(*map(cr.tensor, arrays)))
    assert len(got) == len(want)
    for y, expected in zip(got, want, strict=True):
        assert isinstance(y, cr.Tensor)
        assert (y.shape, y.dtype) == (expected.shape, str(expected.dtype))
        np.testing.assert_allclose(y.numpy(), expected, rtol=1e-12, atol=1e-13)
    cs = [np.cos(1.0 + np.arange(y.size)).reshape(y.shape) for y in want]
    xs = [np.asarray(x) for x in arrays]

    def scalar(*xs: Any) -> Any:
        parts = [np.sum(c * y) for c, y in zip(cs, results(f(*xs)), strict=True)]
        return sum(parts[1:], parts[0])

    ds = [np.sin(0.3 + np.arange(x.size)).reshape(x.shape) for x in xs]
    es = [np.cos(0.7 + 2.0 * np.arange(x.size)).reshape(x.shape) for x in xs]
    places = tuple(range(len(xs)))
    gradients = cr.grad(scalar, places)(*xs)
    first = sum(float(np.sum(np.where(np.isfinite(x), g * d, 0.0))) for x, g, d in zip(xs, gradients, ds, strict=True))
    plain = lambda xs: float(scalar(*xs))  # noqa: E731
    np.testing.assert_allclose(first, along(plain, xs, ds), rtol=1e-7, atol=1e-8)
    for x, g in zip(xs, gradients, strict=True):
        assert (g.shape, g.dtype) == (x.shape, x.dtype)
    second = cr.grad(
        lambda *xs: sum(np.sum(g * d) for g, d in zip(cr.grad(scalar, places)(*xs), ds, strict=True)), places
    )
    got = sum(float(np.sum(np.where(np.isfinite(x), g * e, 0.0))) for x, g, e in zip(xs, second(*xs), es, strict=True))
    np.testing.assert_allclose(got, along(lambda xs: along(plain, xs, ds), xs, es), rtol=1e-5, atol=1e-5)


TIES: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
    "median": (np.median, [1.0, 2.0, 2.0, 2.0, 5.0], [0, 1 / 3, 1 / 3, 1 / 3, 0]),
    "quantile": (lambda x: np.quantile(x, 0.5), [1.0, 1.0, 2.0, 2.0], [0.25, 0.25, 0.25, 0.25]),
    "ptp": (np.ptp, [1.0, 1.0, 3.0], [-0.5, -0.5, 1.0]),
    "running maxima": (lambda x: np.sum(np.maximum.accumulate(x)), [1.0, 1.0, 0.0, 3.0, 3.0], [2, 1, 0, 1.5, 0.5]),
    "running minima": (lambda x: np.sum(np.minimum.accumulate(x)), [2.0, 3.0, 2.0], [2.5, 0.0, 0.5]),
    "fmax": (lambda x: np.sum(np.fmax(x, x[::-1])), [1.0, 1.0], [1.0, 1.0]),
    "unique": (lambda x: np.sum(np.unique(x) * [1.0, 2.0]), [1.0, 3.0, 1.0], [1.0, 2.0, 0.0]),
    "NaN left out": (np.nansum, [1.0, np.nan], [1.0, 0.0]),
    "NaN replaced": (lambda x: np.sum(np.nan_to_num(x)), [1.0, np.nan, np.inf], [1.0, 0.0, 0.0]),
    "equal elements": (np.nanstd, [2.0, 2.0, 2.0], [0.0, 0.0, 0.0]),
}


@pytest.mark.parametrize("shape", [(6, 2), (5, 2, 2), (0, 3), (3, 0), (0,), (6,)], ids=str)
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_unique_is_numpys(shape: tuple[int, ...], axis: int | None) -> None:
    x = RNG.integers(0, 2, shape)
    for y, want in zip(
        np.unique(cr.tensor(x), True, True, True, axis), np.unique(x, True, True, True, axis), strict=True
    ):
        np.testing.assert_array_equal(y.numpy(), want)


NARROW = V.astype("float32")


@pytest.mark.parametrize(
    "f",
    [
        np.gradient,
        lambda x: np.gradient(x, 0.5),
        lambda x: np.histogram(x, 3)[1],
        lambda x: np.quantile(x, np.float32(0.3)),
    ],
    ids=["gradient", "gradient, spacing", "edges of a histogram", "quantile"],
)
def test_numbers_of_32_bits_stay_so(f: Callable[[Any], Any]) -> None:
    y, want = f(cr.tensor(NARROW)), f(NARROW)
    assert y.dtype == str(want.dtype) == "float32"
    np.testing.assert_allclose(y.numpy(), want, rtol=1e-6)


def test_counted_observations_of_32_bits_stay_so() -> None:
    counts = np.array([1, 2, 1, 3])
    y = np.cov(cr.tensor(M.astype("float32")), fweights=counts)
    assert y.dtype == "float32"
    np.testing.assert_allclose(y.numpy(), np.cov(M, fweights=counts), rtol=1e-5)


@pytest.mark.parametrize(
    "f",
    [
        np.diff,
        lambda x: np.diff(x, 2, axis=0),
        lambda x: np.diff(x, 0),
        lambda x: np.isclose(x, x[:, ::-1]),
        lambda x: np.bincount(x[0] * 3, weights=x[0]),
        lambda x: np.bincount(x[0] * 3, weights=x[0] * 2),
    ],
    ids=["diff", "diff twice", "diff not at all", "isclose", "weights of booleans", "weights of integers"],
)
def test_booleans_are_computed_with_as_by_numpy(f: Callable[[Any], Any]) -> None:
    y, want = f(cr.tensor(MASK)), f(MASK)
    assert y.dtype == str(want.dtype)
    np.testing.assert_array_equal(y.numpy(), want)


@pytest.mark.parametrize(("f", "x", "want"), TIES.values(), ids=TIES)
def test_conventions_where_there_is_no_derivative(f: Callable[[Any], Any], x: Any, want: Any) -> None:
    np.testing.assert_allclose(cr.grad(f)(np.array(x)), want, rtol=1e-15)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_of_two_equal_numbers_logaddexp2_is_exactly_one_more(dtype: str, compiled: bool) -> None:
    f = cr.function(cr.logaddexp2) if compiled else cr.logaddexp2
    x = cr.tensor([-1.0, 0.0, -3.5, 7.0, np.inf, -np.inf], dtype=dtype)
    np.testing.assert_array_equal(f(x, x).numpy(), x.numpy() + np.ones((), dtype))
    np.testing.assert_array_equal(cr.grad(lambda x: cr.sum(f(x, x)))(x[:4]).numpy(), np.ones(4, dtype))


def test_the_median_of_booleans_is_a_number() -> None:
    x = np.array([[True, False], [True, True]])
    found = cr.median(x, axis=1)
    assert found.dtype == "float64"
    np.testing.assert_array_equal(found.numpy(), np.median(x, axis=1))
