"""Build the stand-in for the CuPy that is installed: `python -m tests.cupy_on_cpu.build`.

Results are kept by what they are made of, so that a second build takes no time. Two parts are kept apart: the libraries
with CuPy's recompiled module, and what kernels are compiled with, which other compiler flags change.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import options, versions

HERE = Path(__file__).parent
LIBRARIES = HERE / "libraries"
KERNELS = HERE / "kernels"
DECLARATIONS = HERE / "declarations"
CORE = "libcupy_on_cpu.so"
RUNTIME = "cupy_backends.cuda.api.runtime"
HOST_FLAGS = ("-std=c++20", "-O2", "-fPIC", "-Wall", "-Wextra")
KERNEL_FLAGS = (
    "-std=c++17",
    "-O1",
    "-g0",
    "-w",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-strict-aliasing",
    "-ffp-contract=off",
    "-fpermissive",
)


@dataclass(frozen=True)
class Library:
    """A library of CUDA's that the stand-in takes the place of.

    Args:
        soname: The name that CuPy's loader looks for.
        sources: The folder of what is implemented, if anything is.
        user: CuPy's module whose symbols it must all define; those not implemented refuse.
        refusal: The status with which they refuse.
    """

    soname: str
    sources: str | None = None
    user: str | None = None
    refusal: int = 801

    @property
    def prefix(self) -> str:
        """What its symbols begin with."""
        return self.soname.removeprefix("lib").partition(".")[0]


# In the order in which they are loaded.
REPLACED = (
    Library("libcuda.so.1", "driver"),
    Library("libnvrtc.so.13", "nvrtc"),
    Library("libnvJitLink.so.13"),
    Library("libcublasLt.so.13"),
    Library("libcublas.so.13", "cublas", "cupy_backends/cuda/libs/cublas", 15),
    Library("libcurand.so.10", "curand", "cupy_backends/cuda/libs/curand", 102),
    Library("libcusparse.so.12", None, "cupy_backends/cuda/libs/cusparse", 10),
    Library("libcusolver.so.12", "cusolver", "cupy_backends/cuda/libs/cusolver", 9),
    Library("libcufft.so.12", "cufft", "cupy/cuda/cufft", 16),
)


@dataclass(frozen=True)
class Build:
    """Where the parts of a build lie."""

    libraries: Path
    headers: Path
    kernels: Path

    @property
    def runtime(self) -> Path:
        """CuPy's recompiled module."""
        return self.libraries / f"runtime{_extension_suffix()}"

    @property
    def compiler(self) -> Path:
        """The command that compiles kernels, an argument a line."""
        return self.headers / "command"

    @property
    def sources(self) -> Path:
        """The sources of all kernels that were compiled."""
        return self.kernels / "sources"


def build() -> Build:
    """Build what is missing.

    Raises:
        RuntimeError: A command fails; its output is in the message.
    """
    cache = options.cache()
    compiler = _run("g++", "--version").splitlines()[0]
    here = (versions.CUPY, versions.CYTHON, compiler, str(versions.site_packages()))
    libraries = cache / f"libraries-{_key(_files(LIBRARIES, DECLARATIONS, KERNELS / 'context.h'), here)}"
    key = _key(_files(KERNELS, LIBRARIES / "nvrtc"), (*here, *KERNEL_FLAGS, *options.compiler_flags()))
    result = Build(libraries, cache / f"headers-{key}", cache / f"kernels-{key}")
    result.sources.mkdir(parents=True, exist_ok=True)
    with _lock(cache):
        _make(result.libraries, _build_libraries)
        _make(result.headers, _precompile_headers)
    return result


def _build_libraries(folder: Path) -> None:
    objects = folder / "objects"
    objects.mkdir()
    source = _cupy_source(folder)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runtime = pool.submit(_compile_runtime, source, objects)
        sources = sorted(LIBRARIES.rglob("*.cpp"))
        compiled = dict(zip(sources, pool.map(lambda path: _compile(path, objects), sources), strict=True))

    def of(name: str) -> list[Path]:
        return [path for source, path in compiled.items() if source.parent.name == name]

    _link(folder / CORE, of("core"), ["-ldl"])
    for library in REPLACED:
        own = of(library.sources) if library.sources else []
        if library.user:
            module = versions.site_packages() / f"{library.user}{_extension_suffix()}"
            own.append(_refuse(library.prefix, library.refusal, module, own, objects))
        _link(folder / library.soname, own, _linking(folder, f"-Wl,-soname,{library.soname}", "-Wl,--default-symver"))
    own = [runtime.result(), *of("cudart")]
    own.append(_refuse("cuda", 801, runtime.result(), own[1:], objects))
    _link(folder / f"runtime{_extension_suffix()}", own, _linking(folder))
    shutil.rmtree(source)
    shutil.rmtree(objects)


def _cupy_source(folder: Path) -> Path:
    """CuPy's source distribution, downloaded by pip and unpacked."""
    downloads = options.cache() / "downloads"
    archive = downloads / f"cupy-{versions.CUPY}.tar.gz"
    if not archive.exists():
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "cupy")
        stub = {"CUPY_INSTALL_USE_STUB": "1"}  # else its metadata are refused where there is no CUDA
        _run(*pip, "--dest", str(downloads), f"cupy=={versions.CUPY}", env=stub)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / f"cupy-{versions.CUPY}"


