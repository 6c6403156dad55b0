"""The hooks that register what this package has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chainrule import hookimpl
from chainrule_special import PARTS
from chainrule_special._kernels import (
    airys_exponent,
    cupys_yn,
    scipys_lambertw,
    scipys_scaled,
    special_kernels,
    torchs_polygamma,
)

_DISTRIBUTIONS = (
    *("bdtr", "bdtrc", "chdtr", "chdtrc", "chdtri", "fdtr", "fdtrc", "fdtri", "gdtr", "gdtrc", "nbdtr", "nbdtrc"),
    *("pdtr", "pdtrc"),
)
# What is composed of operations, and second names.
_COMPOSED = {
    *("comb", "expit", "factorial", "jn", "log_softmax", "logsumexp", "multigammaln", "perm", "psi", "softmax"),
    *_DISTRIBUTIONS,
}
_ROWS = {
    **{name: part for name, part in PARTS.items() if part.startswith(".") and name not in _COMPOSED},
    "riemann_zeta": "._gamma",
}
_SLOPES = ("beta_slope", "gamma_slope")  # which no library has
# What answers to ufuncs of SciPy that are not among its public names, or not by their own.
_HIDDEN = {
    "_lambertw": "chainrule_special._lambert:ufunc",
    "_riemann_zeta": "chainrule_special._gamma:riemann_zeta",
    "_zeta": "chainrule_special._gamma:zeta",
    "expit": "chainrule_arrays:sigmoid",
}


@hookimpl
def chainrule_ops() -> Mapping[str, str]:
    """Every operation of its own."""
    rows = {**_ROWS, **dict.fromkeys(_SLOPES, "._slopes")}
    return {f"special.{name}": f"chainrule_special{part}:{name}" for name, part in rows.items()}


@hookimpl
def chainrule_numpy_functions() -> Mapping[str, str]:
    """What answers to SciPy's ufuncs, which are found by name as NumPy's are."""
    composed = {name: PARTS[name] for name in (*_DISTRIBUTIONS, "psi")}
    return {name: f"chainrule_special{part}:{name}" for name, part in {**_ROWS, **composed}.items()} | _HIDDEN


@hookimpl
def chainrule_kernels() -> Mapping[str, Mapping[str, Callable[..., Any]]]:
    """The other backends use the generic kernels, where there are any."""
    kernels = special_kernels(name for name in _ROWS if name not in ("airye", "ive", "jve", "lambertw", "yve"))
    kernels["numpy"] |= {
        "special.lambertw": scipys_lambertw,
        "special.airye": scipys_scaled("airye", airys_exponent, plain=2),
        "special.ive": scipys_scaled("ive", lambda z: abs(z.real)),
        **{f"special.{name}": scipys_scaled(name, lambda z: abs(z.imag)) for name in ("jve", "yve")},
    }
    kernels["torch"]["special.polygamma"] = torchs_polygamma
    kernels["cupy"]["special.yn"] = cupys_yn
    return kernels


@hookimpl
def chainrule_batching() -> Mapping[str, Any]:
    """What `cr.vmap` does with the operations."""
    from chainrule_special._batching import RULES

    return RULES


@hookimpl
def chainrule_namespaces() -> Mapping[str, str]:
    """Public namespaces: the name under `cr`, and the module."""
    return {"special": "chainrule_special"}


@hookimpl
def chainrule_samples() -> Mapping[str, Any]:
    """What the conformance kit checks the operations with."""
    from chainrule_testing.samples.special import SAMPLES

    return SAMPLES
