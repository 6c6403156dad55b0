"""Fourier transforms: NumPy's values and names, PyTorch's derivatives, and what the errors say."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule_fft

RNG = np.random.default_rng(5)
X = RNG.normal(size=(3, 5, 4))
Z = X + 1j * RNG.normal(size=X.shape)
PAGE = Path(__file__).parents[3] / "docs/reference/operations/fft.md"

# A function of a module like `numpy.fft`, and whether it takes complex numbers.
CALLS: dict[str, tuple[Callable[[Any, Any], Any], bool]] = {
    "fft": (lambda fft, x: fft.fft(x), True),
    "fft, cropped": (lambda fft, x: fft.fft(x, 3, norm="ortho"), True),
    "fft along an axis, padded": (lambda fft, x: fft.fft(x, 7, -2, "forward"), True),
    "ifft": (lambda fft, x: fft.ifft(x, n=6), True),
    "fft2": (lambda fft, x: fft.fft2(x), True),
    "ifft2": (lambda fft, x: fft.ifft2(x, (2, 6)), True),
    "fftn": (lambda fft, x: fft.fftn(x, norm="ortho"), True),
    "ifftn": (lambda fft, x: fft.ifftn(x, (4, 2), (0, 2)), True),
    "rfft": (lambda fft, x: fft.rfft(x), False),
    "rfft of an odd number": (lambda fft, x: fft.rfft(x, 5, norm="forward"), False),
    "irfft": (lambda fft, x: fft.irfft(x), True),
    "irfft to an odd number": (lambda fft, x: fft.irfft(x, 9, norm="ortho"), True),
    "irfft, cropped": (lambda fft, x: fft.irfft(x, 3), True),
    "rfft2": (lambda fft, x: fft.rfft2(x), False),
    "irfft2": (lambda fft, x: fft.irfft2(x, (3, 5)), True),
    "rfftn": (lambda fft, x: fft.rfftn(x, (4, 3), (2, 1)), False),
    "irfftn": (lambda fft, x: fft.irfftn(x), True),
    "hfft": (lambda fft, x: fft.hfft(x, norm="ortho"), True),
    "hfft of an odd number": (lambda fft, x: fft.hfft(x, 5), True),
    "ihfft": (lambda fft, x: fft.ihfft(x, 7), False),
}
# What NumPy has none of, by SciPy's names.
MIRRORED: dict[str, tuple[Callable[[Any, Any], Any], bool]] = {
    "hfftn": (lambda fft, x: fft.hfftn(x), True),
    "hfftn, cropped and padded": (lambda fft, x: fft.hfftn(x, (4, 5), norm="forward"), True),
    "hfft2": (lambda fft, x: fft.hfft2(x, (3, 7), (2, 0), "ortho"), True),
    "ihfftn": (lambda fft, x: fft.ihfftn(x, norm="ortho"), False),
    "ihfft2": (lambda fft, x: fft.ihfft2(x, (6, 3)), False),
}


@pytest.mark.parametrize(("call", "takes_complex"), CALLS.values(), ids=CALLS)
def test_values_are_numpys_by_both_names(call: Callable[[Any, Any], Any], takes_complex: bool) -> None:
    for x in (X, Z) if takes_complex else (X,):
        expected = call(np.fft, x)
        for found in (call(cr.fft, x), call(np.fft, cr.tensor(x))):
            assert isinstance(found, cr.Tensor)
            np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("call", "takes_complex"), {**CALLS, **MIRRORED}.values(), ids={**CALLS, **MIRRORED})
def test_derivatives_are_pytorchs(call: Callable[[Any, Any], Any], takes_complex: bool) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; this compares with it")
    for x in (X, Z) if takes_complex else (X,):
        theirs = torch.tensor(x, requires_grad=True)
        call(torch.fft, theirs).abs().pow(3).sum().backward()
        ours = cr.grad(lambda x: cr.sum(cr.abs(call(cr.fft, x)) ** 3))(x)
        np.testing.assert_allclose(ours, theirs.grad.resolve_conj().numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("call", "takes_complex"), MIRRORED.values(), ids=MIRRORED)
def test_what_mirrors_along_several_axes_is_scipys(call: Callable[[Any, Any], Any], takes_complex: bool) -> None:
    fft = pytest.importorskip("scipy.fft", reason="SciPy is not installed; this compares with it")
    for x in (X, Z) if takes_complex else (X,):
        np.testing.assert_allclose(call(cr.fft, x).numpy(), call(fft, x), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("call", "takes_complex"), CALLS.values(), ids=CALLS)
def test_single_precision_stays(call: Callable[[Any, Any], Any], takes_complex: bool) -> None:
    x = (Z if takes_complex else X).astype("complex64" if takes_complex else "float32")
    y, pull = cr.vjp(lambda x: call(cr.fft, x), cr.tensor(x))
    assert y.dtype in ("float32", "complex64")
    assert pull(cr.ones_like(y))[0].dtype == x.dtype.name


@pytest.mark.parametrize("n", [4, 5])
def test_imaginary_parts_that_stand_alone_are_ignored(n: int) -> None:
    """Those of the frequencies 0 and n/2: the gradient is 0 in them."""
    g = cr.grad(lambda z: cr.sum(cr.fft.irfft(z, n) * np.arange(1.0, n + 1)))(Z[0, 0, :3])
    alone = [0, 2] if n == 4 else [0]
    np.testing.assert_allclose(g.imag[alone], 0.0, atol=1e-15)
    assert abs(g.imag[1]) > 0.1


@pytest.mark.parametrize("n", [1, 4, 5])
def test_frequencies(n: int) -> None:
    np.testing.assert_array_equal(cr.fft.fftfreq(n, d=0.3).numpy(), np.fft.fftfreq(n, 0.3))
    np.testing.assert_array_equal(cr.fft.rfftfreq(n).numpy(), np.fft.rfftfreq(n))
    assert cr.fft.fftfreq(n, dtype="float32").dtype == "float32"


@pytest.mark.parametrize("axes", [None, 1, (0, -1)])
def test_shifts(axes: Any) -> None:
    for name in ("fftshift", "ifftshift"):
        expected = getattr(np.fft, name)(X, axes)
        np.testing.assert_array_equal(getattr(cr.fft, name)(X, axes).numpy(), expected)
        np.testing.assert_array_equal(getattr(np.fft, name)(cr.tensor(X), axes).numpy(), expected)
    weights = RNG.normal(size=X.shape)
    shifted = cr.grad(lambda x: cr.sum(cr.fft.fftshift(x, axes) * weights))(X)
    np.testing.assert_array_equal(shifted, np.fft.ifftshift(weights, axes))


def test_a_length_of_minus_one_is_that_of_the_axis() -> None:
    np.testing.assert_allclose(cr.fft.fftn(X, (-1, 3), (0, 1)).numpy(), np.fft.fftn(X, (3, 3), (0, 1)))


def test_a_transform_of_unknown_length_is_traced() -> None:
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (None,))
        y = cr.fft.irfft(cr.fft.rfft(x) * 2.0, n=x.shape[0])
        (slope,) = cr.gradients(cr.sum(y * y), [x])
    found = cr.Session(graph).run(slope, {x: X[0, :, 0]})
    np.testing.assert_allclose(found, 8.0 * X[0, :, 0])


ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "norm": (lambda: cr.fft.fft(X, norm="unit"), cr.ArgumentError, "norm: expected 'backward', 'ortho' or 'forward'"),
    "no points": (lambda: cr.fft.fft(X, n=0), cr.ShapeError, "at least 1 point along axis 2, got 0"),
    "one frequency": (lambda: cr.fft.irfft(X[..., :1]), cr.ShapeError, "at least 1 point along axis 2, got 0"),
    "axis": (lambda: cr.fft.fft(X, axis=3), cr.ShapeError, "axis"),
    "lengths": (lambda: cr.fft.fftn(X, (2, 2), (0,)), cr.ShapeError, "s: expected a length for each of 1 axes"),
    "a length": (lambda: cr.fft.rfft(X, n=2.5), cr.ArgumentError, "expected an integer as the number of points"),
    "complex": (lambda: cr.fft.rfft(Z), cr.DTypeError, "expected real numbers, got complex128; cr.fft.fft"),
    "16 bits": (lambda: cr.fft.fft(X.astype("float16")), cr.DTypeError, "of at least 32 bits, got float16"),
}


@pytest.mark.parametrize(("call", "kind", "text"), ERRORS.values(), ids=ERRORS)
def test_errors(call: Callable[[], Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match="fft") as info:
        call()
    assert text in str(info.value)


def test_a_library_without_transforms_is_told() -> None:
    with cr.use_backend("numpy") as backend:
        bare = replace(backend, name="bare", xp=SimpleNamespace())
    with pytest.raises(cr.MissingKernelError, match=r"on backend 'bare', whose namespace has no 'fft\.rfft'"):
        chainrule_fft.rfft.op.kernels[bare]  # type: ignore[attr-defined]  # those of the operation


@pytest.mark.parametrize(("s", "axes"), [(None, None), ((4, 5), (1, 0)), ((7,), (-1,))])
def test_several_axes_one_by_one(s: Any, axes: Any) -> None:
    """What CuPy computes, of numbers that do not mirror each other."""
    from chainrule_fft._kernels import axis_by_axis

    np.testing.assert_allclose(axis_by_axis(np, Z, s, axes, "ortho"), np.fft.irfftn(Z, s, axes, "ortho"), atol=1e-14)


def test_public_functions_are_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in chainrule_fft.__all__:
        assert inspect.getdoc(getattr(chainrule_fft, name))
        assert f"`{name}(" in page, name
