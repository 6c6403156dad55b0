"""How many threads compute, and the pool that runs tasks on them."""

from __future__ import annotations

import contextvars
import gc
import os
import signal
import threading
import time
import weakref
from dataclasses import replace

import pytest

import chainrule as cr
from chainrule import _backends, _threads


@pytest.fixture(autouse=True)
def as_by_default(monkeypatch):
    monkeypatch.delenv("CHAINRULE_NUM_THREADS", raising=False)
    cr.set_num_threads(None)
    yield
    monkeypatch.undo()
    cr.set_num_threads(None)


@pytest.fixture
def three():
    """Three threads, whatever the machine has."""
    with cr.use_num_threads(3):
        yield


def together(n):
    """Tasks that end only if all of them run at the same time; each gives its thread."""
    barrier = threading.Barrier(n, timeout=10)

    def task():
        barrier.wait()
        return threading.current_thread()

    return [task] * n


# How many


def test_what_was_set_goes_before_the_environment_and_a_scope_before_both(monkeypatch):
    assert cr.get_num_threads() == _threads.usable_cpus()
    monkeypatch.setenv("CHAINRULE_NUM_THREADS", " 5 ")
    cr.set_num_threads(None)
    assert cr.get_num_threads() == 5
    cr.set_num_threads(3)
    assert cr.get_num_threads() == 3
    with cr.use_num_threads(7):
        assert cr.get_num_threads() == 7
        cr.set_num_threads(2)
        assert cr.get_num_threads() == 7
        with cr.use_num_threads(1):
            assert cr.get_num_threads() == 1
    assert cr.get_num_threads() == 2
    cr.set_num_threads(None)
    assert cr.get_num_threads() == 5


@pytest.mark.parametrize("wrong", [0, -1, 2.0, "two", True])
def test_a_wrong_number_is_named_and_changes_nothing(wrong):
    cr.set_num_threads(3)
    for function in (cr.set_num_threads, lambda n: cr.use_num_threads(n).__enter__()):
        with pytest.raises(cr.ArgumentError, match=r"(set|use)_num_threads: expected a number of threads, 1 or more"):
            function(wrong)
    assert cr.get_num_threads() == 3


@pytest.mark.parametrize("wrong", ["0", "-2", "two", "1.5", "²"])
def test_a_wrong_environment_is_named(wrong, monkeypatch):
    monkeypatch.setenv("CHAINRULE_NUM_THREADS", wrong)
    _threads.NUM_THREADS.set(None)
    with pytest.raises(cr.ArgumentError, match=r"CHAINRULE_NUM_THREADS: expected a number of threads, 1 or more, got "):
        cr.get_num_threads()


def test_a_wrong_environment_stops_the_first_computation(installed):
    done = installed.python("-c", "import chainrule as cr; cr.sin(1.0)", CHAINRULE_NUM_THREADS="many")
    assert done.returncode == 1
    assert "ArgumentError: CHAINRULE_NUM_THREADS: expected a number of threads, 1 or more, got 'many'" in done.stderr


@pytest.mark.parametrize(
    ("text", "most"), [("150000 100000\n", 2), ("50000 100000\n", 1), ("max 100000\n", 64), ("", 64)]
)
def test_a_container_has_as_many_cpus_as_its_quota(text, most, tmp_path, monkeypatch):
    file = tmp_path / "cpu.max"
    file.write_text(text)
    monkeypatch.setattr(_threads, "_QUOTA", str(file))
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)), raising=False)
    assert _threads.usable_cpus() == most


def test_no_other_thread_sees_a_scope():
    seen = []
    with cr.use_num_threads(77):
        thread = threading.Thread(target=lambda: seen.append(cr.get_num_threads()))
        thread.start()
        thread.join()
    assert seen == [_threads.usable_cpus()]


def test_the_report_says_where_the_number_comes_from(installed):
    assert f"threads: {_threads.usable_cpus()} (the default)" in installed.chainrule("info").stdout
    done = installed.chainrule("info", CHAINRULE_NUM_THREADS="3", CHAINRULE_STRICT_MATH="1", CHAINRULE_JIT="off")
    for line in ("threads: 3 (CHAINRULE_NUM_THREADS)", "strict math: on (CHAINRULE_STRICT_MATH)", "JIT: off (CHAIN"):
        assert line in done.stdout
    done = installed.chainrule("info", CHAINRULE_NUM_THREADS="x", CHAINRULE_STRICT_MATH="2", CHAINRULE_JIT="3")
    for line in ("threads: CHAINRULE_NUM_THREADS: expected", "strict math: CHAIN", "JIT: CHAINRULE_JIT: expected"):
        assert line in done.stdout


