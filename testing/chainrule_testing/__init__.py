"""The conformance kit: what a backend or a plugin of chainrule's is checked with.

`pytest --pyargs chainrule_testing --backend NAME` checks a backend, `--plugin NAME` a plugin's operations, `check_op`
one operation in a test of your own.
"""

# pytest imports this package in every run, to find its plugin: what is heavy waits for its first use.
from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule_testing._check_op import OpReport as OpReport
    from chainrule_testing._check_op import check_op as check_op
    from chainrule_testing._samples import Sample as Sample
    from chainrule_testing._samples import Samples as Samples
    from chainrule_testing._samples import above_one as above_one
    from chainrule_testing._samples import apart as apart
    from chainrule_testing._samples import between_integers as between_integers
    from chainrule_testing._samples import binary as binary
    from chainrule_testing._samples import case as case
    from chainrule_testing._samples import integers as integers
    from chainrule_testing._samples import positive as positive
    from chainrule_testing._samples import real as real
    from chainrule_testing._samples import reduction as reduction
    from chainrule_testing._samples import samples_of as samples_of
    from chainrule_testing._samples import unary as unary
    from chainrule_testing._samples import uniform as uniform
    from chainrule_testing._samples import unit as unit

_PLACES = {
    "_check_op": ("OpReport", "check_op"),
    "_samples": (
        *("Sample", "Samples", "above_one", "apart", "between_integers", "binary", "case", "integers", "positive"),
        *("real", "reduction", "samples_of", "unary", "uniform", "unit"),
    ),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value
