"""The libraries that are compared, and what their processes have around them."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata

DISTRIBUTIONS = ("chainrule", "numpy", "scipy", "llvmlite", "autograd", "mygrad", "advect", "jax", "torch")
TENSORFLOWS = ("tensorflow", "tensorflow-cpu")


@dataclass(frozen=True)
class Library:
    """A library, or one way to set it up.

    Attributes:
        module: what it is imported as.
        environment: variables that its processes have.
        numpy: whether NumPy allocates its arrays, so that `tracemalloc` sees them.
    """

    module: str
    environment: Mapping[str, str] = field(default_factory=dict)
    numpy: bool = True


LIBRARIES: Mapping[str, Library] = {
    "NumPy": Library("numpy"),
    "chainrule": Library("chainrule"),
    "chainrule without JIT": Library("chainrule", {"CHAINRULE_JIT": "0"}),
    "autograd": Library("autograd"),
    "MyGrad": Library("mygrad"),
    "advect": Library("advect"),
    "JAX": Library("jax", numpy=False),
    "PyTorch": Library("torch", numpy=False),
    "TensorFlow": Library("tensorflow", numpy=False),
}
MODULES = sorted({library.module for library in LIBRARIES.values()})

_NOT_OURS = (
    *("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"),  # the kernels that the library itself chooses for the machine
    "PYTHONDONTWRITEBYTECODE",  # modules are compiled when they are imported first
)
_THREADS = (
    "CHAINRULE_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


def environment(inherited: Mapping[str, str], threads: int) -> dict[str, str]:
    """What every process has around it: libraries read it when they are imported."""
    ours = {name: value for name, value in inherited.items() if name not in _NOT_OURS}
    ours |= dict.fromkeys(_THREADS, str(threads))
    eigen = f"--xla_cpu_multi_thread_eigen={'false' if threads == 1 else 'true'}"
    ours["XLA_FLAGS"] = f"{eigen} intra_op_parallelism_threads={threads}"
    ours["TF_CPP_MIN_LOG_LEVEL"] = "3"  # errors alone
    return ours


def bind(processors: int) -> bool:
    """Let this process, and those that it starts, run on so many processors; whether the system can.

    Variables do not hold every library to one thread: JAX's products take all processors that they see.
    """
    if not hasattr(os, "sched_setaffinity"):  # Linux has it
        return False
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:processors])
    return True


def versions() -> dict[str, str]:
    """Of Python, and of each library that is here."""
    found = {"python": platform.python_version()}
    for name in (*DISTRIBUTIONS, *TENSORFLOWS):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
