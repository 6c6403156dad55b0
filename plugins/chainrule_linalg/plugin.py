"""The hooks that register what this package has, none of which is imported before its first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chainrule import hookimpl

_OPERATIONS = {
    "_determinants": ("cofactor", "cofactor_slope", "det", "slogdet"),
    "_eigen": ("eig", "eigh", "eigvals", "eigvalsh"),
    "_factorizations": ("cholesky", "qr", "qr_complete"),
    "_lu": ("lu", "lu_factor", "row_order"),
    "_matrix_functions": ("expm", "logm", "sqrtm"),
    "_norms": ("p_norm",),
    "_solve": ("inv", "solve", "solve_triangular"),
    "_svd": ("matrix_rank", "pinv", "svd", "svdvals"),
}
_KERNELS = {
    "numpy": ("expm", "logm", "lu", "lu_factor", "row_order", "solve_triangular", "sqrtm"),
    "torch": ("expm", "lu", "lu_factor", "solve_triangular"),
    "jax": ("expm", "lu", "lu_factor"),
    "cupy": ("lu", "lu_factor"),
}
_NUMPY_FUNCTIONS = {
    "chainrule_linalg": (
        *("cond", "cross", "diagonal", "matmul", "matrix_norm", "matrix_power", "matrix_transpose", "multi_dot"),
        *("outer", "tensordot", "tensorinv", "tensorsolve", "trace", "vecdot", "vector_norm"),
    ),
    "chainrule_linalg._numpy_names": (
        *("cholesky", "eigh", "eigvalsh", "lstsq", "matrix_rank", "norm", "pinv", "qr", "svd"),
    ),
}


@hookimpl
def chainrule_ops() -> Mapping[str, str]:
    """Every operation, those that have no name in the namespace among them."""
    return {
        f"linalg.{name}": f"chainrule_linalg.{module}:{name}" for module, names in _OPERATIONS.items() for name in names
    }


@hookimpl
def chainrule_kernels() -> Mapping[str, Mapping[str, Callable[..., Any]]]:
    """The other backends use the generic kernels."""
    return {backend: {f"linalg.{name}": _lazy(backend, name) for name in names} for backend, names in _KERNELS.items()}


def _lazy(backend: str, name: str) -> Callable[..., Any]:
    """A kernel that is imported when it first computes."""

    def kernel(*arrays: Any, **attributes: Any) -> Any:
        from chainrule_linalg import _libraries, _matrices

        (_matrices.check_integers if name == "row_order" else _matrices.check_dtypes)(*arrays)
        return getattr(_libraries, f"{backend}_{name}")(*arrays, **attributes)

    return kernel


@hookimpl
def chainrule_numpy_functions() -> Mapping[str, str]:
    """What answers to NumPy's names that are no operation's, or whose arguments are others."""
    return {f"linalg.{name}": f"{module}:{name}" for module, names in _NUMPY_FUNCTIONS.items() for name in names}


@hookimpl
def chainrule_namespaces() -> Mapping[str, str]:
    """Public namespaces: the name under `cr`, and the module."""
    return {"linalg": "chainrule_linalg"}


@hookimpl
def chainrule_batching() -> Mapping[str, Any]:
    """What `cr.vmap` does with the operations."""
    from chainrule_linalg._batching import RULES

    return RULES


@hookimpl
def chainrule_samples() -> Mapping[str, Any]:
    """What the conformance kit checks the operations with."""
    from chainrule_testing.samples.linalg import SAMPLES

    return SAMPLES
