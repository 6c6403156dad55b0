"""Draws on a GPU, by CuPy's generator: other numbers than NumPy's from the same state, of the same distributions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from chainrule import Kernel
from chainrule_random._state import check_state

_HALF = "float16"  # of which CuPy draws no numbers


class _Reused(threading.local):
    """CuPy's generators by device, of each thread: making one takes far longer than a seed."""

    def __init__(self) -> None:
        self.by_device: dict[int, Any] = {}


_reused = _Reused()


def _generator(state: Any) -> Any:
    """CuPy's generator with a seed of its own for each state, which is read from the device."""
    import cupy
    import numpy as np
    from cupy.cuda import curand

    check_state(state)
    words = state.get().view(np.uint64).tolist()
    seed = int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0])
    device = cupy.cuda.runtime.getDevice()
    found = _reused.by_device.get(device)
    if found is None:
        method = curand.CURAND_RNG_PSEUDO_PHILOX4_32_10
        found = _reused.by_device[device] = cupy.random.RandomState(seed, method)
    found.seed(seed)
    return found


def _kernel(draw: Callable[..., Any]) -> Kernel:
    """The kernel of a draw `(generator, *parameters, shape, dtype)`."""

    def kernel(state: Any, *parameters: Any, shape: Any, dtype: Any) -> Any:
        import cupy

        if 0 in shape:
            check_state(state)
            return cupy.empty(shape, dtype)
        return draw(_generator(state), *parameters, shape=shape, dtype=dtype).astype(dtype, copy=False)

    return kernel


def _floating(name: str, rng: Any, *parameters: Any, shape: Any, dtype: Any) -> Any:
    """A distribution of real numbers, by the name that CuPy has for it."""
    return getattr(rng, name)(*parameters, size=shape, dtype="float32" if dtype.name == _HALF else dtype)


def _normal(rng: Any, shape: Any, dtype: Any) -> Any:
    if dtype.kind != "c":
        return _floating("standard_normal", rng, shape=shape, dtype=dtype)
    parts = rng.standard_normal(size=(*shape, 2), dtype="float32" if dtype.name == "complex64" else "float64")
    return (parts * parts.dtype.type(0.5**0.5)).view(dtype)[..., 0]


def _uniform(rng: Any, shape: Any, dtype: Any) -> Any:
    import cupy

    u = _floating("random_sample", rng, shape=shape, dtype=dtype)
    return cupy.floor(u * 2048.0) / 2048.0 if dtype.name == _HALF else u  # all below 1 in half precision too


def _whole(name: str, rng: Any, *parameters: Any, shape: Any, dtype: Any) -> Any:
    """A distribution of whole numbers."""
    return getattr(rng, name)(*parameters, size=shape)


KERNELS: dict[str, Kernel] = {
    "random.permutation": _kernel(lambda rng, shape, dtype: rng.permutation(shape[0])),
    "random.standard_normal": _kernel(_normal),
    "random.standard_uniform": _kernel(_uniform),
    **{
        f"random.{name}": _kernel(partial(_floating, name))
        for name in ("standard_cauchy", "standard_exponential", "standard_gamma")
    },
    **{f"random.standard_{name}": _kernel(partial(_floating, name)) for name in ("gumbel", "laplace", "logistic")},
    "random.standard_von_mises": _kernel(lambda rng, kappa, **how: _floating("vonmises", rng, 0.0, kappa, **how)),
    "random.standard_wald": _kernel(lambda rng, ratio, **how: _floating("wald", rng, 1.0, ratio, **how)),
    **{
        f"random.{name}": _kernel(partial(_whole, name))
        for name in ("binomial", "geometric", "negative_binomial", "poisson")
    },
}
