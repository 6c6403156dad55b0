"""Every operation of `cr.nn` eagerly, in graphs and compiled: the same values, gradients, dtypes and shapes."""

from __future__ import annotations

import pytest

from chainrule_testing import Sample, samples_of
from chainrule_testing._ways import check_ways
from chainrule_testing.samples.nn import SAMPLES


@pytest.mark.parametrize("samples", samples_of(SAMPLES), ids=lambda samples: samples[0].op)
def test_eager_is_graph_is_compiled(samples: list[Sample]) -> None:
    for sample in samples:
        try:
            check_ways(sample)
        except BaseException as error:
            error.add_note(f"in {sample!r}")
            raise
