"""Pictures of what was learned: the weights as ten images, and the loss. Matplotlib is needed from here on."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from chainrule import ChainruleError

_WINDOW = 25  # steps in the running mean; odd, so that it has a middle
_SHOWN = 99.5  # per cent of the weights that the colours tell apart: the few largest would make the others pale


class PictureError(ChainruleError, OSError):
    """A picture cannot be written where it should go."""


def save_pictures(folder: Path, weights: NDArray[np.float32], losses: Sequence[float]) -> list[Path]:
    """Write `mnist-weights.png` and `mnist-loss.png`, and give their paths.

    Raises:
        PictureError: a file cannot be written.
    """
    figures = {"mnist-weights.png": weight_images(weights), "mnist-loss.png": loss_curve(losses)}
    return [_write(figure, folder / name) for name, figure in figures.items()]


def weight_images(weights: NDArray[np.float32]) -> Figure:
    """Each digit's weights in the place of the pixels they belong to: blue speaks for the digit, red against it."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    figure.suptitle("What softmax regression looks for in each digit")
    limit = float(np.percentile(np.abs(weights), _SHOWN)) or 1.0
    axes = figure.subplots(2, 5)
    for digit, ax in enumerate(axes.flat):
        image = ax.imshow(weights[:, digit].reshape(28, 28), cmap="RdBu", vmin=-limit, vmax=limit)
        ax.set_title(str(digit))
        ax.set_axis_off()
    bar = figure.colorbar(image, ax=axes, shrink=0.85, extend="both")
    bar.set_label("weight  (blue: for the digit, red: against)")
    return figure


def loss_curve(losses: Sequence[float]) -> Figure:
    """The loss of each batch, and its running mean, drawn at the middle of what it is taken over."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    ax = figure.subplots()
    steps = np.arange(1, len(losses) + 1)
    ax.plot(steps, losses, color="#9ecae1", linewidth=0.8, label="each batch")
    if len(losses) >= _WINDOW:
        mean = np.convolve(losses, np.full(_WINDOW, 1 / _WINDOW), mode="valid")
        middles = steps[_WINDOW // 2 : -(_WINDOW // 2)]
        ax.plot(middles, mean, color="#08519c", linewidth=1.8, label=f"mean of {_WINDOW} batches")
    ax.set(title="Softmax regression learns MNIST", xlabel="step", ylabel="cross-entropy of the batch", ylim=(0, None))
    ax.margins(x=0.01)
    ax.grid(alpha=0.3)
    ax.legend()
    return figure


def _write(figure: Figure, path: Path) -> Path:
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=150)
    try:
        path.write_bytes(drawn.getvalue())
    except OSError as error:
        raise PictureError(
            f"picture {path}: cannot be written ({error.strerror}); name a folder with --pictures"
        ) from error
    return path
