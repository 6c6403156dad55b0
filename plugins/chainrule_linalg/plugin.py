"""The hooks that register what this package has, none of which is imported before its first use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule import hookimpl

_OPERATIONS = {
    "_determinants": ("cofactor", "cofactor_slope", "det", "slogdet"),
    "_eigen": ("eigh", "eigvalsh"),
    "_factorizations": ("cholesky", "qr", "qr_complete"),
    "_norms": ("p_norm",),
    "_solve": ("inv", "solve", "solve_triangular"),
    "_svd": ("matrix_rank", "pinv", "svd", "svdvals"),
}
_NUMPY_FUNCTIONS = {
    "chainrule_linalg": (
        *("cross", "det", "diagonal", "inv", "matmul", "matrix_norm", "matrix_power", "matrix_transpose", "multi_dot"),
        *("outer", "slogdet", "solve", "svdvals", "tensordot", "trace", "vecdot"),
    ),
    "chainrule_linalg._numpy_names": (*("cholesky", "eigh", "eigvalsh", "lstsq", "matrix_rank", "pinv", "qr", "svd"),),
}


@hookimpl
def chainrule_ops() -> Mapping[str, str]:
    """Every operation, those that have no name in the namespace among them."""
    return {name: f"chainrule_linalg.{module}:{name}" for module, names in _OPERATIONS.items() for name in names}


@hookimpl
def chainrule_numpy_functions() -> Mapping[str, str]:
    """What answers to NumPy's names."""
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
