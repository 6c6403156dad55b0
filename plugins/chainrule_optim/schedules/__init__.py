"""Learning rates that change from step to step: `cr.optim.schedules`.

A schedule is called with the number of steps taken before, an integer or a 0-d tensor, and gives the rate for the next
one. It keeps nothing, so that it can be shared, compared and shown:

>>> import chainrule as cr
>>> schedules = cr.optim.schedules
>>> rate = schedules.WarmUp(10, schedules.Cosine(0.1, decay_steps=90))
>>> rate
WarmUp(steps=10, after=Cosine(initial=0.1, decay_steps=90.0, end=0.0), start=0.0)
>>> rate(0), rate(5), rate(10), round(rate(55), 6), rate(100)
(0.0, 0.05, 0.1, 0.05, 0.0)
"""

from chainrule_optim.schedules._composed import Join, WarmUp
from chainrule_optim.schedules._cosine import Cosine, CosineRestarts, OneCycle
from chainrule_optim.schedules._decays import (
    Constant,
    Exponential,
    InverseTime,
    NaturalExp,
    PiecewiseConstant,
    Polynomial,
)
from chainrule_optim.schedules._schedule import Schedule

__all__ = [
    "Constant",
    "Cosine",
    "CosineRestarts",
    "Exponential",
    "InverseTime",
    "Join",
    "NaturalExp",
    "OneCycle",
    "PiecewiseConstant",
    "Polynomial",
    "Schedule",
    "WarmUp",
]
