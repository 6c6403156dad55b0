"""First and second derivatives, forward and reverse, against finite differences: of single matrices and stacks."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np
import pytest

import chainrule as cr

linalg = cr.linalg


def adjoint(x: Any) -> Any:
    return np.conj(np.swapaxes(x, -1, -2))


def drawn(*shape: int, kind: str) -> Any:
    """Matrices of normally distributed numbers."""
    rng = np.random.default_rng([5, *shape])
    real = rng.normal(size=shape)
    return real + 1j * rng.normal(size=shape) if kind == "complex" else real


def hermitian(n: int, kind: str) -> Any:
    x = drawn(n, n, kind=kind)
    return x + adjoint(x)


def definite(n: int, kind: str) -> Any:
    x = drawn(n, n, kind=kind)
    return x @ adjoint(x) + np.eye(n)


def without_phases(full_matrices: bool) -> Callable[[Any], Any]:
    """What the singular value decomposition determines: the phases of its vectors cancel."""

    def function(a: Any) -> Any:
        u, s, vh = linalg.svd(a, full_matrices=full_matrices)
        k = s.shape[-1]
        weights = np.arange(1.0, k + 1.0)
        first, rest, rows = u[..., :k], u[..., k:], vh[..., k:, :]
        return (
            s,
            (first * (weights * s)[..., None, :]) @ vh[..., :k, :],
            (first * weights) @ adjoint(first),
            rest @ adjoint(rest),
            adjoint(rows) @ rows,
        )

    return function


def of_spectrum(a: Any) -> Any:
    w, v = linalg.eigh(a)
    return w, (v * (w**3 * np.arange(1.0, 4.0))[..., None, :]) @ adjoint(v)


MATRIX_ORDERS = ("fro", "nuc", 2, -2, 1, -1, inf, -inf)
VECTOR_ORDERS = (2, 1, 3, 2.5, -1, inf, -inf)
OF_ANY: dict[str, Callable[..., Any]] = {
    "qr": lambda a: tuple(linalg.qr(a)),
    "svd": without_phases(False),
    "svd in full": without_phases(True),
    "svdvals": linalg.svdvals,
    "pinv": linalg.pinv,
    "trace": lambda a: linalg.trace(a @ adjoint(a)),
    "block_diag": lambda a: linalg.block_diag(*cr.unstack(a)) if a.ndim == 3 else linalg.block_diag(a, 2.0 * a),
    **{f"matrix_norm {ord}": lambda a, ord=ord: linalg.matrix_norm(a, ord=ord) for ord in MATRIX_ORDERS},
    **{f"vector_norm {ord}": lambda a, ord=ord: linalg.vector_norm(a, ord=ord, axis=-1) for ord in VECTOR_ORDERS},
}
OF_SQUARE: dict[str, Callable[..., Any]] = {
    "inv": linalg.inv,
    "det": linalg.det,
    "cofactor": linalg.cofactor,
    "slogdet": lambda a: tuple(linalg.slogdet(a)),
    **{f"matrix_power {n}": lambda a, n=n: linalg.matrix_power(a, n) for n in (1, 2, 5, 6, -2)},
}
OF_EQUATIONS: dict[str, Callable[..., Any]] = {
    "solve": linalg.solve,
    "solve_triangular": linalg.solve_triangular,
    "solve_triangular lower": lambda a, b: linalg.solve_triangular(a, b, lower=True),
}
KINDS = pytest.mark.parametrize("kind", ["real", "complex"])
SHAPES = pytest.mark.parametrize("shape", [(1, 1), (4, 3), (3, 3), (3, 5), (2, 4, 3), (2, 1, 3)], ids=str)


@KINDS
@SHAPES
@pytest.mark.parametrize("function", OF_ANY.values(), ids=OF_ANY)
def test_of_matrices_of_any_shape(function: Callable[..., Any], shape: tuple[int, ...], kind: str) -> None:
    cr.check_gradient(function, drawn(*shape, kind=kind), order=2, atol=1e-8)


@KINDS
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 3, 3)], ids=str)
@pytest.mark.parametrize("function", OF_SQUARE.values(), ids=OF_SQUARE)
def test_of_square_matrices(function: Callable[..., Any], shape: tuple[int, ...], kind: str) -> None:
    cr.check_gradient(function, drawn(*shape, kind=kind) + 2.0 * np.eye(shape[-1]), order=2, atol=1e-10)


@KINDS
@pytest.mark.parametrize("function", [of_spectrum, linalg.eigvalsh], ids=["eigh", "eigvalsh"])
def test_of_hermitian_matrices(function: Callable[..., Any], kind: str) -> None:
    cr.check_gradient(function, hermitian(3, kind), order=2)


@KINDS
@pytest.mark.parametrize("upper", [False, True])
def test_of_definite_matrices(upper: bool, kind: str) -> None:
    def solved(a: Any, b: Any) -> Any:
        return linalg.cholesky_solve(linalg.cholesky(a, upper=upper), b, upper=upper)

    a, b = definite(3, kind), drawn(3, 2, kind=kind)
    cr.check_gradient(lambda a: linalg.cholesky(a, upper=upper), a, order=2)
    cr.check_gradient(solved, a, b, order=2)
    np.testing.assert_allclose(solved(a, b), np.linalg.solve(a, b), rtol=1e-12)


@KINDS
@pytest.mark.parametrize(
    "shapes", [((3, 3), (3,)), ((2, 3, 3), (3, 2)), ((3, 3), (4, 3, 1)), ((2, 1, 3, 3), (3, 3, 2))], ids=str
)
@pytest.mark.parametrize("function", OF_EQUATIONS.values(), ids=OF_EQUATIONS)
def test_of_equations(function: Callable[..., Any], shapes: Any, kind: str) -> None:
    a, b = drawn(*shapes[0], kind=kind) + 3.0 * np.eye(3), drawn(*shapes[1], kind=kind)
    cr.check_gradient(function, a, b, order=2)


@KINDS
@pytest.mark.parametrize("shape", [(4, 3), (3, 4)], ids=str)
def test_of_least_squares(shape: tuple[int, int], kind: str) -> None:
    a, b = drawn(*shape, kind=kind), drawn(shape[0], 2, kind=kind)
    cr.check_gradient(linalg.lstsq, a, b, order=2)
    np.testing.assert_allclose(linalg.lstsq(a, b), np.linalg.lstsq(a, b)[0], rtol=1e-11, atol=1e-12)


@KINDS
def test_of_products(kind: str) -> None:
    a, b, v = drawn(2, 3, kind=kind), drawn(3, 4, kind=kind), drawn(4, kind=kind)
    cr.check_gradient(lambda *xs: linalg.multi_dot(xs), a, b, v, order=2)
    cr.check_gradient(linalg.cross, drawn(2, 3, kind=kind), drawn(3, kind=kind), order=2)
    cr.check_gradient(linalg.kron, a, b, order=2)
    cr.check_gradient(linalg.outer, v, drawn(2, kind=kind), order=2)


def test_a_real_matrix_beside_a_complex_one_has_a_real_gradient() -> None:
    a, b = drawn(3, 3, kind="real"), drawn(3, 1, kind="complex")
    cr.check_gradient(linalg.solve, a, b, order=2)
    to_a, to_b = cr.grad(lambda a, b: cr.sum(cr.abs(linalg.solve(a, b))), argnums=(0, 1))(a, b)
    assert (to_a.dtype, to_b.dtype) == (np.dtype("float64"), np.dtype("complex128"))


@pytest.mark.parametrize("name", ["inv", "cholesky", "svdvals", "pinv", "eigvalsh", "det"])
@pytest.mark.parametrize("shape", [(0, 2, 2), (2, 0, 0)])
def test_nothing_has_an_empty_gradient(name: str, shape: tuple[int, ...]) -> None:
    assert cr.grad(lambda a: cr.sum(getattr(linalg, name)(a)))(np.zeros(shape)).shape == shape


def test_compiled_it_is_the_same() -> None:
    a = drawn(2, 4, kind="real")

    def loss(a: Any) -> Any:
        q, r = linalg.qr(a)
        return cr.sum(cr.sin(q)) + cr.sum(r * r * r) + linalg.matrix_norm(a, ord="nuc")

    np.testing.assert_allclose(cr.function(cr.grad(loss))(a), cr.grad(loss)(a), rtol=1e-12)
