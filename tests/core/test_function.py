"""Compiled functions: traced once for each kind of arguments, the same as what they are made of in all else."""

from __future__ import annotations

import copy
import gc
import math
import threading
import warnings
import weakref
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")


# When it is traced


def traces(f, *calls):
    """How often a function has been traced after each of some calls."""
    counts = []
    for arguments in calls:
        f(*arguments) if isinstance(arguments, tuple) else f(arguments)
        counts.append(f.traces)
    return counts


def test_one_trace_for_each_shape_and_dtype():
    f = cr.function(lambda x: x * 2)
    calls = [cr.tensor(data) for data in ([1.0, 2.0], [3.0, 4.0], [1.0], [[1.0, 2.0]], 1.0, [1, 2], [5.0, 6.0])]
    assert traces(f, *calls) == [1, 1, 2, 3, 4, 5, 5]


def test_python_floats_are_no_part_of_the_key(same):
    f = cr.function(lambda x, c: x * c)
    x = cr.tensor([1.0, 2.0], dtype="float32")
    same([f(x, c) for c in (1.5, 2.5, math.inf)], [[1.5, 3.0], [2.5, 5.0], [math.inf, math.inf]])
    assert f.traces == 1
    assert f(x, 0.5).dtype == "float32"  # a Python float is weak, as outside
    f(cr.tensor(1.0), 2.0j)
    f(cr.tensor(1.0), 3.0j)
    assert f.traces == 2


def test_integers_booleans_and_strings_are_static():
    f = cr.function(lambda x, n: x * n if isinstance(n, int) else x)
    x = cr.tensor(2.0)
    assert traces(f, (x, 1), (x, 2), (x, 1), (x, True), (x, "a"), (x, "b"), (x, None), (x, 1.0)) == [
        *(1, 2, 2, 3, 4, 5, 6, 7)
    ]


def test_one_and_true_and_one_point_zero_are_apart(same):
    f = cr.function(lambda x, n: x + {int: 10.0, bool: 20.0}.get(type(n), 30.0), static="n")
    same([f(cr.tensor(0.0), n) for n in (1, True, 1.0, 1)], [10.0, 20.0, 30.0, 10.0])
    assert f.traces == 3


def test_static_tuples_of_equal_numbers_are_apart(same):
    f = cr.function(lambda x, shape: x + (5.0 if type(shape[0]) is bool else 7.0), static="shape")
    same([f(cr.tensor(0.0), shape) for shape in ((1, 2), (True, 2), (1.0, 2))], [7.0, 5.0, 7.0])


def test_one_trace_for_each_structure(same):
    f = cr.function(lambda tree: cr.add(tree["a"], tree["b"][0]) if "b" in tree else tree["a"])
    x = cr.tensor(1.0)
    same([f({"a": x, "b": [x]}), f({"a": x}), f({"a": x, "b": (x,)})], [2.0, 1.0, 2.0])
    assert f.traces == 3


def test_default_and_keyword_arguments(same):
    @cr.function
    def f(x, y=10.0, *, n=2):
        return x * n + y

    same([f(1.0), f(1.0, 20.0), f(1.0, y=30.0), f(x=1.0, n=3)], [12.0, 22.0, 32.0, 13.0])


def test_overrides_in_force_are_part_of_the_key(same):
    f = cr.function(cr.grad(cr.sign))
    x = cr.tensor(2.0)

    def straight(g, _y, _x):
        return g

    same(f(x), 0.0)
    with cr.override_gradients({"sign": straight}):
        same(f(x), 1.0)
    same(f(x), 0.0)
    with cr.override_gradients({"sign": straight}):
        same(f(x), 1.0)
    assert f.traces == 2


def test_the_backend_the_default_dtype_and_the_registry_are_part_of_the_key():
    f = cr.function(lambda: cr.ones(shape=(2,)) * 1.0)
    f()
    assert f.traces == 1
    cr.set_default_dtype("float32")
    try:
        assert f().dtype == "float32"
        assert f.traces == 2
    finally:
        cr.set_default_dtype("float64")
    f()
    assert f.traces == 2
    generation = f.traces
    cr.register_gradient("a gradient for test_function", lambda g, _y, _x: g)
    f()
    assert f.traces == generation + 1


