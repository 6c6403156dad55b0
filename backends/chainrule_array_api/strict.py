"""The backend `array_api_strict`: the standard and nothing else, in which code that leans on one library fails.

Its devices `device1` and `device2` hold arrays that NumPy cannot touch, as a GPU's would be.
"""

from __future__ import annotations

from functools import partial

from chainrule import Backend, BackendUnavailableError
from chainrule_array_api._backend import array_api_backend


def backend() -> Backend:
    """The array_api_strict backend.

    Raises:
        BackendUnavailableError: array_api_strict or array_api_compat is not installed.
    """
    try:
        import array_api_strict as xp
    except ModuleNotFoundError as error:
        if error.name != "array_api_strict":
            raise
        raise BackendUnavailableError(
            "backend 'array_api_strict': array-api-strict is not installed; pip install 'chainrule[array-api]'"
        ) from error
    import numpy as np

    return array_api_backend(
        "array_api_strict",
        xp,
        version=xp.__version__,
        devices={name.lower(): xp.Device(name) for name in ("CPU_DEVICE", "device1", "device2")},
        quiet=partial(np.errstate, all="ignore"),  # it computes with NumPy
    )
