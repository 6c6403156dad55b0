"""Variables that plans write over: nothing else changes, and what fails or interrupts changes none of them."""

from __future__ import annotations

import os
import pickle
import signal
import threading

import numpy as np
import pytest

import chainrule as cr
from chainrule_numpy import _fusion, _jit

START = np.arange(20000.0).reshape(200, 100)


@pytest.fixture(autouse=True, params=["machine code", "blocks", "kernels"])
def executor(request, monkeypatch):
    """What computes regions: machine code, NumPy in blocks, or nothing: there are none."""
    if request.param == "machine code":
        if _jit.why_not() is not None:
            pytest.skip(str(_jit.why_not()))
        yield
    else:
        monkeypatch.setattr(_fusion, "_LARGE", 2 if request.param == "blocks" else 1 << 40)
        with cr.use_jit("off"):
            yield


def stepping(optimizer=None):
    w = cr.Variable(START, name="w")
    optimizer = optimizer or cr.optim.GradientDescent(0.5)

    @cr.function
    def step(x):
        optimizer.minimize(lambda: cr.sum(cr.square(w - x)) * 0.5)

    return w, step


def address(w):
    return w.value.__array_interface__["data"][0]


def test_a_variable_is_written_where_it_is():
    w, step = stepping()
    expected = START
    places = set()
    for _ in range(8):
        step(np.ones(100))
        expected = expected - 0.5 * (expected - 1.0)
        places.add(address(w))
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-13)
    assert len(places) == 1


HOLDS = {
    "tensor": lambda w: w.read(),
    "array": lambda w: w.value,
    "part": lambda w: w.value[3:],
    "transpose": lambda w: w.value.T,
}


@pytest.mark.parametrize("hold", HOLDS.values(), ids=HOLDS)
def test_what_somebody_holds_stays(hold):
    w, step = stepping()
    for _ in range(4):
        step(np.ones(100))
    held = hold(w)
    before = np.array(held)
    after = w.numpy()
    step(np.ones(100))
    np.testing.assert_array_equal(np.array(held), before)
    np.testing.assert_allclose(w.numpy(), after - 0.5 * (after - 1.0), rtol=1e-13)


def test_tapes_keep_what_they_saw():
    w, step = stepping()
    for _ in range(4):
        step(np.ones(100))
    before = w.numpy()
    with cr.GradientTape() as tape:
        y = cr.sum(w * w)
    step(np.ones(100))
    np.testing.assert_array_equal(tape.gradient(y, w).numpy(), 2.0 * before)


def test_a_variable_that_is_an_argument_too():
    w, _ = stepping()

    @cr.function
    def step(x):
        w.assign(w * 0.5 + 1.0)
        return x * 2.0

    for _ in range(5):
        before = w.numpy()
        np.testing.assert_array_equal(step(w.value), before * 2.0)
        np.testing.assert_array_equal(w.numpy(), before * 0.5 + 1.0)


def test_old_and_new_values_as_results():
    w, _ = stepping()

    @cr.function
    def step():
        old = w + 0.0
        view = cr.matrix_transpose(w.read())
        w.assign(w * 0.5 + 1.0)
        return old, view, w.read()

    for _ in range(5):
        before = w.numpy()
        old, view, new = step()
        np.testing.assert_array_equal(old.numpy(), before)
        np.testing.assert_array_equal(view.numpy(), before.T)
        np.testing.assert_array_equal(new.numpy(), before * 0.5 + 1.0)
        w.assign(w * 1.0)
        np.testing.assert_array_equal(new.numpy(), before * 0.5 + 1.0)


def test_one_reads_what_another_was():
    a, b = cr.Variable(START), cr.Variable(START + 1.0)

    @cr.function
    def swap():
        old = a.read()
        a.assign(b * 2.0 + 1.0)
        b.assign(old * 3.0 - 1.0)

    x, y = a.numpy(), b.numpy()
    for _ in range(6):
        swap()
        x, y = y * 2.0 + 1.0, x * 3.0 - 1.0
        np.testing.assert_array_equal(a.numpy(), x)
        np.testing.assert_array_equal(b.numpy(), y)


