"""Lines for `chainrule info`: the JIT, and BLAS with its threads."""

from __future__ import annotations

from chainrule_numpy import _threads


def notes() -> list[str]:
    """What there is to say besides versions and memory."""
    from chainrule_numpy import _jit  # which starts would pay for

    return [f"JIT: {_jit.why_not() or _jit.vector_math()}", *_threads.report()]
