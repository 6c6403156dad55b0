"""How a special function is declared: one row, `special` for one result, `several` for more.

A row has the function's name, which is SciPy's; its inputs; the derivative with respect to each; and what it is. From
that come the operation, its shape rule and its docstring. The kernels are the libraries' own (`_libraries`), but where
a generic one is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature
from typing import Any, Final

from chainrule import (
    DTYPES,
    DType,
    DTypeError,
    MissingGradientError,
    NoGradient,
    Spec,
    Tensor,
    default_dtype,
    elementwise,
    infer,
    op,
    ops,
)

Slope = Callable[..., Any] | NoGradient
ROWS: Final[dict[str, Row]] = {}


class Row:
    """What kernels need to know of a function.

    Attributes:
        inputs: their names.
        integers: how many of them, from the first on, are integers.
        parameters: how many more are real even where the others are complex.
        takes_complex: whether the others can be.
        gives_complex: whether the result is complex for real numbers, too.
        kernel: the generic kernel, if there is one.
    """

    __slots__ = ("gives_complex", "inputs", "integers", "kernel", "parameters", "takes_complex")

    def __init__(
        self,
        inputs: Sequence[str],
        integers: int,
        parameters: int,
        takes_complex: bool,
        gives_complex: bool = False,
        kernel: Callable[..., Any] | None = None,
    ) -> None:
        self.inputs = inputs
        self.kernel = kernel
        self.gives_complex = gives_complex
        self.integers = integers
        self.parameters = parameters
        self.takes_complex = takes_complex

    def infer(self, *specs: Spec) -> Spec:
        """The shape rule. Integers have no part in the dtype of the result."""
        for name, spec in zip(self.inputs, specs[: self.integers], strict=False):
            if spec.dtype.is_inexact:
                raise DTypeError(f"{name}: expected integers, got {spec.dtype}")
        dtype = infer.result_dtype(*specs[self.integers :])
        if not dtype.is_inexact:
            dtype = default_dtype()
        if dtype.kind == "complex":
            real = self.inputs if not self.takes_complex else self.inputs[: self.integers + self.parameters]
            for name, spec in zip(real, specs, strict=False):
                if spec.dtype.kind == "complex":
                    raise DTypeError(f"{name}: expected real numbers, got {spec.dtype}")
        if self.gives_complex:
            dtype = complex_of(dtype)
        return Spec(infer.broadcast_shapes(*[spec.shape for spec in specs]), dtype)

    @property
    def computed(self) -> tuple[str, ...]:
        """The dtypes that libraries compute all inputs in, and the result."""
        alike = self.takes_complex and not self.integers + self.parameters
        if self.gives_complex:
            return ("complex64", "complex128") if alike else ()
        return ("float32", "float64", "complex64", "complex128") if alike else ("float32", "float64")

    def dtypes(self, dtype: Any) -> list[Any]:
        """The dtypes that the inputs are computed in, by that of the result; None for integers."""
        n = len(self.inputs) - self.integers - self.parameters
        real = infer.real(Spec((), dtype)).dtype
        return [None] * self.integers + [real] * self.parameters + [dtype if self.takes_complex else real] * n


def complex_of(dtype: DType) -> DType:
    """The complex dtype of the precision of a floating-point one; of 16 bits complex64."""
    return dtype if dtype.kind == "complex" else DTYPES[f"complex{max(dtype.bits, 32) * 2}"]


def special(
    name: str,
    inputs: str,
    gradient: Slope | Sequence[Slope | None],
    summary: str,
    formula: str = "",
    *,
    kernel: Callable[..., Any] | None = None,
    takes_complex: bool = False,
    gives_complex: bool = False,
) -> Any:
    """A row: an elementwise function with one result.

    Args:
        name: its name.
        inputs: theirs, with a space between them.
        gradient: the definition; for several inputs one for each: None for integers, `NoGradient(reason)` where there
            is a derivative that nobody can compute, which is then an error and never a silent 0.
        summary: what it computes.
        formula: its derivative.
        kernel: a generic kernel, `(xp, *arrays)`, for libraries that have no function of this name.
        takes_complex: whether inputs can be complex, but for integers and those without a derivative.
        gives_complex: whether the result is complex for real numbers, too.
    """
    names = inputs.split()
    parts: list[Slope | None] = [gradient] if callable(gradient) or isinstance(gradient, NoGradient) else list(gradient)
    integers = parts.count(None)
    parameters = sum(isinstance(part, NoGradient) for part in parts) if len(names) > 1 else 0
    if kernel is not None and not takes_complex:
        kernel = _of_real(kernel)
    row = ROWS[name] = Row(names, integers, parameters, takes_complex, gives_complex, kernel)
    full = f"special.{name}"
    if len(names) == 1:
        definition: Any = parts[0]
    else:
        reasons = zip(names, parts, strict=True)
        definition = tuple(_refused(full, x, part) if isinstance(part, NoGradient) else part for x, part in reasons)
    doc = _documented(row, summary, formula, "A tensor of the shape that they broadcast to")
    if len(names) < 3:
        function = elementwise(full, row.infer, definition, doc, n_inputs=len(names), kernel=kernel)
        return _described(function, name, names, doc)
    requires = () if kernel else (full,)
    define = op(row.infer, definition, name=full, broadcasts=True, elementwise=True, requires=requires)
    return _described(define(_ARITIES[len(names)](kernel or _of_namespace(name))), name, names, doc)


def several(
    name: str,
    inputs: str,
    results: str,
    gradient: Callable[..., Any] | tuple[Callable[..., Any], ...],
    summary: str,
    formula: str,
    *,
    takes_complex: bool = False,
) -> Any:
    """A row: an elementwise function with several results, in a tuple, whose cotangents the definitions get as one."""
    names = inputs.split()
    row = ROWS[name] = Row(names, 0, 0, takes_complex)
    n = len(results.split())

    def rule(*specs: Spec) -> tuple[Spec, ...]:
        return (row.infer(*specs),) * n

    shape = "that they broadcast to" if len(names) > 1 else f"of {inputs}"
    doc = _documented(row, summary, formula, f"The tuple `({', '.join(results.split())})`, each of the shape {shape}")
    full = f"special.{name}"
    define = op(rule, gradient, name=full, multiple=True, broadcasts=len(names) > 1, requires=(full,))
    return _described(define(_ARITIES[len(names)](_of_namespace(name))), name, names, doc)


def _described(function: Any, name: str, inputs: list[str], doc: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__signature__ = Signature([Parameter(x, Parameter.POSITIONAL_ONLY) for x in inputs])
    function.__doc__ = doc
    return function


def _documented(row: Row, summary: str, formula: str, result: str) -> str:
    lines = [summary, "", "Args:"]
    for i, x in enumerate(row.inputs):
        kind = "integers" if i < row.integers else "real numbers"
        if row.takes_complex and i >= row.integers + row.parameters:
            kind = "real or complex numbers"
        lines.append(f"    {x}: an array of {kind}, or a number.")
    lines += ["", "Returns:", f"    {result}."]
    if formula:
        lines += ["", f"Derivative: {formula}."]
    return "\n".join(lines)


def _refused(op_name: str, x: str, reason: NoGradient) -> Callable[..., Any]:
    """The definition for an input whose derivative cannot be computed."""

    def refuse(g: Any, _y: Any, *_inputs: Any) -> Any:
        raise MissingGradientError(
            f"{op_name} has no derivative with respect to {x}: {reason.reason}; hold {x} constant with "
            f"cr.stop_gradient({x}), or give a definition of yours to cr.override_gradients"
        )

    return refuse


def _of_real(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A generic kernel that would compute of complex numbers what the row has no derivative for."""

    def run(xp: Any, *arrays: Any) -> Any:
        for x in arrays:
            if hasattr(x, "dtype") and xp.isdtype(x.dtype, "complex floating"):
                raise DTypeError(f"expected real numbers, got {x.dtype}")
        return kernel(xp, *arrays)

    return run


