"""The hooks that register what this package has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import chainrule_fft
from chainrule import hookimpl
from chainrule_fft._kernels import dasks, scipys, torchs
from chainrule_fft._transforms import TRANSFORMS

_COMPOSED = ("fft2", "fftshift", "ifft2", "ifftshift", "irfft2", "rfft2")


@hookimpl
def chainrule_ops() -> list[Callable[..., Any]]:
    """The transforms; NumPy's functions of these names, `np.fft.rfft`, find them by themselves."""
    return [getattr(chainrule_fft, name) for name in TRANSFORMS]


@hookimpl
def chainrule_numpy_functions() -> Mapping[str, Callable[..., Any]]:
    """What is composed of them, by NumPy's names."""
    return {f"fft.{name}": getattr(chainrule_fft, name) for name in _COMPOSED}


@hookimpl
def chainrule_kernels() -> Mapping[str, Mapping[str, Callable[..., Any]]]:
    """The other backends use the generic kernels."""
    return {
        "numpy": {f"fft.{name}": scipys(name) for name in TRANSFORMS},
        "torch": {"fft.ihfft": torchs(TRANSFORMS["ihfft"].op.kernel)},
        "dask": {f"fft.{name}": dasks(transform.op.kernel) for name, transform in TRANSFORMS.items()},
    }


@hookimpl
def chainrule_namespaces() -> Mapping[str, str]:
    """Public namespaces: the name under `cr`, and the module."""
    return {"fft": "chainrule_fft"}


@hookimpl
def chainrule_batching() -> Mapping[str, Any]:
    """What `cr.vmap` does with the operations."""
    from chainrule_fft._batching import RULES

    return RULES


@hookimpl
def chainrule_samples() -> Mapping[str, Any]:
    """What the conformance kit checks the operations with."""
    from chainrule_testing.samples.fft import SAMPLES

    return SAMPLES
