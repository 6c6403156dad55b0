"""The backend `jax`: JAX on whatever devices it finds, whole programs through `jax.jit`.

It switches JAX to 64-bit numbers, for the whole process: without that JAX has no `float64`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule import Backend, BackendUnavailableError, Kernel, Program, default_dtype
from chainrule_array_api._backend import array_api_backend
from chainrule_array_api._compile import obstacle, traceable
from chainrule_array_api._kernels import wide_remainder

_MOST = 8  # compilations of one program for different Python numbers


def backend() -> Backend:
    """The JAX backend.

    Raises:
        BackendUnavailableError: JAX or array_api_compat is not installed.
    """
    try:
        import jax
    except ModuleNotFoundError as error:
        if error.name != "jax":
            raise
        raise BackendUnavailableError("backend 'jax': JAX is not installed; pip install 'chainrule[jax]'") from error
    jax.config.update("jax_enable_x64", True)
    devices = {str(device).lower(): device for device in jax.devices()}
    if not any(name.startswith("cpu") for name in devices):
        devices |= {str(device).lower(): device for device in jax.devices("cpu")}
    return array_api_backend(
        "jax",
        jax.numpy,
        version=jax.__version__,
        devices=devices,
        functions=_functions(jax),
        kernels=_kernels(jax),
        indexing={"sums": _sums, "store": lambda x, index, values: x.at[index].set(values)},
        array_types=(jax.Array,),
        synchronize=lambda device: _synchronize(jax, device),
        memory=lambda device: _memory(devices[device or next(iter(devices))]),
        compile=lambda function, program: _compile(jax, function, program),
    )


def _functions(jax: Any) -> dict[str, Kernel]:
    """Functions that are not as the standard has them, or that JAX compiles anew for each shape without need."""
    import numpy as np

    jnp = jax.numpy

    def asarray(x: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Any:
        if isinstance(x, jax.Array):
            return jnp.asarray(x, dtype=dtype, device=device, copy=copy)
        return jax.device_put(np.asarray(x, dtype=dtype), device)

    return {
        "asarray": asarray,
        "permute_dims": lambda x, axes: jnp.permute_dims(x, tuple(axis % x.ndim for axis in axes)),
        "remainder": wide_remainder(jnp),
        "searchsorted": lambda x, v, **how: jnp.searchsorted(x, v, **how).astype("int64"),
    }


def _kernels(jax: Any) -> dict[str, Kernel]:
    """Operations that XLA has an instruction for."""

    def floating(function: Kernel) -> Kernel:
        def kernel(x: Any) -> Any:
            if jax.numpy.isdtype(x.dtype, "complex floating"):
                raise TypeError("takes real numbers")
            return function(x if jax.numpy.isdtype(x.dtype, "real floating") else x.astype(str(default_dtype())))

        return kernel

    return {"erf": floating(jax.lax.erf), "erfc": floating(jax.lax.erfc)}


def _sums(jnp: Any, rows: Any, places: Any, n: int) -> Any:
    """Sums of rows by place."""
    return jnp.zeros((n, *rows.shape[1:]), rows.dtype).at[places].add(rows)


def _synchronize(jax: Any, device: str | None) -> None:
    for array in jax.live_arrays():
        if device is None or device in (str(d).lower() for d in array.devices()):
            array.block_until_ready()


def _memory(device: Any) -> Mapping[str, int]:
    figures = device.memory_stats() or {}  # None for a CPU
    names = {"bytes_limit": "total", "bytes_in_use": "used", "peak_bytes_in_use": "peak"}
    return {name: figures[theirs] for theirs, name in names.items() if theirs in figures}


def _compile(jax: Any, function: Kernel, program: Program) -> tuple[Kernel, str]:
    """A program under `jax.jit`, or the function as it is and why.

    Python numbers are constants of what is compiled, anew for each of the first few values.
    """
    reason = obstacle(program)
    if reason is not None:
        return function, f"Python, because {reason}"
    numbers = [i for i, x in enumerate(program.inputs) if x.weak]
    traced = traceable(function)
    compiled: dict[str, Any] = {}  # by the values of the Python numbers
    if not numbers and all(type(n) is int for x in program.inputs for n in x.shape or (None,)):
        jitted = compiled["[]"] = jax.jit(traced)
        try:
            jitted.eval_shape(*[jax.ShapeDtypeStruct(x.shape, str(x.dtype)) for x in program.inputs])
        except Exception as error:  # if the fault is the program's, Python raises it again and says where it lies
            return function, f"Python, because tracing raised {_brief(error)}"

    def call(*arrays: Any) -> Any:
        if any(isinstance(x, jax.core.Tracer) for x in arrays):  # a part of what is compiled
            return function(*arrays)
        key = repr([arrays[i] for i in numbers])
        jitted = compiled.get(key)
        if jitted is None:
            if len(compiled) >= _MOST:
                return function(*arrays)
            fixed = {i: arrays[i] for i in numbers}
            jitted = compiled[key] = jax.jit(lambda *arrays: traced(*[fixed.get(i, x) for i, x in enumerate(arrays)]))
        try:
            results, failed = jitted(*arrays)
        except jax.errors.JAXTypeError:  # a value is needed to go on; that was not known without its shapes
            compiled[key] = traced
            return function(*arrays)
        return function(*arrays) if failed is not None and failed else tuple(results)

    return call, "jax.jit"


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]:.100}"
