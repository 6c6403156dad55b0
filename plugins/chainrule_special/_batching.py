"""Batching rules of the operations with several results; the others are elementwise and need none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chainrule.batching import Rule, stacked

RULES: Final[Mapping[str, Rule]] = {
    **{f"special.{name}": stacked() for name in ("airy", "fresnel", "shichi", "sici")},
    **{f"special.{name}": stacked(0, 0) for name in ("airye", "ellipj")},
}
