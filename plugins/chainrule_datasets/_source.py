"""What is read and who named it, so that every message can say both."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray


@dataclass(frozen=True)
class Source:
    """A file, a folder, or one array of a file."""

    path: Path
    origin: str  # who named it: "from the argument data", ...
    key: str = ""  # which array of the file

    def __str__(self) -> str:
        name = f"array {self.key!r} of {self.path}" if self.key else str(self.path)
        return f"{name} ({self.origin})"

    def fault(self, expected: str, got: str, fix: str) -> str:
        """The message of an error: the place, what should be there, what is there, and what to do."""
        return f"{self}: expected {expected}, got {got}. {fix}."


class Part(NamedTuple):
    """One array of a data set, and where it was read."""

    source: Source
    array: NDArray[Any]
