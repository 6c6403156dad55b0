"""Pictures: valid files that show each weight in its place and colour, and the loss with its running mean."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

import chainrule as cr
from chainrule_tutorials._pictures import PictureError, loss_curve, save_pictures, weight_images


def test_files_are_pictures(tmp_path: Path, png_size: Callable[[Path], tuple[int, int]]) -> None:
    weights = np.random.default_rng(0).normal(size=(784, 10)).astype(np.float32)
    paths = save_pictures(tmp_path, weights, [2.0, 1.0, 0.5])
    assert paths == [tmp_path / "mnist-weights.png", tmp_path / "mnist-loss.png"]
    for path in paths:
        width, height = png_size(path)
        assert width > height > 400
        pixels = imread(path)
        assert pixels.shape == (height, width, 4)
        assert len(np.unique((255 * pixels).astype(np.uint8).view(np.uint32))) > 50  # something is drawn


def test_each_digit_shows_its_own_weights() -> None:
    weights = np.random.default_rng(0).normal(size=(784, 10)).astype(np.float32)
    panels = weight_images(weights).axes[:10]
    assert [panel.get_title() for panel in panels] == list("0123456789")
    for digit, panel in enumerate(panels):
        shown = np.asarray(panel.images[0].get_array())
        np.testing.assert_array_equal(shown, [weights[28 * row : 28 * row + 28, digit] for row in range(28)])


def test_blue_is_for_and_red_is_against_with_white_between() -> None:
    weights = np.full((784, 10), 0.5, np.float32)
    weights[:, 1] = -2.0
    for panel in weight_images(weights).axes[:10]:
        image = panel.images[0]
        red, green, blue, _ = image.to_rgba(np.array([-2.0, 0.0, 2.0])).T  # the same scale in every panel
        assert red[0] > blue[0] + 0.2
        assert min(red[1], green[1], blue[1]) > 0.95
        assert blue[2] > red[2] + 0.2


def test_weights_of_zero_can_be_drawn(tmp_path: Path) -> None:
    assert len(save_pictures(tmp_path, np.zeros((784, 10), np.float32), [2.0])) == 2


def test_loss_and_its_running_mean() -> None:
    losses = np.random.default_rng(0).uniform(size=120).tolist()
    (axes,) = loss_curve(losses).axes
    each, mean = axes.lines
    np.testing.assert_array_equal(each.get_xydata(), np.column_stack([np.arange(1, 121), losses]))
    np.testing.assert_array_equal(mean.get_xdata(), np.arange(13, 109))
    expected = [np.mean([losses[step - 1 + k] for k in range(-12, 13)]) for step in range(13, 109)]
    np.testing.assert_allclose(np.asarray(mean.get_ydata()), expected)
    assert axes.get_xlabel() == "step"
    assert axes.get_ylabel() == "cross-entropy of the batch"
    assert axes.get_ylim()[0] == 0


def test_few_losses_have_no_mean() -> None:
    assert len(loss_curve([1.0] * 24).axes[0].lines) == 1
    assert len(loss_curve([1.0] * 25).axes[0].lines) == 2


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "mnist-weights.png").mkdir()
    with pytest.raises(PictureError, match=r"picture .*mnist-weights.png: cannot be written \(.+\)") as caught:
        save_pictures(tmp_path, np.zeros((784, 10), np.float32), [1.0])
    assert isinstance(caught.value, cr.ChainruleError)
    assert isinstance(caught.value, OSError)
