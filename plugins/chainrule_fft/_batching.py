"""Batching rules of the transforms: the batch is an axis that is not transformed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chainrule.batching import Rule, along
from chainrule_fft._transforms import TRANSFORMS

RULES: Final[Mapping[str, Rule]] = {f"fft.{name}": along("axes") for name in TRANSFORMS}
