"""What can be wrong with a gradient that somebody wrote, and how to say it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import chainrule as cr
from chainrule import ChainruleError, IndexedSlices, Tensor, as_tensor

_DIGITS = {16: 3, 32: 7, 64: 16}
_ALIKE = 1e-3  # how far from a multiple of the right gradient something still is one, relatively


class GradientCheckWarning(RuntimeWarning):
    """What `cr.checked` found to be wrong, where it is to warn and not to raise `cr.GradientCheckError`."""


class Slope(NamedTuple):
    """How fast a function grows along a direction: by a gradient, and by differences give or take an error."""

    claimed: float
    measured: float
    error: float


def faults_of_form(gradient: Any, like: Tensor) -> tuple[Tensor | None, list[str]]:
    """A gradient with respect to `like` as a tensor, and what is wrong with it whatever its values should be."""
    if gradient is None:
        return None, ["it is None; does the function forget to return the gradient?"]
    try:
        found = gradient.to_dense() if type(gradient) is IndexedSlices else as_tensor(gradient, like.backend)
    except (ChainruleError, TypeError, ValueError) as error:
        return None, [f"it is no array of numbers: {error}"]
    faults = []
    kind, wanted = found.dtype.kind, like.dtype
    if kind == "complex" and wanted.kind != "complex":
        largest = float(cr.max(cr.abs(cr.imag(found)))) if found.size else 0.0
        faults.append(f"it is {found.dtype}, imaginary parts up to {largest:.3g}, for {wanted}: return its real part")
    elif kind not in ("float", "complex"):
        faults.append(f"it is {found.dtype}, for {wanted}: return floating-point numbers")
    elif wanted.is_inexact and found.dtype.bits < wanted.bits and type(gradient) not in (float, complex, list, tuple):
        digits = _DIGITS.get(found.dtype.bits, "few")
        faults.append(f"it is {found.dtype}, of {digits} digits, for {wanted}: compute in {wanted}")
    if found.shape != like.shape:
        faults.append(f"it has shape {found.shape}, expected {like.shape}{_shape_hint(found, like)}")
    if found.dtype.is_inexact:
        bad = (~cr.isfinite(cr.reshape(found, (-1,)))).tolist()
        if any(bad):
            where = _place(found.shape, bad.index(True))
            faults.append(f"{sum(bad)} of {found.size} elements are NaN or infinite, the first is {where}")
    return found, faults


def _shape_hint(found: Tensor, like: Tensor) -> str:
    if found.size != like.size:
        return f": {found.size} elements for {like.size}"
    names: dict[tuple[int, ...], str] = {(like.size, 1): ", a column vector", (1, like.size): ", a row vector"}
    return f"{names.get(found.shape, '')}: reshape it to {like.shape}"


def fault_of_values(
    claimed: Sequence[Tensor], right: Sequence[Tensor], names: Sequence[str], rtol: float, atol: float
) -> str | None:
    """What is wrong with the values of a gradient, of which the right one is known; None if nothing is."""
    a, b = _vector(claimed), _vector(right)
    if not a.size:
        return None
    epsilon = max(2.0 ** -_mantissa(tensor) for tensor in right)
    # Rounding of the largest elements reaches the others where they were computed together.
    allowed = atol + rtol * cr.abs(b) + 100 * epsilon * cr.max(cr.abs(b))
    excess = cr.abs(a - b) - allowed
    wrong = int(cr.sum(cr.astype(excess > 0, "int64")))
    if not wrong:
        return None
    of_all = _multiple([float(cr.sum(a * b))], [float(cr.sum(b * b))])
    if of_all is not None and float(cr.max(cr.abs(a - of_all * b))) <= _ALIKE * float(cr.max(cr.abs(a))):
        return _as_multiple(of_all)
    worst = int(cr.argmax(excess))
    return (
        f"{wrong} of {a.size} elements differ, most of all {_element(claimed, names, worst)}: expected "
        f"{float(b[worst]):.8g}, got {float(a[worst]):.8g}"
    )


def fault_of_slopes(slopes: Sequence[Slope], rtol: float, atol: float) -> str | None:
    """What is wrong with the slopes of a gradient along some directions; None if nothing is."""
    wrong = [
        slope
        for slope in slopes
        if not abs(slope.claimed - slope.measured)
        <= atol + rtol * max(abs(slope.claimed), abs(slope.measured)) + slope.error
    ]
    if not wrong:
        return None
    clear = [slope for slope in slopes if abs(slope.measured) > 100 * slope.error + atol]
    multiple = _multiple([slope.claimed for slope in clear], [slope.measured for slope in clear])
    if multiple is not None and len(clear) > 1:
        return _as_multiple(multiple)
    worst = max(wrong, key=lambda slope: abs(slope.claimed - slope.measured))
    return (
        f"{len(wrong)} of {len(slopes)} slopes differ, most of all: expected {worst.measured:.8g}, got "
        f"{worst.claimed:.8g}"
    )


def _multiple(claimed: Sequence[float], right: Sequence[float]) -> float | None:
    """The one factor between two lists of numbers."""
    if not right or any(b == 0.0 for b in right):
        return None
    factors = [a / b for a, b in zip(claimed, right, strict=True)]
    mean = sum(factors) / len(factors)
    return mean if all(abs(factor - mean) <= _ALIKE * abs(mean) for factor in factors) else None


def _as_multiple(factor: float) -> str:
    if factor == 0.0:
        return "it is zero"
    if abs(factor + 1.0) <= _ALIKE:
        return "it has the wrong sign"
    sign = " and the wrong sign" if factor < 0 else ""
    return f"it has the wrong scale{sign}: it is {factor:.4g} times what it should be"


def _vector(tensors: Sequence[Tensor]) -> Tensor:
    """All elements in one row of float64, real parts before imaginary ones."""
    parts: list[Tensor] = []
    for tensor in tensors:
        flat = cr.reshape(tensor, (-1,))
        halves = [cr.real(flat), cr.imag(flat)] if tensor.dtype.kind == "complex" else [flat]
        parts.extend(cr.astype(half, "float64") for half in halves)
    row: Tensor = cr.concat(parts)
    return row


def _mantissa(tensor: Tensor) -> int:
    """How many binary digits numbers of its dtype have."""
    bits = tensor.dtype.bits // 2 if tensor.dtype.kind == "complex" else tensor.dtype.bits
    return {16: 7, 32: 23, 64: 52}[bits]  # 7: of bfloat16, which has the fewest


def epsilon_of(tensor: Tensor) -> float:
    """How far apart numbers of its dtype are, relatively."""
    return float(2.0 ** -_mantissa(tensor))


def _element(tensors: Sequence[Tensor], names: Sequence[str], position: int) -> str:
    """What an element of the row is called."""
    for tensor, name in zip(tensors, names, strict=True):
        for part in ("real part of ", "imaginary part of ") if tensor.dtype.kind == "complex" else ("",):
            if position < tensor.size:
                return f"{part}{name}{_place(tensor.shape, position)}"
            position -= tensor.size
    raise AssertionError("a position outside of the row")


def _place(shape: tuple[int, ...], position: int) -> str:
    """The index of an element, as it is written."""
    index: list[int] = []
    for n in reversed(shape):
        position, i = divmod(position, n)
        index.insert(0, i)
    return str(index) if index else ""
