"""`Optimizer`: from a loss to gradients to updates, all or nothing. A rule for updates is a subclass of a few lines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeAlias, TypedDict

import chainrule as cr
from chainrule import (
    ArgumentError,
    DTypeError,
    GradientTape,
    IndexedSlices,
    MissingGradientError,
    Tensor,
    Variable,
    name_scope,
    no_grad,
)
from chainrule_optim import _gradients, _state
from chainrule_optim._clipping import clipped
from chainrule_optim._gradients import Loss, check_options, gradients_of, require_some
from chainrule_optim._hyper import Decay, Integer, LearningRate, Limit, Rate
from chainrule_optim._numbers import beside, choose, is_symbolic, number, precise
from chainrule_optim._pairs import Gradient, OwnGradients, Pairs, as_pairs
from chainrule_optim._slots import SlotTable, State, make_count, make_slots

Update: TypeAlias = tuple[Tensor, Mapping[str, Tensor]]
Values: TypeAlias = list[tuple[Variable, Tensor, Tensor]]  # what is assigned to, its value before and after
Moved: TypeAlias = list[tuple[Any, Variable, State]]
_CALLS: Final = Integer(low=1)


class Shared(TypedDict, total=False):
    """What every rule takes by keyword and hands on to `Optimizer`."""

    clip_value: float | None
    clip_norm: float | None
    global_clip_norm: float | None
    accumulate: int


class Common(Shared, total=False):
    """The same with weight decay, for rules that have no default of their own for it."""

    weight_decay: float | Callable[[Variable], float]


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

    Gradients are changed in this order before a rule sees them: accumulated, clipped by value, by norm, by the norm of
    all. Then the value decays, and the rule moves it.

    Args:
        learning_rate: a finite number, not negative; a schedule (`cr.optim.schedules`) or any function of the number of
            steps taken before to such a number; or a `Variable` that holds it. It can be set anew at any time; in a
            compiled function only a schedule and a variable change it later.
        name: a name for reports and slots; the class's by default.
        clip_value: hold each element of a gradient between minus this and this; see `clip_by_value`.
        clip_norm: scale each gradient down to this norm; see `clip_by_norm`.
        global_clip_norm: scale all gradients down to this norm of all; see `clip_by_global_norm`.
        weight_decay: before the step, `value -= learning_rate * weight_decay * value`: decoupled from the gradient
            (Loshchilov and Hutter, 2019), so that no moment sees it. A number, or a function of a variable to one:
            `lambda v: 1e-2 if v.ndim > 1 else 0.0`. A variable that has no gradient does not decay, and of one with a
            row-sparse gradient all rows do. For L2 regularization, which is coupled, add `0.5 * c * cr.sum(w * w)` to
            the loss.
        accumulate: take a step at every n-th call alone, by the mean of the n gradients. The calls of such a round name
            the same variables; None counts as zero for one that had a gradient before. Gradients are made dense.

    Attributes:
        slot_names: the slots that the rule keeps for each variable.
        counts_updates: whether the rule reads `step`. A rule that does not saves a counter for each variable.
    """

    GATE_NONE: Final = _gradients.GATE_NONE
    GATE_OP: Final = _gradients.GATE_OP
    GATE_GRAPH: Final = _gradients.GATE_GRAPH

    slot_names: ClassVar[tuple[str, ...]] = ()
    counts_updates: ClassVar[bool] = True
    learning_rate = LearningRate()
    clip_value = Limit()
    clip_norm = Limit()
    global_clip_norm = Limit()
    weight_decay = Decay()

    def __init__(
        self,
        learning_rate: Rate,
        name: str | None = None,
        *,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        global_clip_norm: float | None = None,
        weight_decay: float | Callable[[Variable], float] = 0.0,
        accumulate: int = 1,
    ) -> None:
        self.name = type(self).__name__ if name is None else _checked_name(type(self).__name__, name)
        self.learning_rate = learning_rate
        self.clip_value = clip_value
        self.clip_norm = clip_norm
        self.global_clip_norm = global_clip_norm
        self.weight_decay = weight_decay
        self._accumulate = _CALLS.checked(f"{type(self).__name__}: accumulate", accumulate)
        self._table = SlotTable()
        self._counts: dict[str, Variable] = {}

    # The rule

    @abstractmethod
    def update(
        self, gradient: Tensor, value: Tensor, slots: Mapping[str, Tensor], learning_rate: Any, step: Any
    ) -> Update:
        """The new value of a variable and of its slots.

        It changes nothing itself. Nothing is recorded while it runs. In a graph or compiled function tensors have no
        values, and numbers are 0-d tensors: what is written in operations works there too.

        Args:
            gradient: of the variable's shape and dtype.
            value: the variable's value.
            slots: the slots' values by name.
            learning_rate: for this step: a number; in a trace, a 0-d tensor of the variable's precision.
            step: the number of this update of this variable, from 1: an int; in a trace, a 0-d tensor of float64. What
                is computed from it has to be cast to the value's dtype. 0 where the rule does not count updates.

        Returns:
            `(new value, new slots by name)`.
        """

    def update_rows(
        self, gradient: IndexedSlices, value: Tensor, slots: Mapping[str, Tensor], learning_rate: Any, step: Any
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
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
    ) -> Pairs:
        """The gradients of a loss.

        Args:
            loss: a function without arguments to a number, run here; or a tensor that `tape` recorded, or of the graph
                that is being built.
            var_list: the variables; by default the trainable ones that the loss read, in that order, and of a tensor
                of a graph the trainable ones of that graph.
            tape: the tape that recorded the loss, if that is a tensor and of no graph.
            grad_loss: the cotangent of the loss, which may then be an array.
            gradients: your own, in place of ours: a sequence with one for each of `var_list`, a mapping from some of
                the variables, or a function without arguments, called after the loss, that gives either. None among
                them is no gradient. Those of variables that a mapping leaves out are computed. In `cr.checked(...)`,
                the function is compared with ours.
            overrides: gradient-time overrides; see `cr.gradients`.
            gate_gradients: TensorFlow's: `GATE_NONE`, `GATE_OP` or `GATE_GRAPH`. It changes nothing: no variable
                changes before all gradients are there, which is what `GATE_GRAPH` asks for.
            aggregation_method: TensorFlow's: None, 0, 1 or 2. It changes nothing: cotangents that meet are summed.
            colocate_gradients_with_ops: TensorFlow's. It has no meaning here: gradients are computed where the
                tensors are.

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
        check_options(what, gate_gradients, aggregation_method, colocate_gradients_with_ops)
        return gradients_of(what, loss, var_list, tape, grad_loss, gradients, overrides)[1]

    # Updates

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Variable]],
        global_step: Variable | None = None,
        name: str | None = None,
        allow_duplicates: bool = False,
    ) -> Any:
        """Update variables by gradients, wherever those come from. If anything is wrong, nothing changes.

        Args:
            grads_and_vars: pairs `(gradient, variable)`. A gradient has its variable's shape. A tensor, or the rows of
                `IndexedSlices`, has its dtype too; an array may have a narrower one, and Python numbers and nested
                lists take the variable's. None leaves the variable as it is.
            global_step: an integer variable, not trainable, that counts the steps: 1 is added after the updates.
            name: a name scope for what is added to a graph.
            allow_duplicates: whether a variable may come more than once; its gradients are then added up.

        Returns:
            While a graph is being built, the node that updates all of them when it is run; None elsewhere.

        Raises:
            MissingGradientError: all gradients are None.
            ArgumentError: no pairs, or one variable twice.
            DTypeError, ShapeError, BackendError: a gradient does not fit its variable.
            NumericsError: the norm of a gradient that is to be clipped is not finite.

        >>> import chainrule as cr, numpy as np
        >>> w = cr.Variable([1.0, 2.0], name="w")
        >>> cr.optim.GradientDescent(0.5).apply_gradients([(np.array([2.0, -2.0]), w)])
        >>> w
        <Variable 'w' [0., 3.], float64>
        """
        what = f"{self.name}.apply_gradients"
        with no_grad():
            pairs = as_pairs(what, grads_and_vars, allow_duplicates)
            if all(gradient is None for gradient, _ in pairs):
                names = ", ".join(variable.name for _, variable in pairs)
                raise MissingGradientError(
                    f"{what}: no gradients: all are None, of {names}; cr.why_no_gradient(loss, variable) tells why"
                )
            return self._apply(what, pairs, global_step, name)

    def _apply(self, what: str, pairs: Pairs, global_step: Variable | None, name: str | None) -> Any:
        """`apply_gradients` of pairs that are known to fit, where nothing is recorded."""
        if name is not None:
            with name_scope(_checked_name(what, name)):
                return self._apply(what, pairs, global_step, None)
        given = [] if global_step is None else [_step_counter(what, global_step)]
        counters = [self._count("iterations", pairs[0][1]), *given]
        if self._accumulate == 1:
            moved = [(g, variable, self._state_of(variable)) for g, variable in pairs if g is not None]
            values = [*self._updated(what, moved), *map(_counted, counters)]
        else:
            moved, values = self._accumulated(what, pairs, counters)
        done = _commit(values)
        for _, variable, state in moved:
            self._table.add(variable, state)
        return done

    def _state_of(self, variable: Variable) -> State:
        """The state of a variable, which is put in the table with its first update."""
        return self._table.get(variable) or self._table.new(variable, self._made_slots(variable))

    def _made_slots(self, variable: Variable) -> dict[str, Variable]:
        return make_slots(self.name, variable, self.create_slots, self.counts_updates, self._accumulate > 1)

    def _updated(self, what: str, moved: Moved) -> Values:
        """What a step assigns to variables and their slots."""
        limits = (self.clip_value, self.clip_norm, self.global_clip_norm)
        if limits != (None, None, None):
            names = [f"variable {variable.name!r}" for _, variable, _ in moved]
            gradients = clipped(what, names, [gradient for gradient, _, _ in moved], *limits)
            moved = [(g, variable, state) for g, (_, variable, state) in zip(gradients, moved, strict=True)]
        rate = Optimizer.learning_rate.at(self.learning_rate, lambda: number(self.iterations.read()))
        values: Values = []
        for gradient, variable, state in moved:
            values += self._new_values(gradient, variable, state, rate)
        return values

    def _new_values(self, gradient: Tensor | IndexedSlices, variable: Variable, state: State, rate: Any) -> Values:
        """What a step assigns to a variable and its slots."""
        before = value = variable.read()
        rate = beside(rate, value)
        if self.weight_decay:
            value = value - rate * Optimizer.weight_decay.of(self.weight_decay, variable) * value
        slots = {name: slot.read() for name, slot in state.slots.items()}
        step: Any = 0
        counted: Values = []
        if state.step is not None:
            counted = [_counted(state.step)]
            step = precise(number(counted[0][2]))
        rule: Any = self.update_rows if type(gradient) is IndexedSlices else self.update
        new_value, new_slots = rule(gradient, value, slots, rate, step)
        values: Values = [(variable, before, new_value)]
        for name, new in new_slots.items():
            values.append((state.slots[name], slots[name], new))
        for target, old, new in values:
            if new.shape != old.shape or new.dtype is not old.dtype:
                raise DTypeError(
                    f"{self.name}.update: {target.name!r} is {target.dtype} {target.shape}, the rule gave {new.dtype} "
                    f"{new.shape}"
                )
        return values + counted

    def _accumulated(self, what: str, pairs: Pairs, counters: Sequence[Variable]) -> tuple[Moved, Values]:
        """What a call assigns where gradients are accumulated: in a trace, by the call, either of two values."""
        counter = self._count("calls", pairs[0][1])
        _, before, calls = _counted(counter)
        so_far = number(calls)
        full = so_far >= self._accumulate
        if is_symbolic(so_far) or so_far > 1:
            self._require_all(what, pairs)
        moved: Moved = []
        values: Values = [(counter, before, choose(full, calls * 0, calls))]
        for gradient, variable in pairs:
            if gradient is None and self._table.get(variable) is None:
                continue
            state = self._state_of(variable)
            kept = state.accumulated
            assert kept is not None
            before = kept.read()
            total = before if gradient is None else before + _dense(gradient)
            moved.append((total, variable, state))
            values.append((kept, before, choose(full, cr.zeros_like(total), total)))
        if full is not False:
            means = [(total / self._accumulate, variable, state) for total, variable, state in moved]
            new = [*self._updated(what, means), *map(_counted, counters)]
            values += [(target, old, choose(full, value, old)) for target, old, value in new]
        return moved, values

    def _require_all(self, what: str, pairs: Pairs) -> None:
        """Refuse to leave out a variable whose gradients of this round would be lost."""
        listed = {id(variable) for _, variable in pairs}
        for state in self._table:
            variable = state.variable
            if variable is not None and id(variable) not in listed:
                raise ArgumentError(
                    f"{what}: variable {variable.name!r} has accumulated gradients, and is not among the pairs: the "
                    "calls of a round name the same variables; pass var_list=, or (None, variable)"
                )

    def minimize(
        self,
        loss: Loss,
        var_list: Variable | Iterable[Variable] | None = None,
        tape: GradientTape | None = None,
        grad_loss: Any = None,
        gradients: OwnGradients | None = None,
        global_step: Variable | None = None,
        overrides: Mapping[Any, Any] | None = None,
        name: str | None = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
    ) -> Tensor:
        """Compute gradients and apply them: one step.

        Args:
            loss, var_list, tape, grad_loss, gradients, overrides: see `compute_gradients`.
            global_step, name: see `apply_gradients`.
            gate_gradients, aggregation_method, colocate_gradients_with_ops: see `compute_gradients`.

        Returns:
            The loss before the step, as a tensor without history. While a graph is being built, running it takes the
            step: `session.run(optimizer.minimize(loss))`.

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
        check_options(what, gate_gradients, aggregation_method, colocate_gradients_with_ops)
        y, pairs = gradients_of(what, loss, var_list, tape, grad_loss, gradients, overrides)
        require_some(what, y, pairs)
        with no_grad():
            done = self._apply(what, pairs, global_step, name)
            if done is None:
                return y.detach()
            with cr.control_dependencies([done]):
                return y.detach()

    # State

    @property
    def accumulate(self) -> int:
        """How many gradients make a step."""
        return self._accumulate

    @property
    def iterations(self) -> Variable:
        """How many steps it has taken: an int64 variable."""
        return self._count("iterations")

    def get_slot_names(self) -> list[str]:
        """The names of the slots there are, sorted; none before the first step."""
        return sorted({name for state in self._table for name in state.slots})

    def get_slot(self, variable: Variable, name: str) -> Variable | None:
        """A variable's slot; None if there is none, as before the variable's first update."""
        state = self._table.get(variable)
        return None if state is None else state.slots.get(name)

    def variables(self) -> list[Variable]:
        """Everything that it keeps: counters, and the slots of all variables, sorted by name."""
        self._count("iterations")
        kept = (slot for state in self._table for slot in state.named().values())
        return sorted([*self._counts.values(), *kept], key=lambda slot: slot.name)

    def _count(self, name: str, beside: Variable | None = None) -> Variable:
        """A counter, which is made beside a variable at its first use."""
        found = self._counts.get(name)
        if found is None:
            found = self._counts[name] = make_count(f"{self.name}/{name}", beside)
        return found

    def _count_names(self) -> tuple[str, ...]:
        return ("iterations",) if self._accumulate == 1 else ("iterations", "calls")

    def __chainrule_state__(self) -> dict[str, Tensor | Variable]:
        """Everything that it keeps, by names that are the same in the next run: variables whose values `cr.save` saves.

        A counter that nothing has been counted by is a zero.

        Raises:
            ArgumentError: two variables have one name.

        >>> import chainrule as cr
        >>> w = cr.Variable(1.0, name="w")
        >>> optimizer = cr.optim.Momentum(0.5, 0.9)
        >>> optimizer.apply_gradients([(1.0, w)])
        >>> optimizer.__chainrule_state__()
        {'iterations': <Variable 'Momentum/iterations' 1, int64>, 'w/momentum': <Variable ... 1.0, float64>}
        """
        counts = {name: self._counts.get(name, cr.tensor(0)) for name in self._count_names()}
        return counts | _state.state_of(self.name, self._table)

    def __chainrule_restore__(
        self, state: Mapping[str, Tensor], variables: Sequence[Variable]
    ) -> Callable[[], list[tuple[Variable, Tensor]]]:
        """A function that takes over a state of `__chainrule_state__`; nothing changes before it is called.

        It gives the values that are to be assigned: `cr.load` knows where they are kept.

        Args:
            state: the values of what `__chainrule_state__` gives, by name.
            variables: those that parts of it belong to, by their names; variables that it has updated are known.

        Raises:
            ArgumentError: two variables have one name, or the state has parts that do not belong here, or lacks some.
            ShapeError, DTypeError: a part does not fit.
        """
        counts = self._count_names()
        with cr.init_scope():
            values, new = _state.restored(self.name, state, variables, counts, self._table, self._made_slots)

        def commit() -> list[tuple[Variable, Tensor]]:
            made = [(self._count(name, *variables[:1]), state[name]) for name in counts]
            for variable, given in new:
                kept = self._state_of(variable)
                self._table.add(variable, kept)
                made += [(slot, given[part]) for part, slot in kept.named().items()]
            return [*made, *values]

        return commit

    def __repr__(self) -> str:
        rate = self.learning_rate
        return (
            f"<{type(self).__name__} {self.name!r} learning_rate={format(rate, 'g') if type(rate) is float else rate}>"
        )


