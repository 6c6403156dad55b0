"""Data sets for examples, tests and benchmarks: `cr.datasets`. Nothing is downloaded.

>>> import chainrule as cr
>>> train_x, train_y, test_x, test_y = cr.datasets.mnist().flat()
>>> train_x.shape, test_y.shape
((20000, 784), (10000,))

Importing the package imports no array library: NumPy is loaded when a data set is first asked for.
"""

from typing import TYPE_CHECKING, Any

from chainrule_datasets._errors import DatasetError, DatasetNotFoundError

__all__ = ["DatasetError", "DatasetNotFoundError", "Mnist", "mnist"]

if TYPE_CHECKING:
    from chainrule_datasets._mnist import Mnist, mnist
else:

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
        from chainrule_datasets import _mnist

        return getattr(_mnist, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
