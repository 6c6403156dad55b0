"""How a region's space is walked through: axes that all arrays see alike are one, and how far apart elements lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

Steps = tuple[int, ...]


class Place(NamedTuple):
    """Where an array's elements are, for a space.

    Attributes:
        start: the element that belongs to the space's first.
        steps: how many elements further the next one is, for each axis of the space; 0 where it is the same.
    """

    start: int
    steps: Steps


def contiguous(shape: Sequence[int]) -> Steps:
    """The steps of an array whose elements lie one after the other."""
    steps, step = [], 1
    for n in reversed(shape):
        steps.append(step)
        step *= n
    return tuple(reversed(steps))


def broadcast(shape: Sequence[int], space: Sequence[int]) -> Place:
    """Where an array of a smaller shape lies, repeated over a space."""
    lead = len(space) - len(shape)
    own = contiguous(shape)
    return Place(0, (0,) * lead + tuple(0 if n == 1 else step for n, step in zip(shape, own, strict=True)))


def reduced(space: Sequence[int], axes: Iterable[int]) -> Place:
    """Where the result of a reduction lies: it has the space's axes but for these."""
    gone = set(axes)
    steps, step = [], 1
    for axis in reversed(range(len(space))):
        steps.append(0 if axis in gone or space[axis] == 1 else step)
        step *= 1 if axis in gone else space[axis]
    return Place(0, tuple(reversed(steps)))


def sliced(key: Sequence[object], space: Sequence[int], shape: Sequence[int]) -> Place | None:
    """Where a space lies in an array at an index of integers and slices; None for one of another kind."""
    parts = list(key)
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        parts[at : at + 1] = [(None, None, None)] * (len(shape) - len(parts) + 1)
    parts += [(None, None, None)] * (len(shape) - len(parts))
    start, steps = 0, []
    for part, n, step in zip(parts, shape, contiguous(shape), strict=True):
        if isinstance(part, int):
            start += (part + n if part < 0 else part) * step
        elif isinstance(part, tuple) and part[2] in (None, 1):
            start += slice(*part).indices(n)[0] * step
            steps.append(step)
        else:
            return None
    return Place(start, tuple(steps)) if len(steps) == len(space) else None


class Layout:
    """A space with as few axes as its arrays allow.

    Attributes:
        lengths: the length of each axis; the last one is the one that vectors lie along.
    """

    def __init__(self, space: Sequence[int], places: Iterable[Place], with_rows: bool) -> None:
        """Find what can be one axis.

        Args:
            space: the space.
            places: where arrays lie in it.
            with_rows: whether there is to be an axis before the last one even if that has length 1.
        """
        steps = [place.steps for place in places]
        groups: list[list[int]] = []
        for axis, n in enumerate(space):
            if n == 1:
                continue
            last = groups[-1][-1] if groups else None
            if last is not None and all(s[last] == n * s[axis] for s in steps):
                groups[-1].append(axis)
            else:
                groups.append([axis])
        self._groups = groups or [[len(space) - 1]] if space else groups
        lengths = [1] * len(self._groups)
        for i, group in enumerate(self._groups):
            for axis in group:
                lengths[i] *= space[axis]
        self._rows = with_rows and len(lengths) == 1
        self.lengths = (1, *lengths) if self._rows else tuple(lengths)

    def steps(self, place: Place) -> Steps:
        """The steps of an array along the axes that there are now."""
        steps = tuple(place.steps[group[-1]] for group in self._groups)
        return (0, *steps) if self._rows else steps

    def axes(self, axes: Iterable[int]) -> frozenset[int]:
        """Which axes of those that there are now these are."""
        chosen = set(axes)
        return frozenset(i + self._rows for i, group in enumerate(self._groups) if group[-1] in chosen)
