"""Every operation over a batch: by its batching rule the same values and gradients as in a loop."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule._batching import rule_of
from chainrule._registry import find_op
from chainrule_testing import Sample
from chainrule_testing._targets import own_plugins, samples_of

SAMPLES, _ = samples_of(own_plugins())

# Where a batch has no meaning for an operation, by what the error says.
REFUSED = {
    "nonzero": "which differs within the batch",
}
# What runs in a loop: draws, where each of the batch has a state of its own. Of one state each has other numbers.
DRAWS = {op for op in SAMPLES if op.startswith("random.")}
# Whose inputs belong together.
JOINT = {"nn.max_pool_gather", "nn.max_pool_spread", *DRAWS}


def batched(x: Any) -> Any:
    """Two arrays of this shape as one, both in the domain of what takes such numbers."""
    other = x * 0.95 if x.dtype.kind in "fc" else np.roll(x.ravel(), 1).reshape(x.shape)
    return np.stack([x, other.astype(x.dtype)])


def chosen(op: str) -> list[Sample]:
    """A few calls of an operation: of each rank and set of attributes one, one alone where its rule is a trait's."""
    found = {}
    for sample in SAMPLES[op].calls(op):
        key = (
            tuple(x.ndim if isinstance(x, np.ndarray) else x is None for x in sample.inputs),
            str(sorted(sample.attributes.items(), key=lambda item: item[0])),
        )
        if all(isinstance(x, np.ndarray) and x.size for x in (sample.inputs[i] for i in sample.data)):
            found.setdefault(key, sample)
    samples = list(found.values())
    return samples if has_rule(op) else samples[2:3] or samples[:1]


def has_rule(op: str) -> bool:
    return rule_of(find_op(op)) is not None


def subsets(sample: Sample) -> list[tuple[int, ...]]:
    """The inputs that have the batch: all of them, and each by itself."""
    arrays = tuple(i for i, x in enumerate(sample.inputs) if isinstance(x, np.ndarray) and x.dtype.kind != "b")
    return [arrays, *([(i,) for i in arrays] if len(arrays) > 1 and sample.op not in JOINT else [])]


def function(sample: Sample, places: tuple[int, ...]) -> Any:
    """The operation as a function of some of its inputs, to its results one after the other."""

    def f(*xs: Any) -> Any:
        y = sample.run(*sample.replaced(places, xs))
        return y if isinstance(y, tuple) else (y,)

    return f


@pytest.mark.parametrize("op", SAMPLES)
def test_operation(op: str) -> None:
    with warnings.catch_warnings(action="ignore" if op in DRAWS else "error", category=cr.BatchingWarning):
        for sample in chosen(op):
            for places in subsets(sample):
                f = function(sample, places)
                batches = [batched(sample.inputs[i]) for i in places]
                if op in REFUSED:
                    with pytest.raises(cr.ShapeError, match=REFUSED[op]):
                        cr.vmap(f)(*batches)
                    continue
                want = [np.stack([y.numpy() for y in ys]) for ys in zip(*map(f, *batches), strict=True)]
                for y, expected in zip(cr.vmap(f)(*batches), want, strict=True):
                    assert y.dtype == expected.dtype
                    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-12)


def differentiable(op: str) -> Sample | None:
    """A call of an operation that a gradient passes."""
    return next((sample for sample in reversed(chosen(op)) if sample.wrt and sample.smooth), None)


@pytest.mark.parametrize("op", [op for op in SAMPLES if has_rule(op) and op not in REFUSED and differentiable(op)])
def test_gradient(op: str) -> None:
    sample = differentiable(op)
    assert sample is not None
    arrays = subsets(sample)[0]
    f = function(sample, arrays)
    batches = [batched(sample.inputs[i]) for i in arrays]

    def loss(*xs: Any) -> Any:
        return sum(cr.sum(cr.real(y) * 0.7 + cr.imag(y)) for y in f(*xs) if y.dtype.is_inexact)

    places = tuple(i for i, place in enumerate(arrays) if place in sample.wrt)
    want = [np.stack(parts) for parts in zip(*map(cr.grad(loss, places), *batches), strict=True)]
    with warnings.catch_warnings(action="ignore" if op in DRAWS else "error", category=cr.BatchingWarning):
        inside = cr.vmap(cr.grad(loss, places))(*batches)
        around = cr.grad(lambda *xs: cr.sum(cr.vmap(loss)(*xs)), places)(*batches)
    for found in (inside, around):
        for y, expected in zip(found, want, strict=True):
            np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("side", ["left", "right"])
def test_edges_of_each_batch_with_nan(side: str) -> None:
    edges = np.array([[0.0, 1.0, 1.0, np.nan], [-1.0, 0.5, 2.0, np.inf]])
    values = np.array([-2.0, 1.0, 3.0, np.nan, np.inf])
    found = cr.vmap(lambda x: cr.searchsorted(x, values, side=side))(edges)
    np.testing.assert_array_equal(found, [np.searchsorted(x, values, side) for x in edges])


def test_each_of_a_batch_has_random_numbers_of_its_own() -> None:
    generator = cr.random.Generator(3)

    def noisy(x: Any) -> Any:
        return x * generator.normal((2,))

    start = generator.state.numpy()
    drawn = cr.vmap(noisy)(np.ones(3))
    after = generator.state.numpy()
    assert np.unique(drawn).size == 6
    generator.state.assign(start)
    z = generator.normal((3, 2)).numpy()
    np.testing.assert_array_equal(drawn, z)  # all of them in one draw
    np.testing.assert_array_equal(generator.state.numpy(), after)
    generator.state.assign(start)
    np.testing.assert_array_equal(cr.function(cr.vmap(noisy))(np.ones(3)), z)
    generator.state.assign(start)
    np.testing.assert_array_equal(cr.vmap(cr.grad(lambda x: cr.sum(noisy(x))))(np.ones(3)), z.sum(1))
    table = cr.vmap(cr.vmap(noisy))(np.ones((2, 3)))
    assert np.unique(table).size == 12


def test_an_order_for_each_of_a_batch() -> None:
    orders = cr.vmap(lambda x: cr.random.permutation(20) + x)(np.zeros(4, int))
    assert sorted(map(tuple, np.sort(orders))) == [tuple(range(20))] * 4
    assert len(set(map(tuple, orders.tolist()))) == 4
