"""Generators: reproducible by seed, eagerly, in graphs and compiled; each draw new; saved and restored; threads."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr


def drawn(generator: Any, n: int = 1) -> list[Any]:
    return [generator.normal((3,)).numpy() for _ in range(n)]


def test_a_seed_decides_all_draws_and_each_is_new() -> None:
    first, again, other = (np.array(drawn(cr.random.Generator(seed), 3)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert len(np.unique([first, other])) == 18


def test_numbers_are_those_of_numpys_generator_at_the_state() -> None:
    generator = cr.random.Generator(5)
    generator.uniform()
    key = np.random.SeedSequence(5).generate_state(2, np.uint64)
    expected = np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, 1])).standard_normal((2, 3))
    np.testing.assert_array_equal(generator.normal((2, 3)).numpy(), expected)


def test_a_process_repeats_what_another_drew() -> None:
    program = (
        "import chainrule as cr\ncr.random.seed(3)\nprint(cr.random.normal(2).tolist(), cr.random.uniform().tolist())"
    )
    outputs = [subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in "ab"]
    cr.random.seed(3)
    assert outputs[0] == outputs[1]
    assert outputs[0].decode().strip() == f"{cr.random.normal(2).tolist()} {cr.random.uniform().tolist()}"


def test_without_a_seed_no_two_generators_agree() -> None:
    assert drawn(cr.random.Generator())[0][0] != drawn(cr.random.Generator())[0][0]


@pytest.mark.parametrize("seed", [-1, "a", 1.5])
def test_what_is_no_seed_is_refused(seed: Any) -> None:
    with pytest.raises(cr.ArgumentError, match="seed: expected None, a non-negative integer"):
        cr.random.Generator(seed)


def test_a_compiled_function_goes_on_from_run_to_run_as_eager_code_does() -> None:
    def noisy(generator: Any, x: Any) -> Any:
        return x + generator.normal((3,)), generator.uniform((2,))

    eager, compiled = cr.random.Generator(1), cr.random.Generator(1)
    run = cr.function(lambda x: noisy(compiled, x))
    for x in (0.0, 1.0, 1.0):
        for ours, theirs in zip(run(x), noisy(eager, x), strict=True):
            np.testing.assert_array_equal(ours, theirs.numpy())
    assert run.traces == 1
    np.testing.assert_array_equal(compiled.state.numpy(), eager.state.numpy())


def test_the_default_generator_can_be_made_while_a_function_is_traced() -> None:
    run = cr.function(lambda x: x + cr.random.normal((2,)))
    cr.random.seed(9)
    first, second = run(0.0), run(0.0)
    cr.random.seed(9)
    np.testing.assert_array_equal(run(0.0), first)
    assert not np.array_equal(first, second)


def test_a_run_that_fails_leaves_the_state() -> None:
    generator = cr.random.Generator(0)

    @cr.function
    def failing(x: Any) -> Any:
        y = generator.normal((2,)) + x
        cr.callback(lambda a: 1 / 0, y)
        return y

    before = generator.state.numpy()
    with pytest.raises(cr.ChainruleError):
        failing(1.0)
    np.testing.assert_array_equal(generator.state.numpy(), before)


def test_sessions_draw_on_and_each_starts_from_the_generators_state() -> None:
    generator = cr.random.Generator(2)
    with cr.Graph().as_default() as graph:
        a, b = generator.normal((3,)), generator.normal((3,))
        difference = a - b
    one, other = cr.Session(graph), cr.Session(graph)
    runs = [one.run([a, b, difference]) for _ in range(2)]
    expected = drawn(cr.random.Generator(2), 4)
    np.testing.assert_array_equal([*runs[0][:2], *runs[1][:2]], expected)
    np.testing.assert_array_equal(runs[1][2], expected[2] - expected[3])
    np.testing.assert_array_equal(other.run(b), expected[0])  # what is not run takes no step
    np.testing.assert_array_equal(other.run(b), expected[1])
    assert generator.state.numpy()[2] == 0


def test_equal_draws_are_not_merged() -> None:
    generator = cr.random.Generator(3)
    values = cr.function(lambda: [generator.uniform((4,)) for _ in range(2)])()
    assert not np.array_equal(values[0].numpy(), values[1].numpy())


def test_what_a_gradient_computes_again_draws_the_same_again() -> None:
    x = np.array([0.5, -1.0, 2.0])

    def loss(step: Any) -> Any:
        def of(x: Any) -> Any:
            return cr.sum(step(cr.random.Generator(4), x))

        return of

    def noisy(generator: Any, x: Any) -> Any:
        return cr.sin(x * generator.normal((3,)))

    def looped(generator: Any, x: Any) -> Any:
        return cr.scan(lambda carry, _: (noisy(generator, carry), None), x, cr.zeros(4))[0]

    def plain(generator: Any, x: Any) -> Any:
        for _ in range(4):
            x = noisy(generator, x)
        return x

    once = cr.grad(loss(noisy))(x)
    np.testing.assert_allclose(cr.grad(loss(lambda g, x: cr.checkpoint(lambda x: noisy(g, x))(x)))(x), once, rtol=1e-12)
    np.testing.assert_allclose(cr.grad(loss(looped))(x), cr.grad(loss(plain))(x), rtol=1e-12)
    branching = loss(lambda g, x: cr.cond(cr.tensor(True), lambda: noisy(g, x), lambda: x))
    np.testing.assert_allclose(cr.grad(branching)(x), once, rtol=1e-12)


def test_the_state_is_saved_and_restored(tmp_path: Path) -> None:
    generator = cr.random.Generator(8)
    drawn(generator, 2)
    cr.save(tmp_path / "state.safetensors", {"random": generator.state})
    expected = drawn(generator, 2)
    resumed = cr.random.Generator(0)
    cr.load(tmp_path / "state.safetensors", {"random": resumed.state})
    np.testing.assert_array_equal(drawn(resumed, 2), expected)


def test_spawned_streams_differ_and_repeat() -> None:
    def streams() -> Any:
        generator = cr.random.Generator(1)
        return np.array([drawn(g)[0] for g in (*generator.spawn(3), *generator.spawn(2), generator)])

    assert len(np.unique(streams())) == 18
    np.testing.assert_array_equal(streams(), streams())


def test_spawning_and_seeding_inside_a_trace_are_refused() -> None:
    generator = cr.random.Generator(1)
    with pytest.raises(cr.GraphError, match="spawn generators before"):
        cr.function(lambda: generator.spawn(2))()
    with pytest.raises(cr.GraphError, match="seed before"):
        cr.function(lambda: cr.random.seed(2))()


def test_threads_share_a_generator_eagerly_without_drawing_twice() -> None:
    generator = cr.random.Generator(1)
    with ThreadPoolExecutor(4) as pool:
        values = list(pool.map(lambda _: generator.uniform((2,)).numpy(), range(200)))
    assert len(np.unique(values)) == 400
    alone = cr.random.Generator(1)
    expected = [alone.uniform((2,)).numpy() for _ in range(200)]
    np.testing.assert_array_equal(np.sort(np.ravel(values)), np.sort(np.ravel(expected)))


def test_one_seed_gives_the_same_numbers_on_other_backends() -> None:
    expected = drawn(cr.random.Generator(6))[0]
    with cr.use_backend("array_api_strict:device1"):
        generator = cr.random.Generator(6)
        x = generator.normal((3,))
        assert (x.backend.name, x.device) == ("array_api_strict", "device1")
        np.testing.assert_array_equal(x.numpy(), expected)
        cr.random.seed(6)
        np.testing.assert_array_equal(cr.random.normal((3,)).numpy(), expected)


def test_the_default_generator_is_that_of_the_backend_of_the_parameters() -> None:
    with cr.use_backend("array_api_strict"):
        loc = cr.tensor([1.0, 2.0])
    assert cr.random.normal(loc=loc).backend.name == "array_api_strict"
