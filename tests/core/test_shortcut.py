"""Calls of compiled functions of plain arguments, after the first: they see every change of what decides the result."""

import threading

import pytest

import chainrule as cr


@pytest.fixture
def f(backend):
    return cr.function(lambda a, b: a * b + 1.0)


def calls(f):
    """What has been kept to call by."""
    return len(f._shortcuts)


def test_the_same_again(f):
    x = cr.tensor([1.0, 2.0])
    for _ in range(3):
        assert f(x, x).tolist() == [2.0, 5.0]
    assert (f.traces, calls(f)) == (1, 1)


def test_arrays_in_arrays_out_and_tensors_in_tensors_out(f):
    x = cr.tensor([1.0, 2.0])
    for _ in range(2):
        assert type(f(x.value, x.value)) is type(x.value)
        assert type(f(x, x.value)) is cr.Tensor
        assert type(f(x.value, 2.0)) is type(x.value)
    assert f(x.value, 2.0).tolist() == [3.0, 5.0]
    assert calls(f) == 3


def test_other_shapes_dtypes_and_static_values_are_other_programs(backend):
    f = cr.function(lambda x, n: cr.sum(x * n) if n > 1 else cr.sum(x))
    one, two = cr.tensor([1.0]), cr.tensor([1.0, 2.0], dtype="float32")
    for _ in range(2):
        assert float(f(one, 1)) == 1.0
        assert float(f(one, 2)) == 2.0
        assert float(f(two, 2)) == 6.0
        assert f(two, 2).dtype == cr.float32
        assert float(f(one, True)) == 1.0
    assert f.traces == 4


def test_keywords_and_structures_go_the_general_way(f):
    x = cr.tensor([1.0, 2.0])
    f(x, x)
    assert f(x, b=x).tolist() == [2.0, 5.0]
    g = cr.function(lambda pair: pair[0] + pair[1])
    for _ in range(2):
        assert g((x, x)).tolist() == [2.0, 4.0]
    assert calls(g) == 0


def test_gradients_are_recorded_all_the_same(f):
    x = cr.tensor([1.0, 2.0])
    f(x, x)
    assert cr.grad(lambda x: cr.sum(f(x, x)))(x).tolist() == [2.0, 4.0]
    assert cr.grad(cr.grad(lambda x: f(x, x)))(3.0) == 2.0


def test_in_another_function_and_in_a_graph(f):
    x = cr.tensor([1.0, 2.0])
    f(x, x)
    assert cr.function(lambda x: f(x, x) * 2.0)(x).tolist() == [4.0, 10.0]
    with cr.Graph().as_default() as graph:
        y = f(cr.placeholder("float64", (2,), name="x"), x)
    assert cr.Session(graph).run(y, {"x:0": x.value}).tolist() == [2.0, 5.0]


def test_variables_are_read_and_assigned_at_each_call(backend):
    v = cr.Variable([1.0, 2.0])

    @cr.function
    def step(x):
        v.assign_add(x)
        return v * 2.0, x

    x = cr.tensor([1.0, 1.0])
    for n in (2.0, 3.0, 4.0):
        doubled, same = step(x)
        assert doubled.tolist() == [2 * n, 2 * n + 2]
        assert same.tolist() == [1.0, 1.0]
    v.assign([0.0, 0.0])
    assert step(x)[0].tolist() == [2.0, 2.0]


def test_settings_are_looked_at(f):
    x = cr.tensor([1.0, 2.0])
    f(x, x)
    f(x, x)
    cr.set_strict_math(True)
    try:
        assert f(x, x).tolist() == [2.0, 5.0]
        assert f.traces == 2
    finally:
        cr.set_strict_math(None)
    g = cr.function(lambda x: cr.tensor([2.0]) * x)
    assert cr.as_tensor(g(3.0)).dtype == cr.as_tensor(g(3.0)).dtype == cr.float64
    cr.set_default_dtype("float32")
    try:
        assert cr.as_tensor(g(3.0)).dtype == cr.float32
    finally:
        cr.set_default_dtype("float64")
    assert cr.as_tensor(g(3.0)).dtype == cr.float64


def test_scopes_are_looked_at(f):
    x = cr.tensor([1.0, 2.0])
    f(x, x)
    with cr.use_strict_math():
        for _ in range(2):
            assert f(x, x).tolist() == [2.0, 5.0]
    assert (f.traces, calls(f)) == (2, 2)
    with cr.override_gradients({"multiply": (cr.surrogate(lambda g, _y, _a, b: g * b * 10.0), None)}):
        assert cr.grad(lambda x: cr.sum(f(x, 3.0)))(x).tolist() == [30.0, 30.0]
    assert f.traces > 2


def test_debugging_runs_operation_by_operation(f):
    x = cr.tensor([1.0, 2.0])
    f(x, x)
    with cr.debug_nans(), pytest.raises(cr.NumericsError):
        f(x, cr.tensor([float("nan"), 1.0]))


def test_a_failing_kernel_is_explained(backend):
    f = cr.function(lambda a, i: cr.take(a, i))
    x = cr.tensor([1.0, 2.0])
    f(x, cr.tensor(1))
    with pytest.raises(cr.ChainruleError, match="take"):
        f(x, cr.tensor(7))


def test_in_threads(f, backend):
    x = cr.tensor([1.0, 2.0])
    f(x, x)
    results = []

    def call():
        with cr.use_backend(backend.name):  # a thread has not the block of the test around it
            results.extend(f(x, x).tolist() for _ in range(50))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) >= 50
    assert all(result == [2.0, 5.0] for result in results)