def _of_one(kernel: Callable[..., Any]) -> Callable[..., Any]:
    return lambda xp, x, /: kernel(xp, x)


def _of_two(kernel: Callable[..., Any]) -> Callable[..., Any]:
    return lambda xp, a, x, /: kernel(xp, a, x)


def _of_three(kernel: Callable[..., Any]) -> Callable[..., Any]:
    return lambda xp, a, b, x, /: kernel(xp, a, b, x)


def _of_four(kernel: Callable[..., Any]) -> Callable[..., Any]:
    return lambda xp, a, b, c, x, /: kernel(xp, a, b, c, x)


_ARITIES: Final = {1: _of_one, 2: _of_two, 3: _of_three, 4: _of_four}


def _of_namespace(name: str) -> Callable[..., Any]:
    """The generic kernel of a function that only the namespace's own computes."""
    return lambda xp, *arrays: getattr(xp.special, name)(*arrays)


# What definitions share


def zero_wins(g: Any, d: Any) -> Any:
    """`g * d`, and 0 where the cotangent `g` is 0 and the slope `d` infinite."""
    return ops.multiply_zero_wins(g, d)


def tensors(g: Any, *inputs: Any) -> tuple[Any, ...]:
    """Inputs where Python numbers are tensors beside `g`."""
    return tuple(x if type(x) is Tensor else ops.full_like(g, x, shape=()) for x in inputs)


def polynomial(x: Any, *coefficients: float) -> Any:
    """A polynomial, by rising powers."""
    result = coefficients[-1] + 0.0 * x
    for c in coefficients[-2::-1]:
        result = result * x + c
    return result


def held(condition: Any, x: Any, other: float) -> Any:
    """`x` where the condition holds, a harmless number elsewhere: what is computed of it there is not taken."""
    return ops.where(condition, x, other)
