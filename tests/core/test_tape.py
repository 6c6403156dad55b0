"""`GradientTape`: order of use, what is watched, and what others get wrong in silence."""

from __future__ import annotations

import gc
import weakref

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")


def test_a_second_gradient_needs_a_persistent_tape(same):
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(3.0))
        y = x * x
    same(tape.gradient(y, x), 6.0)
    with pytest.raises(cr.TapeError, match=r"gives one gradient .* persistent=True"):
        tape.gradient(y, x)
    with cr.GradientTape(persistent=True) as tape:
        x = tape.watch(cr.tensor(3.0))
        y = x * x
        z = y * x
    same([tape.gradient(y, x), tape.gradient(z, x), tape.gradient(z, y)], [6.0, 27.0, 3.0])


def test_a_refused_gradient_does_not_use_up_the_tape(same):
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor([1.0, 2.0]))
        y = x * x
    with pytest.raises(cr.ShapeError):
        tape.gradient(y, x)
    same(tape.gradient(y, x, sum=True), [2.0, 4.0])


def test_a_gradient_inside_the_block_ends_a_tape_that_is_not_persistent(same):
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(3.0))
        y = x * x
        same(tape.gradient(y, x), 6.0)
        z = x * 5.0
    assert z.node is None
    with cr.GradientTape(persistent=True) as tape:
        x = tape.watch(cr.tensor(3.0))
        y = x * x
        g = tape.gradient(y, x)
        z = g * x
    same(tape.gradient(z, x), 12.0)


@pytest.mark.parametrize("target", [None, [], {}])
def test_no_target(target):
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(3.0))
    with pytest.raises(cr.DTypeError, match="expected a target tensor"):
        tape.gradient(target, x)


def test_targets_and_sources_of_the_wrong_type(array):
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(3.0))
        y = x * x
    with pytest.raises(cr.DTypeError, match="targets are tensors, got float"):
        tape.gradient(9.0, x)
    with pytest.raises(cr.DTypeError, match="sources are watched tensors or variables, got"):
        tape.gradient(y, array([1.0]))
    with pytest.raises(cr.DTypeError, match="sources are watched tensors or variables, got str"):
        tape.gradient(y, ["x"])


def test_a_vector_target_is_refused_with_the_ways_out(same):
    with cr.GradientTape(persistent=True) as tape:
        x = tape.watch(cr.tensor([1.0, 2.0]))
        y = x * x
    with pytest.raises(cr.ShapeError, match=r"shape \(2,\); sum it, pass sum=True, or give output_gradients"):
        tape.gradient(y, x)
    same(tape.gradient(y, x, sum=True), [2.0, 4.0])
    same(tape.gradient(y, x, output_gradients=[1.0, 10.0]), [2.0, 40.0])


def test_output_gradients_are_checked(same):
    with cr.GradientTape(persistent=True) as tape:
        x = tape.watch(cr.tensor([1.0, 2.0]))
        y, z = x * x, 3.0 * x
    one = cr.tensor([1.0, 1.0])
    same(tape.gradient([y, z], x, output_gradients=[one, None]), [5.0, 7.0])
    same(tape.gradient({"y": y, "z": z}, x, output_gradients={"y": one, "z": 2.0 * one}), [8.0, 10.0])
    with pytest.raises(cr.ArgumentError, match="got 1 cotangents for 2 targets"):
        tape.gradient([y, z], x, output_gradients=[one])  # TensorFlow takes ones for the missing
    with pytest.raises(cr.ShapeError, match=r"output_gradients\[0\]: expected .*\(2,\), got \(3,\)"):
        tape.gradient(y, x, output_gradients=cr.zeros(3))
    with pytest.raises(cr.DTypeError, match=r"output_gradients\[0\]: a complex128 cotangent"):
        tape.gradient(y, x, output_gradients=[1j, 1j])
    with pytest.raises(cr.ArgumentError, match="expected 'none' or 'zero', got 'zeros'"):
        tape.gradient(y, x, sum=True, unconnected_gradients="zeros")


def test_a_complex_target_needs_output_gradients(same):
    with cr.GradientTape(persistent=True) as tape:
        z = tape.watch(cr.tensor(1.0 + 2.0j))
        y = z * z
    with pytest.raises(cr.DTypeError, match="a complex target needs output_gradients"):
        tape.gradient(y, z)
    same(tape.gradient(y, z, output_gradients=1.0 + 0.0j), 2.0 - 4.0j)


