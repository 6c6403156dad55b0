"""Draws: operations from a generator's state to numbers, drawn by NumPy on the host whatever the library, CuPy's alone.

So a seed gives the same numbers on all other libraries. JAX calls the host from within what it compiles.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from chainrule import DTypeError, Kernel, NoGradient, as_tensor, infer, op, surrogate
from chainrule_random._state import check_state, numpy_generator

HostDraw = Callable[..., Any]  # from NumPy's generator, parameters, a shape and the name of a dtype to an array

DRAWS: dict[str, Any] = {}  # their public functions by the names of the operations
HOST: dict[str, HostDraw] = {}
_SIGNIFICAND = {"float16": 11, "bfloat16": 8}  # bits; NumPy draws no numbers of these itself


def draw(
    name: str, host: HostDraw, kinds: tuple[str, ...], gradient: Any, n_parameters: int = 0, formula: str = ""
) -> Any:
    """Define a draw.

    Args:
        name: what follows `random.` in the operation's name.
        host: draws with NumPy.
        kinds: the kinds of dtypes there are numbers of.
        gradient: its gradient definition by state and parameters.
        n_parameters: how many arrays of parameters it takes, of the shape of the result.
        formula: its derivative, for the documentation, where the definition does not show it.
    """

    def spec(state: Any, *parameters: Any, shape: Any, dtype: Any) -> Any:
        check_state(state)
        if dtype.kind not in kinds:
            raise DTypeError(f"dtype: expected one of {' or '.join(kinds)}, got {dtype}")
        return infer.Spec(shape, dtype)

    name = f"random.{name}"
    HOST[name] = host
    define = op(infer=spec, gradient=gradient, name=name)
    kernels: Any = (
        lambda xp, state, /, shape, dtype: _moved(host, state, shape=shape, dtype=dtype),
        lambda xp, state, a, /, shape, dtype: _moved(host, state, a, shape=shape, dtype=dtype),
        lambda xp, state, a, b, /, shape, dtype: _moved(host, state, a, b, shape=shape, dtype=dtype),
    )
    DRAWS[name] = define(on_host(kernels[n_parameters]))
    derivative = f"\n\nDerivative: {formula}." if formula else ""
    DRAWS[
        name
    ].__doc__ = f"Numbers of `{name}` by a generator's state, of a shape and dtype; see `cr.random`.{derivative}"
    return DRAWS[name]


def on_host(kernel: Any) -> Any:
    """Mark a generic kernel as one that takes values to the host, which a library's compiler may not see."""
    kernel.on_host = True
    return kernel


def _moved(host: HostDraw, state: Any, *parameters: Any, shape: Any, dtype: Any) -> Any:
    """Numbers from the host, as an array of the library and on the device of the state."""
    home = as_tensor(state)
    backend = home.backend
    given = [as_tensor(x).numpy() for x in parameters]
    drawn = host(numpy_generator(home.numpy()), *given, shape=shape, dtype=str(backend.dtype(dtype)))
    return backend.asarray(drawn, dtype, home.device)


def numpy_kernel(host: HostDraw) -> Kernel:
    """The kernel of a draw on NumPy."""

    def kernel(state: Any, *parameters: Any, shape: Any, dtype: Any) -> Any:
        drawn = host(numpy_generator(state), *parameters, shape=shape, dtype=dtype.name)
        return drawn.astype(dtype, copy=False)

    return kernel


def jax_kernel(host: HostDraw) -> Kernel:
    """The kernel of a draw on JAX, for values that are known only when what it compiles runs."""

    def kernel(state: Any, *parameters: Any, shape: Any, dtype: Any) -> Any:
        import jax
        import numpy as np

        def called(*arrays: Any) -> Any:
            first, *rest = map(np.asarray, arrays)
            return host(numpy_generator(first), *rest, shape=shape, dtype=str(dtype)).astype(dtype)

        check_state(state)  # of no numbers at all the host is not called
        return jax.pure_callback(called, jax.ShapeDtypeStruct(shape, dtype), state, *parameters)

    return kernel


# Without parameters

_OF_STATE = NoGradient("the state of a generator decides it, which is made of integers")


def _uniform(rng: Any, shape: Any, dtype: str) -> Any:
    bits = _SIGNIFICAND.get(dtype)
    return rng.random(shape, dtype) if bits is None else rng.integers(0, 1 << bits, shape) / 2.0**bits


