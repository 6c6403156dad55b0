"""Convolution and pooling in machine code: what NumPy's own kernels give, for every way that windows can lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule_nn import (
    _numpy_channels_code,
    _numpy_conv,
    _numpy_conv_code,
    _numpy_pool,
    _numpy_pool_code,
    _numpy_weights_code,
)
from chainrule_nn._arguments import as_lengths, as_padding

pytest.importorskip("llvmlite")
from chainrule_numpy import machine_code
from chainrule_numpy._jit import _machine, _writer

RNG = np.random.default_rng(5)


@pytest.fixture(autouse=True)
def _however_small(monkeypatch: pytest.MonkeyPatch) -> Any:
    for module in (_numpy_conv_code, _numpy_pool_code):
        monkeypatch.setattr(module, "_FEW", 1)
    monkeypatch.setattr(machine_code, "_MANY", 1 << 20)
    yield
    cr.set_jit(None)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which functions in machine code were asked for, and given."""
    names: list[str] = []
    for module in (_numpy_channels_code, _numpy_conv_code, _numpy_pool_code, _numpy_weights_code):
        for name, kernels in [(n, k) for n, k in vars(module).items() if type(k).__name__ == "Kernels"]:

            def recorded(*key: Any, name: str = name, kernels: Any = kernels) -> Any:
                work = kernels(*key)
                names.extend([name] * (work is not None))
                return work

            monkeypatch.setattr(module, name, recorded)
    return names


def with_and_without(f: Any, *arrays: Any) -> list[tuple[Any, Any]]:
    """The value of a function and its gradients, as machine code and NumPy's kernels compute them."""

    def run(mode: str) -> list[Any]:
        cr.set_jit(mode)
        y, back = cr.vjp(f, *map(cr.tensor, arrays))
        g = np.cos(np.arange(y.size)).reshape(y.shape).astype(arrays[0].dtype)
        return [y.numpy(), *(part.numpy() for part in back(cr.tensor(g)))]

    return list(zip(run("always"), run("off"), strict=True))


CONVOLUTIONS = {
    "one channel": ((2, 12, 30, 1), (3, 3, 1, 16), {"padding": "SAME"}),
    "blocks of windows": ((2, 5, 70, 3), (2, 3, 3, 5), {}),
    "many results": ((2, 7, 8, 6), (3, 2, 6, 75), {"padding": 1}),
    "strides": ((2, 13, 14, 3), (3, 3, 3, 9), {"strides": (2, 3), "padding": "SAME"}),
    "strides past the end": ((2, 12, 3), (2, 3, 9), {"strides": 3}),
    "strides longer than windows": ((2, 9, 10, 3), (1, 2, 3, 9), {"strides": 2}),
    "wide padding": ((2, 9, 10, 3), (2, 3, 3, 9), {"strides": (1, 2), "padding": [(3, 4), (5, 3)]}),
    "dilation": ((2, 13, 14, 4), (3, 3, 4, 8), {"dilation": (2, 3), "padding": [(3, 0), (1, 5)]}),
    "dilation of rows": ((2, 13, 14, 4), (3, 3, 4, 8), {"dilation": (2, 1)}),
    "groups": ((2, 9, 9, 12), (3, 3, 4, 6), {"groups": 3, "padding": "SAME"}),
    "a channel a group": ((2, 9, 19, 21), (3, 2, 1, 21), {"groups": 21, "padding": "SAME"}),
    "a channel a group, strides": ((2, 9, 10, 6), (3, 3, 1, 6), {"groups": 6, "strides": 2, "padding": 1}),
    "a channel a group, dilation": ((2, 30, 4), (3, 1, 4), {"groups": 4, "dilation": 3}),
    "one axis": ((3, 40, 20), (5, 20, 17), {"padding": "SAME"}),
    "three axes": ((2, 5, 6, 7, 2), (2, 3, 2, 2, 4), {"padding": 1}),
    "a point": ((2, 6, 7, 33), (1, 1, 33, 20), {}),
    "one result": ((2, 6, 7, 3), (3, 3, 3, 1), {"padding": "SAME"}),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name: str, dtype: Any, asked: list[str]) -> None:
    x_shape, w_shape, how = CONVOLUTIONS[name]
    x, w = (RNG.standard_normal(shape).astype(dtype) for shape in (x_shape, w_shape))
    tolerance = 1e-11 if dtype is np.float64 else 1e-4
    for have, want in with_and_without(lambda x, w: cr.nn.conv(x, w, **how), x, w):
        assert have.dtype == want.dtype == dtype
        np.testing.assert_allclose(have, want, rtol=tolerance, atol=tolerance)
    groups = how.get("groups", 1) if w_shape[-2] > 1 else 1  # each on its own
    ways = np.prod(np.minimum(how.get("strides", 1), w_shape[:-2]))  # back to x, one for each place in a stride
    assert asked == ["_conv"] * groups * (1 + ways) + ["_weights"] * groups


