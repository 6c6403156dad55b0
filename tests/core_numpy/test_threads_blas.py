"""The threads of NumPy's BLAS: set with chainrule's own, and brought back; threadpoolctl says how many there are."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import chainrule as cr

threadpoolctl = pytest.importorskip("threadpoolctl", reason="BLAS's threads cannot be seen without threadpoolctl")


def threads():
    """How many threads each BLAS computes with."""
    return {library["filepath"]: library["num_threads"] for library in threadpoolctl.threadpool_info() if blas(library)}


def blas(library):
    return library["user_api"] == "blas"


@pytest.fixture(autouse=True)
def with_numpy(monkeypatch):
    monkeypatch.delenv("CHAINRULE_NUM_THREADS", raising=False)
    cr.set_num_threads(None)
    with cr.use_backend("numpy"):
        if not threads():
            pytest.skip("NumPy's BLAS is none that threadpoolctl knows")
        yield
    cr.set_num_threads(None)


def test_set_and_brought_back():
    before = threads()
    cr.set_num_threads(2)
    assert set(threads().values()) == {2}
    cr.set_num_threads(1)
    assert set(threads().values()) == {1}
    with cr.use_num_threads(2):
        assert set(threads().values()) == {2}
    assert set(threads().values()) == {1}
    cr.set_num_threads(None)
    assert threads() == before


def test_what_the_user_told_blas_meanwhile_is_kept():
    with threadpoolctl.threadpool_limits(2, "blas"):
        with cr.use_num_threads(1):
            assert set(threads().values()) == {1}
        assert set(threads().values()) == {2}
    with threadpoolctl.threadpool_limits(1, "blas"):
        with cr.use_num_threads(2):
            assert set(threads().values()) == {2}
        assert set(threads().values()) == {1}


def test_tasks_that_call_blas_have_one_thread_each():
    with threadpoolctl.threadpool_limits(2, "blas"), cr.use_num_threads(2):
        assert cr.run_tasks([lambda: set(threads().values())] * 2, blas=True) == [{1}, {1}]
        assert set(threads().values()) == {2}


def test_the_notes():
    with cr.use_num_threads(1):
        lines = list(cr.get_backend().notes())
    assert any(line.startswith("JIT: ") for line in lines)
    found = [line for line in lines if line.startswith("BLAS: ")]
    assert len(found) == len(threads())
    assert all(line.endswith(", 1 thread") for line in found)


PROGRAM = """
import sys
{before}
import chainrule as cr
a = cr.tensor([[1.0, 2.0], [3.0, 4.0]])
assert (a @ a).numpy().tolist() == [[7.0, 10.0], [15.0, 22.0]]
{after}
"""


def run(before="", after="", **variables):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.format(before=before, after=after)],
        env={**{k: v for k, v in os.environ.items() if not k.startswith("CHAINRULE_")}, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.strip()


SHOW = "import threadpoolctl as t; print(*{x['num_threads'] for x in t.threadpool_info() if x['user_api'] == 'blas'})"


def test_the_environment_sets_them_when_the_backend_loads():
    assert run(after=SHOW, CHAINRULE_NUM_THREADS="1", OPENBLAS_NUM_THREADS="2", MKL_NUM_THREADS="2") == "1"


def test_a_library_that_comes_later_is_told_with_the_next_setting():
    later = "import scipy.linalg; cr.set_num_threads(1);"
    assert run(after=later + SHOW, CHAINRULE_NUM_THREADS="2") == "1"


def test_without_a_setting_nothing_is_looked_for():
    assert run(after="print('threadpoolctl' in sys.modules)") == "False"


def test_without_threadpoolctl_the_report_says_what_to_do():
    hide = "sys.modules['threadpoolctl'] = None"
    say = "cr.set_num_threads(1); print(*cr.get_backend().notes(), sep='\\n')"
    text = run(before=hide, after=say, CHAINRULE_NUM_THREADS="2")
    assert "\nBLAS: its threads are not set by chainrule, because threadpoolctl is not installed; pip" in text
    assert "OPENBLAS_NUM_THREADS" in text
