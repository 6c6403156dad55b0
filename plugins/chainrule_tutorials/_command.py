"""`chainrule mnist`: the command line over `train`. What is heavy is imported when it runs."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

import chainrule as cr

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from chainrule_tutorials import Settings

_INSTALL: Final = "pip install 'chainrule[plot]'"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    from pathlib import Path

    from chainrule_tutorials import MODES, OPTIMIZERS, Settings

    rates = ", ".join(f"{rate:g} for {name}" for name, rate in OPTIMIZERS.items())
    modes = "; ".join(f"{name}: {what}" for name, what in MODES.items())
    default = Settings()
    add = parser.add_argument
    add("--backend", metavar="NAME", help="what computes, e.g. numpy or cupy:1 (default: CHAINRULE_BACKEND, or numpy)")
    add("--mode", default=default.mode, metavar="NAME", help=f"{modes} (default: %(default)s)")
    add("--steps", type=int, default=default.steps, metavar="N", help="batches to learn from (default: %(default)s)")
    add(
        "--optimizer", default=default.optimizer, metavar="NAME", help=f"{', '.join(OPTIMIZERS)} (default: %(default)s)"
    )
    add("--learning-rate", type=float, metavar="RATE", help=f"default: {rates}")
    add("--data", metavar="PATH", help="mnist.npz, or a folder of IDX files (default: CHAINRULE_DATA, or embedded)")
    add(
        "--seed", type=int, default=default.seed, metavar="N", help="decides the order of images (default: %(default)s)"
    )
    add("--batch", type=int, default=default.batch, metavar="N", help="images in a batch (default: %(default)s)")
    add("--pictures", type=Path, default=Path(), metavar="FOLDER", help="where to save pictures (default: here)")


def _run(arguments: argparse.Namespace) -> None:
    from chainrule_tutorials import Settings

    settings = Settings(
        optimizer=arguments.optimizer,
        learning_rate=arguments.learning_rate,
        steps=arguments.steps,
        batch=arguments.batch,
        seed=arguments.seed,
        mode=arguments.mode,
    )
    folder = _folder(arguments.pictures)
    with cr.use_backend(arguments.backend) if arguments.backend else nullcontext():
        _learn(settings, arguments.data, folder)


def _learn(settings: Settings, data: str | None, folder: Path) -> None:
    from chainrule_tutorials._progress import Progress
    from chainrule_tutorials._softmax_regression import train

    digits = cr.datasets.mnist(data)
    n_train, n_test = len(digits.train_labels), len(digits.test_labels)
    print(f"MNIST digits: {n_train:,} to learn from, {n_test:,} to test on ({digits.source})")
    print(
        f"{settings.steps:,} steps of {settings.optimizer}, learning rate {settings.rate:g}, "
        f"batches of {settings.batch:,}, seed {settings.seed}, mode {settings.mode}, on {cr.get_backend().name}",
        flush=True,  # before the progress, which goes to another stream
    )
    start = time.perf_counter()
    with Progress(settings.steps, sys.stderr) as progress:
        trained = train(digits, settings, progress.update)
    print(f"accuracy on the {n_test:,} test images: {trained.accuracy:.4f} ({time.perf_counter() - start:.1f} s)")
    try:
        from chainrule_tutorials._pictures import save_pictures
    except ImportError as error:
        print(f"no pictures: Matplotlib does not import ({error}); install it: {_INSTALL}", file=sys.stderr)
        return
    for path in save_pictures(folder, trained.weights, trained.losses):
        print(f"saved {path}")


def _folder(folder: Path) -> Path:
    """The folder for the pictures, made if need be, so that no run is lost to a wrong name."""
    folder = folder.expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cr.ArgumentError(f"--pictures: {folder} cannot be a folder: {error.strerror}") from error
    return folder


MNIST: Final = cr.Command("learn to read digits by softmax regression, and draw what was learned", _add_arguments, _run)
