"""SciPy's solvers with exact derivatives: `cr.scipy`.

>>> import chainrule as cr, numpy as np
>>> result = cr.scipy.minimize(lambda p: (p["a"] - 1.0) ** 2 + np.sum(p["b"] ** 2), {"a": 0.0, "b": np.ones(2)})
>>> bool(result.success), round(result.x["a"], 6), result.x["b"].round(6) + 0.0
(True, 1.0, array([0., 0.]))

Importing the package imports neither NumPy nor SciPy: they are loaded when a solver is first asked for.
"""

from typing import TYPE_CHECKING, Any

__all__ = ["minimize"]

if TYPE_CHECKING:
    from chainrule_scipy._minimize import minimize
else:

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
        from chainrule_scipy import _minimize

        return getattr(_minimize, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
