#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.5"]
# ///
"""Every check of the project, each in an environment of its own: `nox` runs them all, `nox -l` lists them."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.error_on_missing_interpreters = False  # CI=true would make a failure of what is reported as skipped
nox.options.download_python = "never"

PYTHONS = ("3.11", "3.12", "3.13")
BACKENDS = ("numpy", "array_api_strict")
SOURCES = ("core", "backends", "plugins")
THIRD_PARTY = "examples/third_party"


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
    session.install("--editable", ".[plot]", *group("types"))
    session.run("mypy")


@nox.session(python=PYTHONS)
@nox.parametrize("backend", BACKENDS)
def tests(session: nox.Session, backend: str) -> None:
    """The suite on NumPy alone, and the backends' tests on array_api_strict and the rest, for each Python."""
    if backend == "numpy":
        session.install(".", *group("test"))
        arguments = ("tests", "--ignore=tests/backends", *session.posargs)
        session.run("pytest", "--numprocesses=auto", *arguments, env={"CHAINRULE_JIT": "off"})
    else:
        session.install(".[array-api]", *group("test"))
        session.run("pytest", "--numprocesses=auto", "tests/backends", *session.posargs)


@nox.session(python=PYTHONS)
def machine_code(session: nox.Session) -> None:
    """Programs as machine code wherever there is some: the engine's, and on the first Python those of plugins."""
    session.install(".", *group("test"))
    folders = ["tests/core_numpy"]
    if session.python == PYTHONS[0]:
        folders += ["tests/plugins/nn", "tests/plugins/optim", "tests/plugins/arrays/test_traced.py"]
    session.run("pytest", "--numprocesses=auto", *folders, *session.posargs, env={"CHAINRULE_JIT": "always"})


@nox.session(reuse_venv=False)  # pip would keep an older wheel of the same version
def core_only(session: nox.Session) -> None:
    """The engine's own tests where no array library is installed."""
    session.install("pluggy", "optree", "pytest")
    session.install("--no-deps", *build(session, "."))
    for module in ("numpy", "scipy", "cupy"):
        without(session, module)
    session.run("pytest", "tests/core", *session.posargs)


@nox.session(reuse_venv=False)  # as above
def third_party(session: nox.Session) -> None:
    """A plugin of another distribution: its wheel beside ours, and its tests."""
    session.install(*build(session, ".", f"./{THIRD_PARTY}"), *group("test", THIRD_PARTY))
    session.chdir(THIRD_PARTY)
    session.run("pytest", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Every example in README, docs and docstrings, and every link between pages."""
    session.install("--editable", ".[array-api]", *group("test"))
    session.run("pytest", "README.md", "docs", "tests/docs", *session.posargs)
    session.run("pytest", "--doctest-modules", *SOURCES, *session.posargs)


@nox.session(python=PYTHONS[:2], default=False)
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
    """The tests that need a GPU, on CuPy (on request; `--no-venv` uses the environment as it is)."""
    if session.virtualenv.venv_backend != "none":
        session.install(".[cupy]" if has_driver() else ".", *group("test"))
    probe = "import chainrule as cr\ntry: cr.set_backend('cupy')\nexcept cr.BackendUnavailableError as e: print(e)"
    reason = session.run("python", "-c", probe, silent=True)
    if reason:
        session.skip(str(reason).strip())
    session.run("pytest", "-m", "gpu", "tests/backends", *session.posargs)


def has_driver() -> bool:
    """Whether NVIDIA's driver is here; without it CuPy, a large download, could not compute."""
    with suppress(OSError):
        ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
        return True
    return False


if __name__ == "__main__":
    nox.main()