def test_nothing_changes_where_something_fails():
    w = cr.Variable(START)
    rows = cr.Variable(START)
    fine = [True]

    def check(x):
        if not fine[0]:
            raise ValueError("no")

    @cr.function
    def step(i):
        w.assign(w * 0.5 + 1.0)
        rows.assign(rows - 0.5 * cr.ops.scatter_add_rows(cr.ones((20, 100)), i, rows=200))
        cr.callback(check, cr.sum(w))

    for _ in range(4):
        step(np.arange(20))
    before = w.numpy(), rows.numpy()
    fine[0] = False
    with pytest.raises(Exception, match="no"):
        step(np.arange(20))
    np.testing.assert_array_equal(w.numpy(), before[0])
    np.testing.assert_array_equal(rows.numpy(), before[1])
    fine[0] = True
    with pytest.raises(cr.ChainruleError):
        step(np.arange(20) + 1000)
    np.testing.assert_array_equal(w.numpy(), before[0])
    np.testing.assert_array_equal(rows.numpy(), before[1])


@pytest.mark.parametrize("ids", [np.arange(30), np.arange(30) % 7, -np.arange(1, 31), np.zeros(30, int)], ids=str)
def test_rows_are_written_where_they_are(ids):
    table = cr.Variable(START)
    values = np.random.default_rng(0).normal(size=(30, 100))
    optimizer = cr.optim.GradientDescent(0.1)

    @cr.function
    def step(ids, values):
        optimizer.minimize(lambda: cr.sum(table[ids] * values))

    expected = START.copy()
    places = set()
    for _ in range(3):
        step(ids, values)
        np.subtract.at(expected, ids, 0.1 * values)
        places.add(address(table))
    np.testing.assert_allclose(table.numpy(), expected, rtol=1e-13)
    assert len(places) == 1 or not cr.strict_math()
    held = table.value
    step(ids, values)
    np.testing.assert_allclose(held, expected, rtol=1e-13)


def test_sessions_write_over_their_own():
    with cr.Graph().as_default() as graph:
        w = cr.Variable(START)
        x = cr.placeholder("float64", (100,))
        train = cr.optim.Momentum(0.1, 0.9).minimize(cr.sum(cr.square(w - x)) * 0.5)
        started = cr.global_variables_initializer()
    session, other = cr.Session(graph), cr.Session(graph)
    session.run(started)
    other.run(started)
    value, velocity = START, 0.0
    for _ in range(6):
        before = session.run(w)
        held = session.value(w)
        session.run(train, {x: np.ones(100)})
        np.testing.assert_array_equal(held, before)
        del held
        session.run(train, {x: np.ones(100)})
        for _ in range(2):
            velocity = 0.9 * velocity + (value - 1.0)
            value = value - 0.1 * velocity
        np.testing.assert_allclose(session.run(w), value, rtol=1e-12)
    np.testing.assert_array_equal(other.run(w), START)


def test_whoever_reads_meanwhile_sees_one_state():
    with cr.Graph().as_default() as graph:
        w = cr.Variable(np.zeros(200_000))
        up = cr.group(w.assign(w * 1.0 + 1.0))
        least, most = cr.min(w), cr.max(w)
        started = cr.global_variables_initializer()
    session = cr.Session(graph)
    session.run(started)
    wrong = []

    def read():
        for _ in range(100):
            a, b = session.run([least, most])
            if a != b:
                wrong.append((a, b))

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        session.run(up)
    for thread in threads:
        thread.join()
    assert not wrong
    assert session.run(most) == 200.0


