"""Hooks on intermediate results, kept gradients, and stopping at the first NaN."""

from __future__ import annotations

import gc
import math
import weakref

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture
def tape():
    with cr.GradientTape(persistent=True) as tape:
        yield tape


def test_a_hook_sees_the_whole_cotangent_once(tape, same):
    x = tape.watch(cr.tensor(3.0))
    y = x * x
    seen = []
    y.register_hook(seen.append)
    z = y * 2.0 + y * y
    same(tape.gradient(z, x), (2.0 + 18.0) * 6.0)
    same(seen, [20.0])


def test_a_hook_changes_what_goes_on(tape, same):
    x = tape.watch(cr.tensor([3.0, -4.0]))
    y = x * x
    remove = y.register_hook(lambda g: cr.clip(g, -1.0, 1.0))
    z = cr.sum(y * y)
    same(tape.gradient(z, x), [6.0, -8.0])
    remove()
    remove()  # twice is as good as once
    same(tape.gradient(z, x), [4 * 27.0, 4 * -64.0])


def test_hooks_run_in_the_order_they_were_put_on(tape, same):
    x = tape.watch(cr.tensor(1.0))
    y = x * 1.0
    y.register_hook(lambda g: g + 1.0)
    y.register_hook(lambda g: g * 10.0)
    same(tape.gradient(y, x), 20.0)


def test_a_hook_on_a_source(tape, same):
    x = tape.watch(cr.tensor(3.0))
    x.register_hook(lambda g: 0.5 * g)
    same(tape.gradient(x * x, x), 3.0)


def test_a_hook_on_one_output_of_several(tape, same):
    @cr.op(
        lambda x: (cr.Spec((), x.dtype), cr.Spec((), x.dtype)), lambda g, _y, _x: cr.stack([g[0], g[1]]), multiple=True
    )
    def ends(xp, x, /):
        return x[0], x[1]

    x = tape.watch(cr.tensor([1.0, 2.0]))
    first, second = ends(x)
    seen = []
    second.register_hook(lambda g: seen.append(g) or g * 100.0)
    same(tape.gradient(first * 3.0 + second * 5.0, x), [3.0, 500.0])
    same(seen, [5.0])
    same(tape.gradient(first * 3.0, x), [3.0, 0.0])
    assert len(seen) == 1, "a hook ran for an output that nothing used"


def test_hooks_and_aggregation(tape, same):
    x = tape.watch(cr.tensor(3.0))
    y = x * x
    seen = []
    y.register_hook(seen.append)
    z = y * 2.0 + y * y + y
    same(cr.gradients(z, x, aggregation="tree"), [21.0 * 6.0])
    same(seen, [21.0])


def test_a_hook_with_a_wrong_shape_is_refused(tape, here):
    x = tape.watch(cr.tensor([1.0, 2.0]))
    line = here(1)
    y = x * x
    y.register_hook(lambda g: cr.sum(g))
    with pytest.raises(cr.GradientDefinitionError) as caught:
        tape.gradient(y, x, sum=True)
    assert f"a hook on the result of op 'multiply', made at {line}" in str(caught.value)
    assert "returned Tensor of shape (); expected None or a tensor of shape (2,)" in str(caught.value)


def test_a_hook_where_no_gradient_can_come():
    with pytest.raises(cr.TrackedValueError, match="a hook was put on a tensor that no gradient can reach"):
        cr.tensor(1.0).register_hook(print)
    with pytest.raises(cr.TrackedValueError, match="no gradient can reach"):
        cr.tensor(1.0).keep_gradient()


def test_hooks_in_second_order(same):
    def f(x):
        y = x * x
        y.register_hook(lambda g: g * 3.0)
        return y * y

    # f' = 3 * 4 x^3 with the hook, and its own derivative passes the hook's multiplication.
    same(cr.grad(f)(2.0), 3.0 * 4.0 * 8.0)