# Tasks


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("n", [0, 1, 2, 3, 50])
def test_results_come_in_the_order_of_the_tasks(n):
    assert cr.run_tasks([lambda i=i: i * i for i in range(n)]) == [i * i for i in range(n)]


@pytest.mark.usefixtures("three")
def test_tasks_run_at_the_same_time_and_the_caller_takes_part():
    threads = cr.run_tasks(together(3))
    assert len(set(threads)) == 3
    assert threading.current_thread() in threads
    assert all(thread.daemon for thread in threads if thread is not threading.current_thread())


def test_never_more_threads_than_asked_for():
    with cr.use_num_threads(2):
        running, most, lock = 0, 0, threading.Lock()

        def task():
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.002)
            with lock:
                running -= 1

        cr.run_tasks([task] * 20)
    assert most == 2
    with cr.use_num_threads(1):
        assert set(cr.run_tasks([threading.current_thread] * 5)) == {threading.current_thread()}


def test_a_smaller_number_lets_workers_end():
    def workers():
        return [t for t in threading.enumerate() if t.name.startswith("chainrule-")]

    cr.set_num_threads(5)
    cr.run_tasks(together(5))
    assert len(workers()) >= 4
    cr.set_num_threads(2)
    deadline = time.monotonic() + 10
    while len(workers()) > 1 and time.monotonic() < deadline:
        time.sleep(0.001)
    assert len(workers()) == 1
    cr.set_num_threads(3)
    assert len(set(cr.run_tasks(together(3)))) == 3


@pytest.mark.usefixtures("three")
def test_scopes_hold_in_tasks_and_end_with_them(backend):
    variable = contextvars.ContextVar("variable", default=0)
    variable.set(1)
    barrier = threading.Barrier(3, timeout=10)

    def task():
        barrier.wait()
        seen = (variable.get(), cr.get_backend().name, cr.get_num_threads(), cr.Variable(1.0, name="v").name)
        variable.set(2)
        return seen

    with cr.name_scope("layer"):
        assert cr.run_tasks([task] * 3) == [(1, backend.name, 3, "layer/v")] * 3
    assert variable.get() == 1
    assert cr.run_tasks([lambda: (barrier.wait(), variable.get())[1]] * 3) == [1] * 3


@pytest.mark.usefixtures("three")
def test_tasks_within_tasks_run_one_after_the_other():
    def outer():
        return set(cr.run_tasks([threading.current_thread] * 4)) == {threading.current_thread()}

    assert cr.run_tasks([outer] * 9) == [True] * 9
    assert len(set(cr.run_tasks(together(3)))) == 3, "and side by side again after that"


@pytest.mark.usefixtures("three")
def test_the_first_error_in_the_order_of_tasks_is_raised_when_all_have_ended():
    barrier = threading.Barrier(3, timeout=10)
    ended = []

    def fails(error, wait):
        barrier.wait()
        time.sleep(wait)
        ended.append(error)
        raise error

    tasks = [lambda: fails(ValueError("first"), 0.02), lambda: fails(KeyError("second"), 0.0), lambda: barrier.wait()]
    with pytest.raises(ValueError, match="first"):
        cr.run_tasks([*tasks, lambda: ended.append("late")])
    assert [type(error) for error in ended if error != "late"] == [KeyError, ValueError]
    assert cr.run_tasks([lambda: 1, lambda: 2]) == [1, 2]


@pytest.mark.usefixtures("three")
def test_after_an_error_the_rest_is_left_out():
    begun = []

    def task(i):
        begun.append(i)
        if i == 0:
            raise ValueError("stop")
        time.sleep(0.01)

    with pytest.raises(ValueError, match="stop"):
        cr.run_tasks([lambda i=i: task(i) for i in range(100)])
    assert len(begun) < 10


@pytest.mark.usefixtures("three")
def test_nothing_is_kept_when_it_is_over():
    class Thing:
        pass

    def fails():
        thing = Thing()
        seen.append(weakref.ref(thing))
        barrier.wait()
        raise ValueError(thing)

    barrier = threading.Barrier(3, timeout=10)
    seen: list[weakref.ref[Thing]] = []
    gc.disable()
    try:
        things = cr.run_tasks([Thing] * 5)
        seen += map(weakref.ref, things)
        del things
        with pytest.raises(ValueError, match="Thing"):
            cr.run_tasks([fails] * 3)
        deadline = time.monotonic() + 10  # a worker may still be leaving
        while any(ref() for ref in seen) and time.monotonic() < deadline:
            time.sleep(0.001)
        assert [ref() for ref in seen] == [None] * 8
    finally:
        gc.enable()


