"""What NumPy has beyond the standard, and what of the standard is seldom used: imported at its first use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_OPERATIONS: Final = {
    "_more_elementwise": "fmax fmin fmod heaviside ldexp logaddexp2 nan_to_num sinc unwrap",
    "_more_products": "cross",
    "_nan_reductions": "nancumprod nancumsum nanmax nanmean nanmin nanprod nanstd nansum nanvar",
    "_order_statistics": "order_statistics",
    "_padding": "pad",
    "_polynomials": "polyval",
    "_running": "cumulative_max cumulative_min",
    "_signals": "central_differences convolve interp trapezoid",
    "_statistics": "average cov",
}
_FUNCTIONS: Final = {
    "_arranging": (
        "append array_split atleast_3d block delete diagflat dsplit dstack fliplr flipud hsplit insert ix_ resize "
        "rollaxis rot90 vsplit"
    ),
    "_choosing": (
        "apply_along_axis apply_over_axes argwhere choose compress extract flatnonzero isin lexsort piecewise "
        "ravel_multi_index select unravel_index"
    ),
    "_data_types": "can_cast finfo iinfo isdtype result_type",
    "_more_elementwise": "divmod float_power i0 modf real_if_close",
    "_more_products": "matvec vdot vecmat",
    "_nan_reductions": "nanargmax nanargmin",
    "_order_statistics": "median nanmedian nanpercentile nanquantile percentile ptp quantile",
    "_polynomials": "poly polyadd polyder polydiv polyfit polyint polymul polysub vander",
    "_sets": "unique_all unique_counts unique_inverse unique_values",
    "_signals": "correlate ediff1d",
    "_statistics": "bincount corrcoef digitize histogram",
}


def _places(table: Mapping[str, str]) -> dict[str, str]:
    return {name: f"chainrule_arrays.{module}:{name}" for module, names in table.items() for name in names.split()}


OPERATIONS: Final = _places(_OPERATIONS)
FUNCTIONS: Final = _places(_FUNCTIONS)
