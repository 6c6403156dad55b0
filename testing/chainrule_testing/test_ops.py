"""Every operation, in every dtype, on the backends and devices that the run is about."""

from __future__ import annotations

from typing import Any

import pytest

from chainrule_testing._checks import Check, Refused, Undefined, perform
from chainrule_testing._samples import Sample


def test_every_operation_has_samples(operations_without_samples: list[str]) -> None:
    assert not operations_without_samples, (
        f"no samples for {', '.join(operations_without_samples)}: give them in the plugin's hook chainrule_samples"
    )


@pytest.mark.usefixtures("backend")
def test_operation(check: Check, samples: list[Sample], record_property: Any) -> None:
    try:
        perform(check, samples)
    except Refused as reason:
        pytest.skip(f"refused: {reason}")
    except Undefined as reason:
        record_property("undefined", str(reason))
