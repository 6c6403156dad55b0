"""The checks of an operation: of one call of it in one dtype, on the backend and device in force.

Values, gradients of first and second order are compared with the reference, in double precision, and with its finite
differences. A check raises AssertionError if the backend or the operation is wrong; `Refused` if the backend says that
it cannot do this; `Undefined` if the operation's own rule says that this means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

import chainrule as cr
from chainrule_testing import _engine
from chainrule_testing._engine import DTYPES
from chainrule_testing._numbers import TOLERANCES, along, assert_equal, assert_near, gradients, inner, random_like
from chainrule_testing._samples import Sample, Samples
from chainrule_testing._ways import check_ways

Array = Any
REALS = ("float16", "bfloat16", "float32", "float64")
COMPLEXES = ("complex64", "complex128")
DOUBLES = ("float64", "complex128")


class Refused(Exception):
    """A backend says that it cannot do this, in the way it should."""


class Undefined(Exception):
    """An operation means nothing here, and says so on every backend."""


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: what it is called in reports.
        run: does it, for one call in one dtype.
        dtypes: the dtypes it is done in; None for all there are.
        takes: whether it is about samples at all.
        most: how many of the samples it is done for; None for all.
    """

    name: str
    run: Callable[[Sample], None]
    dtypes: tuple[str, ...] | None
    takes: Callable[[Sample], bool] = lambda sample: True
    most: int | None = None

    def samples(self, source: Samples, op: str, dtype: str) -> list[Sample]:
        """The calls to check in a dtype."""
        if dtype in COMPLEXES and not source.complex and self.name != "value":
            return []
        found = [sample for sample in _calls(source, op, dtype) if self.takes(sample)]
        if self.most is not None and len(found) > self.most:
            found = [found[i * len(found) // self.most] for i in range(self.most)]
        return found


@cache
def _calls(source: Samples, op: str, dtype: str) -> list[Sample]:
    return [call.in_dtype(dtype) for call in source.calls(op)]


def refusal(error: Exception) -> str | None:
    """What a backend says that it cannot do, in a line; None if it failed in another way."""
    cause: Any = error
    while isinstance(cause, cr.KernelError):  # of an operation in another one's decomposition, too
        cause = cause.__cause__
    if isinstance(error, cr.MissingKernelError | cr.DTypeError) or isinstance(cause, NotImplementedError):
        return " ".join(str(error).partition("; in the gradient of ")[0].split())  # which is a place in the kit
    return None


def perform(check: Check, samples: Sequence[Sample]) -> None:
    """Do a check for all samples, and end as the worst of them does.

    Raises:
        AssertionError: one is wrong.
        Refused, Undefined: there are some of these, and nothing worse.
    """
    if not samples:
        raise Undefined("no sample is about this")
    dtype, backend = samples[0].kind, cr.get_backend()
    if dtype not in backend.dtypes:
        raise Refused(f"backend {backend.name!r} has no dtype {dtype!r}")
    refused, undefined = [], []
    for sample in samples:
        try:
            meaningless = undefined_by(sample)
            with np.errstate(all="ignore"):
                if meaningless is None:
                    check.run(sample)
                else:
                    if check.run is check_value:
                        _check_refusal(sample, meaningless)
                    undefined.append(str(meaningless))
        except Refused as error:
            refused.append(str(error))
        except Undefined as error:
            undefined.append(str(error))
        except Exception as error:
            reason = refusal(error)
            if reason is None:
                error.add_note(f"in {sample!r}, on {cr.get_backend()!r}")
                raise
            refused.append(reason)
    if refused:
        some = f"{len(refused)} of {len(samples)} calls: " if len(refused) < len(samples) else ""
        raise Refused(some + refused[0])
    if len(undefined) == len(samples):
        raise Undefined(undefined[0])


# What the checks share


def tensors(sample: Sample) -> list[Any]:
    """The inputs on the backend in force: arrays as tensors, numbers as they are."""
    return [
        cr.tensor(x, dtype=sample.kind if sample.kind == "bfloat16" and i in sample.data else None)
        if isinstance(x, np.ndarray | np.generic)
        else x
        for i, x in enumerate(sample.inputs)
    ]


def exact(sample: Sample) -> Sample:
    """The same numbers in double precision."""
    arrays = [sample.inputs[i] for i in sample.data]
    wide = [x.astype("complex128" if x.dtype.kind == "c" else "float64") for x in arrays]
    return replace(sample, inputs=tuple(sample.replaced(sample.data, wide)))


def parts(y: Any) -> tuple[Any, ...]:
    """The results of an operation, of which most have one."""
    return tuple(y) if isinstance(y, tuple | list) else (y,)


def host(x: Any) -> Array:
    """A tensor's numbers for NumPy to compare, in double precision."""
    if x.dtype == "bfloat16":
        x = cr.astype(x, "float32")
    array = np.asarray(x.numpy())
    return array.astype({"f": np.float64, "c": np.complex128}.get(array.dtype.kind, array.dtype))


def tolerance_of(sample: Sample, scale: float = 1.0) -> float:
    return scale * TOLERANCES.get(sample.kind.partition(" ")[0], 1e-12)


def rule_of(sample: Sample, inputs: Sequence[Any]) -> tuple[Any, ...]:
    """What the operation's shape rule says."""
    op: Any = _engine.find_op(sample.op)
    return parts(op.infer(*map(_engine.spec_of, inputs), **{**op.attributes, **sample.attributes}))


def undefined_by(sample: Sample) -> Exception | None:
    """Why a sample means nothing: the error of the shape rule, or what the samples say; None if it means something."""
    if sample.kind in COMPLEXES and not sample.source.complex:
        return _rule_error(sample) or Undefined("the samples have no meaning for complex numbers")
    if sample.kind not in (*REALS, *COMPLEXES) and " " not in sample.kind and not sample.source.integers:
        return _rule_error(sample) or Undefined("the samples have no meaning for integers")
    return _rule_error(sample)


def _rule_error(sample: Sample) -> cr.ChainruleError | None:
    try:
        rule_of(sample, tensors(sample))
    except cr.ChainruleError as error:
        return error
    return None


def _check_refusal(sample: Sample, reason: Exception) -> None:
    """What the shape rule refuses is refused with the same error when it is called."""
    if isinstance(reason, Undefined):
        return
    try:
        sample.run(*tensors(sample))
    except type(reason):
        return
    raise AssertionError(f"{sample}: the shape rule says {reason}; the kernel computes it")


def contract_of(sample: Sample) -> Any:
    """What the operation's gradient definition promises."""
    definition = _engine.definition_of(_engine.find_op(sample.op))
    if definition is None:
        raise AssertionError(f"op {sample.op!r} has no gradient definition; where none passes, say NoGradient(reason)")
    return definition.contract


def like(values: Array, y: Any) -> Any:
    """Numbers as a tensor where `y` is, of its dtype."""
    return cr.tensor(values, dtype=y.dtype, device=y.device)


def seeds(sample: Sample) -> list[Array]:
    """A cotangent for each floating-point result; zeros for the others."""
    results = map(np.asarray, parts(sample.expected(*sample.inputs)))
    return [random_like(y, i) if y.dtype.kind in "fc" else np.zeros(y.shape) for i, y in enumerate(results, 1)]


def projection(sample: Sample, inputs: Sequence[Any], cs: Sequence[Array]) -> Callable[..., Any]:
    """The real number whose gradient is the vjp of the cotangents `cs`, of the inputs that have gradients."""

    def function(*xs: Any) -> Any:
        moved = list(inputs)
        for i, x in zip(sample.wrt, xs, strict=True):
            moved[i] = x
        return total(parts(sample.run(*moved)), cs)

    return function


def total(ys: Sequence[Any], cs: Sequence[Array]) -> Any:
    """The real inner product of tensors and arrays."""
    terms = []
    for y, c in zip(ys, cs, strict=True):
        if y.dtype.kind == "complex":
            terms.append(cr.sum(cr.real(like(np.conj(c), y) * y)))
        elif y.dtype.is_inexact:
            terms.append(cr.sum(like(np.real(c), y) * y))
    if not terms:
        raise Undefined("no result is a floating-point number")
    return sum(terms[1:], terms[0])


def scalar(sample: Sample, cs: Sequence[Array]) -> Callable[[Sequence[Array]], float]:
    """The same number by the reference."""
    return lambda xs: sum(
        inner(c, y) for c, y in zip(cs, parts(sample.expected(*sample.replaced(sample.wrt, xs))), strict=True)
    )


_known: dict[Any, Any] = {}


def once(sample: Sample, what: str, compute: Callable[[], Any]) -> Any:
    """What depends on the reference alone is computed once for all backends."""
    key = sample.source, sample.op, sample.number, sample.kind, what
    if key not in _known:
        _known[key] = compute()
    return _known[key]


# Values


def check_value(sample: Sample) -> None:
    """Value, shape, dtype and device; the inputs stay as they were, and the result when the next comes."""
    backend = cr.get_backend()
    inputs = tensors(sample)
    rule = rule_of(sample, inputs)
    for spec in rule:  # memory that is not written shows
        if spec.shape is not None and None not in spec.shape:
            cr.full(spec.shape, 77, dtype=spec.dtype)
    before = [host(x) if isinstance(x, cr.Tensor) else x for x in inputs]
    got = parts(sample.run(*inputs))
    where = next((x.device for x in inputs if isinstance(x, cr.Tensor)), cr.tensor(0).device)
    want = parts(_expected(sample, got))
    if len(got) != len(want) or len(got) != len(rule):
        raise AssertionError(f"{sample}: {len(got)} results, the rule has {len(rule)}, the reference {len(want)}")
    for y, spec, expected in zip(got, rule, want, strict=True):
        if (y.backend.name, y.device) != (backend.name, where):
            raise AssertionError(f"{sample}: the result is on {y.backend.name}:{y.device}, not {backend.name}:{where}")
        if y.dtype != spec.dtype:
            raise AssertionError(f"{sample}: dtype {y.dtype}, by the rule {spec.dtype}")
        if len(y.shape) != len(spec.shape) or any(n not in (None, m) for n, m in zip(spec.shape, y.shape, strict=True)):
            raise AssertionError(f"{sample}: shape {y.shape}, by the rule {spec.shape}")
        if not y.dtype.is_inexact:
            if y.shape != np.shape(expected):
                raise AssertionError(f"{sample}: shape {y.shape}, expected {np.shape(expected)}")
            assert_equal(host(y), expected, f"{sample}")
        else:
            assert_near(host(y), expected, tolerance_of(sample), f"{sample}")
    for i, (x, old) in enumerate(zip(inputs, before, strict=True)):
        if isinstance(x, cr.Tensor):
            assert_equal(host(x), old, f"{sample}: input {i} was written into")
    if sample.kind == "float64":
        kept = [host(y) for y in got]
        others = replace(
            sample, inputs=tuple(sample.replaced(sample.data, [sample.inputs[i] / 2 for i in sample.data]))
        )
        others.run(*tensors(others))
        for y, old in zip(got, kept, strict=True):
            if not np.array_equal(host(y), old, equal_nan=True):
                raise AssertionError(f"{sample}: the next call writes over the result")


def _expected(sample: Sample, got: Sequence[Any]) -> Any:
    """The reference's result: of integers exactly, else in double precision. Of what a backend draws, its own."""
    if sample.source.drawn and _engine.draws_its_own(sample.op, cr.get_backend()):
        return tuple(host(y) for y in parts(sample.run(*tensors(sample))))
    if any(y.dtype.is_inexact for y in got):
        sample = exact(sample)
    return sample.expected(*sample.inputs)


PAIRS = (("float32", "float64"), ("int32", "float32"), ("bool", "int64"), ("int8", "int64"), ("complex64", "float64"))


def check_mixed_dtypes(sample: Sample) -> None:
    """Inputs of two dtypes are computed in the one that the rule says, whichever comes first."""
    for pair in PAIRS:
        for one, other in (pair, pair[::-1]):
            first, second = sample.in_dtype(one), sample.in_dtype(other)
            inputs = second.replaced(sample.data[:1], [first.inputs[sample.data[0]]])
            mixed = replace(sample, inputs=tuple(inputs), kind=f"{min(pair, key=_coarse)} mixed: {one} and {other}")
            integral = "int" in one + other or "bool" in pair
            if (integral and not sample.source.integers) or ("complex64" in pair and not sample.source.complex):
                continue
            if set(pair) <= set(cr.get_backend().dtypes) and _rule_error(mixed) is None and _holds(mixed, pair):
                check_value(mixed)


def _holds(mixed: Sample, pair: Sequence[str]) -> bool:
    """Whether the result can hold both dtypes: what is added to integers, say, would be cut."""
    kinds = [DTYPES[dtype].kind for dtype in pair]
    order = ("bool", "uint", "int", "float", "complex")
    wide = max(map(order.index, kinds))
    found = [spec.dtype.kind for spec in rule_of(mixed, tensors(mixed))]
    return _engine.find_op(mixed.op).broadcasts or all(order.index(kind) >= wide for kind in found)


def _coarse(dtype: str) -> float:
    return -TOLERANCES.get(dtype, 0.0)


POINTS = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, np.inf, -np.inf, np.nan)


def check_extremes(sample: Sample) -> None:
    """Infinities, NaN, zeros of both signs and the largest and smallest numbers, beside each other."""
    information = np.finfo(sample.kind)
    points = np.array([*POINTS, information.max, -information.max, information.tiny], sample.kind)
    grid = np.meshgrid(*[points] * len(sample.inputs), indexing="ij")
    got = host(sample.run(*map(cr.tensor, grid)))
    want = np.asarray(sample.expected(*grid)).astype(got.dtype)
    for at in np.ndindex(want.shape):
        if want.dtype == bool:
            near = got[at] == want[at]
        else:
            near = abs(got[at] - want[at]) <= 4 * tolerance_of(sample) * abs(want[at]) + information.tiny
        if not (near or got[at] == want[at] or (np.isnan(got[at]) and np.isnan(want[at]))):
            arguments = ", ".join(str(part[at]) for part in grid)
            raise AssertionError(f"{sample.op}({arguments}) in {sample.kind} is {got[at]}, expected {want[at]}")


def check_layout(sample: Sample) -> None:
    """Inputs that lie in memory with gaps, or in another order, give the same."""
    inputs = tensors(sample)
    want = parts(sample.run(*inputs))
    for how in (_with_gaps, _turned):
        moved = [how(x) if isinstance(x, cr.Tensor) and x.ndim else x for x in inputs]
        for y, expected in zip(parts(sample.run(*moved)), want, strict=True):
            assert_near(host(y), host(expected), tolerance_of(sample), f"{sample} of arrays {how.__doc__}")


def _with_gaps(x: Any) -> Any:
    """with gaps"""
    return cr.tensor(np.repeat(x.numpy(), 2, axis=-1))[..., ::2]


def _turned(x: Any) -> Any:
    """with axes in another order"""
    return cr.permute_dims(cr.tensor(np.ascontiguousarray(x.numpy().T)), tuple(reversed(range(x.ndim))))


def check_numbers(sample: Sample) -> None:
    """Beside an array a Python number changes no dtype, forward or backward."""
    inputs = tensors(sample)
    y = sample.run(*inputs)
    if y.dtype.is_inexact and y.dtype != sample.kind:
        raise AssertionError(f"{sample}: dtype {y.dtype}; a Python number is weak, it should be {sample.kind}")
    if not sample.smooth:
        return
    first = cr.grad(projection(sample, inputs, seeds(exact(sample))), argnums=range(len(sample.wrt)))
    for g in first(*[inputs[i] for i in sample.wrt]):
        if g.dtype != sample.kind:
            raise AssertionError(f"{sample}: the gradient's dtype is {g.dtype}, expected {sample.kind}")


def check_support(sample: Sample) -> None:
    """What the backend refuses, `cr.check` tells before it runs."""
    inputs = tensors(sample)
    try:
        sample.run(*inputs)
    except Exception as error:
        places = [i for i, x in enumerate(inputs) if isinstance(x, cr.Tensor)]
        arrays = [inputs[i] for i in places]
        told = cr.check(lambda *xs: sample.run(*sample.replaced(places, xs)), *arrays, gradients=False)
        if told and (reason := refusal(error)) is not None:
            raise AssertionError(f"{sample} is refused: {reason}; cr.check says: {told}") from error
        raise


# Gradients


def check_gradient(sample: Sample, contract: Any = None) -> None:
    """The first derivative is that of finite differences of the reference; dtype and device are the input's.

    Args:
        sample: the call.
        contract: what the gradient in force promises, if it is an override.
    """
    inputs = tensors(sample)
    wide = exact(sample)
    cs = once(sample, "cotangents", lambda: seeds(wide))
    xs = [inputs[i] for i in sample.wrt]
    got = cr.grad(projection(sample, inputs, cs), argnums=range(len(xs)))(*xs)
    for i, (g, x) in enumerate(zip(got, xs, strict=True)):
        if (g.dtype, g.shape, g.device) != (x.dtype, x.shape, x.device):
            raise AssertionError(
                f"gradient {i} of {sample} is {g.dtype}{list(g.shape)} on {g.device}, "
                f"the input {x.dtype}{list(x.shape)} on {x.device}"
            )
    contract = contract or (contract_of(sample) if sample.smooth else cr.exact)
    if not sample.smooth:
        for i, g in enumerate(got):
            assert_equal(host(g), np.zeros(g.shape), f"gradient {i} of {sample}, which no gradient passes")
        return
    if contract.kind == "surrogate":
        raise Undefined("a surrogate, declared so: its gradient is not the derivative")
    want = once(
        sample, "gradient", lambda: gradients(scalar(wide, cs), [np.asarray(wide.inputs[i]) for i in sample.wrt])
    )
    tolerance = max(1e-6, tolerance_of(sample, 10.0), contract.tolerance)
    for i, (g, w) in enumerate(zip(got, want, strict=True)):
        assert_near(host(g), w, tolerance, f"gradient {i} of {sample}")


def check_second_derivative(sample: Sample) -> None:
    """The second derivative along two random directions is that of finite differences of the reference."""
    _exact_only(sample)
    inputs = tensors(sample)
    cs = once(sample, "cotangents", lambda: seeds(sample))
    xs = [np.asarray(sample.inputs[i]) for i in sample.wrt]
    ds, es = ([random_like(x, seed + i) for i, x in enumerate(xs)] for seed in (20, 40))
    f = scalar(sample, cs)
    want = once(sample, "second", lambda: along(lambda xs: along(f, xs, ds), xs, es))
    argnums = range(len(xs))
    first = cr.grad(projection(sample, inputs, cs), argnums=argnums)
    second = cr.grad(lambda *xs: total(first(*xs), ds), argnums=argnums)(*[inputs[i] for i in sample.wrt])
    got = sum(inner(e, host(g)) for e, g in zip(es, second, strict=True))
    scale = sum(float(np.sum(np.abs(e) * np.abs(host(g)))) for e, g in zip(es, second, strict=True))
    assert_near(got, want, 1e-6 * max(1.0, scale / max(abs(want), 1e-9)), f"second derivative of {sample}", 1e-7)


def check_forward_mode(sample: Sample) -> None:
    """A tangent is that of finite differences, and the transpose of the gradient: <c, J t> = <J^T c, t>."""
    _exact_only(sample)
    inputs = tensors(sample)
    cs = once(sample, "cotangents", lambda: seeds(sample))
    points = [np.asarray(sample.inputs[i]) for i in sample.wrt]
    ts = [random_like(x, 10 + i) for i, x in enumerate(points)]
    xs = [inputs[i] for i in sample.wrt]

    def f(*xs: Any) -> tuple[Any, ...]:
        moved = list(inputs)
        for i, x in zip(sample.wrt, xs, strict=True):
            moved[i] = x
        return tuple(y for y in parts(sample.run(*moved)) if y.dtype.is_inexact)

    _, pushed = cr.jvp(f, xs, [like(t, x) for t, x in zip(ts, xs, strict=True)])
    kept = [c for c, y in zip(cs, parts(sample.run(*inputs)), strict=True) if y.dtype.is_inexact]
    forward = sum(inner(c, host(t)) for c, t in zip(kept, pushed, strict=True))
    want = once(sample, "tangent", lambda: float(along(scalar(sample, cs), points, ts)))
    size = sum(float(np.sum(np.abs(c) * np.abs(host(t)))) for c, t in zip(kept, pushed, strict=True))
    pulled = cr.grad(projection(sample, inputs, cs), argnums=range(len(xs)))(*xs)
    backward = sum(inner(host(b), t) for b, t in zip(pulled, ts, strict=True))
    if abs(forward - want) > 1e-6 * size + 1e-9:
        raise AssertionError(f"tangent of {sample}: {forward} along a direction, finite differences {want}")
    if abs(forward - backward) > 1e-10 * size + 1e-11:
        raise AssertionError(f"{sample}: <c, J t> is {forward}, <J^T c, t> {backward}")


def check_real_and_complex(sample: Sample) -> None:
    """A real input beside a complex one gets a real cotangent."""
    for chosen in sample.wrt:
        others = [i for i in sample.wrt if i != chosen]
        inputs = sample.replaced(others, [np.real(sample.inputs[i]) for i in others])
        mixed = replace(sample, inputs=tuple(inputs), kind=f"{sample.kind} in input {chosen}")
        if all(spec.dtype.kind == "complex" for spec in rule_of(mixed, tensors(mixed))):
            check_gradient(mixed)


def _exact_only(sample: Sample) -> None:
    contract = contract_of(sample)
    if contract.kind not in ("exact", "undeclared"):
        raise Undefined(f"its gradient is declared {contract}")


def _has_gradient(sample: Sample) -> bool:
    return bool(sample.wrt)


def _is_smooth(sample: Sample) -> bool:
    return bool(sample.wrt) and sample.smooth


def _has_numbers(sample: Sample) -> bool:
    return bool(sample.wrt) and any(isinstance(x, float | int) for x in sample.inputs)


def _takes_extremes(sample: Sample) -> bool:
    """One of the samples of an elementwise function of floating-point arrays."""
    return sample.source.extremes and sample.number == 0 and len(sample.wrt) == len(sample.inputs)


CHECKS = (
    Check("value", check_value, None),
    Check("gradient", check_gradient, (*REALS, *COMPLEXES), _has_gradient),
    Check("second derivative", check_second_derivative, DOUBLES, _is_smooth),
    Check("forward mode", check_forward_mode, DOUBLES, _is_smooth),
    Check("extremes", check_extremes, ("float32", "float64"), _takes_extremes),
    Check("layout", check_layout, ("float64",), most=4),
    Check("Python numbers", check_numbers, ("float32",), _has_numbers),
    Check("real and complex", check_real_and_complex, ("complex128",), lambda s: len(s.wrt) > 1 and s.smooth, 3),
    Check("mixed dtypes", check_mixed_dtypes, ("float64",), lambda sample: len(sample.data) > 1, 4),
    Check("graph and compiled", check_ways, DOUBLES, most=2),
    Check("told before", check_support, DOUBLES, most=1),
)
