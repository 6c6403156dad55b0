"""Registering gradients: who has a name, what a definition must look like, and what is refused."""

from __future__ import annotations

import pytest

import chainrule as cr
from chainrule import NoGradient, _registry

pytestmark = pytest.mark.usefixtures("backend")


def plain_op(name, gradient=None):
    @cr.op(lambda x: x, gradient, name=name)
    def kernel(xp, x, /):
        return x * 3.0

    return kernel


triple = plain_op("made_up.triple", lambda g, _y, _x: g * 3.0)


@pytest.fixture
def registered(request):
    """An operation of a name of its own, made known without a gradient."""
    name = f"op_of_{request.node.name.partition('[')[0]}"

    class Plugin:
        @cr.hookimpl
        def chainrule_ops(self):
            return [plain_op(name)]

    if name not in dir(cr):
        cr.register_plugin(Plugin(), f"plugin_of_{name}")
    function = getattr(cr.ops, name)
    function.op.definition = None
    yield function
    _registry.gradients.pop(name, None)
    _registry.gradients.owners.pop(name, None)


def test_an_op_without_gradient_names_its_plugin_and_the_fix(registered):
    name = registered.op.name
    with pytest.raises(cr.MissingGradientError) as caught:
        cr.grad(registered)(1.0)
    message = str(caught.value)
    assert f"op {name!r} of plugin_of_{name} has no gradient definition" in message
    for fix in (f"cr.register_gradient({name!r}, f)", f"cr.no_gradient({name!r})", "cr.stop_gradient(x)"):
        assert fix in message


def test_registering_a_gradient(registered):
    @cr.register_gradient(registered.op.name)
    def rule(g, _y, _x):
        return 3.0 * g

    assert callable(rule)
    assert float(cr.grad(registered)(1.0)) == 3.0


def test_an_op_of_a_namespace_has_no_name_in_cr():
    class Plugin:
        @cr.hookimpl
        def chainrule_ops(self):
            return [triple]

    if triple.op.name not in _registry.ops:
        cr.register_plugin(Plugin(), "plugin_of_a_namespace")
    assert not {"made_up", "triple", "made_up.triple"} & {*dir(cr)}
    assert triple.op.owner.plugin == "plugin_of_a_namespace"
    with cr.override_gradients({"made_up.triple": lambda g, _y, _x: g * 5.0}):
        assert float(cr.grad(triple)(1.0)) == 5.0
    assert float(cr.function(cr.grad(triple))(1.0)) == 3.0


@pytest.mark.parametrize("name", ["made_up.", ".triple", "made up.triple"])
def test_a_namespace_has_names_for_its_ops(name):
    class Plugin:
        @cr.hookimpl
        def chainrule_ops(self):
            return [plain_op(name)]

    with pytest.raises(cr.PluginError, match=r"not a name that `cr.<name>` can have"):
        cr.register_plugin(Plugin(), "plugin_of_bad_names")


def test_a_second_registration_is_refused_and_names_both_places(registered, here):
    name = registered.op.name
    first = here(1)
    cr.register_gradient(name, lambda g, _y, _x: 3.0 * g)
    second = here(2)
    with pytest.raises(cr.PluginError) as caught:
        cr.register_gradient(name, lambda g, _y, _x: 4.0 * g)
    assert first in str(caught.value)
    assert second in str(caught.value)
    assert float(cr.grad(registered)(1.0)) == 3.0


def test_a_builtins_gradient_is_not_replaced_by_accident():
    with pytest.raises(
        cr.PluginError, match=r"gradient of op 'sin' by your code.*is already defined by plugin 'arrays'.*replace=True"
    ):
        cr.register_gradient("sin", lambda g, _y, _x: g)
    assert float(cr.grad(cr.sin)(0.0)) == 1.0


def test_the_same_function_again_is_no_conflict(registered):
    def define():
        @cr.register_gradient(registered.op.name)
        def rule(g, _y, _x):
            return 3.0 * g

    define()
    define()  # as a notebook's cell that is run again
    assert float(cr.grad(registered)(1.0)) == 3.0


def test_replacing_is_said_aloud(registered):
    name = registered.op.name
    cr.register_gradient(name, lambda g, _y, _x: 3.0 * g)
    cr.register_gradient(name, lambda g, _y, _x: 4.0 * g, replace=True)
    assert float(cr.grad(registered)(1.0)) == 4.0


def test_no_gradient(registered):
    name = registered.op.name
    cr.no_gradient(name, "a counter")
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(1.0))
        y = registered(x)
    assert tape.gradient(y, x) is None
    assert "a counter" in str(cr.why_no_gradient(y, x))
    with pytest.raises(cr.SelectorError, match="no op is called 'no_such_op_at_all'"):
        cr.no_gradient("no_such_op_at_all")
    with pytest.raises(cr.PluginError, match=r"gradient of op 'sin'.*already defined"):
        cr.no_gradient("sin")
    with pytest.raises(cr.PluginError, match="already defined"):
        cr.register_gradient(name, lambda g, _y, _x: g)


@pytest.mark.parametrize("name", [3, None, cr.sin])
def test_names_are_strings(name):
    with pytest.raises(cr.ArgumentError, match="a gradient's name is a string"):
        cr.register_gradient(name, lambda g, _y, _x: g)


def test_gradients_are_functions_or_tuples():
    with pytest.raises(cr.GradientDefinitionError, match="expected a function or a tuple, got 5"):
        cr.register_gradient("a_number", 5)


