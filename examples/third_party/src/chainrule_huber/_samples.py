"""What the operation is checked with: the same in NumPy's words, and some calls."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule_testing import Samples, case, real


def closed_form(x: Any, delta: float = 1.0) -> Any:
    """Huber's loss, as its definition has it."""
    return np.where(np.abs(x) <= delta, 0.5 * x**2, delta * (np.abs(x) - 0.5 * delta))


SAMPLES = {
    "huber": Samples(
        closed_form,
        [
            *(case(real(*shape), delta=2.0) for shape in ((), (3,), (2, 3), (0,))),
            case(np.array([-3.0, -1.5, -0.25, 0.5, 0.75, 2.0])),
            case(3 * real(2, 1, 3), delta=0.2),
        ],
    )
}