def test_watching_the_wrong_thing(array):
    with cr.GradientTape() as tape:
        with pytest.raises(cr.DTypeError, match="a tensor of int64 has no gradient; cast it to a float"):
            tape.watch(cr.tensor([1, 2]))
        with pytest.raises(cr.DTypeError, match="expected tensors or variables, got str"):
            tape.watch("x")
        with pytest.raises(cr.DTypeError, match=r"expected tensors or variables.*x = cr.tensor\(x\)"):
            tape.watch(array([1.0]))


def test_watching_structures_and_returning_them(same):
    with cr.GradientTape() as tape:
        p = tape.watch({"a": cr.tensor(2.0), "b": [cr.tensor(3.0)]})
        y = p["a"] * p["b"][0]
    same(tape.gradient(y, p), {"a": 3.0, "b": [2.0]})


def test_entering_twice():
    tape = cr.GradientTape()
    with tape, pytest.raises(cr.TapeError, match="recording already; make another one"):
        tape.__enter__()
    with tape:
        pass  # after it was left, it may go on


def test_recording_in_two_blocks(same):
    tape = cr.GradientTape()
    with tape:
        x = tape.watch(cr.tensor(3.0))
        y = x * x
    between = x * 7.0
    with tape:
        z = y * x + between
    same(tape.gradient(z, x), 27.0)


def test_stop_recording(same):
    tape = cr.GradientTape(persistent=True)
    with pytest.raises(cr.TapeError, match="stop_recording: the tape is not recording"), tape.stop_recording():
        raise AssertionError("the block was entered")
    with tape:
        x = tape.watch(cr.tensor(3.0))
        y = x * x
        with tape.stop_recording():
            hidden = y * y
        z = y * hidden
        with pytest.raises(RuntimeError, match="stop"), tape.stop_recording():
            raise RuntimeError("stop")
        after = x * x
    same(tape.gradient(z, x), 9.0**2 * 6.0)
    same(tape.gradient(after, x), 6.0)
    assert tape.gradient(hidden, x) is None


def test_reset(same):
    with cr.GradientTape(persistent=True) as tape:
        x = tape.watch(cr.tensor(3.0))
        y = x * x
        tape.reset()
        assert tape.gradient(y, x) is None
        x = tape.watch(cr.tensor(4.0))
        z = x * x
    same(tape.gradient(z, x), 8.0)


def test_an_unwatched_tensor_gets_none_with_a_reason():
    x = cr.tensor(3.0)
    with cr.GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x) is None
    assert "watch it (tape.watch(x))" in str(cr.why_no_gradient(y, x))


def test_tensors_of_another_tape_are_not_this_ones(same):
    with cr.GradientTape() as other:
        x = other.watch(cr.tensor(3.0))
    with cr.GradientTape(persistent=True) as tape:
        y = x * x
        assert tape.gradient(y, x) is None
        tape.watch(x)
        z = x * x
    same(tape.gradient(z, x), 6.0)


def test_gradient_with_respect_to_intermediate_results(same):
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(3.0))
        y = x * x
        z = y * y
    same(tape.gradient(z, [x, y, z]), [108.0, 18.0, 1.0])


def test_watching_an_intermediate_result_cuts_nothing(same):
    with cr.GradientTape(persistent=True) as tape:
        x = tape.watch(cr.tensor(3.0))
        y = tape.watch(x * x)
        z = y * y
    same(tape.gradient(z, [x, y]), [108.0, 18.0])


def test_watching_what_was_used_before_concerns_what_comes_after(same):
    x = cr.tensor(3.0)
    with cr.GradientTape() as tape:
        before = x * x
        tape.watch(x)
        y = before * x
    same(tape.gradient(y, x), 9.0)


# Variables


def test_variables_are_watched_by_themselves(same):
    v, frozen = cr.Variable(3.0), cr.Variable(2.0, trainable=False)
    with cr.GradientTape() as tape:
        y = v * v * frozen
    same(tape.gradient(y, [v, frozen]), [12.0, None])
    assert tape.watched_variables(y) == [v]
    assert "is not trainable" in str(cr.why_no_gradient(y, frozen))


def test_variables_are_watched_only_on_request():
    v, w = cr.Variable(3.0), cr.Variable(2.0)
    with cr.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(v)
        y = v * w
    assert [g and g.item() for g in tape.gradient(y, [v, w])] == [2.0, None]


