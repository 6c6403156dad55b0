"""What a checkpoint says of itself, without the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chainrule import Spec


@dataclass(frozen=True)
class Checkpoint:
    """What `cr.inspect_checkpoint` finds; printed, it is a table.

    Attributes:
        path: the file.
        format: the version of its format.
        version: the version of chainrule that wrote it.
        metadata: the strings that were saved with it.
        arrays: the shape and dtype of each array, by name.
        objects: the names of what has state of its own, as optimizers do; their arrays' names start with these.
    """

    path: Path
    format: int
    version: str
    metadata: Mapping[str, str]
    arrays: Mapping[str, Spec]
    objects: tuple[str, ...]

    def __str__(self) -> str:
        names = [*self.arrays, *(f"[{key}]" for key in self.metadata)]
        width = max(map(len, names), default=0)
        return "\n".join(
            [
                f"{self.path}: format {self.format}, written by chainrule {self.version}",
                *(f"  {name:{width}}  {spec.dtype} {spec.shape}" for name, spec in self.arrays.items()),
                *(f"  {f'[{key}]':{width}}  {text}" for key, text in self.metadata.items()),
            ]
        )
