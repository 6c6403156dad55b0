"""Overrides by scope: in force for what is called in the block and for nothing else, all of them or none."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace

import pytest

import chainrule as cr
from chainrule import NoGradient

pytestmark = pytest.mark.usefixtures("backend")


def hundredfold(g, _y, _x):
    return 100.0 * g


def square_slope():
    return float(cr.grad(cr.square)(3.0))


def test_in_force_inside_the_block_alone():
    with cr.override_gradients({"square": hundredfold}):
        assert square_slope() == 100.0
    assert square_slope() == 6.0


def test_keys_are_names_functions_or_ops():
    for key in ("square", cr.square, cr.square.op):
        with cr.override_gradients({key: hundredfold}):
            assert square_slope() == 100.0


def test_decided_when_the_node_is_made(same):
    with cr.GradientTape(persistent=True) as tape:
        x = tape.watch(cr.tensor(3.0))
        with cr.override_gradients({"square": hundredfold}):
            inside = cr.square(x)
        outside = cr.square(x)
    same(tape.gradient([inside, outside], x), 106.0)
    with cr.override_gradients({"square": hundredfold}):
        same(tape.gradient(outside, x), 6.0)


def test_nested_blocks_add_up_and_the_inner_wins():
    def slopes():
        return square_slope(), float(cr.grad(cr.negative)(3.0))

    with cr.override_gradients({"square": hundredfold}):
        with cr.override_gradients({"square": lambda g, _y, _x: 7.0 * g, "negative": hundredfold}):
            assert slopes() == (7.0, 100.0)
        assert slopes() == (100.0, -1.0)
    assert slopes() == (6.0, -1.0)


def test_restored_after_an_error():
    with pytest.raises(RuntimeError, match="stop"), cr.override_gradients({"square": hundredfold}):
        raise RuntimeError("stop")
    assert square_slope() == 6.0


# All or nothing, and everything named


@pytest.mark.parametrize(
    ("entry", "error", "message"),
    [
        ({"negative": 5}, cr.GradientDefinitionError, "override of op 'negative': expected a definition"),
        ({"sqare": hundredfold}, cr.SelectorError, "no op is called 'sqare'; did you mean 'square'?"),
        ({3: hundredfold}, cr.SelectorError, "keys are operations or their names, got 3"),
        ({"negative": "no such gradient"}, cr.SelectorError, "no gradient is registered as 'no such gradient'"),
        ({"negative": lambda g: g}, cr.GradientDefinitionError, r"gradient of op 'negative'.*has parameters \(g\)"),
        ({"add": (hundredfold,)}, cr.GradientDefinitionError, "1 functions for 2 inputs"),
    ],
    ids=["value", "misspelt op", "key", "target", "signature", "count"],
)
def test_an_invalid_second_entry_leaves_nothing_in_force(entry, error, message):
    with pytest.raises(error, match=message), cr.override_gradients({"square": hundredfold, **entry}):
        raise AssertionError("the block was entered")
    assert square_slope() == 6.0


def test_a_misspelt_target_names_the_target_and_the_nearest():
    cr.register_gradient("hundredfold_for_spelling", hundredfold)
    with (
        pytest.raises(cr.SelectorError) as caught,
        cr.override_gradients({"square": "hundredfold_for_speling"}),
    ):
        raise AssertionError("the block was entered")
    assert "no gradient is registered as 'hundredfold_for_speling'" in str(caught.value)
    assert "did you mean 'hundredfold_for_spelling'?" in str(caught.value)


def test_an_op_of_another_case_is_suggested():
    with pytest.raises(cr.SelectorError, match="did you mean 'square'"), cr.override_gradients({"Square": hundredfold}):
        raise AssertionError("the block was entered")


@pytest.mark.parametrize("overrides", [["square"], None, 3])
def test_no_mapping(overrides):
    with (
        pytest.raises(cr.SelectorError, match="expected a mapping or a set's name"),
        cr.override_gradients(overrides),
    ):
        raise AssertionError("the block was entered")


def test_registered_names_as_targets():
    cr.register_gradient("hundredfold_by_name", hundredfold)
    with cr.override_gradients({"square": "hundredfold_by_name"}):
        assert square_slope() == 100.0


class SetPlugin:
    @cr.hookimpl
    def chainrule_overrides(self):
        return {"straight_through_for_tests": {"sign": lambda g, _y, _x: g}}


def test_override_sets_of_plugins():
    if "sets_for_tests" not in cr.plugins():
        cr.register_plugin(SetPlugin(), "sets_for_tests")
    with cr.override_gradients("straight_through_for_tests"):
        assert float(cr.grad(cr.sign)(3.0)) == 1.0
    with pytest.raises(
        cr.SelectorError, match=r"no override set is called 'other'; registered: .*straight_through_for_tests"
    ):
        cr.override_gradients("other").__enter__()


# Where they reach


def test_reaches_into_functions_called_in_the_block(same):
    def model(x):
        return SimpleNamespace(loss=cr.sum(cr.square(x)))

    with cr.override_gradients({"square": hundredfold}):
        same(cr.grad(lambda x: model(x).loss)(cr.tensor([1.0, 2.0])), [100.0, 100.0])


def test_public_functions_are_ops_under_their_own_names(same):
    # In TensorFlow one must know that reduce_mean makes a Mean of two inputs.
    with cr.override_gradients({cr.mean: lambda g, _y, x, axis, keepdims: cr.full_like(x, 5.0) * g}):
        same(cr.grad(lambda x: cr.mean(x))(cr.tensor([1.0, 2.0])), [5.0, 5.0])
    with cr.override_gradients({cr.softplus: hundredfold}):
        assert float(cr.grad(cr.softplus)(0.0)) == 100.0


def test_operators_are_overridden_as_their_ops():
    double = (lambda g, _y, _a, b: 2.0 * g * b, lambda g, _y, a, _b: 2.0 * g * a)
    with cr.override_gradients({"multiply": double}):
        assert float(cr.grad(lambda x: x * 5.0)(3.0)) == 10.0
        assert float(cr.grad(lambda x: x * x)(3.0)) == 12.0


def test_second_derivatives_do_not_use_overrides_of_ops_inside_definitions():
    # The definition of `square` multiplies; an override of `multiply` must not change f''(x) = 2 for x**2 ...
    nothing = (lambda g, _y, _a, _b: 0.0 * g, lambda g, _y, _a, _b: 0.0 * g)
    with cr.override_gradients({"multiply": nothing}):
        assert float(cr.grad(cr.grad(cr.square))(3.0)) == 2.0
        assert float(cr.grad(cr.grad(cr.sin))(0.5)) == pytest.approx(-0.479425538604203, rel=1e-14)
        # ... while a multiplication of the user's own is overridden.
        assert float(cr.grad(lambda x: x * x)(3.0)) == 0.0


def test_an_override_changes_the_first_derivative_and_is_differentiated_for_the_second():
    with cr.override_gradients({"square": lambda g, _y, x: g * x * x * x}):
        assert float(cr.grad(cr.square)(2.0)) == 8.0
        assert float(cr.grad(cr.grad(cr.square))(2.0)) == 12.0
        assert float(cr.grad(cr.grad(cr.grad(cr.square)))(2.0)) == 12.0


def test_taking_a_gradient_inside_the_block_does_not_make_its_ops_overridden(same):
    with cr.GradientTape() as outer:
        x = outer.watch(cr.tensor(3.0))
        with cr.GradientTape() as inner:
            inner.watch(x)
            y = cr.square(x)
        with cr.override_gradients({"multiply": (hundredfold_of_two, hundredfold_of_two)}):
            first = inner.gradient(y, x)
    same(first, 6.0)
    same(outer.gradient(first, x), 2.0)


def hundredfold_of_two(g, _y, _a, _b):
    return 100.0 * g


def test_no_gradient_as_an_override(same):
    with cr.GradientTape() as tape, cr.override_gradients({"square": NoGradient("frozen for the test")}):
        x = tape.watch(cr.tensor(3.0))
        y = cr.square(x)
    assert tape.gradient(y, x) is None
    assert "frozen for the test" in str(cr.why_no_gradient(y, x))


def test_an_override_gives_a_gradient_to_an_op_that_has_none(same):
    with cr.override_gradients({"greater": (lambda g, _y, _a, _b: g, None)}):
        with cr.GradientTape() as tape:
            x = tape.watch(cr.tensor([2.0, -1.0]))
            passed = x > 0.0
        same(tape.gradient(passed, x, output_gradients=cr.tensor([3.0, 4.0])), [3.0, 4.0])


def test_forward_mode_uses_the_override():
    with cr.override_gradients({"square": hundredfold}):
        _, tangent = cr.jvp(cr.square, [3.0], [1.0])
    assert float(tangent) == 100.0


def test_forward_mode_uses_the_override_of_a_linear_op():
    with cr.override_gradients({"sum": lambda g, _y, _x, axis, keepdims, dtype: 3.0 * cr.broadcast_to(g, _x.shape)}):
        _, tangent = cr.jvp(cr.sum, [cr.tensor([1.0, 2.0])], [cr.tensor([1.0, 10.0])])
    assert float(tangent) == 33.0


# Who does not see them


def test_other_threads_do_not_see_them(backend):
    seen = []

    def work():
        with cr.use_backend(backend.name):
            seen.append(square_slope())

    with cr.override_gradients({"square": hundredfold}):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        seen.append(square_slope())
    assert seen == [6.0, 100.0]


def test_other_tasks_do_not_see_them():
    async def overridden(entered, looked):
        with cr.override_gradients({"square": hundredfold}):
            entered.set()
            await looked.wait()
            return square_slope()

    async def neighbour(entered, looked):
        await entered.wait()
        slope = square_slope()
        looked.set()
        return slope

    async def main():
        entered, looked = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(overridden(entered, looked), neighbour(entered, looked))

    assert asyncio.run(main()) == [100.0, 6.0]


# At gradient time


@pytest.fixture
def layers():
    """Two scopes with a `square` each, and one outside: x -> x**2 -> x**4 -> x**8 with names."""
    with cr.GradientTape(persistent=True) as tape:
        x = tape.watch(cr.tensor(1.0))
        with cr.name_scope("layer1"):
            a = cr.square(x)
        with cr.name_scope("layer2"):
            b = cr.square(a)
        y = cr.square(b)
    return SimpleNamespace(tape=tape, x=x, a=a, b=b, y=y)


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        (lambda m: "square", 1000.0),
        (lambda m: cr.square, 1000.0),
        (lambda m: cr.square.op, 1000.0),
        (lambda m: "layer1/*", 40.0),
        (lambda m: "layer?/square", 200.0),
        (lambda m: "layer2/square", 40.0),
        (lambda m: "*", 1000.0),
        (lambda m: lambda node: node.scope == "", 40.0),
        (lambda m: m.a.node, 40.0),
        (lambda m: m.b, 40.0),
    ],
    ids=["name", "function", "op", "scope", "glob", "full name", "all", "predicate", "node", "tensor"],
)
def test_selectors(layers, same, select, expected):
    # Every square has slope 2 at 1; an override makes it 10.
    tenfold = {select(layers): lambda g, _y, _x: 10.0 * g}
    same(cr.gradients(layers.y, layers.x, overrides=tenfold), [expected])
    same(layers.tape.gradient(layers.y, layers.x, overrides=tenfold), expected)
    same(cr.gradients(layers.y, layers.x), [8.0])


def test_the_last_of_several_selectors_wins(layers, same):
    overrides = {"square": lambda g, _y, _x: 10.0 * g, "layer1/*": lambda g, _y, _x: 3.0 * g}
    same(cr.gradients(layers.y, layers.x, overrides=overrides), [300.0])


@pytest.mark.parametrize(
    ("select", "message"),
    [
        (lambda m: "sin", r"override 'sin' matches no node of this gradient; it passes through: square"),
        (lambda m: "squar", r"did you mean 'square'\?"),
        (lambda m: "layer3/*", r"passes through: .*layer1/square"),
        (lambda m: lambda node: False, "matches no node"),
        (lambda m: cr.tensor(1.0), "matches no node"),
        (lambda m: 3.5, r"3.5 selects nothing"),
    ],
    ids=["op", "misspelt", "scope", "predicate", "tensor", "number"],
)
def test_a_selector_that_matches_nothing_is_an_error(layers, select, message):
    with pytest.raises(cr.SelectorError, match=message):
        cr.gradients(layers.y, layers.x, overrides={select(layers): hundredfold})


def test_nodes_beside_the_path_do_not_count(layers):
    with cr.GradientTape():
        cr.sin(layers.x)
    with pytest.raises(cr.SelectorError, match="matches no node"):
        cr.gradients(layers.y, layers.x, overrides={"sin": hundredfold})


def test_gradient_time_wins_over_scope_and_scope_over_definition(same):
    with cr.GradientTape(persistent=True) as tape:
        x = tape.watch(cr.tensor(3.0))
        plain = cr.square(x)
        with cr.override_gradients({"square": hundredfold}):
            scoped = cr.square(x)
    same(tape.gradient(plain, x), 6.0)
    same(tape.gradient(scoped, x), 100.0)
    same(tape.gradient(scoped, x, overrides={"square": lambda g, _y, _x: 7.0 * g}), 7.0)


def test_every_front_end_takes_them():
    seven = {"square": lambda g, _y, _x: 7.0 * g}
    assert float(cr.grad(cr.square, overrides=seven)(3.0)) == 7.0
    assert float(cr.value_and_grad(cr.square, overrides=seven)(3.0)[1]) == 7.0
    assert float(cr.vjp(cr.square, 3.0, overrides=seven)[1](1.0)[0]) == 7.0
    assert float(cr.jvp(cr.square, [3.0], [1.0], overrides=seven)[1]) == 7.0
    for mode in ("forward", "reverse"):
        assert float(cr.jacobian(cr.square, mode=mode, overrides=seven)(3.0)) == 7.0
    cubic = {"square": lambda g, _y, x: g * x * x}
    assert float(cr.hessian(cr.square, overrides=cubic)(3.0)) == 6.0
    assert float(cr.hvp(cr.square, overrides=cubic)(3.0, 2.0)) == 12.0


def test_an_override_that_reads_what_the_node_did_not_keep(same, here):
    # A node keeps what its definition reads: of the input of `sum` the shape, of the result of `sin` nothing.
    with cr.GradientTape(persistent=True) as tape:
        x = tape.watch(cr.tensor([1.0, 2.0]))
        made = here(1)
        total = cr.sum(x + 0.0)
        wave = cr.sin(x)
    with pytest.raises(cr.GradientDefinitionError) as caught:
        tape.gradient(total, x, overrides={"sum": lambda g, _y, x, axis, keepdims, dtype: g * x * x})
    assert "override of op 'sum'" in str(caught.value)
    assert "reads input 0" in str(caught.value)
    assert f"made at {made}" in str(caught.value)
    with pytest.raises(cr.GradientDefinitionError, match=r"override of op 'sin' by .* reads the result"):
        tape.gradient(wave, x, sum=True, overrides={"sin": lambda g, y, _x: g * y})
    same(tape.gradient(wave, x, sum=True, overrides={"sin": lambda g, _y, x: g * x}), [1.0, 2.0])
    with cr.override_gradients({"sin": lambda g, y, _x: g * y}), cr.GradientTape() as tape:
        wave = cr.sin(tape.watch(x))
    same(tape.gradient(wave, x, sum=True), cr.sin(x))
