"""Arguments of the command line: what each is read as, and what is said of those that are wrong."""

from __future__ import annotations

from typing import Any

import pytest

import chainrule as cr
from chainrule_draw._arguments import parsed


def spec(dtype: str, shape: Any) -> tuple[str, Any]:
    return dtype, shape


def plain(value: Any) -> Any:
    return spec(str(value.dtype), value.shape) if isinstance(value, cr.Spec) else value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("float32[100,784]", [spec("float32", (100, 784))]),
        ("float32[100, 784], float64[3]", [spec("float32", (100, 784)), spec("float64", (3,))]),
        ("float32[None,784] int64[5]", [spec("float32", (None, 784)), spec("int64", (5,))]),
        ("float32[...]", [spec("float32", None)]),
        ("float32 complex64[]", [spec("float32", ()), spec("complex64", ())]),
        ("float32[3,]", [spec("float32", (3,))]),
        ("3 -0.5 True None", [3, -0.5, True, None]),
        ("'two words, one string' \"it's\"", ["two words, one string", "it's"]),
        ("(1,2),[3, 4]", [(1, 2), [3, 4]]),
    ],
)
def test_positional(text: str, expected: list[Any]) -> None:
    positional, named = parsed(text)
    assert [plain(value) for value in positional] == expected
    assert [type(value) for value in positional if not isinstance(value, cr.Spec)] == [
        type(value) for value in expected if not (isinstance(value, tuple) and isinstance(value[0], str))
    ]
    assert named == {}


def test_named() -> None:
    positional, named = parsed("float32[2] axis=(0,1), w=float64[None]")
    assert len(positional) == 1
    assert {name: plain(value) for name, value in named.items()} == {"axis": (0, 1), "w": spec("float64", (None,))}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flot32[3]", r"--args: 'flot32\[3\]': unknown dtype 'flot32'"),
        ("float32[3", r"--args: brackets or quotes are not closed in 'float32\[3'"),
        ("'text", "--args: brackets or quotes are not closed"),
        ("float32[3,x]", r"--args: 'float32\[3,x\]': lengths are whole numbers, or None"),
        ("float32[-3]", "lengths are whole numbers"),
        ("float32[3,,4]", "lengths are whole numbers"),
        ("1+1", r"--args: '1\+1' is neither a dtype with a shape, such as float32\[100,784\], nor a value"),
        ("n=3 float32[2]", r"--args: float32\[2\] comes after n=...; give it a name too"),
    ],
)
def test_wrong_ones(text: str, message: str) -> None:
    with pytest.raises(cr.ArgumentError, match=message):
        parsed(text)
