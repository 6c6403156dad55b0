"""Products of matrices and tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule import ArgumentError, ShapeError, Tensor, as_tensor, composite, fronts, infer, op, ops
from chainrule_arrays._shapes import matrix_transpose, permute_dims, reshape


def _matmul_spec(a: Any, b: Any) -> Any:
    dtype = infer.result_dtype(a, b)
    if a.shape is None or b.shape is None:
        return infer.Spec(None, dtype)
    if not a.shape or not b.shape:
        raise ShapeError("takes arrays of at least one dimension; multiply scalars with `*`")
    rows, inner_a = ((), a.shape[-1]) if len(a.shape) == 1 else (a.shape[-2:-1], a.shape[-1])
    inner_b, columns = (b.shape[-1], ()) if len(b.shape) == 1 else (b.shape[-2], b.shape[-1:])
    if inner_a != inner_b and None not in (inner_a, inner_b):
        raise ShapeError(f"shapes {a.shape} and {b.shape} do not multiply: {inner_a} columns against {inner_b} rows")
    batch = infer.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    assert batch is not None
    return infer.Spec((*batch, *rows, *columns), dtype)


def _matmul_left(g: Any, _y: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return g * b if a.ndim == 1 else g[..., None] * b
    if a.ndim == 1:
        return matmul(b, g[..., None])[..., 0]
    return matmul(g, matrix_transpose(b))


def _matmul_right(g: Any, _y: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return g * a if b.ndim == 1 else a[:, None] * g[..., None, :]
    if b.ndim == 1:
        return matmul(matrix_transpose(a), g[..., None])[..., 0]
    return matmul(matrix_transpose(a), g)


@op(
    infer=_matmul_spec,
    gradient=(
        lambda g, _y, _a, b: _matmul_left(g, _y, _a, b),
        lambda g, _y, a, _b: _matmul_right(g, _y, a, _b),
    ),
    broadcasts=True,
    linear="each",
)
def matmul(xp: Any, a: Any, b: Any, /) -> Any:
    """The matrix product, over stacks of matrices that broadcast; one-dimensional arrays are a row and a column.

    Args:
        a: shape `(..., m, k)` or `(k,)`.
        b: shape `(..., k, n)` or `(k,)`.

    Derivatives: `g @ b.T` and `a.T @ g`.

    >>> import chainrule as cr
    >>> cr.matmul(cr.tensor([[1.0, 2.0]]), cr.tensor([[3.0], [4.0]]))
    Tensor([[11.]], float64)
    """
    return xp.matmul(a, b)


@composite
def add_product(x: Any, a: Any, b: Any, /, factor: float = 1.0) -> Any:
    """`x + factor * (a @ b)`: what an update of weights by gradient descent is made of.

    Compiled programs write it themselves where the backend has a kernel that adds as it multiplies.

    Args:
        x: shape `(m, n)`.
        a: shape `(m, k)`.
        b: shape `(k, n)`.
        factor: a real number.

    Derivatives: `g`, `factor * g @ b.T` and `factor * a.T @ g`.

    >>> import chainrule as cr
    >>> cr.add_product(cr.tensor([[1.0]]), cr.tensor([[2.0, 3.0]]), cr.tensor([[4.0], [5.0]]), factor=-1.0)
    Tensor([[-22.]], float64)
    """
    return x + factor * matmul(a, b)


def dot(a: Any, b: Any) -> Tensor:
    """NumPy's `dot`: the matrix product, the product with a scalar, and over the last axis of `a` otherwise."""
    a, b = as_tensor(a), as_tensor(b)
    if not a.ndim or not b.ndim:
        return a * b
    if b.ndim <= 2:
        return a @ b
    return tensordot(a, b, axes=((a.ndim - 1,), (b.ndim - 2,)))


def outer(a: Any, b: Any) -> Tensor:
    """The products of each element of one vector with each of another."""
    result: Tensor = reshape(a, shape=(-1, 1)) * reshape(b, shape=(1, -1))
    return result


