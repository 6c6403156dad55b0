"""Every operation, in every dtype, on the backends and devices that the run is about."""

from __future__ import annotations

from typing import Any

import pytest

import chainrule as cr
from chainrule_testing import _engine
from chainrule_testing._checks import Check, Refused, Undefined, check_gradient, perform
from chainrule_testing._samples import Sample, Samples
from chainrule_testing._targets import Override


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


@pytest.mark.usefixtures("backend")
def test_override(override: Override, override_samples: Samples | None, record_property: Any) -> None:
    """A gradient to override with is what its contract says; one that is no derivative is declared as such."""
    if override_samples is None:
        pytest.skip(f"op {override.op!r} has no samples that are known here")
    contract = _engine.overriding(_engine.find_op(override.op), override.gradient).contract
    samples = [call.in_dtype("float64") for call in override_samples.calls(override.op)]
    try:
        with cr.override_gradients({override.op: override.gradient}):
            for sample in samples:
                if sample.wrt and sample.smooth:
                    check_gradient(sample, contract)
    except Undefined as reason:
        record_property("undefined", str(reason))
    except AssertionError as error:
        if contract.kind == "undeclared":
            error.add_note("if this is meant, declare it: cr.surrogate(f), or cr.approximate(rtol)(f)")
        raise
