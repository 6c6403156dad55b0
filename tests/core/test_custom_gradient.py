"""`custom_gradient`: a rule of one's own is honoured however it is called, and checked for what it returns."""

from __future__ import annotations

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")


@cr.custom_gradient
def product(a, b):
    """`a b`, with slopes that are 1000 times too large, so that nobody takes them for the body's own."""
    return a * b, lambda g: (1000.0 * g * b, 1000.0 * g * a)


@pytest.mark.parametrize(
    "call",
    [
        lambda a, b: product(a, b),
        lambda a, b: product(a, b=b),
        lambda a, b: product(a=a, b=b),
        lambda a, b: product(b=b, a=a),
    ],
    ids=["positional", "mixed", "keywords", "keywords in another order"],
)
def test_arguments_are_bound_by_the_signature(call, same):
    same(cr.grad(call, argnums=(0, 1))(2.0, 3.0), (3000.0, 2000.0))
    same(cr.value_and_grad(call)(2.0, 3.0), (6.0, 3000.0))


def test_without_recording_it_is_the_function(same):
    same(product(cr.tensor(2.0), cr.tensor(3.0)), 6.0)
    same(product(2.0, 3.0), 6.0)


def test_only_one_argument_tracked(same):
    same(cr.grad(lambda a: product(a, 3.0))(2.0), 3000.0)
    same(cr.grad(lambda b: product(2.0, b))(3.0), 2000.0)


def test_defaults_and_arguments_without_arrays(same):
    @cr.custom_gradient
    def scaled(x, factor=2, mode="plain"):
        assert mode in ("plain", "other")
        return x * factor, lambda g: 100.0 * g * factor

    same(cr.grad(scaled)(3.0), 200.0)
    same(cr.grad(lambda x: scaled(x, 5, mode="other"))(3.0), 500.0)


def test_none_for_arguments_without_arrays(same):
    @cr.custom_gradient
    def scaled(x, factor):
        return x * factor, lambda g: (100.0 * g, None)

    same(cr.grad(lambda x: scaled(x, 5))(3.0), 100.0)


def test_variable_arguments(same):
    @cr.custom_gradient
    def total(*xs):
        return sum(xs[1:], xs[0]), lambda g: tuple(float(i + 1) * g for i in range(len(xs)))

    same(cr.grad(lambda a, b, c: total(a, b, c), argnums=(0, 1, 2))(1.0, 1.0, 1.0), (1.0, 2.0, 3.0))


def test_pytrees_in_and_out(same):
    @cr.custom_gradient
    def mixed(p):
        def pull(g):
            return {"w": 10.0 * g["sum"], "b": [20.0 * g["sum"], 30.0 * g["product"]]}

        w, (b, c) = p["w"], p["b"]
        return {"sum": w + b, "product": b * c}, pull

    def loss(p):
        out = mixed(p)
        return out["sum"] + 2.0 * out["product"]

    same(cr.grad(loss)({"w": 1.0, "b": [2.0, 3.0]}), {"w": 10.0, "b": [20.0, 60.0]})


def test_several_results_are_several_cotangents(same):
    @cr.custom_gradient
    def pair(x):
        return (x * 2.0, x * 3.0), lambda g, h: 10.0 * g + 100.0 * h

    def loss(x):
        a, b = pair(x)
        return a + 2.0 * b

    same(cr.grad(loss)(1.0), 210.0)
    same(cr.grad(lambda x: pair(x)[0])(1.0), 10.0)
    same(cr.grad(lambda x: pair(x)[1])(1.0), 100.0)


def test_none_is_no_gradient(same):
    @cr.custom_gradient
    def frozen(x):
        return x * x, lambda g: None

    same(cr.grad(lambda x: frozen(x) + x)(3.0), 1.0)


# What is refused, and how it is named


def refusal(function, *arguments):
    with pytest.raises(cr.GradientDefinitionError) as caught:
        cr.grad(lambda *xs: cr.sum(function(*xs)))(*arguments)
    return str(caught.value)


def test_no_pair_returned(here):
    line = here(2)

    @cr.custom_gradient
    def lonely(x):
        return x * x

    message = refusal(lonely, 1.0)
    assert f"lonely' at {line}: expected it to return (result, grad_fn), got Tensor" in message

    @cr.custom_gradient
    def triple(x):
        return x, x, x

    assert "expected it to return (result, grad_fn), got tuple of 3" in refusal(triple, 1.0)

    @cr.custom_gradient
    def uncallable(x):
        return x, x

    assert "expected it to return (result, grad_fn), got tuple of 2" in refusal(uncallable, 1.0)


def test_a_wrong_count(here):
    line = here(2)

    @cr.custom_gradient
    def few(a, b):
        return a * b, lambda g: (g, g, g)

    message = refusal(few, 1.0, 2.0)
    assert f"few' at {line}: its grad_fn returned 3 cotangents; expected one for each of a, b" in message


def test_a_wrong_shape_is_not_accepted_in_silence(here):
    line = here(2)

    @cr.custom_gradient
    def inflated(x):
        return x * 2.0, lambda g: cr.zeros(5)

    message = refusal(inflated, 1.0)
    assert f"inflated' at {line}: the cotangent of argument x is float64[5], expected float64[]" in message


def test_a_wrong_dtype_and_structure():
    @cr.custom_gradient
    def rounded(x):
        return x * 2.0, lambda g: cr.astype(g, "int64")

    assert "the cotangent of argument x is int64[], expected float64[]" in refusal(rounded, 1.0)

    @cr.custom_gradient
    def flattened(p):
        return p["a"] * p["b"], lambda g: {"a": g}

    assert "the cotangent of argument 'p' has not its structure" in refusal(flattened, {"a": 1.0, "b": 2.0})


