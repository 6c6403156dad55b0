"""How CuPy computes regions: as CUDA kernels that are generated for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from chainrule import Backend, Instruction, Kernel, jit_mode
from chainrule.regions import Region
from chainrule_cupy import _regions
from chainrule_numpy._expansions import expanded

_MOST: Final = 1000  # instructions of a region: a kernel of more would take longer to compile than is waited for


class CupyFusion:
    """Regions by CuPy.

    Attributes:
        rows: what is reduced can be used again in a region, in another kernel.
    """

    rows = True

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy

    def expanded(self, instruction: Instruction) -> Sequence[Instruction] | None:
        """The instructions of a region that compute what one does."""
        found = expanded(instruction)
        return found if found and all(map(self.takes, found)) else None

    def takes(self, instruction: Instruction) -> bool:
        """Whether an instruction can be part of a region."""
        return jit_mode() != "off" and _regions.takes(instruction)

    def pays(self, region: Region) -> bool:
        """Whether a region is computed faster than its instructions one after the other: if it can be launched."""
        if 0 in region.space or len(region.program.instructions) > _MOST:
            return False
        return _regions.Kernels(self._cupy, region).fits

    def executor(self, region: Region) -> str:
        """What computes a region, for people to read."""
        count = _regions.Kernels(self._cupy, region).count
        return "one CUDA kernel" if count == 1 else f"{count} CUDA kernels"

    def compile(self, region: Region, backend: Backend) -> Kernel:
        """The kernel of a region."""
        return _regions.Kernels(self._cupy, region)
