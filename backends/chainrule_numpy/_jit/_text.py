"""`Text`: a function in LLVM's language, as it is being written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Text:
    """The lines of one function, in static single assignment.

    Attributes:
        declarations: the intrinsic functions that it calls, shared by the functions of a module.
    """

    def __init__(self, declarations: dict[str, str]) -> None:
        self.declarations = declarations
        self._lines: list[str] = []
        self._slots: list[str] = []
        self._count = 0

    def name(self, hint: str) -> str:
        """A name that is not used yet."""
        self._count += 1
        return f"{hint}{self._count}"

    def let(self, expression: str) -> str:
        """Compute something; the name of it."""
        self._count += 1
        name = f"%v{self._count}"
        self._lines.append(f"  {name} = {expression}")
        return name

    def do(self, statement: str) -> None:
        """Do something that has no result."""
        self._lines.append(f"  {statement}")

    def label(self, name: str) -> None:
        """Begin a block."""
        self._lines.append(f"{name}:")

    def slot(self, kind: str, count: int = 1) -> str:
        """Memory of the function's own: a variable, as it becomes a register where it can be one."""
        name = f"%{self.name('s')}"
        self._slots.append(f"  {name} = alloca {kind}, i64 {count}, align 64")
        return name

    def call(self, function: str, result: str, *arguments: tuple[str, str]) -> str:
        """Call an intrinsic function with arguments of the given types."""
        self.declare(function, result, *(kind for kind, _ in arguments))
        return self.let(
            f"call contract {result} {self._call(function, arguments)}"
            if _is_float(result)
            else f"call {result} {self._call(function, arguments)}"
        )

    def run(self, function: str, *arguments: tuple[str, str]) -> None:
        """Call an intrinsic function that has no result."""
        self.declare(function, "void", *(kind for kind, _ in arguments))
        self.do(f"call void {self._call(function, arguments)}")

    def _call(self, function: str, arguments: tuple[tuple[str, str], ...]) -> str:
        return f"@{function}({', '.join(f'{kind} {value}' for kind, value in arguments)})"

    def declare(self, function: str, result: str, *kinds: str) -> None:
        """Say what an external function takes and gives."""
        self.declarations[function] = f"declare {result} @{function}({', '.join(kinds)})"

    @contextmanager
    def steps(self, index: str, stop: str, step: int) -> Iterator[str]:
        """A loop that adds `step` to the variable `index` while there is room for a whole step before `stop`."""
        head, body, done = self.name("head"), self.name("body"), self.name("done")
        self.do(f"br label %{head}")
        self.label(head)
        i = self.let(f"load i64, ptr {index}")
        after = self.let(f"add nsw i64 {i}, {step}")
        fits = self.let(f"icmp sle i64 {after}, {stop}")
        self.do(f"br i1 {fits}, label %{body}, label %{done}")
        self.label(body)
        yield i
        self.do(f"store i64 {after}, ptr {index}")
        self.do(f"br label %{head}")
        self.label(done)

    @contextmanager
    def loop(self, start: str, stop: str) -> Iterator[str]:
        """A loop over the integers from `start` up to `stop`."""
        index = self.slot("i64")
        self.do(f"store i64 {start}, ptr {index}")
        with self.steps(index, stop, 1) as i:
            yield i

    @contextmanager
    def branch(self, condition: str) -> Iterator[None]:
        """What is done where a condition holds."""
        then, done = self.name("then"), self.name("done")
        self.do(f"br i1 {condition}, label %{then}, label %{done}")
        self.label(then)
        yield
        self.do(f"br label %{done}")
        self.label(done)

    def function(self, head: str) -> str:
        """All of it, under its first line."""
        return "\n".join([f"{head} {{", "entry:", *self._slots, *self._lines, "}"])


def _is_float(kind: str) -> bool:
    return kind.endswith(("double", "double>", "float", "float>"))
