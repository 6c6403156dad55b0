"""Logistic regression by L-BFGS on data that no worker's memory could hold: gradients chunk by chunk, on two workers.

Run it: python examples/logistic_regression_dask.py [ROWS]

The rows lie on disk, in files of some megabytes. The loss is written as for an array in memory; on the backend `dask`
it becomes tasks over the files, which the workers compute side by side, and of which they keep no more than they need.
"""

import sys
import tempfile

import dask.array as da
import numpy as np
from dask.distributed import Client, LocalCluster

import chainrule as cr

FEATURES = 100
CHUNK = 7_000  # rows in a file: 5 MB
MEMORY = 256 << 20  # bytes that each of the two workers may use
PENALTY = 1e-4


def simulate(folder, rows):
    """Write rows with labels to disk, drawn from a logistic model."""
    truth = np.random.default_rng(0).normal(size=FEATURES)
    x = da.random.default_rng(1).normal(size=(rows, FEATURES), chunks=(CHUNK, FEATURES))
    chance = 1.0 / (1.0 + da.exp(-(x @ truth)))
    y = (da.random.default_rng(2).random(rows, chunks=CHUNK) < chance).astype("float64")
    da.to_npy_stack(f"{folder}/x", x)
    da.to_npy_stack(f"{folder}/y", y)


def load(folder):
    """The rows and labels as chunked arrays, of which nothing is read yet."""
    return da.from_npy_stack(f"{folder}/x", mmap_mode=None), da.from_npy_stack(f"{folder}/y", mmap_mode=None)


def fit(x, y):
    """The coefficients that make the labels most likely, by L-BFGS; on the backend in force."""
    x, y = cr.as_tensor(x), cr.as_tensor(y)
    w = cr.Variable(cr.zeros((FEATURES,)), name="coefficients")

    @cr.function
    def loss():
        z = x @ w
        return cr.mean(cr.softplus(z) - y * z) + PENALTY / 2 * cr.sum(w * w)

    optimizer = cr.optim.LBFGS(tolerance=1e-7)
    optimizer.minimize(loss)
    return w.numpy(), optimizer.result


def main(rows=350_000):
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=MEMORY, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        simulate(folder, rows)
        x, y = load(folder)
        print(f"{x.nbytes >> 20} MB of rows, workers of {MEMORY >> 20} MB")
        with cr.use_backend("dask"):
            coefficients, result = fit(x, y)
        print(f"{result.nit} iterations, {result.nfev} evaluations, loss {result.fun:.6f}")
        in_memory, _ = fit(np.concatenate([block.compute() for block in x.blocks.ravel()]), y.compute())
    difference = float(np.max(np.abs(coefficients - in_memory)))
    print(f"largest difference from the answer in memory: {difference:.1e}")
    return coefficients, in_memory


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