@pytest.fixture
def interrupts():
    """Python's own way with interrupts; a process that was started in the background ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("three", "interrupts")
def test_an_interrupt_waits_for_what_has_begun():
    barrier = threading.Barrier(2, timeout=10)
    ended = []

    def worker():
        barrier.wait()
        time.sleep(0.05)
        ended.append("worker")

    def interrupted():
        if threading.current_thread() is not threading.main_thread():
            return worker()
        barrier.wait()
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        cr.run_tasks([interrupted] * 2 + [lambda: ended.append("late")] * 100)
    begun = len(ended)
    assert "worker" in ended
    time.sleep(0.02)
    assert len(ended) == begun


@pytest.mark.usefixtures("three", "interrupts")
def test_an_interrupt_while_waiting_for_workers():
    started, ended = threading.Event(), []

    def task():
        if threading.current_thread() is threading.main_thread():
            started.wait(10)
            return
        started.set()
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)  # the main thread waits for this one by now
        time.sleep(0.05)
        ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        cr.run_tasks([task] * 2)
    assert ended


@pytest.mark.usefixtures("three")
def test_many_threads_of_the_user_at_once():
    def user(k):
        with cr.use_num_threads(3):
            for i in range(50):
                assert cr.run_tasks([lambda i=i, j=j: (k, i, j) for j in range(4)]) == [(k, i, j) for j in range(4)]
        done.append(k)

    done: list[int] = []
    threads = [threading.Thread(target=user, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == list(range(8))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_makes_its_own_workers(installed):
    program = """
        import os, threading, warnings
        import chainrule as cr
        cr.set_num_threads(3)
        def tasks():
            barrier = threading.Barrier(3, timeout=10)
            return cr.run_tasks([lambda: barrier.wait() < 3] * 3)
        assert tasks() == [True] * 3
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads
        child = os.fork()
        if not child:
            os._exit(0 if tasks() == [True] * 3 else 1)
        print(os.waitpid(child, 0)[1], tasks())
    """
    assert installed.run(program) == "0 [True, True, True]\n"


def test_a_process_ends_with_workers_at_work(installed):
    program = """
        import threading, time
        import chainrule as cr
        cr.set_num_threads(2)
        threading.Thread(target=lambda: cr.run_tasks([lambda: time.sleep(30)] * 2), daemon=True).start()
        time.sleep(0.1)
        print("end")
    """
    assert installed.run(program) == "end\n"


# Libraries with threads of their own


@pytest.fixture
def library():
    """What a backend's library was told, one entry for each call."""
    told: list[int | None] = []
    libraries = _threads._libraries
    before = list(libraries._setters)
    backend = replace(_backends.get_backend(), set_threads=told.append)
    _threads.govern(backend)
    yield told
    libraries._setters[:] = before


def test_without_a_setting_a_library_is_left_alone(library):
    cr.run_tasks([lambda: 1, lambda: 2])
    assert library == []


def test_one_setting_for_both(library):
    cr.set_num_threads(3)
    with cr.use_num_threads(2):
        assert library == [3, 2]
        with pytest.raises(KeyError), cr.use_num_threads(4):
            raise KeyError
        assert library == [3, 2, 4, 2]
    cr.set_num_threads(None)
    assert library == [3, 2, 4, 2, 3, None]


def test_a_library_that_is_loaded_later_hears_of_it(library):
    told: list[int | None] = []
    cr.set_num_threads(3)
    _threads.govern(replace(_backends.get_backend(), set_threads=told.append))
    assert told == [3]


@pytest.mark.usefixtures("three")
def test_tasks_that_call_blas_have_one_thread_each_of_it(library):
    with cr.use_num_threads(3):
        library.clear()
        assert cr.run_tasks([lambda: library[-1]] * 3, blas=True) == [1] * 3
        assert library == [1, 3]
        with pytest.raises(ZeroDivisionError):
            cr.run_tasks([lambda: 1 // 0] * 3, blas=True)
        assert library == [1, 3, 1, 3]


def test_blocks_of_two_threads_leave_in_any_order(library):
    first, second = cr.use_num_threads(3), _threads._libraries.scope(2)
    with first:
        second.__enter__()
        assert library[-1] == 2
    assert library[-1] == 2
    second.__exit__(None, None, None)
    assert library[-1] is None
