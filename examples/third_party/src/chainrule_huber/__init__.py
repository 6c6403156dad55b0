"""Robust statistics: Huber's loss and what follows from it. This is `cr.robust`."""

from chainrule_huber._huber import huber
from chainrule_huber._robust import huber_loss, location

__all__ = ["huber", "huber_loss", "location"]
