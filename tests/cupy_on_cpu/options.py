"""Environment variables that choose how the stand-in behaves; the README lists them all."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]


def cache() -> Path:
    """Where builds and compiled kernels are kept: `CUPY_ON_CPU_CACHE`, or a folder that git ignores."""
    return Path(os.environ.get("CUPY_ON_CPU_CACHE") or ROOT / "build" / "cupy_on_cpu").resolve()


def compiler_flags() -> list[str]:
    """`CUPY_ON_CPU_CXXFLAGS`: what kernels are compiled with besides; sanitizers, say."""
    return shlex.split(os.environ.get("CUPY_ON_CPU_CXXFLAGS", ""))


def has_pool() -> bool:
    """Whether CuPy's memory pool is used: not under `CUPY_ON_CPU_POOL=off`, where every array is an allocation."""
    return os.environ.get("CUPY_ON_CPU_POOL", "on") != "off"


def summary() -> str:
    """The options in force, for the header of a test run."""
    names = ("DEVICES", "MEMORY_MB", "ORDER", "CXXFLAGS", "POOL")
    given = {name: os.environ.get(f"CUPY_ON_CPU_{name}") for name in names}
    return ", ".join(f"{name.lower()}={value}" for name, value in given.items() if value) or "default options"
