"""Every operation in every dtype, as CUDA sources that the real NVRTC compiles for every kind of GPU."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import ops
from chainrule._passes.dead_code import dead_code
from chainrule.regions import Region
from chainrule_cupy import _expressions, _regions, _source

pytestmark = pytest.mark.gpu
ARCHITECTURES = ["75", "80", "90", "100", "120"]
EXTRA: dict[str, Callable[..., Any]] = {
    "astype": lambda x, _: cr.astype(x, "float32"),
    "clip": lambda x, _: cr.clip(x, 1, 2),
    "pow": lambda x, _: x**3,
    "prevent_gradient": lambda x, _: ops.prevent_gradient(x, "no"),
    "round": lambda x, _: ops.round(x),
    "where": lambda x, y: cr.where(x == y, x, y),
}


@pytest.fixture(autouse=True)
def cupy() -> Any:
    """CuPy; skipped with the backend's own reason where it cannot compute."""
    try:
        with cr.use_backend("cupy"):
            import cupy

            yield cupy
    except cr.BackendUnavailableError as error:
        pytest.skip(str(error))


def region_of(dtype: str) -> Region:
    """All operations that a region takes in a dtype, and all reductions."""
    x = cr.tensor(np.ones((2, 3)), dtype=dtype)

    def everything(x: Any, y: Any) -> Any:
        results = []
        for name in _expressions._OPERATIONS:
            for call in (
                [EXTRA[name]] if name in EXTRA else [getattr(ops, name, None), lambda x, y, n=name: getattr(ops, n)(x)]
            ):
                try:
                    results.append(call(x, y))
                    break
                except (cr.ChainruleError, TypeError, AttributeError):  # of one number, or not of this dtype
                    continue
        reductions = (cr.sum, cr.mean) if dtype.startswith("complex") else (cr.sum, cr.mean, cr.max, cr.min)
        return (*results, *(reduce(x * y, axis=0) for reduce in reductions), *(reduce(x * y) for reduce in reductions))

    program = cr.function(everything).trace(x, x)
    taken = [i for i in program.instructions if _regions.takes(i)]
    outputs = [y for i in taken for y in i.outputs if y in program.outputs]
    return Region(dead_code(type(program)(program.inputs, outputs, taken), cr.get_backend()), (2, 3))


def test_every_source_compiles_for_every_gpu(cupy: Any) -> None:
    names: set[str] = set()
    sources: list[str] = []
    for dtype in _expressions.STORED:
        region = region_of(dtype)
        names |= {i.op.name for i in region.program.instructions}
        x = cupy.ones((2, 3), dtype)
        kernels = _regions.Kernels(cupy, region)
        kernels(*([x] * len(region.program.inputs)))
        sources += [code for step in kernels._steps for code in step._kernel.cached_codes.values()]
    assert names >= _expressions._OPERATIONS.keys() - {"strong", "broadcast_to"}
    assert len(sources) == 3 * len(_expressions.STORED)
    assert set(sources) <= set(_source.sources())
    program = Path(__file__).with_name("compile_for_gpus.py")
    command = [sys.executable, str(program), *ARCHITECTURES]
    done = subprocess.run(command, input=json.dumps(sources), capture_output=True, text=True, timeout=1200, check=False)
    if done.returncode == 3:
        pytest.skip(f"there is no NVRTC: {done.stdout}")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
