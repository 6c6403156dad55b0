"""Every operation eagerly, in graphs and compiled: the same values, gradients, dtypes and shapes.

The kit checks two calls of each, these are all of them; `nox -s machine_code` has as much as it can in machine code.
"""

from __future__ import annotations

import pytest

from chainrule_testing import Sample, samples_of
from chainrule_testing._ways import check_ways
from chainrule_testing.samples import arrays, engine, nn

EVERY = samples_of(arrays.SAMPLES | engine.SAMPLES | nn.SAMPLES)


@pytest.mark.parametrize("samples", EVERY, ids=lambda samples: samples[0].op)
def test_eager_is_graph_is_compiled(samples: list[Sample]) -> None:
    for sample in samples:
        try:
            check_ways(sample)
        except BaseException as error:
            error.add_note(f"in {sample!r}")
            raise
