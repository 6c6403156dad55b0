"""Threads: how many to compute with, and the one pool of workers that runs tasks on them."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeVar

from chainrule import _context
from chainrule._errors import ArgumentError
from chainrule._settings import Setting

if TYPE_CHECKING:
    from chainrule._backend import Backend

T = TypeVar("T")

VARIABLE: Final = "CHAINRULE_NUM_THREADS"
_QUOTA: Final = "/sys/fs/cgroup/cpu.max"
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
        with open(_QUOTA) as file:
            quota, period = map(int, file.read().split())
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
    """Choose how many threads compute, in the whole process: chainrule's own, and those of NumPy's BLAS.

    BLAS's are set where threadpoolctl is installed (`pip install 'chainrule[threads]'`); without any setting they stay
    as they are.

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
    _libraries.adjust()


@contextmanager
def use_num_threads(n: int) -> Iterator[None]:
    """Choose how many threads compute in a `with` block.

    BLAS's threads are the process's: while several threads are in such blocks, the block entered last counts for them.

    Raises:
        ArgumentError: `n` is no positive int.

    >>> import chainrule as cr
    >>> with cr.use_num_threads(1):
    ...     cr.get_num_threads()
    1
    """
    with _context.scope(threads=_checked(n, "use_num_threads")), _libraries.scope(n):
        yield


# The threads of array libraries


class _Libraries:
    """Array libraries with threads of their own, which are the process's: the number in force is set here alone."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._setters: list[Callable[[int | None], None]] = []
        self._scopes: dict[object, int] = {}

    def add(self, set_threads: Callable[[int | None], None]) -> None:
        """Govern another one."""
        with self._lock:
            self._setters.append(set_threads)
            if self._scopes or NUM_THREADS.given() is not None:
                self.adjust()

    def adjust(self) -> None:
        """Set what is in force: what the last block asked for, else the setting, else the library's own."""
        with self._lock:
            n = next(reversed(self._scopes.values()), None) or NUM_THREADS.given()
            for set_threads in self._setters:
                set_threads(n)

    @contextmanager
    def scope(self, n: int) -> Iterator[None]:
        """Ask for `n` threads in a block."""
        mark = object()
        try:
            with self._lock:
                self._scopes[mark] = n
                self.adjust()
            yield
        finally:
            with self._lock:
                self._scopes.pop(mark, None)
                self.adjust()


_libraries = _Libraries()


def govern(backend: Backend) -> None:
    """Have a backend that was loaded compute with as many threads as was asked for.

    Raises:
        ArgumentError: `CHAINRULE_NUM_THREADS` has a wrong value.
    """
    NUM_THREADS.given()
    if backend.set_threads is not None:
        _libraries.add(backend.set_threads)


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


def run_tasks(tasks: Sequence[Callable[[], T]], blas: bool = False) -> list[T]:
    """Run functions at the same time, on as many threads as `get_num_threads` says; this one is one of them.

    Each sees the scopes that are in force here. Inside a task they run one after the other. It returns when all have
    ended, whatever happened; after a failure those that have not begun are left out.

    Args:
        tasks: what to call. They should spend their time where Python's lock is free: in array libraries, mostly.
        blas: whether they call BLAS, which then computes on one thread in each, rather than on several.

    Returns:
        What they returned, in their order.

    Raises:
        BaseException: what the first of them raised, in their order; and an interrupt of this thread.

    >>> import chainrule as cr
    >>> cr.run_tasks([lambda: 1, lambda: 2])
    [1, 2]
    """
    helpers = min(get_num_threads(), len(tasks)) - 1
    if helpers < 1 or hasattr(_inside, "task"):
        return [task() for task in tasks]
    if blas:
        with _libraries.scope(1):
            return _run(tasks, helpers)
    return _run(tasks, helpers)


def _run(tasks: Sequence[Callable[[], T]], helpers: int) -> list[T]:
    job = _Job([_with_context(task) for task in tasks])
    interrupt: BaseException | None = None
    _inside.task = True
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
