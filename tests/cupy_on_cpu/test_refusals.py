"""What cannot be run refuses by name, and a run counts it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cupy_on_cpu import refusals
from tests.cupy_on_cpu.conftest import Run

SORTED = "cupy.partition and argpartition: their kernel relies on warps that run in step"


def texture() -> None:
    import cupy

    cupy.cuda.texture.CUDAarray(cupy.cuda.texture.ChannelFormatDescriptor(32, 0, 0, 0, 0), 8)


def sparse() -> None:
    import cupy
    import cupyx.scipy.sparse

    matrix = cupyx.scipy.sparse.csr_matrix(cupy.eye(3))
    _ = matrix @ cupy.ones(3)


def graph() -> None:
    import cupy

    with cupy.cuda.Stream() as stream:
        stream.begin_capture()


def machine_code() -> None:
    import cupy

    cupy.cuda.function.Module().load(b"\x7fELF0123456789abcdef")


def accelerators() -> None:
    import cupy

    cupy._core.set_reduction_accelerators(["cub"])


def generator() -> None:
    import cupy

    cupy.random.default_rng(0)


def division() -> None:
    import cupy

    source = 'extern "C" __global__ void divide(int* x) { x[0] = 7 / x[threadIdx.x]; }'
    cupy.RawKernel(source, "divide")((1,), (1,), (cupy.zeros(1, "i4"),))


def foreign_header() -> None:
    import cupy

    source = '#include <cub/block/block_reduce.cuh>\nextern "C" __global__ void foreign() {}'
    cupy.RawKernel(source, "foreign")((1,), (1,), ())


@pytest.mark.parametrize(
    ("use", "what"),
    [
        (texture, "cudaMalloc3DArray|cudaMallocArray"),
        (sparse, "cusparse"),
        (graph, "cudaStreamBeginCapture"),
        (machine_code, "an image of GPU machine code"),
        (accelerators, "accelerators"),
        (generator, r"cupy\.random\.default_rng"),
        (division, "divide: integer division by zero"),
        (foreign_header, "a header is missing"),
        (lambda: __import__("cupy").partition(__import__("cupy").arange(20_000), 3), SORTED),
    ],
)
def test_refusals(use: Callable[[], Any], what: str) -> None:
    with refusals.expected(what), pytest.raises(Exception) as info:  # noqa: PT011
        use()
    assert refusals.is_refusal(info.value)


def test_a_device_lives_on_after_a_refusal() -> None:
    import cupy

    with refusals.expected("divide"), pytest.raises(cupy.cuda.driver.CUDADriverError, match="stand-in refuses"):
        division()
    assert cupy.arange(3).sum().item() == 3


def test_what_is_a_refusal() -> None:
    because_of_it = ValueError("because of it")
    because_of_it.__cause__ = refusals.RefusedError("no")
    assert refusals.is_refusal(because_of_it)
    assert not refusals.is_refusal(ValueError("no"))
    assert not refusals.is_refusal(None)


TESTS = """
import cupy, pytest

def test_passes():
    assert cupy.arange(3).sum().item() == 3

def test_is_refused():
    cupy.random.default_rng(0)

def test_hides_a_refusal():
    with pytest.raises(RuntimeError):
        cupy.random.default_rng(0)

def test_fails_after_a_refusal():
    with pytest.raises(RuntimeError):
        cupy.random.default_rng(0)
    assert False

def test_needs_no_cupy():
    pass
"""


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["in one process", "in two"])
def test_runs_count_refusals(tmp_path: Path, run_pytest: Run, arguments: tuple[str, ...]) -> None:
    path = tmp_path / "test_sample.py"
    path.write_text(TESTS)
    done = run_pytest(str(path), "--max-refused", "80%", *arguments)
    assert "CuPy 14.2.0 on a CPU stand-in, no GPU code run" in done.stdout
    assert "4 cases reached CuPy, 2 of them were refused (50.0%)" in done.stdout
    assert "1 failed, 2 passed, 2 skipped" in done.stdout
    assert "2 cupy.random.default_rng" in done.stdout


def test_too_many_refusals_fail_a_run(tmp_path: Path, run_pytest: Run) -> None:
    path = tmp_path / "test_sample.py"
    path.write_text(TESTS)
    selected = (str(path), "-k", "passes or refused")
    assert run_pytest(*selected, "--max-refused", "50%").returncode == 0
    done = run_pytest(*selected, "--max-refused", "49%")
    assert done.returncode == 1
    assert "failed: more than 49% of the cases were refused" in done.stdout


def test_a_run_that_reaches_nothing_fails(tmp_path: Path, run_pytest: Run) -> None:
    path = tmp_path / "test_sample.py"
    path.write_text(TESTS)
    done = run_pytest(str(path), "-k", "needs_no_cupy", "--max-refused", "3%")
    assert done.returncode == 1
    assert "failed: no case reached CuPy" in done.stdout


def test_a_sample_is_always_the_same(tmp_path: Path, run_pytest: Run) -> None:
    path = tmp_path / "test_sample.py"
    path.write_text("import pytest\n@pytest.mark.parametrize('i', range(1000))\ndef test_anything(i):\n    pass\n")
    first, again = (run_pytest(str(path), "--sample", "20%", "-v", "--rootdir", str(tmp_path)) for _ in range(2))
    chosen = [line for line in first.stdout.splitlines() if "PASSED" in line]
    assert 150 < len(chosen) < 250
    assert chosen == [line for line in again.stdout.splitlines() if "PASSED" in line]
    assert f"{1000 - len(chosen)} deselected" in first.stdout


def test_another_cupy_is_skipped_loudly(tmp_path: Path, run_pytest: Run) -> None:
    path = tmp_path / "test_sample.py"
    path.write_text("def test_anything():\n    assert False\n")
    plugin = tmp_path / "other_cupy.py"
    plugin.write_text("from tests.cupy_on_cpu import versions\nversions.CUPY = '13.0.0'\n")
    done = run_pytest(str(path), before=("-p", "other_cupy"), PYTHONPATH=str(tmp_path))
    assert "the CPU stand-in is for cupy-cuda13x 13.0.0, found 14.2.0" in done.stdout
    assert "nothing was run" in done.stdout
    assert "1 skipped" in done.stdout
