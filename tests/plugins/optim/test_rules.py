"""The update rules against the published formulas, and against PyTorch's own numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

REAL = ["ftrl", "ftrl_tuned"]  # rules for real numbers alone
RULES = [
    *("gradient_descent", "momentum", "nesterov", "adagrad", "adagrad_tuned", "adadelta", "adadelta_tuned"),
    *("rmsprop", "rmsprop_momentum", "rmsprop_centered", "adam", "adam_tuned", "adamw", "amsgrad", "adamax"),
    *("nadam", "nadam_tuned", "lion", "lion_decay", *REAL),
]
STEPS = 20

# The same in PyTorch. It has no Lion and no Ftrl.
TORCH: dict[str, Callable[[Any, Any], Any]] = {
    "gradient_descent": lambda o, p: o.SGD(p, lr=0.1),
    "momentum": lambda o, p: o.SGD(p, lr=0.1, momentum=0.9),
    "nesterov": lambda o, p: o.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adagrad": lambda o, p: o.Adagrad(p, lr=0.1),
    "adagrad_tuned": lambda o, p: o.Adagrad(p, lr=0.2, initial_accumulator_value=0.1, eps=1e-3),
    "adadelta": lambda o, p: o.Adadelta(p),
    "adadelta_tuned": lambda o, p: o.Adadelta(p, lr=0.5, rho=0.8, eps=1e-2),
    "rmsprop": lambda o, p: o.RMSprop(p, lr=0.05, alpha=0.9),
    "rmsprop_momentum": lambda o, p: o.RMSprop(p, lr=0.01, alpha=0.8, momentum=0.9, eps=1e-3),
    "rmsprop_centered": lambda o, p: o.RMSprop(p, lr=0.01, alpha=0.8, momentum=0.5, eps=1e-2, centered=True),
    "adam": lambda o, p: o.Adam(p, lr=0.1),
    "adam_tuned": lambda o, p: o.Adam(p, lr=0.05, betas=(0.8, 0.95), eps=1e-3),
    "adamw": lambda o, p: o.AdamW(p, lr=0.1, weight_decay=0.3),
    "amsgrad": lambda o, p: o.Adam(p, lr=0.1, betas=(0.8, 0.5), amsgrad=True),
    "adamax": lambda o, p: o.Adamax(p, lr=0.1),
    "nadam": lambda o, p: o.NAdam(p, lr=0.1),
    "nadam_tuned": lambda o, p: o.NAdam(p, lr=0.05, betas=(0.8, 0.95), eps=1e-3, momentum_decay=0.5),
}

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


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", TORCH)
def test_agrees_with_the_pytorch_that_is_here(
    rule: str, dtype: str, published: dict[str, Any], bowl: Callable[[Any], Any], start: list[float]
) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")
    theirs = torch.tensor(start, dtype=getattr(torch, dtype), requires_grad=True)
    weights = torch.tensor([1.0, 0.5, 3.0], dtype=theirs.dtype)
    optimizer, their_optimizer = published[rule][0](), TORCH[rule](torch.optim, [theirs])
    w = cr.Variable(start, dtype=dtype)
    for _ in range(STEPS):
        optimizer.minimize(lambda: bowl(w))
        their_optimizer.zero_grad()
        (0.5 * (weights * theirs * theirs).sum() + theirs.cos().sum()).backward()
        their_optimizer.step()
    assert w.dtype == dtype
    absolute = 1e-12 if dtype == "float64" else 2e-6
    np.testing.assert_allclose(w.numpy(), theirs.detach().numpy(), rtol=1e-6, atol=absolute)


COMPLEX = [rule for rule in RULES if rule not in REAL]


@pytest.mark.parametrize(
    ("rule", "dtype"), [*((rule, "float64") for rule in RULES), *((rule, "complex128") for rule in COMPLEX)]
)
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


@pytest.mark.parametrize("rule", COMPLEX)
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


@pytest.mark.parametrize("rule", ["adagrad", "ftrl", "ftrl_tuned"])
def test_rules_that_change_rows_alone(rule: str, published: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    make, loop = published[rule]
    rng = np.random.default_rng(5)
    table = rng.normal(size=(1000, 2))
    gradients = rng.normal(size=(4, 3, 2))
    w = cr.Variable(table)
    optimizer = make()
    monkeypatch.setattr(cr.IndexedSlices, "to_dense", lambda self: pytest.fail("made dense"))
    for g in gradients:
        rows = cr.IndexedSlices(cr.tensor(g), cr.tensor([7, -993, 3]), (1000, 2))  # row 7 twice
        optimizer.apply_gradients([(rows, w)])
    summed = iter(np.stack([gradients[:, 0] + gradients[:, 1], gradients[:, 2]], axis=1))
    expected = table.copy()
    expected[[7, 3]] = loop(lambda _: next(summed), table[[7, 3]], 4)
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-12, atol=1e-14)


def test_ftrl_makes_exact_zeros_and_forgets_where_it_started() -> None:
    w = cr.Variable([0.0, 0.0])
    cr.optim.Ftrl(0.5, l1=1.0).apply_gradients([([0.5, 3.0], w)])
    assert w.numpy()[0] == 0.0
    assert w.numpy()[1] != 0.0
    w = cr.Variable([5.0, 5.0])
    cr.optim.Ftrl(0.5).apply_gradients([([0.0, 0.0], w)])
    assert w.numpy().tolist() == [0.0, 0.0]


def test_ftrl_is_real_and_divides_by_the_rate() -> None:
    with pytest.raises(cr.DTypeError, match="rule for real numbers, got a variable of complex128"):
        cr.optim.Ftrl().apply_gradients([(1j, cr.Variable(1j))])
    with pytest.raises(cr.ArgumentError, match="Ftrl divides by the learning rate, which is 0"):
        cr.optim.Ftrl(0.0).apply_gradients([(1.0, cr.Variable(1.0))])


def test_a_centred_variance_of_nothing_is_not_negative() -> None:
    w = cr.Variable(1.0)
    optimizer = cr.optim.RMSProp(0.1, rho=0.1, centered=True)
    for _ in range(50):
        optimizer.apply_gradients([(0.1, w)])  # v - m**2 comes to 0, and rounds to less
    assert np.isfinite(w.numpy())


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_dtypes_are_kept(rule: str, dtype: str, published: dict[str, Any]) -> None:
    w, x = cr.Variable([1.0, 2.0], dtype=dtype), cr.Variable(1.0, dtype=dtype)
    optimizer = published[rule][0]()
    for _ in range(2):
        optimizer.apply_gradients([([1, 2], w), (1.0, x)])
    real = {"step": "int64", "iterations": "int64", "product": "float64"}
    for variable in (w, x, *optimizer.variables()):
        assert variable.dtype == real.get(variable.name.rpartition("/")[2], dtype)
    assert np.isfinite(w.numpy()).all()


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
