"""Stopping at the first NaN or infinity, forward or in a gradient."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chainrule import _context
from chainrule._context import Context
from chainrule._errors import NumericsError
from chainrule._node import caller
from chainrule._tensor import Tensor

if TYPE_CHECKING:
    from chainrule._backend import Backend
    from chainrule._op import Op


@contextmanager
def debug_nans() -> Iterator[None]:
    """Raise at the first operation in this block whose result holds a NaN or an infinity.

    The error names the operation, whether it ran forward or in whose gradient, your line, and who defined it. Every
    result is looked at, which costs time; on a GPU it waits for each.

    Raises:
        NumericsError: there was one.

    >>> import chainrule as cr, warnings
    >>> with cr.debug_nans(), warnings.catch_warnings(action="ignore"):
    ...     cr.log(cr.tensor([1.0, 0.0]))
    Traceback (most recent call last):
    chainrule._errors.NumericsError: log made 1 infinity of 2 elements, forward, at ...
    """
    with _context.scope(debugging="forward"):
        yield


def check_finite(op: Op, inputs: tuple[Any, ...], value: Any, backend: Backend, context: Context) -> None:
    """Raise if a result is not finite everywhere."""
    for part in value if op.multiple else (value,):
        if not backend.dtype(part.dtype).is_inexact or bool(backend.xp.all(backend.xp.isfinite(part))):
            continue
        array = backend.to_numpy(part)
        nans = int((array != array).sum())
        infinities = int((abs(array) == float("inf")).sum())
        counts = [
            f"{n} {singular if n == 1 else plural}"
            for n, singular, plural in ((nans, "NaN", "NaNs"), (infinities, "infinity", "infinities"))
            if n
        ]
        bad = [i for i, x in enumerate(inputs) if type(x) is Tensor and not _is_finite(x)]
        came = f"; input {bad[0]} was not finite already" if bad else "; its inputs were finite"
        raise NumericsError(
            f"{op.name} made {' and '.join(counts)} of {array.size} element{'s' * (array.size != 1)}, "
            f"{context.debugging}, at {caller()}{came}; op {op.name!r} is of {op.owner}"
        )


def _is_finite(x: Tensor) -> bool:
    if not x.dtype.is_inexact:
        return True
    array = x.numpy()
    return bool((abs(array) < float("inf")).all())
