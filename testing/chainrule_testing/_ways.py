"""Eager, graph and compiled: a call of an operation, what is derived from it, and the ways to run all of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optree

import chainrule as cr
from chainrule_testing._numbers import assert_near
from chainrule_testing._samples import Sample

Array = Any


def _mixed(y: Any) -> Any:
    """A real number that depends on every element of a tensor, or of several, twice."""
    if isinstance(y, tuple):
        return sum(map(_mixed, y))
    y = cr.real(y * (0.7 - 0.4j)) if y.dtype.kind == "complex" else y
    return cr.sum(y * (0.5 * y + 1.0))


class Derived:
    """A sample as a function of its arrays, and what is derived from it."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        self.places = [i for i, x in enumerate(sample.inputs) if isinstance(x, np.ndarray | np.generic)]
        self.arrays = [sample.inputs[i] for i in self.places]
        self.wrt = tuple(self.places.index(i) for i in sample.wrt) if sample.smooth else ()

    def value(self, *arrays: Any) -> Any:
        return self.sample.run(*self.sample.replaced(self.places, arrays))

    def loss(self, *arrays: Any) -> Any:
        return _mixed(self.value(*arrays))

    def derivatives(self, loss: Callable[..., Any], arrays: Sequence[Any]) -> dict[str, Any]:
        """First and second."""

        def slope(*arrays: Any) -> Any:
            return sum(_mixed(g) for g in cr.grad(loss, argnums=self.wrt)(*arrays))

        return {
            "gradient": cr.grad(loss, argnums=self.wrt)(*arrays),
            "second derivative": cr.grad(slope, argnums=self.wrt)(*arrays),
        }

    def everything(self, *arrays: Any) -> dict[str, Any]:
        """The value, derivatives and a tangent."""
        found = {"value": self.value(*arrays)}
        if not self.wrt:
            return found
        xs = [arrays[i] for i in self.wrt]

        def along(*xs: Any) -> Any:
            moved = list(arrays)
            for i, x in zip(self.wrt, xs, strict=True):
                moved[i] = x
            return self.value(*moved)

        found["tangent"] = cr.jvp(along, xs, [0.5 * x + 0.25 for x in xs])[1]
        return found | self.derivatives(self.loss, arrays)


def built(f: Callable[..., Any], arrays: Sequence[Array], shape: Callable[[Array], Any]) -> tuple[Any, Any]:
    """The symbolic result of a function of placeholders of these shapes, and what a session makes of it."""
    with cr.Graph().as_default() as graph:
        xs = [cr.placeholder(cr.tensor(x).dtype, shape(x)) for x in arrays]
        symbolic = f(*xs)
    leaves, treedef = optree.tree_flatten(symbolic)
    results = cr.Session(graph).run(leaves, dict(zip(xs, arrays, strict=True)))
    return symbolic, optree.tree_unflatten(treedef, results)


def full(x: Array) -> tuple[int, ...]:
    return np.shape(x)


def lengths_unknown(x: Array) -> tuple[None, ...]:
    return (None,) * np.ndim(x)


def rank_unknown(x: Array) -> None:
    return None


def assert_same(got: Any, want: Any, where: str) -> None:
    """Two pytrees of arrays have the same dtypes, shapes and, but for rounding, values."""
    paths = optree.tree_paths(want)
    for path, g, w in zip(paths, optree.tree_leaves(got), optree.tree_leaves(want), strict=True):
        w = cr.as_tensor(w)
        g = cr.as_tensor(g, w.backend) if isinstance(g, w.backend.array_types) else cr.as_tensor(g)
        what = f"{where}: {path}"
        got_is, want_is = ((x.backend.name, x.device, str(x.dtype), x.shape) for x in (g, w))
        if got_is != want_is:
            raise AssertionError(f"{what}: {got_is}, eagerly {want_is}")
        tolerance = 1e-5 if w.dtype in ("float32", "complex64", "float16") else 1e-12
        assert_near(g.numpy(), w.numpy(), tolerance, what, tolerance / 10)


def assert_known(symbolic: Any, want: Any, where: str, certain: bool = False) -> None:
    """Symbolic dtypes are the ones that were computed, and so are shapes as far as they are known."""
    for s, w in zip(optree.tree_leaves(symbolic), optree.tree_leaves(want), strict=True):
        assert s.dtype == w.dtype, where
        if s.shape is not None:
            assert len(s.shape) == len(w.shape), where
            assert all(n == m or n == None for n, m in zip(s.shape, w.shape, strict=True)), (where, s.shape, w.shape)  # noqa: E711  # a Dim equals it
        if certain:
            assert s.shape is not None, where
            assert None not in s.shape, (where, s.shape)


def check_ways(sample: Sample) -> None:
    """A call of an operation gives the same whichever way it runs, on the backend in force."""
    derived = Derived(sample)
    tensors = [cr.tensor(x) for x in derived.arrays]
    with np.errstate(all="ignore"):
        want = derived.everything(*tensors)
        assert_same(cr.function(derived.everything)(*tensors), want, "compiled")
        if derived.wrt:
            outside = derived.derivatives(cr.function(derived.loss), tensors)
            assert_same(outside, {name: want[name] for name in outside}, "differentiated from outside")
        depends_on_values = sample.op == "nonzero" or any(x.dtype == bool for x in derived.arrays)
        ways = {"graph": full, "graph of unknown lengths": lengths_unknown, "graph of unknown rank": rank_unknown}
        for where, shape in ways.items():
            if shape is not full and (
                sample.source.needs_shape or (shape is rank_unknown and sample.source.needs_rank)
            ):
                continue
            symbolic, results = built(derived.everything, derived.arrays, shape)
            assert_known(symbolic, want, where, certain=shape is full and not depends_on_values)
            assert_same(results, want, where)
