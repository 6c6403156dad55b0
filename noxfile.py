#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.5"]
# ///
"""Every check of the project, each in an environment of its own: `nox` runs them all, `nox -l` lists them."""

from __future__ import annotations

import ctypes
import os
import shutil
from contextlib import suppress
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.error_on_missing_interpreters = False  # CI=true would make a failure of what is reported as skipped
nox.options.download_python = "never"

OLDEST, BETWEEN, NEWEST = "3.11", "3.12", "3.13"
SOURCES = ("core", "backends", "plugins")
KIT = ("--pyargs", "chainrule_testing")
LIBRARIES = ("torch", "jax", "dask")
PLUGIN = ("examples/third_party", "--plugin", "huber")
BACKEND = ("examples/third_party_backend", "--backend", "marray", "--fraction", "0.1")
CUPY = ("cupy-cuda13x==14.2.0", "nvidia-cuda-runtime==13.0.*")  # what CuPy on the CPU is made for
STAND_IN = ("python", "-m", "pytest", "-p", "tests.cupy_on_cpu.plugin")
ON_CPU = (*STAND_IN, "--numprocesses=auto", "--max-refused", "3%")


def group(name: str, project: str = ".") -> list[str]:
    """The requirements of a dependency group, so that versions are written once, in pyproject.toml."""
    return list(nox.project.dependency_groups(nox.project.load_toml(f"{project}/pyproject.toml"), name))


def build(session: nox.Session, *projects: str) -> list[str]:
    """Build the wheels of projects in this repository; their paths."""
    folder = Path(session.create_tmp(), "wheels")
    for stale in folder.glob("*.whl"):
        stale.unlink()
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), *projects)
    return sorted(map(str, folder.glob("*.whl")))


def without(session: nox.Session, module: str) -> None:
    """Fail if a module can be imported."""
    session.run("python", "-c", f"from importlib.util import find_spec; assert not find_spec({module!r})")


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff's rules, and its format."""
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Types, by mypy at its strictest."""
    session.install("--editable", ".[plot,testing]", *group("types"))
    session.run("mypy")


@nox.session(python=OLDEST)
def tests(session: nox.Session) -> None:
    """The suite on NumPy alone."""
    session.install(".", *group("test"))
    apart = [f"--ignore=tests/{folder}" for folder in ("backends", "cupy_on_cpu", "differential", "machine_code")]
    session.run("pytest", "--numprocesses=auto", "tests", *apart, *session.posargs, env={"CHAINRULE_JIT": "off"})


@nox.session(python=NEWEST)
def engine(session: nox.Session) -> None:
    """The engine on NumPy and the newest Python, on whose inner workings it alone depends; `pythons` runs all."""
    session.install(".", *group("test"))
    session.run("pytest", "--numprocesses=auto", "tests/core_numpy", *session.posargs, env={"CHAINRULE_JIT": "off"})


@nox.session(python=OLDEST)
def backends(session: nox.Session) -> None:
    """The backends' tests, on NumPy and array_api_strict."""
    session.install(".[array-api]", *group("test"))
    session.run("pytest", "--numprocesses=auto", "tests/backends", *session.posargs)


@nox.session
def conformance(session: nox.Session) -> None:
    """The whole suite that any backend and plugin runs, on backends that need no large download; a report."""
    session.install(".[array-api]", *group("test"))
    chosen = ("--backend", "numpy", "--backend", "array_api_strict:device1")
    report = ("--report", "build/conformance.json", "--report", "build/conformance.md")
    session.run("pytest", "--numprocesses=auto", *KIT, *chosen, *report, *session.posargs)


@nox.session
def libraries(session: nox.Session) -> None:
    """PyTorch, JAX and Dask as backends, and a sample of the suite on each (large downloads)."""
    session.install(".[array-api]", *group("test"), *group("array_libraries"))
    tests = [f"tests/backends/test_{name}.py" for name in (*LIBRARIES, "exchange")]
    session.run("pytest", "--numprocesses=auto", *tests, "tests/examples/test_array_libraries.py")
    session.run("pytest", "--numprocesses=auto", "tests/plugins", "-k", "torch")
    sample = () if "--fraction" in session.posargs else ("--fraction", "0.01", "--steps", "500")
    chosen = [argument for name in LIBRARIES for argument in ("--backend", name)]
    # What JAX compiles for a check runs once, and Dask's chunks are tiny: without optimisation, and without threads,
    # they take about half the time. What was compiled is kept on disk, where the other processes find it.
    flags = ("backend_optimization_level=0", "llvm_disable_expensive_passes=true", "cpu_use_fusion_emitters=false")
    variables = {
        "XLA_FLAGS": " ".join(f"--xla_{flag}" for flag in flags),
        "JAX_COMPILATION_CACHE_DIR": str(Path(session.create_tmp(), "jax").resolve()),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "DASK_SCHEDULER": "synchronous",
    }
    pytest = ("python", "-m", "pytest", "-p", "tests.backends.jax_memory", "--numprocesses=auto")
    session.run(*pytest, *KIT, *chosen, *sample, *session.posargs, env=variables)