def inner(a: Any, b: Any) -> Tensor:
    """The sums of products over the last axes."""
    a, b = as_tensor(a), as_tensor(b)
    if not a.ndim or not b.ndim:
        return a * b
    return tensordot(a, b, axes=((a.ndim - 1,), (b.ndim - 1,)))


def vecdot(a: Any, b: Any, axis: int = -1) -> Tensor:
    """The sum of products along an axis of two arrays that broadcast, `a` conjugated.

    Raises:
        ShapeError: the axis, counted from the end, is not as long in both.
    """
    a, b = as_tensor(a), as_tensor(b)
    if axis < 0 and a.shape is not None and b.shape is not None:
        m, n = (x.shape[axis] if -axis <= x.ndim else None for x in (a, b))
        if m is None or n is None or (m != n and isinstance(m, int) and isinstance(n, int)):
            raise ShapeError(f"vecdot: axis {axis} of shapes {a.shape} and {b.shape} is not as long in both")
    products = ops.conj(a) * b
    result: Tensor = ops.sum(products, axis=axis, dtype=None if products.dtype.is_inexact else products.dtype)
    return result


def kron(a: Any, b: Any) -> Tensor:
    """The Kronecker product: each element of `a` times all of `b`, block by block.

    The one with fewer axes gets new ones in front.
    """
    a, b = as_tensor(a), as_tensor(b)
    ndim = max(a.ndim, b.ndim)
    left, right = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    blocks = reshape(a, shape=tuple(n for m in left for n in (m, 1)))
    block = reshape(b, shape=tuple(n for m in right for n in (1, m)))
    result: Tensor = reshape(blocks * block, shape=tuple(m * n for m, n in zip(left, right, strict=True)))
    return result


Axes = tuple[tuple[int, ...], tuple[int, ...]]


def _tensordot_spec(a: Any, b: Any, pairs: Axes) -> Any:
    dtype = infer.result_dtype(a, b)
    if a.shape is None or b.shape is None:
        return infer.Spec(None, dtype)
    left, right = pairs
    for i, j in zip(left, right, strict=True):
        if a.shape[i] != b.shape[j] and None not in (a.shape[i], b.shape[j]):
            raise ShapeError(f"axis {i} of shape {a.shape} and axis {j} of shape {b.shape} differ in length")
    free = [n for i, n in enumerate(a.shape) if i not in left] + [n for j, n in enumerate(b.shape) if j not in right]
    return infer.Spec(tuple(free), dtype)


def _tensordot_left(g: Any, _y: Any, _a: Any, b: Any, pairs: Axes) -> Any:
    """The cotangent contracted with `b` over what `b` kept, its axes put back where `a` has them."""
    left, right = pairs
    kept_a = [i for i in range(len(_a.shape)) if i not in left]
    kept_b = [j for j in range(b.ndim) if j not in right]
    part = tensordot(g, b, axes=(tuple(range(len(kept_a), g.ndim)), tuple(kept_b)))
    # The remaining axes of b come in their own order; each belongs to its partner in a.
    order = kept_a + [left[right.index(j)] for j in sorted(right)]
    return permute_dims(part, axes=tuple(order.index(i) for i in range(len(_a.shape))))


def _tensordot_right(g: Any, _y: Any, a: Any, _b: Any, pairs: Axes) -> Any:
    left, right = pairs
    kept_a = [i for i in range(a.ndim) if i not in left]
    kept_b = [j for j in range(len(_b.shape)) if j not in right]
    part = tensordot(a, g, axes=(tuple(kept_a), tuple(range(len(kept_a)))))
    order = [right[left.index(i)] for i in sorted(left)] + kept_b
    return permute_dims(part, axes=tuple(order.index(j) for j in range(len(_b.shape))))