def test_a_hook_that_raises_passes_its_own_error_on(tape):
    x = tape.watch(cr.tensor(1.0))
    y = x * x

    def stop(g):
        raise KeyboardInterrupt

    y.register_hook(stop)
    with pytest.raises(KeyboardInterrupt):
        tape.gradient(y, x)


def test_a_hook_that_fails_is_named_and_not_the_definition(tape, here):
    x = tape.watch(cr.tensor(1.0))
    line = here(1)
    y = x * x
    y.register_hook(lambda g: 1 / 0)
    with pytest.raises(cr.GradientDefinitionError) as caught:
        tape.gradient(y * 2.0, x)
    assert f"a hook on the result of op 'multiply', made at {line}" in str(caught.value)
    assert "raised ZeroDivisionError: division by zero" in str(caught.value)


def test_keep_gradient(tape, same):
    x = tape.watch(cr.tensor(3.0))
    y = (x * x).keep_gradient()
    assert y.keep_gradient() is y
    assert y.gradient is None
    z = y * 2.0
    same(tape.gradient(z, x), 12.0)
    same(y.gradient, 2.0)
    same(tape.gradient(z * y, x), 4 * 9.0 * 6.0)
    same(y.gradient, 36.0)
    assert x.gradient is None


def test_hooks_go_with_their_graph(tape):
    x = tape.watch(cr.tensor(3.0))
    y = (x * x).keep_gradient()
    y.register_hook(lambda g: None)
    node = weakref.ref(y.node)
    tape.gradient(y * 2.0, x)
    gc.disable()
    try:
        del y
        assert node() is None
    finally:
        gc.enable()


# debug_nans


@pytest.fixture
def quiet(backend):
    """A context without NumPy's own warnings."""
    return backend.quiet


def test_forward(quiet, here):
    with quiet(), cr.debug_nans():
        x = cr.tensor([1.0, 0.0, -1.0])
        line = here(2)
        with pytest.raises(cr.NumericsError) as caught:
            cr.log(x)
    message = str(caught.value)
    assert message.startswith("log made 1 NaN and 1 infinity of 3 elements, forward, at " + line)
    assert "its inputs were finite" in message
    assert "op 'log' is of plugin 'arrays' (chainrule" in message


def test_the_input_that_was_not_finite_is_named(quiet):
    bad = cr.tensor([math.inf])
    with (
        quiet(),
        cr.debug_nans(),
        pytest.raises(cr.NumericsError, match=r"add made 1 infinity of 1 element.*input 1 was not finite already"),
    ):
        cr.add(cr.tensor([1.0]), bad)


def test_in_a_gradient_the_forward_line_and_the_definition_are_named(quiet, tape, here):
    x = tape.watch(cr.tensor([1e-200]))
    line = here(1)
    y = cr.reciprocal(x)
    with quiet(), cr.debug_nans(), pytest.raises(cr.NumericsError) as caught:
        tape.gradient(y, x, sum=True)
    message = str(caught.value)
    assert "infinit" in message
    assert "in the gradient of <Node" in message
    assert f"reciprocal at {line}" in message
    assert "<Definition reciprocal of op reciprocal by plugin 'arrays'" in message


def test_finite_values_pass_and_the_block_ends(quiet):
    with quiet():
        with cr.debug_nans():
            assert cr.log(cr.tensor([1.0])).tolist() == [0.0]
            assert cr.argmax(cr.tensor([1.0, 2.0])).item() == 1
        assert math.isinf(cr.log(cr.tensor(0.0)).item())


def test_it_works_while_recording_and_at_0_d(quiet):
    with quiet(), cr.debug_nans(), pytest.raises(cr.NumericsError, match="log made 1 infinity of 1 element, forward"):
        cr.grad(cr.log)(0.0)


def test_it_is_a_floating_point_error(quiet):
    with quiet(), cr.debug_nans(), pytest.raises(FloatingPointError):
        cr.log(cr.tensor(-1.0))
