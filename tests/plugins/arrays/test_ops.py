"""Every operation against NumPy or SciPy, finite differences, its shape rule and its own transpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import _registry, infer
from chainrule._convert import spec_of

from .every import EVERY, ROWS
from .samples import ELSEWHERE, Sample, run

cr.plugins()
Array = Any
SMOOTH = [smooth for samples in EVERY if (smooth := [s for s in samples if s.row.smooth and s.wrt])]
WITH_INTEGERS = [samples for samples in SMOOTH if samples[0].row.integers]
H = 1e-3  # the stencil is of fourth order: its error is near 1e-12, that of rounding near 1e-13


def over(groups: list[list[Sample]]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a check of one sample for all samples of an operation, an operation a test."""

    def decorate(check: Callable[..., None]) -> Callable[..., None]:
        @pytest.mark.parametrize("samples", groups, ids=lambda samples: samples[0].op)
        def test(samples: list[Sample]) -> None:
            for sample in samples:
                try:
                    check(sample)
                except BaseException as error:
                    error.add_note(f"in {sample!r}")
                    raise

        return test

    return decorate


def reference(sample: Sample, inputs: Sequence[Any]) -> Array:
    with np.errstate(all="ignore"):
        return sample.row.reference(*inputs, **sample.attributes)


def replaced(sample: Sample, values: Sequence[Any]) -> list[Any]:
    """The inputs, with other values for those that have gradients."""
    inputs = list(sample.inputs)
    for i, value in zip(sample.wrt, values, strict=True):
        inputs[i] = value
    return inputs


def points(sample: Sample) -> list[Array]:
    return [sample.inputs[i] for i in sample.wrt]


def random_like(y: Any, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    drawn = rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1.0, 1.0], y.shape)
    if np.iscomplexobj(y):
        drawn = drawn + 1j * rng.uniform(0.5, 1.5, y.shape)
    return np.asarray(drawn)


def finite_differences(f: Callable[[list[Array]], float], xs: list[Array]) -> list[Array]:
    """The gradient of `f`; for a complex element the direction of steepest ascent."""
    gradients = []
    for n, x in enumerate(xs):
        gradient = np.zeros(x.shape, x.dtype)
        for place in np.ndindex(x.shape):
            for direction in (1.0, 1j) if x.dtype.kind == "c" else (1.0,):
                values = []
                for steps in (-2, -1, 1, 2):
                    moved = x.copy()
                    moved[place] += steps * H * direction
                    values.append(f([*xs[:n], moved, *xs[n + 1 :]]))
                gradient[place] += direction * (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * H)
        gradients.append(gradient)
    return gradients


def assert_near(got: Any, want: Array, tolerance: float, what: str) -> None:
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, what
    if want.size:
        error = np.max(np.abs(got - want))
        scale = np.max(np.abs(want))
        assert error <= tolerance * scale + 1e-10, f"{what}: off by {error} of {scale}\n{got}\n{want}"


def projection(sample: Sample, c: Array) -> Callable[..., Any]:
    """The real number whose gradient is the vjp of the cotangent `c`."""
    return lambda *xs: cr.sum(cr.real(np.conj(c) * run(sample, replaced(sample, xs))))


def value_of(sample: Sample) -> Array:
    return np.asarray(reference(sample, sample.inputs))


def test_every_operation_has_samples() -> None:
    ours = {name for name, f in _registry.ops.items() if f.op.owner.distribution == "chainrule"}  # type: ignore[attr-defined]
    assert ours - ROWS.keys() == ELSEWHERE.keys(), "give each new operation a row in its plugin's samples.py"
    assert ROWS.keys() <= ours


@over(EVERY)
def test_value_is_the_reference(sample: Sample) -> None:
    got, want = run(sample, sample.inputs), reference(sample, sample.inputs)
    if not isinstance(want, tuple):
        got, want = (got,), (want,)
    for part, expected in zip(got, want, strict=True):
        assert part.shape == np.shape(expected)
        np.testing.assert_allclose(part.numpy(), expected, rtol=1e-12, atol=1e-14)


def in_dtype(sample: Sample, dtype: str) -> list[Any]:
    """The sample's inputs, those of floating point or complex numbers in another dtype."""
    return replaced(sample, [x.astype(dtype) for x in points(sample)])


