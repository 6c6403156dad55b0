"""JAX keeps all that it compiled: with `-p tests.backends.jax_memory` a run of pytest lets go of it now and then.

A compiled function takes 1.4 MB, and the whole suite compiles tens of thousands. Under `JAX_COMPILATION_CACHE_DIR` what
is let go of is read again, and not compiled.
"""

from __future__ import annotations

import sys
from itertools import count

_EVERY = 100  # tests

_done = count(1)


def pytest_runtest_teardown() -> None:
    """Called by pytest."""
    if next(_done) % _EVERY == 0 and "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
