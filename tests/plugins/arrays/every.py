"""The samples of all plugins: what the `samples.py` of each folder beside this one has."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from .samples import Row, samples_of

_FOLDERS = sorted(file.parent.name for file in Path(__file__).parents[1].glob("*/samples.py"))
_PLUGINS = __name__.rsplit(".", 2)[0]

ROWS: dict[str, Row] = {
    name: row for folder in _FOLDERS for name, row in import_module(f"{_PLUGINS}.{folder}.samples").ROWS.items()
}
EVERY = samples_of(ROWS)
