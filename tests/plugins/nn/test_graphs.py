"""The same in graphs and compiled functions as eagerly, lengths unknown when the graph is built among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr

RNG = np.random.default_rng(4)
X = RNG.normal(size=(2, 14, 11, 2))
W = cr.tensor(RNG.normal(size=(3, 3, 2, 4)))
CALLS: dict[str, Any] = {
    "conv": lambda x: cr.nn.conv2d(x, W, 2, [1, (0, 1)], 2),
    "conv-same": lambda x: cr.nn.conv2d(x, W, (2, 1), "SAME"),
    "conv-groups": lambda x: cr.nn.conv2d(x, W[:, :, :1], padding="SAME", groups=2),
    "conv_transpose": lambda x: cr.nn.conv_transpose2d(x, cr.transpose(W, (0, 1, 3, 2)), 2, 1),
    "conv_transpose-same": lambda x: cr.nn.conv_transpose2d(x, cr.transpose(W, (0, 1, 3, 2)), 2, "SAME"),
    "max_pool": lambda x: cr.nn.max_pool2d(x, 3, 2, 1),
    "max_pool-same": lambda x: cr.nn.max_pool2d(x, 3, 2, "SAME"),
    "avg_pool": lambda x: cr.nn.avg_pool2d(x, 3, 2, "SAME"),
    "avg_pool-counted": lambda x: cr.nn.avg_pool2d(x, 3, 2, 1, count_padding=True),
    "flatten": lambda x: cr.nn.flatten(x),
}


def loss(call: Any) -> Any:
    return lambda x: cr.sum(cr.sin(call(x)) ** 2)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("shape", [(2, 14, 11, 2), (None, 14, 11, 2), (None, None, None, 2)], ids=str)
def test_graph(name: str, shape: tuple[int | None, ...]) -> None:
    f = loss(CALLS[name])
    with cr.Graph().as_default():
        x = cr.placeholder("float64", shape)
        y = CALLS[name](x)
        first = cr.gradients(f(x), [x])[0]
        second = cr.gradients(cr.sum(first**2), [x])[0]
        results = cr.Session().run([y, first, second], {x: X})
    tensor = cr.tensor(X)
    expected = [
        CALLS[name](tensor),
        cr.grad(f)(tensor),
        cr.grad(lambda x: cr.sum(cr.grad(f)(x) ** 2))(tensor),
    ]
    for have, want in zip(results, expected, strict=True):
        largest = np.max(np.abs(want.numpy()), initial=1.0)  # terms of that size cancel each other
        np.testing.assert_allclose(have, want.numpy(), rtol=1e-12, atol=1e-14 * largest)


@pytest.mark.parametrize("name", CALLS)
def test_function(name: str) -> None:
    f = loss(CALLS[name])
    compiled, x = cr.function(f), cr.tensor(X)
    np.testing.assert_allclose(float(compiled(x)), float(f(x)), rtol=1e-13)
    np.testing.assert_allclose(cr.grad(compiled)(x).numpy(), cr.grad(f)(x).numpy(), rtol=1e-12, atol=1e-13)
    inside = cr.function(cr.grad(f))
    np.testing.assert_allclose(inside(x).numpy(), cr.grad(f)(x).numpy(), rtol=1e-12, atol=1e-13)


def test_a_graph_refuses_what_does_not_fit_when_it_is_built() -> None:
    with cr.Graph().as_default():
        x = cr.placeholder("float64", (None, 9, None, 3))
        with pytest.raises(cr.ShapeError, match=r"conv.*channels: x of shape .* has 3, w of shape .* is for 2"):
            cr.nn.conv2d(x, W)
        with pytest.raises(cr.ShapeError, match=r"max_pool.*a window of length 10 is longer than an axis of length 9"):
            cr.nn.max_pool2d(x, 10)
