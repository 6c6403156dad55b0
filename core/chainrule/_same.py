"""`Same`: an object in a key, by its identity."""

from __future__ import annotations

from typing import Any


class Same:
    """An object in a key, equal to itself alone, which the key keeps alive."""

    __slots__ = ("thing",)

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return type(other) is Same and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)
