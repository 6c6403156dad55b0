"""Programs to learn from: `chainrule mnist` trains the first model of every tutorial.

>>> import chainrule as cr
>>> from chainrule_tutorials import Settings, train
>>> trained = train(cr.datasets.mnist(), Settings(steps=20))
>>> trained.weights.shape, len(trained.losses), trained.accuracy > 0.5
((784, 10), 20, True)
"""

from typing import TYPE_CHECKING, Any

from chainrule_tutorials._settings import MODES, OPTIMIZERS, Settings

__all__ = ["MODES", "OPTIMIZERS", "Settings", "Trained", "train"]

if TYPE_CHECKING:
    from chainrule_tutorials._softmax_regression import Trained, train
else:

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
        from chainrule_tutorials import _softmax_regression

        return getattr(_softmax_regression, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
