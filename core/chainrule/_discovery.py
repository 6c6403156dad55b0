"""Finding what is installed, by entry point; nothing is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from chainrule._owner import Owner

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint


@dataclass(frozen=True)
class Found:
    """All entry points of one name: more than one is a conflict, which using the name reports."""

    name: str
    entries: tuple[EntryPoint, ...]

    @property
    def owner(self) -> Owner:
        """The distribution that provides it."""
        return Owner(self.name, *_named(self.entries[0].dist))

    @property
    def conflict(self) -> str | None:
        """Why the name cannot be used, if two distributions provide it."""
        if len(self.entries) < 2:
            return None
        providers = " and ".join(
            f"{e.value} (of {e.dist.name} {e.dist.version})" if e.dist else e.value for e in self.entries
        )
        return f"{self.name!r} is provided by {providers}; uninstall one of them"


@lru_cache(maxsize=8)
def find(group: str) -> dict[str, Found]:
    """The entry points of a group, by name, in name order."""
    from importlib.metadata import entry_points  # half of what `import chainrule` would cost

    by_name: dict[str, list[EntryPoint]] = {}
    for entry in sorted(entry_points(group=group), key=lambda e: (e.name, e.value)):
        entries = by_name.setdefault(entry.name, [])
        if not any(e.value == entry.value and _dist(e) == _dist(entry) for e in entries):
            entries.append(entry)
    return {name: Found(name, tuple(entries)) for name, entries in by_name.items()}


def _dist(entry: EntryPoint) -> str:
    return _named(entry.dist)[0]


@lru_cache(maxsize=64)
def _named(dist: Distribution | None) -> tuple[str, str]:
    """The name and version of a distribution, whose file is read and parsed each time it is asked for them."""
    return (dist.name, dist.version) if dist else ("", "")
