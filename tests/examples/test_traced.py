"""The examples' models compiled, and in a graph that knows no batch size: the losses and weights of eager steps."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import optree
import pytest
from tests.examples.loading import load

import chainrule as cr

BATCHES = (8, 8, 5)  # the last of another length


def batches(shape: tuple[int, ...]) -> list[tuple[Any, Any]]:
    """A few images and their digits."""
    images, labels, _, _ = cr.datasets.mnist().flat("float32")
    ends = np.cumsum((0, *BATCHES))
    return [(images[a:b].reshape(-1, *shape), labels[a:b]) for a, b in pairwise(ends)]


MLP, CNN = load("mnist_mlp"), load("mnist_cnn")
NETWORKS: dict[str, tuple[ModuleType, Callable[[], Any], tuple[int, ...]]] = {
    "mlp": (MLP, lambda: MLP.layers((784, 16, 10), np.random.default_rng(1)), (784,)),
    "cnn": (CNN, lambda: CNN.parameters(np.random.default_rng(1)), (28, 28, 1)),
}


def rate(step: Any) -> Any:
    return 0.002 * (1 - step / 100)


def eagerly(example: ModuleType, network: Any, data: list[tuple[Any, Any]]) -> list[Any]:
    optimizer = cr.optim.Adam(rate)
    return [optimizer.minimize(partial(example.loss, network, cr.tensor(x), cr.tensor(y))).numpy() for x, y in data]


def compiled(example: ModuleType, network: Any, data: list[tuple[Any, Any]]) -> list[Any]:
    optimizer = cr.optim.Adam(rate)
    step = cr.function(lambda x, y: optimizer.minimize(partial(example.loss, network, x, y)))
    losses = [step(x, y) for x, y in data]
    assert step.traces == len(set(BATCHES))
    return losses


def in_a_session(example: ModuleType, network: Any, data: list[tuple[Any, Any]]) -> list[Any]:
    with cr.Graph().as_default():
        x, y = cr.placeholder("float32", (None, *data[0][0].shape[1:])), cr.placeholder("int64", (None,))
        loss = example.loss(network, x, y)
        step = cr.optim.Adam(rate).minimize(loss)
        variables = optree.tree_leaves(network)
        with cr.Session() as session:
            session.run(cr.global_variables_initializer())
            losses = [session.run([loss, step], {x: a, y: b})[0] for a, b in data]
            for variable, value in zip(variables, session.run(variables), strict=True):
                with cr.init_scope():
                    variable.assign(value)
    return losses


@pytest.mark.parametrize("how", [compiled, in_a_session], ids=lambda how: how.__name__)
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_learn_the_same(name: str, how: Callable[..., list[Any]]) -> None:
    example, make, shape = NETWORKS[name]
    data = batches(shape)
    one, other = make(), make()
    np.testing.assert_allclose(how(example, other, data), eagerly(example, one, data), rtol=1e-4)
    for a, b in zip(optree.tree_leaves(one), optree.tree_leaves(other), strict=True):
        assert np.any(a.numpy() != 0)
        np.testing.assert_allclose(b.numpy(), a.numpy(), rtol=1e-4, atol=2e-5)


def test_a_function_of_parameters_learns_the_same() -> None:
    example = load("mnist_functional")

    def step(parameters: Any, x: Any, y: Any, learning_rate: float) -> Any:
        loss, gradient = example.loss_and_gradient(parameters, x, y)
        return loss, optree.tree_map(lambda p, g: p - learning_rate * g, parameters, gradient)

    fast = cr.function(step)
    one = other = {"W": np.zeros((784, 10), "float32"), "b": np.zeros(10, "float32")}
    for x, y in batches((784,)):
        a, one = step(one, x, y, 0.5)
        b, other = fast(other, x, y, 0.5)
        np.testing.assert_allclose(b, a, rtol=1e-5)
        for name in one:
            assert np.asarray(other[name]).dtype == "float32"
            np.testing.assert_allclose(other[name], one[name], rtol=1e-4, atol=1e-6)
    assert np.abs(other["W"]).max() > 0.01
