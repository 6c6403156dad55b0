"""What is missing takes no part, in values and in gradients; and the backend says what it cannot do."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from chainrule_marray import backend, masked

import chainrule as cr

NUMBERS = np.array([[0.5, -1.0, 2.0], [1.5, 3.0, -0.5]])
MISSING = np.array([[False, True, False], [False, False, True]])


def test_it_is_found_by_its_name() -> None:
    assert "marray" in cr.available_backends()
    with cr.use_backend("marray"):
        assert cr.sum(cr.tensor([1.0, 2.0])).backend.name == "marray"


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_reductions_are_of_what_is_known(axis: int | None) -> None:
    known = np.ma.array(NUMBERS, mask=MISSING)
    x = masked(NUMBERS, MISSING)
    np.testing.assert_allclose(cr.sum(x, axis=axis).numpy(), known.sum(axis=axis))
    np.testing.assert_allclose(cr.min(x, axis=axis).numpy(), known.min(axis=axis))
    np.testing.assert_allclose(cr.max(x, axis=axis).numpy(), known.max(axis=axis))


def test_gradients_are_of_what_is_known() -> None:
    slopes = cr.grad(lambda x: cr.sum(cr.exp(x)))(masked(NUMBERS, MISSING)).numpy()
    expected = np.where(MISSING, np.nan, np.exp(NUMBERS))
    np.testing.assert_allclose(slopes, expected)
    again = cr.grad(cr.function(lambda x: cr.sum(cr.exp(x))))(masked(NUMBERS, MISSING)).numpy()
    np.testing.assert_allclose(again, expected)


def test_a_line_through_data_with_gaps() -> None:
    """Least squares by gradient descent, beside the normal equations of the points that are known."""
    x = np.linspace(-1.0, 1.0, 20)
    y = 3.0 * x - 0.5 + 0.1 * np.cos(20 * x)
    missing = np.arange(20) % 3 == 0
    observed = masked(np.where(missing, 1e6, y), missing)
    positions = masked(x, np.zeros(20, bool))
    known = np.count_nonzero(~missing)
    step = cr.grad(lambda w: cr.sum(cr.square(w[0] * positions + w[1] - observed)) / known)
    w = cr.to_backend(cr.tensor([0.0, 0.0]), "marray")
    for _ in range(300):
        w = w - 0.5 * step(w)
    design = np.stack([x, np.ones(20)], axis=1)[~missing]
    np.testing.assert_allclose(w.numpy(), np.linalg.lstsq(design, y[~missing])[0], rtol=1e-10)


def test_means_are_refused() -> None:
    with pytest.raises(cr.DTypeError, match=r"mean\(float64\[2, 3\].*: its derivative counts what is missing"):
        cr.mean(masked(NUMBERS, MISSING))
    assert not cr.check(lambda x: cr.mean(x), cr.Spec((2, 3), "float64"), backend="marray")


def test_missing_integers_do_not_become_numbers() -> None:
    assert masked([1, 2], [False, False]).numpy().tolist() == [1, 2]
    with pytest.raises(cr.DTypeError, match="numbers are missing, and int64 has no NaN to say so"):
        masked([1, 2], [False, True]).numpy()


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "marray", None)
    with pytest.raises(cr.BackendUnavailableError, match="pip install chainrule-marray"):
        backend()


def test_check_and_verify() -> None:
    def f(x: cr.Tensor) -> cr.Tensor:
        return cr.sum(cr.softmax(x) * cr.sin(x))

    assert cr.check(f, cr.Spec((2, 3), "float64"), backend="marray")
    assert cr.verify(f, NUMBERS, backends=["numpy", "marray"])