@pytest.mark.parametrize(
    ("op", "gradient", "message"),
    [
        ("sin", lambda g, y: g, r"has parameters \(g, y\); it is called with the cotangent, the result, 1 input"),
        ("add", lambda g, y, a: (g, g), "2 inputs"),
        ("sum", lambda g, y, x: g, "by keyword axis, keepdims, dtype"),
        ("sin", lambda g, y, x, *, temperature: g, r"has parameters \(g, y, x, temperature\)"),
        ("add", (lambda g, y, a, b: g,), "1 functions for 2 inputs"),
    ],
)
def test_signatures_are_checked_when_they_are_given(op, gradient, message):
    with pytest.raises(cr.GradientDefinitionError, match=rf"gradient of op '{op}'.*{message}"):
        cr.register_gradient(op, gradient, replace=True)
    assert float(cr.grad(cr.sin)(0.0)) == 1.0


def test_a_failed_registration_leaves_no_name_behind(registered):
    name = registered.op.name
    with pytest.raises(cr.GradientDefinitionError):
        cr.register_gradient(name, lambda g: g)
    cr.register_gradient(name, lambda g, _y, _x: 3.0 * g)
    assert float(cr.grad(registered)(1.0)) == 3.0


# The three forms


def test_one_function_for_each_input_runs_only_what_is_asked_for(same):
    ran = []

    def left(g, _y, _a, b):
        ran.append("left")
        return g * b

    def right(g, _y, a, _b):
        ran.append("right")
        return g * a

    @cr.op(lambda a, b: a, (left, right), name="product")
    def product(xp, a, b, /):
        return a * b

    same(cr.grad(product)(2.0, 5.0), 5.0)
    assert ran == ["left"]
    same(cr.grad(product, argnums=(0, 1))(2.0, 5.0), (5.0, 2.0))
    assert ran == ["left", "left", "right"]


def test_none_for_an_input_is_no_gradient_and_is_explained():
    @cr.op(lambda a, b: a, (lambda g, _y, _a, b: g * b, None), name="one_sided")
    def one_sided(xp, a, b, /):
        return a * b

    with cr.GradientTape(persistent=True) as tape:
        x = tape.watch(cr.tensor(3.0))
        y = one_sided(2.0, x)
    assert tape.gradient(y, x) is None
    assert "its definition has no gradient for input 1" in str(cr.why_no_gradient(y, x))


def test_a_joint_function_with_any_number_of_inputs(same):
    @cr.op(lambda *xs, scale: xs[0], lambda g, _y, *_xs, scale: tuple(scale * g for _ in _xs), name="total")
    def total(xp, /, *xs, scale):
        return sum(xs[1:], xs[0]) * scale

    same(cr.grad(lambda a, b, c: total(a, b, c, scale=2.0), argnums=(0, 2))(1.0, 2.0, 3.0), (2.0, 2.0))


def test_attributes_reach_the_definition_by_keyword(same):
    @cr.op(lambda x, power=2: x, lambda g, _y, x, power: g * power * x ** (power - 1), name="raised")
    def raised(xp, x, /, power=2):
        return x**power

    same(cr.grad(raised)(3.0), 6.0)
    same(cr.grad(lambda x: raised(x, power=3))(3.0), 27.0)
    same(cr.grad(lambda x: raised(x, 3))(3.0), 27.0)


def test_parameters_with_an_underscore_are_not_kept(same):
    shapes = []

    def slope(g, _y, _x):
        shapes.append((_x.shape, _x.dtype))
        with pytest.raises(Exception):  # noqa: B017, PT011  # whatever the backend says of an array that is not there
            (_x * 1.0).tolist()
        return g

    @cr.op(lambda x: x, slope, name="forgetful")
    def forgetful(xp, x, /):
        return x * 1.0

    same(cr.grad(lambda x: cr.sum(forgetful(x)))(cr.tensor([1.0, 2.0])), [1.0, 1.0])
    assert shapes == [((2,), cr.float64)]


def test_the_mark_of_no_gradient_in_the_row(same):
    @cr.op(lambda x: x, NoGradient("it rolls dice"), name="dice")
    def dice(xp, x, /):
        return x * 1.0

    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(3.0))
        y = dice(x) * x
    same(tape.gradient(y, x), 3.0)


def test_an_op_in_eager_mode_reports_shapes_before_the_librarys_words():
    with pytest.raises(
        cr.ShapeError, match=r"add\(float64\[2\], float64\[3\]\): shapes \(2,\) and \(3,\) do not broadcast"
    ):
        cr.add(cr.tensor([1.0, 2.0]), cr.tensor([1.0, 2.0, 3.0]))
    with pytest.raises(cr.DTypeError, match=r"bitwise_and\(float64\[1\], float64\[1\]\): takes integers or booleans"):
        cr.bitwise_and(cr.tensor([1.0]), cr.tensor([1.0]))


def test_a_kernel_that_fails_is_named_with_shapes_and_backend(backend):
    @cr.op(lambda x, mode: x, None, name="fragile")
    def fragile(xp, x, /, mode):
        raise RuntimeError("out of luck")

    with pytest.raises(
        cr.KernelError,
        match=rf"fragile\(float64\[2\], mode='fast'\): the {backend.name} kernel raised RuntimeError: out of luck",
    ):
        fragile(cr.tensor([1.0, 2.0]), mode="fast")


def test_a_missing_kernel_names_op_plugin_and_backend(backend):
    lost = cr.elementwise("lost", cr.infer.same, None, "Nowhere to be found.")
    with pytest.raises(
        cr.MissingKernelError, match=rf"op 'lost' of your code has no kernel on backend '{backend.name}'"
    ):
        lost(1.0)