@nox.session(default=False)
def differential(session: nox.Session) -> None:
    """Two hundred operations against PyTorch and JAX, and PyTorch's own samples: values, derivatives (on request)."""
    session.install(".[array-api]", *group("test"), *group("differential"))
    session.run("pytest", "--numprocesses=auto", "tests/differential", *session.posargs)


@nox.session(default=False)
def cluster(session: nox.Session) -> None:
    """A regression on a cluster of Dask whose workers hold less than the data (on request)."""
    session.install(".[array-api]", *group("test"), *group("array_libraries"))
    session.run("pytest", "tests/examples/test_logistic_regression_dask.py", *session.posargs)


@nox.session
def cupy_names(session: nox.Session) -> None:
    """Whether CuPy has all that its backend uses, and what it says where there is no GPU."""
    session.install(".[array-api]", *group("test"), CUPY[0])
    session.run("python", "-m", "tests.cupy_on_cpu.api_gate")
    session.run("python", "-m", "pytest", "tests/backends/test_cupy.py", *session.posargs)


@nox.session
def cupy_on_cpu(session: nox.Session) -> None:
    """Real CuPy on a CPU stand-in, where no GPU code runs: a sample of the tests, always the same one."""
    on_cpu(session)
    session.run(*ON_CPU, "--sample", "10%", "tests/cupy_on_cpu", *session.posargs)
    session.run(*ON_CPU, "--sample", "10%", "-k", "cupy", "tests/backends", *session.posargs)
    session.run(*ON_CPU, "--sample", "1%", *KIT, "--backend", "cupy", *session.posargs)


@nox.session
def cupy_kernels(session: nox.Session) -> None:
    """Every CUDA kernel of ours, compiled by NVIDIA's compiler for each kind of GPU (a large download)."""
    on_cpu(session, compiler=True)
    session.run(*ON_CPU, "tests/backends/test_cupy_sources.py", *session.posargs)


@nox.session(default=False)
def cupy_on_cpu_full(session: nox.Session) -> None:
    """All tests on real CuPy on the CPU: threads in several orders, two devices, little memory, none (on request)."""
    on_cpu(session, compiler=True)
    session.run(*ON_CPU, "tests/cupy_on_cpu", "tests/backends", "tests/plugins/nn", "-k", "cupy")
    session.run(*ON_CPU, *KIT, "--backend", "cupy", "--steps", "500")
    for name, value in (("ORDER", "shuffle:7"), ("DEVICES", "2"), ("MEMORY_MB", "64")):
        session.run(*ON_CPU, "tests/backends", "-k", "cupy", env={f"CUPY_ON_CPU_{name}": value})
    session.run(*ON_CPU, *KIT, "--backend", "cupy:1", "--steps", "500", env={"CUPY_ON_CPU_DEVICES": "2"})
    absent = ("tests/backends/test_cupy.py", "tests/backends/test_choosing.py")  # none of these reaches CuPy
    session.run(*STAND_IN, *absent, env={"CUPY_ON_CPU_DEVICES": "0"})
    session.run("python", "-m", "tests.cupy_on_cpu.recheck")  # all that was generated, for real GPUs


@nox.session(default=False)
def cupy_sanitizers(session: nox.Session) -> None:
    """CuPy's kernels of ours under sanitizers, and with fused multiplication and addition (on request)."""
    on_cpu(session)
    asan = str(session.run("g++", "-print-file-name=libasan.so", silent=True, external=True)).strip()
    address = {"LD_PRELOAD": asan, "ASAN_OPTIONS": "detect_leaks=0", "CUPY_ON_CPU_POOL": "off"}
    undefined = "-fsanitize=float-cast-overflow -fno-sanitize-recover=all"
    for flags, more in (("-fsanitize=address", address), (undefined, {}), ("-O2 -mfma -ffp-contract=fast", {})):
        variables = {"CUPY_ON_CPU_CXXFLAGS": flags, **more}
        session.run(*ON_CPU, "tests/backends/test_cupy_regions.py", *session.posargs, env=variables)


