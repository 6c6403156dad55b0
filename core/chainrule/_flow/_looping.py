"""Loops as Python functions, written for what they carry, take and give: nothing is rebuilt in each step."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final

from chainrule._backend import Backend
from chainrule._dim import Dim, has_dim
from chainrule._symbol import Symbol

_ROOM: Final = 32  # steps that there is room for at first in a loop of unknown length
_new_number = itertools.count(1).__next__


def scan_function(flow: Any, step: Callable[..., Any], backend: Backend) -> Callable[..., Any]:
    """The function of a `Scan`: from its inputs and the number of steps to its results.

    Args:
        flow: the scan.
        step: what runs its program.
        backend: the backend it runs on.
    """
    writer = _Writer(flow, step, backend)
    writer.keep_results(known=True)
    order = "range(length - 1, -1, -1)" if flow.reverse else "range(length)"
    return writer.function(", *, length", f"for t in {order}:", writer.carry)


def while_function(
    flow: Any,
    goes_on: Callable[..., Any],
    step: Callable[..., Any],
    backend: Backend,
    count: Callable[[int], Any],
) -> Callable[..., Any]:
    """The function of a `While`: from its inputs to its results.

    Args:
        flow: the loop.
        goes_on: what runs its condition.
        step: what runs the program of a step.
        backend: the backend it runs on.
        count: the number of steps as an array.
    """
    writer = _Writer(flow, step, backend)
    writer.names |= {"goes_on": goes_on, "count": count}
    writer.keep_results(known=False)
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
    which `t` is the one at hand.
    """

    def __init__(self, flow: Any, step: Callable[..., Any], backend: Backend) -> None:
        program, n, stop = flow.program, flow.n_carry, flow.n_carry + flow.n_xs
        self.flow = flow
        self.backend = backend
        self.names: dict[str, Any] = {"step": step}
        self.carry = [f"c{i}" for i in range(n)]
        self.xs = [f"x{i}" for i in range(flow.n_xs)]
        self.constants = [f"k{i}" for i in range(len(program.inputs) - stop)]
        self.ys = [f"y{i}" for i in range(flow.n_ys)]
        self.elements = [_element(x, s) for x, s in zip(self.xs, program.inputs[n:stop], strict=True)]
        self.before: list[str] = []
        self.within: list[str] = []  # before the step
        self.after: list[str] = []
        self.kept: list[str] = []  # what is given for all steps
        self.count = 0

    def keep_results(self, known: bool) -> None:
        """Keep what the loop gives for all steps: results, and what was carried into each.

        Args:
            known: whether the number of steps is.
        """
        flow, program = self.flow, self.flow.program
        shared: dict[int, str] = {}
        for y, name in zip(program.outputs[flow.n_carry :], self.ys, strict=True):
            rows = _Rows(y, self.backend)
            ends = [i for i in flow.history if program.outputs[i] is y and i not in shared]
            if ends and known and rows.ready:
                shared[ends[0]] = self._keep_both(rows, self.carry[ends[0]], name)
            else:
                self._keep(rows, name, self.after, known)
        for i in flow.history:
            if i in shared:
                self.kept.append(shared[i])
            else:
                self._keep(_Rows(program.inputs[i], self.backend), self.carry[i], self.within, known)

    def _keep(self, rows: _Rows, value: str, lines: list[str], known: bool) -> None:
        r, kind = self._named(rows)
        if not rows.ready:
            self.before.append(f"{r} = []")
            lines.append(f"{r}.append({value})")
            self.kept.append(f"{kind}.stacked({r}{'[::-1]' * (known and self.flow.reverse)})")
            return
        self.before.append(f"{r} = {kind}.room({'length' if known else _ROOM})")
        if not known:
            lines.append(f"if t == len({r}): {r} = {kind}.wider({r})")
        lines.append(f"{r}[t] = {value}")
        self.kept.append(r if known else f"{r}[:t]")

    def _keep_both(self, rows: _Rows, carried: str, y: str) -> str:
        """Keep what is carried into each step and out of it, which is one array but for the ends; the former's name."""
        r, kind = self._named(rows)
        first, ins, outs = ("length", "[1:]", "[:-1]") if self.flow.reverse else ("0", "[:-1]", "[1:]")
        self.before += [f"{r} = {kind}.room(length + 1)", f"{r}[{first}] = {carried}"]
        self.after.append(f"{r}[t{' + 1' * (not self.flow.reverse)}] = {y}")
        self.kept.append(r + outs)
        return r + ins

    def _named(self, rows: _Rows) -> tuple[str, str]:
        self.count += 1
        self.names[f"s{self.count}"] = rows
        return f"r{self.count}", f"s{self.count}"

    def function(self, more: str, head: str, results: Sequence[str]) -> Callable[..., Any]:
        """The function, from what was written."""
        given = ", ".join([*self.carry, *self.ys, ""])
        call = f"step({', '.join([*self.carry, *self.elements, *self.constants])})"
        inputs = ", ".join([*self.carry, *self.xs, *self.constants])
        lines = [
            f"def loop({inputs}{more}):",
            *(f"    {line}" for line in self.before),
            f"    {head}",
            *(f"        {line}" for line in (*self.within, f"{given}{'= ' * bool(given)}{call}", *self.after)),
            f"    return ({''.join(f'{y}, ' for y in (*results, *self.kept))})",
        ]
        exec(compile("\n".join(lines), f"<chainrule loop {_new_number()}>", "exec"), self.names)
        function: Callable[..., Any] = self.names["loop"]
        return function


def _element(x: str, symbol: Symbol) -> str:
    if symbol.shape is None:
        return f"{x}[t] if {x}.ndim == 1 else {x}[t, ...]"
    return f"{x}[t, ...]" if symbol.shape else f"{x}[t]"
