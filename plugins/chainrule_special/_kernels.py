"""Kernels: each library's own function of the name, on arrays of the dtype that the row says.

A library is imported when one of its kernels first runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from chainrule import PYTHON_NUMBERS, Spec, as_dtype, as_tensor, infer

# Whose functions take real numbers alone; elsewhere, which do. Of CuPy's, those too that never ran on complex ones.
_REAL: Final = frozenset({"jax", "torch"})
_REAL_ALONE: Final = {
    "cupy": frozenset({"digamma", "exp1", "polygamma", "shichi", "sici"}),
    "numpy": frozenset({"polygamma"}),
}

_WEAK: Final = frozenset({"numpy"})  # where all functions take a Python number, in the dtype of the array beside it

# Where a backend's library has special functions, and what makes its arrays.
_PACKAGES: Final[Mapping[str, tuple[str, str]]] = {
    "numpy": ("scipy.special", "numpy"),
    "cupy": ("cupyx.scipy.special", "cupy"),
    "jax": ("jax.scipy.special", "jax.numpy"),
    "torch": ("torch.special", "torch"),
}

_SCIPY: Final = {"riemann_zeta": "zeta"}  # without its second argument

# What the libraries besides SciPy have.
_CUPY: Final = (
    *("beta", "betainc", "betaincinv", "betaln", "binom", "boxcox", "boxcox1p", "cosdg", "cosm1", "cotdg", "digamma"),
    *("ellipeinc", "ellipk", "ellipkinc", "ellipkm1", "entr", "erfcinv", "erfcx", "erfinv", "exp1", "exp10", "expi"),
    *("expn", "exprel", "gamma", "gammainc", "gammaincc", "gammainccinv", "gammaincinv", "gammaln", "huber"),
    *("i0", "i0e", "i1", "i1e", "inv_boxcox", "inv_boxcox1p", "j0", "j1", "k0", "k0e", "k1", "k1e", "kl_div"),
    *("log_expit", "log_ndtr", "loggamma", "logit", "ndtr", "ndtri", "poch", "polygamma", "pseudo_huber", "rel_entr"),
    *("rgamma", "shichi", "sici", "sindg", "tandg", "xlog1py", "xlogy", "y0", "y1", "yn", "zeta"),
)
_JAX: Final = (
    *("beta", "betainc", "betaln", "digamma", "entr", "erfinv", "exp1", "expi", "expn", "gamma"),
    *("gammainc", "gammaincc", "gammaln", "hyp1f1", "hyp2f1", "i0", "i0e", "i1", "i1e", "kl_div", "log_ndtr"),
    *("logit", "ndtr", "ndtri", "poch", "polygamma", "rel_entr", "sici", "spence", "zeta"),
)
_TORCH: Final[Mapping[str, str]] = {
    **{
        name: name
        for name in (
            *("digamma", "entr", "erfcx", "erfinv", "gammainc", "gammaincc", "gammaln", "i0", "i0e", "i1"),
            *("i1e", "log_ndtr", "logit", "ndtr", "ndtri", "zeta"),
        )
    },
    "j0": "bessel_j0",
    "j1": "bessel_j1",
    "k0": "modified_bessel_k0",
    "k0e": "scaled_modified_bessel_k0",
    "k1": "modified_bessel_k1",
    "k1e": "scaled_modified_bessel_k1",
    "y0": "bessel_y0",
    "y1": "bessel_y1",
}


def special_kernels(names: Iterable[str]) -> dict[str, dict[str, Callable[..., Any]]]:
    """The kernels by backend and operation, of the functions of these names."""
    tables: dict[str, Mapping[str, str]] = {
        "numpy": {name: _SCIPY.get(name, name) for name in names},
        "cupy": {name: name for name in _CUPY},
        "jax": {name: name for name in _JAX},
        "torch": _TORCH,
    }
    return {
        backend: {f"special.{name}": _kernel(backend, name, theirs) for name, theirs in table.items()}
        for backend, table in tables.items()
    }


def _kernel(backend: str, name: str, theirs: str) -> Callable[..., Any]:
    """The kernel of a function, by the name that a library has for it."""
    ready: frozenset[Any] = frozenset()
    compute: Callable[..., Any] = None  # type: ignore[assignment]  # until it first runs
    weak = (float, int) if backend in _WEAK else ()
    real = backend in _REAL or name in _REAL_ALONE[backend]

    def load() -> None:
        nonlocal ready, compute
        if (reason := lacking(())) is not None:
            raise NotImplementedError(reason)
        package, arrays = _PACKAGES[backend]
        xp = import_module(arrays)
        dtypes = _row(name).computed[: 2 if real else None]
        ready = frozenset(xp.zeros((), dtype=getattr(xp, dtype)).dtype for dtype in dtypes)
        compute = getattr(import_module(package), theirs)

    def lacking(inputs: Sequence[Any]) -> str | None:
        package, _ = _PACKAGES[backend]
        if not hasattr(import_module(package), theirs):
            return f"{package} has no {theirs}"
        return _refusal(f"{package}.{theirs}", inputs) if real and _row(name).kernel is None else None

    def kernel(*inputs: Any) -> Any:
        if compute is None:
            load()
        dtype: Any = None
        for x in inputs:
            if type(x) in weak:
                continue
            if dtype is None:
                dtype = getattr(x, "dtype", False)
            elif getattr(x, "dtype", False) != dtype:
                break
        else:
            if dtype in ready:  # all are alike
                y = compute(*inputs)
                if (y[0] if type(y) is tuple else y).dtype == dtype:
                    return y
        row = _row(name)
        if real and _is_complex(inputs):
            if (reason := lacking(inputs)) is not None:
                raise NotImplementedError(reason)
            return row.kernel(_namespace(inputs), *inputs)
        return _promoted(compute, import_module(_PACKAGES[backend][1]), row, inputs)

    kernel.refuses = lambda instruction: lacking(instruction.inputs)  # type: ignore[attr-defined]  # for `cr.check`
    return kernel


def _is_complex(inputs: Sequence[Any]) -> bool:
    return any("complex" in str(getattr(x, "dtype", "")) for x in inputs)


def _refusal(function: str, inputs: Sequence[Any]) -> str | None:
    """Why a library's function of real numbers computes nothing of arrays, or of symbols for them."""
    return f"{function} takes real numbers" if _is_complex(inputs) else None