def test_the_policy_for_missing_gradients_is_part_of_the_key():
    f = cr.function(lambda x: x * x)
    f(1.0)
    with cr.on_missing("zero"):
        f(1.0)
        f(2.0)
    f(2.0)
    assert f.traces == 2


def test_retracing_again_and_again_warns_and_says_why():
    f = cr.function(lambda x, n: x * n)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in range(7):
            f(1.0, n)
    with pytest.warns(cr.RetraceWarning, match=r"traced 8 times; since the last trace argument .*went from 6 to 7"):
        f(1.0, 7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in range(8, 15):
            f(1.0, n)
    with pytest.warns(cr.RetraceWarning, match="16 times"):
        f(1.0, 15)


def test_a_shape_that_changes_is_named_in_the_warning():
    f = cr.function(lambda x: x * 2)
    traces(f, *(cr.zeros(shape=(n,)) for n in range(1, 8)))
    with pytest.warns(cr.RetraceWarning, match=r"went from float64\[7\] to float64\[8\]. Pass arrays of few shapes"):
        f(cr.zeros(shape=(8,)))


def test_static_by_name(same):
    @cr.function(static=("rate", "options"))
    def f(x, rate, options=(("a", 1.0),)):
        assert type(rate) is float
        return x * rate + dict(options)["a"]

    same(f(cr.tensor(2.0), 3.0), 7.0)
    same(f(cr.tensor(2.0), rate=3.0), 7.0)
    same(f(cr.tensor(2.0), 4.0, (("a", 2.0),)), 10.0)
    assert f.traces == 2


def test_static_arguments_are_hashable_and_parameters():
    f = cr.function(lambda x, options: x, static="options")
    with pytest.raises(cr.DTypeError, match="static argument 'options' must be hashable, got list"):
        f(1.0, [1])
    with pytest.raises(cr.ArgumentError, match="has no parameter 'option'"):
        cr.function(lambda x, options: x, static="option")
    with pytest.raises(cr.ArgumentError, match="function: expected a function, got 3"):
        cr.function(3)


def test_slices_are_static(same):
    f = cr.function(lambda x, part: x[part])
    x = cr.tensor([1.0, 2.0, 3.0])
    same([f(x, slice(0, 2)), f(x, slice(1, None)), f(x, slice(0, 2))], [[1.0, 2.0], [2.0, 3.0], [1.0, 2.0]])
    assert f.traces == 2
    same(cr.function(lambda x, part: x[part], static="part")(x, (slice(0, 1),)), [1.0])


def test_hashable_objects_are_static_and_others_are_refused(same):
    @dataclass(frozen=True)
    class Scale:
        by: float

    f = cr.function(lambda x, scale: x * scale.by)
    same([f(2.0, Scale(3.0)), f(2.0, Scale(3.0)), f(2.0, Scale(4.0))], [6.0, 6.0, 8.0])
    assert f.traces == 2
    unhashable = SimpleNamespace(by=3.0)
    with pytest.raises(cr.DTypeError, match="is a SimpleNamespace, neither an array nor hashable"):
        f(2.0, unhashable)


# Methods


def test_methods_are_compiled_for_each_instance(same):
    class Layer:
        def __init__(self, w):
            self.w = cr.Variable(w)

        @cr.function
        def __call__(self, x):
            return self.w * x

        @cr.function(static="n")
        def power(self, x, n):
            return (self.w * x) ** n

    a, b = Layer(2.0), Layer(3.0)
    same([a(5.0), b(5.0), a(1.0), a.power(2.0, 3), b.power(2.0, n=2)], [10.0, 15.0, 2.0, 64.0, 36.0])
    a.w.assign(4.0)
    same(a(5.0), 20.0)
    assert (a.__call__.traces, b.__call__.traces, Layer.__call__.traces) == (1, 1, 0)
    assert a.power.traces == 1


def test_methods_live_as_long_as_their_instances_and_are_copied_with_them(same):
    class Layer:
        def __init__(self, w):
            self.w = cr.Variable(w)

        @cr.function
        def apply(self, x):
            return self.w * x

    layer = Layer(2.0)
    same(layer.apply(3.0), 6.0)
    other = copy.deepcopy(layer)
    other.w.assign(10.0)
    same([layer.apply(3.0), other.apply(3.0)], [6.0, 30.0])
    alive = weakref.ref(layer)
    del layer
    gc.collect()
    assert alive() is None


def test_methods_of_instances_without_a_dict_are_refused():
    class Slotted:
        __slots__ = ()

        @cr.function
        def apply(self, x):
            return x

    with pytest.raises(cr.GraphError, match="instances of Slotted have no __dict__"):
        Slotted().apply(1.0)


def test_looks_like_the_function_it_is_made_of():
    @cr.function
    def doubled(x):
        "Twice."
        return 2.0 * x

    assert doubled.__name__ == "doubled"
    assert doubled.__doc__ == "Twice."
    assert repr(doubled).endswith("doubled, traced 0 times>")
    doubled(1.0)
    assert repr(doubled).endswith("traced 1 time>")
    assert float(doubled.python_function(4.0)) == 8.0


# What goes in and what comes out


def test_arrays_in_arrays_out_tensors_in_tensors_out(array):
    f = cr.function(lambda x: x * 2.0)
    assert type(f(array([1.0]))) is type(array([1.0]))
    assert type(f(cr.tensor([1.0]))) is cr.Tensor
    assert type(f(cr.Variable([1.0]))) is cr.Tensor
    assert type(cr.function(lambda: cr.tensor(1.0))()) is cr.Tensor
    assert f.traces == 2  # for a variable it reads it


def test_returns_any_tree(same):
    @cr.function
    def f(x):
        return {"y": x * 2.0, "same": x, "constant": cr.tensor([1.0]), "n": 3, "none": None, "s": "text", "t": (x, [x])}

    x = cr.tensor([1.0, 2.0])
    got = f(x)
    expected = {"y": [2.0, 4.0], "same": [1.0, 2.0], "constant": [1.0], "t": ([1.0, 2.0], [[1.0, 2.0]])}
    same({name: got[name] for name in expected}, expected)
    assert (got["n"], got["none"], got["s"]) == (3, None, "text")
    same(f(x)["y"], [2.0, 4.0])
    assert cr.function(lambda x: None)(x) is None


def test_python_floats_that_are_returned_are_tensors(same):
    same(cr.function(lambda x: (x, 2.5))(cr.tensor(1.0)), (1.0, 2.5))


def test_returns_a_variable_by_its_value(same):
    w = cr.Variable([1.0, 2.0])
    f = cr.function(lambda: w)
    same(f(), [1.0, 2.0])
    w.assign([3.0, 4.0])
    same(f(), [3.0, 4.0])
    assert type(f()) is cr.Tensor


def test_returns_slices_of_rows(same):
    w = cr.Variable([[1.0], [2.0], [3.0]])

    @cr.function
    def f(i):
        with cr.GradientTape() as tape:
            y = cr.sum(cr.take(w, i, axis=0) * 5.0)
        return tape.gradient(y, w)

    got = f(cr.tensor([2, 0, 2]))
    assert isinstance(got, cr.IndexedSlices)
    same(got.to_dense(), [[5.0], [0.0], [10.0]])
    w.assign_sub(got)
    same(w, [[-4.0], [2.0], [-7.0]])


# What it closes over


def test_arrays_and_tensors_from_outside_are_constants(array, same):
    a, t = array([1.0, 2.0]), cr.tensor([10.0, 20.0])
    f = cr.function(lambda x: x * a + t)
    same(f(cr.tensor(3.0)), [13.0, 26.0])
    same(cr.grad(cr.function(lambda x: cr.sum(x * a + t)))(3.0), 3.0)


def test_a_tensor_from_outside_that_is_being_differentiated_is_an_error():
    def f(x):
        return cr.function(lambda y: y * x)(2.0)

    with pytest.raises(cr.TrackedValueError, match="being differentiated was used while compiled function") as caught:
        cr.grad(f)(3.0)
    assert "pass it as an argument, or cut it knowingly with cr.stop_gradient(x)" in str(caught.value)
    cut = cr.grad(lambda x: x * cr.function(lambda y: y * cr.stop_gradient(x))(2.0))
    assert float(cut(3.0)) == 6.0


def test_variables_are_read_anew(same):
    w = cr.Variable(2.0)
    f = cr.function(lambda x: w * x)
    same(f(3.0), 6.0)
    w.assign(5.0)
    same(f(3.0), 15.0)
    assert f.traces == 1


def test_a_variable_can_be_an_argument(same):
    f = cr.function(lambda v, x: v.assign_add(x))
    a, b = cr.Variable(1.0), cr.Variable(10.0)
    same([f(a, 2.0), f(b, 2.0), f(a, 3.0)], [3.0, 12.0, 6.0])
    same([a * 1.0, b * 1.0], [6.0, 12.0])
    assert f.traces == 2


def test_variables_are_not_made_inside():
    with pytest.raises(cr.GraphError, match=r"variable 'w' was made while compiled function .* is being built, which"):
        cr.function(lambda x: cr.Variable(x, name="w") * 1.0)(2.0)
    with pytest.raises(cr.GraphError, match=r"make\s+variables before, or in `with cr.init_scope\(\):`"):
        cr.function(lambda x: cr.Variable(1.0) * x)(2.0)


def test_variables_are_made_in_an_init_scope(same):
    kept = {}

    @cr.function
    def f(x):
        with cr.init_scope():
            w = kept.setdefault("w", cr.Variable(3.0))
        return w.assign_add(x) * 1.0

    same([f(2.0), f(2.0)], [5.0, 7.0])
    same(kept["w"], 7.0)


def test_a_tensor_does_not_leave_its_trace():
    kept = []
    cr.function(lambda x: kept.append(x * 2.0))(1.0)
    with pytest.raises(cr.GraphError, match="symbolic tensor was used where no graph is being built"):
        kept[0] + 1.0
    with pytest.raises(cr.GraphError, match="belongs to another graph"):
        cr.function(lambda x: kept[0] + x)(1.0)


# Values that are not there


@pytest.mark.parametrize(
    ("look", "instead"),
    [
        (lambda x: x if x > 0.0 else -x, r"Instead of `if x:` write cr.cond\(x, f, g\) or cr.where"),
        (lambda x: x and 1.0, "cr.logical_and"),
        (lambda x: math.sin(x), "of symbolic tensor"),
        (lambda x: float(x), "of symbolic tensor"),
        (lambda x: int(x), "of symbolic tensor"),
        (lambda x: x.item(), "return it from the compiled function, or show it with cr.print"),
        (lambda x: x.numpy(), "The value of symbolic tensor"),
        (lambda x: x.tolist(), "The value of symbolic tensor"),
        (lambda x: [1, 2][x], "of symbolic tensor"),
    ],
    ids=["if", "and", "sin", "float", "int", "item", "numpy", "tolist", "index"],
)
def test_looking_at_a_value_says_what_to_write(look, instead):
    with pytest.raises(cr.SymbolicValueError, match=instead) as caught:
        cr.function(look)(2.0)
    assert "it has no value while compiled function" in str(caught.value)


def test_recursion_ends_by_static_arguments_alone():
    @cr.function
    def f(x, n):
        return x if n == 0 else x * f(x, n - 1)

    assert float(f(2.0, 5)) == 64.0

    @cr.function
    def factorial(n):
        return cr.cond(n <= 1.0, lambda: 1.0, lambda: n * factorial(n - 1.0))

    with pytest.raises(cr.GraphError, match=r"factorial calls itself with arguments of the same kind.*cr.while_loop"):
        factorial(5.0)
    with pytest.raises(cr.GraphError, match="calls itself"):  # and nothing is left over from the first
        factorial(5.0)


# Effects


def test_effects_happen_each_time_and_in_order():
    seen = []

    @cr.function
    def f(x):
        cr.callback(lambda v: seen.append(("first", float(v))), x)
        cr.callback(lambda v: seen.append(("second", float(v))), x * 2.0)
        cr.callback(lambda: seen.append("third"))
        return x

    f(1.0)
    f(2.0)
    assert seen == [("first", 1.0), ("second", 2.0), "third", ("first", 2.0), ("second", 4.0), "third"]


def test_assignments_are_seen_by_what_comes_after_them(same):
    w = cr.Variable(1.0)

    @cr.function
    def f(x):
        before = w * 1.0
        w.assign(w * 10.0)
        between = w + x
        w.assign_add(x)
        return before, between, w * 1.0

    same(f(2.0), (1.0, 12.0, 12.0))
    same(w, 12.0)
    same(f(1.0), (12.0, 121.0, 121.0))


def test_a_failure_in_the_middle_leaves_every_variable_as_it_was(same):
    a, b = cr.Variable(1.0), cr.Variable(2.0)
    fail = [True]

    @cr.function
    def f(x):
        a.assign_add(x)

        def check(v):
            if fail[0]:
                raise RuntimeError("not now")
            return v

        y = cr.callback(check, x, like=x)
        b.assign_add(y)
        return a + b

    for recording in (False, True):
        with pytest.raises(cr.KernelError, match="not now"):
            (cr.value_and_grad(f) if recording else f)(5.0)
        same([a * 1.0, b * 1.0], [1.0, 2.0])
    fail[0] = False
    same(f(5.0), 13.0)
    same([a * 1.0, b * 1.0], [6.0, 7.0])


def test_a_kernel_that_fails_is_named_with_the_line(here):
    def f(x, i):
        return cr.take(x, i) * 2.0

    place = here(-2)
    f = cr.function(f)
    x = cr.tensor([1.0, 2.0])
    with pytest.raises(cr.IndexingError) as caught:
        f(x, cr.tensor([7]))
    message = str(caught.value)
    assert message.startswith("getitem(float64[2], int64[1]")
    assert place in message


# Gradients


def cubic(x):
    return cr.sin(x) * x**3 + cr.exp(-x)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(
    "gradient",
    [
        lambda f: cr.grad(cr.function(f)),
        lambda f: cr.function(cr.grad(f)),
        lambda f: cr.function(cr.grad(cr.function(f))),
    ],
    ids=["outside", "inside", "both"],
)
def test_derivatives_of_any_order(gradient, n, same, slope):
    f, eager = cubic, cubic
    for _ in range(n):
        f, eager = gradient(f), cr.grad(eager)
    x, s, c = 0.7, math.sin(0.7), math.cos(0.7)
    expected = [
        c * x**3 + 3 * s * x**2 - math.exp(-x),
        -s * x**3 + 6 * c * x**2 + 6 * s * x + math.exp(-x),
        -c * x**3 - 9 * s * x**2 + 18 * c * x + 6 * s - math.exp(-x),
    ][n - 1]
    same(f(x), expected)
    same(eager(x), expected)


def test_gradients_through_several_calls_and_what_is_around_them(same):
    square = cr.function(lambda x: x * x)
    same(cr.grad(lambda x: square(square(x) + x) * x)(2.0), 36.0 + 2.0 * 2 * 6 * 5)
    same(cr.grad(cr.grad(lambda x: square(square(x))))(2.0), 48.0)


def test_gradients_with_respect_to_variables(same):
    w = cr.Variable([1.0, 2.0])
    f = cr.function(lambda x: cr.sum(w * w * x))
    with cr.GradientTape() as outer:
        with cr.GradientTape() as tape:
            y = f(3.0)
        g = tape.gradient(y, w)
        total = cr.sum(g * g)
    same(g, [6.0, 12.0])
    same(outer.gradient(total, w), [72.0, 144.0])  # of 36 w²


def test_gradients_with_respect_to_variables_that_are_assigned(same):
    w = cr.Variable(2.0)

    @cr.function
    def f(x):
        y = w * x
        w.assign(w * 0.0 + 5.0)
        return y

    with cr.GradientTape() as tape:
        y = f(3.0)
    same(tape.gradient(y, w), 3.0)
    same(w, 5.0)


def test_a_tape_inside(same):
    w = cr.Variable(2.0)

    @cr.function
    def step(x):
        with cr.GradientTape() as tape:
            loss = cr.square(w * x - 1.0)
        g = tape.gradient(loss, w)
        w.assign_sub(0.1 * g)
        return loss, g

    value = 2.0
    for _ in range(3):
        loss, g = (value * 3.0 - 1.0) ** 2, 2 * (value * 3.0 - 1.0) * 3.0
        same(step(3.0), (loss, g))
        value -= 0.1 * g
        same(w, value)
    assert step.traces == 1


def test_what_is_not_connected_has_no_gradient(same):
    f = cr.function(lambda x, y: (x * 2.0, y * 3.0))
    same(cr.grad(lambda x, y: f(x, y)[0], (0, 1))(1.0, 1.0), (2.0, 0.0))
    same(cr.grad(cr.function(lambda x: cr.stop_gradient(x) * x))(3.0), 3.0)
    assert cr.grad(cr.function(lambda x, n: x * n), 0)(2.0, 3) == 3.0


def test_integer_results_beside_the_loss(same):
    f = cr.function(lambda x: (cr.sum(x * x), cr.argmax(x)))
    value, g = cr.value_and_grad(f, has_aux=True)(cr.tensor([1.0, 3.0]))
    same((value, g), ((10.0, 1), [2.0, 6.0]))


@pytest.mark.parametrize("compile", [lambda f: f, cr.function], ids=["eager", "compiled"])
@pytest.mark.parametrize("around", [lambda f: f, cr.function], ids=["outside", "inside"])
def test_every_transformation(compile, around, same):
    f = compile(lambda x: x[0] ** 2 * x[1] + cr.sin(x[1]))
    x, v = cr.tensor([2.0, 0.5]), cr.tensor([1.0, 10.0])
    c, s = math.cos(0.5), math.sin(0.5)
    jacobian, hessian = [2.0, 4.0 + c], [[1.0, 4.0], [4.0, -s]]
    same(around(lambda x: cr.jacobian(f)(x))(x), jacobian)
    same(around(lambda x: cr.hessian(f)(x))(x), hessian)
    same(around(lambda x, v: cr.hvp(f)(x, v))(x, v), [1.0 + 40.0, 4.0 - 10 * s])
    same(around(lambda x, v: cr.jvp(f, [x], [v]))(x, v), (2.0 + s, 2.0 + 10 * (4.0 + c)))
    same(around(lambda x: cr.vjp(f, x)[1](cr.tensor(2.0)))(x), ([4.0, 8.0 + 2 * c],))


def test_overrides_at_gradient_time_reach_inside(same):
    f = cr.function(lambda x: cr.sign(x) * 3.0)
    g = cr.function(lambda x: f(x) * 2.0)

    def straight(g, _y, _x):
        return g

    same(cr.grad(g, overrides={"sign": straight})(2.0), 6.0)
    same(cr.grad(g)(2.0), 0.0)
    same(cr.function(cr.grad(g, overrides={"sign": straight}))(2.0), 6.0)
    with pytest.raises(cr.SelectorError, match="override 'cosh' matches no node of this gradient"):
        cr.grad(g, overrides={"cosh": straight})(2.0)


def test_no_grad_inside_and_outside(same):
    def cut(x):
        with cr.no_grad():
            y = x * x
        return y * x

    same(cr.grad(cr.function(cut))(3.0), 9.0)
    f = cr.function(lambda x: x * x)

    def around(x):
        with cr.no_grad():
            y = f(x)
        return y * x

    same(cr.grad(around)(3.0), 9.0)


# Where and how it runs


def test_in_a_graph_it_becomes_nodes(same):
    w = cr.Variable(2.0)
    f = cr.function(lambda x: w.assign_add(x) * x)
    with cr.Graph().as_default() as graph:
        x = cr.placeholder("float64", ())
        y = f(x)
        (g,) = cr.gradients(y, x)
    session = cr.Session(graph)
    same(session.run(y, {x: 3.0}), 15.0)
    same(session.run(y, {x: 1.0}), 6.0)
    same(session.run(g, {x: 1.0}), 7.0)  # an update of a variable is no part of the gradient
    same(w, 2.0)  # a session has values of its own


def test_while_nans_are_looked_for_it_runs_step_by_step(backend, here):
    def f(x):
        return cr.log(x) * 2.0

    place = here(-2)
    compiled = cr.function(f)
    compiled(1.0)
    with backend.quiet(), cr.debug_nans(), pytest.raises(cr.NumericsError, match="log") as caught:
        compiled(-1.0)
    assert place in str(caught.value)
    assert compiled.traces == 1


@pytest.fixture
def elsewhere():
    """Makes tensors of another backend than the one in force."""
    pytest.importorskip("numpy")

    def make(data):
        with cr.use_backend("numpy"):
            return cr.tensor(data)

    with cr.use_backend("python"):
        yield make


def test_one_trace_for_each_backend(elsewhere, same):
    f = cr.function(lambda x: x * 2.0)
    here, there = f(cr.tensor([1.0])), f(elsewhere([1.0]))
    assert (here.backend.name, there.backend.name, f.traces) == ("python", "numpy", 2)
    same([here, there], [[2.0], [2.0]])


def test_arrays_go_to_the_backend_of_tensors(elsewhere, array, same):
    f = cr.function(lambda a, x: a * x)
    for arguments in ((array([3.0]), elsewhere([2.0])), (elsewhere([2.0]), array([3.0]))):
        y = f(*arguments)
        assert y.backend.name == "numpy"
        same(y, [6.0])


def test_tensors_of_two_backends_are_an_error(elsewhere):
    with pytest.raises(cr.BackendError, match=r"tensors of backends 'numpy' and 'python'; move one: cr.to_backend"):
        cr.function(lambda a, b: a * b)(elsewhere([2.0]), cr.tensor([2.0]))


def test_variables_say_where_it_runs_unless_arguments_do(elsewhere, same):
    w = cr.Variable([2.0], name="w")
    f = cr.function(lambda c: w * c)
    with cr.use_backend("numpy"):
        y = f(3.0)
    assert type(y) is type(w.value)
    same(y, [6.0])
    expected = r"runs on backend 'numpy', and its variable 'w' is of 'python'; move its arguments: cr.to_backend"
    for run in (f, cr.grad(lambda x: cr.sum(f(x)))):
        with pytest.raises(cr.BackendError, match=expected):
            run(elsewhere([1.0]))


def test_threads_call_one_function_at_once(same):
    w = cr.Variable(2.0)

    @cr.function
    def f(x, n):
        return cr.sum(w * x) * n

    results, errors = {}, []
    gate = threading.Barrier(8)
    backend = cr.get_backend().name  # a thread begins with the defaults of the process

    def work(i):
        try:
            with cr.use_backend(backend):
                gate.wait()
                for j in range(20):
                    x = cr.tensor([float(i)] * (1 + j % 3))
                    value, g = cr.value_and_grad(lambda x, i=i: f(x, i % 4))(x)
                    results[i, j] = (float(value), g.tolist())
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    with warnings.catch_warnings(action="ignore", category=cr.RetraceWarning):
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert not errors
    assert f.traces == 12
    for (i, j), (value, g) in results.items():
        n = 1 + j % 3
        assert value == 2.0 * i * n * (i % 4)
        assert g == [2.0 * (i % 4)] * n


def test_the_program_can_be_looked_at():
    f = cr.function(lambda x, n: cr.sin(x) * n)
    program = f.trace(cr.tensor([1.0, 2.0]), 3)
    assert isinstance(program, cr.Program)
    assert [i.op.name for i in program.instructions] == ["sin", "multiply"]
    assert f.traces == 1
    f(cr.tensor([5.0, 6.0]), 3)
    assert f.traces == 1
