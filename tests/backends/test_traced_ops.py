"""Operations in graphs and compiled, on every backend: what they give eagerly there, on the same device."""

from __future__ import annotations

from typing import Any

import numpy as np
import optree
import pytest

import chainrule as cr

from .test_ops import CASES, Case, inexact

# One call of each operation, but for those that are about values' places, or have no arrays to begin with.
ONE_EACH = {case.op: case for case in CASES if case.op not in ("to_backend", "read_variable", "prevent_gradient")}


def derived(case: Case, *xs: Any) -> Any:
    """The operation's result, and the gradient of a number made of it."""
    which = tuple(inexact(case))
    if not case.gradient or not which:
        return case.run(*xs)

    def loss(*xs: Any) -> Any:
        y = case.run(*xs)
        return cr.sum(y * (0.5 * y + 1.0))

    return case.run(*xs), cr.grad(loss, argnums=which)(*xs)


def assert_same(got: Any, want: Any) -> None:
    for g, w in zip(optree.tree_leaves(got), optree.tree_leaves(want), strict=True):
        assert (g.backend.name, g.device, g.dtype, g.shape) == (w.backend.name, w.device, w.dtype, w.shape)
        np.testing.assert_allclose(g.numpy(), w.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("case", ONE_EACH.values(), ids=ONE_EACH)
def test_eager_is_graph_is_compiled(choice: str, case: Case) -> None:
    tensors = [cr.tensor(x) for x in case.inputs]
    with np.errstate(all="ignore"):
        want = derived(case, *tensors)
        assert_same(cr.function(lambda *xs: derived(case, *xs))(*tensors), want)
        which = tuple(inexact(case))
        if case.gradient and which:
            compiled = cr.function(lambda *xs: cr.sum(case.run(*xs) * (0.5 * case.run(*xs) + 1.0)))
            assert_same(cr.grad(compiled, argnums=which)(*tensors), want[1])
        with cr.Graph().as_default() as graph:
            xs = [cr.placeholder(x.dtype, (None,) * x.ndim) for x in tensors]
            leaves, treedef = optree.tree_flatten(derived(case, *xs))
        results = cr.Session(graph).run(leaves, dict(zip(xs, tensors, strict=True)))
        assert_same(optree.tree_unflatten(treedef, list(map(cr.as_tensor, results))), want)
