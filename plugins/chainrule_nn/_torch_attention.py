"""PyTorch's own attention, by whichever of its kernels takes the arrays, and that kernel's gradient."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any


def scaled_dot_product_attention(query: Any, key: Any, value: Any, mask: Any = None, *, causal: bool) -> Any:
    """The operation `nn.scaled_dot_product_attention`, whose queries are scaled."""
    import torch
    from torch.nn import functional

    attention: Any = functional.scaled_dot_product_attention
    given = [x for x in (query, key, value, mask) if x is not None]
    dtype = reduce(torch.promote_types, [x.dtype for x in given])  # booleans change none
    batch = torch.broadcast_shapes(*(x.shape[:-2] for x in given))
    full = (1,) * (2 - len(batch)) + batch  # fused kernels take a batch, heads and no less
    arrays = [x.to(dtype).expand(*full, *x.shape[-2:]) for x in (query, key, value)]
    if mask is None:
        y = attention(*arrays, is_causal=causal, scale=1.0)
        return y.reshape(batch + y.shape[-2:])
    of_numbers = mask.dtype != torch.bool
    if causal:
        before = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool, device=mask.device).tril()
        mask = torch.where(before, mask, -math.inf) if of_numbers else mask & before
    mask = mask.to(dtype) if of_numbers else mask
    y = attention(*arrays, attn_mask=mask[(None,) * max(0, 4 - mask.ndim)], scale=1.0)
    attends = (mask > -math.inf if of_numbers else mask).any(-1, keepdim=True)
    y = y * torch.where(attends, 1.0, math.nan).to(dtype)  # where a query attends to nothing PyTorch has 0
    return y.reshape(batch + y.shape[-2:])


def scaled_dot_product_attention_gradient(
    g: Any, query: Any, key: Any, value: Any, mask: Any = None, *, causal: bool
) -> Any:
    """The operation `nn.scaled_dot_product_attention_gradient`, by PyTorch's autograd, which knows its kernels."""
    import torch

    with torch.enable_grad():
        given = [x.detach().requires_grad_(x.is_floating_point()) for x in (query, key, value, mask) if x is not None]
        y = scaled_dot_product_attention(*given, causal=causal)
        return torch.autograd.grad(y, [x for x in given if x.requires_grad], g.to(y.dtype))
