"""Special functions as a package: SciPy's names and values, shapes and dtypes, what is refused and why."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import scipy.special

import chainrule as cr
import chainrule_special
from chainrule_special import _kernels
from chainrule_testing.samples.special import SAMPLES

special = cr.special
X = np.array([0.3, 0.7, 0.45])
UFUNCS = [name for name in chainrule_special.__all__ if isinstance(getattr(scipy.special, name, None), np.ufunc)]
COMPLEX = {"hankel1", "hankel1e", "hankel2", "hankel2e", "wofz"}  # what they give
ROWS = [name for name in UFUNCS if f"special.{name}" in SAMPLES]


def inputs_of(name: str) -> tuple[Any, ...]:
    """The arrays of the first sample of an operation, as many as the public function takes."""
    n = len(inspect.signature(getattr(special, name)).parameters)
    return SAMPLES[f"special.{name}"].cases[0][0][:n]


def results(y: Any) -> tuple[Any, ...]:
    return y if isinstance(y, tuple) else (y,)


def test_what_is_registered() -> None:
    assert cr.special is chainrule_special
    assert set(cr.plugins()["special"].registered["ops"]) == set(SAMPLES)
    assert len(SAMPLES) > 95


def test_nothing_is_imported_before_it_computes() -> None:
    program = """
import sys, chainrule as cr, chainrule_special.plugin
assert not {'numpy', 'scipy', 'chainrule_special._rows'} & set(sys.modules)
cr.grad(cr.special.j0)(1.0)
assert 'scipy.special' in sys.modules and 'chainrule_special._gamma' not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("name", ROWS)
def test_scipys_ufuncs_on_tensors(name: str) -> None:
    """They give what they give for arrays; the derivative passes them."""
    arrays = inputs_of(name)
    expected = results(getattr(scipy.special, name)(*arrays))
    found = results(getattr(scipy.special, name)(*arrays[:-1], cr.tensor(arrays[-1])))
    for y, want in zip(found, expected, strict=True):
        assert isinstance(y, cr.Tensor)
        np.testing.assert_array_equal(y.numpy(), want)


def test_functions_of_scipy_that_are_no_ufuncs() -> None:
    t = cr.tensor(X)
    for found, expected in (
        (scipy.special.zeta(2.5, t), scipy.special.zeta(2.5, X)),
        (scipy.special.zeta(t + 2.0), scipy.special.zeta(X + 2.0)),
        (scipy.special.lambertw(t, -1), scipy.special.lambertw(X, -1)),
    ):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-14)


@pytest.mark.parametrize("name", ROWS)
def test_single_numbers_and_empty_arrays(name: str) -> None:
    """The last input, in single precision: of no dimension, and without elements, beside Python numbers."""
    *others, last = inputs_of(name)
    numbers = [x.reshape(-1)[1].item() for x in others]
    for shape in ((), (0, 2)):
        x = cr.tensor(np.full(shape, last.reshape(-1)[0]), dtype="float32")
        ys, pull = cr.vjp(lambda x: results(getattr(special, name)(*numbers, x)), x)
        assert {y.shape for y in ys} == {shape}
        assert {y.dtype for y in ys} == {cr.complex64 if name in COMPLEX else cr.float32}
        (slope,) = pull(tuple(map(cr.ones_like, ys)))
        assert slope.shape == shape
        assert slope.dtype == "float32"


# An input without a derivative: its place, its name and the reason.
REFUSED = {
    "jv": (0, "v", "a Bessel function with respect to its order"),
    "zeta": (0, "x", "the zeta function with respect to its exponent"),
    "hyp2f1": (2, "c", "a hypergeometric function with respect to a parameter"),
    "eval_jacobi": (1, "alpha", "a polynomial with respect to its parameters"),
}


