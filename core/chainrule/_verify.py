"""`verify`: a program on several backends, values and gradients compared, and the first operation that differs."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from chainrule import _backends, _context, ops
from chainrule._backend import Backend
from chainrule._convert import as_tensor
from chainrule._dtypes import DType, real_dtype
from chainrule._errors import ArgumentError, ChainruleError
from chainrule._graph import Instruction
from chainrule._missing import EPSILON
from chainrule._passes.decomposition import inlined
from chainrule._plan import Plan
from chainrule._program import Program, reads, size_owners
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule._trial import Trial, trial
from chainrule.infer import Spec


@dataclass(frozen=True)
class Compared:
    """A result on a backend, beside that of the first backend.

    Attributes:
        result: which: `"result"`, `"gradient of argument 0"`.
        error: the largest difference, relative to the largest number of the first backend's; infinite where infinities
            and NaNs are not at the same places.
        tolerance: what is allowed.
        problem: what is wrong that no number tells: another shape or dtype.
    """

    result: str
    error: float
    tolerance: float
    problem: str = ""

    @property
    def agrees(self) -> bool:
        """Whether it is the same within the tolerance."""
        return not self.problem and self.error <= self.tolerance

    def __str__(self) -> str:
        if self.problem:
            return f"{self.result}: {self.problem}"
        return (
            f"{self.result}: within {self.error:.1e}{'' if self.agrees else f', not the {self.tolerance:.1e} allowed'}"
        )


@dataclass(frozen=True)
class BackendRun:
    """What came of a program on one backend.

    Attributes:
        backend: the backend, with the device if one was named.
        error: why it gave no results; empty if it did.
        results: how they compare with the first backend's.
        first: the first operation that gives something else when it gets what it got on the first backend; empty if
            none does, and differences only add up.
    """

    backend: str
    error: str
    results: tuple[Compared, ...]
    first: str

    @property
    def agrees(self) -> bool:
        """Whether all results are the same within their tolerances."""
        return not self.error and all(result.agrees for result in self.results)

    def __str__(self) -> str:
        if self.error:
            return f"{self.backend}: fails: {self.error}"
        lines = [f"{self.backend}: {'agrees' if self.agrees else 'differs'}", *map(str, self.results)]
        if not self.agrees:
            lines.append(f"first to differ: {self.first or 'no operation by itself; differences add up'}")
        return "\n  ".join(lines)


@dataclass(frozen=True)
class Verification:
    """What `verify` found. It is true if all backends agree; print it, or read its fields.

    Attributes:
        name: the function's.
        reference: the backend that the others are compared with.
        operations: how many operations ran.
        runs: what came of the other backends.
    """

    name: str
    reference: str
    operations: int
    runs: tuple[BackendRun, ...]

    def __bool__(self) -> bool:
        return all(run.agrees for run in self.runs)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, for JSON, which knows no infinity: an infinite error is None."""
        return asdict(self, dict_factory=lambda pairs: {key: None if x == math.inf else x for key, x in pairs})

    def __str__(self) -> str:
        head = f"{self.name}: {self.operations} operation{'s' * (self.operations != 1)}, beside {self.reference}"
        return "\n".join([head, *map(str, self.runs)])


