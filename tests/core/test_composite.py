"""Operations that are defined by what they are made of."""

from __future__ import annotations

from typing import Any

import pytest

import chainrule as cr
from chainrule import _registry, ops
from chainrule._passes import optimised

X = 0.7


@cr.composite
def cubed(x: Any, /, scale: float = 1.0) -> Any:
    "scale * x**3, as products."
    return scale * (x * x * x)


@cr.composite(multiple=True)
def sum_and_product(a: Any, b: Any, /) -> Any:
    "Both."
    return a + b, a * b


def test_value_signature_and_docstring() -> None:
    assert float(cubed(2.0, scale=3.0)) == 24.0
    assert cubed.__doc__ == "scale * x**3, as products."
    with pytest.raises(TypeError, match="cubed"):
        cubed(2.0, size=1)


def test_gradients_to_third_order() -> None:
    first = cr.grad(lambda x: cubed(x, scale=2.0))
    assert float(first(X)) == pytest.approx(6 * X**2)
    assert float(cr.grad(first)(X)) == pytest.approx(12 * X)
    assert float(cr.grad(cr.grad(first))(X)) == pytest.approx(12.0)
    assert float(cr.jvp(cubed, [X], [1.0])[1]) == pytest.approx(3 * X**2)


def test_several_results() -> None:
    total, product = sum_and_product(2.0, 5.0)
    assert (float(total), float(product)) == (7.0, 10.0)

    def f(a: Any, b: Any) -> Any:
        total, product = sum_and_product(a, b)
        return total * product

    by_a, by_b = cr.grad(f, argnums=(0, 1))(2.0, 5.0)  # (a + b) a b
    assert (float(by_a), float(by_b)) == (2 * 2 * 5 + 25, 4 + 2 * 2 * 5)


def test_it_is_one_node_with_its_name() -> None:
    program = cr.function(lambda x: cubed(x) + 1.0).trace(cr.tensor(X))
    assert [i.op.name for i in program.instructions] == ["cubed", "add"]
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(X))
        y = cubed(x)
    assert [step.op for step in cr.explain_gradients(y, x).steps] == ["cubed"]


def test_compiled_programs_run_what_it_is_made_of() -> None:
    program = cr.function(lambda x: cubed(x, scale=2.0)).trace(X)
    names = [i.op.name for i in optimised(program, cr.get_backend()).instructions]
    assert "cubed" not in names
    assert names.count("multiply") == 3
    assert float(cr.function(cubed)(X)) == pytest.approx(X**3)
    assert float(cr.grad(cr.function(cubed))(X)) == pytest.approx(3 * X**2)


def test_unknown_lengths() -> None:
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", (None,), name="x")
        y = cubed(x)
        (dx,) = cr.gradients(y, x)
    assert y.shape == (None,)
    session = cr.Session(graph)
    assert [float(v) for v in session.run(dx, {x: [1.0, 2.0]})] == [3.0, 12.0]


def test_overridden_by_name_in_every_mode() -> None:
    def seven(g: Any, _y: Any, _x: Any, scale: float) -> Any:
        return 7.0 * g

    with cr.override_gradients({cubed: seven}):
        assert float(cr.grad(cubed)(X)) == 7.0
        assert float(cr.grad(cr.function(cubed))(X)) == 7.0
    assert float(cr.grad(cubed, overrides={cubed: seven})(X)) == 7.0
    assert float(cr.grad(cr.function(cubed), overrides={cubed: seven})(X)) == 7.0


def test_a_gradient_of_its_own() -> None:
    @cr.composite(gradient=lambda g, _y, x: g * (3.0 * x * x))
    def cube_for_test(x: Any, /) -> Any:
        "x**3, whose gradient runs nothing of it."
        return x * x * x

    @cr.composite(gradient=cr.NoGradient("it is a test"))
    def flat_for_test(x: Any, /) -> Any:
        "x, without a gradient."
        return x * 1.0

    assert float(cr.grad(cube_for_test)(2.0)) == 12.0
    assert float(cr.grad(cr.grad(cube_for_test))(2.0)) == 12.0
    assert float(cr.function(cr.grad(cube_for_test))(2.0)) == 12.0
    assert float(cr.jvp(cube_for_test, (2.0,), (0.5,))[1]) == 6.0
    assert float(cr.grad(lambda x: flat_for_test(x) + x)(2.0)) == 1.0


def test_a_registered_kernel_goes_before() -> None:
    class Plugin:
        @cr.hookimpl
        def chainrule_ops() -> Any:  # type: ignore[misc]  # hooks of an object take no self here
            return [doubled]

        @cr.hookimpl
        def chainrule_kernels() -> Any:  # type: ignore[misc]  # as above
            return {cr.get_backend().name: {"doubled_for_test": lambda x: x * 100}}

    cr.register_plugin(Plugin, "composite_kernel_test")
    try:
        assert float(ops.doubled_for_test(1.0)) == 100.0
        assert float(cr.function(doubled)(1.0)) == 100.0
    finally:  # so that no other test meets an operation without samples
        _registry.kernels.discard(f"{cr.get_backend().name}:doubled_for_test")
        _registry.ops.discard("doubled_for_test")


@cr.composite(name="doubled_for_test")
def doubled(x: Any, /) -> Any:
    "2 x."
    return x + x
