"""Linear algebra, Fourier transforms, special functions, and reductions under masks that NumPy has not."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

import chainrule as cr

Function = Callable[..., Any]


def _axes(x: Any, dim: Any) -> Any:
    """PyTorch's `dim`: all axes if it is None or empty; a number has not the one that it names."""
    return None if dim in (None, ()) or not x.ndim else dim


def _adjoint(x: Any) -> Any:
    return cr.conj(x).mT


class _Leaf(NamedTuple):
    x: Any


class _Matrix(_Leaf):
    """A tensor with those of PyTorch's methods that its samples call on results."""

    def abs(self) -> _Matrix:
        return _Matrix(cr.abs(self.x))

    @property
    def mH(self) -> _Matrix:
        return _Matrix(_adjoint(self.x))

    @property
    def shape(self) -> Any:
        return self.x.shape

    def __getitem__(self, index: Any) -> _Matrix:
        return _Matrix(self.x[index])

    def __matmul__(self, other: _Matrix) -> _Matrix:
        return _Matrix(self.x @ other.x)


# Norms


def _norm_of_all(x: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False) -> Any:
    if p == "nuc":
        return _matrix_norm(x, p, (-2, -1) if dim is None else dim, keepdim)
    return cr.linalg.vector_norm(x, axis=_axes(x, dim), keepdims=keepdim, ord=2 if p == "fro" else p)


