"""The plain Python backend computes what NumPy does, so that the engine's tests rest on something."""

from __future__ import annotations

import sys

import pytest

import chainrule as cr

np = pytest.importorskip("numpy", reason="compares with NumPy, which is not installed")
pb = sys.modules["python_backend"]


def agree(ours, theirs):
    theirs = np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert str(ours.dtype) == str(theirs.dtype)
    np.testing.assert_allclose(np.array(ours), theirs, rtol=1e-14)


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(3, 4, 5))


INDICES = [
    *(0, -1, slice(1, None), (slice(None), 0), (..., 0), (None, ..., None), (slice(None, None, -2), slice(0, 0))),
    *((0, [1, 2]), ([0, 1], slice(None), [1, 2]), (slice(None), [[0, 1], [2, 3]]), (slice(None), [0, 1], [1, 1])),
    *((1, slice(None), [1, 2]), (0, [1, 2], [0, 0]), ([0, 2],)),
]


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_indexing(x, index):
    parts = index if isinstance(index, tuple) else (index,)
    ours = tuple(pb.asarray(p) if isinstance(p, list) else p for p in parts)
    agree(pb.asarray(x)[ours], x[tuple(np.array(p) if isinstance(p, list) else p for p in parts)])


def test_indexing_by_masks_and_out_of_bounds(x):
    for mask in (x > 0, x[:, :, 0] > 0, np.array([True, False, True])):
        agree(pb.asarray(x)[pb.asarray(mask)], x[mask])
    with pytest.raises(IndexError, match="index 3 is out of bounds for axis 0 with size 3"):
        pb.asarray(x)[3]


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod", "all", "any", "argmax", "argmin"])
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions(x, name, axis, keepdims):
    if name.startswith("arg") and isinstance(axis, tuple):
        axis = 2
    expected = getattr(np, name)(x, axis=axis, keepdims=keepdims)
    agree(getattr(pb.xp, name)(pb.asarray(x), axis=axis, keepdims=keepdims), expected)


@pytest.mark.parametrize(
    ("left", "right"),
    [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((5, 1, 2, 3), (4, 3, 2))],
)
def test_matmul(left, right):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=left), rng.normal(size=right)
    agree(pb.matmul(pb.asarray(a), pb.asarray(b)), a @ b)


def test_rearrangements(x):
    p = pb.asarray(x)
    agree(pb.concat([p, p], axis=1), np.concatenate([x, x], axis=1))
    agree(pb.stack([p, p], axis=-1), np.stack([x, x], axis=-1))
    agree(pb.cumulative_sum(p, axis=1), np.cumsum(x, axis=1))
    agree(pb.flip(p, axis=(0, 2)), np.flip(x, axis=(0, 2)))
    agree(pb.permute_dims(p, (2, 0, 1)), np.transpose(x, (2, 0, 1)))
    agree(pb.broadcast_to(p[:, :1], (2, 3, 4, 5)), np.broadcast_to(x[:, :1], (2, 3, 4, 5)))


@pytest.mark.parametrize("name", pb._FLOATING)
def test_functions_at_the_edges(name):
    values = np.array([-2.0, -1.0, 0.0, 0.5, 1.0, 800.0, np.inf, -np.inf, np.nan])
    with np.errstate(all="ignore"):
        agree(getattr(pb.xp, name)(pb.asarray(values)), getattr(np, name)(values))


def test_division_and_powers_at_the_edges():
    v, w = np.array([0.0, 1.0, -1.0, np.inf]), np.array([0.0, 0.0, -0.0, np.inf])
    with np.errstate(all="ignore"):
        agree(pb.asarray(v) / pb.asarray(w), v / w)
        agree(2 / pb.asarray(v), 2 / v)
        agree(pb.asarray(v) ** -1, v**-1.0)
        agree(pb.asarray(v) ** 0.5, v**0.5)


def test_promotion_and_single_precision():
    agree(pb.asarray([1, 2]) + 1.5, np.array([1, 2]) + 1.5)
    agree(pb.asarray([1, 2]) * True, np.array([1, 2]) * True)
    third = np.float32(1) / np.float32(3)
    agree(pb.asarray(1.0, cr.float32) / pb.asarray(3.0, cr.float32), third)
