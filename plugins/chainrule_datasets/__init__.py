"""Data sets for examples, tests and benchmarks: `cr.datasets`. Nothing is downloaded.

>>> import chainrule as cr
>>> train_x, train_y, test_x, test_y = cr.datasets.mnist().flat()
>>> train_x.shape, test_y.shape
((20000, 784), (10000,))

Importing the package imports no array library: NumPy is loaded when a data set is first asked for.
"""

from typing import TYPE_CHECKING

from chainrule import lazy_attributes

if TYPE_CHECKING:
    from chainrule_datasets._errors import DatasetError as DatasetError
    from chainrule_datasets._errors import DatasetNotFoundError as DatasetNotFoundError
    from chainrule_datasets._mnist import Mnist as Mnist
    from chainrule_datasets._mnist import mnist as mnist

# Where each public name is.
_PARTS = {"DatasetError": "._errors", "DatasetNotFoundError": "._errors", "Mnist": "._mnist", "mnist": "._mnist"}
__all__ = [*_PARTS]  # names all the same
__getattr__, __dir__ = lazy_attributes(__name__, _PARTS)
