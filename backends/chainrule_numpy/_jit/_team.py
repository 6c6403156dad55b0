"""The team: threads in machine code that compute parts of something, together with the thread that asks for it.

There is one for the process. A member that has found nothing to do for some microseconds sleeps until somebody wakes
it. None needs Python's lock to begin a part or to end it. Nobody waits for members to come: who asks goes on with the
parts that are left, and computes all of them where the members are late, or at work for another thread.
"""

from __future__ import annotations

import ctypes
import os
import threading
from typing import Final

from chainrule_numpy._jit import _objects
from chainrule_numpy._jit._machine import Code, host

MOST: Final = 128  # threads of a team, with the one that asks
_SPINS: Final = 2000  # looks for something to do, 10 to 40 ns each, after which a thread sleeps
_PATIENCE: Final = 63  # looks, after which whoever else is there for this processor goes first

# What the threads share, each on lines of its own as far as the processors are concerned. A seat holds whether its
# thread sleeps, and the lock that it sleeps at; the first one is for the thread that asks.
_LINE: Final = 128
_TAKEN, _TICKETS, _LEFT, _ENDED, _JOB, _SPIN, _SEATS = (i * _LINE for i in range(7))
_PARTS: Final = (1 << 16) - 1  # in the tickets: how many parts nobody has taken; above that, which job they are of

_lock: Final = threading.Lock()
_team: Team | None = None

