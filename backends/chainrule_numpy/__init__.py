"""The default backend: NumPy on the CPU."""

from chainrule import Backend, BackendUnavailableError


def backend() -> Backend:
    """The NumPy backend.

    Raises:
        BackendUnavailableError: NumPy is not installed.
    """
    try:
        from chainrule_numpy._backend import numpy_backend
    except ModuleNotFoundError as error:
        if error.name != "numpy":
            raise
        raise BackendUnavailableError("backend 'numpy': NumPy is not installed; pip install numpy") from error
    return numpy_backend()
