"""The hooks that register what this package has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chainrule import Kernel, hookimpl
from chainrule_random import _draws, _gamma_slope, _state, _truncated


@hookimpl
def chainrule_ops() -> Iterable[Callable[..., Any]]:
    """The draws, and the step from one state to the next."""
    return [_state.next_state, _gamma_slope.gamma_slope, _truncated.truncated_quantile, *_draws.DRAWS.values()]


@hookimpl
def chainrule_kernels() -> Mapping[str, Mapping[str, Kernel]]:
    """Draws where they need no copy, and within what JAX compiles."""
    return {
        "numpy": {name: _draws.numpy_kernel(host) for name, host in _draws.HOST.items()},
        "jax": {
            "random.truncated_quantile": _truncated.jax_quantile,
            **{name: _draws.jax_kernel(host) for name, host in _draws.HOST.items()},
        },
    }


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
