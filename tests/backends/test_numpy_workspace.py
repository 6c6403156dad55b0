"""The memory of plans on NumPy: stretches apart from each other, each where a cache line begins."""

from __future__ import annotations

import itertools

import numpy as np

from chainrule_numpy._backend import numpy_backend


def test_stretches_are_aligned_and_apart() -> None:
    f, d = np.dtype("float32"), np.dtype("float64")
    sizes = [12, 4000, 8 << 20, 100]
    arrays = numpy_backend().workspace(
        sizes, [(0, (3,), f, None), (1, (2, 250), d, (1, 0)), (2, (1 << 20,), d, None), (3, (25,), f, None)]
    )
    assert [x.shape for x in arrays] == [(3,), (2, 250), (1 << 20,), (25,)]
    assert [x.dtype for x in arrays] == [f, d, d, f]
    assert arrays[1].flags.f_contiguous
    assert not any(x.ctypes.data % 64 for x in arrays)
    assert not any(np.may_share_memory(x, y) for x, y in itertools.combinations(arrays, 2))


def test_arrays_of_one_stretch_share_it() -> None:
    f = np.dtype("float32")
    a, b = numpy_backend().workspace([64], [(0, (4, 4), f, None), (0, (8,), f, None)])
    b[:] = 7.0
    assert (a[:2] == 7.0).all()
    assert a.ctypes.data == b.ctypes.data