@pytest.mark.parametrize("mode", ["off", "always"])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_results_go_where_they_are_wanted(name: str, mode: str) -> None:
    x_shape, w_shape, how = CONVOLUTIONS[name]
    x, w = RNG.standard_normal(x_shape), RNG.standard_normal(w_shape)
    n = x.ndim - 2
    y = cr.nn.conv(x, w, **how)
    attributes = {
        "strides": as_lengths("", "", how.get("strides", 1), n),
        "padding": as_padding("", how.get("padding", 0), n),
        "dilation": as_lengths("", "", how.get("dilation", 1), n),
        "groups": how.get("groups", 1),
    }
    cr.set_jit(mode)
    out, back = np.full(y.shape, np.nan), np.full(x.shape, np.nan)
    assert _numpy_conv.conv(x, w, **attributes, out=out) is out
    np.testing.assert_allclose(out, y, rtol=1e-11, atol=1e-11)
    assert _numpy_conv.conv_transpose(out, w, **attributes, size=x.shape[1:-1], out=back) is back
    np.testing.assert_allclose(np.sum(back * x), np.sum(out * out), rtol=1e-11)


@pytest.mark.parametrize("mode", ["off", "always"])
@pytest.mark.parametrize("how", [{"window": 2}, {"window": 3, "strides": 2}, {"window": 3, "padding": "SAME"}], ids=str)
def test_pooling_goes_where_it_is_wanted(how: dict[str, Any], mode: str) -> None:
    x = RNG.integers(-2, 3, (2, 9, 8, 5)).astype(float)
    y = cr.nn.max_pool(x, **how).numpy()
    shares = cr.grad(lambda x: cr.sum(cr.nn.max_pool(x, **how) * y))(x)
    attributes = {name: as_lengths("", "", how.get(name, how["window"]), 2) for name in ("window", "strides")}
    attributes["padding"] = as_padding("", how.get("padding", "VALID"), 2)
    cr.set_jit(mode)
    out, back = np.full(y.shape, np.nan), np.full(x.shape, np.nan)
    assert _numpy_pool.max_pool(x, **attributes, out=out) is out
    np.testing.assert_array_equal(out, y)
    assert _numpy_pool.max_pool_spread(y, x, y, **attributes, out=back) is back
    np.testing.assert_allclose(back, shares, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("padding", ["SAME", 0, 1])
@pytest.mark.parametrize("strides", [1, 2, 3, (3, 1)])
@pytest.mark.parametrize("shape", [(2, 7, 9, 3), (1, 7, 8, 16), (2, 6, 7, 90)])
def test_pooling_with_ties_and_nan(shape: Any, strides: Any, padding: Any, asked: list[str]) -> None:
    x = RNG.integers(-2, 3, shape).astype(np.float32)
    ((y, want), (gradient, shares)) = with_and_without(
        lambda x: cr.nn.max_pool(x, window=(2, 3), strides=strides, padding=padding), x
    )
    assert y.dtype == gradient.dtype == np.float32
    np.testing.assert_array_equal(y, want)
    np.testing.assert_allclose(gradient, shares, rtol=1e-5, atol=1e-6)
    assert asked == ["_max_pool", "_spread"]
    x[0, 3, 3, 1] = np.nan
    pooled = with_and_without(lambda x: cr.nn.max_pool(x, window=(2, 3), strides=strides, padding=padding), x)
    np.testing.assert_array_equal(*pooled[0])


def test_pooling_along_one_axis_and_three(asked: list[str]) -> None:
    for shape in ((3, 11, 5), (2, 5, 4, 6, 3)):
        for have, want in with_and_without(cr.nn.max_pool, RNG.standard_normal(shape)):
            np.testing.assert_allclose(have, want, rtol=1e-14)
    assert asked == ["_max_pool", "_spread"] * 2


def test_against_pytorch(asked: list[str]) -> None:
    torch = pytest.importorskip("torch")
    x, w = RNG.standard_normal((4, 12, 13, 5)), RNG.standard_normal((3, 3, 5, 10))
    cr.set_jit("always")
    value, (by_x, by_w) = cr.value_and_grad(
        lambda x, w: cr.sum(cr.sin(cr.nn.max_pool(cr.nn.conv(x, w, padding=1)))), argnums=(0, 1)
    )(x, w)
    tx, tw = (torch.tensor(a, requires_grad=True) for a in (x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1)))
    loss = torch.nn.functional.max_pool2d(torch.nn.functional.conv2d(tx, tw, padding=1), 2).sin().sum()
    loss.backward()
    np.testing.assert_allclose(float(value), float(loss.detach()), rtol=1e-12)
    np.testing.assert_allclose(by_x, tx.grad.numpy().transpose(0, 2, 3, 1), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(by_w, tw.grad.numpy().transpose(2, 3, 1, 0), rtol=1e-10, atol=1e-12)
    assert sorted(asked) == ["_conv", "_conv", "_max_pool", "_spread", "_weights"]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_threads(n: int) -> None:
    x, w = RNG.standard_normal((7, 20, 20, 8)), RNG.standard_normal((3, 3, 8, 16))
    with cr.use_num_threads(n):
        for have, want in with_and_without(lambda x, w: cr.nn.max_pool(cr.nn.conv(x, w, padding=1)), x, w):
            np.testing.assert_allclose(have, want, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("bits", [128, 256])
def test_narrower_vectors(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    there = _machine.host()
    monkeypatch.setattr(_writer, "host", lambda: there._replace(bits=bits))
    for module, name in ((_numpy_conv_code, "_conv"), (_numpy_weights_code, "_weights"), (_numpy_pool_code, "_spread")):
        monkeypatch.setattr(module, name, type(getattr(module, name))(getattr(module, name)._write))
    for dtype in (np.float64, np.float32):
        x, w = (RNG.standard_normal(shape).astype(dtype) for shape in ((2, 9, 10, 5), (3, 3, 5, 27)))
        for have, want in with_and_without(lambda x, w: cr.nn.max_pool(cr.nn.conv(x, w, padding=1)), x, w):
            np.testing.assert_allclose(have, want, rtol=1e-4 if dtype is np.float32 else 1e-11, atol=1e-4)


def test_arrays_that_do_not_lie_in_order(asked: list[str]) -> None:
    x, w = RNG.standard_normal((4, 8, 9, 3)).T, RNG.standard_normal((6, 4, 3, 3)).T[::-1].swapaxes(0, 1)
    apart = np.frombuffer(b"?" + x.tobytes(), x.dtype, offset=1).reshape(x.shape)
    assert not apart.flags.aligned
    how = {"strides": (1, 1), "padding": ((1, 1), (0, 0)), "dilation": (1, 1), "groups": 1}
    cr.set_jit("off")
    want = _numpy_conv.conv(np.ascontiguousarray(x), np.ascontiguousarray(w), **how)
    cr.set_jit("always")
    for array in (x, apart):
        np.testing.assert_allclose(_numpy_conv.conv(array, w, **how), want, rtol=1e-12, atol=1e-12)
    assert asked == ["_conv"] * 2


def test_what_is_left_to_numpy(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    cr.set_jit("always")
    x, w = RNG.standard_normal((2, 6, 6, 2)), RNG.standard_normal((3, 3, 2, 4))
    cr.nn.conv(x + 0j, w)
    cr.nn.max_pool(x.astype(int))
    cr.nn.max_pool(RNG.standard_normal((2, 9, 9, 2)), window=9)  # which would be much code
    monkeypatch.setattr(_numpy_conv_code, "_LARGE", 100)
    cr.nn.conv(x, w)  # whose weights are as large as BLAS likes them
    for module in (_numpy_conv_code, _numpy_pool_code):
        monkeypatch.setattr(module, "_FEW", 1 << 20)
    cr.grad(lambda x: cr.sum(cr.nn.max_pool(cr.nn.conv(x, w))))(x)
    assert asked == []


def test_many_shapes_are_compiled_when_they_come_again(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    monkeypatch.setattr(machine_code, "_MANY", 1)
    monkeypatch.setattr(machine_code, "_KEPT", 2)
    monkeypatch.setattr(_numpy_pool_code, "_max_pool", machine_code.Kernels(_numpy_pool_code._write_max_pool))
    cr.set_jit("always")
    made = []
    for n in (20, 20, 30, 40, 50, 60, 30, 60, 20, 20, 60):
        x = RNG.standard_normal((2, n, 3))
        np.testing.assert_array_equal(cr.nn.max_pool(x), x.reshape(2, n // 2, 2, 3).max(2))
        made.append(list(_numpy_pool_code._max_pool._made))
    lengths = [[key[2][0][0] for key in keys] for keys in made]
    assert lengths[:2] == [[20]] * 2  # the first one at once
    assert lengths[2:6] == [[20]] * 4
    assert lengths[6:8] == [[20], [20, 60]]  # 30 was forgotten in the meantime
    assert lengths[-1] == [20, 60]