def verify(
    f: Callable[..., Any],
    *args: Any,
    backends: Sequence[str],
    gradients: bool = True,
    rtol: float | None = None,
    seed: int = 0,
    **kwargs: Any,
) -> Verification:
    """Run a function on several backends, and compare its values and gradients with those on the first.

    The function is traced once, and the program computed operation by operation on each backend. Where results differ,
    each operation is computed again on what it got on the first backend, to find the first that gives something else.

    Args:
        f: a function of arrays (or pytrees) to a pytree of arrays, compiled or not.
        *args: its arguments. `cr.Spec(shape, dtype)` stands for random numbers.
        backends: names, with devices if need be (`"cupy:1"`); the first is what the others are compared with.
        gradients: whether to compare gradients too: of the sum of the results, by all floating-point arrays in the
            arguments and the trainable variables it reads.
        rtol: how far results may be apart, relative to the largest number in each; by default the precision of its
            dtype to the power of 2/3: 4e-11 in float64, 2e-5 in float32.
        seed: of random numbers.
        **kwargs: further arguments of the function.

    Raises:
        ArgumentError: fewer than two backends, or a spec with open lengths.
        BackendError, BackendUnavailableError: one of them is not there or cannot compute here.
        ChainruleError: what tracing or running it on the first backend raises.

    >>> import chainrule as cr
    >>> x = cr.Spec((3,), "float64")
    >>> report = cr.verify(lambda x: cr.sum(cr.exp(x)), x, backends=["numpy", "array_api_strict"])
    >>> bool(report), [result.result for result in report.runs[0].results]
    (True, ['result', 'gradient of argument 0'])
    """
    if isinstance(backends, str) or len(backends) < 2:
        raise ArgumentError(f"verify: expected the names of two backends or more, got {backends!r}")
    chosen = [_backends.parse(name, "verify") for name in backends]
    made = trial(f, args, kwargs, gradients)
    program = inlined(made.program)
    inputs = [*_arrays(made, random.Random(seed)), *(Tensor(v.value, v.backend) for v in made.variables)]
    reference = _Run(program, *chosen[0], inputs)
    reference.outputs()
    runs = tuple(
        _beside(made, reference, name, partial(_Run, program, *where, inputs), rtol)
        for name, where in zip(backends[1:], chosen[1:], strict=True)
    )
    return Verification(made.name, backends[0], len(program.instructions), runs)


def _arrays(made: Trial, rng: random.Random) -> Iterator[Tensor]:
    """The arguments, with random numbers for specs."""
    for x, symbol in zip(made.arguments, made.program.inputs, strict=False):
        if not isinstance(x, Spec):
            yield x
            continue
        if x.shape is None or not all(type(n) is int for n in x.shape):
            raise ArgumentError(
                f"verify: {symbol.name!r}: give lengths for {x!r}, to make random numbers of that shape"
            )
        backend = _backends.get_backend()
        native = backend.native(symbol.dtype)
        numbers = [_number(symbol.dtype, rng) for _ in range(math.prod(x.shape))]
        array = (
            backend.asarray(_nested(numbers, x.shape), native, None)
            if numbers
            else backend.full(x.shape, 0, native, None)
        )
        yield Tensor(array, backend)


def _number(dtype: DType, rng: random.Random) -> Any:
    if dtype.kind == "bool":
        return rng.random() < 0.5
    if not dtype.is_inexact:
        return rng.randrange(10)
    return complex(rng.gauss(0, 1), rng.gauss(0, 1)) if dtype.kind == "complex" else rng.gauss(0, 1)


def _nested(numbers: list[Any], shape: tuple[Any, ...]) -> Any:
    """Numbers, of which there are some, as nested lists of a shape."""
    for n in reversed(shape):
        numbers = [numbers[i : i + n] for i in range(0, len(numbers), n)]
    return numbers[0]