def _norm(x: Any, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Any:
    if ord is None or isinstance(dim, int) or (dim is None and x.ndim == 1):
        return cr.linalg.vector_norm(x, axis=dim, keepdims=keepdim, ord=2 if ord is None else ord)
    return _matrix_norm(x, ord, (-2, -1) if dim is None else dim, keepdim)


def _matrix_norm(x: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False) -> Any:
    y = cr.linalg.matrix_norm(cr.moveaxis(x, dim, (-2, -1)), keepdims=keepdim, ord=ord)
    return cr.moveaxis(y, (-2, -1), dim) if keepdim else y


def _vector_norm(x: Any, ord: float = 2, dim: Any = None, keepdim: bool = False) -> Any:
    return cr.linalg.vector_norm(x, axis=_axes(x, dim), keepdims=keepdim, ord=ord)


# Factorizations and equations


def _informed(function: Function) -> Function:
    """With what PyTorch adds: that matrices were fit, which is an error here where they are not."""

    def informed(a: Any, *args: Any, **kwargs: Any) -> Any:
        y = function(a, *args, **kwargs)
        return *(y if isinstance(y, tuple) else (y,)), cr.zeros(a.shape[:-2], dtype="int32")

    return informed


def _cholesky_inverse(factor: Any, upper: bool = False) -> Any:
    return cr.linalg.cholesky_solve(factor, cr.eye(factor.shape[-1], dtype=factor.dtype), upper)


def _lu_factor(a: Any, pivot: bool = True) -> Any:
    lu, piv = cr.linalg.lu_factor(a)
    return lu, piv + cr.asarray(1, dtype=piv.dtype)


def _lu_unpack(lu: Any, pivots: Any) -> Any:
    k = min(lu.shape[-2:])
    below = cr.tril(lu[..., :k], k=-1)
    return None, below + cr.eye(*below.shape[-2:], dtype=lu.dtype), cr.triu(lu[..., :k, :])


def _lu_solve(lu: Any, pivots: Any, b: Any, left: bool = True, adjoint: bool = False) -> Any:
    if left:
        return cr.linalg.lu_solve((lu, pivots - 1), b, trans=2 if adjoint else 0)
    return _adjoint(_lu_solve(lu, pivots, _adjoint(b), adjoint=not adjoint))


def _solve(a: Any, b: Any, left: bool = True) -> Any:
    if b.shape == a.shape[:-1]:  # a vector for each matrix
        return cr.linalg.solve(a, b[..., None])[..., 0]
    return cr.linalg.solve(a, b)


def _solve_triangular(a: Any, b: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    if left:
        return cr.linalg.solve_triangular(a, b, lower=not upper, unit_diagonal=unitriangular)
    return _solve_triangular(a.mT, b.mT, upper=not upper, unitriangular=unitriangular).mT


def _lstsq(a: Any, b: Any, driver: Any = None) -> Any:
    """The solution and, with full rank and more rows than columns, what is left of the squares."""
    x = cr.linalg.lstsq(a, b)
    m, n = a.shape[-2:]
    left = cr.sum(cr.abs(b - a @ x) ** 2, axis=-2)
    return x, left if m > n and driver != "gelsy" else cr.zeros((0,), dtype=left.dtype)


def _lstsq_in_full(a: Any, b: Any, driver: Any = None) -> Any:
    """The rank and the singular values too, by the drivers that compute these."""
    rank, s = cr.linalg.matrix_rank(a), cr.linalg.svdvals(a)
    rank = cr.zeros((0,), dtype="int64") if driver == "gels" else rank
    return *_lstsq(a, b, driver), rank, s if driver in ("gelsd", "gelss") else cr.zeros((0,), dtype=s.dtype)


def _logdet(a: Any) -> Any:
    sign, size = cr.linalg.slogdet(a)
    return cr.log(sign) + size


def _svd(a: Any, some: bool = True) -> Any:
    u, s, vh = cr.linalg.svd(a, full_matrices=not some)
    return _Matrix(u), s, _Matrix(_adjoint(vh))


def _linalg_svd(a: Any, full_matrices: bool = True) -> Any:
    u, s, vh = cr.linalg.svd(a, full_matrices)
    return _Matrix(u), s, _Matrix(vh)


def _matrix_rank(a: Any, *, rtol: Any = None, atol: Any = None) -> Any:
    return cr.linalg.matrix_rank(a, rtol, tol=atol)


def _diagonal(x: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    return cr.linalg.diagonal(cr.moveaxis(x, (dim1, dim2), (-2, -1)), offset)


def _vander(x: Any, N: int | None = None) -> Any:
    """NumPy's takes one vector."""
    x = cr.atleast_1d(x)
    y = cr.vmap(lambda v: cr.vander(v, N, increasing=True))(cr.reshape(x, (-1, x.shape[-1])))
    return cr.reshape(y, (*x.shape, y.shape[-1]))


# Fourier transforms


def _along(transform: Function) -> Function:
    return lambda x, n=None, dim=-1, norm=None: transform(x, n=n, axis=dim, norm=norm)


def _over(transform: Function) -> Function:
    def translated(x: Any, s: Any = None, dim: Any = None, norm: Any = None) -> Any:
        axes = (dim,) if isinstance(dim, int) else dim
        return transform(x, s=s, norm=norm, **({} if dim is None else {"axes": axes}))

    return translated


# Under a mask: what is left out counts as a number that does not change the result


def _kept(x: Any, mask: Any, other: Any) -> Any:
    return x if mask is None else cr.where(mask, x, other)


def _masked_norm(x: Any, ord: float = 2, dim: Any = None, keepdim: bool = False, mask: Any = None) -> Any:
    return _vector_norm(_kept(x, mask, inf if ord == -inf else 0), ord, dim, keepdim)


def _masked_normalize(x: Any, ord: float, dim: int, eps: float = 1e-12, mask: Any = None) -> Any:
    return _kept(x, mask, 0) / cr.maximum(_masked_norm(x, ord, dim, True, mask), eps)


def _masked_var(
    x: Any, dim: Any = None, unbiased: bool = True, *, correction: Any = None, keepdim: bool = False, mask: Any = None
) -> Any:
    def total(y: Any, keepdims: bool = True) -> Any:
        return cr.sum(_kept(y, mask, 0), axis=_axes(x, dim), keepdims=keepdims)

    ones = cr.ones_like(cr.real(x))
    squares = cr.abs(x - total(x) / total(ones)) ** 2
    divisor = total(ones, keepdim) - (int(unbiased) if correction is None else correction)
    return cr.astype(total(squares, keepdim) / cr.maximum(divisor, 0), (x / 1).dtype)


def _masked_std(x: Any, *args: Any, **kwargs: Any) -> Any:
    return cr.sqrt(_masked_var(x, *args, **kwargs))


def _masked_place(function: Function, sign: int) -> Function:
    """In the dtype of the numbers, as PyTorch gives it."""

    def found(x: Any, dim: Any = None, keepdim: bool = False, mask: Any = None) -> Any:
        most = inf if x.dtype.is_inexact else cr.iinfo(x.dtype).max
        place = function(_kept(x, mask, sign * most), axis=_axes(x, dim), keepdims=keepdim)
        return cr.astype(place, x.dtype)

    return found


def _masked_logsumexp(x: Any, dim: Any = None, keepdim: bool = False, mask: Any = None) -> Any:
    return cr.astype(cr.logsumexp(_kept(x, mask, -inf), axis=_axes(x, dim), keepdims=keepdim), x.dtype)


def _masked_logaddexp(x: Any, y: Any, input_mask: Any = None, other_mask: Any = None) -> Any:
    return cr.logaddexp(_kept(x, input_mask, -inf), _kept(y, other_mask, -inf))


def _masked_median(x: Any, dim: int, keepdim: bool = False, mask: Any = None) -> Any:
    return cr.nanquantile(_kept(x, mask, cr.nan), 0.5, axis=_axes(x, dim), keepdims=keepdim, method="lower")


def _masked_along(function: Function, other: float) -> Function:
    return lambda x, dim, mask=None: cr.reshape(function(cr.atleast_1d(_kept(x, mask, other)), axis=dim), x.shape)


# Special functions


def _of_degree(polynomial: Function, shifted: bool = False) -> Function:
    """Of degrees that are rounded towards zero, with 0 below it; if shifted, on the interval from 0 to 1."""

    def translated(x: Any, n: Any) -> Any:
        n = cr.astype(n, "int64")
        y = polynomial(cr.maximum(n, 0), 2.0 * x - 1.0 if shifted else x)
        return cr.where(n < 0, 0.0, cr.astype(y, x.dtype) if x.dtype.is_inexact else y)

    return translated


def _logit(x: Any, eps: float | None = None) -> Any:
    return cr.special.logit(x if eps is None else cr.clip(x, eps, 1.0 - eps))


def _polygamma(x: Any, n: int) -> Any:
    return cr.special.polygamma(n, x)


TRANSLATED: dict[str, Function] = {
    # Products and arrangements
    **{f"linalg.{name}": getattr(cr.linalg, name) for name in ("matrix_power", "multi_dot", "tensorinv")},
    "linalg.cross": lambda a, b, dim=-1: cr.linalg.cross(a, b, axis=dim),
    "linalg.vecdot": lambda a, b, dim=-1: cr.linalg.vecdot(a, b, axis=dim),
    "linalg.tensorsolve": lambda a, b, dims=None: cr.linalg.tensorsolve(a, b, dims),
    "linalg.vander": _vander,
    "linalg.diagonal": _diagonal,
    "matrix_exp": cr.linalg.expm,
    # Norms
    **dict.fromkeys(("norm", "norm:nuc", "norm:fro", "norm:inf"), _norm_of_all),
    "linalg.norm": _norm,
    "linalg.norm:subgradients_at_zero": _norm,
    "linalg.matrix_norm": _matrix_norm,
    "linalg.vector_norm": _vector_norm,
    "linalg.cond": cr.linalg.cond,
    # Determinants, factorizations and equations
    **{f"linalg.{name}": getattr(cr.linalg, name) for name in ("det", "slogdet", "inv", "qr", "eig", "eigvals")},
    "linalg.inv_ex": _informed(cr.linalg.inv),
    "logdet": _logdet,
    "qr": cr.linalg.qr,
    "cholesky": cr.linalg.cholesky,
    "linalg.cholesky": cr.linalg.cholesky,
    "linalg.cholesky_ex": _informed(cr.linalg.cholesky),
    "cholesky_inverse": _cholesky_inverse,
    "cholesky_solve": lambda b, factor, upper=False: cr.linalg.cholesky_solve(factor, b, upper),
    "linalg.lu": lambda a, pivot=True: cr.linalg.lu(a),
    "linalg.lu_factor": _lu_factor,
    "linalg.lu_factor_ex": _informed(_lu_factor),
    "lu": lambda a, pivot, get_infos: (_informed(_lu_factor) if get_infos else _lu_factor)(a),
    "lu_unpack": _lu_unpack,
    "linalg.lu_solve": _lu_solve,
    "lu_solve": lambda b, lu, pivots: _lu_solve(lu, pivots, b),
    "linalg.eigh": lambda a, UPLO: cr.linalg.eigh(a),
    "linalg.eigvalsh": lambda a, UPLO: cr.linalg.eigvalsh(a),
    "svd": _svd,
    "linalg.svd": _linalg_svd,
    "linalg.svdvals": cr.linalg.svdvals,
    "pinverse": cr.linalg.pinv,
    "linalg.pinv": lambda a, rtol=None: cr.linalg.pinv(a, rtol),
    "linalg.pinv:singular": lambda a, b: cr.linalg.pinv(a @ b.mT),
    "linalg.pinv:hermitian": lambda a, hermitian: cr.linalg.pinv(a),
    "linalg.matrix_rank": _matrix_rank,
    "linalg.matrix_rank:hermitian": lambda a, hermitian: cr.linalg.matrix_rank(a),
    "linalg.solve": _solve,
    "linalg.solve_ex": _informed(_solve),
    "linalg.solve_triangular": _solve_triangular,
    "triangular_solve": lambda b, a: (cr.linalg.solve_triangular(a, b), a),
    "linalg.lstsq": _lstsq_in_full,
    "linalg.lstsq:grad_oriented": _lstsq,
    # Fourier transforms
    **{
        f"fft.{name}{over}": (_over if over else _along)(getattr(cr.fft, f"{name}{over}"))
        for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
        for over in ("", "2", "n")
    },
    "fft.fftshift": lambda x, dim=None: cr.fft.fftshift(x, dim),
    "fft.ifftshift": lambda x, dim=None: cr.fft.ifftshift(x, dim),
    # Under a mask
    "masked.norm": _masked_norm,
    "masked.normalize": _masked_normalize,
    "masked.var": _masked_var,
    "masked.std": _masked_std,
    "masked.argmax": _masked_place(cr.argmax, -1),
    "masked.argmin": _masked_place(cr.argmin, +1),
    "masked.median": _masked_median,
    "masked.logsumexp": _masked_logsumexp,
    "masked.logaddexp": _masked_logaddexp,
    "masked.cumsum": _masked_along(cr.cumulative_sum, 0),
    "masked.cumprod": _masked_along(cr.cumulative_prod, 1),
    "masked.softmax": _masked_along(cr.softmax, -inf),
    "masked.log_softmax": _masked_along(cr.log_softmax, -inf),
    "masked.softmin": _masked_along(lambda x, axis: cr.softmax(-x, axis=axis), inf),
    # Special functions
    **{
        name: getattr(cr.special, name.removeprefix("special."))
        for name in (
            *("digamma", "erf", "erfc", "erfinv", "i0", "xlogy", "special.entr", "special.erfcx", "special.i0e"),
            *("special.i1", "special.i1e", "special.log_ndtr", "special.ndtr", "special.ndtri", "special.xlog1py"),
            "special.zeta",
        )
    },
    "lgamma": cr.special.gammaln,
    "igamma": cr.special.gammainc,
    "igammac": cr.special.gammaincc,
    "logit": _logit,
    **{f"polygamma:polygamma_n_{n}": _polygamma for n in range(5)},
    "special.polygamma:special_polygamma_n_0": _polygamma,
    **{f"mvlgamma:mvlgamma_p_{p}": lambda x, p: cr.special.multigammaln(x, p) for p in (1, 3, 5)},
    **{f"special.bessel_{name}": getattr(cr.special, name) for name in ("j0", "j1", "y0", "y1")},
    **{f"special.modified_bessel_{name}": getattr(cr.special, name) for name in ("i0", "i1", "k0", "k1")},
    "special.scaled_modified_bessel_k0": cr.special.k0e,
    "special.scaled_modified_bessel_k1": cr.special.k1e,
    "special.spherical_bessel_j0": lambda x: cr.special.spherical_jn(0, x),
    "special.airy_ai": lambda x: cr.special.airy(x)[0],
    "special.chebyshev_polynomial_t": _of_degree(cr.special.eval_chebyt),
    "special.chebyshev_polynomial_u": _of_degree(cr.special.eval_chebyu),
    "special.shifted_chebyshev_polynomial_t": _of_degree(cr.special.eval_chebyt, shifted=True),
    "special.shifted_chebyshev_polynomial_u": _of_degree(cr.special.eval_chebyu, shifted=True),
    "special.hermite_polynomial_h": _of_degree(cr.special.eval_hermite),
    "special.hermite_polynomial_he": _of_degree(cr.special.eval_hermitenorm),
    "special.laguerre_polynomial_l": _of_degree(cr.special.eval_laguerre),
    "special.legendre_polynomial_p": _of_degree(cr.special.eval_legendre),
}

# By the operation: what makes its arguments, with the functions of a namespace, what it takes. PyTorch's own tests of
# gradients do the same, because its gradients are those of matrices that stay Hermitian or triangular.
PREPARED: dict[str, Function] = {
    **dict.fromkeys(
        (
            *("cholesky", "linalg.cholesky", "linalg.cholesky_ex", "linalg.eigh", "linalg.eigvalsh"),
            *("linalg.matrix_rank:hermitian", "linalg.pinv:hermitian"),
        ),
        lambda xp, a, **_: (a + xp.conj(a.mT),),
    ),
    "cholesky_inverse": lambda xp, factor, upper=False: ((xp.triu if upper else xp.tril)(factor),),
    "cholesky_solve": lambda xp, b, factor, upper=False: (b, (xp.triu if upper else xp.tril)(factor)),
    "triangular_solve": lambda xp, b, a: (b, xp.triu(a)),
}

_NORM_OF_ZEROS = (
    "singular vectors of zeros are any: PyTorch's gradient is a product of some, ours, another subgradient, 0"
)
_IN_32_BITS = "PyTorch's has an error of 1e-7, the value of 50 digits is ours"

REFUSED: dict[str, str] = {
    **{
        f"linalg.norm:subgradients_at_zero-{dtype}-{i}": _NORM_OF_ZEROS
        for dtype in ("float64", "complex128")
        for i in (38, 43, 44, 47, 52, 53)
    },
    **{f"special.bessel_{name}-float64-0": _IN_32_BITS for name in ("j0", "j1", "y1")},
}
