"""The update rules against the published formulas, and against PyTorch's own numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

RULES = ["gradient_descent", "momentum", "nesterov", "adam", "adam_tuned"]
STEPS = 20

# Where 20 steps lead in PyTorch 2.13.0 (CPU): torch.optim.SGD(lr=0.1), SGD(lr=0.1, momentum=0.9), the same with
# nesterov=True, Adam(lr=0.1), Adam(lr=0.05, betas=(0.8, 0.95), eps=1e-3), on the loss of the fixture `bowl` from
# [1.0, -2.0, 0.5] by autograd, in float64 and in float32.
PYTORCH = {
    ("gradient_descent", "float64"): [0.7777056772705067, -1.9134498270665328, 0.005683215161893618],
    ("momentum", "float64"): [0.16365146443985232, -1.9277571677432745, -0.17570362884275637],
    ("nesterov", "float64"): [0.20408274683808805, -1.9097749380531943, -0.019628410022716928],
    ("adam", "float64"): [-0.11098784896856492, -1.9241451644521808, 0.05088418839763889],
    ("adam_tuned", "float64"): [0.3313340923247178, -1.8973250846662246, -0.055141223792881645],
    ("gradient_descent", "float32"): [0.7777056097984314, -1.913449764251709, 0.0056832158006727695],
    ("momentum", "float32"): [0.16365155577659607, -1.9277570247650146, -0.17570357024669647],
    ("nesterov", "float32"): [0.2040826976299286, -1.909774899482727, -0.019628403708338737],
    ("adam", "float32"): [-0.11098776757717133, -1.9241451025009155, 0.050884149968624115],
    ("adam_tuned", "float32"): [0.3313341438770294, -1.897325038909912, -0.055141229182481766],
}


@pytest.mark.parametrize(("rule", "dtype"), PYTORCH)
def test_agrees_with_pytorch(
    rule: str, dtype: str, published: dict[str, Any], bowl: Callable[[Any], Any], start: list[float]
) -> None:
    optimizer = published[rule][0]()
    w = cr.Variable(start, dtype=dtype)
    for _ in range(STEPS):
        optimizer.minimize(lambda: bowl(w))
    assert w.dtype == dtype
    # In float32 each of the 20 steps rounds a value of size 1 to 6e-8.
    absolute = 0.0 if dtype == "float64" else 1e-6
    np.testing.assert_allclose(w.numpy(), PYTORCH[rule, dtype], rtol=1e-6, atol=absolute)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_agrees_with_the_published_rule(rule: str, dtype: str, published: dict[str, Any]) -> None:
    make, loop = published[rule]
    target = np.array([[1.0, -2.0], [0.5, 0.25]]) * (1 + 2j if dtype == "complex128" else 1)
    w = cr.Variable(np.zeros((2, 2), dtype))
    optimizer = make()
    for _ in range(STEPS):
        optimizer.minimize(lambda: cr.sum(cr.abs(w - target) ** 2))
    # Steepest ascent of |w - target|**2, for complex numbers as for real ones, is 2 * (w - target).
    expected = loop(lambda w: 2 * (w - target), np.zeros((2, 2), dtype), STEPS)
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_sparse_gradients_do_what_dense_ones_do(rule: str, dtype: str, published: dict[str, Any]) -> None:
    rng = np.random.default_rng(3)
    table = rng.normal(size=(6, 2)).astype(dtype)
    steps = [([0, 2, 0], rng.normal(size=(3, 2)).astype(dtype)), ([5], rng.normal(size=(1, 2)).astype(dtype))] * 4
    by_rows, by_table = cr.Variable(table), cr.Variable(table)
    sparse, dense = published[rule][0](), published[rule][0]()
    for indices, values in steps:
        whole = np.zeros((6, 2), dtype)
        for index, row in zip(indices, values, strict=True):
            whole[index] += row
        sparse.apply_gradients([(cr.IndexedSlices(cr.tensor(values), cr.tensor(indices), (6, 2)), by_rows)])
        dense.apply_gradients([(whole, by_table)])
    assert by_rows.dtype == dtype
    tolerance = 1e-13 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(by_rows.numpy(), by_table.numpy(), rtol=tolerance, atol=tolerance)
    assert not np.allclose(by_rows.numpy()[[0, 2, 5]], table[[0, 2, 5]])


def test_gradient_descent_keeps_a_sparse_gradient_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any) -> Any:
        raise AssertionError("made dense")

    monkeypatch.setattr(cr.IndexedSlices, "to_dense", refuse)
    embedding = cr.Variable(np.ones((1000, 2)))
    optimizer = cr.optim.GradientDescent(0.5)
    ((gradient, _),) = optimizer.compute_gradients(lambda: cr.sum(embedding[np.array([3, 7, 3])]))
    assert isinstance(gradient, cr.IndexedSlices)
    optimizer.apply_gradients([(gradient, embedding)])
    expected = np.ones((1000, 2))
    expected[3] = 0.0  # twice 0.5
    expected[7] = 0.5
    np.testing.assert_array_equal(embedding.numpy(), expected)


def test_epsilon_is_added_to_the_corrected_root() -> None:
    w = cr.Variable(0.0)
    cr.optim.Adam(1.0, epsilon=1.0).apply_gradients([(3.0, w)])
    assert float(w.numpy()) == pytest.approx(-3.0 / (3.0 + 1.0), rel=1e-14)


def test_a_variable_that_comes_later_is_corrected_like_the_first() -> None:
    first, later = cr.Variable(0.0), cr.Variable(0.0)
    optimizer = cr.optim.Adam(0.1, epsilon=0.0)
    for _ in range(5):
        optimizer.apply_gradients([(1.0, first), (None, later)])
    optimizer.apply_gradients([(1.0, first), (7.0, later)])
    assert float(later.numpy()) == pytest.approx(-0.1, rel=1e-14)  # the first step of Adam is its learning rate


@pytest.mark.parametrize(
    ("make", "steps"),
    [
        (lambda: cr.optim.Momentum(0.0005, 0.95, nesterov=True), 3_000),
        (lambda: cr.optim.Adam(0.02), 4_000),
    ],
    ids=["Momentum", "Adam"],
)
def test_rosenbrock(make: Callable[[], cr.optim.Optimizer], steps: int) -> None:
    x, y = cr.Variable(-1.2), cr.Variable(1.0)
    optimizer = make()
    for _ in range(steps):
        loss = optimizer.minimize(lambda: (1.0 - x) ** 2 + 100.0 * (y - x * x) ** 2)
        if float(loss) < 1e-8:
            break
    assert float(x.numpy()) == pytest.approx(1.0, abs=1e-3)
    assert float(y.numpy()) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("rule", RULES)
def test_another_backend_does_the_same(rule: str, published: dict[str, Any], bowl: Callable[[Any], Any]) -> None:
    pytest.importorskip("array_api_strict", reason="array_api_strict, the other backend, is not installed")
    results = []
    for backend in ("numpy", "array_api_strict"):
        with cr.use_backend(backend):
            w = cr.Variable([1.0, -2.0, 0.5], dtype="float32")
            optimizer = published[rule][0]()
            for _ in range(3):
                optimizer.minimize(lambda w=w: bowl(w))
            rows = cr.IndexedSlices(np.ones(3, np.float32), np.array([0, 2, 0]), (3,))
            optimizer.apply_gradients([(rows, w)])
        assert {v.backend.name for v in (w, *optimizer.variables())} == {backend}
        assert w.dtype == "float32"
        results.append(w.numpy())
    np.testing.assert_allclose(results[1], results[0], rtol=1e-5)
