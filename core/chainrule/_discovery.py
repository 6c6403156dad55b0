"""Finding what is installed, by entry point; nothing is imported here.

It reads what installers wrote into the folders of `sys.path`. `importlib.metadata`, whose own import would take a third
of the time to a first gradient, finds what is elsewhere: in archives, or where other finders look.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import lru_cache, reduce
from importlib import import_module
from importlib.machinery import PathFinder
from typing import Any, NamedTuple

from chainrule._owner import Owner


class Entry(NamedTuple):
    """An entry point, and the distribution it is of."""

    name: str
    value: str
    distribution: str = ""
    version: str = ""

    @property
    def module(self) -> str:
        """The module it names."""
        return self._parts[0]

    def load(self) -> Any:
        """Import what it names."""
        module, attributes = self._parts
        return reduce(getattr, filter(None, attributes.split(".")), import_module(module))

    @property
    def _parts(self) -> tuple[str, str]:
        module, _, attributes = self.value.partition("[")[0].partition(":")  # extras come in brackets
        return module.strip(), attributes.strip()


class Found(NamedTuple):
    """All entry points of one name: more than one is a conflict, which using the name reports."""

    name: str
    entries: tuple[Entry, ...]

    @property
    def owner(self) -> Owner:
        """The distribution that provides it."""
        return Owner(self.name, self.entries[0].distribution, self.entries[0].version)

    @property
    def conflict(self) -> str | None:
        """Why the name cannot be used, if two distributions provide it."""
        if len(self.entries) < 2:
            return None
        providers = " and ".join(
            f"{e.value} (of {e.distribution} {e.version})" if e.distribution else e.value for e in self.entries
        )
        return f"{self.name!r} is provided by {providers}; uninstall one of them"


@lru_cache(maxsize=8)
def find(group: str) -> dict[str, Found]:
    """The entry points of a group, by name, in name order."""
    by_name: dict[str, list[Entry]] = {}
    for entry in sorted({*(_in_folders(group) if _has_only_folders() else _anywhere(group))}):
        entries = by_name.setdefault(entry.name, [])
        if not any(e.value == entry.value and e.distribution == entry.distribution for e in entries):
            entries.append(entry)
    return {name: Found(name, tuple(entries)) for name, entries in by_name.items()}


def _has_only_folders() -> bool:
    """Whether all that can be imported lies in folders, as Python's own finder reads them."""
    others = (finder for finder in sys.meta_path if finder is not PathFinder)
    return not any(hasattr(finder, "find_distributions") for finder in others) and not any(
        path.endswith(".egg") or os.path.isfile(path) for path in sys.path
    )


def _anywhere(group: str) -> Iterable[Entry]:
    from importlib.metadata import entry_points

    for entry in entry_points(group=group):
        distribution = (entry.dist.name, entry.dist.version) if entry.dist else ()
        yield Entry(entry.name, entry.value, *distribution)


def _in_folders(group: str) -> Iterable[Entry]:
    for folder, text in _entry_points():
        if f"[{group}]" in text:
            distribution = _name_and_version(folder)
            section = ""
            for line in map(str.strip, text.splitlines()):
                if line.startswith("["):
                    section = line.strip("[]")
                elif section == group and line and not line.startswith("#"):
                    name, _, value = line.partition("=")
                    yield Entry(name.strip(), value.strip(), *distribution)


@lru_cache(maxsize=1)
def _entry_points() -> list[tuple[str, str]]:
    """The folder of each distribution that has entry points, and the text of these.

    Of distributions of one name only the first is installed: the others are hidden behind it.
    """
    folders: dict[str, str] = {}
    for path in dict.fromkeys(sys.path):
        for folder in _listed(path or "."):
            stem, extension = os.path.splitext(folder)
            if extension in (".dist-info", ".egg-info"):
                name = stem.partition("-")[0].lower().replace(".", "_")
                folders.setdefault(name, os.path.join(path, folder))
    texts = ((folder, _text(os.path.join(folder, "entry_points.txt"))) for folder in folders.values())
    return [(folder, text) for folder, text in texts if text]


def _name_and_version(folder: str) -> tuple[str, str]:
    """What the distribution of a folder calls itself."""
    metadata = _text(os.path.join(folder, "METADATA")) or _text(os.path.join(folder, "PKG-INFO"))
    headers = dict(line.partition(": ")[::2] for line in metadata.partition("\n\n")[0].splitlines())
    return headers.get("Name", ""), headers.get("Version", "")


def _listed(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:  # what cannot be read is not installed, for any importer
        return []


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:  # as above
        return ""