_CODE: Final = """
declare void @{pause_declared}

; Sleep, unless something has come, until it is woken.
define private void @rest(ptr %seat, ptr %word) {{
  store atomic i64 1, ptr %seat seq_cst, align 8
  %x = load atomic i64, ptr %word seq_cst, align 8
  %bits = and i64 %x, {parts}
  %come = icmp ne i64 %bits, 0
  br i1 %come, label %rise, label %sleep
rise:
  %asleep = atomicrmw xchg ptr %seat, i64 0 seq_cst
  %alone = icmp eq i64 %asleep, 1
  br i1 %alone, label %done, label %sleep ; somebody else opens the lock
sleep:
  %lock_at = getelementptr i64, ptr %seat, i64 1
  %lock = load ptr, ptr %lock_at
  call i32 {acquire}(ptr %lock, i32 1)
  br label %done
done:
  ret void
}}

; Return when one of a word's lower bits is set.
define private void @await(ptr %seat, ptr %word) {{
entry:
  %spins = load i64, ptr {spin}
  br label %look
look:
  %i = phi i64 [0, %entry], [%next, %spin], [%next, %yield], [0, %rest]
  %x = load atomic i64, ptr %word acquire, align 8
  %bits = and i64 %x, {parts}
  %come = icmp ne i64 %bits, 0
  br i1 %come, label %done, label %idle
idle:
  %next = add i64 %i, 1
  %goes_on = icmp ult i64 %i, %spins
  br i1 %goes_on, label %spin, label %rest
spin:
  call void @{pause}
  %every = and i64 %next, {patience}
  %polite = icmp eq i64 %every, 0
  br i1 %polite, label %yield, label %look
yield:
  call i32 {yield}()
  br label %look
rest:
  call void @rest(ptr %seat, ptr %word)
  br label %look
done:
  ret void
}}

define private void @wake(ptr %seat) {{
  %asleep = load atomic i64, ptr %seat seq_cst, align 8
  %try = icmp ne i64 %asleep, 0
  br i1 %try, label %tell, label %done
tell:
  %told = cmpxchg ptr %seat, i64 1, i64 0 seq_cst seq_cst
  %first = extractvalue {{i64, i1}} %told, 1
  br i1 %first, label %open, label %done
open:
  %lock_at = getelementptr i64, ptr %seat, i64 1
  %lock = load ptr, ptr %lock_at
  call void {release}(ptr %lock)
  br label %done
done:
  ret void
}}

define private void @finish() {{
  %left = atomicrmw sub ptr {left}, i64 1 seq_cst
  %last = icmp eq i64 %left, 1
  br i1 %last, label %end, label %done
end:
  store atomic i64 1, ptr {ended} seq_cst, align 8
  call void @wake(ptr {seats})
  br label %done
done:
  ret void
}}

define private void @compute(ptr %work, ptr %tables, ptr %marks, i64 %i) {{
  %table_at = getelementptr ptr, ptr %tables, i64 %i
  %table = load ptr, ptr %table_at
  %low_at = getelementptr i64, ptr %marks, i64 %i
  %low = load i64, ptr %low_at
  %high_at = getelementptr i64, ptr %low_at, i64 1
  %high = load i64, ptr %high_at
  call void %work(ptr %table, i64 %low, i64 %high)
  ret void
}}

; Compute parts until all are taken.
define private void @help() {{
entry:
  br label %look
look:
  %tickets = load atomic i64, ptr {tickets} acquire, align 8
  %parts = and i64 %tickets, {parts}
  %none = icmp eq i64 %parts, 0
  br i1 %none, label %done, label %take
take:
  ; What belongs to another job is read in vain: then the tickets have changed.
  %work = load atomic ptr, ptr {work} acquire, align 8
  %tables = load atomic ptr, ptr {tables} acquire, align 8
  %marks = load atomic ptr, ptr {marks} acquire, align 8
  %rest = sub i64 %tickets, 1
  %taken = cmpxchg ptr {tickets}, i64 %tickets, i64 %rest seq_cst seq_cst
  %mine = extractvalue {{i64, i1}} %taken, 1
  br i1 %mine, label %compute, label %look
compute:
  call void @compute(ptr %work, ptr %tables, ptr %marks, i64 %parts)
  call void @finish()
  br label %look
done:
  ret void
}}

define void @serve(ptr %seat) {{
  br label %on
on:
  call void @await(ptr %seat, ptr {tickets})
  call void @help()
  br label %on
}}

define void @run(ptr %work, ptr %tables, ptr %marks, i64 %n, i64 %members) {{
entry:
  %got = cmpxchg ptr {taken}, i64 0, i64 1 seq_cst seq_cst
  %free = extractvalue {{i64, i1}} %got, 1
  br i1 %free, label %together, label %alone
alone:
  %i = phi i64 [0, %entry], [%i_next, %alone]
  call void @compute(ptr %work, ptr %tables, ptr %marks, i64 %i)
  %i_next = add i64 %i, 1
  %more = icmp slt i64 %i_next, %n
  br i1 %more, label %alone, label %done
together:
  store atomic ptr %work, ptr {work} release, align 8
  store atomic ptr %tables, ptr {tables} release, align 8
  store atomic ptr %marks, ptr {marks} release, align 8
  store atomic i64 %n, ptr {left} release, align 8
  store atomic i64 0, ptr {ended} release, align 8
  %tickets = load atomic i64, ptr {tickets} acquire, align 8
  %job = add i64 %tickets, {job}
  %others = sub i64 %n, 1
  %issued = add i64 %job, %others
  store atomic i64 %issued, ptr {tickets} seq_cst, align 8
  br label %call
call:
  %k = phi i64 [1, %together], [%k_next, %one]
  %all = icmp sgt i64 %k, %members
  br i1 %all, label %own, label %one
one:
  %k_further = mul i64 %k, {line}
  %seat = getelementptr i8, ptr {seats}, i64 %k_further
  call void @wake(ptr %seat)
  %k_next = add i64 %k, 1
  br label %call
own:
  ; The first part, as in tasks: what was computed before by this thread lies in its processor's cache.
  call void @compute(ptr %work, ptr %tables, ptr %marks, i64 0)
  call void @finish()
  call void @help()
  call void @await(ptr {seats}, ptr {ended})
  store atomic i64 0, ptr {taken} release, align 8
  br label %done
done:
  ret void
}}
"""


