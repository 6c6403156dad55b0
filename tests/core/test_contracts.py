"""What definitions promise, where it shows, and how `check_gradient` holds them to it."""

from __future__ import annotations

import inspect
import math

import pytest

import chainrule as cr
from chainrule import NoGradient, infer

pytestmark = pytest.mark.usefixtures("backend")


def straight_through(g, _y, _x):
    return g


def coarse_cosine(g, _y, x):
    return g * (cr.sin(x + 1e-3) - cr.sin(x)) / 1e-3  # off by sin(x) / 2000


@cr.op(infer.same, elementwise=True)
def contract_bare(xp, x, /):
    return xp.floor(x)


class Plugin:
    @cr.hookimpl
    def chainrule_ops():
        return [contract_bare]

    @cr.hookimpl
    def chainrule_gradients():
        return {"contract_bare": cr.surrogate(straight_through)}

    @cr.hookimpl
    def chainrule_overrides():
        return {"contract_set": {"sin": cr.approximate(0.01)(coarse_cosine)}}


@pytest.fixture
def step():
    """The one step of the gradient of an operation under overrides, as it is explained."""

    def explain(f=cr.sin, overrides=None):
        with cr.GradientTape() as tape, cr.override_gradients(overrides or {}):
            x = tape.watch(cr.tensor(0.5))
            y = f(x)
        (found,) = cr.explain_gradients(y, x).steps
        return found

    return explain


# Declaring and showing


def test_an_operations_own_definition_is_exact_and_an_override_undeclared(step):
    assert step().contract == "exact"
    assert step(overrides={"sin": straight_through}).contract == "undeclared"


@pytest.mark.parametrize(
    ("contract", "shown"),
    [(cr.exact, "exact"), (cr.surrogate, "surrogate"), (cr.approximate(1e-3), "approximate(0.001)")],
)
def test_an_override_declares_a_contract(step, contract, shown):
    found = step(overrides={"sin": contract(straight_through)})
    assert (found.contract, found.rule, found.override) == (shown, "straight_through", True)
    assert found.definition == f"{__file__}:{inspect.getsourcelines(straight_through)[1]}"


def test_the_outermost_declaration_counts(step):
    assert step(overrides={"sin": cr.exact(cr.surrogate(straight_through))}).contract == "exact"


def test_as_a_decorator_the_function_stays_one():
    @cr.surrogate
    def through(g, _y, _x):
        """Passes."""
        return g

    assert through(3.0, None, None) == 3.0
    assert list(inspect.signature(through).parameters) == ["g", "_y", "_x"]


def test_a_tuple_as_a_whole_or_its_functions(step):
    def product_of(gradient):
        return step(lambda x: x * 2.0, {"multiply": gradient}).contract

    def left(g, _y, _a, b):
        return g * b

    assert product_of(cr.exact((left, None))) == "exact"
    assert product_of((left, None)) == "undeclared"
    assert product_of((cr.surrogate(left), None)) == "surrogate"
    assert product_of((cr.approximate(0.1)(left), cr.approximate(0.2)(left))) == "approximate(0.2)"
    assert product_of((cr.exact(left), cr.exact(left))) == "exact"


def test_at_gradient_time_and_by_name(step):
    cr.register_gradient("contract_through", cr.surrogate(straight_through))
    cr.register_gradient("contract_through", cr.surrogate(straight_through))  # a notebook's cell run again
    assert step(overrides={"sin": "contract_through"}).contract == "surrogate"
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(0.5))
        y = cr.sin(x)
    explained = cr.explain_gradients(y, x, overrides={"sin": cr.surrogate(straight_through)})
    assert explained.steps[0].contract == "surrogate"


def test_a_name_taken_is_an_error_that_has_both_places():
    cr.register_gradient("contract_taken", cr.surrogate((straight_through,)))
    with pytest.raises(cr.PluginError, match=r"'contract_taken' of your code at .*test_contracts.*at .*test_contracts"):
        cr.register_gradient("contract_taken", cr.surrogate(coarse_cosine))


def test_in_an_operation_and_in_a_plugin(step):
    rounded = cr.elementwise(
        "contract_rounded", infer.same, cr.surrogate(straight_through), "x", kernel=lambda xp, x: xp.round(x)
    )
    assert step(rounded).contract == "surrogate"

    cr.register_plugin(Plugin, "contracts")
    found = step(contract_bare)
    assert (found.contract, found.plugin, found.override) == ("surrogate", "contracts", False)
    assert step(overrides="contract_set").contract == "approximate(0.01)"


