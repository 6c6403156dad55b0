"""Freed memory on NumPy: kept where the C library is glibc, unless the environment says otherwise."""

import os
import subprocess
from collections.abc import Callable

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

NOTES = "import chainrule as cr; print(cr.get_backend().notes()[0])"
# Pages that rounds of eight temporaries of 8 MB take from the system after the first two.
PAGES = """
import resource, numpy as np, chainrule as cr
x = cr.tensor(np.ones(10**6))
for n in range(6):
    if n == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    [x + 1.0 for _ in range(8)]
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def is_glibc() -> bool:
    return "CS_GNU_LIBC_VERSION" in getattr(os, "confstr_names", ())


pytestmark = pytest.mark.skipif(not is_glibc(), reason="the C library is not glibc")


def test_freed_memory_is_used_again(run_python: Run) -> None:
    assert "is kept for the next arrays, up to 512 MiB" in run_python(NOTES).stdout
    assert int(run_python(PAGES).stdout) < 100


def test_it_goes_back_where_that_is_wanted(run_python: Run) -> None:
    assert run_python(NOTES, CHAINRULE_KEEP_MEMORY="0").stdout == (
        "freed memory goes back to the system (CHAINRULE_KEEP_MEMORY)\n"
    )
    assert int(run_python(PAGES, CHAINRULE_KEEP_MEMORY="0").stdout) > 100


@pytest.mark.parametrize("variable", ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"])
def test_settings_of_the_c_library_stay(run_python: Run, variable: str) -> None:
    assert run_python(NOTES, **{variable: "1000000"}).stdout == f"freed memory is as {variable} says\n"


def test_wrong_values_are_refused(run_python: Run) -> None:
    failed = run_python("import chainrule as cr; cr.sin(1.0)", CHAINRULE_KEEP_MEMORY="yes")
    assert "CHAINRULE_KEEP_MEMORY: expected 0 or 1, got 'yes'" in failed.stderr


def test_a_blank_value_is_none(run_python: Run) -> None:
    assert "is kept" in run_python(NOTES, CHAINRULE_KEEP_MEMORY=" ").stdout
