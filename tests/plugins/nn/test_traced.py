"""Every operation of `cr.nn` eagerly, in graphs and compiled: the same values, gradients, dtypes and shapes."""

from __future__ import annotations

import pytest
from tests.plugins.arrays.samples import Sample, samples_of
from tests.plugins.arrays.traced import check

from .samples import ROWS


@pytest.mark.parametrize("samples", samples_of(ROWS), ids=lambda samples: samples[0].op)
def test_eager_is_graph_is_compiled(samples: list[Sample]) -> None:
    for sample in samples:
        try:
            check(sample)
        except BaseException as error:
            error.add_note(f"in {sample!r}")
            raise
