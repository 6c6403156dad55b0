"""`check_op`: all checks of one operation, in a test of anybody's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import chainrule as cr
from chainrule_testing._checks import CHECKS, Refused, Undefined, perform
from chainrule_testing._samples import Samples
from chainrule_testing._targets import at_hand, target


@dataclass(frozen=True)
class OpReport:
    """What `check_op` found right.

    Attributes:
        op: the operation.
        backends: the backends and devices it was checked on.
        passed: the checks that passed, each as backend, dtype and check.
        refused: what a backend says that it cannot do, and why.
    """

    op: str
    backends: tuple[str, ...]
    passed: tuple[tuple[str, str, str], ...]
    refused: dict[tuple[str, str, str], str]

    def __str__(self) -> str:
        lines = [f"{self.op} on {', '.join(self.backends)}: {len(self.passed)} checks passed"]
        lines += [f"  refused: {' '.join(what)}: {reason}" for what, reason in self.refused.items()]
        return "\n".join(lines)


def check_op(op: Any, samples: Samples, *, backends: Sequence[str] | None = None) -> OpReport:
    """Check an operation: its shape rule, kernels and gradients.

    Values are compared with the samples' reference, first and second derivatives with its finite differences, the
    gradient with forward mode, which is its transpose; shapes and dtypes with the shape rule; graphs and compiled
    functions with eager results. Each is done in every dtype that the operation takes, on each backend. A gradient
    that is declared `cr.approximate(rtol)` is held to that, one that is a `cr.surrogate` is not compared.

    Args:
        op: the operation's public function, or its name. It must be registered.
        samples: what to call it with.
        backends: backends and devices, such as `"cupy:1"`; by default every backend that can compute here.

    Raises:
        AssertionError: something is wrong; says what, in which dtype and on which backend.

    >>> import chainrule as cr, numpy as np
    >>> from chainrule_testing import Samples, case, check_op, real
    >>> print(check_op(cr.square, Samples(np.square, [case(real(2, 3))]), backends=["numpy"]))
    square on numpy: ... checks passed
    """
    name = op if isinstance(op, str) else op.op.name
    targets = at_hand()[0] if backends is None else [target(choice) for choice in backends]
    passed, refused = [], {}
    for place in targets:
        for check in CHECKS:
            for dtype in place.backend.dtypes:
                if check.dtypes is not None and dtype not in check.dtypes:
                    continue
                found = check.samples(samples, name, str(dtype))
                if not found:
                    continue
                key = place.choice, str(dtype), check.name
                try:
                    with cr.use_backend(place.choice):
                        perform(check, found)
                except Refused as reason:
                    refused[key] = str(reason)
                except Undefined:
                    pass
                except Exception as error:
                    error.add_note(f"check of {name}: {check.name}, in {dtype}, on {place}")
                    raise
                else:
                    passed.append(key)
    if not passed:
        raise AssertionError(f"check of {name}: nothing was checked; refused: {refused or 'nothing either'}")
    return OpReport(name, tuple(place.choice for place in targets), tuple(passed), refused)
