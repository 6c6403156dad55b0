"""What in chainrule computes what a function of PyTorch computes, called as PyTorch's own tests call it.

Each module has two tables. `TRANSLATED`: by the name in PyTorch's list of operations, a function of chainrule's that
takes the arguments of PyTorch's, arrays for tensors and names for dtypes. `REFUSED`: why samples cannot agree, by the
operation, the dtype and the number of the sample, `"cat-float64-5"`, or for all of a dtype, `"sign-bool"`.
"""

from __future__ import annotations

from . import arrays, mathematics, networks

PARTS = (arrays, mathematics, networks)
TRANSLATED = {name: function for part in PARTS for name, function in part.TRANSLATED.items()}
REFUSED = {name: reason for part in PARTS for name, reason in part.REFUSED.items()}
PREPARED = mathematics.PREPARED  # what makes arguments of these operations what they take
