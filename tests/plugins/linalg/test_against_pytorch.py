"""Values and first and second derivatives against PyTorch's, of what does not depend on signs and phases of vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

torch = pytest.importorskip("torch", reason="PyTorch is not installed; the differential tests compare with it")
Loss = Callable[[Any, Any], Any]


def _projected(vectors: Any, n: int) -> Any:
    """What projects on the first `n` columns, squared in size, so that it says something of each of them."""
    return abs(vectors[..., :n] @ vectors[..., :n].mT.conj()) ** 2


def _size(x: Any) -> Any:
    """The sum of squares of each matrix."""
    return (abs(x) ** 2).sum((-2, -1))


# Real numbers of a matrix, `f(linalg, a)`, written once for both libraries.
LOSSES: dict[str, Loss] = {
    "solve": lambda la, a: abs(la.solve(a, a.mT)) ** 2,
    "inv": lambda la, a: abs(la.inv(a)) ** 2,
    "det": lambda la, a: abs(la.det(a)) ** 2,
    "slogdet": lambda la, a: la.slogdet(a)[1] ** 2,
    "the sign of slogdet": lambda la, a: abs(la.slogdet(a)[0] + a[..., 0, 0]) ** 2,
    "cholesky": lambda la, a: abs(la.cholesky(a @ a.mT.conj())) ** 3,
    "qr": lambda la, a: abs(la.qr(a)[0]) ** 3 + abs(la.qr(a)[1]) ** 3,
    "eigvalsh": lambda la, a: la.eigvalsh(a + a.mT.conj()) ** 3,
    "eigenvectors": lambda la, a: _projected(la.eigh(a + a.mT.conj())[1], 2),
    "eigvals": lambda la, a: abs(la.eigvals(a)) ** 3,
    "general eigenvectors": lambda la, a: abs(la.eig(a)[1]) ** 3,
    "lu": lambda la, a: abs(la.lu(a)[1]) ** 3 + abs(la.lu(a)[2]) ** 3,
    "lu of a tall matrix": lambda la, a: _size(la.lu(a[..., :2])[1]) + _size(la.lu(a[..., :2])[2]),
    "lu of a wide matrix": lambda la, a: _size(la.lu(a[..., :2, :])[1]) + _size(la.lu(a[..., :2, :])[2]),
    "cond": lambda la, a: la.cond(a) ** 2,
    "cond, smallest over largest": lambda la, a: la.cond(a, -2) ** 2,
    "svdvals": lambda la, a: la.svdvals(a) ** 3,
    "left singular vectors": lambda la, a: _projected(la.svd(a)[0], 2),
    "right singular vectors": lambda la, a: _projected(la.svd(a)[2].mT, 2),
    "pinv": lambda la, a: abs(la.pinv(a)) ** 2,
    "pinv of a part": lambda la, a: abs(la.pinv(a[..., :2])) ** 2,
    "matrix_power": lambda la, a: abs(la.matrix_power(a, 3)) ** 2 + abs(la.matrix_power(a, -2)) ** 2,
    "nuclear norm": lambda la, a: la.matrix_norm(a, ord="nuc") ** 2,
    "spectral norm": lambda la, a: la.matrix_norm(a, ord=2) ** 3,
    "norm of columns": lambda la, a: la.matrix_norm(a, ord=1) ** 2,
    "vector_norm": lambda la, a: la.vector_norm(a, ord=3) ** 2 + la.vector_norm(a) ** 3,
    "cross": lambda la, a: abs(la.cross(a, a[..., [1, 2, 0], :])) ** 2,
    "multi_dot": lambda la, a: abs(la.multi_dot([a[..., 0, :], a.mT, a]) if a.ndim == 2 else a) ** 2,
}


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3)], ids=str)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_derivatives_are_pytorchs(loss: Loss, shape: tuple[int, ...], kind: str) -> None:
    rng = np.random.default_rng(11)
    x, direction = (rng.normal(size=shape) + (1j * rng.normal(size=shape) if kind == "complex" else 0) for _ in "12")

    theirs = torch.tensor(x, requires_grad=True)
    total = loss(torch.linalg, theirs).sum()
    (slope,) = torch.autograd.grad(total, theirs, create_graph=True)
    along = (slope * torch.tensor(direction).conj()).real.sum()
    (curvature,) = torch.autograd.grad(along, theirs)

    def first(a: Any) -> Any:
        return cr.grad(lambda a: cr.sum(loss(cr.linalg, a)))(a)

    def moved(a: Any) -> Any:
        return cr.sum(cr.real(first(a) * np.conj(direction)))

    np.testing.assert_allclose(cr.sum(loss(cr.linalg, cr.tensor(x))).numpy(), total.detach().numpy(), rtol=1e-11)
    for ours, expected in ((first(x), slope.detach()), (cr.grad(moved)(x), curvature)):
        scale = float(expected.abs().max())
        np.testing.assert_allclose(ours, expected.numpy(), rtol=1e-8, atol=1e-9 * max(scale, 1.0))
