"""Between a tensor and its bytes in a file: little-endian, in row-major order.

safetensors has all dtypes but complex128, which is stored as float64 with one more axis: real part, imaginary part.
NumPy has all but bfloat16, whose bits are the upper half of a float32's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule import Backend, DType, Spec, Tensor, bfloat16, complex128, float32, float64, no_grad, ops

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Home(NamedTuple):
    """Where a tensor is to be made."""

    backend: Backend
    device: str | None

    @classmethod
    def of(cls, tensor: Tensor) -> Home:
        """Where a tensor is."""
        return cls(tensor.backend, tensor.device)


def encode(tensor: Tensor) -> NDArray[Any]:
    """The elements as they are stored, in one dimension."""
    with no_grad():
        host = (ops.astype(tensor, dtype=float32) if tensor.dtype is bfloat16 else tensor).numpy()
    flat = host.reshape(-1).astype(host.dtype.newbyteorder("<"), copy=False)
    stored: NDArray[Any] = (flat.view("<u4") >> 16).astype("<u2") if tensor.dtype is bfloat16 else flat
    return stored


def decode(data: bytearray, spec: Spec, home: Home) -> Tensor:
    """The tensor of stored elements."""
    import numpy as np

    backend, device = home
    if spec.dtype is bfloat16:
        host = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        stored = np.dtype(str(spec.dtype)).newbyteorder("<")
        host = np.frombuffer(data, stored).astype(stored.newbyteorder("="), copy=False)
    return Tensor(backend.asarray(host.reshape(spec.shape), backend.native(spec.dtype), device), backend)


def layout(shape: tuple[int, ...], dtype: DType) -> tuple[DType, tuple[int, ...]]:
    """The dtype and shape that the file format knows the elements by."""
    return (float64, (*shape, 2)) if dtype is complex128 else (dtype, shape)


def code(dtype: DType) -> str:
    """The file format's name of a dtype."""
    return {"bool": "BOOL", "bfloat16": "BF16"}.get(dtype) or f"{dtype[0].upper()}{dtype.bits}"