def _normal(rng: Any, shape: Any, dtype: str) -> Any:
    if dtype.startswith("complex"):  # half of its variance in either part
        parts = rng.standard_normal((*shape, 2), "float32" if dtype == "complex64" else "float64")
        return (parts * math.sqrt(0.5)).view(dtype)[..., 0]
    return rng.standard_normal(shape, "float32" if dtype in _SIGNIFICAND else dtype)


def _exponential(rng: Any, shape: Any, dtype: str) -> Any:
    return rng.standard_exponential(shape, "float32" if dtype in _SIGNIFICAND else dtype)


def _standard(name: str, host: HostDraw, *kinds: str) -> Any:
    return draw(name, host, kinds or ("float",), _OF_STATE)


standard_uniform = _standard("standard_uniform", _uniform)
standard_normal = _standard("standard_normal", _normal, "float", "complex")
standard_exponential = _standard("standard_exponential", _exponential)
standard_laplace = _standard("standard_laplace", lambda rng, shape, dtype: rng.laplace(size=shape))
standard_logistic = _standard("standard_logistic", lambda rng, shape, dtype: rng.logistic(size=shape))
standard_gumbel = _standard("standard_gumbel", lambda rng, shape, dtype: rng.gumbel(size=shape))
standard_cauchy = _standard("standard_cauchy", lambda rng, shape, dtype: rng.standard_cauchy(shape))


# With parameters, of the shape of the result


def _by_shape(g: Any, y: Any, _state: Any, a: Any, shape: Any, dtype: Any) -> Any:
    from chainrule_special._slopes import gamma_slope

    return g * gamma_slope(a, y)


# The derivative is that of the quantile: at the same state NumPy may draw another one for another shape.
standard_gamma = draw(
    "standard_gamma",
    lambda rng, a, shape, dtype: rng.standard_gamma(a, shape, "float32" if dtype in _SIGNIFICAND else dtype),
    ("float",),
    surrogate((None, _by_shape)),
    1,
    "by `a`, `g * special.gamma_slope(a, y)`",
)


_JUMPS = NoGradient("whole numbers jump: they have no derivative by the parameters of their distribution")


def _by_concentration(g: Any, y: Any, _state: Any, kappa: Any, shape: Any, dtype: Any) -> Any:
    from chainrule_random._implicit import von_mises_slope

    return g * von_mises_slope(kappa, y)


standard_von_mises = draw(
    "standard_von_mises",
    lambda rng, kappa, shape, dtype: rng.vonmises(0.0, kappa, shape),
    ("float",),
    surrogate((None, _by_concentration)),
    1,
    "by `kappa`, `g * random.von_mises_slope(kappa, y)`",
)


def _by_ratio(g: Any, y: Any, _state: Any, ratio: Any, shape: Any, dtype: Any) -> Any:
    from chainrule_random._implicit import wald_slope

    return g * wald_slope(ratio, y)


standard_wald = draw(
    "standard_wald",
    lambda rng, ratio, shape, dtype: rng.wald(1.0, ratio, shape),
    ("float",),
    surrogate((None, _by_ratio)),
    1,
    "by `r`, `g * (y/r - sqrt(2 pi y**3/r) * erfcx(sqrt(r/(2*y)) * (y + 1)))`",
)


def _whole(name: str, n_parameters: int) -> Any:
    """A draw of whole numbers, by the name that NumPy has for it."""

    def host(rng: Any, *parameters: Any, shape: Any, dtype: str) -> Any:
        return getattr(rng, name)(*parameters, size=shape)

    return draw(name, host, ("int", "uint", "float"), _JUMPS, n_parameters)


binomial = _whole("binomial", 2)
geometric = _whole("geometric", 1)
integers = _whole("integers", 2)
negative_binomial = _whole("negative_binomial", 2)
poisson = _whole("poisson", 1)

multinomial = draw(
    "multinomial",
    lambda rng, n, p, shape, dtype: rng.multinomial(n[..., 0], p) if p.size else n,
    ("int", "uint", "float"),
    _JUMPS,
    2,
)
permutation = draw("permutation", lambda rng, shape, dtype: rng.permutation(shape[0]), ("int",), _OF_STATE)
