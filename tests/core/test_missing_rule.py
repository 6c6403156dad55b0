"""Missing-rule policies: what stands in for a definition, in which scope, at what cost, and how it is reported."""

from __future__ import annotations

import inspect
import math
import threading
import warnings
from contextlib import contextmanager

import pytest

import chainrule as cr
from chainrule import NoGradient, infer

pytestmark = pytest.mark.usefixtures("backend")


@cr.op(infer.same, elementwise=True)
def cubed_bare(xp, x, /):
    """x ** 3, without a gradient."""
    return x * x * x


@cr.op(infer.same, broadcasts=True, elementwise=True)
def product(xp, a, b, /):
    """a * a * b, without a gradient."""
    return a * a * b


@cr.op(lambda x, power: infer.Spec((), x.dtype))
def power_sum(xp, x, /, power=2):
    """The sum of x ** power, without a gradient."""
    return xp.sum(x**power)


@cr.op(lambda a, b: (infer.Spec((), a.dtype), b), multiple=True)
def two_results(xp, a, b, /):
    """The sum of a * a, and b * sum(a), without a gradient."""
    return xp.sum(a * a), b * xp.sum(a)


@cr.op(lambda *xs: infer.Spec((), xs[0].dtype))
def total(xp, /, *xs):
    """The sum of all squares, without a gradient."""
    return sum(xp.sum(x * x) for x in xs[1:]) + xp.sum(xs[0] * xs[0])


@cr.op(infer.real, holomorphic=False, elementwise=True)
def squared_modulus(xp, z, /):
    """|z| ** 2, without a gradient."""
    return xp.real(z) ** 2 + xp.imag(z) ** 2


@contextmanager
def reported(policy, match="by the missing-rule policy", **options):
    """A policy in force, and the warnings of its use expected."""
    with pytest.warns(cr.MissingRuleWarning, match=match) as caught, cr.on_missing(policy, **options):
        yield caught


@pytest.fixture
def by_differences():
    """Finite differences in force."""
    with reported("finite-difference"):
        yield


def use_of(op, policy="finite-difference"):
    found = [use for use in cr.missing_rules_used() if (use.op, use.policy) == (op, policy)]
    return (sum(use.nodes for use in found), sum(use.evaluations for use in found))


# Which policy


def test_without_a_policy_it_is_an_error_that_names_the_ways_out():
    with pytest.raises(
        cr.MissingGradientError, match=r"op 'cubed_bare' of your code.*on_missing\('finite-difference'\)"
    ):
        cr.grad(cubed_bare)(2.0)


def test_a_policy_ends_with_its_block():
    with reported("zero"):
        assert float(cr.grad(cubed_bare)(2.0)) == 0.0
    with pytest.raises(cr.MissingGradientError):
        cr.grad(cubed_bare)(2.0)


def test_it_is_decided_when_the_operation_is_called(same):
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(2.0))
        with reported("finite-difference"):
            y = cubed_bare(x)
    same(tape.gradient(y, x), 12.0, 1e-8)


def test_an_inner_block_for_all_operations_puts_out_the_outer_ones():
    cr.register_plugin(_Ops, "ops_without_gradients")
    with (
        cr.on_missing("zero", ops=["cubed_bare"]),
        cr.on_missing("raise"),
        pytest.raises(cr.MissingGradientError),
    ):
        cr.grad(cubed_bare)(2.0)
    with (
        cr.on_missing("raise"),
        reported("zero", ops=cubed_bare),
    ):
        assert float(cr.grad(cubed_bare)(2.0)) == 0.0
        with pytest.raises(cr.MissingGradientError):
            cr.grad(power_sum)(cr.tensor([1.0]))


def _run(thread):
    thread.start()
    thread.join()


class _Ops:
    @cr.hookimpl
    def chainrule_ops():
        return [cubed_bare]


def test_an_operation_with_a_gradient_is_never_touched(same):
    with cr.on_missing("zero"):
        same(cr.grad(cr.sin)(0.5), math.cos(0.5))