def assert_inferred(sample: Sample, inputs: list[Any], y: Any) -> None:
    """The shape rule says what the kernel did."""
    op: Any = _registry.ops[sample.op].op  # type: ignore[attr-defined]
    specs = [
        spec_of(x) if x is None or isinstance(x, float | int) else infer.Spec(x.shape, cr.tensor(x).dtype)
        for x in inputs
    ]
    spec = op.infer(*specs, **{**op.attributes, **sample.attributes})
    if not op.multiple:
        spec, y = (spec,), (y,)
    for rule, part in zip(spec, y, strict=True):
        assert len(rule.shape) == part.ndim
        assert all(n in (None, m) for n, m in zip(rule.shape, part.shape, strict=True)), (rule, part.shape)
        assert rule.dtype == part.dtype


@over(EVERY)
def test_shape_rule_agrees_with_the_kernel(sample: Sample) -> None:
    assert_inferred(sample, list(sample.inputs), run(sample, sample.inputs))
    if sample.wrt:
        for dtype in ("complex64",) if sample.kind else ("float32", "float16"):
            inputs = in_dtype(sample, dtype)
            assert_inferred(sample, inputs, run(sample, inputs))


@over(WITH_INTEGERS)
def test_integers(sample: Sample) -> None:
    for dtype in ("int64", "int8", "uint8", "bool") if not sample.kind else ():
        inputs = in_dtype(sample, dtype)
        exact = replaced(sample, [inputs[i].astype("float64") for i in sample.wrt])
        try:
            with np.errstate(all="ignore"):  # log(0), 1/0: what the samples become as integers
                y = run(sample, inputs)
        except cr.ChainruleError:
            with pytest.raises((TypeError, ValueError)):  # NumPy has no such function of these either
                reference(sample, inputs)
            continue
        assert_inferred(sample, inputs, y)
        if y.dtype.is_inexact:
            np.testing.assert_allclose(y.numpy(), reference(sample, exact), rtol=1e-12, atol=1e-14)
        else:
            np.testing.assert_array_equal(y.numpy(), reference(sample, inputs))


@over(SMOOTH)
def test_gradient_is_that_of_finite_differences(sample: Sample) -> None:
    c = random_like(value_of(sample), 1)
    want = finite_differences(
        lambda xs: float(np.sum(np.real(np.conj(c) * reference(sample, replaced(sample, xs))))), points(sample)
    )
    xs = points(sample)
    got = cr.grad(projection(sample, c), argnums=range(len(xs)))(*xs)
    for i, (g, w) in enumerate(zip(got, want, strict=True)):
        assert_near(g, w, 1e-6, f"gradient {i} of {sample}")


@over(SMOOTH)
def test_second_derivative_is_that_of_finite_differences(sample: Sample) -> None:
    """The Hessian of a projection, along a random direction: it is symmetric, so its row and its column agree."""
    xs = points(sample)
    c = random_like(value_of(sample), 1)
    ds = [random_like(x, 2 + i) for i, x in enumerate(xs)]
    first = cr.grad(projection(sample, c), argnums=range(len(xs)))

    def along(*xs: Any) -> Any:
        return sum(cr.sum(cr.real(np.conj(d) * g)) for d, g in zip(ds, first(*xs), strict=True))

    moved = [first(*(x + steps * H * d for x, d in zip(xs, ds, strict=True))) for steps in (-2, -1, 1, 2)]
    for i, (g, values) in enumerate(
        zip(cr.grad(along, argnums=range(len(xs)))(*xs), zip(*moved, strict=True), strict=True)
    ):
        want = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * H)
        assert_near(g, want, 1e-6, f"second derivative {i} of {sample}")


@over(SMOOTH)
def test_forward_mode_is_the_transpose(sample: Sample) -> None:
    xs = points(sample)
    ts = [random_like(x, 10 + i) for i, x in enumerate(xs)]
    g = random_like(value_of(sample), 1)
    y, pushed = cr.jvp(lambda *xs: run(sample, replaced(sample, xs)), xs, ts)
    _, pullback = cr.vjp(lambda *xs: run(sample, replaced(sample, xs)), *xs)
    assert np.shape(pushed) == np.shape(y)
    forward = np.sum(np.real(np.conj(g) * pushed))
    backward = sum(np.sum(np.real(np.conj(b) * t)) for b, t in zip(pullback(g), ts, strict=True))
    np.testing.assert_allclose(forward, backward, rtol=1e-11, atol=1e-12)


