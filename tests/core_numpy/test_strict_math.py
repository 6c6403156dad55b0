"""Strict math: compiled programs give the bits of eager code, and without it what is as good, within few units."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr


def numbers(*shape):
    return np.random.default_rng(sum(shape) + len(shape)).normal(size=shape)


def black_scholes(spot, strike):
    d = (cr.log(spot / strike) + 0.045) / 0.3
    cdf = 0.5 * (1.0 + cr.erf(d / 2.0**0.5))
    return cr.sum(spot * cdf - strike * 0.97 * 0.5 * (1.0 + cr.erf((d - 0.3) / 2.0**0.5)))


def layer(x, w, b):
    y = cr.tanh(x @ w + b)
    y = (y - cr.mean(y, axis=1, keepdims=True)) / cr.sqrt(cr.mean(y * y, axis=1, keepdims=True) + 1e-5)
    return cr.mean(cr.square(y))


def attention(q, k, v):
    return cr.sum(cr.softmax(q @ cr.matrix_transpose(k) / 4.0) @ v)


def transposes(x, y):
    return cr.sum(cr.square(cr.matrix_transpose(cr.matrix_transpose(y) @ x)))


FUNCTIONS = {
    "elementwise": (lambda x: cr.sum(cr.exp(-x * x) * cr.sin(3.0 * x) + x / 7.0), numbers(30_011)),
    "sums": (lambda x: cr.sum(cr.sum(x, axis=0) * cr.mean(x * 3.0, axis=0)), numbers(401, 33)),
    "shifts": (lambda x: cr.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2), numbers(20_001)),
    "powers": (lambda x: cr.sum(cr.abs(x) ** 0.5 + x**3 + x**-1.0 + 2.0**x), numbers(1_001)),
    "options": (black_scholes, numbers(1_001) ** 2 + 50.0, numbers(1_001) ** 2 + 50.0),
    "layer": (layer, numbers(64, 33), numbers(33, 17), numbers(17)),
    "attention": (attention, numbers(40, 16), numbers(50, 16), numbers(50, 9)),
    "transposes": (transposes, numbers(30, 31), numbers(30, 32)),
    "log_softmax": (lambda x: cr.sum(cr.log(cr.softmax(x)) * x), numbers(11, 300)),
    "log1p": (lambda x: cr.sum(cr.log(1.0 + x) * (cr.exp(x) - 1.0)), numbers(1_001) ** 2),
    "logsumexp": (lambda x: cr.sum(cr.log(cr.sum(cr.exp(x), axis=1))), numbers(17, 301)),
    "nothing": (lambda x: cr.sum((x * 1.0 + 0.0) / 1.0 - 0.0 * x), np.minimum(numbers(1_001), -0.0)),
    "reordered": (lambda x: cr.sum(2.0 * (3.0 * x) + (x + 0.1) + 0.2 - x * 0.7 * 0.3), numbers(1_001)),
}


@pytest.fixture(params=FUNCTIONS)
def case(request):
    function, *arguments = FUNCTIONS[request.param]
    return function, arguments


def all_of(function, n):
    """Value, gradients, and the product of the Hessian with the first argument."""
    gradients = cr.value_and_grad(function, argnums=tuple(range(n)))

    def both(*arguments):
        value, found = gradients(*arguments)
        return [value, *found]

    return both


def bits(values):
    return [(value.dtype, value.shape, value.tobytes()) for value in map(np.asarray, values)]


def test_the_bits_of_eager_code(case):
    function, arguments = case
    both = all_of(function, len(arguments))
    with cr.use_strict_math():
        assert bits(cr.function(both)(*arguments)) == bits(both(*arguments)), "a gradient inside"
        assert bits(all_of(cr.function(function), len(arguments))(*arguments)) == bits(both(*arguments)), "outside"
        assert bits([cr.function(function)(*arguments)]) == bits([function(*map(cr.tensor, arguments)).numpy()])


def test_the_bits_of_eager_code_in_a_graph(case):
    function, arguments = case
    with cr.Graph().as_default() as graph:
        inputs = [cr.placeholder("float64", x.shape) for x in arguments]
        y = function(*inputs)
        gradients = cr.gradients(y, inputs)
    expected = all_of(function, len(arguments))(*arguments)
    with cr.Session(graph) as session, cr.use_strict_math():
        assert bits(session.run([y, *gradients], dict(zip(inputs, arguments, strict=True)))) == bits(expected)


@pytest.mark.parametrize("jit", ["off", "auto"])
def test_without_it_within_few_units(case, jit):
    function, arguments = case
    both = all_of(function, len(arguments))
    expected = both(*arguments)
    f = cr.function(both)
    with cr.use_strict_math(False), cr.use_jit(jit):
        for _ in range(3):  # the JIT comes in later
            for found, exact in zip(f(*arguments), expected, strict=True):
                np.testing.assert_allclose(found, exact, rtol=1e-11, atol=1e-11 * np.max(np.abs(exact)))