def test_what_the_author_states_holds_until_a_user_says_otherwise(same):
    @cr.op(infer.same, elementwise=True, on_missing="finite-difference")
    def stated(xp, x, /):
        return x * x

    row = cr.elementwise("stated_row", infer.same, None, "x + x", kernel=lambda xp, x: x + x, on_missing="zero")
    with pytest.warns(cr.MissingRuleWarning, match="by central differences"):
        same(cr.grad(stated)(3.0), 6.0, 1e-8)
    with pytest.warns(cr.MissingRuleWarning, match="taken to be zero"):
        same(cr.grad(row)(3.0), 0.0)
    with cr.on_missing("raise"), pytest.raises(cr.MissingGradientError):
        cr.grad(stated)(3.0)


def test_a_process_wide_policy_lies_under_the_blocks_and_reaches_threads(backend):
    def slope():
        with cr.use_backend(backend.name):  # a thread has not the block of the test around it
            return float(cr.grad(cubed_bare)(2.0))

    found = []
    cr.set_on_missing("zero")
    try:
        thread = threading.Thread(target=lambda: found.append(slope()))
        with pytest.warns(cr.MissingRuleWarning):
            _run(thread)
        with cr.on_missing("raise"), pytest.raises(cr.MissingGradientError):
            slope()
    finally:
        cr.set_on_missing(None)
    assert found == [0.0]
    with pytest.raises(cr.MissingGradientError):
        slope()


def test_a_compiled_function_is_traced_again_for_another_policy_alone(same):
    @cr.function
    def slope(x):
        return cr.grad(lambda x: cubed_bare(x))(x)

    for policy, expected in (("zero", 0.0), ("zero", 0.0), ("finite-difference", 12.0), ("zero", 0.0)):
        with cr.on_missing(policy), warnings.catch_warnings(action="ignore"):
            same(slope(2.0), expected, 1e-8)
    assert slope.traces == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"policy": "zeros"}, cr.ArgumentError, "on_missing: expected 'raise', 'zero', 'finite-difference' or a func"),
        ({"policy": "zero", "step": 1e-3}, cr.ArgumentError, "max_evaluations and step go with 'finite-difference'"),
        ({"policy": "finite-difference", "step": -1.0}, cr.ArgumentError, "step is a positive number, got -1.0"),
        ({"policy": "finite-difference", "max_evaluations": 1}, cr.ArgumentError, "of at least 2, got 1"),
        ({"policy": "zero", "ops": "sine"}, cr.SelectorError, "no op is called 'sine'; did you mean 'sin"),
        ({"policy": "zero", "ops": [3]}, cr.ArgumentError, "ops are operations or their names, got 3"),
    ],
    ids=["policy", "option", "step", "budget", "op", "key"],
)
def test_what_is_wrong_is_named_before_anything_is_in_force(arguments, error, message):
    with pytest.raises(error, match=message), cr.on_missing(**arguments):
        pass


# A function of the operation


def test_a_function_gives_the_definition(same):
    def by_hand(op):
        return (lambda g, _y, x: g * 3.0 * x * x) if op.name == "cubed_bare" else None

    with reported(by_hand, match="policy .*by_hand"):
        same(cr.grad(cubed_bare)(2.0), 12.0)
        with pytest.raises(cr.MissingGradientError):
            cr.grad(power_sum)(cr.tensor([1.0]))
    with reported(lambda op: NoGradient("not wanted")):
        same(cr.grad(cubed_bare)(2.0), 0.0)


def test_a_function_that_gives_nothing_usable_is_named():
    with (
        cr.on_missing(lambda op: 5),
        pytest.raises(cr.GradientDefinitionError, match="op 'cubed_bare': expected a grad"),
    ):
        cr.grad(cubed_bare)(2.0)
    with cr.on_missing(lambda op: 1 / 0), pytest.raises(cr.GradientDefinitionError, match="raised ZeroDivisionError"):
        cr.grad(cubed_bare)(2.0)


# Zero


def test_zero_is_a_gradient_of_zeros_in_both_modes(same):
    x, y = cr.tensor([1.0, 2.0]), cr.tensor([[3.0], [4.0]])
    with reported("zero"):
        same(cr.grad(lambda a, b: cr.sum(product(a, b) + a), argnums=(0, 1))(x, y), ([2.0, 2.0], [[0.0], [0.0]]))
        same(cr.jvp(lambda a, b: product(a, b), [x, y], [x, y])[1], [[0.0, 0.0], [0.0, 0.0]])
        same(cr.grad(lambda a: power_sum(a) + cr.sum(a))(x), [1.0, 1.0])
        same(cr.grad(lambda a: total(a, a) + cr.sum(a))(x), [1.0, 1.0])
        same(cr.jvp(power_sum, [x], [x])[1], 0.0)


