"""What the backend `torch` promises beside the operations: no autograd, `bfloat16`, threads, `torch.compile`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy.special

import chainrule as cr
import chainrule_array_api.torch

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'chainrule[torch]'")


@pytest.fixture(autouse=True)
def _torch() -> Iterator[None]:
    with cr.use_backend("torch"):
        yield


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(cr.BackendUnavailableError, match=r"PyTorch is not installed; pip install 'chainrule\[torch\]'"):
        chainrule_array_api.torch.backend()


def test_gradients_are_those_of_pytorchs_autograd() -> None:
    def loss(xp: Any, x: Any, w: Any) -> Any:
        return xp.sum(xp.tanh(x @ w) ** 2)

    x, w = torch.rand(5, 4, dtype=torch.float64), torch.rand(4, 3, dtype=torch.float64)
    ours = cr.grad(lambda x, w: loss(cr, x, w), argnums=(0, 1))(x, w)
    theirs = [value.clone().requires_grad_() for value in (x, w)]
    loss(torch, *theirs).backward()
    for have, want in zip(ours, theirs, strict=True):
        assert type(have) is torch.Tensor
        torch.testing.assert_close(have, want.grad)


def test_a_tensor_that_requires_grad_is_refused_but_its_values_can_be_copied() -> None:
    parameter = torch.nn.Parameter(torch.ones(3))
    for use in (cr.as_tensor, cr.sum, lambda p: cr.ones(3) + p, cr.grad(cr.sum)):
        with pytest.raises(cr.ArgumentError, match=r"requires grad.*x\.detach\(\)"):
            use(parameter)
    copy = cr.tensor(parameter)
    assert not copy.value.requires_grad
    with torch.no_grad():
        parameter += 1
    assert copy.tolist() == [1.0, 1.0, 1.0]
    assert cr.sum(parameter.detach()).item() == 6.0


def test_bfloat16_is_computed_and_copied_as_float32() -> None:
    x = cr.tensor([1.5, -2.0], dtype="bfloat16")
    gradient = cr.grad(lambda x: cr.sum(x * x))(x)
    assert (x * 2).dtype == gradient.dtype == cr.bfloat16
    assert gradient.numpy().dtype == np.float32
    assert gradient.tolist() == [3.0, -4.0]
    with pytest.raises(cr.DTypeError, match="'numpy' has no dtype 'bfloat16'"):
        cr.to_backend(x, "numpy")


@pytest.mark.parametrize("dtype", ["uint16", "uint32"])
def test_unsigned_integers_that_pytorch_cannot_add_are_refused_by_name(dtype: str) -> None:
    with pytest.raises(cr.DTypeError, match=rf"'torch'.*{dtype}"):
        cr.tensor(np.array([1, 2], dtype))
    with pytest.raises(cr.DTypeError, match=rf"'torch'.*{dtype}"):
        cr.sum(torch.ones(2, dtype=getattr(torch, dtype)))
    largest = np.iinfo(dtype).max
    assert cr.tensor(np.array([1, largest], dtype), dtype="int64").tolist() == [1, largest]


def test_sums_of_unsigned_integers_are_uint64() -> None:
    total = cr.sum(cr.tensor(np.full((3, 2), 200, "uint8")), axis=0)
    assert total.dtype == cr.uint64
    assert total.tolist() == [600, 600]
    assert (total / 4).tolist() == [150.0, 150.0]


@pytest.mark.parametrize("dtype", ["uint8", "uint64"])
def test_einsum_takes_diagonals_of_unsigned_integers(dtype: str) -> None:
    x, y = np.arange(6, dtype=dtype).reshape(2, 3), np.arange(9, dtype=dtype).reshape(3, 3)
    have = cr.einsum("ij,jj->i", cr.tensor(x), cr.tensor(y))
    want = np.einsum("ij,jj->i", x, y)
    assert str(have.dtype) == str(want.dtype)
    np.testing.assert_array_equal(have.numpy(), want)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_remainders_of_the_largest_by_the_smallest_are_numpys(dtype: str) -> None:
    information = np.finfo(dtype)
    points = [0.0, 1.0, -2.5, 0.1, np.inf, -np.inf, np.nan, information.max, -information.max, information.tiny]
    a, b = np.meshgrid(np.array(points, dtype), np.array(points, dtype), indexing="ij")
    with np.errstate(all="ignore"):
        want = np.remainder(a, b)
    np.testing.assert_array_equal(cr.remainder(cr.tensor(a), cr.tensor(b)).numpy(), want)
    assert cr.remainder(cr.tensor([1e300]), 0.5).tolist() == [0.0]
    assert cr.remainder(7.0, cr.tensor([2.0])).tolist() == [1.0]


@pytest.mark.parametrize("axis", [None, 0, -1, (), (0, 2), (2, 1)])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_along_any_axes(name: str, axis: Any) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    want = getattr(scipy.special, name)(x, axis=axis)
    np.testing.assert_allclose(getattr(cr, name)(cr.tensor(x), axis=axis).numpy(), want, rtol=1e-12, atol=1e-15)


MASK = np.random.default_rng(1).random((5, 7)) < 0.7
MASK[:, 0] = True
MASKS = {"none": None, "booleans": MASK, "numbers": np.random.default_rng(2).normal(size=(3, 1, 7))}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("batch", [(2, 3), (), (2, 2, 3)], ids=str)
def test_attention_is_pytorchs(monkeypatch: pytest.MonkeyPatch, batch: Any, causal: bool, mask: str) -> None:
    theirs = torch.nn.functional.scaled_dot_product_attention
    calls: list[Any] = []
    monkeypatch.setattr(
        torch.nn.functional, "scaled_dot_product_attention", lambda *xs, **how: calls.append(xs) or theirs(*xs, **how)
    )
    rng = np.random.default_rng(0)
    xs = [rng.normal(size=shape) for shape in ((*batch, 5, 4), (3, 7, 4), (7, 6))]
    xs += [MASKS[mask]] if mask == "numbers" else []

    def attended(q: Any, k: Any, v: Any, *masks: Any) -> Any:
        given = masks[0] if masks else MASKS[mask]
        return cr.nn.scaled_dot_product_attention(q, k, v, mask=given, causal=causal)

    def by_hand(q: Any, k: Any, v: Any, *masks: Any) -> Any:
        given = torch.zeros(5, 7) if mask == "none" else masks[0] if masks else torch.tensor(MASK)
        scores = q @ k.mT / 2 + given if given.dtype != torch.bool else (q @ k.mT / 2).masked_fill(~given, -np.inf)
        scores = scores.masked_fill(~torch.ones(5, 7, dtype=torch.bool).tril(), -np.inf) if causal else scores
        return torch.softmax(scores, -1) @ v

    tensors = [torch.tensor(x, requires_grad=True) for x in xs]
    want = by_hand(*tensors)
    g = rng.normal(size=want.shape)
    for f in (attended, cr.function(attended)):
        del calls[:]
        y, back = cr.vjp(f, *map(cr.tensor, xs))
        np.testing.assert_allclose(y.numpy(), want.detach().numpy(), rtol=1e-12, atol=1e-14)
        slopes = torch.autograd.grad(want, tensors, torch.tensor(g), retain_graph=True)
        for have, slope in zip(back(cr.tensor(g)), slopes, strict=True):
            np.testing.assert_allclose(have.numpy(), slope.numpy(), rtol=1e-10, atol=1e-12)
        assert len(calls) == 2  # forward, and for the gradient


def test_attention_to_nothing_is_nan() -> None:
    q, mask = np.ones((2, 3)), np.array([[False, False], [True, False]])
    for dtype in ("float32", "float64"):
        x = cr.tensor(q, dtype=dtype)
        y = cr.nn.scaled_dot_product_attention(x, x, x, mask=mask)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y.numpy(), [[np.nan] * 3, [1.0] * 3])


def test_second_derivatives_of_attention() -> None:
    x, d = np.random.default_rng(0).normal(size=(2, 4, 3))

    def f(x: Any) -> Any:
        return cr.sum(cr.nn.scaled_dot_product_attention(x, x, cr.sin(x), causal=True) ** 2)

    h = 1e-5
    want = (cr.grad(f)(x + h * d) - cr.grad(f)(x - h * d)) / (2 * h)
    np.testing.assert_allclose(cr.hvp(f)(x, d), want, rtol=1e-6, atol=1e-8)


def test_threads_are_pytorchs_too() -> None:
    before = torch.get_num_threads()
    with cr.use_num_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_where_there_is_no_gpu_that_is_said() -> None:
    if torch.cuda.is_available():
        pytest.skip("PyTorch has a GPU here")
    with pytest.raises(cr.BackendError, match="'torch' has no device 'cuda'; it has cpu"):
        cr.set_backend("torch:cuda")
    assert cr.get_backend().notes()[0].startswith("no GPU: ")
    assert cr.get_backend().memory("cpu") == {}


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip(cr.get_backend().notes()[0])
    with cr.use_backend("torch:cuda"):
        x = cr.tensor(np.arange(6.0).reshape(2, 3))
        assert x.device == "cuda:0"
        gradient = cr.grad(lambda x: cr.sum(cr.softmax(x) * x[[1, 0]]))(x)
        assert gradient.device == "cuda:0"
        assert cr.get_backend().memory("cuda:0")["used"] > 0
        cr.get_backend().synchronize("cuda:0")
    on_cpu = cr.grad(lambda x: cr.sum(cr.softmax(x) * x[[1, 0]]))(cr.to_backend(x, "torch:cpu"))
    np.testing.assert_allclose(gradient.numpy(), on_cpu.numpy(), rtol=1e-12)


def picked(x: Any, w: Any, i: Any) -> Any:
    return cr.sum(cr.tanh(x[i]) @ w)


def test_plans_run_as_they_are_unless_the_jit_is_asked_for() -> None:
    arguments = cr.ones((5, 4)), cr.ones((4, 3)), cr.tensor([0, 1, 1])
    assert cr.explain(picked, *arguments).executors == {"plan": "Python"}
    with cr.use_jit("always"):
        assert cr.explain(picked, *arguments).executors == {"plan": "torch.compile"}
        assert "not all sizes are known" in cr.explain(cr.nonzero, cr.ones(3)).executors["plan"]
        assert "Python numbers" in cr.explain(lambda x, s: x * s, cr.ones(3), 2.0).executors["plan"]


def test_a_program_that_draws_on_the_host_is_not_compiled() -> None:
    """Its numbers would be constants of what is compiled."""
    generator = cr.random.Generator(0)

    @cr.function
    def noisy(x: Any) -> Any:
        return x + generator.normal((2,))

    zeros = cr.zeros(2)
    with cr.use_jit("always"):
        assert "on the host" in cr.explain(noisy, zeros).executors["plan"]
        assert noisy(zeros).tolist() != noisy(zeros).tolist()


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler, g++")
@pytest.mark.filterwarnings("ignore")  # of PyTorch's compiler about itself
def test_a_plan_under_torch_compile() -> None:
    rng = np.random.default_rng(0)
    x, w, i = cr.tensor(rng.normal(size=(5, 4))), cr.tensor(rng.normal(size=(4, 3))), cr.tensor([0, 1, 1])
    gradient = cr.grad(picked, argnums=(0, 1))
    compiled = cr.function(gradient)
    with cr.use_jit("always"):
        for have, want in zip(compiled(x, w, i), gradient(x, w, i), strict=True):
            np.testing.assert_allclose(have.numpy(), want.numpy(), rtol=1e-12)
        with pytest.raises(cr.IndexingError, match=r"getitem.*outside of an axis of length 5"):
            compiled(x, w, cr.tensor([0, 9, 1]))
