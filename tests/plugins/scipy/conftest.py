"""What the tests of `chainrule_scipy` share: problems with known answers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture
def rosenbrock() -> Callable[[Any], Any]:
    """Rosenbrock's function, written for NumPy; its minimum is 0 at ones."""
    return lambda x: np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


@pytest.fixture
def misra1a() -> tuple[NDArray[Any], NDArray[Any]]:
    """Volume and pressure of NIST's StRD problem Misra1a (monomolecular adsorption, 14 observations).

    Its certified answer for `y = b1 * (1 - exp(-b2 * x))` is b1 = 2.3894212918E+02, b2 = 5.5015643181E-04, with a
    residual sum of squares of 1.2455138894E-01.
    """
    volume = [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0]
    pressure = [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78]
    return np.array(volume), np.array(pressure)
