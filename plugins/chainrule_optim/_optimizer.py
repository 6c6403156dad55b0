"""`Optimizer`: from a loss to gradients to updates, all or nothing. A rule for updates is a subclass of a few lines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeAlias

import chainrule as cr
from chainrule import (
    ArgumentError,
    DTypeError,
    GradientTape,
    IndexedSlices,
    MissingGradientError,
    ShapeError,
    Tensor,
    Variable,
    no_grad,
)
from chainrule_optim._hyper import LearningRate, Rate
from chainrule_optim._pairs import Given, OwnGradients, Pairs, as_gradient, as_pairs, as_variables, own_gradients
from chainrule_optim._slots import SlotTable, State

Loss: TypeAlias = Callable[[], Any] | Tensor
Update: TypeAlias = tuple[Tensor, Mapping[str, Tensor]]
_SHOWN = 3  # how many missing gradients an error explains


class Optimizer(ABC):
    """Changes variables by their gradients.

    A subclass says which slots it keeps for each variable and how to update one:

    >>> import chainrule as cr
    >>> class Signs(cr.optim.Optimizer):
    ...     "Follow the sign of a decaying sum of gradients."
    ...     slot_names = ("sum",)
    ...     def update(self, gradient, value, slots, learning_rate, step):
    ...         total = 0.5 * slots["sum"] + gradient
    ...         return value - learning_rate * cr.sign(total), {"sum": total}
    >>> w = cr.Variable([3.0, -4.0], name="w")
    >>> Signs(0.5).apply_gradients([([1.0, -1.0], w)])
    >>> w
    <Variable 'w' [ 2.5, -3.5], float64>

    Args:
        learning_rate: a finite number, not negative, or a function of the number of steps taken before to one. It can
            be set anew at any time.
        name: a name for reports and slots; the class's by default.

    Attributes:
        slot_names: the slots that the rule keeps for each variable.
    """

    slot_names: ClassVar[tuple[str, ...]] = ()
    learning_rate = LearningRate()

    def __init__(self, learning_rate: Rate, name: str | None = None) -> None:
        if name is not None and (type(name) is not str or not name):
            raise ArgumentError(f"{type(self).__name__}: name: expected a non-empty string, got {name!r:.60}")
        self.learning_rate = learning_rate
        self.name = name or type(self).__name__
        self._table = SlotTable()
        self._steps = 0

    # The rule

    @abstractmethod
    def update(
        self, gradient: Tensor, value: Tensor, slots: Mapping[str, Tensor], learning_rate: float, step: int
    ) -> Update:
        """The new value of a variable and of its slots.

        It changes nothing itself. Nothing is recorded while it runs.

        Args:
            gradient: of the variable's shape and dtype.
            value: the variable's value.
            slots: the slots' values by name.
            learning_rate: for this step.
            step: the number of this update of this variable, from 1.

        Returns:
            `(new value, new slots by name)`.
        """

    def update_rows(
        self, gradient: IndexedSlices, value: Tensor, slots: Mapping[str, Tensor], learning_rate: float, step: int
    ) -> Update:
        """`update` by a row-sparse gradient: by default, by the same gradient made dense."""
        return self.update(gradient.to_dense(), value, slots, learning_rate, step)

    def create_slots(self, value: Tensor) -> dict[str, Tensor]:
        """What a variable's slots hold before its first update: zeros, unless a rule says otherwise."""
        return {name: cr.zeros_like(value) for name in self.slot_names}

    # Gradients

    def compute_gradients(
        self,
        loss: Loss,
        var_list: Variable | Iterable[Variable] | None = None,
        tape: GradientTape | None = None,
        grad_loss: Any = None,
        gradients: OwnGradients | None = None,
        overrides: Mapping[Any, Any] | None = None,
    ) -> Pairs:
        """The gradients of a loss.

        Args:
            loss: a function without arguments to a number, run here; or a tensor that `tape` recorded.
            var_list: the variables; by default the trainable ones that the loss read, in that order.
            tape: the tape that recorded the loss, if that is a tensor.
            grad_loss: the cotangent of the loss, which may then be an array.
            gradients: your own, in place of ours: a sequence with one for each of `var_list`, a mapping from some of
                the variables, or a function without arguments, called after the loss, that gives either. None among
                them is no gradient. Those of variables that a mapping leaves out are computed.
            overrides: gradient-time overrides; see `cr.gradients`.

        Returns:
            A pair `(gradient, variable)` for each variable, in order; the gradient is a tensor, `IndexedSlices`, or
            None where there is none (`cr.why_no_gradient(loss, variable)` tells why).

        Raises:
            ArgumentError: no variables, one twice, or arguments that do not go together.
            DTypeError, ShapeError: the loss is no real number, or a gradient does not fit its variable.

        >>> import chainrule as cr
        >>> w, b = cr.Variable(3.0, name="w"), cr.Variable(1.0, name="b")
        >>> optimizer = cr.optim.GradientDescent(0.1)
        >>> optimizer.compute_gradients(lambda: w * w, [w, b])
        [(Tensor(6.0, float64), <Variable 'w' 3.0, float64>), (None, <Variable 'b' 1.0, float64>)]
        """
        what = f"{self.name}.compute_gradients"
        return self._gradients_of(what, loss, var_list, tape, grad_loss, gradients, overrides)[1]

    def _gradients_of(
        self,
        what: str,
        loss: Loss,
        var_list: Variable | Iterable[Variable] | None,
        tape: GradientTape | None,
        grad_loss: Any,
        gradients: OwnGradients | None,
        overrides: Mapping[Any, Any] | None,
    ) -> tuple[Tensor, Pairs]:
        """The loss as it was recorded, and the pairs."""
        variables = None if var_list is None else as_variables(what, var_list)
        y, tape = self._recorded(what, loss, tape)
        _check_loss(what, y, grad_loss)
        if callable(gradients):
            gradients = gradients()
        if variables is None:
            variables = self._variables_of(what, y, tape, gradients)
        own = {} if gradients is None else own_gradients(what, gradients, variables)
        rest = [variable for i, variable in enumerate(variables) if i not in own]
        computed = iter(tape.gradient(y, rest, grad_loss, overrides=overrides) if rest else ())
        return y, [
            (as_gradient(what, own[i], variable) if i in own else next(computed), variable)
            for i, variable in enumerate(variables)
        ]

    def _recorded(self, what: str, loss: Loss, tape: GradientTape | None) -> tuple[Tensor, GradientTape]:
        """The loss as a tensor, and the tape that recorded it."""
        if not callable(loss):
            if not isinstance(loss, Tensor):
                raise DTypeError(
                    f"{what}: expected the loss as a function without arguments or a tensor, got {type(loss).__name__}"
                )
            if tape is None:
                raise ArgumentError(
                    f"{what}: the loss is a tensor: pass the tape that recorded it, tape=..., or pass a function "
                    "without arguments that computes it"
                )
            return loss, tape
        if tape is not None:
            raise ArgumentError(f"{what}: the loss is a function, which runs under a tape of its own: leave out tape=")
        with GradientTape() as tape:
            y = loss()
            if isinstance(y, Variable):
                y = y.read()
        if not isinstance(y, Tensor):
            raise DTypeError(f"{what}: expected the loss function to return a tensor, got {type(y).__name__} {y!r:.60}")
        return y, tape

    def _variables_of(self, what: str, y: Tensor, tape: GradientTape, gradients: Given | None) -> list[Variable]:
        """The variables that the loss read, and those somebody gave gradients of."""
        if gradients is not None and not isinstance(gradients, Mapping):
            raise ArgumentError(
                f"{what}: a sequence of gradients needs var_list= to say whose they are; or give a mapping"
            )
        read = [variable for variable in tape.watched_variables(y) if variable.trainable]
        known = {id(variable) for variable in read}
        variables = [*read, *(variable for variable in gradients or () if id(variable) not in known)]
        if not variables:
            raise ArgumentError(f"{what}: no variables to optimize: the loss was computed from no trainable variable")
        return as_variables(what, variables)

    # Updates

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Variable]], global_step: Variable | None = None
    ) -> None:
        """Update variables by gradients, wherever those come from. If anything is wrong, nothing changes.

        Args:
            grads_and_vars: pairs `(gradient, variable)`. A gradient has its variable's shape. A tensor, or the rows of
                `IndexedSlices`, has its dtype too; an array may have a narrower one, and Python numbers and nested
                lists take the variable's. None leaves the variable as it is.
            global_step: an integer variable, not trainable, that counts the steps: 1 is added after the updates.

        Raises:
            MissingGradientError: all gradients are None.
            ArgumentError: no pairs, or one variable twice.
            DTypeError, ShapeError, BackendError: a gradient does not fit its variable.

        >>> import chainrule as cr, numpy as np
        >>> w = cr.Variable([1.0, 2.0], name="w")
        >>> cr.optim.GradientDescent(0.5).apply_gradients([(np.array([2.0, -2.0]), w)])
        >>> w
        <Variable 'w' [0., 3.], float64>
        """
        what = f"{self.name}.apply_gradients"
        with no_grad():
            pairs = as_pairs(what, grads_and_vars)
            if all(gradient is None for gradient, _ in pairs):
                names = ", ".join(variable.name for _, variable in pairs)
                raise MissingGradientError(
                    f"{what}: no gradients: all are None, of {names}; cr.why_no_gradient(loss, variable) tells why"
                )
            rate = Optimizer.learning_rate.at(self.learning_rate, self._steps)
            updated: list[tuple[Variable, State]] = []
            values: list[tuple[Variable, Tensor]] = []
            for gradient, variable in pairs:
                if gradient is None:
                    continue
                state, new = self._updated(gradient, variable, rate)
                updated.append((variable, state))
                values.extend(new)
            if global_step is not None:
                values.append((global_step, _counted(what, global_step)))
            _commit(values)
            for variable, state in updated:
                state.step += 1
                self._table.add(variable, state)
            self._steps += 1

    def _updated(
        self, gradient: Tensor | IndexedSlices, variable: Variable, rate: float
    ) -> tuple[State, list[tuple[Variable, Tensor]]]:
        """A variable's state and the new values of the variable and its slots, to be committed."""
        value = variable.read()
        state = self._table.get(variable) or self._new_state(variable, value)
        slots = {name: slot.read() for name, slot in state.slots.items()}
        rule = self.update_rows if type(gradient) is IndexedSlices else self.update
        new_value, new_slots = rule(gradient, value, slots, rate, state.step + 1)  # type: ignore[arg-type]  # as chosen
        values = [(variable, new_value), *((state.slots[name], new) for name, new in new_slots.items())]
        for target, new in values:
            if new.shape != target.shape or new.dtype is not target.dtype:
                raise DTypeError(
                    f"{self.name}.update: {target.name!r} is {target.dtype} {target.shape}, the rule gave {new.dtype} "
                    f"{new.shape}"
                )
        return state, values

    def _new_state(self, variable: Variable, value: Tensor) -> State:
        slots = {}
        for name, initial in self.create_slots(value).items():
            slots[name] = Variable(initial, trainable=False)
            slots[name].name = f"{variable.name}/{self.name}/{name}"  # without the name scope of this moment
        return self._table.new(variable, slots)

    def minimize(
        self,
        loss: Loss,
        var_list: Variable | Iterable[Variable] | None = None,
        tape: GradientTape | None = None,
        grad_loss: Any = None,
        gradients: OwnGradients | None = None,
        global_step: Variable | None = None,
        overrides: Mapping[Any, Any] | None = None,
    ) -> Tensor:
        """Compute gradients and apply them: one step.

        Args:
            loss, var_list, tape, grad_loss, gradients, overrides: see `compute_gradients`.
            global_step: see `apply_gradients`.

        Returns:
            The loss before the step, as a tensor without history.

        Raises:
            MissingGradientError: no variable has a gradient; says why.
            ChainruleError: as `compute_gradients` and `apply_gradients`.

        >>> import chainrule as cr
        >>> w = cr.Variable(3.0, name="w")
        >>> optimizer = cr.optim.GradientDescent(0.5)
        >>> optimizer.minimize(lambda: w * w)
        Tensor(9.0, float64)
        >>> optimizer.minimize(lambda: w * w, gradients={w: 2.0})
        Tensor(0.0, float64)
        >>> w
        <Variable 'w' -1.0, float64>
        """
        what = f"{self.name}.minimize"
        y, pairs = self._gradients_of(what, loss, var_list, tape, grad_loss, gradients, overrides)
        if all(gradient is None for gradient, _ in pairs):
            reasons = [f"{variable.name}: {_why_none(y, variable)}" for _, variable in pairs[:_SHOWN]]
            more = [f"and {len(pairs) - _SHOWN} more"] if len(pairs) > _SHOWN else []
            raise MissingGradientError("\n  ".join([f"{what}: no variable has a gradient", *reasons, *more]))
        self.apply_gradients(pairs, global_step)
        with no_grad():
            return y.detach()

    # State

    @property
    def iterations(self) -> int:
        """How many steps it has taken."""
        return self._steps

    def get_slot_names(self) -> list[str]:
        """The names of the slots there are, sorted; none before the first step."""
        return sorted({name for state in self._table for name in state.slots})

    def get_slot(self, variable: Variable, name: str) -> Variable | None:
        """A variable's slot; None if there is none, as before the variable's first update."""
        state = self._table.get(variable)
        return None if state is None else state.slots.get(name)

    def variables(self) -> list[Variable]:
        """The slots of all variables, sorted by name."""
        return sorted((slot for state in self._table for slot in state.slots.values()), key=lambda slot: slot.name)

    def __repr__(self) -> str:
        rate = self.learning_rate
        return f"<{type(self).__name__} {self.name!r} learning_rate={rate if callable(rate) else format(rate, 'g')}>"