@pytest.mark.parametrize(("name", "place", "x", "reason"), [(name, *rest) for name, rest in REFUSED.items()])
def test_derivatives_that_nobody_can_compute_are_errors(name: str, place: int, x: str, reason: str) -> None:
    arrays = [np.asarray(x, float) for x in inputs_of(name)]
    with pytest.raises(cr.MissingGradientError) as info:
        cr.grad(lambda *inputs: cr.sum(getattr(special, name)(*inputs)), argnums=place)(*arrays)
    text = str(info.value)
    assert (
        f"special.{name} has no derivative with respect to {x}: the derivative of {reason} has no closed form" in text
    )
    assert f"cr.stop_gradient({x})" in text


def test_riemanns_zeta_function_says_why_it_has_no_gradient() -> None:
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(2.0))
        y = special.zeta(x)
    assert "the derivative of the zeta function has no closed form" in str(cr.why_no_gradient(y, x))
    assert tape.gradient(y, x) is None


def test_an_order_is_an_integer_where_scipys_is() -> None:
    with pytest.raises(cr.DTypeError, match=r"special\.yn.*n: expected integers, got float64"):
        special.yn(cr.tensor(1.5), X)


def test_complex_numbers_are_refused_where_there_is_no_derivative() -> None:
    with pytest.raises(cr.DTypeError, match=r"special\.gammaln.*x: expected real numbers, got complex128"):
        special.gammaln(X + 1j)


def test_small_integers_are_computed_in_the_default_dtype() -> None:
    assert special.gammaln(np.array([3, 4], "int8")).dtype == "float64"
    assert special.jv(np.array([1, 2, 3]), X.astype("float32")).dtype == "float64"
    assert special.jv(1, X.astype("float32")).dtype == "float32"


def test_numbers_of_16_bits_are_computed_in_32() -> None:
    y = special.gammaln(X.astype("float16"))
    assert y.dtype == "float16"
    np.testing.assert_allclose(y.numpy(), scipy.special.gammaln(X), rtol=2e-3)


def test_several_results_in_a_batch() -> None:
    x = np.stack([X, X + 1.0])
    for name, others in (("airy", ()), ("airye", ()), ("ellipj", (0.4,))):
        function = getattr(special, name)
        batched = cr.vmap(lambda x, f=function, others=others: f(x, *others))(x)
        for found, expected in zip(batched, getattr(scipy.special, name)(x, *others), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-14)


# What is composed

A = np.array([[0.2, -1.0, 3.0], [1.0, 0.5, -0.5]])
B = np.array([[1.0, -2.0, 0.5], [0.0, 1.0, 3.0]])