def _compile_runtime(source: Path, objects: Path) -> Path:
    """CuPy's wrapper of the CUDA runtime, compiled anew: the wheel's has the real runtime inside."""
    relative = Path(*RUNTIME.split("."))
    generated = source / relative.with_suffix(".cpp")
    _run(sys.executable, "-c", _CYTHONIZE, str(source), str(source / relative.with_suffix(".pyx")), str(generated))
    result = objects / "runtime.o"
    include = [f"-I{DECLARATIONS}", f"-isystem{versions.headers()}", f"-I{sysconfig.get_paths()['include']}"]
    _run("g++", "-O1", "-g0", "-fPIC", "-w", "-c", *include, str(generated), "-o", str(result))
    return result


# In a process of its own: Cython runs for seconds without letting other threads run, and talks of deprecations.
_CYTHONIZE = f"""
import sys
from Cython.Compiler.Main import CompilationOptions, compile
source, module, output = sys.argv[1:]
environment = dict(CUPY_CUDA_VERSION={versions.CUDA}, CUPY_HIP_VERSION=0, CUPY_USE_CUDA_PYTHON=False,
                   CUPY_CUFFT_STATIC=False, CUPY_CYTHON_VERSION={versions.CYTHON!r})
directives = dict(linetrace=False, profile=False, embedsignature=True, c_api_binop_methods=True, binding=False,
                  freethreading_compatible=True) | {{"warn.deprecated.IF": False}}
options = CompilationOptions(language_level=3, cplus=True, include_path=[source], output_file=output,
                             compile_time_env=environment, compiler_directives=directives)
sys.exit(compile(module, options, full_module_name={RUNTIME!r}).num_errors)
"""


def _compile(source: Path, objects: Path) -> Path:
    result = objects / f"{source.parent.name}-{source.stem}.o"
    include = [f"-I{KERNELS}", f"-I{LIBRARIES / 'core'}", f"-I{DECLARATIONS}", f"-isystem{versions.headers()}"]
    _run("g++", *HOST_FLAGS, *include, "-c", str(source), "-o", str(result))
    return result


def _refuse(prefix: str, status: int, user: Path, implemented: Iterable[Path], objects: Path) -> Path:
    """Functions that refuse, for all that a module of CuPy's wants and no object implements."""
    wanted = _symbols(user, "--undefined-only", f"{prefix}[A-Z]\\w*")
    missing = wanted - {name for path in implemented for name in _symbols(path, "--defined-only", r"\w+")}
    lines = ["int cupy_on_cpu_refuse(const char* what, int status);"]
    for name in sorted(missing):
        if name.endswith(("GetErrorName", "GetErrorString")):
            lines.append(f'const char* {name}(int status) {{ return "the CPU stand-in refuses"; }}')
        else:
            lines.append(f'int {name}(void) {{ return cupy_on_cpu_refuse("{name}", {status}); }}')
    source = objects / f"{prefix}-refused.c"
    source.write_text("\n".join(lines) + "\n")
    result = source.with_suffix(".o")
    _run("gcc", "-O1", "-fPIC", "-w", "-c", str(source), "-o", str(result))
    return result


def _symbols(path: Path, which: str, pattern: str) -> set[str]:
    dynamic = [] if path.suffix == ".o" else ["--dynamic"]
    names = (line.split()[-1].partition("@")[0] for line in _run("nm", *dynamic, which, str(path)).splitlines())
    return {name for name in names if re.fullmatch(pattern, name)}


def _linking(folder: Path, *more: str) -> list[str]:
    return [f"-L{folder}", f"-l:{CORE}", "-Wl,-rpath,$ORIGIN", *more]


def _link(result: Path, objects: Iterable[Path], arguments: Sequence[str]) -> None:
    _run("g++", "-shared", "-o", str(result), *map(str, objects), *arguments)


def _precompile_headers(folder: Path) -> None:
    include = [f"-I{KERNELS}", f"-I{versions.site_packages() / 'cupy' / '_core' / 'include'}"]
    command = ["g++", *KERNEL_FLAGS, *include, *options.compiler_flags()]
    header = KERNELS / "cupy_on_cpu.h"
    _run(*command, "-x", "c++-header", str(header), "-o", str(folder / f"{header.name}.gch"))
    final = folder.with_suffix("")
    command.insert(1, f"-I{final}")  # first: the compiler takes a precompiled header before the header beside it
    (folder / "command").write_text("\n".join(command) + "\n")


def _make(result: Path, fill: Callable[[Path], None]) -> None:
    """Make a folder that is there only once it is complete."""
    if result.exists():
        return
    unfinished = result.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    fill(unfinished)
    unfinished.rename(result)


@contextmanager
def _lock(cache: Path) -> Iterator[None]:
    """One process builds at a time; others wait, and find what it has built."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(*command: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, env=os.environ | (env or {}), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _files(*paths: Path) -> list[Path]:
    found = (file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]))
    return sorted(file for file in found if file.is_file())


def _key(files: Iterable[Path], words: Iterable[str]) -> str:
    parts = [part for file in files for part in (str(file.relative_to(HERE)).encode(), file.read_bytes())]
    parts += [word.encode() for word in words]
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:16]


def _extension_suffix() -> str:
    return str(sysconfig.get_config_var("EXT_SUFFIX"))


if __name__ == "__main__":
    if reason := versions.problem():
        sys.exit(reason)
    start = time.perf_counter()
    print(f"{build().libraries}: {time.perf_counter() - start:.1f} s")
