"""How plans compute: strict math, and whether regions are compiled by a JIT.

Both are settings of the process, from the environment until they are set, and scopes lie over them. What compiles asks
here; what keeps plans has `plan_settings()` in its keys.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Generic, TypeVar

from chainrule import _context
from chainrule._errors import ArgumentError, nearest

T = TypeVar("T")

STRICT: Final = "CHAINRULE_STRICT_MATH"
JIT: Final = "CHAINRULE_JIT"
_JIT_MODES: Final = ("auto", "always", "off")
_SWITCHES: Final = {"0": False, "1": True}


class Setting(Generic[T]):
    """A setting of the process: what was set, else what an environment variable says, else a default."""

    def __init__(self, variable: str, read: Callable[[str, str], T], default: Callable[[], T]) -> None:
        """Describe it.

        Args:
            variable: the environment variable.
            read: what a text in it means, and the name to call it in an error.
            default: what holds where there is nothing.
        """
        self.variable = variable
        self._read = read
        self._default = default
        self._set: T | None = None
        self._outside: T | None = None

    def value(self) -> T:
        """The value in force, unless a scope says otherwise."""
        if self._set is not None:
            return self._set
        if self._outside is None:
            given = self.given()
            self._outside = self._default() if given is None else given
        return self._outside

    def set(self, value: T | None) -> None:
        """Set it; None goes back to the environment, which is then read again."""
        self._set = value
        self._outside = None
        _context.settings_changed()

    def given(self) -> T | None:
        """What was set, else what the environment says; None if neither does.

        Raises:
            ArgumentError: the environment variable has a wrong value.
        """
        if self._set is not None:
            return self._set
        text = os.environ.get(self.variable, "").strip()
        return self._read(text, self.variable) if text else None

    def origin(self) -> str:
        """Where the value comes from, for reports."""
        if self._set is not None:
            return "set in the program"
        return self.variable if self.given() is not None else "the default"


def _as_switch(text: str, what: str) -> bool:
    if text not in _SWITCHES:
        raise ArgumentError(f"{what}: expected 0 or 1, got {text!r}")
    return _SWITCHES[text]


def _as_jit_mode(mode: Any, what: str) -> str:
    found = {"0": "off", "1": "always"}.get(mode, mode.lower()) if isinstance(mode, str) else mode
    if found not in _JIT_MODES:
        near = nearest(str(mode), _JIT_MODES)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ArgumentError(f"{what}: expected 'auto', 'always' (or '1') or 'off' (or '0'), got {mode!r}{hint}")
    return str(found)


STRICT_MATH: Final = Setting(STRICT, _as_switch, lambda: False)
JIT_MODE: Final = Setting(JIT, _as_jit_mode, lambda: "auto")


_of_process: tuple[int, tuple[bool, str]] = (-1, (False, "auto"))  # since when, and which


def plan_settings() -> tuple[bool, str]:
    """What of the settings in force a plan depends on: a part of the key wherever plans are kept."""
    global _of_process
    context = _context.current()
    strict, jit = context.strict, context.jit
    if strict is None and jit is None:
        if _of_process[0] != _context.epoch:
            _of_process = (_context.epoch, (STRICT_MATH.value(), JIT_MODE.value()))
        return _of_process[1]
    return STRICT_MATH.value() if strict is None else strict, JIT_MODE.value() if jit is None else jit


def strict_math() -> bool:
    """Whether compiled programs compute what eager code does, bit for bit; see `set_strict_math`.

    >>> import chainrule as cr
    >>> with cr.use_strict_math():
    ...     cr.strict_math()
    True
    """
    return plan_settings()[0]


def set_strict_math(strict: bool | None) -> None:
    """Have compiled programs compute exactly what eager code computes, bit for bit.

    By default a compiled program may fuse operations, use another library's `exp` or `sin` (to 4 units in the last
    place) and add up in another order. In strict mode it runs the backend's own kernels one by one, in the order in
    which they are written. Functions that are compiled already are compiled again for the other mode. Passes of plugins
    run in both modes, and can ask `strict_math()`.

    Args:
        strict: whether to; None goes back to `CHAINRULE_STRICT_MATH`, and to False if that is unset.

    Raises:
        ArgumentError: it is none of these.

    >>> import chainrule as cr
    >>> cr.set_strict_math(True)
    >>> cr.set_strict_math(None)
    """
    STRICT_MATH.set(None if strict is None else _checked_switch(strict, "set_strict_math"))


@contextmanager
def use_strict_math(strict: bool = True) -> Iterator[None]:
    """Say the same as `set_strict_math` for the programs that are called in a `with` block.

    Raises:
        ArgumentError: `strict` is no bool.

    >>> import chainrule as cr, numpy as np
    >>> f = cr.function(lambda x: cr.sum(cr.exp(x) * 2.0))
    >>> x = np.linspace(0.0, 1.0, 1000)
    >>> with cr.use_strict_math():
    ...     bool(f(x) == np.sum(np.exp(x) * 2.0))
    True
    """
    with _context.scope(strict=_checked_switch(strict, "use_strict_math")):
        yield


def _checked_switch(strict: Any, what: str) -> bool:
    if type(strict) is not bool:
        raise ArgumentError(f"{what}: expected True or False, got {strict!r:.60}")
    return strict


def jit_mode() -> str:
    """When regions of compiled programs are compiled to machine code: 'auto', 'always' or 'off'; see `set_jit`."""
    return plan_settings()[1]


def set_jit(mode: str | None) -> None:
    """Choose when compiled programs are compiled to machine code, which takes `pip install 'chainrule[jit]'`.

    Args:
        mode: 'auto': where the JIT is installed; 'always': an error where it is not, and compiles what takes long to
            compile too; 'off': never. None goes back to `CHAINRULE_JIT`, and to 'auto' if that is unset.

    Raises:
        ArgumentError: it is none of these.

    >>> import chainrule as cr
    >>> cr.set_jit("off")
    >>> cr.jit_mode()
    'off'
    >>> cr.set_jit(None)
    """
    JIT_MODE.set(None if mode is None else _as_jit_mode(mode, "set_jit"))


@contextmanager
def use_jit(mode: str) -> Iterator[None]:
    """Say the same as `set_jit` for the programs that are called in a `with` block.

    Raises:
        ArgumentError: there is no such mode.

    >>> import chainrule as cr
    >>> with cr.use_jit("off"):
    ...     cr.jit_mode()
    'off'
    """
    with _context.scope(jit=_as_jit_mode(mode, "use_jit")):
        yield
