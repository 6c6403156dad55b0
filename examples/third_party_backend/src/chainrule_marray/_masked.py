"""What goes into masked arrays, what comes out, and what is missing in results."""

from __future__ import annotations

from typing import Any

import chainrule as cr


def masked(data: Any, mask: Any) -> cr.Tensor:
    """A tensor of the backend `marray` from numbers, of which those are missing where the mask is true.

    >>> from chainrule_marray import masked
    >>> float(cr.sum(masked([1.0, 2.0, 6.0], [False, True, False])))
    7.0
    """
    with cr.use_backend("marray") as chosen:
        return cr.tensor(chosen.xp.asarray(data, mask=mask))


def to_numpy(array: Any) -> Any:
    """The numbers, with NaN where one is missing.

    Raises:
        DTypeError: one is missing, and the dtype has no NaN to say so.
    """
    import numpy as np

    numbers = np.array(array.data)
    if array.mask.any():
        if numbers.dtype.kind not in "fc":
            raise cr.DTypeError(f"backend 'marray': numbers are missing, and {numbers.dtype} has no NaN to say so")
        numbers[array.mask] = np.nan
    return numbers


def whole_of_whole(xp: Any, op: cr.Op, kernel: cr.Kernel) -> cr.Kernel:
    """A kernel whose result misses nothing where its inputs do not; marray misses the sum of no numbers, which is 0."""

    def run(*arrays: Any, **attributes: Any) -> Any:
        if op.name == "searchsorted" and not arrays[0].size:  # marray looks at the last of them
            return xp.zeros(arrays[1].shape, dtype=xp.int64)
        result = kernel(*arrays, **attributes)
        if getattr(result, "mask", None) is not None and result.mask.any() and not any(map(_misses, arrays)):
            return xp.asarray(result.data)
        return result

    return run


def _misses(x: Any) -> bool:
    return hasattr(x, "mask") and bool(x.mask.any())
