"""First gradients against PyTorch's, where it has the same function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_testing import Sample

from .every import EVERY

torch = pytest.importorskip("torch", reason="PyTorch is not installed; the differential tests compare with it")


def _axis(f: Callable[..., Any]) -> Callable[..., Any]:
    """A PyTorch reduction called with NumPy's words."""
    return lambda x, axis=None, keepdims=False: f(
        x, dim=tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims
    )


def _index(x: Any, *arrays: Any, key: tuple[Any, ...]) -> Any:
    rest = iter(arrays)
    return x[tuple(slice(*p) if isinstance(p, tuple) else next(rest) if isinstance(p, str) else p for p in key)]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(torch, name)
        for name in (
            *("add", "subtract", "multiply", "divide", "pow", "negative", "reciprocal", "square", "abs", "conj"),
            *(
                "angle",
                "copysign",
                "erf",
                "erfc",
                "exp",
                "exp2",
                "expm1",
                "log",
                "log1p",
                "log2",
                "log10",
                "logaddexp",
                "sqrt",
                "hypot",
            ),
            *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
            *("deg2rad", "rad2deg", "floor", "ceil", "trunc", "maximum", "minimum", "relu", "sigmoid", "real", "where"),
            *("matmul",),
        )
    },
    "broadcast_to": lambda x, shape: torch.broadcast_to(x, shape),
    "softplus": torch.nn.functional.softplus,
    "clip": lambda x, low, high: torch.clip(x, low, high),
    "sum": _axis(torch.sum),
    "mean": _axis(torch.mean),
    "max": _axis(torch.amax),
    "min": _axis(torch.amin),
    "logsumexp": _axis(torch.logsumexp),
    "vector_norm": _axis(torch.linalg.vector_norm),
    "var": lambda x, axis=None, keepdims=False, correction=0: torch.var(
        x, dim=axis, keepdim=keepdims, correction=correction
    ),
    "std": lambda x, axis=None, keepdims=False, correction=0: torch.std(
        x, dim=axis, keepdim=keepdims, correction=correction
    ),
    "cumulative_sum": lambda x, axis=-1: torch.cumsum(x, axis),
    "cumulative_prod": lambda x, axis=-1: torch.cumprod(x, axis),
    "softmax": lambda x, axis=-1: torch.softmax(x, axis),
    "log_softmax": lambda x, axis=-1: torch.log_softmax(x, axis),
    "softmax_cross_entropy": lambda x, labels: -torch.sum(labels * torch.log_softmax(x, -1), -1),
    "sparse_softmax_cross_entropy": lambda x, labels: torch.nn.functional.cross_entropy(
        x.reshape(-1, x.shape[-1]), labels.reshape(-1), reduction="none"
    ).reshape(labels.shape),
    "reshape": torch.reshape,
    "permute_dims": lambda x, axes: torch.permute(x, axes),
    "matrix_transpose": lambda x: x.mT,
    "flip": lambda x, axis=None: torch.flip(x, list(range(x.ndim)) if axis is None else np.atleast_1d(axis).tolist()),
    "roll": lambda x, shift, axis=None: torch.roll(x, shift, axis),
    "concat": lambda *xs, axis=0: torch.cat(xs, axis),
    "stack": lambda *xs, axis=0: torch.stack(xs, axis),
    "tril": lambda x, k=0: torch.tril(x, k),
    "triu": lambda x, k=0: torch.triu(x, k),
    "tensordot": lambda a, b, pairs: torch.tensordot(a, b, dims=[list(p) for p in pairs]),
    "einsum": lambda *xs, subscripts: torch.einsum(subscripts, *xs),
    "getitem": _index,
    "take_along_axis": lambda x, indices, axis=-1: torch.take_along_dim(x, indices, axis),
    "sort": lambda x, axis=-1, descending=False, stable=True: torch.sort(x, dim=axis, descending=descending).values,
}
TENSORS_ONLY = ("maximum", "minimum", "atan2", "hypot", "logaddexp", "where", "subtract", "add", "multiply", "copysign")


def compared(sample: Sample) -> bool:
    """Whether PyTorch takes the sample's arguments, and means the same by them."""
    key = sample.attributes.get("key", ())
    return not (
        (any(isinstance(x, float | int) for x in sample.inputs) and sample.op in TENSORS_ONLY)
        or (sample.op == "clip" and len({type(x) for x in sample.inputs[1:]} - {type(None)}) > 1)
        or any(isinstance(part, tuple) and (part[2] or 1) < 0 for part in key)
        or (0 in key and "array" in key)  # beside an integer, PyTorch puts the axes of an index array elsewhere
        or (sample.op == "take_along_axis" and np.any(sample.inputs[1] < 0))
        or sample.attributes.get("axis") == ()  # all axes, to PyTorch
    )


CASES = [
    samples for every in EVERY if every[0].op in FUNCTIONS and (samples := [s for s in every if compared(s) and s.wrt])
]


@pytest.mark.parametrize("samples", CASES, ids=lambda samples: samples[0].op)
def test_gradient_is_pytorchs(samples: list[Sample]) -> None:
    for sample in samples:
        theirs = [torch.tensor(x) if isinstance(x, np.ndarray) else x for x in sample.inputs]
        for i in sample.wrt:
            theirs[i].requires_grad_(True)
        y = FUNCTIONS[sample.op](*theirs, **sample.attributes)
        if not y.requires_grad:  # PyTorch's result of an empty input
            continue
        c = np.cos(np.arange(y.numel(), dtype=float)).reshape(tuple(y.shape))
        c = c.astype(np.result_type(c, y.detach().resolve_conj().numpy().dtype)) * (
            1 if not y.is_complex() else 1 + 0.5j
        )
        want = torch.autograd.grad(y, [theirs[i] for i in sample.wrt], torch.tensor(c), allow_unused=True)

        def ours(*xs: Any, sample: Sample = sample) -> Any:
            inputs = list(sample.inputs)
            for i, x in zip(sample.wrt, xs, strict=True):
                inputs[i] = x
            return sample.run(*inputs)

        value, pullback = cr.vjp(ours, *(sample.inputs[i] for i in sample.wrt))
        np.testing.assert_allclose(
            value, y.detach().resolve_conj().numpy(), rtol=1e-12, atol=1e-14, err_msg=repr(sample)
        )
        for g, w in zip(pullback(c), want, strict=True):
            w = np.zeros(g.shape) if w is None else w.resolve_conj().numpy()
            np.testing.assert_allclose(g, w, rtol=1e-10, atol=1e-12, err_msg=repr(sample))