def on_cpu(session: nox.Session, compiler: bool = False) -> None:
    """Set up CuPy on the CPU, or skip where it cannot be."""
    if shutil.which("g++") is None:
        session.skip("CuPy on the CPU compiles kernels with g++, which is not installed")
    compilers = ("nvidia-cuda-nvrtc==13.0.*",) if compiler else ()
    session.install(".[array-api]", *group("test"), *CUPY, *compilers, "Cython==3.2.4", "setuptools")
    session.run("python", "-m", "tests.cupy_on_cpu.build")


@nox.session(python=(OLDEST, NEWEST))
def machine_code(session: nox.Session) -> None:
    """Programs as machine code wherever there is some: the engine's, and on the oldest Python those of plugins."""
    session.install(".", *group("test"))
    folders = ["tests/core_numpy"]
    if session.python == OLDEST:
        plugins = [f"tests/plugins/{part}" for part in ("nn", "optim", "arrays/test_traced.py")]
        folders += ["tests/machine_code", *plugins]
    session.run("pytest", "--numprocesses=auto", *folders, *session.posargs, env={"CHAINRULE_JIT": "always"})


@nox.session(python=(BETWEEN, NEWEST), default=False)
def pythons(session: nox.Session) -> None:
    """All tests on NumPy and array_api_strict, and machine code, on the Pythons after the oldest (on request)."""
    tests(session)
    backends(session)
    machine_code(session)
    session.run(
        "pytest", "--numprocesses=auto", "tests/machine_code", *session.posargs, env={"CHAINRULE_JIT": "always"}
    )


@nox.session(python=NEWEST, reuse_venv=False)  # pip would keep an older wheel of the same version
def core_only(session: nox.Session) -> None:
    """The engine's own tests where no array library is installed, on the newest Python."""
    session.install("pluggy", "optree", "pytest", "pytest-xdist")
    session.install("--no-deps", *build(session, "."))
    for module in ("numpy", "scipy", "cupy"):
        without(session, module)
    session.run("pytest", "--numprocesses=auto", "tests/core", *session.posargs)


