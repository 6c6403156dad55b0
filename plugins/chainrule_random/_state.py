"""The state of a generator: an array of three integers, the key of its stream and how many draws it has given.

A draw computes its numbers from the state alone, in a stream of its own, and the next state is one draw further. So the
state goes through programs as any value does: what is computed again draws the same again, and what is assigned is
assigned when a run has ended well.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from chainrule import ArgumentError, DTypeError, NoGradient, as_tensor, infer, int64, op

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIZE = 3


def first_state(seed: Any) -> NDArray[np.int64]:
    """The state of a generator that has drawn nothing yet.

    Raises:
        ArgumentError: the seed is none.
    """
    import numpy as np

    if isinstance(seed, np.random.SeedSequence):
        sequence = seed
    else:
        try:
            sequence = np.random.SeedSequence(seed)
        except (TypeError, ValueError) as error:
            raise ArgumentError(
                f"seed: expected None, a non-negative integer, a sequence of them or a SeedSequence, got {seed!r:.60}"
            ) from error
    return np.append(sequence.generate_state(2, np.uint64), np.uint64(0)).view(np.int64)


def child_states(state: NDArray[np.int64], n: int) -> list[NDArray[np.int64]]:
    """The first states of generators whose streams come from a draw."""
    import numpy as np

    entropy = state.view(np.uint64).tolist()
    return [first_state(np.random.SeedSequence(entropy, spawn_key=(i,))) for i in range(n)]


class _Reused(threading.local):
    """NumPy's generator on its counter-based bit generator, one for each thread: making one takes far longer."""

    def __init__(self) -> None:
        import numpy as np

        self.bits = np.random.Philox(0)
        self.generator = np.random.Generator(self.bits)
        self.state = self.bits.state


_reused: _Reused | None = None


def numpy_generator(state: NDArray[np.int64]) -> np.random.Generator:
    """NumPy's generator at the start of the stream of the draw that a state is before."""
    global _reused
    check_state(state)
    if _reused is None:
        _reused = _Reused()
    parts = _reused.state["state"]
    words = state.view("uint64")
    parts["key"][:] = words[:2]
    parts["counter"][:] = 0, 0, 0, words[2]  # streams of 2**192 blocks, one for each draw
    _reused.bits.state = _reused.state
    return _reused.generator


def check_state(state: Any) -> None:
    """Refuse what is no state.

    Args:
        state: an array, or the shape and dtype of one.

    Raises:
        DTypeError: it is none.
    """
    if state.dtype != int64 or state.shape not in ((SIZE,), None):
        raise DTypeError(f"expected the state of a generator, int64[{SIZE}], got {state.dtype} of shape {state.shape}")


def _next_spec(state: Any) -> Any:
    check_state(state)
    return infer.Spec((SIZE,), int64)


@op(infer=_next_spec, gradient=NoGradient("the state of a generator is made of integers"), name="random.next_state")
def next_state(xp: Any, state: Any, /) -> Any:
    """The state after one draw."""
    check_state(as_tensor(state))
    return xp.concat([state[:-1], state[-1:] + 1])
