"""The backend `marray`: NumPy's arrays with a mask, for data in which some numbers are missing."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import Any, Final

import chainrule as cr
from chainrule_marray._masked import masked as masked
from chainrule_marray._masked import to_numpy, whole_of_whole

_MEANS: Final = frozenset({"mean", "std", "var"})
_REASON: Final = "its derivative counts what is missing too; divide a sum by how many are known"


def backend() -> cr.Backend:
    """The marray backend.

    Raises:
        BackendUnavailableError: marray or array-api-compat is not installed.
    """
    try:
        from array_api_compat import numpy
        from marray import masked_namespace
    except ModuleNotFoundError as error:
        raise cr.BackendUnavailableError(f"backend 'marray': {error}; pip install chainrule-marray") from error
    from chainrule_array_api import array_api_backend

    made = array_api_backend(
        "marray",
        masked_namespace(numpy),
        version=version("marray"),
        to_numpy=to_numpy,
        kernels=dict.fromkeys(_MEANS, _refused),
        quiet=partial(numpy.errstate, all="ignore"),
    )
    return replace(
        made,
        refuses=lambda instruction: _REASON if instruction.op.name in _MEANS else None,
        wrap_generic=lambda op, kernel: whole_of_whole(made.xp, op, made.wrap_generic(op, kernel)),
    )


def _refused(x: Any, **attributes: Any) -> Any:
    raise cr.DTypeError(_REASON)