def test_the_argument_inside_a_structure_is_named():
    @cr.custom_gradient
    def inner(p):
        return p["a"] * p["b"], lambda g: {"a": g, "b": cr.zeros(3)}

    assert "the cotangent of argument p['b'] is float64[3], expected float64[]" in refusal(inner, {"a": 1.0, "b": 2.0})


def test_a_rule_that_raises_is_named(here):
    line = here(2)

    @cr.custom_gradient
    def broken(x):
        return x * 2.0, lambda g: 1 / 0

    message = refusal(broken, 1.0)
    assert f"broken' at {line}: its grad_fn raised ZeroDivisionError" in message


def test_arguments_that_do_not_fit_the_signature():
    with pytest.raises(TypeError, match="missing a required argument: 'b'"):
        product(1.0)


# What the body uses without taking it


def test_captured_tensors_get_the_bodys_gradient(same):
    def loss(x, w):
        @cr.custom_gradient
        def f(x):
            return x * w, lambda g: 1000.0 * g

        return f(x)

    same(cr.grad(loss, argnums=(0, 1))(2.0, 3.0), (1000.0, 2.0))


def test_captured_intermediate_results_and_second_uses(same):
    def loss(w):
        scale = w * w

        @cr.custom_gradient
        def f(x):
            return x * scale + w, lambda g: 1000.0 * g

        return f(cr.tensor(5.0)) + scale

    # d/dw of 5 w^2 + w + w^2
    same(cr.grad(loss)(3.0), 12.0 * 3.0 + 1.0)


def test_captured_variables_get_gradients_without_being_asked_for(same):
    v = cr.Variable(3.0)

    @cr.custom_gradient
    def f(x):
        return x * v, lambda g: 1000.0 * g

    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(2.0))
        y = f(x)
    same(tape.gradient(y, [x, v]), [1000.0, 2.0])


def test_a_captured_tensor_that_is_also_the_argument(same):
    def loss(w):
        @cr.custom_gradient
        def f(x):
            return x * w, lambda g: 1000.0 * g

        return f(w)

    same(cr.grad(loss)(3.0), 1003.0)


def test_an_identity_in_the_body_hides_nothing(same):
    def loss(w):
        @cr.custom_gradient
        def f(x):
            return x * cr.identity(w), lambda g: 1000.0 * g

        return f(cr.tensor(5.0))

    same(cr.grad(loss)(3.0), 5.0)


def test_captured_tensors_in_second_order_and_forward_mode(same):
    def loss(w):
        @cr.custom_gradient
        def f(x):
            return x * w * w, lambda g: 1000.0 * g

        return f(cr.tensor(5.0))

    same(cr.grad(cr.grad(loss))(3.0), 10.0)
    same(cr.jvp(loss, [3.0], [1.0]), (45.0, 30.0))


# Orders and modes


def test_second_order_differentiates_the_rule(same):
    @cr.custom_gradient
    def cube(x):
        return x * x * x, lambda g: 3.0 * g * x * x

    same(cr.grad(cube)(3.0), 27.0)
    same(cr.grad(cr.grad(cube))(3.0), 18.0)
    same(cr.grad(cr.grad(cr.grad(cube)))(3.0), 6.0)


def test_second_order_of_a_rule_that_is_not_the_true_one(same):
    @cr.custom_gradient
    def odd(x):
        return x * x, lambda g: g * x * x * x

    same(cr.grad(odd)(2.0), 8.0)
    same(cr.grad(cr.grad(odd))(2.0), 12.0)


def test_forward_mode_uses_the_rule_not_the_body(same):
    @cr.custom_gradient
    def tenfold(x):
        return x * 6.0, lambda g: 10.0 * g

    same(cr.jvp(tenfold, [3.0], [1.0]), (18.0, 10.0))
    same(cr.jvp(lambda a, b: product(a, b), [2.0, 3.0], [1.0, 10.0]), (6.0, 3000.0 + 20000.0))
    same(cr.jacobian(tenfold, mode="forward")(3.0), 10.0)
    same(cr.jvp(cr.grad(lambda x: tenfold(x) * x), [3.0], [1.0]), (48.0, 20.0))


def test_forward_mode_of_a_rule_on_arrays(same):
    @cr.custom_gradient
    def doubled(x):
        return cr.sum(x) * x, lambda g: 2.0 * g

    same(cr.jvp(doubled, [cr.tensor([1.0, 2.0])], [cr.tensor([3.0, 4.0])])[1], [6.0, 8.0])


def test_two_calls_of_one_function_keep_their_own_values(same):
    same(cr.grad(lambda x: product(x, 2.0) * product(x, 5.0))(1.0), 1000.0 * 2.0 * 5.0 + 1000.0 * 5.0 * 2.0)


def test_nested_custom_gradients(same):
    @cr.custom_gradient
    def inner(x):
        return x * x, lambda g: 10.0 * g

    @cr.custom_gradient
    def outer(x):
        y = inner(x)
        return y * y, lambda g: cr.grad(inner)(x) * g

    same(cr.grad(outer)(3.0), 10.0)


def test_ops_in_the_body_are_not_overridden_into_the_rule(same):
    with cr.override_gradients({"multiply": (lambda g, _y, _a, _b: 0.0 * g, lambda g, _y, _a, _b: 0.0 * g)}):
        same(cr.grad(lambda a: product(a, 3.0))(2.0), 3000.0)


def test_it_keeps_its_names():
    assert product.__name__ == "product"
    assert product.__doc__.startswith("`a b`")


def test_explained_under_its_own_name():
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(2.0))
        y = product(x, 3.0)
    (step,) = cr.explain_gradients(y, x).steps
    assert step.op == "product"
    assert step.plugin == "your code"