@over(SMOOTH)
def test_gradient_keeps_the_dtype(sample: Sample) -> None:
    xs = points(sample)
    c = random_like(value_of(sample), 1)
    want = cr.grad(projection(sample, c), argnums=range(len(xs)))(*xs)
    for dtype, tolerance in [("complex64", 1e-4)] if sample.kind else [("float32", 1e-4), ("float16", 0.1)]:
        small = [x.astype(dtype) for x in xs]
        y, pullback = cr.vjp(lambda *xs: run(sample, replaced(sample, xs)), *small)
        got = pullback(c.astype(y.dtype))
        for g, w in zip(got, want, strict=True):
            assert g.dtype == dtype
            assert_near(g.astype(w.dtype), w, tolerance, f"gradient of {sample} in {dtype}")


WITH_NUMBERS = [
    numbers
    for samples in SMOOTH
    if (numbers := [s for s in samples if not s.kind and any(isinstance(x, float | int) for x in s.inputs)])
]


@over(WITH_NUMBERS)
def test_python_numbers_are_weak(sample: Sample) -> None:
    """Beside an array or a tensor of float32 a Python number changes no dtype, forward or backward."""
    inputs = in_dtype(sample, "float32")
    tensors = replaced(sample, [cr.tensor(inputs[i]) for i in sample.wrt])
    assert run(sample, inputs).dtype == run(sample, tensors).dtype == "float32"
    for i in sample.wrt:

        def f(x: Any, i: int = i) -> Any:
            return cr.sum(run(sample, [*tensors[:i], x, *tensors[i + 1 :]]))

        assert cr.grad(f)(tensors[i]).dtype == "float32"
        assert cr.grad(lambda x, f=f: cr.sum(cr.grad(f)(x)))(tensors[i]).dtype == "float32"


@pytest.mark.parametrize("op", ["add", "subtract", "multiply", "divide", "pow", "matmul"])
def test_real_and_complex_inputs_mix(op: str) -> None:
    """A real input of a complex result gets a real cotangent."""
    rng = np.random.default_rng(5)
    x, z = rng.uniform(0.5, 1.5, (2, 2)), rng.uniform(0.5, 1.5, (2, 2)) + 1j * rng.uniform(0.5, 1.5, (2, 2))
    for inputs in ([x, z], [z, x]):
        mixed = Sample(op, ROWS[op], tuple(inputs), {})
        c = random_like(z, 1)
        want = finite_differences(
            lambda xs, c=c, mixed=mixed: float(np.sum(np.real(np.conj(c) * reference(mixed, xs)))), inputs
        )
        got = cr.grad(projection(mixed, c), argnums=(0, 1))(*inputs)
        for g, w, value in zip(got, want, inputs, strict=True):
            assert g.dtype == value.dtype
            assert_near(g, w, 1e-6, f"gradient of {op}")


def test_a_prevented_gradient_is_an_error() -> None:
    x = np.array([1.0, -2.0])
    np.testing.assert_array_equal(cr.ops.prevent_gradient(x, message="here").numpy(), x)
    with pytest.raises(cr.MissingGradientError, match="use the other branch"):
        cr.grad(lambda x: cr.sum(cr.ops.prevent_gradient(x, message="use the other branch")))(x)


def test_reading_a_variable_has_a_gradient() -> None:
    v = cr.Variable(np.array([2.0, 3.0]))
    with cr.GradientTape() as tape:
        y = cr.sum(v * v)
    np.testing.assert_array_equal(tape.gradient(y, v).numpy(), [4.0, 6.0])


def test_moving_to_the_same_backend_changes_nothing() -> None:
    x = cr.tensor([1.0, 2.0])
    assert cr.to_backend(x, "numpy") is x
    np.testing.assert_array_equal(cr.grad(lambda x: cr.sum(cr.to_backend(x, "numpy") * x))(x).numpy(), [2.0, 4.0])
