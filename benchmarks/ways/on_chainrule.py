"""chainrule: compiled functions, graphs with sessions, and eager."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from benchmarks.contender import Made, once
from benchmarks.optimizers import Optimizer, Sgd
from benchmarks.ways.loss import Loss, Namespace, namespace


def _namespace() -> Namespace:
    import chainrule as cr

    return namespace(
        cr,
        erf=cr.erf,
        relu=cr.relu,
        softplus=cr.softplus,
        softmax=lambda x: cr.softmax(x, axis=-1),
        cross_entropy=cr.cross_entropy,
        take=lambda table, ids: cr.take(table, ids, axis=0),
        conv=lambda x, w: cr.nn.conv2d(x, w, padding="SAME"),
        max_pool=lambda x: cr.nn.max_pool2d(x, 2),
        scan=lambda step, carried, xs: cr.scan(lambda h, x: (step(h, x),) * 2, carried, xs)[1],
    )


# Value and gradients


def _both(loss: Loss, count: int) -> Callable[..., Sequence[Any]]:
    import chainrule as cr

    both = cr.value_and_grad(partial(loss, _namespace()), argnums=tuple(range(count)))

    def flat(*arguments: Any) -> Sequence[Any]:
        value, gradients = both(*arguments)
        return value, *gradients

    return flat


def eager(loss: Loss, count: int, *arguments: Any) -> Made:
    """`cr.value_and_grad`."""
    both = _both(loss, count)
    return once(lambda: both(*arguments))


def function(loss: Loss, count: int, *arguments: Any) -> Made:
    """`cr.function` over it."""
    import chainrule as cr

    both = cr.function(_both(loss, count))
    return once(lambda: both(*arguments))


def _placeholders(arguments: Sequence[Any]) -> list[Any]:
    import numpy as np

    import chainrule as cr

    arrays = map(np.asarray, arguments)
    return [cr.placeholder(str(each.dtype), each.shape, name=f"x{i}") for i, each in enumerate(arrays)]


def callable_of_session(loss: Loss, count: int, *arguments: Any) -> Made:
    """A graph with its gradients, and `Session.make_callable`."""
    import chainrule as cr

    with cr.Graph().as_default() as graph:
        fed = _placeholders(arguments)
        value = loss(_namespace(), *fed)
        fetched = [value, *cr.gradients(value, fed[:count])]
    run = cr.Session(graph).make_callable(fetched, fed)
    return once(lambda: run(*arguments))


# Training


def _optimizer(optimizer: Optimizer) -> Any:
    import chainrule as cr

    if isinstance(optimizer, Sgd):
        return cr.optim.GradientDescent(optimizer.rate)
    return cr.optim.Adam(optimizer.rate, optimizer.beta1, optimizer.beta2, optimizer.epsilon)


def _graph(loss: Loss, count: int, optimizer: Optimizer, arguments: Sequence[Any]) -> Any:
    """A session, what to run, what to feed, and the parameters."""
    import chainrule as cr

    with cr.Graph().as_default() as graph:
        parameters = [cr.Variable(each) for each in arguments[:count]]
        fed = _placeholders(arguments[count:])
        value = loss(_namespace(), *parameters, *fed)
        train = cr.group(_optimizer(optimizer).minimize(value))  # without the loss itself
        started = cr.global_variables_initializer()
    session = cr.Session(graph)
    session.run(started)
    return session, train, fed, parameters


def training_session(loss: Loss, count: int, optimizer: Optimizer, *arguments: Any) -> Made:
    """A graph with its gradients, and `Session.run`."""
    session, train, fed, parameters = _graph(loss, count, optimizer, arguments)
    batch = arguments[count:]
    return lambda: session.run(train, dict(zip(fed, batch, strict=True))), lambda: session.run(parameters)


def training_callable(loss: Loss, count: int, optimizer: Optimizer, *arguments: Any) -> Made:
    """The same graph, and `Session.make_callable`."""
    session, train, fed, parameters = _graph(loss, count, optimizer, arguments)
    step, batch = session.make_callable(train, fed), arguments[count:]
    return lambda: step(*batch), lambda: session.run(parameters)


def _step(loss: Loss, count: int, optimizer: Optimizer, arguments: Sequence[Any]) -> Any:
    """A step on a batch, and the variables that it changes."""
    import chainrule as cr

    parameters, xp = [cr.Variable(each) for each in arguments[:count]], _namespace()
    chosen = _optimizer(optimizer)

    def step(*batch: Any) -> None:
        chosen.minimize(lambda: loss(xp, *parameters, *batch))

    return step, lambda: [each.numpy() for each in parameters]


def training_function(loss: Loss, count: int, optimizer: Optimizer, *arguments: Any) -> Made:
    """A compiled function that changes variables, with an optimizer in it."""
    import chainrule as cr

    step, results = _step(loss, count, optimizer, arguments)
    compiled, batch = cr.function(step), arguments[count:]
    return lambda: compiled(*batch), results


def training_eager(loss: Loss, count: int, optimizer: Optimizer, *arguments: Any) -> Made:
    """The same, with nothing compiled."""
    import chainrule as cr

    step, results = _step(loss, count, optimizer, arguments)
    batch = [cr.tensor(each) for each in arguments[count:]]
    return lambda: step(*batch), results


# Hessian-vector products


def hvp_eager(loss: Loss, *arguments: Any) -> Made:
    """`cr.hvp`."""
    import chainrule as cr

    product = cr.hvp(partial(loss, _namespace()))
    return once(lambda: [product(*arguments)])


def hvp_function(loss: Loss, *arguments: Any) -> Made:
    """`cr.function` over it."""
    import chainrule as cr

    product = cr.function(cr.hvp(partial(loss, _namespace())))
    return once(lambda: [product(*arguments)])
