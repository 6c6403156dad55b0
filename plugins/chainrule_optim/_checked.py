"""`checked`: a hand-written gradient that is compared with the right one from time to time."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Sequence
from typing import Any, cast

import optree

import chainrule as cr
from chainrule import (
    ArgumentError,
    DTypeError,
    GradientCheckError,
    IndexedSlices,
    Tensor,
    Variable,
    as_tensor,
    init_scope,
    no_grad,
)
from chainrule_optim._faults import (
    GradientCheckWarning,
    Slope,
    epsilon_of,
    fault_of_slopes,
    fault_of_values,
    faults_of_form,
)
from chainrule_optim._hyper import Integer, Number

_COUNT = Integer(low=1)
_TOLERANCE = Number(low=0.0)


def checked(
    jac: Callable[..., Any],
    function: Callable[..., Any] | None = None,
    every: int = 1,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    directions: int = 3,
    seed: int = 0,
    on_fault: str = "raise",
) -> Checked:
    """A gradient of yours, compared with the right one at the first call and at every n-th.

    It is called like `jac`, and gives what `jac` gives. The right gradient is chainrule's of `function`, if that can be
    differentiated; else, central differences tell how fast `function` grows along random directions.

    Found and named are: None, something that is no array, a wrong length, a column vector or another wrong shape,
    complex, integer or less precise numbers, NaN and infinities, a wrong sign, a wrong scale with its factor, and the
    element that is farthest off.

    Args:
        jac: `jac(x, *args)` gives the gradient at `x`, an array or a pytree of arrays, as SciPy's solvers and
            `cr.scipy.minimize` take it. Or, for `minimize(loss, gradients=cr.checked(jac))`, a function without
            arguments as an optimizer takes it; it is compared with the gradient of the loss, and `function` left out.
        function: `function(x, *args)` gives the number that `jac` is the gradient of.
        every: how many calls there are from one comparison to the next.
        rtol: the error allowed for an element or slope, relative to it. What rounding and differences explain is
            allowed besides.
        atol: the absolute error allowed.
        directions: how many random directions to take differences along, of four evaluations each.
        seed: where the random directions start from.
        on_fault: `"raise"` or `"warn"`.

    Raises:
        DTypeError, ArgumentError: an argument is of the wrong type or out of range.
        GradientCheckError: when it is called, a fault; with `"warn"`, a `GradientCheckWarning`.

    >>> import chainrule as cr, numpy as np
    >>> from scipy.optimize import minimize
    >>> def f(x):
    ...     return np.sum(x**4)
    >>> minimize(f, [1.0, 2.0], jac=cr.checked(lambda x: 4 * x**3, f)).success
    True
    >>> minimize(f, [1.0, 2.0], jac=cr.checked(lambda x: -3 * x**3, f))
    Traceback (most recent call last):
    GradientCheckError: gradient '<lambda>', call 1, beside chainrule's gradient of 'f': it has the wrong scale and the
    wrong sign: it is -0.75 times what it should be
    """
    return Checked(jac, function, every, rtol, atol, directions, seed, on_fault)


class Checked:
    """What `cr.checked` gives; see there.

    Attributes:
        jac: the gradient.
        calls: how often it was called.
        checks: how often it was compared.
    """

    def __init__(
        self,
        jac: Callable[..., Any],
        function: Callable[..., Any] | None,
        every: int,
        rtol: float,
        atol: float,
        directions: int,
        seed: int,
        on_fault: str,
    ) -> None:
        if not callable(jac):
            raise DTypeError(f"checked: jac: expected a function, got {type(jac).__name__} {jac!r:.60}")
        if function is not None and not callable(function):
            raise DTypeError(f"checked: function: expected a function, got {type(function).__name__} {function!r:.60}")
        if on_fault not in ("raise", "warn"):
            raise ArgumentError(f"checked: on_fault: expected 'raise' or 'warn', got {on_fault!r:.60}")
        self.jac = jac
        self.calls = 0
        self.checks = 0
        self._function = function
        self._every = _COUNT.checked("checked: every", every)
        self._rtol = _TOLERANCE.checked("checked: rtol", rtol)
        self._atol = _TOLERANCE.checked("checked: atol", atol)
        self._directions = _COUNT.checked("checked: directions", directions)
        self._random = random.Random(seed)
        self._warns = on_fault == "warn"

    def __call__(self, x: Any, *args: Any) -> Any:
        """The gradient at `x`, compared if that is due."""
        if self._function is None:
            raise ArgumentError(
                f"checked: there is nothing to compare {_name(self.jac)} with: pass the function that it is the "
                "gradient of, cr.checked(jac, function); without it only minimize(loss, gradients=...) can compare"
            )
        gradient = self.jac(x, *args)
        if self.is_due():
            with no_grad():
                beside, faults = self._faults(gradient, x, args)
            self._report(beside, faults)
        return gradient

    def __repr__(self) -> str:
        return f"<checked gradient {_name(self.jac)}, every {self._every}>"

    def is_due(self) -> bool:
        """Count a call, and tell whether it is one to be compared."""
        self.calls += 1
        due = (self.calls - 1) % self._every == 0
        self.checks += due
        return due

    def compare_with_variables(self, what: str, found: Sequence[tuple[Variable, Any, Any]]) -> None:
        """Compare gradients that were given for variables with those that were computed."""
        faults: list[str] = []
        with no_grad():
            for variable, given, right in found:
                where = f"of variable {variable.name!r}, "
                if given is None and right is None:
                    continue
                if right is None:
                    faults.append(f"{where}there is nothing to compare with: the loss was not computed from it")
                    continue
                right = right.to_dense() if type(right) is IndexedSlices else right
                claimed, wrong = faults_of_form(given, right)
                if not wrong and claimed is not None:
                    fault = fault_of_values([claimed], [right], [variable.name], self._rtol, self._atol)
                    wrong = [] if fault is None else [fault]
                faults += [where + fault for fault in wrong]
        self._report(f"{what}, beside chainrule's gradient", faults)

    def compare_when_it_runs(self, what: str, found: Sequence[tuple[Variable, Any, Any]]) -> dict[int, Tensor]:
        """`compare_with_variables` in a graph or compiled function: each time that it runs, the calls are counted.

        Returns:
            The gradients that were given, once they have been compared, by the identity of their variable.
        """
        absent = [entry for entry in found if entry[1] is None or entry[2] is None]
        self.compare_with_variables(what, absent)
        entries = [entry for entry in found if entry[1] is not None and entry[2] is not None]
        if not entries:
            return {}
        variables = [variable for variable, _, _ in entries]
        given, right = (
            [x.to_dense() if type(x) is IndexedSlices else cast(Tensor, x) for x in gradients]
            for gradients in list(zip(*entries, strict=True))[1:]
        )

        def compare(given: list[Any], right: list[Any]) -> list[Any]:
            if self.is_due():
                with init_scope():
                    self.compare_with_variables(
                        what, list(zip(variables, map(as_tensor, given), map(as_tensor, right), strict=True))
                    )
            return given

        compared = cr.callback(compare, given, right, like=given)
        return {id(variable): gradient for variable, gradient in zip(variables, compared, strict=True)}

    def _report(self, beside: str, faults: Sequence[str]) -> None:
        if not faults:
            return
        head = f"gradient {_name(self.jac)}, call {self.calls}, {beside}:"
        message = f"{head} {faults[0]}" if len(faults) == 1 else "\n  ".join([head, *faults])
        if not self._warns:
            raise GradientCheckError(message)
        warnings.warn(message, GradientCheckWarning, stacklevel=3)

    def _faults(self, gradient: Any, x: Any, args: tuple[Any, ...]) -> tuple[str, list[str]]:
        """What the gradient was compared with, and what is wrong with it."""
        leaves, treedef = optree.tree_flatten(x)
        xs = [as_tensor(leaf) for leaf in leaves]
        names = [optree.treespec_accessors(treedef)[i].codify("x") for i in range(len(xs))]
        try:
            given = treedef.flatten_up_to(gradient)
        except ValueError as error:
            return "of its form", [f"it has not the structure of x: {error}"]
        claimed: list[Tensor] = []
        faults: list[str] = []
        for name, part, like in zip(names, given, xs, strict=True):
            tensor, wrong = faults_of_form(part, like)
            faults += wrong if len(xs) == 1 else [f"{name}: {fault}" for fault in wrong]
            if tensor is not None:
                claimed.append(tensor)
        if faults:
            return "of its form", faults
        right = self._right(x, args)
        # Zeros can be a path that the function cut: differences do not see that.
        if right is not None and (any(_any_nonzero(part) for part in right) or not any(map(_any_nonzero, claimed))):
            fault = fault_of_values(claimed, right, names, self._rtol, self._atol)
            beside = f"beside chainrule's gradient of {_name(self._function)}"
        else:
            slopes = [self._slope(claimed, leaves, xs, treedef, args) for _ in range(self._directions)]
            fault = fault_of_slopes(slopes, self._rtol, self._atol)
            beside = f"beside differences of {_name(self._function)} along {self._directions} random directions"
        return beside, [] if fault is None else [fault]

    def _right(self, x: Any, args: tuple[Any, ...]) -> list[Tensor] | None:
        """Chainrule's gradient; None where the function cannot be differentiated."""
        assert self._function is not None
        try:
            return [as_tensor(leaf) for leaf in optree.tree_leaves(cr.grad(self._function)(x, *args))]
        except Exception:  # whatever code that knows nothing of tensors raises; by itself it may run all the same
            return None

    def _slope(
        self, claimed: Sequence[Tensor], leaves: Sequence[Any], xs: Sequence[Tensor], treedef: Any, args: Any
    ) -> Slope:
        """How fast the function grows along a random direction: central differences, extrapolated once."""
        assert self._function is not None
        ways = [_like(x, [self._random.choice((-1.0, 1.0)) for _ in range(x.size)]) for x in xs]
        epsilon = max(map(epsilon_of, xs))
        width = epsilon**0.25 * max(1.0, *(float(cr.max(cr.abs(x))) for x in xs if x.size))
        values = []
        for step in (width, -width, width / 2, -width / 2):
            moved = [_in_place_of(leaf, x + step * way) for leaf, x, way in zip(leaves, xs, ways, strict=True)]
            values.append(_as_number(self._function, self._function(optree.tree_unflatten(treedef, moved), *args)))
        coarse, fine = (values[0] - values[1]) / (2 * width), (values[2] - values[3]) / width
        error = abs(fine - coarse) + 16 * epsilon * max(map(abs, values)) / width
        along = [float(cr.real(cr.sum(cr.conj(g) * way))) for g, way in zip(claimed, ways, strict=True)]
        return Slope(sum(along), (4 * fine - coarse) / 3, error)


def _name(function: Any) -> str:
    return repr(getattr(function, "__name__", None) or type(function).__name__)


def _any_nonzero(x: Tensor) -> bool:
    return bool(cr.any(x != 0))


def _like(x: Tensor, values: list[float]) -> Tensor:
    """Numbers in the shape and dtype of a tensor."""
    backend = x.backend
    flat = Tensor(backend.asarray(values, backend.native(x.dtype), x.device), backend)
    shaped: Tensor = cr.reshape(flat, x.shape)
    return shaped


def _in_place_of(leaf: Any, value: Tensor) -> Any:
    """A tensor as what a leaf is: a tensor, a number, or an array of its library."""
    if isinstance(leaf, Tensor | Variable):
        return value
    return value.item() if type(leaf) in (int, float, complex) else value.value


def _as_number(function: Any, value: Any) -> float:
    found = as_tensor(value)
    if found.size != 1:
        raise ArgumentError(f"checked: {_name(function)} gave shape {found.shape}, expected one number")
    return float(found.item())
