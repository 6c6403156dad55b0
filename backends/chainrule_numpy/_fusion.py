"""How NumPy computes regions: blocks."""

from __future__ import annotations

import math

from chainrule._backend import Kernel
from chainrule._graph import Instruction
from chainrule._region import Region
from chainrule_numpy import _blocks

_SMALLEST = 1 << 15  # elements; less fits into the cache anyway


class NumpyFusion:
    """Regions by NumPy."""

    def takes(self, instruction: Instruction) -> bool:
        """Whether an instruction can be part of a region."""
        return _blocks.takes(instruction)

    def pays(self, region: Region) -> bool:
        """Whether a region is computed faster than its instructions one after the other."""
        return math.prod(region.space) >= _SMALLEST

    def compile(self, region: Region) -> Kernel:
        """The kernel of a region."""
        return _blocks.Blocks(region)
