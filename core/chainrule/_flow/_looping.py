"""Loops as Python functions, written for what they carry, take and give: nothing is rebuilt in each step."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final

from chainrule._backend import Backend
from chainrule._dim import Dim, has_dim
from chainrule._memory import NEW
from chainrule._passes import lowered
from chainrule._plan import Plan, places
from chainrule._program import Program
from chainrule._symbol import Symbol

_ROOM: Final = 32  # steps that there is room for at first in a loop of unknown length
_new_number = itertools.count(1).__next__


def scan_function(flow: Any, backend: Backend) -> Callable[..., Any]:
    """The function of a `Scan`: from its inputs and the number of steps to its results.

    Args:
        flow: the scan.
        backend: the backend it runs on.
    """
    writer = _Writer(flow, backend, known=True)
    order = "range(length - 1, -1, -1)" if flow.reverse else "range(length)"
    return writer.function(", *, length", f"for t in {order}:", writer.carry)


def while_function(
    flow: Any, goes_on: Callable[..., Any], backend: Backend, count: Callable[[int], Any]
) -> Callable[..., Any]:
    """The function of a `While`: from its inputs to its results.

    Args:
        flow: the loop.
        goes_on: what runs its condition.
        backend: the backend it runs on.
        count: the number of steps as an array.
    """
    writer = _Writer(flow, backend, known=False)
    writer.names |= {"goes_on": goes_on, "count": count}
    writer.before.append("t = 0")
    writer.after.append("t += 1")
    condition = ", ".join([*writer.carry, *writer.constants])
    return writer.function("", f"while goes_on({condition})[0]:", [*writer.carry, "count(t)"])


class _Rows:
    """How the values of all steps come to be one array: put into an empty one, or made of a list in the end."""

    def __init__(self, symbol: Symbol, backend: Backend) -> None:
        self.symbol = symbol
        self.backend = backend
        self.empty: Any = backend.kernels.get("empty")
        self.ready = self.empty is not None and symbol.shape is not None and not has_dim(symbol.shape)

    def room(self, length: int) -> Any:
        """An array to put rows into."""
        assert self.symbol.shape is not None
        return self.empty((length, *self.symbol.shape), self.backend.native(self.symbol.dtype))

    def wider(self, rows: Any) -> Any:
        """The same with room for twice as many."""
        length = rows.shape[0]
        more = self.room(2 * length)
        more[:length] = rows
        return more

    def stacked(self, rows: list[Any]) -> Any:
        """A list of rows as one array."""
        if rows:
            return self.backend.xp.stack(rows)
        shape = tuple(0 if type(n) is Dim else n for n in self.symbol.shape or ())
        return self.backend.full((0, *shape), 0, self.backend.native(self.symbol.dtype), None)


class _Writer:
    """Writes the function of a loop.

    In it `c` are carried values, `x` elements, `k` constants, `y` results of a step and `r` those of all steps, of
    which `t` is the one at hand. A step computes its results right where they are kept, if its plan can, and what it
    carries in two arrays in turn: `p`, and `q` for the step before.
    """

    def __init__(self, flow: Any, backend: Backend, known: bool) -> None:
        """Write all but the head.

        Args:
            flow: the loop.
            backend: the backend it runs on.
            known: whether the number of steps is, when it runs.
        """
        n, stop = flow.n_carry, flow.n_carry + flow.n_xs
        self.flow = flow
        self.backend = backend
        self.known = known
        self.program = lowered(flow.program, backend)
        inputs = self.program.inputs
        self.carry = [f"c{i}" for i in range(n)]
        self.xs = [f"x{i}" for i in range(flow.n_xs)]
        self.constants = [f"k{i}" for i in range(len(inputs) - stop)]
        self.ys = [f"y{i}" for i in range(flow.n_ys)]
        self.elements = [_element(x, s) for x, s in zip(self.xs, inputs[n:stop], strict=True)]
        self.names: dict[str, Any] = {}
        self.before: list[str] = []
        self.within: list[str] = []  # before the step
        self.after: list[str] = []
        self.kept: list[str] = []  # what is given for all steps
        self.places = places(self.program, backend)
        self.given: dict[Symbol, str] = {}  # outputs of a step, and where it computes them
        self.lists = False
        self.count = 0
        self._keep_results()
        if not self.lists:
            self._take_turns()
        self.names["step"] = Plan(self.program, backend, given=tuple(self.given))

    def _keep_results(self) -> None:
        """Keep what the loop gives for all steps: results, and what was carried into each."""
        flow, outputs = self.flow, self.program.outputs
        shared: dict[int, str] = {}
        for y, name in zip(outputs[flow.n_carry :], self.ys, strict=True):
            rows = _Rows(y, self.backend)
            ends = [i for i in flow.history if outputs[i] is y and i not in shared]
            if ends and self.known and rows.ready:
                shared[ends[0]] = self._keep_both(rows, self.carry[ends[0]], name)
            else:
                self._keep(rows, name, self.after)
        for i in flow.history:
            if i in shared:
                self.kept.append(shared[i])
            else:
                self._keep(_Rows(self.program.inputs[i], self.backend), self.carry[i], self.within)

    def _keep(self, rows: _Rows, value: str, lines: list[str]) -> None:
        r, kind = self._named(rows)
        if not rows.ready:
            self.lists = True
            self.before.append(f"{r} = []")
            lines.append(f"{r}.append({value})")
            self.kept.append(f"{kind}.stacked({r}{'[::-1]' * (self.known and self.flow.reverse)})")
            return
        self.before.append(f"{r} = {kind}.room({'length' if self.known else _ROOM})")
        if not self.known:
            self.within.append(f"if t == len({r}): {r} = {kind}.wider({r})")
        if lines is self.within or not self._computes(rows.symbol, f"{r}[t]"):
            lines.append(f"{r}[t] = {value}")
        self.kept.append(r if self.known else f"{r}[:t]")

    def _keep_both(self, rows: _Rows, carried: str, y: str) -> str:
        """Keep what is carried into each step and out of it, which is one array but for the ends; the former's name."""
        r, kind = self._named(rows)
        first, ins, outs = ("length", "[1:]", "[:-1]") if self.flow.reverse else ("0", "[:-1]", "[1:]")
        self.before += [f"{r} = {kind}.room(length + 1)", f"{r}[{first}] = {carried}"]
        row = f"{r}[t{' + 1' * (not self.flow.reverse)}]"
        if not self._computes(rows.symbol, row):
            self.after.append(f"{row} = {y}")
        self.kept.append(r + outs)
        return r + ins

    def _computes(self, y: Symbol, place: str) -> bool:
        """Let the step compute one of its results there; whether it does."""
        if y not in self.places or y in self.given:
            return False
        self.given[y] = place
        return True

    def _take_turns(self) -> None:
        """Let steps compute what they carry in two arrays in turn, where no other result is a view of it."""
        for i, (x, y) in enumerate(zip(self.program.inputs[: self.flow.n_carry], self.program.outputs, strict=False)):
            rows = _Rows(y, self.backend)
            if not rows.ready or y in self.given or y not in self.places or not _is_alone(self.program, x, y):
                continue
            _, kind = self._named(rows)
            self.before.append(f"p{i}, q{i} = {kind}.room(2)")
            self.given[y] = f"p{i}"
            self.after.append(f"p{i}, q{i} = q{i}, p{i}")

    def _named(self, rows: _Rows) -> tuple[str, str]:
        number = self._count()
        self.names[f"s{number}"] = rows
        return f"r{number}", f"s{number}"

    def _count(self) -> int:
        self.count += 1
        return self.count

    def function(self, more: str, head: str, results: Sequence[str]) -> Callable[..., Any]:
        """The function, from what was written."""
        results_of_step = ", ".join([*self.carry, *self.ys, ""])
        call = f"step({', '.join([*self.carry, *self.elements, *self.constants, *self.given.values()])})"
        inputs = ", ".join([*self.carry, *self.xs, *self.constants])
        steps = [*self.within, f"{results_of_step}{'= ' * bool(results_of_step)}{call}", *self.after]
        lines = [
            f"def loop({inputs}{more}):",
            *(f"    {line}" for line in self.before),
            f"    {head}",
            *(f"        {line}" for line in steps),
            f"    return ({''.join(f'{y}, ' for y in (*results, *self.kept))})",
        ]
        exec(compile("\n".join(lines), f"<chainrule loop {_new_number()}>", "exec"), self.names)
        function: Callable[..., Any] = self.names["loop"]
        return function


def _element(x: str, symbol: Symbol) -> str:
    if symbol.shape is None:
        return f"{x}[t] if {x}.ndim == 1 else {x}[t, ...]"
    return f"{x}[t, ...]" if symbol.shape else f"{x}[t]"


def _is_alone(program: Program, x: Symbol, y: Symbol) -> bool:
    """Whether no other output of a step shares memory with what it carries: the one that comes in, or goes out."""
    sharing = {x, y}
    for i in program.instructions:
        if i.op.name not in NEW and not sharing.isdisjoint(i.inputs):
            sharing.update(i.outputs)
    return [z for z in program.outputs if z in sharing] == [y]
