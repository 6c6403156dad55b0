"""The hooks that register what this package has, none of which is imported before its first use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from chainrule import Kernel, hookimpl

_DRAWS = (
    *("binomial", "geometric", "integers", "multinomial", "negative_binomial", "permutation", "poisson"),
    "standard_cauchy",
    *("standard_exponential", "standard_gamma", "standard_gumbel", "standard_laplace", "standard_logistic"),
    *("standard_normal", "standard_uniform", "standard_von_mises", "standard_wald"),
)
_OPERATIONS = {
    "_draws": _DRAWS,
    "_implicit": ("von_mises_slope",),
    "_state": ("next_state",),
    "_truncated": ("truncated_quantile",),
}
_KERNELS = {
    "numpy": _DRAWS,
    "jax": (*_DRAWS, "truncated_quantile"),
    # CuPy's bounds of integers, and its probabilities of classes, are no arrays.
    "cupy": tuple(name for name in _DRAWS if name not in ("integers", "multinomial")),
}


@hookimpl
def chainrule_ops() -> Mapping[str, str]:
    """The draws, the step from one state to the next, and what gradients and distributions are computed with."""
    return {
        f"random.{name}": f"chainrule_random.{module}:{name}" for module, names in _OPERATIONS.items() for name in names
    }


@hookimpl
def chainrule_kernels() -> Mapping[str, Mapping[str, Kernel]]:
    """Draws where they need no copy, within what JAX compiles, and by CuPy's own generator."""
    return {backend: {f"random.{name}": _lazy(backend, name) for name in names} for backend, names in _KERNELS.items()}


def _lazy(backend: str, name: str) -> Kernel:
    """A kernel that is imported when it first computes."""
    return lambda *arrays, **attributes: _kernel(backend, name)(*arrays, **attributes)


@cache
def _kernel(backend: str, name: str) -> Kernel:
    from chainrule_random import _cupy, _draws, _truncated

    if name == "truncated_quantile":
        return _truncated.jax_quantile
    if backend == "cupy":
        return _cupy.KERNELS[f"random.{name}"]
    make = _draws.numpy_kernel if backend == "numpy" else _draws.jax_kernel
    return make(_draws.HOST[f"random.{name}"])


@hookimpl
def chainrule_namespaces() -> Mapping[str, str]:
    """Public namespaces: the name under `cr`, and the module."""
    return {"random": "chainrule_random"}


@hookimpl
def chainrule_batching() -> Mapping[str, Any]:
    """What `cr.vmap` does with the operations."""
    from chainrule_random._batching import RULES

    return RULES


@hookimpl
def chainrule_samples() -> Mapping[str, Any]:
    """What the conformance kit checks the operations with."""
    from chainrule_testing.samples.random import SAMPLES

    return SAMPLES
