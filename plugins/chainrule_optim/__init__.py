"""Optimizers: `cr.optim`. They take the gradients that chainrule computes, or yours, at each point on the way.

>>> import chainrule as cr
>>> w = cr.Variable([3.0, -2.0], name="w")
>>> optimizer = cr.optim.GradientDescent(0.25)
>>> for _ in range(20):
...     loss = optimizer.minimize(lambda: cr.sum(w * w))
>>> float(loss) < 1e-10
True
"""

from chainrule_optim._adam import Adam
from chainrule_optim._gradient_descent import GradientDescent
from chainrule_optim._momentum import Momentum
from chainrule_optim._optimizer import Optimizer

__all__ = ["Adam", "GradientDescent", "Momentum", "Optimizer"]