class Team:
    """Its memory, its code and its members.

    Attributes:
        run: the address of `run(work, tables, marks, n, members)`, which has `work(tables[i], marks[i], marks[i + 1])`
            computed for all `i < n`, by this thread and the first members, who are woken if they sleep.
        size: how many members there are.
    """

    def __init__(self) -> None:
        self._memory = ctypes.create_string_buffer(_SEATS + (MOST + 1) * _LINE)
        self._start = -(-ctypes.addressof(self._memory) // _LINE) * _LINE
        self._lock = threading.Lock()
        self.size = 0
        places = {"taken": _TAKEN, "tickets": _TICKETS, "left": _LEFT, "ended": _ENDED, "spin": _SPIN, "seats": _SEATS}
        places |= {"work": _JOB, "tables": _JOB + 8, "marks": _JOB + 16}
        addresses = {name: self._start + place for name, place in places.items()}
        addresses["yield"] = _yield()
        addresses |= {name: _objects.python_function(f"PyThread_{name}_lock") for name in ("acquire", "release")}
        pointers = {name: f"inttoptr (i64 {address} to ptr)" for name, address in addresses.items()}
        declared, pause = _pause()
        numbers = {"parts": _PARTS, "job": _PARTS + 1, "line": _LINE, "patience": _PATIENCE}
        code = Code(_CODE.format(**pointers, **numbers, pause_declared=declared, pause=pause))
        self.run = code.address("run")
        self._serve = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(code.address("serve"))
        self._seat(0)
        code.stay()  # members are there as long as the process
        _objects.stay(self._memory)

    def grow(self, size: int) -> None:
        """Have so many members, if threads can be started."""
        with self._lock:
            spins = _SPINS if size < _processors() else 0  # others need the processor more
            ctypes.c_int64.from_address(self._start + _SPIN).value = spins
            while self.size < min(size, MOST - 1):
                seat = self._seat(self.size + 1)
                member = threading.Thread(target=self._serve, args=(seat,), name=f"chainrule code {self.size + 1}")
                member.daemon = True
                try:
                    member.start()
                except RuntimeError:  # Python ends, or the system has none: those who are there compute all
                    return
                self.size += 1

    def _seat(self, i: int) -> int:
        """Make the i-th seat; where it is."""
        allocate = ctypes.pythonapi.PyThread_allocate_lock
        allocate.restype, allocate.argtypes = ctypes.c_void_p, ()
        acquire = ctypes.pythonapi.PyThread_acquire_lock
        acquire.restype, acquire.argtypes = ctypes.c_int, (ctypes.c_void_p, ctypes.c_int)
        lock = allocate()
        if not lock:
            raise MemoryError("no lock for a thread of machine code")
        acquire(lock, 0)
        seat = self._start + _SEATS + i * _LINE
        ctypes.c_void_p.from_address(seat + 8).value = lock
        return seat

    def forget(self) -> None:
        """Be alone, in a child, which has none of its parent's threads."""
        ctypes.memset(self._start, 0, _SEATS + MOST * _LINE)
        self._lock = threading.Lock()
        self.size = 0
        self._seat(0)


def _pause() -> tuple[str, str]:
    """What tells the processor that its thread waits, as it is declared and as it is called."""
    triple = host().target.triple
    if triple.startswith("x86_64"):
        return ("llvm.x86.sse2.pause()",) * 2
    if triple.startswith(("aarch64", "arm64")):
        return "llvm.aarch64.hint(i32)", "llvm.aarch64.hint(i32 1)"
    return ("llvm.donothing()",) * 2


def _yield() -> int:
    """The system's function that lets other threads go first."""
    function = ctypes.CDLL("kernel32").SwitchToThread if os.name == "nt" else ctypes.CDLL(None).sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def team() -> Team:
    """The team."""
    return _team or _made()


def _made() -> Team:
    global _team
    with _lock:
        if _team is None:
            _team = Team()
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=_team.forget)
        return _team


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
