"""PyTorch's own sample inputs of its operations: values and gradients, by PyTorch and by chainrule on NumPy.

On request, `nox -s differential`. All samples of an operation in a dtype are one test, which counts those that differ.
"""

from __future__ import annotations

import os
import random
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import optree
import pytest

import chainrule as cr

os.environ.setdefault("PYTORCH_TESTING_DEVICE_ONLY_FOR", "cpu")  # its tests look for devices of all kinds otherwise
for library in ("torch", "expecttest"):
    pytest.importorskip(library, reason=f"{library} is not installed; nox -s differential installs it")

import torch  # noqa: E402  # once it is known to be there
from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402  # as above

from .pytorch_samples import PARTS, PREPARED, REFUSED, TRANSLATED  # noqa: E402  # as above

DTYPES = (torch.float64, torch.complex128, torch.float32, torch.int64, torch.bool)
GRADIENTS = (torch.float64, torch.complex128)
TOLERANCE = {"float16": 2e-3, "float32": 2e-4, "complex64": 2e-4}  # of what has other dtypes 1e-7


def name_of(op: Any) -> str:
    """An operation's name, with that of its variant."""
    return f"{op.name}:{op.variant_test_name}" if op.variant_test_name else op.name


def cases() -> Iterator[Any]:
    """An operation and a dtype that PyTorch has it for, of all that are translated."""
    for op in op_db:
        if name_of(op) in TRANSLATED:
            for dtype in DTYPES:
                if dtype in op.supported_dtypes("cpu"):
                    yield pytest.param(op, dtype, id=f"{name_of(op)}-{str(dtype).removeprefix('torch.')}")


class Call:
    """An operation at one sample: leaves of its arguments, of which tensors that PyTorch derives by have gradients."""

    def __init__(self, op: Any, dtype: Any, sample: Any) -> None:
        self.op, self.sample = op, sample
        self.exact = dtype.is_floating_point or dtype.is_complex
        self.leaves, self.structure = optree.tree_flatten((sample.input, sample.args, sample.kwargs), none_is_leaf=True)
        self.wrt = [i for i, x in enumerate(self.leaves) if isinstance(x, torch.Tensor) and x.requires_grad]

    def theirs(self) -> list[Any]:
        return self._results(torch, self.op, self.leaves)

    def ours(self, *xs: Any) -> list[Any]:
        leaves = list(map(self._ours, self.leaves))
        for i, x in zip(self.wrt, xs, strict=True):
            leaves[i] = x
        return self._results(cr, TRANSLATED[name_of(self.op)], leaves)

    def _results(self, xp: Any, function: Any, leaves: list[Any]) -> list[Any]:
        x, args, kwargs = self.structure.unflatten(leaves)
        if prepare := PREPARED.get(name_of(self.op)):
            x, *args = prepare(xp, x, *args, **kwargs)
        return optree.tree_leaves(self.sample.output_process_fn_grad(function(x, *args, **kwargs)))

    @staticmethod
    def _ours(x: Any) -> Any:
        if isinstance(x, torch.Tensor):
            return cr.tensor(x.numpy(force=True).copy())
        return str(x).removeprefix("torch.") if isinstance(x, torch.dtype) else x

    def compare(self) -> None:
        """Values, and gradients by all that has some, for cotangents of random numbers."""
        theirs = self.theirs()
        if not self.wrt:
            return self._equal(self.ours(), theirs, "values")
        ours, pullback = cr.vjp(self.ours, *[self._ours(self.leaves[i]) for i in self.wrt])
        self._equal(ours, theirs, "values")
        derived = [i for i, y in enumerate(theirs) if isinstance(y, torch.Tensor) and y.requires_grad]
        cotangents = [
            random_like(y, str(i)) if i in derived else np.zeros_like(y) for i, y in enumerate(map(detached, theirs))
        ]
        outputs = [theirs[i] for i in derived]
        weights = [torch.tensor(cotangents[i]) for i in derived]
        inputs = [self.leaves[i] for i in self.wrt]
        expected = torch.autograd.grad(outputs, inputs, weights, allow_unused=True) if outputs else [None] * len(inputs)
        expected = [torch.zeros_like(x) if g is None else g for g, x in zip(expected, inputs, strict=True)]
        return self._equal(pullback(cotangents), expected, "gradients")

    def _equal(self, ours: Any, theirs: Any, what: str) -> None:
        """Dtypes too: of integers by kind, because NumPy's rules make 64 bits of them, and PyTorch's 32."""
        assert len(ours) == len(theirs), f"{what}: {len(ours)}, expected {len(theirs)}"
        for a, b in zip(map(detached, ours), map(detached, theirs), strict=True):
            tolerance = TOLERANCE.get(b.dtype.name, 1e-7)
            scale = float(np.max(np.abs(b), initial=1.0, where=np.isfinite(b))) if b.dtype.kind in "fc" else 1.0
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * 1e-2 * scale, err_msg=what)
            same = a.dtype == b.dtype if self.exact else a.dtype.kind == b.dtype.kind
            assert same, f"{what}: dtype {a.dtype}, expected {b.dtype}"


def detached(x: Any) -> Any:
    """A result as an array of NumPy's."""
    return x.numpy(force=True) if isinstance(x, torch.Tensor) else np.asarray(x)


def random_like(x: Any, of: str) -> Any:
    """Numbers of an array's shape and dtype, that depend on nothing but these and a text."""
    generator = np.random.default_rng(zlib.crc32(of.encode()))
    numbers = generator.normal(size=x.shape)
    return (numbers + 1j * generator.normal(size=x.shape) if x.dtype.kind == "c" else numbers).astype(x.dtype)


@pytest.mark.filterwarnings("ignore")  # PyTorch's, of its own samples
@pytest.mark.parametrize(("op", "dtype"), list(cases()))
def test_samples(op: Any, dtype: Any, record_property: Any) -> None:
    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(0)
    group = f"{name_of(op)}-{str(dtype).removeprefix('torch.')}"
    counts: Counter[str] = Counter()
    differing, left = [], {name for name in REFUSED if name.startswith(f"{group}-")}
    for i, sample in enumerate(
        op.sample_inputs("cpu", dtype, requires_grad=dtype in GRADIENTS and op.supports_autograd)
    ):
        name = f"{group}-{i}"
        left.discard(name)
        refused = REFUSED.get(name) or REFUSED.get(group)
        try:
            Call(op, dtype, sample).compare()
        except Exception as e:  # all samples are counted
            counts["refused" if refused else "differing"] += 1
            if not refused:
                differing.append(f"{name}: {sample.summary()}\n{type(e).__name__}: {e}")
        else:
            counts["differing" if refused else "passed"] += 1
            if refused:
                differing.append(f"{name} agrees, although it is listed: {refused}")
    record_property("samples", dict(counts))
    assert not left, f"of {group} are listed but not there: {', '.join(sorted(left))}"
    assert not differing, f"{len(differing)} of {counts.total()} differ\n" + "\n\n".join(differing)


def test_the_tables_name_what_there_is_and_once() -> None:
    translated = [name for part in PARTS for name in part.TRANSLATED]
    assert sorted(translated) == sorted({*translated} & {*map(name_of, op_db)})
    assert {re.sub(r"-\d+$", "", name) for name in REFUSED} <= {case.id for case in cases()}
