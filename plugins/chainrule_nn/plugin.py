"""The hooks that register what this package has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from chainrule import hookimpl
from chainrule_nn import _conv, _pool

_OPERATIONS: list[Any] = [
    *(_conv.conv, _conv.conv_transpose, _conv.conv_weight_gradient),
    *(_pool.max_pool, _pool.max_pool_spread, _pool.max_pool_gather, _pool.avg_pool, _pool.avg_pool_transpose),
]
_WRITE = {"conv", "conv_transpose", "max_pool", "max_pool_spread"}
_FASTER: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "numpy": {
        "chainrule_nn._numpy_conv": ("conv", "conv_transpose", "conv_weight_gradient"),
        "chainrule_nn._numpy_pool": ("max_pool", "max_pool_spread", "avg_pool_transpose"),
    },
    "torch": {"chainrule_nn._torch": ("conv", "conv_transpose", "conv_weight_gradient", "max_pool", "avg_pool")},
}


@hookimpl
def chainrule_ops() -> list[Callable[..., Any]]:
    """Every operation, those that gradients alone need among them."""
    return _OPERATIONS


@hookimpl
def chainrule_kernels() -> Mapping[str, Mapping[str, Callable[..., Any]]]:
    """The other backends use the generic kernels."""
    return {
        backend: {name: _lazy(module, name, backend) for module, names in modules.items() for name in names}
        for backend, modules in _FASTER.items()
    }


def _lazy(module: str, name: str, backend: str) -> Callable[..., Any]:
    """A kernel that is imported when it first computes."""

    def kernel(*arrays: Any, **attributes: Any) -> Any:
        return getattr(import_module(module), name)(*arrays, **attributes)

    kernel.writes = backend == "numpy" and name in _WRITE  # type: ignore[attr-defined]  # into `out=`
    return kernel


@hookimpl
def chainrule_namespaces() -> Mapping[str, str]:
    """Public namespaces: the name under `cr`, and the module."""
    return {"nn": "chainrule_nn"}


@hookimpl
def chainrule_samples() -> Mapping[str, Any]:
    """What the conformance kit checks the operations with."""
    from chainrule_testing.samples.nn import SAMPLES

    return SAMPLES