@nox.session(reuse_venv=False)  # as above
@nox.parametrize("kind", [nox.param(PLUGIN, id="plugin"), nox.param(BACKEND, id="backend")])
def third_party(session: nox.Session, kind: tuple[str, ...]) -> None:
    """A plugin and a backend of other distributions: their wheels beside ours, their tests, and the suite on them."""
    folder, *chosen = kind
    ours, theirs = build(session, ".", f"./{folder}")
    session.install(f"{ours}[array-api]", theirs, *group("test"), *group("test", folder))
    session.run("pytest", "--numprocesses=auto", *KIT, *chosen, *session.posargs)
    session.chdir(folder)
    session.run("pytest", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Every example in README, docs and docstrings, and every link between pages."""
    session.install("--editable", ".[array-api]", *group("test"))
    session.run("pytest", "README.md", "docs", "tests/docs", *session.posargs)
    kit = [f"testing/chainrule_testing/{name}.py" for name in ("_samples", "_check_op")]
    session.run("pytest", "--doctest-modules", *SOURCES, *kit, *session.posargs)


@nox.session(default=False)
def array_api_tests(session: nox.Session) -> None:
    """The public test suite of the array API standard, of a checkout (on request: `-- FOLDER`, options of pytest)."""
    folder, *arguments = session.posargs or [os.environ.get("ARRAY_API_TESTS", "")]
    if not folder or not Path(folder, "array_api_tests").is_dir():
        session.error(
            f"{folder or 'no folder'}: expected a checkout of the suite, which is on no registry: "
            "git clone --recurse-submodules https://github.com/data-apis/array-api-tests FOLDER; "
            "then nox -s array_api_tests -- FOLDER, or set ARRAY_API_TESTS"
        )
    failures = Path("tests/plugins/arrays/array_api_expected_failures.txt").resolve()
    session.install(".", "-r", f"{folder}/requirements.txt")
    session.chdir(folder)
    variables = {"ARRAY_API_TESTS_MODULE": "chainrule", "ARRAY_API_TESTS_VERSION": "2024.12"}
    options = [f"--xfails-file={failures}", "--disable-deadline"]  # =: or its folder is one of tests
    session.run("pytest", "array_api_tests", *options, *arguments, env=variables)


@nox.session(python=(OLDEST, BETWEEN), default=False)
def benchmarks(session: nox.Session) -> None:
    """Times beside NumPy and the libraries on it, as tables and as JSON (on request; advect needs Python 3.12)."""
    compare(session, "benchmark")


@nox.session(default=False)
def benchmarks_frameworks(session: nox.Session) -> None:
    """Times beside JAX and TensorFlow (on request; large downloads)."""
    compare(session, "benchmark_frameworks", "--only", "chainrule,numpy,jax,tensorflow")


@nox.session(default=False)
def benchmarks_torch(session: nox.Session) -> None:
    """Times beside PyTorch (on request; a large download)."""
    compare(session, "benchmark_torch", "--only", "chainrule,numpy,torch")


def compare(session: nox.Session, requirements: str, *arguments: str) -> None:
    """Run the benchmarks where a group of other libraries is installed."""
    session.install(".[jit]", *group(requirements))
    session.run("python", "-m", "benchmarks", *arguments, "--json", f"build/{session.name}.json", *session.posargs)


@nox.session(default=False)
def gpu(session: nox.Session) -> None:
    """All tests that a GPU can run, and a dated report of what ran and how long programs took (on request).

    CuPy's tests and the whole suite on it; samples of the suite on PyTorch and JAX where they find a GPU. `--no-venv`
    uses the environment as it is.
    """
    on_gpu(session)
    pytest = ("python", "-m", "pytest", "-p", "tests.backends.gpu_report", "--numprocesses=4")
    own = ("tests/backends", "tests/plugins/nn", "tests/examples/test_array_libraries.py")
    session.run(*pytest, "--gpu-report", "build", "-m", "gpu", *own, *session.posargs)
    for choice, *sample in (("cupy",), ("torch:cuda", "--fraction", "0.3"), ("jax:cuda", "--fraction", "0.02")):
        if reason := why_not(session, choice):
            session.warn(f"the suite is not run: {reason}")
            continue
        report = ("--report", f"build/gpu-{choice.partition(':')[0]}.md")
        session.run(*pytest, *KIT, "--backend", choice, "--steps", "500", *sample, *report, *session.posargs)


@nox.session(default=False)
def gpu_sanitizers(session: nox.Session) -> None:
    """CuPy's kernels of ours under NVIDIA's compute-sanitizer on a GPU: bad accesses, and races (on request; slow)."""
    on_gpu(session)
    if shutil.which("compute-sanitizer") is None:
        session.skip("compute-sanitizer, which comes with the CUDA toolkit, is not on PATH")
    pytest = ("python", "-m", "pytest", "-p", "tests.backends.gpu_report", "--gpu-pool=off")
    for tool in ("memcheck", "racecheck"):
        command = ("compute-sanitizer", f"--tool={tool}", "--error-exitcode=9", "--target-processes=all")
        session.run(*command, *pytest, "tests/backends/test_cupy_regions.py", *session.posargs, external=True)


def on_gpu(session: nox.Session) -> None:
    """Set up CuPy on a GPU, or skip where it cannot compute."""
    if not has_driver():  # CuPy is a large download
        session.skip("there is no GPU that CuPy can use: NVIDIA's driver is not installed")
    if session.virtualenv.venv_backend != "none":
        session.install(".[cupy]", *group("test"))
    if reason := why_not(session, "cupy"):
        session.skip(reason)


def why_not(session: nox.Session, choice: str) -> str:
    """Why a backend cannot compute in the environment of a session; nothing if it can."""
    probe = (
        "import chainrule as cr\n"
        f"try: cr.set_backend({choice!r})\n"
        "except (cr.BackendError, cr.BackendUnavailableError) as e: print(e)"
    )
    return str(session.run("python", "-c", probe, silent=True)).strip()


@nox.session(default=False, venv_backend="none")
def full(session: nox.Session) -> None:
    """Everything that CI takes samples of, whole (on request; hours)."""
    later = (f"pythons-{BETWEEN}", f"pythons-{NEWEST}")
    for name in (*later, "cupy_on_cpu_full", "cupy_sanitizers", "cupy_kernels", "cluster"):
        session.notify(name)
    session.notify("libraries", posargs=("--fraction", "1"))


def has_driver() -> bool:
    """Whether NVIDIA's driver is here."""
    with suppress(OSError):
        ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
        return True
    return False


if __name__ == "__main__":
    nox.main()
