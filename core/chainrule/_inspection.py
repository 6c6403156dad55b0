"""What `chainrule` tells of itself as a namespace of the array API standard: `cr.__array_namespace_info__()`."""

from __future__ import annotations

from typing import Any, Final

from chainrule import _backends, ops
from chainrule._backend import Backend
from chainrule._dtypes import DTYPES, DType, default_dtype, int64, scalar_dtype
from chainrule._errors import ArgumentError, BackendError

VERSIONS: Final = ("2021.12", "2022.12", "2023.12", "2024.12")  # of the standard, each a part of the next
MAX_DIMENSIONS: Final = 64  # NumPy's and CuPy's


class NamespaceInfo:
    """The array API standard's inspection of a namespace: what holds of the backend in force."""

    __slots__ = ("_backend",)

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def capabilities(self) -> dict[str, Any]:
        """What of the standard's optional parts there is."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": MAX_DIMENSIONS}

    def default_device(self) -> str:
        """The device that new tensors are on."""
        return _backends.get_device() or self.devices()[0]

    def devices(self) -> list[str]:
        """All devices that tensors can be on."""
        return list(self._backend.devices())

    def default_dtypes(self, *, device: str | None = None) -> dict[str, DType]:
        """The dtypes that tensors of Python numbers have, and indices."""
        self._check(device)
        return {
            "real floating": default_dtype(),
            "complex floating": scalar_dtype(0j),
            "integral": int64,
            "indexing": int64,
        }

    def dtypes(self, *, device: str | None = None, kind: str | tuple[str, ...] | None = None) -> dict[str, DType]:
        """The dtypes of the standard that there are, by name, of some kinds or all.

        Args:
            device: one of the devices; all have the same dtypes.
            kind: `"bool"`, `"integral"`, `"real floating"`, ..., or a tuple of them.
        """
        self._check(device)
        return {
            name: dtype
            for name, dtype in DTYPES.items()
            if dtype in self._backend.dtypes
            and (dtype.kind != "float" or dtype.bits > 16)  # the standard has no short ones
            and (kind is None or ops.isdtype(dtype, kind))
        }

    def _check(self, device: str | None) -> None:
        if device is not None and device not in self.devices():
            raise BackendError(
                f"backend {self._backend.name!r} has no device {device!r}; it has {', '.join(self.devices())}"
            )


def namespace(api_version: str | None) -> Any:
    """The namespace with the functions of the array API standard: `chainrule` itself.

    Raises:
        ArgumentError: it has no such version of the standard.
    """
    import chainrule

    if api_version is not None and api_version not in VERSIONS:
        raise ArgumentError(
            f"__array_namespace__: chainrule has the array API standard {VERSIONS[-1]} and those before, "
            f"not {api_version!r}"
        )
    return chainrule
