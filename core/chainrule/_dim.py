"""`Dim`: a length that is not known yet, with an identity and arithmetic of its own.

A length is kept as a polynomial over atoms, so that what is certainly equal compares equal: `2 * n // 2` is `n`. What
no polynomial can say (a remainder, a quotient that does not come out even) becomes an atom itself.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from chainrule._errors import UnknownSizeError

if TYPE_CHECKING:
    from chainrule._tensor import Tensor

Monomial = tuple["Atom", ...]
_new_serial = itertools.count(1).__next__


class Atom:
    """A quantity that polynomials are made of: an unknown length, or an operation on two sizes."""

    __slots__ = ("args", "kind", "serial")
    _known: Final[dict[tuple[Any, ...], Atom]] = {}

    def __init__(self, kind: str = "", args: tuple[Any, ...] = ()) -> None:
        self.kind = kind
        self.args = args
        self.serial = _new_serial()

    @classmethod
    def of(cls, kind: str, *args: Any) -> Atom:
        """The one atom for this operation on these sizes."""
        key = (kind, *args)
        return cls._known.get(key) or cls._known.setdefault(key, cls(kind, args))


_OPERATIONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "truediv": operator.truediv,
    "broadcast": lambda a, b: b if a == 1 else a,
}


class Dim:
    """A size that is not known yet. It prints as None and equals None, and every size that is certainly the same.

    Sums, differences, products and quotients of sizes are sizes. What needs the number itself (`range(n)`, `n > 3`,
    `if n`) raises `UnknownSizeError`; it is known when the program runs.
    """

    __slots__ = ("_terms",)
    _terms: tuple[tuple[Monomial, Any], ...]

    def __init__(self, terms: tuple[tuple[Monomial, Any], ...] | None = None) -> None:
        self._terms = (((Atom(),), 1),) if terms is None else terms

    @property
    def is_float(self) -> bool:
        """Whether it is a number with a fraction, as a quotient of sizes is."""
        return any(
            isinstance(factor, float) or any(atom.kind == "truediv" for atom in monomial)
            for monomial, factor in self._terms
        )

    @property
    def is_atom(self) -> bool:
        """Whether it is one unknown length and nothing computed from others."""
        return len(self._terms) == 1 and self._terms[0][1] == 1 and [a.kind for a in self._terms[0][0]] == [""]

    def evaluate(self, known: Mapping[Dim, int]) -> Any:
        """Its value, given those of unknown lengths; a `Dim` while some of them are not known."""
        total: Any = 0
        for monomial, factor in self._terms:
            for atom in monomial:
                factor = factor * _atom_value(atom, known)
            total = total + factor
        return total

    def __eq__(self, other: object) -> bool:
        return other is None or (type(other) is Dim and self._terms == other._terms)

    def __hash__(self) -> int:
        return hash(self._terms)

    def __repr__(self) -> str:
        return "None"

    def __add__(self, other: Any) -> Any:
        return _made([*self._terms, *_terms(other)]) if _is_size(other) else NotImplemented

    def __mul__(self, other: Any) -> Any:
        if not _is_size(other):
            return NotImplemented
        return _made([(_joined(m, n), a * b) for m, a in self._terms for n, b in _terms(other)])

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + -other if _is_size(other) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return -self + other if _is_size(other) else NotImplemented

    __radd__ = __add__
    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        return _divided("floordiv", self, other) if _is_size(other) else NotImplemented

    def __rfloordiv__(self, other: Any) -> Any:
        return _divided("floordiv", other, self) if _is_size(other) else NotImplemented

    def __mod__(self, other: Any) -> Any:
        if not _is_size(other):
            return NotImplemented
        return 0 if _quotient(self, other) is not None else _made([((Atom.of("mod", self, other),), 1)])

    def __rmod__(self, other: Any) -> Any:
        return _made([((Atom.of("mod", other, self),), 1)]) if _is_size(other) else NotImplemented

    def __truediv__(self, other: Any) -> Any:
        return _divided("truediv", self, other) if _is_size(other) else NotImplemented

    def __rtruediv__(self, other: Any) -> Any:
        return _divided("truediv", other, self) if _is_size(other) else NotImplemented

    def _refuse(self, *_: Any) -> Any:
        raise UnknownSizeError(
            "a size that is not known yet was used as a number; it is known when the program runs. Give the "
            "placeholder a full shape, or compute with the size (n + 1, 2 * n, n // 2) instead of looking at it"
        )

    def __chainrule_tensor__(self) -> Tensor:
        from chainrule._graph import size_tensor

        return size_tensor(self)

    __bool__ = __index__ = __int__ = __float__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse


class PossibleDim(Dim):
    """An unknown length that equals whatever it may turn out to be, but for 0 and 1, which rules treat apart."""

    __slots__ = ()

    @classmethod
    def of(cls, dim: Dim) -> PossibleDim:
        """This length, in doubt."""
        return cls(dim._terms)

    @property
    def certain(self) -> Dim:
        """The length itself."""
        return Dim(self._terms)

    def __eq__(self, other: object) -> bool:
        return (type(other) is int and other > 1) or other is None or isinstance(other, Dim)

    __hash__ = Dim.__hash__


def broadcast_dim(a: Any, b: Any) -> Any:
    """The length that two lengths broadcast to, one of them at least a `Dim`, where neither is known to be 1."""
    return a if a == b and a is not None else _made([((Atom.of("broadcast", a, b),), 1)])


def resolve(value: Any, known: Mapping[Dim, int]) -> Any:
    """A value of an attribute, nested tuples among them, with the sizes in it that are known put in."""
    if type(value) is Dim:
        return value.evaluate(known)
    if type(value) is tuple:
        return tuple([resolve(part, known) for part in value])
    return value


def atoms(value: Any) -> list[Dim]:
    """The unknown lengths that a value of an attribute depends on."""
    if type(value) is tuple:
        return [atom for part in value for atom in atoms(part)]
    if not isinstance(value, Dim):
        return []
    found = []
    for monomial, _ in value._terms:
        for atom in monomial:
            found += [Dim((((atom,), 1),))] if not atom.kind else [d for arg in atom.args for d in atoms(arg)]
    return found


def has_dim(value: Any) -> bool:
    """Whether there is an unknown size in a value of an attribute."""
    return isinstance(value, Dim) or (type(value) is tuple and any(map(has_dim, value)))


def _is_size(value: Any) -> bool:
    return type(value) in (int, float) or isinstance(value, Dim)


def _is_float(value: Any) -> bool:
    return value.is_float if isinstance(value, Dim) else type(value) is float


def _terms(value: Any) -> tuple[tuple[Monomial, Any], ...]:
    return value._terms if isinstance(value, Dim) else (((), value),)


def _joined(a: Monomial, b: Monomial) -> Monomial:
    return tuple(sorted(a + b, key=lambda atom: atom.serial))


def _made(terms: list[tuple[Monomial, Any]]) -> Any:
    """The polynomial with these terms: a number where no unknown is left."""
    total: dict[Monomial, Any] = {}
    for monomial, factor in terms:
        total[monomial] = total.get(monomial, 0) + factor
    kept = sorted(((m, f) for m, f in total.items() if f != 0), key=lambda term: [atom.serial for atom in term[0]])
    if not kept:
        return 0
    if len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    return Dim(tuple(kept))


def _quotient(a: Any, b: Any) -> Any:
    """`a / b` where that comes out even for every value of the unknowns, else None."""
    if b == 0:
        raise ZeroDivisionError("a size that is not known yet was divided by 0")
    if len(_terms(b)) != 1 or _is_float(a) or _is_float(b):
        return None
    ((divisor, by),) = _terms(b)
    parts = []
    for monomial, factor in _terms(a):
        rest = list(monomial)
        for atom in divisor:
            if atom not in rest:
                return None
            rest.remove(atom)
        if factor % by:
            return None
        parts.append((tuple(rest), factor // by))
    return _made(parts)


def _divided(kind: str, a: Any, b: Any) -> Any:
    even = _quotient(a, b)
    if even is None:
        return _made([((Atom.of(kind, a, b),), 1)])
    return even * 1.0 if kind == "truediv" else even


def _atom_value(atom: Atom, known: Mapping[Dim, int]) -> Any:
    if not atom.kind:
        dim = Dim((((atom,), 1),))
        return known.get(dim, dim)
    a, b = (resolve(arg, known) for arg in atom.args)
    if type(a) is Dim or type(b) is Dim:
        return Dim((((Atom.of(atom.kind, a, b),), 1),))
    return _OPERATIONS[atom.kind](a, b)
