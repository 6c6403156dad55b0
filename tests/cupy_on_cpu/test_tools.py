"""The checks that need no stand-in: of names, and of sources by NVRTC."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata, util
from pathlib import Path

import pytest
from tests.cupy_on_cpu import api_gate, options, recheck


def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> list[str | None]:
    path = tmp_path / "source.py"
    path.write_text(source)
    monkeypatch.setattr(api_gate, "ROOT", tmp_path)
    return [use.problem() for use in api_gate.uses(path)]


def test_what_cupy_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "cupy.linalg.solve(a, b)\nxp.sum(x, axis=0)\ncupy.add(x, y, out=z)\ncupyx.scipy.special.erf(*x)\n"
    assert problems(tmp_path, monkeypatch, source) == [None] * 4


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("cupy.insert(x, 0, 1)", "cupy.insert does not exist"),
        ("cupy.linalg.vector_norm", "cupy.linalg.vector_norm does not exist"),
        ("cupy.errstate(divide='ignore').__enter__", "cupy.errstate does not exist"),
        ("cupy.sum(x, where=y)", "unexpected keyword argument 'where'"),
        ("cupy.zeros(3, 'f4', 'C', 1)", "too many positional arguments"),
        ("cupy.log(x, where=y)", "cupy.log takes no where"),
    ],
)
def test_what_cupy_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str) -> None:
    found = [problem for problem in problems(tmp_path, monkeypatch, source) if problem]
    assert len(found) == 1
    assert message in found[0]


KEPT = """//option -arch=sm_90
//option --std=c++17
//expression twice<float>
template <class T> __global__ void twice(T* x) { x[threadIdx.x] *= 2; }
"""


def has_nvrtc() -> bool:
    try:
        return bool(metadata.version("nvidia-cuda-nvrtc")) and util.find_spec("cupy") is not None
    except metadata.PackageNotFoundError:
        return False


def checked(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    """The check of a source that a run on the stand-in kept, in a process of its own: it wants the real NVRTC."""
    sources = folder / "kernels-x" / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    (sources / "kernel.cu").write_text(source)
    program = f"import os; os.environ['CUPY_ON_CPU_CACHE'] = {str(folder)!r}\n"
    program += (
        "from tests.cupy_on_cpu.recheck import main\nif __name__ == '__main__': raise SystemExit(main(['90', '120']))"
    )
    script = folder / "check.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(options.ROOT)!r})\n{program}")
    return subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=300, check=False)


def test_how_a_source_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "kernel.cu"
    path.write_text(KEPT)
    kernel = recheck.Kernel.read(path)
    assert kernel.options == ("--std=c++17",)
    assert kernel.expressions == ("twice<float>",)
    assert kernel.source.startswith("template")


def test_kernels_are_spread_over_the_kinds_of_gpus(tmp_path: Path) -> None:
    kernels = [recheck.Kernel(tmp_path, (), (), f"__global__ void cupy_{i}() {{}}") for i in range(100)]
    assert {kernel.architecture for kernel in kernels} == {*recheck.ARCHITECTURES}
    assert kernels[0].architecture == recheck.Kernel(tmp_path / "again", (), (), kernels[0].source).architecture


@pytest.mark.skipif(not has_nvrtc(), reason="needs NVRTC: pip install 'nvidia-cuda-nvrtc==13.0.*'")
def test_sources_are_compiled_for_gpus(tmp_path: Path) -> None:
    first, again = (checked(tmp_path, KEPT) for _ in range(2))
    assert first.returncode == again.returncode == 0, first.stdout + first.stderr
    assert "2 compile (2 checked now), 0 fail" in first.stdout
    assert "2 compile (0 checked now), 0 fail" in again.stdout


@pytest.mark.skipif(not has_nvrtc(), reason="needs NVRTC: pip install 'nvidia-cuda-nvrtc==13.0.*'")
def test_what_only_a_cpu_compiles_fails(tmp_path: Path) -> None:
    done = checked(tmp_path, KEPT.replace("x[threadIdx.x] *= 2", "x[threadIdx.x] = __builtin_powi(x[threadIdx.x], 2)"))
    assert done.returncode == 1
    assert "__builtin_powi" in done.stdout
    assert "2 fail" in done.stdout
