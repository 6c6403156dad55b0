"""Attention against PyTorch's, and every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr

RNG = np.random.default_rng(5)
MASK = RNG.random((5, 7)) < 0.7
MASK[:, 0] = True


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"scale": 0.3},
        {"causal": True},
        {"mask": MASK},
        {"mask": RNG.normal(size=(5, 7))},
        {"mask": np.broadcast_to(MASK, (2, 1, 5, 7))},
    ],
    ids=["plain", "scale", "causal", "booleans", "numbers", "broadcast"],
)
def test_as_pytorchs(backend: str, how: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; the differential tests compare with it")
    xs = [RNG.normal(size=shape) for shape in ((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6))]
    tensors = [torch.tensor(x, requires_grad=True) for x in xs]
    expected = torch.nn.functional.scaled_dot_product_attention(
        *tensors,
        attn_mask=torch.tensor(how["mask"]) if "mask" in how else None,
        is_causal=how.get("causal", False),
        scale=how.get("scale"),
    )
    y, back = cr.vjp(lambda q, k, v: cr.nn.scaled_dot_product_attention(q, k, v, **how), *map(cr.tensor, xs))
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-11, atol=1e-13)
    g = RNG.normal(size=y.shape)
    for have, want in zip(back(cr.tensor(g)), torch.autograd.grad(expected, tensors, torch.tensor(g)), strict=True):
        np.testing.assert_allclose(have.numpy(), want.numpy(), rtol=1e-10, atol=1e-12)


def test_two_masks_both_count() -> None:
    q = RNG.normal(size=(5, 4))
    both = cr.nn.scaled_dot_product_attention(q, q, q, mask=MASK[:, :5], causal=True)
    one = cr.nn.scaled_dot_product_attention(q, q, q, mask=MASK[:, :5] & np.tri(5, dtype=bool))
    np.testing.assert_allclose(both.numpy(), one.numpy(), rtol=1e-14)


def test_compiled_and_second_order() -> None:
    q, k = RNG.normal(size=(3, 4)), RNG.normal(size=(5, 4))

    def f(q: Any) -> Any:
        return cr.sum(cr.nn.scaled_dot_product_attention(q, k, k) ** 2)

    compiled = cr.function(cr.grad(f))
    np.testing.assert_allclose(compiled(q), cr.grad(f)(q), rtol=1e-12)
    h, v = 1e-5, RNG.normal(size=q.shape)
    want = (cr.grad(f)(q + h * v) - cr.grad(f)(q - h * v)) / (2 * h)
    np.testing.assert_allclose(cr.hvp(f)(q, v), want, rtol=1e-6)


def test_float32_stays() -> None:
    q = RNG.normal(size=(3, 4)).astype("float32")
    assert cr.nn.scaled_dot_product_attention(q, q, q, causal=True).dtype == "float32"


def test_refusals() -> None:
    q, k = np.ones((5, 4)), np.ones((7, 3))
    with pytest.raises(cr.ShapeError, match="features of query and key: expected one number, got 4 and 3"):
        cr.nn.scaled_dot_product_attention(q, k, k)
    with pytest.raises(cr.ShapeError, match="places of key and value: expected one number, got 5 and 7"):
        cr.nn.scaled_dot_product_attention(q, q, k)
    with pytest.raises(cr.ShapeError, match="value: expected at least 2 dimensions"):
        cr.nn.scaled_dot_product_attention(q, q, np.ones(5))
    with pytest.raises(cr.DTypeError, match="key: expected floating-point numbers, got int64"):
        cr.nn.scaled_dot_product_attention(q, q.astype("int64"), q)
