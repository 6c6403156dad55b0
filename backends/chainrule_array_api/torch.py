"""The backend `torch`: PyTorch on the CPU and on NVIDIA GPUs, without its autograd.

A tensor that requires grad is refused, so that no history is cut in silence; `cr.tensor` copies its values alone.
`uint16` and `uint32`, which PyTorch can hold but not add, are left out; `uint64` is there for sums of `uint8`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any

from chainrule import (
    ArgumentError,
    Backend,
    BackendUnavailableError,
    Kernel,
    Program,
    default_dtype,
    jit_mode,
    uint16,
    uint32,
)
from chainrule_array_api import _indexing
from chainrule_array_api._backend import array_api_backend
from chainrule_array_api._compile import needs_host, obstacle, traceable
from chainrule_array_api._kernels import wide_remainder


def backend() -> Backend:
    """The PyTorch backend.

    Raises:
        BackendUnavailableError: PyTorch or array_api_compat is not installed.
    """
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise BackendUnavailableError(
            "backend 'torch': PyTorch is not installed; pip install 'chainrule[torch]'"
        ) from error
    usual = torch.get_num_threads()
    made = array_api_backend(
        "torch",
        torch,
        version=torch.__version__,
        devices=_devices(torch),
        functions=_functions(),
        kernels=_kernels(torch),
        indexing={"sums": _sums},
        admit=_admit,
        set_threads=lambda n: torch.set_num_threads(usual if n is None else n),
        synchronize=lambda device: _cuda(torch, device, torch.cuda.synchronize),
        memory=lambda device: _cuda(torch, device, lambda index: _memory(torch, index)) or {},
        notes=lambda: _notes(torch),
        compile=lambda function, program: _compile(torch, function, program),
    )

    def asarray(data: Any, dtype: Any, device: str | None) -> Any:
        return made.asarray(data.detach() if isinstance(data, torch.Tensor) else data, dtype, device)

    dtypes = {dtype: native for dtype, native in made.dtypes.items() if dtype not in (uint16, uint32)}
    return replace(made, asarray=asarray, dtypes=dtypes)


def _devices(torch: Any) -> dict[str, Any]:
    """The CPU, and the GPUs that this build of PyTorch can use: `cuda` is the current one, as PyTorch has it."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    gpus = {f"cuda:{i}": torch.device("cuda", i) for i in range(count)}
    return {"cpu": torch.device("cpu"), **gpus}


def _notes(torch: Any) -> list[str]:
    """Why there is no GPU, where there is none."""
    if torch.cuda.is_available():
        return []
    if torch.version.cuda is None:
        return ["no GPU: this build of PyTorch is for CPUs alone"]
    return [f"no GPU: PyTorch is built for CUDA {torch.version.cuda}, but finds no device; `nvidia-smi` shows yours"]


def _admit(x: Any) -> None:
    if x.requires_grad:
        raise ArgumentError(
            "backend 'torch': a PyTorch tensor that requires grad cannot be used: chainrule would cut its gradients in "
            "silence; pass x.detach(), or copy its values with cr.tensor(x)"
        )


def _cuda(torch: Any, device: str | None, function: Any) -> Any:
    """What a function of a GPU's number gives; None for the CPU."""
    kind, _, index = (device or "cpu").partition(":")
    return function(int(index)) if kind == "cuda" else None


def _memory(torch: Any, index: int) -> Mapping[str, int]:
    free, total = torch.cuda.mem_get_info(index)
    pool, used = torch.cuda.memory_reserved(index), torch.cuda.memory_allocated(index)
    return {"total": total, "free": free, "pool": pool, "used": used}


def _sums(torch: Any, rows: Any, places: Any, n: int) -> Any:
    """Sums of rows by place: in their order on the CPU, by atomic additions on a GPU."""
    return rows.new_zeros((n, *rows.shape[1:])).index_add_(0, places, rows)


def _compile(torch: Any, function: Kernel, program: Program) -> tuple[Kernel, str]:
    """A program under `torch.compile`, which takes seconds to a minute, where the JIT is asked for always."""
    if jit_mode() != "always":
        return function, "Python"
    values = [*program.inputs, *(y for instruction in program.instructions for y in instruction.outputs)]
    unknown = any(x.shape is None or not all(type(n) is int for n in x.shape) for x in values)
    reason = obstacle(program) or needs_host(program) or ("not all sizes are known" if unknown else None)
    if any(x.weak for x in program.inputs):
        reason = reason or "it takes Python numbers"
    if reason is not None:
        return function, f"Python, because {reason}"
    traced = traceable(function)
    compiled: list[Kernel] = []

    def call(*arrays: Any) -> Any:
        if not compiled:
            from torch.fx.experimental.proxy_tensor import make_fx

            compiled.append(torch.compile(make_fx(traced)(*arrays)))
        results, failed = compiled[0](*arrays)
        return results if failed is None or not failed else function(*arrays)

    return call, "torch.compile"


def _functions() -> dict[str, Kernel]:
    """Functions that are not as the standard has them."""
    from array_api_compat import torch as xp

    remainder = wide_remainder(xp)

    def exact_remainder(a: Any, b: Any) -> Any:
        if (a.dtype if hasattr(a, "dtype") else b.dtype) == xp.float64:  # NaN where the quotient is too large for it
            multiple = b * 2.0**1023  # finite where that is so
            a = xp.where(xp.isinf(a / b) & xp.isfinite(multiple), xp.remainder(a, multiple), a)
        return remainder(a, b)

    def searchsorted(x: Any, v: Any, **how: Any) -> Any:
        return xp.searchsorted(x.contiguous(), v.contiguous(), **how)

    return {"remainder": exact_remainder, "searchsorted": searchsorted}


def _kernels(torch: Any) -> dict[str, Kernel]:
    """Kernels that PyTorch has in one piece, or more accurate ones."""
    import torch.nn.functional as F
    from array_api_compat import torch as xp

    def floating(function: Kernel) -> Kernel:
        def kernel(x: Any, **how: Any) -> Any:
            if x.is_complex():
                raise TypeError("takes real numbers")
            return function(x if x.is_floating_point() else x.to(getattr(torch, default_dtype())), **how)

        return kernel

    def along(function: Kernel) -> Kernel:
        def kernel(x: Any, *, axis: int | tuple[int, ...] | None) -> Any:
            if isinstance(axis, int):
                return function(x, axis)
            axes = tuple(range(x.ndim)) if axis is None else axis
            last = range(x.ndim - len(axes), x.ndim)
            moved = x.movedim(axes, tuple(last))
            rows = moved.reshape(*moved.shape[: last.start], prod(moved.shape[last.start :]))
            return function(rows, -1).reshape(moved.shape).movedim(tuple(last), axes)

        return floating(kernel)

    def class_losses(logits: Any, labels: Any) -> Any:
        n = logits.shape[-1]
        labels = _indexing.wrapped(xp, labels, n)
        return F.cross_entropy(logits.reshape(-1, n), labels.reshape(-1), reduction="none").reshape(labels.shape)

    return {
        "erf": floating(torch.special.erf),
        "erfc": floating(torch.special.erfc),
        "log_softmax": along(torch.log_softmax),
        "softmax": along(torch.softmax),
        "softmax_cross_entropy": lambda logits, labels: -(labels * torch.log_softmax(logits, -1)).sum(-1),
        "sparse_softmax_cross_entropy": class_losses,
    }
