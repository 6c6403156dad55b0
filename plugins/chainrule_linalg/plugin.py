"""The hooks that register what this package has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import chainrule_linalg
from chainrule import hookimpl
from chainrule_linalg import _determinants, _factorizations, _norms, _numpy_names

_OPERATIONS: list[Any] = [
    *(chainrule_linalg.solve, chainrule_linalg.solve_triangular, chainrule_linalg.inv),
    *(chainrule_linalg.det, chainrule_linalg.cofactor, _determinants.cofactor_slope, chainrule_linalg.slogdet),
    *(chainrule_linalg.cholesky, chainrule_linalg.qr, _factorizations.qr_complete),
    *(chainrule_linalg.eigh, chainrule_linalg.eigvalsh),
    *(chainrule_linalg.svd, chainrule_linalg.svdvals, chainrule_linalg.pinv, chainrule_linalg.matrix_rank),
    _norms.p_norm,
]


@hookimpl
def chainrule_ops() -> list[Callable[..., Any]]:
    """Every operation, those that have no name in the namespace among them."""
    return _OPERATIONS


@hookimpl
def chainrule_numpy_functions() -> Mapping[str, Callable[..., Any]]:
    """What answers to NumPy's names."""
    return _numpy_names.numpy_functions()


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
