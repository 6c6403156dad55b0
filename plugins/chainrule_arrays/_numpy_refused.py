"""NumPy's functions that tensors have no counterpart of, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from chainrule import MissingKernelError

_IN_PLACE = "it writes into its argument"
_TEXT = "it writes a file"
_DATES = "it is about dates"
_BITS = "it is about bits"
_BINS = "the bins depend on values, and counts have no gradient"

# Why not, and what instead; by NumPy's name.
REFUSED: Final[Mapping[str, tuple[str, str]]] = {
    "bitwise_count": (_BITS, "compute it with NumPy: np.bitwise_count(x.numpy())"),
    "busday_count": (_DATES, "compute it with NumPy arrays"),
    "busday_offset": (_DATES, "compute it with NumPy arrays"),
    "copyto": (_IN_PLACE, "write `x = cr.where(mask, values, x)` or `x = cr.set_at(x, ..., values)`"),
    "datetime_as_string": (_DATES, "compute it with NumPy arrays"),
    "fill_diagonal": (_IN_PLACE, "write `x = cr.set_at(x, (i, i), values)` with `i = cr.arange(n)`"),
    "frexp": (
        "the exponent is an integer without a gradient",
        "write `e = cr.floor(cr.log2(cr.abs(x))) + 1` and `m = cr.ldexp(x, -e)`",
    ),
    "gcd": ("it is about integers, which have no gradient", "compute it with NumPy: np.gcd(a.numpy(), b.numpy())"),
    "histogram2d": (_BINS, "pass constants, x.numpy(), or bin each axis with cr.digitize and add with cr.bincount"),
    "histogram_bin_edges": (_BINS, "pass a constant, x.numpy()"),
    "histogramdd": (_BINS, "pass constants, x.numpy(), or bin each axis with cr.digitize and add with cr.bincount"),
    "intersect1d": ("how much it gives depends on values", "write `x[cr.isin(x, y)]`, and np.unique of that"),
    "is_busday": (_DATES, "compute it with NumPy arrays"),
    "isnat": (_DATES, "compute it with NumPy arrays"),
    "lcm": ("it is about integers, which have no gradient", "compute it with NumPy: np.lcm(a.numpy(), b.numpy())"),
    "may_share_memory": ("tensors are values, and never share what can change", "compare x.value and y.value"),
    "packbits": (_BITS, "compute it with NumPy: np.packbits(x.numpy())"),
    "place": (_IN_PLACE, "write `x = cr.set_at(x, mask, values)`"),
    "put": (_IN_PLACE, "write `x = cr.reshape(cr.set_at(cr.ravel(x), indices, values), x.shape)`"),
    "put_along_axis": (_IN_PLACE, "write `x = cr.set_at(x, (rows, indices), values)`"),
    "putmask": (_IN_PLACE, "write `x = cr.where(mask, values, x)`"),
    "roots": ("it takes the eigenvalues of a matrix that is not symmetric", "write cr.linalg.eigvals of its companion"),
    "save": (_TEXT, "pass an array, x.numpy(), or write cr.save"),
    "savetxt": (_TEXT, "pass an array, x.numpy(), or write cr.save"),
    "savez": (_TEXT, "pass arrays, x.numpy(), or write cr.save"),
    "savez_compressed": (_TEXT, "pass arrays, x.numpy(), or write cr.save"),
    "setdiff1d": (
        "how much it gives depends on values",
        "write `x[cr.logical_not(cr.isin(x, y))]`, and np.unique of that",
    ),
    "setxor1d": ("how much it gives depends on values", "join np.setdiff1d both ways, written with cr.isin"),
    "shares_memory": ("tensors are values, and never share what can change", "compare x.value and y.value"),
    "sort_complex": ("complex numbers have no order of their own", "write `x[cr.lexsort([cr.imag(x), cr.real(x)])]`"),
    "spacing": ("it is about bits", "write `cr.nextafter(x, cr.inf) - x`"),
    "trim_zeros": ("how much it gives depends on values", "take a slice of it"),
    "union1d": ("how much it gives depends on values", "write np.unique(cr.concat([x, y]))"),
    "unpackbits": (_BITS, "compute it with NumPy: np.unpackbits(x.numpy())"),
}


def _refusal(name: str, why: str, instead: str) -> Callable[..., NoReturn]:
    def refused(*args: Any, **kwargs: Any) -> NoReturn:
        raise MissingKernelError(f"np.{name} has no counterpart for tensors: {why}. Instead, {instead}.")

    return refused


def refusals() -> dict[str, Callable[..., NoReturn]]:
    """A function that raises the error, for each name."""
    return {name: _refusal(name, why, instead) for name, (why, instead) in REFUSED.items()}