def _check_loss(what: str, y: Tensor, grad_loss: Any) -> None:
    """Refuse a loss that has no one gradient."""
    if not y.dtype.is_inexact or (y.dtype.kind == "complex" and grad_loss is None):
        raise DTypeError(f"{what}: expected a real floating-point loss, got {y.dtype}")
    if y.shape and grad_loss is None:
        raise ShapeError(
            f"{what}: the loss has shape {y.shape}, and one number is minimized; take its mean or sum, or weigh its "
            "elements by grad_loss="
        )


def _why_none(y: Tensor, variable: Variable) -> str:
    answer = cr.why_no_gradient(y, variable)
    return "the gradient you gave is None" if answer.connected else str(answer)


def _counted(what: str, global_step: Any) -> Tensor:
    """The next value of a step counter."""
    if not isinstance(global_step, Variable):
        raise DTypeError(f"{what}: global_step: expected a Variable, got {type(global_step).__name__}")
    if global_step.trainable or global_step.dtype.kind not in ("int", "uint") or global_step.shape:
        raise DTypeError(
            f"{what}: global_step: expected one integer that is not trainable, got {global_step.dtype} variable "
            f"{global_step.name!r} of shape {global_step.shape}"
            f"{', trainable' if global_step.trainable else ''}; make it with cr.Variable(0, trainable=False)"
        )
    return global_step.read() + 1


def _commit(values: list[tuple[Variable, Tensor]]) -> None:
    """Assign values that are known to fit; an interrupt on the way takes back what was done."""
    before = [(variable, variable.read()) for variable, _ in values]
    try:
        for variable, value in values:
            variable.assign(value)
    except BaseException:
        for variable, value in before:
            variable.assign(value)
        raise
