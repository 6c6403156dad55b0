"""Optimizers: `cr.optim`. They take the gradients that chainrule computes, or yours, at each point on the way.

>>> import chainrule as cr
>>> w = cr.Variable([3.0, -2.0], name="w")
>>> optimizer = cr.optim.GradientDescent(0.25)
>>> for _ in range(20):
...     loss = optimizer.minimize(lambda: cr.sum(w * w))
>>> float(loss) < 1e-10
True

Importing the package imports none of its parts: each is loaded when it is first asked for.
"""

from typing import TYPE_CHECKING

from chainrule import lazy_attributes

if TYPE_CHECKING:
    from chainrule_optim import schedules as schedules
    from chainrule_optim._adadelta import Adadelta as Adadelta
    from chainrule_optim._adagrad import Adagrad as Adagrad
    from chainrule_optim._adam import Adam as Adam
    from chainrule_optim._adamax import Adamax as Adamax
    from chainrule_optim._adamw import AdamW as AdamW
    from chainrule_optim._checked import Checked as Checked
    from chainrule_optim._checked import checked as checked
    from chainrule_optim._clipping import clip_by_global_norm as clip_by_global_norm
    from chainrule_optim._clipping import clip_by_norm as clip_by_norm
    from chainrule_optim._clipping import clip_by_value as clip_by_value
    from chainrule_optim._clipping import global_norm as global_norm
    from chainrule_optim._faults import GradientCheckWarning as GradientCheckWarning
    from chainrule_optim._ftrl import Ftrl as Ftrl
    from chainrule_optim._gradient_descent import GradientDescent as GradientDescent
    from chainrule_optim._lbfgs import LBFGS as LBFGS
    from chainrule_optim._lion import Lion as Lion
    from chainrule_optim._momentum import Momentum as Momentum
    from chainrule_optim._nadam import Nadam as Nadam
    from chainrule_optim._optimizer import Optimizer as Optimizer
    from chainrule_optim._rmsprop import RMSProp as RMSProp

# Where each public name is.
_PARTS = {
    "Adadelta": "._adadelta",
    "Adagrad": "._adagrad",
    "Adam": "._adam",
    "AdamW": "._adamw",
    "Adamax": "._adamax",
    "Checked": "._checked",
    "Ftrl": "._ftrl",
    "GradientCheckWarning": "._faults",
    "GradientDescent": "._gradient_descent",
    "LBFGS": "._lbfgs",
    "Lion": "._lion",
    "Momentum": "._momentum",
    "Nadam": "._nadam",
    "Optimizer": "._optimizer",
    "RMSProp": "._rmsprop",
    "checked": "._checked",
    "clip_by_global_norm": "._clipping",
    "clip_by_norm": "._clipping",
    "clip_by_value": "._clipping",
    "global_norm": "._clipping",
    "schedules": ".schedules",
}
__all__ = [*_PARTS]  # names all the same
__getattr__, __dir__ = lazy_attributes(__name__, _PARTS)