def test_every_read_of_a_variable_counts_and_values_are_those_at_the_time(same):
    v = cr.Variable(3.0)
    with cr.GradientTape() as tape:
        y = v * v
        v.assign(5.0)
        z = y + v * 2.0
    same(tape.gradient(z, v), 2 * 3.0 + 2.0)


def test_a_name_rebound_to_a_tensor(same):
    v = cr.Variable(3.0)
    with cr.GradientTape() as tape:
        t = v + 1.0
        y = t * t
    same(tape.gradient(y, [t, v]), [8.0, 8.0])


def test_sparse_updates_of_variables(same):
    v = cr.Variable([[1.0], [2.0], [3.0]])
    with cr.GradientTape() as tape:
        y = cr.sum(cr.take(v, cr.tensor([2, 2, 0]), axis=0))
    g = tape.gradient(y, v)
    assert isinstance(g, cr.IndexedSlices)
    v.assign_sub(g)
    same(v.read(), [[0.0], [2.0], [1.0]])


# Nested tapes and Jacobians


def test_nested_tapes_give_second_derivatives(same):
    x = cr.tensor(3.0)
    with cr.GradientTape() as outer:
        outer.watch(x)
        with cr.GradientTape() as inner:
            inner.watch(x)
            y = x * x * x
        first = inner.gradient(y, x)
    same([first, outer.gradient(first, x)], [27.0, 18.0])


def test_nested_tapes_over_variables(same):
    v = cr.Variable(3.0)
    with cr.GradientTape() as outer:
        with cr.GradientTape() as inner:
            y = v * v * v
        first = inner.gradient(y, v)
    same([first, outer.gradient(first, v)], [27.0, 18.0])


def test_jacobian_without_persistence(same):
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor([1.0, 2.0]))
        y = cr.stack([x[0] * x[1], x[1] * x[1], x[0]])
    same(tape.jacobian(y, x), [[2.0, 1.0], [0.0, 4.0], [1.0, 0.0]])


def test_jacobian_of_matrices_and_unconnected(same):
    with cr.GradientTape(persistent=True) as tape:
        x = tape.watch(cr.tensor([[1.0, 2.0]]))
        other = tape.watch(cr.tensor(1.0))
        y = x * x
    same(tape.jacobian(y, {"x": x, "other": other}), {"x": [[[[2.0, 0.0]], [[0.0, 4.0]]]], "other": None})
    same(tape.jacobian(y, other, unconnected_gradients="zero"), [[0.0, 0.0]])


def test_batch_jacobian(same):
    with cr.GradientTape(persistent=True) as tape:
        x = tape.watch(cr.tensor([[1.0, 2.0], [3.0, 4.0]]))
        y = cr.stack([x[:, 0] * x[:, 1], x[:, 0], x[:, 1] * x[:, 1]], axis=1)
        z = cr.sum(y, axis=0)
    expected = [[[b, a], [1.0, 0.0], [0.0, 2 * b]] for a, b in ((1.0, 2.0), (3.0, 4.0))]
    same(tape.batch_jacobian(y, x), expected)
    with pytest.raises(cr.ShapeError, match=r"target \(3,\) and source \(2, 2\) differ in their first dimension"):
        tape.batch_jacobian(z, x)


def test_a_finished_tape_holds_nothing_that_the_results_do_not():
    big = cr.zeros(100)
    gc.collect()
    with cr.GradientTape() as tape:
        x = tape.watch(big)
        y = cr.sum(x * x)
    tape.gradient(y, x)
    node = weakref.ref(y.node)
    del y
    assert node() is None, "the graph outlives its results"


def test_integers_from_a_tape_are_cut_with_a_reason():
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor([1.0, 2.0]))
        y = cr.astype(cr.astype(x, "int64"), "float64")
    assert tape.gradient(y, x, sum=True) is None
    assert "cast to int64" in str(cr.why_no_gradient(y, x))


def test_converting_a_tracked_tensor_is_an_error_and_no_silent_cut():
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(2.0))
        y = x * x
        for convert in (float, int, complex, [0, 1, 2].__getitem__):
            with pytest.raises(cr.TrackedValueError, match=r"would cut it out of the gradient.*made at .*test_tape.py"):
                convert(y)
        assert y.item() == 4.0
        assert bool(y > 3.0)
    assert float(y) == 4.0