@pytest.fixture
def interrupts():
    """Python's own way with interrupts; a process that was started in the background ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_waits_until_all_is_written(interrupts):
    a, b = cr.Variable(START), cr.Variable(START)

    @cr.function
    def step():
        a.assign(cr.sin(a) * 0.5 + 1.0)
        b.assign(cr.sin(b) * 0.5 + 1.0)

    for _ in range(3):
        step()
    steps = 0
    for _ in range(30):
        timer = threading.Timer(0.003, os.kill, (os.getpid(), signal.SIGINT))
        try:
            timer.start()  # which may come back after the interrupt where processors are busy
            while True:
                step()
                steps += 1
        except KeyboardInterrupt:
            pass
        timer.join()
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert steps


def test_strict_math_writes_over_nothing():
    with cr.use_strict_math():
        w, step = stepping()
        step(np.ones(100))
        held = address(w)
        step(np.ones(100))
        assert address(w) != held


@pytest.mark.parametrize(
    "protect", [lambda x: x.setflags(write=False), lambda x: None], ids=["read-only", "transposed"]
)
def test_arrays_that_cannot_be_written_over(protect):
    w, step = stepping()
    expected = START
    for _ in range(5):
        array = np.asfortranarray(w.numpy())
        protect(array)
        w._value = cr.Tensor(array, cr.get_backend())
        del array
        step(np.ones(100))
        expected = expected - 0.5 * (expected - 1.0)
        np.testing.assert_allclose(w.numpy(), expected, rtol=1e-13)


def test_a_value_that_is_not_made_of_the_old_one():
    w = cr.Variable(START)

    @cr.function
    def step(x):
        w.assign(cr.exp(w * 0.0) + 1.0)
        w.assign(cr.sort(w * x, axis=0) - x)

    for _ in range(4):
        step(START * 0.5)
        np.testing.assert_allclose(w.numpy(), START * 0.5, rtol=1e-13)


def test_arrays_that_were_pickled_are_written_over_too():
    table, rows = pickle.loads(pickle.dumps((np.ones((500, 8)), np.arange(100))))
    assert table.dtype is not np.dtype("float64")  # an object of its own, which NumPy's results take over
    w = cr.Variable(table, name="w")
    optimizer = cr.optim.GradientDescent(0.5)

    @cr.function
    def step(rows):
        optimizer.minimize(lambda: cr.sum(cr.square(cr.take(w, rows, axis=0))) * 0.5)

    step(rows)
    where = address(w)
    step(rows)
    assert address(w) == where
    assert w.value.dtype is np.dtype("float64")
    np.testing.assert_array_equal(w.numpy(), np.repeat([0.25, 1.0], [100, 400])[:, None] * np.ones(8))
    np.testing.assert_array_equal(table, np.ones((500, 8)))


VIEWS = {
    "row": lambda w: w * 0.5 + w[0] + 1.0,
    "column": lambda w: w * 0.5 + w[:, :1] + 1.0,
    "transpose": lambda w: w * 0.5 + cr.matrix_transpose(w) * 2.0,
    "transpose alone": lambda w: w - cr.matrix_transpose(w),
    "backwards": lambda w: w - w[::-1] * 0.5 + 1.0,
}


@pytest.mark.parametrize("f", VIEWS.values(), ids=VIEWS)
def test_a_value_made_of_views_of_the_old_one(f):
    value = START[:100, :100] / 1000.0
    w = cr.Variable(value)

    @cr.function
    def step():
        w.assign(f(w))

    for _ in range(3):
        step()
        value = f(cr.tensor(value)).numpy()
    np.testing.assert_allclose(w.numpy(), value, rtol=1e-12)


def test_a_view_of_what_another_update_writes_over():
    x = START[:100, :100]
    y = x + 1.0
    a, b = cr.Variable(x), cr.Variable(y)

    @cr.function
    def step():
        before = cr.matrix_transpose(a.read())
        a.assign(a * 0.5 + 1.0)
        b.assign(b - before)

    for _ in range(3):
        step()
        x, y = x * 0.5 + 1.0, y - x.T
    np.testing.assert_array_equal(a.numpy(), x)
    np.testing.assert_array_equal(b.numpy(), y)
