"""SciPy's functions on tensors, in the mode in which it takes arrays of any library: values and gradients.

SciPy reads the setting when it is imported, so this runs in a process of its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import scipy

pytestmark = pytest.mark.skipif(
    tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 17),
    reason=f"SciPy {scipy.__version__} takes fewer arrays of other libraries than 1.17, which is tested",
)
PAGE = Path(__file__).parents[3] / "docs/how-to/use-scipy-functions.md"
# Each with how it is called on a vector `x` of seven numbers between 0.5 and 1.5.
CALLS = {
    "scipy.fft.fft": "abs(fft.fft(x))",
    "scipy.fft.rfft": "abs(fft.rfft(x))",
    "scipy.fft.hfft": "fft.hfft(x)",
    "scipy.fft.fftshift": "fft.fftshift(x)",
    "scipy.fft.fht": "fft.fht(x, 0.1, 0.5)",
    "scipy.cluster.vq.whiten": "vq.whiten(x[:, None] * np.arange(1.0, 3.0))",
    "scipy.integrate.trapezoid": "integrate.trapezoid(x)",
    "scipy.integrate.cumulative_trapezoid": "integrate.cumulative_trapezoid(x)",
    "scipy.integrate.cumulative_simpson": "integrate.cumulative_simpson(x, dx=0.5)",
    "scipy.integrate.romb": "integrate.romb(x[:5])",
    "scipy.integrate.fixed_quad": "integrate.fixed_quad(lambda t: x[0] * t * t, 0.0, 1.0)[0]",
    "scipy.integrate.cubature": "integrate.cubature(lambda t: (t * t)[..., 0] * x[0], [0.0], [1.0]).estimate",
    "scipy.optimize.rosen": "optimize.rosen(x)",
    "scipy.signal.fftconvolve": "signal.fftconvolve(x, x)",
    "scipy.signal.oaconvolve": "signal.oaconvolve(x, x[:3])",
    "scipy.signal.hilbert": "abs(signal.hilbert(x))",
    "scipy.signal.resample": "signal.resample(x, 10)",
    "scipy.signal.freqz": "abs(signal.freqz(x, 1, worN=5)[1])",
    "scipy.spatial.transform.Rotation": "Rotation.from_rotvec(x[:3]).apply(x[3:6])",
    "scipy.special.entr": "special.entr(x)",
    "scipy.special.expit": "special.expit(x)",
    "scipy.special.gammaln": "special.gammaln(x)",
    "scipy.special.log_softmax": "special.log_softmax(x, axis=0)",
    "scipy.special.logit": "special.logit(x / 3.0)",
    "scipy.special.logsumexp": "special.logsumexp(x)",
    "scipy.special.ndtr": "special.ndtr(x)",
    "scipy.special.ndtri": "special.ndtri(x / 2.0)",
    "scipy.special.rel_entr": "special.rel_entr(x, x * x)",
    "scipy.special.softmax": "special.softmax(x, axis=0)",
    "scipy.special.xlogy": "special.xlogy(x, x)",
    "scipy.stats.bartlett": "stats.bartlett(x, x * x).statistic",
    "scipy.stats.boxcox_llf": "stats.boxcox_llf(0.7, x)",
    "scipy.stats.circmean": "stats.circmean(x)",
    "scipy.stats.circvar": "stats.circvar(x)",
    "scipy.stats.combine_pvalues": "stats.combine_pvalues(x / 2.0).statistic",
    "scipy.stats.describe": "stats.describe(x).variance",
    "scipy.stats.differential_entropy": "stats.differential_entropy(x)",
    "scipy.stats.directional_stats": "stats.directional_stats(x[:6].reshape((3, 2))).mean_direction",
    "scipy.stats.entropy": "stats.entropy(x)",
    "scipy.stats.gmean": "stats.gmean(x)",
    "scipy.stats.hmean": "stats.hmean(x)",
    "scipy.stats.iqr": "stats.iqr(x)",
    "scipy.stats.kstat": "stats.kstat(x, 3)",
    "scipy.stats.kurtosis": "stats.kurtosis(x)",
    "scipy.stats.lmoment": "stats.lmoment(x)",
    "scipy.stats.moment": "stats.moment(x, 3)",
    "scipy.stats.pearsonr": "stats.pearsonr(x, x**2).statistic",
    "scipy.stats.pmean": "stats.pmean(x, 3)",
    "scipy.stats.quantile": "stats.quantile(x, 0.3)",
    "scipy.stats.sem": "stats.sem(x)",
    "scipy.stats.skew": "stats.skew(x)",
    "scipy.stats.tmean": "stats.tmean(x)",
    "scipy.stats.trim_mean": "stats.trim_mean(x, 0.2)",
    "scipy.stats.ttest_1samp": "stats.ttest_1samp(x, 1.0).statistic",
    "scipy.stats.tvar": "stats.tvar(x)",
    "scipy.stats.variation": "stats.variation(x)",
    "scipy.stats.zscore": "stats.zscore(x)",
}
# Those that compute with NumPy alone: on tensors that are differentiated they raise an error and cut nothing.
REFUSED = {
    "scipy.linalg.expm": "linalg.expm(x[:4].reshape((2, 2)))",
    "scipy.ndimage.gaussian_filter": "ndimage.gaussian_filter(x, 1.0)",
    "scipy.signal.detrend": "signal.detrend(x)",
    "scipy.signal.periodogram": "signal.periodogram(x)[1]",
    "scipy.fft.dct": "fft.dct(x)",
}
PROGRAM = """
import json, sys, warnings
import numpy as np
from scipy import fft, integrate, linalg, ndimage, optimize, signal, special, stats
from scipy.cluster import vq
from scipy.spatial.transform import Rotation
import chainrule as cr

