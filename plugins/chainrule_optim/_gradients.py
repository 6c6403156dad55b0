"""From a loss to gradients: the one place where optimizers get them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias, cast

import chainrule as cr
from chainrule import (
    ArgumentError,
    DTypeError,
    GradientTape,
    Graph,
    GraphError,
    MissingGradientError,
    ShapeError,
    Tensor,
    Variable,
)
from chainrule_optim._checked import Checked
from chainrule_optim._numbers import is_symbolic
from chainrule_optim._pairs import Given, OwnGradients, Pairs, as_gradient, as_variables, own_gradients

Loss: TypeAlias = Callable[[], Any] | Tensor
GATE_NONE: Final = 0
GATE_OP: Final = 1
GATE_GRAPH: Final = 2
_AGGREGATIONS: Final = (None, 0, 1, 2)  # TensorFlow's AggregationMethod: ADD_N and DEFAULT are 0, then two more
_SHOWN: Final = 3  # how many missing gradients an error explains


def check_options(what: str, gate_gradients: Any, aggregation_method: Any, colocate_gradients_with_ops: Any) -> None:
    """Refuse what TensorFlow has no meaning for; here the three change nothing.

    Raises:
        ArgumentError, DTypeError: another value.
    """
    if gate_gradients not in (GATE_NONE, GATE_OP, GATE_GRAPH) or isinstance(gate_gradients, bool):
        raise ArgumentError(
            f"{what}: gate_gradients: expected one of Optimizer.GATE_NONE (0), GATE_OP (1) and GATE_GRAPH (2), got "
            f"{gate_gradients!r:.60}"
        )
    if aggregation_method not in _AGGREGATIONS or isinstance(aggregation_method, bool):
        raise ArgumentError(
            f"{what}: aggregation_method: expected None, 0 (ADD_N), 1 (EXPERIMENTAL_TREE) or 2 "
            f"(EXPERIMENTAL_ACCUMULATE_N), got {aggregation_method!r:.60}"
        )
    if not isinstance(colocate_gradients_with_ops, bool):
        raise DTypeError(
            f"{what}: colocate_gradients_with_ops: expected True or False, got {colocate_gradients_with_ops!r:.60}"
        )


def gradients_of(
    what: str,
    loss: Loss,
    var_list: Variable | Iterable[Variable] | None,
    tape: GradientTape | None = None,
    grad_loss: Any = None,
    gradients: OwnGradients | None = None,
    overrides: Mapping[Any, Any] | None = None,
) -> tuple[Tensor, Pairs]:
    """The loss as it was recorded, and a pair of a gradient and a variable for each variable."""
    variables = None if var_list is None else as_variables(what, var_list)
    y, tape = _recorded(what, loss, tape)
    _check_loss(what, y, grad_loss)
    own_source = gradients.jac if isinstance(gradients, Checked) else gradients
    given = own_source() if callable(own_source) else own_source
    if variables is None:
        variables = _variables_of(what, y, tape, given)
    own = {} if given is None else own_gradients(what, given, variables)
    check = gradients if isinstance(gradients, Checked) and (is_symbolic(y) or gradients.is_due()) else None
    wanted = [variable for i, variable in enumerate(variables) if check is not None or i not in own]
    computed = iter(_computed(y, tape, wanted, grad_loss, overrides) if wanted else ())
    pairs: Pairs = []
    ours: dict[int, Any] = {}
    for i, variable in enumerate(variables):
        if i not in own or check is not None:
            ours[i] = next(computed)
        pairs.append((as_gradient(what, own[i], variable) if i in own else ours[i], variable))
    if check is not None:
        if not is_symbolic(y):
            check.compare_with_variables(what, [(variables[i], own[i], ours[i]) for i in own])
        else:
            compared = check.compare_when_it_runs(what, [(variables[i], pairs[i][0], ours[i]) for i in own])
            pairs = [(compared.get(id(variable), gradient), variable) for gradient, variable in pairs]
    return y, pairs


def require_some(what: str, y: Tensor, pairs: Pairs) -> None:
    """Explain why no variable has a gradient, if none has.

    Raises:
        MissingGradientError: none has.
    """
    if all(gradient is None for gradient, _ in pairs):
        reasons = [f"{variable.name}: {_why_none(y, variable)}" for _, variable in pairs[:_SHOWN]]
        more = [f"and {len(pairs) - _SHOWN} more"] if len(pairs) > _SHOWN else []
        raise MissingGradientError("\n  ".join([f"{what}: no variable has a gradient", *reasons, *more]))


def _computed(
    y: Tensor, tape: GradientTape | None, variables: list[Variable], grad_loss: Any, overrides: Mapping[Any, Any] | None
) -> list[Any]:
    """The gradients of a loss, from its tape or, without one, in its graph."""
    if tape is None:
        return cr.gradients(y, variables, grad_loss, overrides=overrides)
    found: list[Any] = tape.gradient(y, variables, grad_loss, overrides=overrides)
    return found


def _recorded(what: str, loss: Loss, tape: GradientTape | None) -> tuple[Tensor, GradientTape | None]:
    """The loss as a tensor, and the tape that recorded it; a tensor of a graph has none."""
    if is_symbolic(loss) and tape is None:
        if cr.get_default_graph() is None:
            raise GraphError(f"{what}: the loss is of a graph: call it inside `with graph.as_default():`")
        return cast(Tensor, loss), None
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


def _variables_of(what: str, y: Tensor, tape: GradientTape | None, gradients: Given | None) -> list[Variable]:
    """The variables that the loss read, or of its graph, and those somebody gave gradients of."""
    if gradients is not None and not isinstance(gradients, Mapping):
        raise ArgumentError(f"{what}: a sequence of gradients needs var_list= to say whose they are; or give a mapping")
    if tape is None and type(cr.get_default_graph()) is not Graph:
        raise ArgumentError(
            f"{what}: the loss is a tensor of a compiled function: pass var_list=..., or a function without arguments "
            "that computes it"
        )
    seen = cr.trainable_variables() if tape is None else tape.watched_variables(y)
    read = [variable for variable in seen if variable.trainable]
    known = {id(variable) for variable in read}
    variables = [*read, *(variable for variable in gradients or () if id(variable) not in known)]
    if not variables:
        raise ArgumentError(f"{what}: no variables to optimize: the loss was computed from no trainable variable")
    return as_variables(what, variables)


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
