"""The transformer that sorts: it learns, and what it found in a full run is not for here."""

from __future__ import annotations

from tests.examples.loading import load


def test_learns() -> None:
    losses, right, all_right = load("transformer_sort").train(steps=150, seed=3)
    assert losses[0] > 2.0  # about as surprised as by chance, or more
    assert right > 0.9
    assert all_right > 0.3
