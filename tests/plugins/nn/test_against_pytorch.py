"""Values and gradients against PyTorch's, in its formats."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

torch = pytest.importorskip("torch", reason="PyTorch is not installed; the differential tests compare with it")
RNG = np.random.default_rng(2)
SIZES = (7, 6, 5)


def agree(ours: Callable[..., Any], theirs: Callable[..., Any], *xs: Any) -> None:
    """Both give the same for arrays that lie as PyTorch wants them, and the same gradients."""
    tensors = [torch.tensor(x, requires_grad=True) for x in xs]
    expected = theirs(*tensors)
    y, back = cr.vjp(ours, *map(cr.tensor, xs))
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-11, atol=1e-12)
    g = RNG.normal(size=y.shape)
    for have, want in zip(back(cr.tensor(g)), torch.autograd.grad(expected, tensors, torch.tensor(g)), strict=True):
        np.testing.assert_allclose(have.numpy(), want.numpy(), rtol=1e-11, atol=1e-12)


def as_ours(w: Any) -> Any:
    """PyTorch's weights `(results, channels, *window)` as `(*window, channels, results)`."""
    return cr.transpose(w, (*range(2, w.ndim), 1, 0))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_conv(backend: str, n: int) -> None:
    ours, theirs = getattr(cr.nn, f"conv{n}d"), getattr(torch.nn.functional, f"conv{n}d")
    for strides, padding, dilation, groups in itertools.product((1, 2), (0, 1), (1, 2), (1, 2)):
        x, w = RNG.normal(size=(2, 4, *SIZES[:n])), RNG.normal(size=(6, 4 // groups, 3, *(2,) * (n - 1)))
        agree(
            lambda x, w, how=(strides, padding, dilation, groups): ours(x, as_ours(w), *how, "channels_first"),
            lambda x, w, how=(strides, padding, dilation, groups): theirs(x, w, None, *how),
            x,
            w,
        )


@pytest.mark.parametrize("n", [1, 2, 3])
def test_conv_transpose(backend: str, n: int) -> None:
    ours, theirs = getattr(cr.nn, f"conv_transpose{n}d"), getattr(torch.nn.functional, f"conv_transpose{n}d")
    for strides, padding, dilation, more in itertools.product((1, 3), (0, 1), (1, 2), (0, 1)):
        if more >= strides:
            continue
        x, w = RNG.normal(size=(2, 3, *SIZES[:n])), RNG.normal(size=(3, 4, *(2,) * n))
        size = tuple((m - 1) * strides + dilation + 1 - 2 * padding + more for m in SIZES[:n]) if more else None
        how = {"strides": strides, "padding": padding, "dilation": dilation, "data_format": "channels_first"}
        agree(
            lambda x, w, how=how, size=size: ours(x, as_ours(w), size=size, **how),
            lambda x, w, how=(strides, padding, more, 1, dilation): theirs(x, w, None, *how),
            x,
            w,
        )


@pytest.mark.parametrize("n", [1, 2, 3])
def test_pools(backend: str, n: int) -> None:
    for window, strides, padding in itertools.product((2, 3), (1, 2, 3), (0, 1)):
        how = (window, strides, padding)
        x = RNG.normal(size=(2, 3, *SIZES[:n]))
        for counted in (True, False):
            agree(
                lambda x, how=how, counted=counted: getattr(cr.nn, f"avg_pool{n}d")(x, *how, counted, "channels_first"),
                lambda x, how=how, counted=counted: getattr(torch.nn.functional, f"avg_pool{n}d")(
                    x, *how, False, counted
                ),
                x,
            )
        agree(
            lambda x, how=how: getattr(cr.nn, f"max_pool{n}d")(x, *how, "channels_first"),
            lambda x, how=how: getattr(torch.nn.functional, f"max_pool{n}d")(x, *how),
            x,
        )