def _checked_name(what: str, name: Any) -> str:
    if type(name) is not str or not name:
        raise ArgumentError(f"{what}: name: expected a non-empty string, got {name!r:.60}")
    return name


def _dense(gradient: Gradient) -> Any:
    return gradient.to_dense() if type(gradient) is IndexedSlices else gradient


def _step_counter(what: str, global_step: Any) -> Variable:
    """A step counter, once it is one."""
    if not isinstance(global_step, Variable):
        raise DTypeError(f"{what}: global_step: expected a Variable, got {type(global_step).__name__}")
    if global_step.trainable or global_step.dtype.kind not in ("int", "uint") or global_step.shape:
        raise DTypeError(
            f"{what}: global_step: expected one integer that is not trainable, got {global_step.dtype} variable "
            f"{global_step.name!r} of shape {global_step.shape}"
            f"{', trainable' if global_step.trainable else ''}; make it with cr.Variable(0, trainable=False)"
        )
    return global_step


def _counted(counter: Variable) -> tuple[Variable, Tensor, Tensor]:
    """What a step assigns to a counter."""
    before = counter.read()
    return counter, before, before + 1


def _commit(values: Values) -> Any:
    """Assign values that are known to fit; an interrupt on the way takes back what was done.

    Returns:
        While a graph is being built, the node that makes the assignments; else None.
    """
    try:
        assigned = [variable.assign(new) for variable, _, new in values]
    except BaseException:
        for variable, old, _ in values:
            variable.assign(old)
        raise
    return cr.group(*assigned)