@pytest.mark.parametrize("wrong", [3, "name", None])
def test_only_gradients_have_contracts(wrong):
    with pytest.raises(cr.GradientDefinitionError, match="contract surrogate: expected a gradient"):
        cr.surrogate(wrong)


def test_an_operation_has_none_itself():
    with pytest.raises(cr.GradientDefinitionError, match="put the contract under the decorator"):
        cr.surrogate(cr.sin)


@pytest.mark.parametrize("rtol", [0, -1.0, math.inf, math.nan, "small", True])
def test_a_tolerance_is_a_positive_number(rtol):
    with pytest.raises(cr.ArgumentError, match="approximate: rtol is a positive number"):
        cr.approximate(rtol)


# Checking


def test_an_exact_gradient_agrees(same):
    report = cr.check_gradient(lambda x, y: cr.sum(cr.sin(x) * y["b"]), cr.tensor([0.5, 1.0]), {"b": 2.0, "n": 3})
    assert report.whole
    assert report.error < 1e-9
    assert report.forward is not None
    assert report.forward < 1e-12
    assert report.unchecked == ()
    assert {step.result for step in report.steps} == {"agrees as part of the whole"}
    assert str(report).startswith("order 1, 2 directions, as a whole: within ")


def test_second_order_complex_and_single_precision():
    assert cr.check_gradient(lambda z: z * cr.exp(z) * cr.conj(z), cr.tensor([1 + 2j, 0.3 - 1j]), order=2).whole
    x = cr.tensor([0.5, -1.0], dtype="float32")
    assert cr.check_gradient(lambda x: (cr.tanh(x), x @ x), x, order=2, directions=4).whole


def test_the_same_seed_gives_the_same_report():
    reports = [cr.check_gradient(cr.sin, 0.5, seed=seed).error for seed in (1, 1, 2)]
    assert reports[0] == reports[1] != reports[2]


def test_a_wrong_definition_is_named_with_plugin_and_line():
    def wrong(g, _y, x):
        return g * x

    wrong_square = cr.elementwise("contract_square", infer.same, wrong, "x * x", kernel=lambda xp, x: x * x)
    with pytest.raises(cr.GradientCheckError) as caught:
        cr.check_gradient(lambda x: cr.sin(wrong_square(x)), 0.5)
    message = str(caught.value)
    assert "check_gradient of <lambda>: first derivative along a random direction: the gradient gives" in message
    assert "op 'contract_square', contract_square: rule 'contract_square' (exact) of your code" in message
    assert f"{__file__}:{inspect.getsourcelines(wrong)[1]}" in message
    assert "op 'sin'" not in message


def test_a_wrong_second_derivative_is_found():
    def cut(g, _y, x):
        return g * 2.0 * cr.stop_gradient(x)

    square = cr.elementwise("contract_cut", infer.same, cut, "x * x", kernel=lambda xp, x: x * x)
    assert cr.check_gradient(square, 0.5).whole
    with pytest.raises(cr.GradientCheckError, match=r"second derivative.*\n.*op 'contract_cut'"):
        cr.check_gradient(square, 0.5, order=2)


def test_an_undeclared_override_that_disagrees_is_told_to_declare():
    with (
        cr.override_gradients({"sign": straight_through}),
        pytest.raises(cr.GradientCheckError, match=r"declare it: cr.surrogate\(straight_through\)"),
    ):
        cr.check_gradient(lambda x: cr.sign(x) * x, 0.5)


def test_an_undeclared_override_that_agrees_is_fine():
    with cr.override_gradients({"sin": lambda g, _y, x: g * cr.cos(x)}):
        assert cr.check_gradient(cr.sin, 0.5, order=2).whole


def test_a_surrogate_is_left_out_by_name_and_the_rest_is_checked():
    with cr.override_gradients({"sign": cr.surrogate(straight_through)}):
        report = cr.check_gradient(lambda x: cr.sign(x) * cr.exp(x), cr.tensor([0.5, -2.0]), order=2)
        assert not report.whole
        assert report.unchecked == ("sign",)
        assert [(s.op, s.result) for s in report.steps if s.op != "sign"] == [("multiply", "agrees"), ("exp", "agrees")]
        assert "sign: rule 'straight_through' (surrogate)" in str(report)
        with (
            cr.override_gradients({"exp": lambda g, y, _x: 2.0 * g * y}),
            pytest.raises(cr.GradientCheckError, match=r"op 'exp', .*undeclared"),
        ):
            cr.check_gradient(lambda x: cr.sign(x) * cr.exp(x), 0.5)


