"""Threads: how many to compute with, and the one pool of workers that runs tasks on them."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, TypeVar

from chainrule import _context
from chainrule._errors import ArgumentError
from chainrule._settings import Setting

T = TypeVar("T")

VARIABLE: Final = "CHAINRULE_NUM_THREADS"
_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")
_inside = threading.local()  # has `task` while this thread computes a task


# How many


def _as_count(text: str, what: str) -> int:
    return _checked(int(text) if text.isascii() and text.isdigit() else text, what)


def _checked(n: Any, what: str) -> int:
    if type(n) is not int or n < 1:
        raise ArgumentError(f"{what}: expected a number of threads, 1 or more, got {n!r:.60}")
    return n


def usable_cpus() -> int:
    """How many CPUs this process may use: those it is bound to, or what time its container has."""
    try:
        n = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        n = os.cpu_count() or 1
    try:
        quota, period = map(int, _QUOTA.read_text().split())
    except (OSError, ValueError):  # there is no such file, or it says "max"
        return n
    return max(1, min(n, -(-quota // period)))


NUM_THREADS: Final = Setting(VARIABLE, _as_count, usable_cpus)


def get_num_threads() -> int:
    """How many threads compute: of the innermost `use_num_threads`, else `set_num_threads`, else
    `CHAINRULE_NUM_THREADS`, else as many as there are CPUs for this process.

    >>> import chainrule as cr
    >>> cr.get_num_threads() >= 1
    True
    """
    threads = _context.current().threads
    return NUM_THREADS.value() if threads is None else threads


def set_num_threads(n: int | None) -> None:
    """Choose how many threads compute, in the whole process.

    Args:
        n: 1 or more; None goes back to `CHAINRULE_NUM_THREADS`, and to the number of CPUs if that is unset.

    Raises:
        ArgumentError: it is neither.

    >>> import chainrule as cr
    >>> cr.set_num_threads(2)
    >>> cr.get_num_threads()
    2
    >>> cr.set_num_threads(None)
    """
    NUM_THREADS.set(None if n is None else _checked(n, "set_num_threads"))
    _pool.shrink(NUM_THREADS.value() - 1)


@contextmanager
def use_num_threads(n: int) -> Iterator[None]:
    """Choose how many threads compute in a `with` block.

    Raises:
        ArgumentError: `n` is no positive int.

    >>> import chainrule as cr
    >>> with cr.use_num_threads(1):
    ...     cr.get_num_threads()
    1
    """
    with _context.scope(threads=_checked(n, "use_num_threads")):
        yield


# The pool


class _Pool:
    """Daemon threads that wait for jobs to help with; there are as many as were needed at once so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._size = 0

    def invite(self, job: _Job, helpers: int) -> None:
        """Ask workers to help with a job."""
        if self._size < helpers:
            self._grow(helpers)
        for _ in range(helpers):
            self._jobs.put(job)

    def _grow(self, size: int) -> None:
        with self._lock:
            while self._size < size:
                name = f"chainrule-{self._size + 1}"
                threading.Thread(target=_work, args=(self._jobs,), name=name, daemon=True).start()
                self._size += 1

    def shrink(self, size: int) -> None:
        """Let the workers end that are too many."""
        with self._lock:
            while self._size > size:
                self._jobs.put(None)
                self._size -= 1


def _work(jobs: SimpleQueue[_Job | None]) -> None:
    """What a worker does."""
    _inside.task = True
    while (job := jobs.get()) is not None:
        job.help()
        del job  # and its arrays with it, while this thread waits


class _Job:
    """Tasks that are being run, by the thread that asked for it and by those workers who find time."""

    __slots__ = ("_active", "_closed", "_idle", "_lock", "errors", "results", "tasks")

    def __init__(self, tasks: Sequence[Callable[[], Any]]) -> None:
        self.tasks = deque(enumerate(tasks))
        self.results: list[Any] = [None] * len(tasks)
        self.errors: dict[int, BaseException] = {}
        self._lock = threading.Lock()
        self._idle = threading.Lock()
        self._idle.acquire()
        self._active = 0
        self._closed = False

    def help(self) -> None:
        """Run tasks in a worker, unless all is done."""
        with self._lock:
            if self._closed:
                return
            self._active += 1
        self.work()
        with self._lock:
            self._active -= 1
            if self._closed and not self._active:
                self._idle.release()

    def work(self) -> None:
        """Run tasks until there are none; a failure ends the job, but for what has begun."""
        next_task = self.tasks.popleft
        while True:
            try:
                i, task = next_task()
            except IndexError:
                return
            try:
                self.results[i] = task()
            except BaseException as error:
                self.errors[i] = error
                self.tasks.clear()

    def close(self) -> None:
        """Let nobody begin any more, and wait for those who have."""
        with self._lock:
            self._closed = True
            busy = self._active
        if busy:
            self._idle.acquire()

    def error(self) -> BaseException | None:
        """What to raise: an interrupt that came within a task, else the first task's error."""
        first = min(self.errors, key=lambda i: (isinstance(self.errors[i], Exception), i), default=None)
        return None if first is None else self.errors[first]


def run_tasks(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """Run functions at the same time, on as many threads as `get_num_threads` says; this one is one of them.

    Each sees the scopes that are in force here. Inside a task they run one after the other. It returns when all have
    ended, whatever happened; after a failure those that have not begun are left out.

    Args:
        tasks: what to call. They should spend their time where Python's lock is free: in array libraries, mostly.

    Returns:
        What they returned, in their order.

    Raises:
        BaseException: what the first of them raised, in their order; and an interrupt of this thread.
    """
    helpers = min(get_num_threads(), len(tasks)) - 1
    if helpers < 1 or hasattr(_inside, "task"):
        return [task() for task in tasks]
    job = _Job([_with_context(task) for task in tasks])
    _inside.task = True
    interrupt: BaseException | None = None
    try:
        _pool.invite(job, helpers)
        job.work()
    except BaseException as error:
        interrupt = error
        job.tasks.clear()
    finally:
        del _inside.task
    while True:
        try:
            job.close()
            break
        except BaseException as error:
            interrupt = error
            job.tasks.clear()
    failure = interrupt or job.error()
    results = job.results
    job.results, job.errors = [], {}  # a worker may come to it late, and holds it until then
    if failure is None:
        return results
    try:
        raise failure
    finally:
        del failure, interrupt  # whose tracebacks hold this frame


def _with_context(task: Callable[[], T]) -> Callable[[], T]:
    context = copy_context()
    return lambda: context.run(task)


_pool = _Pool()


def _after_fork() -> None:
    """A child has none of its parent's threads."""
    global _pool
    _pool = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
