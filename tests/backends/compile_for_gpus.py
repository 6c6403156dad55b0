"""Compile CUDA sources for many GPUs with the real NVRTC, on any machine: a program, for `test_cupy_sources`.

    python compile_for_gpus.py 75 90 < sources.json

Reads a list of sources as JSON and prints what failed. It exits with 3 where NVRTC or its headers are not installed.
"""

from __future__ import annotations

import io
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import product, repeat


def main(architectures: list[str]) -> int:
    """Compile what comes in; the number of failures, up to 2, or 3 where nothing could be compiled."""
    from cupy._core import core
    from cupy_backends.cuda.libs import nvrtc

    try:
        version = nvrtc.getVersion()
        print(f"NVRTC {'.'.join(map(str, version))}")
        options = (*core.assemble_cupy_compiler_options(()), "-ftz=true", "--device-as-default-execution-space")
    except (RuntimeError, ImportError) as error:
        print(f"{type(error).__name__}: {error}")
        return 3
    if version >= (12, 8):
        options += ("--pch",)  # a process reads the headers once, which halves the time
    headers = "".join(f"#include <{name}>\n" for name in core._cupy_header_list)
    tasks = [(f"sm_{a}", headers + source) for a, source in product(architectures, json.load(sys.stdin))]
    failures = 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for (architecture, source), error in zip(tasks, pool.map(problem, tasks, repeat(options)), strict=True):
            if error is not None:
                failures += 1
                print(f"{architecture}: {error}\n{source}")
    return min(failures, 2)


def problem(task: tuple[str, str], options: tuple[str, ...]) -> str | None:
    """What is wrong with a source for an architecture, or None."""
    from cupy.cuda import compiler

    architecture, source = task
    program = compiler._NVRTCProgram(source, "kernel.cu", (), (), method="cubin")
    try:
        code: bytes = program.compile((*options, f"-arch={architecture}"), io.StringIO())[0]
    except compiler.CompileException as error:
        return str(error)
    return None if code.startswith(b"\x7fELF") else "the result is no machine code"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
