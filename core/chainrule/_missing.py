"""What happens where an operation has no gradient definition: an error, zero, differences, or what you say."""

from __future__ import annotations

import math
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from chainrule import _context, _registry, ops
from chainrule._contracts import approximate, surrogate
from chainrule._definition import Definition
from chainrule._dispatch import apply
from chainrule._dtypes import real_dtype
from chainrule._errors import ArgumentError, GradientDefinitionError, MissingGradientError, MissingRuleWarning
from chainrule._gradients import zeros_like
from chainrule._node import outside
from chainrule._op import Op
from chainrule._overrides import op_of_key
from chainrule._owner import USER, Owner, location
from chainrule._tensor import Tensor

Rule = str | Callable[[Op], Any]
NAMES: Final = ("raise", "zero", "finite-difference")
MAX_EVALUATIONS: Final = 10_000

EPSILON: Final = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-52}
# What differences keep in float32 of functions and arguments of about one; in float64 they are far closer.
_CLOSE: Final = approximate(1e-3)
_lock = threading.Lock()
_defaults: Mapping[str, Policy] = {}
_stated: dict[Op, Policy] = {}
_used: dict[tuple[str, str, str], list[int]] = {}


@contextmanager
def on_missing(
    policy: Rule, *, ops: Any = None, max_evaluations: int | None = None, step: float | None = None
) -> Iterator[None]:
    """Say what happens in this block when a gradient has to pass an operation that has no gradient definition.

    An operation with a definition is never touched. Each use is reported: by a `MissingRuleWarning` at your line, by
    `cr.explain_gradients`, and by `cr.missing_rules_used()`. It is decided when the operation is called.

    Args:
        policy: one of

            - `"raise"`: an error that names the operation, as where nothing is said;
            - `"zero"`: the gradient is taken to be zero, a surrogate;
            - `"finite-difference"`: central differences of the operation itself, in its own dtype and with respect to
              the inputs that are wanted. An elementwise operation is run twice for each input, another one twice for
              each element of it; complex inputs double that. Second derivatives are differences of differences;
            - a function of the `Op` that gives a gradient definition, `NoGradient(reason)`, or None for the error.
        ops: the operations it is for, by name or function, one or a list; all of them by default.
        max_evaluations: how often differences may run an operation for one gradient of one input; 10,000 by default.
        step: the step of differences for inputs of up to about one, and relative to larger ones; by default the cube
            root of the dtype's precision, 6e-6 in float64 and 5e-3 in float32.

    Raises:
        ArgumentError: no such policy, or an option that does not go with it.
        SelectorError: no such operation; suggests the nearest.

    >>> import chainrule as cr, warnings
    >>> @cr.op(cr.infer.same, elementwise=True)
    ... def cube(xp, x, /):
    ...     return x * x * x
    >>> with cr.on_missing("finite-difference"), warnings.catch_warnings(action="ignore"):
    ...     print(f"{cr.grad(cube)(2.0):.6f}")
    12.000000
    """
    chosen = _by_name(_policy("on_missing", policy, max_evaluations, step), ops)
    outer = {} if "*" in chosen else _context.current().missing or {}
    with _context.scope(missing={**outer, **chosen}):
        yield


def set_on_missing(
    policy: Rule | None, *, ops: Any = None, max_evaluations: int | None = None, step: float | None = None
) -> None:
    """Say the same for the whole process, where no `with cr.on_missing(...)` says otherwise.

    Args:
        policy: as for `on_missing`; None forgets what was set.
        ops, max_evaluations, step: as for `on_missing`.

    Raises:
        ArgumentError, SelectorError: as for `on_missing`.
    """
    global _defaults
    chosen = {} if policy is None else _by_name(_policy("set_on_missing", policy, max_evaluations, step), ops)
    with _registry.lock:
        _defaults = chosen if policy is None or "*" in chosen else {**_defaults, **chosen}
        _registry.generation += 1  # what was compiled under the old one is compiled again


