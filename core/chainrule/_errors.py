"""Every error chainrule raises: one family, each member also the builtin that users would catch at that place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule._backend import Backend


class ChainruleError(Exception):
    """Base of all errors raised by chainrule and its plugins."""


class ShapeError(ChainruleError, ValueError):
    """Shapes that do not fit an operation or each other."""


class DTypeError(ChainruleError, TypeError):
    """A dtype or type that an operation does not take."""


class ArgumentError(ChainruleError, ValueError):
    """An argument with a value that means nothing here."""


class IndexingError(ChainruleError, IndexError):
    """An index outside of its axis, or of a form that cannot index."""


class KernelError(ChainruleError, RuntimeError):
    """A backend's kernel failed for a reason of its own."""


class MissingKernelError(ChainruleError, NotImplementedError):
    """A backend has no kernel for an operation."""


class MissingGradientError(ChainruleError, LookupError):
    """A gradient was asked for where no definition, path or recording gives one."""


class GradientDefinitionError(ChainruleError, ValueError):
    """A gradient definition broke its contract: wrong count, shape, dtype or signature."""


class GradientCheckError(ChainruleError, AssertionError):
    """`check_gradient` or `checked` found that a gradient is not what it should be."""


class MissingRuleWarning(UserWarning):
    """A missing-rule policy stood in for a gradient definition that an operation has not."""


class BatchingWarning(UserWarning):
    """An operation without a batching rule ran in a loop over a batch."""


class SelectorError(ChainruleError, LookupError):
    """An override names something that is not there."""


class TrackedValueError(ChainruleError, TypeError):
    """A conversion would have cut a tensor out of the gradient in silence."""


class NumericsError(ChainruleError, FloatingPointError):
    """`debug_nans` found a NaN or an infinity."""


class BackendError(ChainruleError, ValueError):
    """An unknown backend name, a malformed one, or tensors of two backends in one operation."""


class BackendUnavailableError(ChainruleError, ImportError):
    """A backend is known, and cannot compute here: what is missing and what to do about it.

    Attributes:
        backend: what the backend would be with a device, as far as its library alone can tell; None if that is missing.
    """

    def __init__(self, message: str, backend: Backend | None = None) -> None:
        super().__init__(message)
        self.backend = backend


class PluginError(ChainruleError, RuntimeError):
    """A plugin is broken, or two claim the same name."""


class UnknownNameError(ChainruleError, AttributeError):
    """`chainrule.<name>` is no function, operation or namespace of any plugin."""


class UnknownSizeError(ChainruleError, TypeError):
    """The number behind a length that is not known before the program runs was asked for."""


class SymbolicValueError(ChainruleError, TypeError):
    """The value of a tensor that has none was asked for: it belongs to a graph or a function being traced."""


class GraphError(ChainruleError, ValueError):
    """A graph, session or compiled function used out of order: another graph's tensor, a missing or wrong feed."""


class TapeError(ChainruleError, RuntimeError):
    """A `GradientTape` used out of order."""


def nearest(name: str, names: Iterable[str], cutoff: float = 0.6) -> list[str]:
    """The one of some names that was probably meant, if there is one that near."""
    import difflib  # for those who misspell alone

    return difflib.get_close_matches(name, list(names), 1, cutoff)
