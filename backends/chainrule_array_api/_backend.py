"""A backend made of an array API namespace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

from chainrule import DTYPES, Backend, BackendError, BackendUnavailableError, DType, DTypeError, Kernel, as_dtype


def array_api_backend(
    name: str,
    xp: Any,
    *,
    version: str = "",
    devices: Mapping[str, Any] | None = None,
    functions: Mapping[str, Any] | None = None,
    kernels: Mapping[str, Kernel] | None = None,
    indexing: Mapping[str, Callable[..., Any]] | None = None,
    **fields: Any,
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
        functions: functions by name, and extensions such as `linalg`, that take the place of the namespace's, or that
            it lacks.
        kernels: kernels of its own, which take the place of those that are generic.
        indexing: its own ways to index, `sums` and `store`; see `chainrule_array_api._kernels.kernels`.
        **fields: further fields of `chainrule.Backend`, such as `synchronize`, or some in the place of those made here.

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
    from chainrule_array_api._kernels import checked_functions
    from chainrule_array_api._kernels import kernels as standard_kernels
    from chainrule_array_api._promotion import Promotion

    version = version or str(getattr(xp, "__version__", ""))
    sample = xp.zeros(1)
    xp = array_api_compat.array_namespace(sample)
    if devices is None:
        found = xp.__array_namespace_info__().devices()
        devices = {str(device).lower(): device for device in found if device is not None}
    names = {device: key for key, device in devices.items()}
    listed = {*dir(xp), *(extension for extension in ("fft", "linalg") if hasattr(xp, extension))}  # not all list them
    library = SimpleNamespace(**{function: getattr(xp, function) for function in listed} | dict(functions or {}))
    dtypes = _dtypes(library)
    table = standard_kernels(library, **indexing or {}) | dict(kernels or {})

    xp = SimpleNamespace(**vars(library) | checked_functions(library))
    array_types: tuple[type, ...] = fields.setdefault("array_types", (type(sample),))

    def place(device: str | None) -> Any:
        if device is None:
            return None
        for known, found in devices.items():
            if known == device or known.startswith(f"{device}:"):  # `cuda` is `cuda:0`
                return found
        raise BackendError(f"backend {name!r} has no device {device!r}; it has {', '.join(devices)}")

    def asarray(data: Any, dtype: Any, device: str | None) -> Any:
        if isinstance(data, array_types):
            if device is not None and array_api_compat.device(data) != (target := place(device)):
                data = array_api_compat.to_device(data, target)  # which some libraries cannot do to where it is
            return xp.asarray(data, dtype=dtype, copy=True)
        return xp.asarray(_on_host(data), dtype=dtype, device=place(device))

    def device_of(array: Any) -> str:
        device = array_api_compat.device(array)
        return names[device] if device in names else str(device).lower()

    own: dict[str, Any] = {
        "asarray": asarray,
        "full": lambda shape, value, dtype, device: xp.full(shape, value, dtype=dtype, device=place(device)),
        "to_numpy": partial(_to_numpy, array_api_compat, next(iter(devices.values()), None)),
        "wrap_generic": Promotion(xp, dtypes),
        "devices": lambda: tuple(devices) or ("cpu",),
        "device_of": device_of,
    }
    return Backend(name=name, version=version, xp=xp, dtypes=dtypes, kernels=table, **own | fields)


def _dtypes(xp: Any) -> Mapping[DType, Any]:
    """What the namespace has of chainrule's dtypes."""
    # An array's dtype need not be the namespace's object of that name: `numpy.float64` is a class.
    found = {
        dtype: xp.asarray(False, dtype=getattr(xp, name)).dtype for name, dtype in DTYPES.items() if hasattr(xp, name)
    }
    return {dtype: native for dtype, native in found.items() if as_dtype(native) is dtype}


def _on_host(data: Any) -> Any:
    """A NumPy array of its own of anything that is no array of the library."""
    import numpy as np

    if not hasattr(data, "__array__") and hasattr(data, "__dlpack__"):
        data = np.from_dlpack(data)
    array = np.array(data)
    if array.dtype.kind in "OSU":
        raise DTypeError(f"expected numbers, got an array of {array.dtype}: {data!r:.80}")
    return array


def _to_numpy(array_api_compat: Any, host: Any, array: Any) -> Any:
    """A copy in host memory; of `bfloat16`, which NumPy lacks, in `float32`, which holds the same numbers."""
    import numpy as np

    if host is not None and array_api_compat.device(array) != host:
        array = array_api_compat.to_device(array, host)
    if str(array.dtype).endswith("bfloat16"):
        xp = array_api_compat.array_namespace(array)
        array = xp.astype(array, xp.float32)
    return np.array(np.asarray(array))
