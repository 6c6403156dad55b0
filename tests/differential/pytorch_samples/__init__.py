"""What in chainrule computes what a function of PyTorch computes, called as PyTorch's own tests call it.

Each module has a table `TRANSLATED`: by the name in PyTorch's list of operations, a function of chainrule's that takes
the arguments of PyTorch's, arrays for tensors and names for dtypes.
"""

from __future__ import annotations

from . import arrays, mathematics, networks

TRANSLATED = {**arrays.TRANSLATED, **mathematics.TRANSLATED, **networks.TRANSLATED}
# By the operation, the dtype and the number of the sample: why that sample cannot agree.
REFUSED = {**arrays.REFUSED, **mathematics.REFUSED, **networks.REFUSED}