@op(
    infer=_tensordot_spec,
    gradient=(
        lambda g, _y, _a, b, pairs: _tensordot_left(g, _y, _a, b, pairs),
        lambda g, _y, a, _b, pairs: _tensordot_right(g, _y, a, _b, pairs),
    ),
    name="tensordot",
    linear="each",
)
def _tensordot(xp: Any, a: Any, b: Any, /, pairs: Axes) -> Any:
    return xp.tensordot(a, b, axes=pairs)


@fronts(_tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    """The sum of products over pairs of axes.

    Args:
        a: an array.
        b: an array.
        axes: how many last axes of `a` to pair with the first of `b`, or two sequences of axes.

    Returns:
        The axes of `a` that are left, then those of `b`.

    >>> import chainrule as cr
    >>> cr.tensordot(cr.tensor([[1.0, 2.0]]), cr.tensor([3.0, 4.0]), axes=1)
    Tensor([11.], float64)
    """
    a, b = as_tensor(a), as_tensor(b)
    if isinstance(axes, int):
        left: Any = range(a.ndim - axes, a.ndim)
        right: Any = range(axes)
    else:
        left, right = ((x,) if isinstance(x, int) else x for x in axes)
    left, right = infer.as_axes(tuple(left), a.ndim), infer.as_axes(tuple(right), b.ndim)
    if len(left) != len(right):
        raise ArgumentError(f"tensordot: {len(left)} axes of the first array for {len(right)} of the second")
    result: Tensor = _tensordot(a, b, pairs=(left, right))
    return result


def _einsum_spec(*specs: Any, subscripts: str) -> Any:
    inputs, output = _parsed(subscripts)
    lengths: dict[str, Any] = {}
    for letters, spec in zip(inputs, specs, strict=True):
        shape = (None,) * len(letters) if spec.shape is None else spec.shape
        if len(letters) != len(shape):
            raise ShapeError(f"subscripts {letters!r} for shape {shape}")
        for letter, n in zip(letters, shape, strict=True):
            have = lengths.get(letter, (1,))
            try:
                lengths[letter] = infer.broadcast_shapes(have, (n,))
            except ShapeError:
                raise ShapeError(f"index {letter!r} has lengths {have[0]} and {n}") from None
    return infer.Spec(tuple(lengths[letter][0] for letter in output), infer.result_dtype(*specs))


def _parsed(subscripts: str) -> tuple[list[str], str]:
    inputs, _, output = subscripts.partition("->")
    return inputs.split(","), output


def _einsum_gradient(g: Any, _y: Any, *operands: Any, subscripts: str) -> list[Any]:
    return [_einsum_part(g, i, operands, subscripts) for i in range(len(operands))]


def _einsum_part(g: Any, i: int, operands: tuple[Any, ...], subscripts: str) -> Any:
    """The cotangent of one operand: the others and `g`, summed to its indices.

    An index of which nothing else has the length is spread by a vector of ones; a repeated one, a diagonal, by an
    identity.
    """
    from string import ascii_letters  # imports more than it seems

    inputs, output = _parsed(subscripts)
    x = operands[i]
    if not x.dtype.is_inexact:
        return None
    others = [other for j, other in enumerate(operands) if j != i]
    terms = [output, *(term for j, term in enumerate(inputs) if j != i)]
    arrays = [g, *others]
    unused = [letter for letter in ascii_letters if letter not in subscripts]
    target = ""
    for axis, letter in enumerate(inputs[i]):
        n = x.shape[axis]
        if letter in target:
            fresh = unused.pop()
            terms.append(letter + fresh)
            arrays.append(ops.tril(ops.triu(ops.ones_like(g, shape=(n, n)))))
            letter = fresh
        elif n not in [a.shape[term.index(letter)] for term, a in zip(terms, arrays, strict=True) if letter in term]:
            terms.append(letter)
            arrays.append(ops.ones_like(g, shape=(n,)))
        target += letter
    return _einsum(*arrays, subscripts=f"{','.join(terms)}->{target}")


@op(infer=_einsum_spec, gradient=_einsum_gradient, name="einsum", broadcasts=True, linear="each")
def _einsum(xp: Any, /, *operands: Any, subscripts: str) -> Any:
    inputs, output = _parsed(subscripts)
    letters = output + "".join(sorted(set("".join(inputs)) - set(output)))
    product: Any = None
    for term, x in zip(inputs, operands, strict=True):
        product = _aligned(xp, x, term, letters) if product is None else product * _aligned(xp, x, term, letters)
    axes = tuple(range(len(output), len(letters)))
    return xp.sum(product, axis=axes) if axes else product


def _aligned(xp: Any, x: Any, term: str, letters: str) -> Any:
    """An operand with an axis for each letter, of length 1 where it lacks it; diagonals taken of repeated letters."""
    seen = ""
    for letter in term:
        if letter in seen:
            first, second = len(seen) - 1 - seen[::-1].index(letter), len(seen)
            n = x.shape[first]
            index = xp.arange(n, device=getattr(x, "device", None))
            match = xp.reshape(index, (n, 1)) == xp.reshape(index, (1, n))
            shape = [1] * x.ndim
            shape[first] = shape[second] = n
            diagonal = xp.sum(xp.where(xp.reshape(match, tuple(shape)), x, xp.zeros_like(x)), axis=second)
            x = xp.astype(diagonal, x.dtype)  # a sum of integers has a wider one
        else:
            seen += letter
    order = sorted(range(len(seen)), key=lambda i: letters.index(seen[i]))
    x = xp.permute_dims(x, tuple(order))
    have = iter(x.shape)
    return xp.reshape(x, tuple(next(have) if letter in seen else 1 for letter in letters))


@fronts(_einsum)
def einsum(subscripts: str, *operands: Any) -> Tensor:
    """Sums of products by Einstein's convention.

    Derivative: of each operand, the sum of products of `g` with the others that leaves its indices.

    Args:
        subscripts: indices of the operands and, after `->`, of the result; without it, those that occur once, sorted.
            `...` stands for axes that broadcast.
        operands: the arrays.

    >>> import chainrule as cr
    >>> cr.einsum("ij,j->i", cr.tensor([[1.0, 2.0]]), cr.tensor([3.0, 4.0]))
    Tensor([11.], float64)
    """
    tensors = [as_tensor(x) for x in operands]
    result: Tensor = _einsum(*tensors, subscripts=_explicit(subscripts, [t.ndim for t in tensors]))
    return result


def _explicit(subscripts: str, ndims: Sequence[int]) -> str:
    """Subscripts with the result's indices and letters for ellipses written out."""
    from string import ascii_letters

    text = subscripts.replace(" ", "")
    left, arrow, output = text.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ndims):
        raise ArgumentError(f"einsum: {subscripts!r} has {len(inputs)} terms for {len(ndims)} operands")
    spare = [letter for letter in ascii_letters if letter not in text]
    widths = [n - len(term.replace("...", "")) for term, n in zip(inputs, ndims, strict=True)]
    for term, width, n in zip(inputs, widths, ndims, strict=True):
        if (
            width < 0
            or (width and "..." not in term)
            or (not term.replace("...", "").isalpha() and term not in ("", "..."))
        ):
            raise ShapeError(f"einsum: term {term!r} of {subscripts!r} does not fit an operand of {n} dimensions")
    dots = "".join(spare[: max((w for w, t in zip(widths, inputs, strict=True) if "..." in t), default=0)])
    inputs = [t.replace("...", dots[len(dots) - w :]) for t, w in zip(inputs, widths, strict=True)]
    if not arrow:
        joined = "".join(inputs)
        output = dots + "".join(sorted(c for c in set(joined) - set(dots) if joined.count(c) == 1))
    else:
        output = output.replace("...", dots)
    unknown = set(output) - set("".join(inputs))
    if unknown or len(set(output)) < len(output):
        raise ArgumentError(f"einsum: the result's indices in {subscripts!r} are repeated or in no operand")
    return f"{','.join(inputs)}->{output}"