def test_stop_gradient_is_a_surrogate_of_the_users():
    report = cr.check_gradient(lambda x: x + cr.stop_gradient(cr.round(x) - x), 0.7)
    assert report.unchecked == ("stop_gradient",)
    assert "stopped by stop_gradient" in str(report)


def test_an_approximation_is_held_to_its_tolerance():
    with cr.override_gradients({"sin": cr.approximate(1e-2)(coarse_cosine)}):
        report = cr.check_gradient(lambda x: cr.sin(x) * x, 1.0)
        assert not report.whole
        assert 1e-5 < report.error < 1e-2
    with (
        cr.override_gradients({"sin": cr.approximate(1e-5)(coarse_cosine)}),
        pytest.raises(cr.GradientCheckError, match=r"op 'sin', sin: rule 'coarse_cosine' \(approximate\(1e-05\)\)"),
    ):
        cr.check_gradient(lambda x: cr.sin(x) * x, 1.0)


def test_policies_are_held_to_what_they_declare():
    @cr.op(infer.same, elementwise=True)
    def contract_cube(xp, x, /):
        return x * x * x

    def f(x):
        return contract_cube(x) * x

    with pytest.warns(cr.MissingRuleWarning), cr.on_missing("finite-difference"):
        report = cr.check_gradient(f, 0.5, order=2)
    assert [(step.contract, step.result) for step in report.steps] == [
        ("exact", "agrees"),
        ("approximate(0.001)", "agrees"),
    ]
    with pytest.warns(cr.MissingRuleWarning), cr.on_missing("zero"):
        report = cr.check_gradient(f, 0.5)
    assert report.unchecked == ("contract_cube",)


def test_cut_paths_are_shown():
    def f(x):
        return x * cr.astype(cr.astype(10.0 * x, "int64"), "float64")

    with cr.override_gradients({"multiply": NoGradient("not here")}), pytest.raises(cr.GradientCheckError) as caught:
        cr.check_gradient(f, 1.23)
    assert "the gradient is cut: op 'multiply' at" in str(caught.value)
    assert "not here" in str(caught.value)


def test_what_was_not_recorded_is_found():
    with pytest.raises(cr.GradientCheckError, match=r"each operation agrees by itself.*no_grad"):
        cr.check_gradient(lambda x: x * cr.no_grad()(lambda: x * 1.0)(), 0.5)


def test_a_custom_gradient_that_is_wrong():
    @cr.custom_gradient
    def halved(x):
        return x * x, lambda g: g * x

    with pytest.raises(cr.GradientCheckError, match=r"op '.*halved', .*it cannot be run again by itself"):
        cr.check_gradient(lambda x: cr.sin(halved(x)), 0.5)


def test_a_function_that_changes_is_found():
    calls = iter(range(100))
    with pytest.raises(cr.GradientCheckError, match="gives another result when it is called again"):
        cr.check_gradient(lambda x: x * float(next(calls)), 0.5)


def test_nan_is_no_agreement():
    wrong = cr.elementwise("contract_nan", infer.same, lambda g, _y, _x: g * math.nan, "x", kernel=lambda xp, x: x)
    with pytest.raises(cr.GradientCheckError, match="the gradient gives nan"):
        cr.check_gradient(wrong, 0.5)


def test_tolerances_of_your_own():
    off = cr.elementwise("contract_off", infer.same, lambda g, _y, _x: g * 1.01, "x", kernel=lambda xp, x: x)
    with pytest.raises(cr.GradientCheckError):
        cr.check_gradient(off, 0.5)
    assert 1e-3 < cr.check_gradient(off, 0.5, rtol=0.02).error < 0.0101
    assert cr.check_gradient(off, 0.5, atol=1.0).whole


@pytest.mark.parametrize(
    ("f", "arguments", "options", "error", "message"),
    [
        (lambda x: x, (3,), {}, cr.DTypeError, "no argument is an array or number of a floating-point dtype"),
        (lambda x: x > 0, (3.0,), {}, cr.DTypeError, "the result holds no array of a floating-point dtype"),
        (lambda x: x, (3.0,), {"order": 3}, cr.ArgumentError, "order is 1 or 2"),
        (lambda x: x, (3.0,), {"directions": 0}, cr.ArgumentError, "directions at least 1"),
    ],
    ids=["integers", "comparison", "order", "directions"],
)
def test_what_cannot_be_checked(f, arguments, options, error, message):
    with pytest.raises(error, match=message):
        cr.check_gradient(f, *arguments, **options)