@pytest.mark.parametrize("axis", [None, 0, (0, 1), -1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_logsumexp(axis: Any, keepdims: bool) -> None:
    for options in ({}, {"b": B}, {"b": B, "return_sign": True}, {"return_sign": True}):
        found = results(special.logsumexp(A, axis, keepdims=keepdims, **options))
        with np.errstate(invalid="ignore"):
            expected = results(scipy.special.logsumexp(A, axis, keepdims=keepdims, **options))
        for y, want in zip(found, expected, strict=True):
            np.testing.assert_allclose(y.numpy(), want, rtol=1e-13)
            assert y.shape == want.shape


def test_derivatives_of_logsumexp() -> None:
    def direct(a: Any, b: Any) -> Any:
        return cr.sum(cr.log(cr.abs(cr.sum(b * cr.exp(a), axis=0))))

    def ours(a: Any, b: Any) -> Any:
        return cr.sum(special.logsumexp(a, axis=0, b=b, return_sign=True)[0])

    for argnum in (0, 1):
        np.testing.assert_allclose(cr.grad(ours, argnum)(A, B), cr.grad(direct, argnum)(A, B), rtol=1e-12)
    np.testing.assert_allclose(cr.hessian(ours)(A, B), cr.hessian(direct)(A, B), rtol=1e-10, atol=1e-12)


def test_a_factor_of_zero_adds_nothing() -> None:
    value, slope = cr.value_and_grad(lambda a: special.logsumexp(a, b=[0.0, 1.0]))(np.array([np.inf, 2.0]))
    assert value == 2.0
    assert slope.tolist() == [0.0, 1.0]


def test_logsumexp_of_complex_numbers() -> None:
    z = A + 1j * B
    np.testing.assert_allclose(special.logsumexp(z).numpy(), scipy.special.logsumexp(z), rtol=1e-13)


def test_softmax_over_all_axes() -> None:
    np.testing.assert_allclose(special.softmax(A).numpy(), scipy.special.softmax(A), rtol=1e-13)
    np.testing.assert_allclose(special.log_softmax(A, [1]).numpy(), scipy.special.log_softmax(A, 1), rtol=1e-13)


def test_distribution_functions() -> None:
    for name, parameters in {
        "chdtr": (3.0,),
        "chdtrc": (3.0,),
        "pdtr": (2.0,),
        "pdtrc": (2.0,),
        "gdtr": (1.5, 2.5),
        "fdtr": (3.0, 2.5),
        "fdtrc": (3.0, 2.5),
        "gdtrc": (1.5, 2.5),
        "bdtr": (2, 5),
        "bdtrc": (2, 5),
        "nbdtr": (2, 5),
        "nbdtrc": (2, 5),
        "chdtri": (3.0,),
        "fdtri": (3.0, 2.5),
    }.items():
        function, theirs = getattr(special, name), getattr(scipy.special, name)
        np.testing.assert_allclose(function(*parameters, X).numpy(), theirs(*parameters, X), rtol=1e-13)
        slope = cr.grad(lambda x, f=function, p=parameters: cr.sum(f(*p, x)))(X)
        differences = (theirs(*parameters, X + 1e-6) - theirs(*parameters, X - 1e-6)) / 2e-6
        np.testing.assert_allclose(slope, differences, rtol=1e-7)
    assert special.bdtr([3, 4], 3, 0.4).tolist()[0] == 1.0


def test_what_counts() -> None:
    n, k = np.array([5.0, 4.0, 3.0, -1.0]), np.array([2.0, 5.0, 0.0, 1.0])
    np.testing.assert_allclose(special.comb(n, k).numpy(), scipy.special.comb(n, k))
    np.testing.assert_allclose(special.comb(5, 2, repetition=True).numpy(), scipy.special.comb(5, 2, repetition=True))
    np.testing.assert_allclose(special.perm(n, k).numpy(), scipy.special.perm(n, k))
    np.testing.assert_allclose(special.factorial(n).numpy(), scipy.special.factorial(n))
    np.testing.assert_allclose(special.multigammaln(X + 3.0, 4).numpy(), scipy.special.multigammaln(X + 3.0, 4))
    slope = cr.grad(lambda a: cr.sum(special.multigammaln(a, 2)))(X + 3.0)
    np.testing.assert_allclose(slope, scipy.special.psi(X + 3.0) + scipy.special.psi(X + 2.5), rtol=1e-13)


def test_names_of_the_same() -> None:
    assert special.psi is special.digamma
    assert special.jn is special.jv
    assert special.expit is cr.sigmoid
    assert special.erf is cr.erf


def test_public_functions_are_documented() -> None:
    for name in chainrule_special.__all__:
        assert inspect.getdoc(getattr(chainrule_special, name)), name
    assert str(inspect.signature(special.betainc)) == "(a, b, x, /)"
    assert str(inspect.signature(special.jv)) == "(v, x, /)"


@pytest.mark.parametrize("backend", ["cupy", "jax", "torch"])
def test_libraries_have_the_functions_that_are_asked_of_them(backend: str) -> None:
    package = {"cupy": "cupyx.scipy.special", "jax": "jax.scipy.special", "torch": "torch.special"}[backend]
    library = pytest.importorskip(package, reason=f"{package} is not installed; this looks for names in it")
    asked = {"cupy": _kernels._CUPY, "jax": _kernels._JAX, "torch": _kernels._TORCH.values()}[backend]
    assert not [name for name in asked if not hasattr(library, name)]
    ours = {"cupy": _kernels._CUPY, "jax": _kernels._JAX, "torch": _kernels._TORCH}[backend]
    assert {f"special.{name}" for name in ours} <= set(SAMPLES)
