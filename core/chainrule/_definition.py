"""Gradient definitions: how the cotangent of an operation's result becomes the cotangents of its inputs.

A definition is written in operations, as `f(g, y, *inputs, **attributes)`: the cotangent, the result, then what the
operation was called with. For an operation with several outputs `g` and `y` are tuples. Three forms:

- one function for an operation of one input;
- a tuple with a function, or None for "no gradient", for each input, so that only what is asked for is computed;
- one *joint* function that returns a tuple, where the cotangents share work.

A parameter whose name starts with `_` is not read: the node keeps its shape and dtype alone. What a definition
promises is its contract (`cr.exact`, `cr.approximate`, `cr.surrogate`), put around any of the forms.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule._contracts import UNDECLARED, exact, undeclared
from chainrule._errors import GradientDefinitionError
from chainrule._owner import Owner, location

if TYPE_CHECKING:
    from chainrule._op import Op

GradientFunction = Callable[..., Any]
Gradient = GradientFunction | tuple[GradientFunction | None, ...]


class NoGradient(NamedTuple):
    """The mark of an operation that no gradient passes, with the reason that explanations give."""

    reason: str


class Definition:
    """A gradient definition, with what the engine needs to know of it."""

    __slots__ = (
        *("_drops", "_owner", "_reading", "contract", "functions", "is_override", "joint", "name", "op", "policy"),
        *("reads_output", "reason"),
    )

    def __init__(
        self,
        op: Op,
        gradient: Gradient | NoGradient,
        owner: Owner | None = None,
        name: str | None = None,
        is_override: bool = False,
        policy: str = "",
    ) -> None:
        """Take a definition apart.

        Args:
            op: the operation it is for.
            gradient: one of the three forms, or the mark; with or without a contract.
            owner: who registered it; whoever registered the operation, if it is not given.
            name: the name it is registered under, the operation's own if None.
            is_override: whether it stands in for the operation's own.
            policy: the missing-rule policy that made it, if one did.

        Raises:
            GradientDefinitionError: it cannot be called the way a definition is.
        """
        self.op = op
        self._owner = owner
        self.name = name or op.name
        self.is_override = is_override
        self.policy = policy
        gradient, contract = undeclared(gradient)
        self.contract = contract or (UNDECLARED if is_override else exact)
        self.reason: str | None = None
        self.joint: GradientFunction | None = None
        self.functions: tuple[GradientFunction | None, ...] = ()
        self._drops: dict[int, tuple[int, ...]] = {}
        self._reading: dict[tuple[int, ...], tuple[bool, bool]] = {}
        self.reads_output = False
        if isinstance(gradient, NoGradient):
            self.reason = gradient.reason
            return
        if callable(gradient) and op.n_inputs != 1:
            self.joint = gradient
        else:
            self.functions = (gradient,) if callable(gradient) else tuple(gradient)
            if len(self.functions) != op.n_inputs:
                raise GradientDefinitionError(
                    f"gradient of op {op.name!r} by {self.owner}: {len(self.functions)} functions for "
                    f"{op.n_inputs if op.n_inputs is not None else 'any number of'} inputs; give one for each input "
                    "(None where there is no gradient) or one joint function"
                )
        for function in (self.joint, *self.functions):
            if function is not None:
                self.reads_output |= not self._parameters(function)[1].startswith("_")

    @property
    def owner(self) -> Owner:
        """Who registered it."""
        return self._owner or self.op.owner

    @property
    def gradient(self) -> Gradient | NoGradient:
        """The definition as it was given."""
        if self.reason is not None:
            return NoGradient(self.reason)
        return self.joint or self.functions

    @property
    def location(self) -> str:
        """File and line of its first function."""
        function = self.joint or next((f for f in self.functions if f), None)
        return "" if function is None else location(function)

    def drops(self, tracked: int, n_inputs: int) -> tuple[int, ...]:
        """The inputs whose values need not be kept when those of bit mask `tracked` want gradients."""
        key = tracked | 1 << n_inputs
        found = self._drops.get(key)
        if found is None:
            active = (self.joint,) if self.joint else (f for i, f in enumerate(self.functions) if tracked >> i & 1)
            read: set[int] = set()
            for function in active:
                if function is not None:
                    names = self._parameters(function)[2:]
                    names += names[-1:] * (n_inputs - len(names))  # `*inputs` stands for all the rest
                    read.update(i for i, name in enumerate(names) if not name.startswith("_"))
            found = self._drops[key] = tuple(i for i in range(n_inputs) if i not in read)
        return found

    def reads(self, wanted: tuple[int, ...]) -> tuple[bool, bool]:
        """Whether the first input, and the second, is read for the cotangents of those that are wanted."""
        found = self._reading.get(wanted)
        if found is None:
            assert self.op.n_inputs is not None
            dropped = self.drops(sum(1 << i for i in wanted), self.op.n_inputs)
            found = self._reading[wanted] = (0 not in dropped, 1 not in dropped)
        return found

    def _parameters(self, function: GradientFunction) -> list[str]:
        """The names of `g`, `y` and the inputs as a function has them; `*inputs` once, at the end."""
        if type(function) is FunctionType and self.op.n_inputs is not None:  # by far the most, and soon told
            code, count = function.__code__, self.op.n_inputs + 2
            written = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            fits = code.co_argcount >= count and set(written[count:]) == self.op.attributes.keys()
            if fits and not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
                return list(written[:count])
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError):  # some builtins have no signature: take it that they read everything
            return ["g", "y", "inputs"]
        op = self.op
        n_inputs = op.n_inputs
        names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        star = [p.name for p in parameters if p.kind is p.VAR_POSITIONAL]
        if star or n_inputs is None:
            fits = len(names) + len(star) >= 2 and bool(star)
            names, extra = (names + star + star)[: max(3, len(names) + 1)], []
        else:
            fits = len(names) >= n_inputs + 2
            names, extra = names[: n_inputs + 2], names[n_inputs + 2 :]
        keywords = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY] + extra
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
        required = {p.name for p in parameters if p.name in keywords and p.default is p.empty}
        unknown = required - set(op.attributes)
        missing = [] if takes_any else [name for name in op.attributes if name not in keywords]
        if not fits or unknown or missing:
            inputs = "*inputs" if n_inputs is None else f"{n_inputs} input{'s' * (n_inputs != 1)}"
            attributes = f" and by keyword {', '.join(op.attributes)}" if op.attributes else ""
            raise GradientDefinitionError(
                f"gradient of op {op.name!r} by {self.owner}, {location(function)}: has parameters "
                f"({', '.join(str(p) for p in parameters)}); it is called with the cotangent, the result, "
                f"{inputs}{attributes}"
            )
        return names

    def __repr__(self) -> str:
        return f"<Definition {self.name} of op {self.op.name} by {self.owner}>"