@dataclass(frozen=True)
class MissingRule:
    """What a policy stood in for.

    Attributes:
        op: the operation.
        plugin: who registered it.
        policy: the policy's name.
        nodes: how many calls of the operation were given this gradient.
        evaluations: how often it was run to compute differences.
    """

    op: str
    plugin: str
    policy: str
    nodes: int
    evaluations: int


def missing_rules_used() -> list[MissingRule]:
    """Every use of a missing-rule policy in this process so far, one entry for each operation and policy."""
    with _lock:
        return [MissingRule(*names, *counts) for names, counts in _used.items()]


@dataclass(frozen=True)
class Policy:
    """A policy, with the definitions it has made. Equal to another that says the same: compiled functions compare."""

    rule: Rule
    max_evaluations: int = MAX_EVALUATIONS
    step: float | None = None
    _made: dict[Op, Definition | None] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """What warnings and explanations call it."""
        return self.rule if isinstance(self.rule, str) else getattr(self.rule, "__qualname__", repr(self.rule))

    def definition(self, op: Op, owner: Owner) -> Definition | None:
        """The definition that stands in for an operation's; None if there is to be none."""
        if op not in self._made:
            self._made[op] = self._make(op, owner)
        return self._made[op]

    def _make(self, op: Op, owner: Owner) -> Definition | None:
        if self.rule == "raise":
            return None
        if self.rule == "zero":
            zero = _zero_of_elements if op.elementwise else None
            functions = None if op.n_inputs is None else tuple([zero or _zero_of(i) for i in range(op.n_inputs)])
            return Definition(op, surrogate(functions or _zeros), owner, self.name, policy=self.name)
        if self.rule == "finite-difference":
            return _Differences(op, self, owner).definition
        return self._ask(op)

    def _ask(self, op: Op) -> Definition | None:
        assert callable(self.rule)
        where = f"missing-rule policy {self.name} at {location(self.rule)}, asked for op {op.name!r}"
        try:
            gradient = self.rule(op)
        except Exception as error:
            raise GradientDefinitionError(f"{where}, raised {type(error).__name__}: {error}") from error
        if gradient is None:
            return None
        if not callable(gradient) and not isinstance(gradient, tuple):
            raise GradientDefinitionError(
                f"{where}: expected a gradient definition, NoGradient or None, got {gradient!r:.80}"
            )
        return Definition(op, gradient, USER, getattr(gradient, "__qualname__", self.name), policy=self.name)


def _policy(what: str, rule: Any, max_evaluations: int | None, step: float | None) -> Policy:
    """A policy, once it and its options are right."""
    if not callable(rule) and rule not in NAMES:
        raise ArgumentError(f"{what}: expected {', '.join(map(repr, NAMES))} or a function of the op, got {rule!r:.80}")
    if rule != "finite-difference" and (max_evaluations is not None or step is not None):
        raise ArgumentError(f"{what}: max_evaluations and step go with 'finite-difference', not with {rule!r:.80}")
    if max_evaluations is not None and (type(max_evaluations) is not int or max_evaluations < 2):
        raise ArgumentError(f"{what}: max_evaluations is a whole number of at least 2, got {max_evaluations!r}")
    if step is not None and (type(step) not in (int, float) or not 0 < step < math.inf):
        raise ArgumentError(f"{what}: step is a positive number, got {step!r}")
    return Policy(rule, MAX_EVALUATIONS if max_evaluations is None else max_evaluations, step)


def _by_name(policy: Policy, ops: Any) -> dict[str, Policy]:
    """The policy by the names of the operations it is for, `"*"` for all."""
    if ops is None:
        return {"*": policy}
    chosen = {}
    for key in ops if isinstance(ops, list | tuple | set | frozenset) else [ops]:
        op = op_of_key(key)
        if op is None:
            raise ArgumentError(f"on_missing: ops are operations or their names, got {key!r:.80}")
        chosen[op.name] = policy
    return chosen


def state(op: Op, rule: Rule) -> None:
    """Keep what the author of an operation says of it; what its users say counts more."""
    _stated[op] = _policy(f"op {op.name!r}: on_missing", rule, None, None)


