"""The hooks that register what this package has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chainrule import hookimpl
from chainrule_fft import PARTS
from chainrule_fft._kernels import cupys_irfftn, dasks, scipys, torchs

_TRANSFORMS = ("fft", "fftn", "hfft", "ifft", "ifftn", "ihfft", "irfft", "irfftn", "rfft", "rfftn")
_COMPOSED = ("fft2", "fftshift", "ifft2", "ifftshift", "irfft2", "rfft2")


@hookimpl
def chainrule_ops() -> Mapping[str, str]:
    """The transforms; NumPy's functions of these names, `np.fft.rfft`, find them by themselves."""
    return _places(_TRANSFORMS)


@hookimpl
def chainrule_numpy_functions() -> Mapping[str, str]:
    """What is composed of them, by NumPy's names."""
    return _places(_COMPOSED)


def _places(names: Iterable[str]) -> dict[str, str]:
    """Where functions are imported from at their first use."""
    return {f"fft.{name}": f"chainrule_fft{PARTS[name]}:{name}" for name in names}


@hookimpl
def chainrule_kernels() -> Mapping[str, Mapping[str, Callable[..., Any]]]:
    """The other backends use the generic kernels."""
    return {
        "numpy": {f"fft.{name}": scipys(name) for name in _TRANSFORMS},
        "cupy": {"fft.irfftn": cupys_irfftn},
        "torch": {"fft.ihfft": torchs("ihfft")},
        "dask": {f"fft.{name}": dasks(name) for name in _TRANSFORMS},
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