class _Run:
    """A program computed operation by operation on a backend.

    Attributes:
        values: what each symbol is, once it is computed.
    """

    def __init__(self, program: Program, backend: Backend, device: str | None, inputs: Sequence[Tensor]) -> None:
        self.program = program
        self.backend = backend
        self.device = device
        self.values: dict[Any, Any] = {}
        self._owners = size_owners(program)
        for symbol, x in zip(program.inputs, inputs, strict=True):
            self.values[symbol] = self.array(x, symbol.dtype)

    def array(self, x: Tensor, dtype: DType) -> Any:
        """A tensor of any backend as an array of this one."""
        return self.backend.asarray(x.backend.to_numpy(x.value), self.backend.native(dtype), self.device)

    def outputs(self) -> list[Tensor]:
        """The program's results."""
        with _backends.use(self.backend, self.device), _context.scope(graph=None, recording=False):
            for instruction in self.program.instructions:
                self.values.update(zip(instruction.outputs, self.results(instruction, self.values), strict=True))
        return [self.tensor(y) for y in self.program.outputs]

    def results(self, instruction: Instruction, values: Mapping[Any, Any]) -> Sequence[Any]:
        """What an instruction gives, by itself."""
        inputs = dict.fromkeys(reads(instruction, self._owners))
        plan = Plan(Program(list(inputs), instruction.outputs, [instruction]), self.backend)
        return plan(*[values[x] for x in inputs])

    def tensor(self, y: Any) -> Tensor:
        """The value of a symbol."""
        return Tensor(self.values[y], self.backend) if type(y) is Symbol else as_tensor(y)

    def first_to_differ(self, reference: _Run, rtol: float | None) -> str:
        """The first operation that gives something else on what it got on another backend; empty if none does."""
        with _backends.use(self.backend, self.device), _context.scope(graph=None, recording=False):
            for instruction in self.program.instructions:
                needed = reads(instruction, self._owners)
                given = {x: self.array(reference.tensor(x), x.dtype) for x in needed}
                found = zip(instruction.outputs, self.results(instruction, given), strict=True)
                for y, value in found:
                    compared = _compared("", Tensor(value, self.backend), reference.tensor(y), rtol)
                    if not compared.agrees:
                        node = instruction.node
                        told = f"{compared.problem or f'off by {compared.error:.1e}'}"
                        return f"op {instruction.op.name!r} of {instruction.op.owner}, {told}, at {node.site}"
        return ""


def _beside(made: Trial, reference: _Run, name: str, run: Callable[[], _Run], rtol: float | None) -> BackendRun:
    """A program's run on another backend, compared."""
    try:
        other = run()
        outputs = other.outputs()
    except ChainruleError as error:
        return BackendRun(name, str(error), (), "")
    pairs = zip(made.results, outputs, map(reference.tensor, reference.program.outputs), strict=True)
    results = tuple(_compared(what, y, expected, rtol) for what, y, expected in pairs)
    first = "" if all(result.agrees for result in results) else other.first_to_differ(reference, rtol)
    return BackendRun(name, "", results, first)


def _compared(what: str, y: Tensor, expected: Tensor, rtol: float | None) -> Compared:
    """A result beside the one expected, on the backend of that."""
    dtype = expected.dtype
    tolerance = 0.0
    if dtype.is_inexact:
        tolerance = EPSILON[real_dtype(dtype)] ** (2 / 3) if rtol is None else rtol
    if (y.shape, y.dtype) != (expected.shape, dtype):
        told = f"{Spec(y.shape, y.dtype)!r} in place of {Spec(expected.shape, dtype)!r}"
        return Compared(what, math.inf, tolerance, told)
    backend = expected.backend
    again = Tensor(backend.asarray(y.backend.to_numpy(y.value), expected.value.dtype, expected.device), backend)
    with _backends.use(backend), _context.scope(graph=None, recording=False):
        return Compared(what, _distance(again, expected), tolerance)


def _distance(y: Tensor, expected: Tensor) -> float:
    """The largest difference, relative to the largest number expected; infinite where only one of two is finite."""
    if not expected.size:
        return 0.0
    if not expected.dtype.is_inexact:
        return 0.0 if bool(ops.all(ops.equal(y, expected))) else math.inf
    both = ops.logical_and(ops.isfinite(y), ops.isfinite(expected))
    nothing = ops.logical_and(ops.isnan(y), ops.isnan(expected))
    same = ops.logical_or(ops.equal(y, expected), nothing)
    if not bool(ops.all(ops.logical_or(both, same))):
        return math.inf
    zero = ops.zeros_like(expected)
    size = float(ops.max(ops.abs(ops.where(both, expected, zero))))
    apart = float(ops.max(ops.abs(ops.where(both, y - expected, zero))))
    return apart / size if size else apart
