"""A backend made of an array API namespace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from chainrule import DTYPES, Backend, BackendError, BackendUnavailableError, DType, Kernel, as_dtype


def array_api_backend(
    name: str,
    xp: Any,
    *,
    version: str = "",
    devices: Mapping[str, Any] | None = None,
    to_numpy: Callable[[Any], Any] | None = None,
    kernels: Mapping[str, Kernel] | None = None,
    synchronize: Callable[[str | None], None] = lambda device: None,
    memory: Callable[[str | None], Mapping[str, int]] = lambda device: {},
    quiet: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> Backend:
    """A backend that computes with a library of the array API standard, 2024.12 or later.

    The operations' generic kernels run on its namespace. What the standard leaves open is settled here the same way
    for all libraries: mixed dtypes and Python numbers are cast to the dtype that the operation's rule says, results
    and constants are on the device of the inputs, arrays of indices work in any index and are checked for their bounds.

    Args:
        name: the backend's name: the name of its entry point, and of the library's package if tensors are to be made
            of the library's arrays directly.
        xp: the library's namespace; wrapped by `array_api_compat` if that knows it.
        version: the library's version; `xp.__version__` if not given.
        devices: the library's device objects by the name (in lower case) that users choose them by, the default
            first; those that the library lists if not given.
        to_numpy: a host copy as a NumPy array; by default a move to the CPU and `numpy.array`.
        kernels: kernels of its own, which take the place of those that are generic.
        synchronize, memory, quiet: see `chainrule.Backend`.

    Raises:
        BackendUnavailableError: `array_api_compat` is not installed.

    >>> import array_api_strict, chainrule_array_api
    >>> chainrule_array_api.array_api_backend("array_api_strict", array_api_strict)
    <Backend array_api_strict ...>
    """
    try:
        import array_api_compat
    except ModuleNotFoundError as error:
        raise BackendUnavailableError(
            f"backend {name!r}: array-api-compat is not installed; pip install 'chainrule[array-api]'"
        ) from error
    from chainrule_array_api._kernels import kernels as standard_kernels
    from chainrule_array_api._promotion import Promotion

    version = version or str(getattr(xp, "__version__", ""))
    sample = xp.zeros(1)
    xp = array_api_compat.array_namespace(sample)
    if devices is None:
        listed = xp.__array_namespace_info__().devices()
        devices = {str(device).lower(): device for device in listed if device is not None}
    names = {device: key for key, device in devices.items()}
    dtypes = _dtypes(xp)

    def place(device: str | None) -> Any:
        if device is None:
            return None
        if device in devices:
            return devices[device]
        raise BackendError(f"backend {name!r} has no device {device!r}; it has {', '.join(devices)}")

    def asarray(data: Any, dtype: Any, device: str | None) -> Any:
        if isinstance(data, type(sample)):
            data = array_api_compat.to_device(data, place(device)) if device is not None else data
            return xp.asarray(data, dtype=dtype, copy=True)
        return xp.asarray(data, dtype=dtype, device=place(device), copy=True)

    def device_of(array: Any) -> str:
        device = array_api_compat.device(array)
        return names[device] if device in names else str(device).lower()

    return Backend(
        name=name,
        version=version,
        xp=xp,
        array_types=(type(sample),),
        dtypes=dtypes,
        asarray=asarray,
        full=lambda shape, value, dtype, device: xp.full(shape, value, dtype=dtype, device=place(device)),
        to_numpy=to_numpy or partial(_to_numpy, array_api_compat, next(iter(devices.values()), None)),
        kernels=standard_kernels(xp) | dict(kernels or {}),
        wrap_generic=Promotion(xp, dtypes),
        devices=lambda: tuple(devices) or ("cpu",),
        device_of=device_of,
        synchronize=synchronize,
        memory=memory,
        quiet=quiet,
    )


def _dtypes(xp: Any) -> Mapping[DType, Any]:
    """What the namespace has of chainrule's dtypes."""
    # An array's dtype need not be the namespace's object of that name: `numpy.float64` is a class.
    found = {dtype: xp.zeros(1, dtype=getattr(xp, name)).dtype for name, dtype in DTYPES.items() if hasattr(xp, name)}
    return {dtype: native for dtype, native in found.items() if as_dtype(native) is dtype}


def _to_numpy(array_api_compat: Any, host: Any, array: Any) -> Any:
    import numpy as np

    if host is not None and array_api_compat.device(array) != host:
        array = array_api_compat.to_device(array, host)
    return np.array(array)
