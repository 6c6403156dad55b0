"""Compile for real GPUs every kernel that the stand-in compiled: `python -m tests.cupy_on_cpu.recheck`.

What g++ takes, NVIDIA's own NVRTC may refuse. It needs that (`pip install 'nvidia-cuda-nvrtc==13.0.*'`) and no GPU. A
kernel is compiled for one kind of GPU, which its text chooses, or for each of those that are named. What a version of
NVRTC compiled once is not compiled again. The exit status is 1 where a kernel fails, and 2 where nothing could be
checked.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from . import options, versions

ARCHITECTURES = ("75", "80", "86", "89", "90", "100", "120")
_ELF = b"\x7fELF"
_PRECOMPILED = "--pch"  # CuPy's headers are read once by each process, which halves the time


@dataclass(frozen=True)
class Kernel:
    """A source as it was given to the stand-in's NVRTC.

    Args:
        path: The file that it was kept in.
        options: The options, without that of an architecture.
        expressions: The name expressions whose instances were asked for.
        source: The CUDA C++.
    """

    path: Path
    options: tuple[str, ...]
    expressions: tuple[str, ...]
    source: str

    @cached_property
    def digest(self) -> str:
        """What tells it from others."""
        text = "\0".join((*self.options, *self.expressions, self.source))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def architecture(self) -> str:
        """The one that it is compiled for where none is named: each is that of as many kernels."""
        return ARCHITECTURES[int(self.digest, 16) % len(ARCHITECTURES)]

    @classmethod
    def read(cls, path: Path) -> Kernel:
        """What `keep` in compile.cpp has written."""
        given: dict[str, list[str]] = {"//option ": [], "//expression ": []}
        rest = path.read_text()
        while start := next((start for start in given if rest.startswith(start)), None):
            line, _, rest = rest.partition("\n")
            given[start].append(line.removeprefix(start))
        kept = (option for option in given["//option "] if not option.startswith("-arch="))
        return cls(path, tuple(kept), tuple(given["//expression "]), rest)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the kernels that the arguments select; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.cupy_on_cpu.recheck", description=__doc__)
    parser.add_argument("architectures", nargs="*", metavar="ARCHITECTURE", help="as in sm_90: all kernels for these")
    parser.add_argument("--containing", default="", metavar="TEXT", help="only kernels whose source has this text")
    chosen = parser.parse_args(arguments)
    if reason := versions.problem():
        print(f"nothing was checked: {reason}")
        return 2
    try:
        from cupy_backends.cuda.libs import nvrtc

        version = ".".join(map(str, nvrtc.getVersion()))
    except (ImportError, RuntimeError) as error:
        print(f"nothing was checked: NVRTC is not installed: pip install 'nvidia-cuda-nvrtc==13.0.*' ({error})")
        return 2
    kernels = [kernel for kernel in _kernels() if chosen.containing in kernel.source]
    if not kernels:
        print(f"nothing was checked: no kernel was kept in {options.cache()}; run the tests on the stand-in first")
        return 2
    wanted = [(k, a) for k in kernels for a in chosen.architectures or (k.architecture,)]
    checked = _Checked(options.cache() / f"checked-by-nvrtc-{version}")
    tasks = sorted((task for task in wanted if task not in checked), key=lambda task: task[1])
    before = len(wanted) - len(tasks)
    each = "for each of" if chosen.architectures else "each for one of"
    names = ", ".join(f"sm_{a}" for a in chosen.architectures or ARCHITECTURES)
    print(f"NVRTC {version}: {len(kernels)} kernels, {each} {names}; {before} checked before", flush=True)
    failures = 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for task, error in zip(tasks, pool.map(_compile, tasks, chunksize=8), strict=True):
            if error is None:
                checked.add(task)
                continue
            failures += 1
            print(f"sm_{task[1]} {task[0].path}: {error}", flush=True)
    print(f"{len(wanted) - failures} compile ({len(tasks) - failures} checked now), {failures} fail")
    return 1 if failures else 0


def _kernels() -> list[Kernel]:
    """Each kernel once, though it was compiled with several sets of flags for the CPU."""
    paths = {path.name: path for path in options.cache().glob("kernels-*/sources/*.cu")}
    return [Kernel.read(paths[name]) for name in sorted(paths)]


def _compile(task: tuple[Kernel, str]) -> str | None:
    """Compile a kernel for an architecture: what is wrong with it, or None."""
    from cupy.cuda import compiler

    kernel, architecture = task
    program = compiler._NVRTCProgram(
        kernel.source, kernel.path.name, name_expressions=kernel.expressions or None, method="cubin"
    )
    try:
        code, _ = program.compile((*kernel.options, f"-arch=sm_{architecture}", _PRECOMPILED))
    except compiler.CompileException as error:
        return str(error)
    return None if code.startswith(_ELF) else "the result is no machine code"


class _Checked:
    """Remembers, in a folder of empty files, what compiles."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._names = {path.name for path in folder.iterdir()}

    def __contains__(self, task: tuple[Kernel, str]) -> bool:
        return self._name(task) in self._names

    def add(self, task: tuple[Kernel, str]) -> None:
        (self._folder / self._name(task)).touch()

    @staticmethod
    def _name(task: tuple[Kernel, str]) -> str:
        kernel, architecture = task
        return f"{kernel.digest}-{architecture}"


if __name__ == "__main__":
    sys.exit(main())