# Differences


def test_elementwise_in_both_modes(same, by_differences):
    x = cr.tensor([[0.5, -1.0, 20.0]])
    expected = [[3 * 0.25, 3.0, 1200.0]]
    same(cr.grad(lambda x: cr.sum(cubed_bare(x)))(x), expected, 1e-8)
    same(cr.jvp(cubed_bare, [x], [cr.ones_like(x)])[1], expected, 1e-8)


def test_broadcast_inputs_each(same, by_differences):
    a, b = cr.tensor([1.0, 2.0]), cr.tensor([[3.0], [4.0]])
    (da, db) = cr.grad(lambda a, b: cr.sum(product(a, b)), argnums=(0, 1))(a, b)
    same(da, [14.0, 28.0], 1e-8)  # 2 a (3 + 4)
    same(db, [[5.0], [5.0]], 1e-8)  # 1 + 4


def test_attributes_and_a_scalar_result(same, by_differences):
    x = cr.tensor([[1.0, 2.0], [3.0, -1.0]])
    same(cr.grad(lambda x: power_sum(x, power=3))(x), [[3.0, 12.0], [27.0, 3.0]], 1e-8)
    same(cr.jvp(lambda x: power_sum(x, power=3), [x], [x])[1], 3 * (1 + 8 + 27 - 1), 1e-8)
    same(cr.grad(lambda x: power_sum(x))(cr.zeros((0,))), [])


def test_several_inputs_and_results_only_what_is_wanted(same, by_differences):
    a, b = cr.tensor([1.0, 2.0]), cr.tensor([3.0, 4.0, 5.0])

    def f(a, b):
        s, t = two_results(a, b)
        return s * 2.0 + cr.sum(t)

    before = use_of("two_results")[1]
    same(cr.grad(f)(a, b), [4 + 12.0, 8 + 12.0], 1e-8)  # 2 * 2a + sum(b)
    assert use_of("two_results")[1] - before == 4
    same(cr.grad(f, argnums=1)(a, b), [3.0] * 3, 1e-8)
    assert use_of("two_results")[1] - before == 4 + 6
    same(cr.grad(lambda a: two_results(a, b)[0])(a), [2.0, 4.0], 1e-8)  # a result that nobody used


def test_any_number_of_inputs(same, by_differences):
    a, b = cr.tensor([1.0, 2.0]), cr.tensor(3.0)
    same(cr.grad(lambda a, b: total(a, cr.tensor([9.0]), b), argnums=(0, 1))(a, b), ([2.0, 4.0], 6.0), 1e-8)


@pytest.mark.parametrize("z", [1 + 2j, -0.5 + 0.1j])
def test_complex_inputs_in_both_directions(same, by_differences, z):
    x, g = cr.tensor([z]), cr.tensor([2.0 - 1j])
    slope = 3 * z * z  # of a holomorphic function, whose cotangent is g times the conjugate of it
    same(cr.vjp(cubed_bare, x)[1](g)[0], [(2.0 - 1j) * slope.conjugate()], 1e-8)
    same(cr.jvp(cubed_bare, [x], [g])[1], [(2.0 - 1j) * slope], 1e-8)
    same(cr.grad(lambda x: cr.sum(squared_modulus(x)))(x), [2 * z], 1e-8)  # the steepest ascent of |z|^2
    same(cr.jvp(squared_modulus, [x], [g])[1], [2 * (z.conjugate() * (2 - 1j)).real], 1e-8)
    same(cr.vjp(lambda x: power_sum(x, power=2), x)[1](cr.tensor(1j))[0], [1j * 2 * z.conjugate()], 1e-8)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-3), ("float64", 1e-8)])
def test_each_dtype_in_its_own_precision(same, by_differences, dtype, tolerance):
    x = cr.tensor([0.3, 4.0], dtype=dtype)
    for gradient in (cr.grad(lambda x: cr.sum(cubed_bare(x)))(x), cr.grad(lambda x: power_sum(x, power=3))(x)):
        assert gradient.dtype == dtype
        same(gradient, [0.27, 48.0], tolerance)


