"""Compile CUDA sources for many GPUs with the real NVRTC, on any machine: a program, for `test_cupy_sources`.

    python compile_for_gpus.py 75 90 < sources.json

Reads a list of sources as JSON and prints what failed. It exits with 3 where NVRTC or its headers are not installed.
"""

from __future__ import annotations

import io
import json
import sys
from typing import Any


def main(architectures: list[str]) -> int:
    """Compile what comes in; the number of failures, up to 2, or 3 where nothing could be compiled."""
    from cupy._core import core
    from cupy.cuda import compiler
    from cupy_backends.cuda.libs import nvrtc

    try:
        print(f"NVRTC {'.'.join(map(str, nvrtc.getVersion()))}")
        options = core.assemble_cupy_compiler_options(())
    except (RuntimeError, ImportError) as error:
        print(f"{type(error).__name__}: {error}")
        return 3
    headers = "".join(f"#include <{name}>\n" for name in core._cupy_header_list)
    failures = 0
    for source in json.load(sys.stdin):
        for architecture in architectures:
            try:
                compiled(compiler, headers + source, (*options, f"-arch=sm_{architecture}"))
            except compiler.CompileException as error:
                failures += 1
                print(f"sm_{architecture}: {error}\n{source}")
    return min(failures, 2)


def compiled(compiler: Any, source: str, options: tuple[str, ...]) -> bytes:
    """The machine code of a source, with the options that CuPy compiles with."""
    program = compiler._NVRTCProgram(source, "kernel.cu", (), (), method="cubin")
    code: bytes = program.compile((*options, "-ftz=true", "--device-as-default-execution-space"), io.StringIO())[0]
    assert code.startswith(b"\x7fELF")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