def _namespace(inputs: tuple[Any, ...]) -> Any:
    """The array API namespace of arrays, beside which there can be Python numbers."""
    return as_tensor(next(x for x in inputs if type(x) not in PYTHON_NUMBERS)).backend.xp


def _row(name: str) -> Any:
    """What the row says; it was declared before its kernel runs."""
    return import_module("chainrule_special._rows").ROWS[name]


def _promoted(compute: Callable[..., Any], xp: Any, row: Any, inputs: tuple[Any, ...]) -> Any:
    """What a library computes of inputs of any dtypes, in the one that the row says; of 16 bits in 32.

    SciPy has ways of its own for parameters that are integers: they stay.
    """
    specs = [infer.scalar_spec(x) if type(x) in PYTHON_NUMBERS else Spec(x.shape, as_dtype(x.dtype)) for x in inputs]
    dtype = row.infer(*specs).dtype
    natives = row.dtypes(infer.result_dtype(Spec((), dtype), Spec((), as_dtype("float32"))))
    if xp.__name__ == "numpy":
        whole = [spec.dtype.kind in ("int", "uint") for spec in specs[: row.integers + row.parameters]]
        natives[: len(whole)] = [None if is_whole else n for is_whole, n in zip(whole, natives, strict=False)]
    arrays = [
        xp.asarray(x) if native is None else xp.asarray(x, dtype=getattr(xp, str(native)))
        for x, native in zip(inputs, natives, strict=True)
    ]
    y = compute(*arrays)
    own = getattr(xp, str(dtype))
    return tuple(xp.asarray(part, dtype=own) for part in y) if type(y) is tuple else xp.asarray(y, dtype=own)


def scipys_lambertw(z: Any, *, k: int) -> Any:
    """Lambert's W of NumPy's arrays; SciPy computes it in complex128."""
    from scipy.special import lambertw

    from chainrule_special._lambert import complex_result

    return lambertw(z, k).astype(str(complex_result(Spec(z.shape, as_dtype(z.dtype)), k).dtype))


def scipys_scaled(name: str, exponent: Callable[[Any], Any], plain: int = 0) -> Callable[..., Any]:
    """The kernel of a function that SciPy scales by `exp(-exponent(z))`, where that is an input.

    Args:
        name: SciPy's name for it.
        exponent: of arrays that can be complex, real numbers.
        plain: how many of several results have another factor.
    """

    def compute(*inputs: Any) -> Any:
        np = import_module("numpy")
        *given, scale = np.broadcast_arrays(*inputs)
        y = getattr(import_module("scipy.special"), name)(*given)
        factor = np.exp(exponent(given[-1]) - scale)
        return (*y[:plain], *(part * factor for part in y[plain:])) if type(y) is tuple else y * factor

    return lambda *inputs: _promoted(compute, import_module("numpy"), _row(name), inputs)


def airys_exponent(z: Any) -> Any:
    """To the last digit what `airye` makes its input of."""
    np = import_module("numpy")
    z = z if np.iscomplexobj(z) else np.maximum(z, 0.0)
    return 2.0 / 3.0 * np.abs((z * np.sqrt(z)).real)


def cupys_yn(n: Any, x: Any) -> Any:
    """`yn` of CuPy's arrays; its own is NaN below order 0."""
    return _promoted(_reflected_yn, import_module("cupy"), _row("yn"), (n, x))


def _reflected_yn(n: Any, x: Any) -> Any:
    cupy, yn = import_module("cupy"), import_module("cupyx.scipy.special").yn
    y = yn(abs(n), x)
    return cupy.where((n < 0) & (n % 2 == 1), -y, y)


def torchs_polygamma(n: Any, x: Any) -> Any:
    """`polygamma` of PyTorch's arrays; its own takes one order alone."""
    if (reason := _refusal("torch.special.polygamma", (n, x))) is not None:
        raise NotImplementedError(reason)
    return _promoted(_polygamma, import_module("torch"), _row("polygamma"), (n, x))


torchs_polygamma.refuses = lambda instruction: _refusal(  # type: ignore[attr-defined]  # for `cr.check`
    "torch.special.polygamma", instruction.inputs
)


def _polygamma(n: Any, x: Any) -> Any:
    torch = import_module("torch")
    order = torch.asarray(n, dtype=x.dtype, device=x.device) + 1
    zeta = torch.exp(torch.lgamma(order)) * torch.special.zeta(order, x)
    return torch.where(order == 1, torch.digamma(x), torch.where(order % 2 == 0, zeta, -zeta))
