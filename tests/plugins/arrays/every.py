"""The samples of all of chainrule's own operations, those of the engine among them."""

from __future__ import annotations

from chainrule_testing import samples_of
from chainrule_testing.samples import arrays, engine, nn, numpy_functions

EVERY = samples_of(arrays.SAMPLES | numpy_functions.SAMPLES | engine.SAMPLES | nn.SAMPLES)
OURS = samples_of(arrays.SAMPLES | engine.SAMPLES)
