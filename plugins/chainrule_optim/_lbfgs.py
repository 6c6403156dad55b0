"""L-BFGS: the whole way to a minimum at once, with SciPy's solver."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import chainrule as cr
from chainrule import ArgumentError, DTypeError, GraphError, NumericsError, Tensor, Variable, no_grad
from chainrule_optim._gradients import gradients_of, require_some
from chainrule_optim._hyper import Integer, Number
from chainrule_optim._pairs import OwnGradients


class LBFGS:
    """Limited-memory BFGS (Byrd, Lu, Nocedal and Zhu, 1995), run to convergence by `scipy.optimize`, "L-BFGS-B".

    It is for a loss that is the same each time, over all data; one call of `minimize` runs it many times. It has no
    learning rate and keeps nothing from call to call.

    Args:
        max_iterations: how many iterations to take at most.
        tolerance: it has converged where no element of the gradient is larger.
        loss_tolerance: it has converged, too, where an iteration lowers the loss by less than this, relatively.
        memory: how many corrections the inverse Hessian is made of.
        name: a name for reports.

    Attributes:
        result: SciPy's report on the last run (`success`, `message`, `nit`, ...); None before the first.

    >>> import chainrule as cr
    >>> x, y = cr.Variable(-1.2, name="x"), cr.Variable(1.0, name="y")
    >>> optimizer = cr.optim.LBFGS()
    >>> loss = optimizer.minimize(lambda: (1.0 - x) ** 2 + 100.0 * (y - x**2) ** 2)
    >>> float(loss) < 1e-8, x.numpy().round(3), y.numpy().round(3), optimizer.result.success
    (True, np.float64(1.0), np.float64(1.0), True)
    """

    max_iterations = Integer(low=1)
    tolerance = Number(low=0.0)
    loss_tolerance = Number(low=0.0)
    memory = Integer(low=1)

    def __init__(
        self,
        max_iterations: int = 15_000,
        tolerance: float = 1e-5,
        loss_tolerance: float = 2.2e-9,
        memory: int = 10,
        name: str | None = None,
    ) -> None:
        if name is not None and (type(name) is not str or not name):
            raise ArgumentError(f"LBFGS: name: expected a non-empty string, got {name!r:.60}")
        self.name = name or "LBFGS"
        self.max_iterations = max_iterations
        self.tolerance = tolerance
        self.loss_tolerance = loss_tolerance
        self.memory = memory
        self.result: Any = None

    def minimize(
        self,
        loss: Callable[[], Any],
        var_list: Variable | Iterable[Variable] | None = None,
        gradients: OwnGradients | None = None,
        overrides: Mapping[Any, Any] | None = None,
    ) -> Tensor:
        """Lower a loss until it converges, and leave the variables there.

        Args:
            loss: a function without arguments to a number.
            var_list: the variables, real ones; by default the trainable ones that the loss reads.
            gradients: your own, as a function without arguments; see `Optimizer.compute_gradients`.
            overrides: gradient-time overrides; see `cr.gradients`.

        Returns:
            The loss at the solution, without history.

        Raises:
            GraphError: a graph or compiled function is being built.
            MissingGradientError: no variable has a gradient; says why.
            NumericsError: the loss at the start or at the end is not finite.
            ChainruleError: as `Optimizer.compute_gradients`. Whatever is raised, also by the loss, the variables are as
                they were.

        Warns:
            RuntimeWarning: SciPy's line search failed, as it does with wrong gradients. `max_iterations` gives none.
        """
        what = f"{self.name}.minimize"
        if cr.get_default_graph() is not None:
            raise GraphError(
                f"{what}: SciPy searches by values, and there are none while a graph or compiled function is being "
                "built; call it outside, or take another optimizer"
            )
        if not callable(loss):
            raise DTypeError(f"{what}: expected the loss as a function without arguments, got {type(loss).__name__}")
        if gradients is not None and not callable(gradients):
            raise DTypeError(f"{what}: gradients: expected a function: they are asked for at many places")
        run = _Run(what, loss, gradients, overrides)
        with no_grad():
            run.start(var_list)
            before = [variable.read() for variable in run.variables]
            try:
                result = cr.scipy.minimize(
                    run.loss_at,
                    before,
                    method="L-BFGS-B",
                    jac=run.gradients_at,
                    options={
                        "maxiter": self.max_iterations,
                        "maxfun": max(15_000, 25 * self.max_iterations),
                        "gtol": self.tolerance,
                        "ftol": self.loss_tolerance,
                        "maxcor": self.memory,
                    },
                )
                y = run.evaluate(result.x)
                if not math.isfinite(float(y)):
                    raise NumericsError(f"{what}: the loss is {float(y)} where the search ended")
            except BaseException:
                _assign(run.variables, before)
                raise
        self.result = result
        if result.status not in (0, 1):
            warnings.warn(
                f"{what}: the line search failed ({result.message}): are the gradients those of the loss? "
                "cr.checked compares yours, cr.debug_nans finds NaN",
                RuntimeWarning,
                stacklevel=2,
            )
        return y

    def __repr__(self) -> str:
        return f"<LBFGS {self.name!r} max_iterations={self.max_iterations}>"


class _Run:
    """One search: the loss and its gradients where SciPy asks, each place once."""

    def __init__(self, what: str, loss: Callable[[], Any], gradients: Any, overrides: Mapping[Any, Any] | None) -> None:
        self.variables: list[Variable] = []
        self._what = what
        self._loss = loss
        self._own = gradients
        self._overrides = overrides
        self._at: list[Tensor] = []
        self._value: Tensor
        self._slopes: list[Any] = []

    def start(self, var_list: Any) -> None:
        """Find the variables, and evaluate the loss where they are."""
        y, pairs = gradients_of(self._what, self._loss, var_list, None, None, self._own, self._overrides)
        require_some(self._what, y, pairs)
        self.variables = [variable for gradient, variable in pairs if gradient is not None]
        if not math.isfinite(float(y.item())):
            raise NumericsError(f"{self._what}: the loss is {y.item()} at the start")
        self._keep([variable.read() for variable in self.variables], y, pairs)

    def _keep(self, place: list[Tensor], y: Tensor, pairs: Any) -> None:
        self._at, self._value = place, y.detach()
        found = {id(variable): gradient for gradient, variable in pairs}
        self._slopes = [
            cr.zeros_like(variable.read()) if found[id(variable)] is None else cr.as_tensor(found[id(variable)])
            for variable in self.variables
        ]

    def evaluate(self, place: Any) -> Tensor:
        """The loss at a place, where the variables are left."""
        if not all(bool(cr.all(a == b)) for a, b in zip(self._at, place, strict=True)):
            _assign(self.variables, place)
            y, pairs = gradients_of(self._what, self._loss, self.variables, None, None, self._own, self._overrides)
            self._keep(list(place), y, pairs)
        return self._value

    def loss_at(self, place: Any) -> Any:
        """What SciPy minimizes."""
        return self.evaluate(place)

    def gradients_at(self, place: Any) -> Any:
        """Its gradients."""
        self.evaluate(place)
        return self._slopes


def _assign(variables: Iterable[Variable], values: Iterable[Tensor]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