def test_a_step_of_your_own():
    with reported("finite-difference", step=0.5):
        assert float(cr.grad(cubed_bare)(1.0)) == (1.5**3 - 0.5**3) / 1.0
        assert float(cr.grad(cubed_bare)(4.0)) == (6.0**3 - 2.0**3) / 4.0  # relative to a large input


def test_second_derivatives_are_differences_of_differences(same, by_differences):
    same(cr.grad(cr.grad(cubed_bare))(2.0), 12.0, 1e-4)
    hessian = cr.hessian(lambda x: power_sum(x, power=3))(cr.tensor([1.0, 2.0]))
    same(hessian, [[6.0, 0.0], [0.0, 12.0]], 1e-4)


def test_second_derivatives_after_the_block(same):
    with cr.GradientTape() as outer:
        x = outer.watch(cr.tensor(2.0))
        with cr.GradientTape() as inner:
            inner.watch(x)
            with reported("finite-difference"):
                y = cubed_bare(x)
        slope = inner.gradient(y, x)
    same(outer.gradient(slope, x), 12.0, 1e-4)


@pytest.mark.parametrize("length", [2, None])
def test_in_a_graph_of_operations_alone(same, length):
    graph = cr.Graph()
    with graph.as_default(), reported("finite-difference"):
        x = cr.placeholder("float64", (length,), name="x")
        y = power_sum(x, power=3) + cr.sum(cubed_bare(x))
        (slope,) = cr.gradients(y, x)
        (curvature,) = cr.gradients(slope, x)
    found = cr.Session(graph).run([slope, curvature], {x: [1.0, 2.0]})
    same(found, [[6.0, 24.0], [12.0, 24.0]], 1e-4)


def test_the_budget_is_an_error_that_counts():
    x = cr.tensor([1.0] * 6)
    with reported("finite-difference", max_evaluations=11):
        message = r"op 'power_sum' with respect to input 0, of shape \(6,\), need 12 evaluations.*max_evaluations=11"
        with pytest.raises(cr.MissingGradientError, match=message):
            cr.grad(power_sum)(x)
        with pytest.raises(cr.MissingGradientError, match="need 24 evaluations"):
            cr.vjp(power_sum, cr.tensor([1j] * 6))[1](cr.tensor(1.0 + 0j))
        cr.grad(lambda x: cr.sum(cubed_bare(x)))(x)  # two evaluations


# Reports


def test_the_warning_has_the_users_line_once(backend):
    def slope():
        return cr.grad(lambda x: cubed_bare(x))(2.0)

    with reported("finite-difference") as caught:
        slope()
    (warning,) = caught
    assert warning.filename == __file__
    assert warning.lineno == inspect.getsourcelines(slope)[1] + 1
    assert "op 'cubed_bare' of" in str(warning.message)
    assert "policy 'finite-difference'; register one with cr.register_gradient('cubed_bare', f)" in str(warning.message)


def test_a_warning_made_an_error_leaves_nothing_behind():
    before = use_of("cubed_bare", "zero")
    with cr.on_missing("zero"), pytest.raises(cr.MissingRuleWarning):
        cr.grad(cubed_bare)(2.0)
    assert use_of("cubed_bare", "zero") == before
    with pytest.raises(cr.MissingGradientError):
        cr.grad(cubed_bare)(2.0)


def test_uses_are_counted(by_differences):
    nodes, evaluations = use_of("cubed_bare")
    cr.grad(lambda x: cubed_bare(x) + cubed_bare(2.0 * x))(2.0)
    assert use_of("cubed_bare") == (nodes + 2, evaluations + 4)


def test_the_explanation_shows_rule_contract_and_policy(by_differences):
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(2.0))
        y = cubed_bare(x)
    explanation = cr.explain_gradients(y, x)
    (step,) = explanation.steps
    assert (step.rule, step.contract, step.policy, step.override) == (
        "finite-difference",
        "approximate(0.001)",
        "finite-difference",
        False,
    )
    assert "rule 'finite-difference' (approximate(0.001)) of your code MISSING-RULE POLICY" in str(explanation)
