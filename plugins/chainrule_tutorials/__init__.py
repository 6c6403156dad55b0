"""Programs to learn from: `chainrule mnist` trains the first model of every tutorial.

>>> import chainrule as cr
>>> from chainrule_tutorials import Settings, train
>>> trained = train(cr.datasets.mnist(), Settings(steps=20))
>>> trained.weights.shape, len(trained.losses), trained.accuracy > 0.5
((784, 10), 20, True)
"""

from typing import TYPE_CHECKING

from chainrule import lazy_attributes

if TYPE_CHECKING:
    from chainrule_tutorials._settings import MODES as MODES
    from chainrule_tutorials._settings import OPTIMIZERS as OPTIMIZERS
    from chainrule_tutorials._settings import Settings as Settings
    from chainrule_tutorials._softmax_regression import Trained as Trained
    from chainrule_tutorials._softmax_regression import train as train

# Where each public name is.
_PARTS = {
    "MODES": "._settings",
    "OPTIMIZERS": "._settings",
    "Settings": "._settings",
    "Trained": "._softmax_regression",
    "train": "._softmax_regression",
}
__all__ = [*_PARTS]  # names all the same
__getattr__, __dir__ = lazy_attributes(__name__, _PARTS)
