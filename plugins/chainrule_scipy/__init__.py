"""SciPy's solvers with exact derivatives: `cr.scipy`.

>>> import chainrule as cr, numpy as np
>>> result = cr.scipy.minimize(lambda p: (p["a"] - 1.0) ** 2 + np.sum(p["b"] ** 2), {"a": 0.0, "b": np.ones(2)})
>>> bool(result.success), round(result.x["a"], 6), result.x["b"].round(6) + 0.0
(True, 1.0, array([0., 0.]))

Importing the package imports neither NumPy nor SciPy: they are loaded when a solver is first asked for.
"""

from typing import TYPE_CHECKING

from chainrule import lazy_attributes

if TYPE_CHECKING:
    from chainrule_scipy._minimize import minimize as minimize

_PARTS = {"minimize": "._minimize"}
__all__ = [*_PARTS]  # names all the same
__getattr__, __dir__ = lazy_attributes(__name__, _PARTS)