warnings.simplefilter("ignore")  # of how SciPy uses NumPy
calls, refused = json.loads(sys.argv[1])
x = np.array([0.83, 1.21, 0.57, 1.42, 0.95, 0.66, 1.08])
direction = np.array([0.7, -0.4, 1.1, 0.3, -0.9, 0.5, 0.2])
report = {}
for name, call in calls.items():
    f = eval("lambda x: " + call)
    try:
        expected, y = f(x), f(cr.tensor(x))
        assert isinstance(y, cr.Tensor), f"gives a {type(y).__name__}"
        np.testing.assert_allclose(y.numpy(), expected, rtol=1e-10, atol=1e-12)
        weights = np.random.default_rng(0).normal(size=np.shape(expected))
        slope = np.sum(cr.grad(lambda x: cr.sum(weights * f(x)))(x) * direction)
        values = [np.sum(weights * f(x + k * 1e-4 * direction)) for k in (-2, -1, 1, 2)]
        difference = np.dot([1.0, -8.0, 8.0, -1.0], values) / 1.2e-3
        np.testing.assert_allclose(slope, difference, rtol=1e-6, atol=1e-9)
        report[name] = ""
    except Exception as error:
        report[name] = f"{type(error).__name__}: {error}"
for name, call in refused.items():
    try:
        report[name] = repr(cr.grad(eval("lambda x: cr.sum(" + call + ")"))(x))
    except cr.TrackedValueError:
        report[name] = ""
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def report() -> Any:
    """What came of each call, nothing where it is right."""
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    arguments = [sys.executable, "-c", PROGRAM, json.dumps([CALLS, REFUSED])]
    run = subprocess.run(arguments, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("name", CALLS)
def test_value_and_gradient(name: str, report: Any) -> None:
    assert report[name] == ""


@pytest.mark.parametrize("name", REFUSED)
def test_what_computes_with_numpy_alone_cuts_nothing_in_silence(name: str, report: Any) -> None:
    assert report[name] == ""


def test_the_page_lists_them() -> None:
    listed = set(re.findall(r"`(scipy\.[\w.]+)`", PAGE.read_text(encoding="utf-8")))
    assert listed == {*CALLS, *REFUSED}