def stand_in(op: Op) -> Definition | None:
    """What the policy in force gives an operation without a definition, its use reported; None for the error."""
    policy, owner = _stated.get(op), op.owner
    for table in (_defaults, _context.current().missing):
        said = table and (table.get(op.name) or table.get("*"))
        if said:
            policy, owner = said, USER
    definition = None if policy is None else policy.definition(op, owner)
    if definition is not None:
        assert policy is not None
        _report(op, policy)
    return definition


def _report(op: Op, policy: Policy) -> None:
    """Warn at the user's line, where Python shows one such warning a line, and count."""
    frame = outside(sys._getframe(1))
    does = {
        "zero": "its gradient is taken to be zero",
        "finite-difference": "its gradient is computed by central differences",
    }.get(policy.name, f"{policy.name} gives it one")
    warnings.warn_explicit(
        f"op {op.name!r} of {op.owner} has no gradient definition: {does}, by the missing-rule policy {policy.name!r}; "
        f"register one with cr.register_gradient({op.name!r}, f)",
        MissingRuleWarning,
        frame.f_code.co_filename,
        frame.f_lineno,
        frame.f_globals.get("__name__"),
        frame.f_globals.setdefault("__warningregistry__", {}),
    )
    _count(op, policy, nodes=1)


def _count(op: Op, policy: Policy, nodes: int = 0, evaluations: int = 0) -> None:
    with _lock:
        counts = _used.setdefault((op.name, str(op.owner), policy.name), [0, 0])
        counts[0] += nodes
        counts[1] += evaluations


# Zero


def _zero_of_elements(g: Any, _y: Any, *_inputs: Any, **attributes: Any) -> Any:
    return zeros_like(g)


def _zero_of(i: int) -> Callable[..., Any]:
    def zero(_g: Any, _y: Any, *_inputs: Any, **attributes: Any) -> Any:
        return zeros_like(_inputs[i])

    return zero


def _zeros(_g: Any, _y: Any, *_inputs: Any, **attributes: Any) -> Any:
    return tuple([zeros_like(x) if _is_wanted(x) else None for x in _inputs])


def _is_wanted(x: Any) -> bool:
    return type(x) is Tensor and x.node is not None and x.dtype.is_inexact


# Differences


