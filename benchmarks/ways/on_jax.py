"""JAX: compiled by XLA, what is computed with where JAX wants it, and what is not needed again donated."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

from benchmarks.contender import Made, carried, once
from benchmarks.optimizers import Optimizer, Sgd
from benchmarks.ways.loss import Loss, Namespace, namespace


def _jax() -> Any:
    jax: Any = import_module("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


def _namespace() -> Namespace:
    jax = _jax()
    jnp, lax = jax.numpy, jax.lax

    def cross_entropy(scores: Any, labels: Any) -> Any:
        picked = jnp.take_along_axis(scores, labels[:, None], axis=1)[:, 0]
        return jnp.mean(jax.nn.logsumexp(scores, axis=1) - picked)

    def conv(x: Any, w: Any) -> Any:
        return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))

    def max_pool(x: Any) -> Any:
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    return namespace(
        jnp,
        erf=jax.scipy.special.erf,
        relu=jax.nn.relu,
        softplus=jax.nn.softplus,
        softmax=lambda x: jax.nn.softmax(x, axis=-1),
        cross_entropy=cross_entropy,
        take=lambda table, ids: table[ids],
        conv=conv,
        max_pool=max_pool,
        scan=lambda step, carried, xs: lax.scan(lambda h, x: (step(h, x),) * 2, carried, xs)[1],
    )


def gradients(loss: Loss, count: int, *arguments: Any) -> Made:
    """`jax.jit` of `jax.value_and_grad`."""
    jax = _jax()
    both = jax.jit(jax.value_and_grad(partial(loss, _namespace()), argnums=tuple(range(count))))
    placed = jax.device_put(arguments)

    def compute() -> Any:
        value, found = jax.block_until_ready(both(*placed))
        return value, *found

    return once(compute)


def training(loss: Loss, count: int, optimizer: Optimizer, *arguments: Any) -> Made:
    """`jax.jit` of arrays to arrays, the old ones donated."""
    jax = _jax()
    jnp = jax.numpy
    gradient = jax.grad(partial(loss, _namespace()), argnums=tuple(range(count)))
    batch = jax.device_put(arguments[count:])

    def sgd(parameters: Any, batch: Any) -> Any:
        found = gradient(*parameters, *batch)
        return ([p - optimizer.rate * g for p, g in zip(parameters, found, strict=True)],)

    def adam(parameters: Any, ms: Any, vs: Any, steps: Any, batch: Any) -> Any:
        assert not isinstance(optimizer, Sgd)
        found = gradient(*parameters, *batch)
        steps = steps + 1
        ms = [optimizer.beta1 * m + (1 - optimizer.beta1) * g for m, g in zip(ms, found, strict=True)]
        vs = [optimizer.beta2 * v + (1 - optimizer.beta2) * g * g for v, g in zip(vs, found, strict=True)]
        rate = optimizer.rate / (1 - optimizer.beta1**steps)
        correction = 1 / jnp.sqrt(1 - optimizer.beta2**steps)
        parameters = [
            p - (rate * m / (correction * jnp.sqrt(v) + optimizer.epsilon)).astype(p.dtype)
            for p, m, v in zip(parameters, ms, vs, strict=True)
        ]
        return parameters, ms, vs, steps

    def placed() -> Any:
        return [jnp.array(each) for each in arguments[:count]]

    def zeros() -> Any:
        return [jnp.zeros_like(each) for each in arguments[:count]]

    if isinstance(optimizer, Sgd):
        start: Sequence[Any] = (placed(),)
        compiled = jax.jit(sgd, donate_argnums=0)
    else:
        start = (placed(), zeros(), zeros(), jnp.float32(0))
        compiled = jax.jit(adam, donate_argnums=(0, 1, 2))
    step, state = carried(lambda *now: jax.block_until_ready(compiled(*now, batch)), start)
    return step, lambda: state()[0]


def hvp(loss: Loss, *arguments: Any) -> Made:
    """`jax.jit` of `jax.jvp` of `jax.grad`."""
    jax = _jax()
    xp = _namespace()

    def product(w: Any, v: Any, *rest: Any) -> Any:
        return jax.jvp(jax.grad(lambda w: loss(xp, w, *rest)), (w,), (v,))[1]

    compiled, placed = jax.jit(product), jax.device_put(arguments)
    return once(lambda: [jax.block_until_ready(compiled(*placed))])