class _Differences:
    """The gradient of an operation by central differences, each contracted with the cotangent as soon as it is there.

    Made of operations alone, so that it works on any backend, in graphs, and can be differentiated again.
    """

    def __init__(self, op: Op, policy: Policy, owner: Owner) -> None:
        self.op = op
        self.policy = policy
        gradient: Any = self._joint
        if op.n_inputs is not None:
            gradient = tuple([self._of_input(i) for i in range(op.n_inputs)])
        self.definition = Definition(op, _CLOSE(gradient), owner, policy.name, policy=policy.name)

    def _of_input(self, i: int) -> Callable[..., Any]:
        def central_difference(g: Any, _y: Any, *inputs: Any, **attributes: Any) -> Any:
            return self._cotangent(i, g, inputs, attributes)

        return central_difference

    def _joint(self, g: Any, _y: Any, *inputs: Any, **attributes: Any) -> Any:
        return tuple(
            [self._cotangent(i, g, inputs, attributes) if _is_wanted(x) else None for i, x in enumerate(inputs)]
        )

    def _cotangent(self, i: int, g: Any, inputs: tuple[Any, ...], attributes: Mapping[str, Any]) -> Tensor:
        op, x = self.op, inputs[i]
        cotangents: Sequence[Tensor] = g if op.multiple else (g,)
        # For complex cotangents the engine conjugates around the textbook formula of a holomorphic function. What is
        # computed here is the conjugate Wirtinger derivative of any function: conjugate back.
        textbook = op.holomorphic and cotangents[0].dtype.kind == "complex"
        if textbook:
            cotangents = [ops.conj(c) for c in cotangents]
        directions = (1.0, 1j) if x.dtype.kind == "complex" else (1.0,)
        self._spend(i, x, 2 * len(directions) * (1 if op.elementwise else math.prod(x.shape)))
        along = self._of_elements if op.elementwise else self._of_each_element
        # Where this is recorded, its own evaluations pass gradients on by the same rule.
        with _context.scope(overrides={op.name: self.definition}):
            parts = [along(i, cotangents, inputs, attributes, direction) for direction in directions]
        part = parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1]
        return ops.conj(part) if textbook else part

    def _spend(self, i: int, x: Tensor, evaluations: int) -> None:
        op, policy = self.op, self.policy
        if evaluations > policy.max_evaluations:
            raise MissingGradientError(
                f"finite differences of op {op.name!r} with respect to input {i}, of shape {x.shape}, need "
                f"{evaluations} evaluations, and the budget is max_evaluations={policy.max_evaluations}; raise it in "
                f"cr.on_missing, or register a gradient with cr.register_gradient({op.name!r}, f)"
            )
        _count(op, policy, evaluations=evaluations)

    def _of_elements(
        self,
        i: int,
        cotangents: Sequence[Tensor],
        inputs: tuple[Any, ...],
        attributes: Mapping[str, Any],
        along: complex,
    ) -> Tensor:
        """All elements at once: each of the result depends on the same one of the input alone."""
        up, down, width = self._steps(inputs[i], along)
        total: Any = 0.0
        for g, rise in self._rises(i, cotangents, inputs, attributes, up, down):
            total = total + real_product(g, rise)
        return total / width if type(total) is Tensor else zeros_like(inputs[i])

    def _of_each_element(
        self,
        i: int,
        cotangents: Sequence[Tensor],
        inputs: tuple[Any, ...],
        attributes: Mapping[str, Any],
        along: complex,
    ) -> Tensor:
        """One element after another."""
        x = inputs[i]
        flat = ops.reshape(x, shape=(math.prod(x.shape),))
        up, down, width = self._steps(flat, along)
        parts = []
        for j in range(math.prod(x.shape)):
            shifted = (ops.reshape(ops.set_at(flat, j, moved[j]), shape=x.shape) for moved in (up, down))
            total: Any = 0.0
            for g, rise in self._rises(i, cotangents, inputs, attributes, *shifted):
                total = total + ops.sum(real_product(g, rise))
            parts.append(total)
        if not parts or type(parts[0]) is not Tensor:
            return zeros_like(x)
        part: Tensor = ops.reshape(ops.stack(parts) / width, shape=x.shape)
        return part

    def _steps(self, x: Tensor, along: complex) -> tuple[Tensor, Tensor, Tensor]:
        """The input moved up and down, and how far apart the two are once rounded."""
        # The cube root balances the error of a central difference, of the step squared, with rounding over the step.
        relative = self.policy.step or EPSILON[real_dtype(x.dtype)] ** (1 / 3)
        step = ops.stop_gradient(ops.maximum(ops.abs(x), 1.0) * relative)
        up, down = x + along * step, x - along * step
        return up, down, ops.stop_gradient(ops.abs(up - down))

    def _rises(
        self,
        i: int,
        cotangents: Sequence[Tensor],
        inputs: tuple[Any, ...],
        attributes: Mapping[str, Any],
        up: Tensor,
        down: Tensor,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Each output's cotangent and by how much the output grows from one point to the other."""
        above, below = (apply(self.op, (*inputs[:i], x, *inputs[i + 1 :]), attributes) for x in (up, down))
        if not self.op.multiple:
            above, below = (above,), (below,)
        for g, a, b in zip(cotangents, above, below, strict=True):
            if a.dtype.is_inexact:
                yield g, a - b


def real_product(g: Tensor, rise: Tensor) -> Tensor:
    """The real part of `conj(g) * rise`, element by element."""
    product: Tensor = (ops.conj(g) if g.dtype.kind == "complex" else g) * rise
    return ops.real(product) if product.dtype.kind == "complex" else product
