"""Models of science, fitted and sampled with our gradients: answers that are published, or have a closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

import chainrule as cr

# Temperature (F) at 23 flights of the space shuttle before Challenger's last, and whether an O-ring was damaged: Dalal,
# Fowlkes and Hoadley, Journal of the American Statistical Association 84 (1989), table 1.
TEMPERATURE = np.array(
    [66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78, 67, 53, 67, 75, 70, 81, 76, 79, 75, 76, 58], dtype=float
)
DAMAGED = np.array([0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1], dtype=float)

# Yearly flow of the Nile at Aswan, 1871 to 1970, in 1e8 cubic metres: Cobb, Biometrika 65 (1978).
NILE = np.array(
    [
        *(1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958),
        *(1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020),
        *(1050, 969, 831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796),
        *(1040, 759, 781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848),
        *(890, 744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740),
    ],
    dtype=float,
)


def test_logistic_regression() -> None:
    """The published coefficients, 15.043 and -0.2322, and all digits of iteratively reweighted least squares."""
    a = np.column_stack([np.ones(23), TEMPERATURE])

    def loss(b: Any) -> Any:
        logits = cr.tensor(a) @ b
        return cr.sum(cr.logaddexp(0.0, logits) - DAMAGED * logits)

    b = np.zeros(2)
    for _ in range(8):  # Newton's method
        b = b - np.linalg.solve(cr.hessian(loss)(b), cr.grad(loss)(b))
    reweighted = np.zeros(2)
    for _ in range(8):
        p = 1.0 / (1.0 + np.exp(-a @ reweighted))
        w = p * (1.0 - p)
        reweighted = np.linalg.solve(a.T @ (w[:, None] * a), a.T @ (w * (a @ reweighted) + DAMAGED - p))
    np.testing.assert_allclose(b, reweighted, rtol=1e-10)
    np.testing.assert_allclose(b, [15.0429, -0.2322], atol=5e-5)
    np.testing.assert_allclose(2.0 * loss(b).numpy(), 20.315, atol=5e-4)  # the deviance


def test_a_kalman_filter_finds_the_variances_of_the_nile() -> None:
    """The local level model: 15099 and 1469.1, as Durbin and Koopman have it in Time Series Analysis by State Space
    Methods (2012), section 2.10.3; and the likelihood is the density of all years together.
    """

    @cr.function
    def loss(logs: Any) -> Any:
        noise, drift = cr.exp(logs[0]), cr.exp(logs[1])

        def step(carry: Any, y: Any) -> Any:
            level, variance = carry
            spread = variance + noise
            error = y - level
            gain = variance / spread
            new = level + gain * error, variance * (1.0 - gain) + drift
            return new, 0.5 * (cr.log(spread) + error * error / spread)

        _, terms = cr.scan(step, (cr.tensor(NILE[0]), noise + drift), cr.tensor(NILE[1:]))
        return cr.sum(terms)

    found = minimize(loss, np.log([1e4, 1e3]), jac=cr.function(cr.grad(loss)), method="BFGS", options={"gtol": 1e-7})
    noise, drift = np.exp(found.x)
    np.testing.assert_allclose([noise, drift], [15099.0, 1469.1], rtol=1e-4)
    likelihood = -found.fun - 0.5 * 99 * np.log(2.0 * np.pi)  # the first year, whose level is diffuse, has no term
    covariance = noise * (np.eye(99) + 1.0) + drift * (np.minimum.outer(np.arange(99), np.arange(99)) + 1.0)
    whole = multivariate_normal(np.full(99, NILE[0]), covariance).logpdf(NILE[1:])
    np.testing.assert_allclose(likelihood, whole, rtol=1e-10)


def test_the_marginal_likelihood_of_a_gaussian_process() -> None:
    """Its value is SciPy's density, its gradient the closed form of Rasmussen and Williams (2006), equation 5.9."""
    x = np.linspace(0.0, 5.0, 12)
    y = np.sin(x) + 0.1 * np.cos(7.0 * x)
    squares = (x[:, None] - x) ** 2

    def covariance(logs: Any) -> Any:
        size, length, noise = cr.exp(logs[0]), cr.exp(logs[1]), cr.exp(logs[2])
        return size * cr.exp(-0.5 * squares / length**2) + noise * np.eye(12)

    def loss(logs: Any) -> Any:
        factor = cr.linalg.cholesky(covariance(logs))
        white = cr.linalg.solve_triangular(factor, cr.tensor(y), lower=True)
        return 0.5 * cr.sum(white**2) + cr.sum(cr.log(cr.diagonal(factor))) + 6.0 * np.log(2.0 * np.pi)

    logs = np.log([0.8, 1.1, 0.05])
    k = covariance(logs).numpy()
    np.testing.assert_allclose(loss(logs).numpy(), -multivariate_normal(np.zeros(12), k).logpdf(y), rtol=1e-10)
    smooth = k - 0.05 * np.eye(12)
    slopes = [smooth, smooth * squares / 1.1**2, 0.05 * np.eye(12)]
    solved = np.linalg.solve(k, y)
    expected = [-0.5 * np.trace((np.outer(solved, solved) - np.linalg.inv(k)) @ slope) for slope in slopes]
    np.testing.assert_allclose(cr.grad(loss)(logs), expected, rtol=1e-9)
    found = minimize(loss, logs, jac=cr.grad(loss), method="BFGS", options={"gtol": 1e-6})
    np.testing.assert_allclose(cr.grad(loss)(found.x), np.zeros(3), atol=1e-5)
    assert np.all(np.linalg.eigvalsh(cr.hessian(loss)(found.x)) > 0.0)


def test_an_ode_is_fitted_through_a_scan() -> None:
    """Lotka and Volterra's equations: their parameters from what SciPy's solver says, by our Runge-Kutta steps."""
    true = np.array([1.1, 0.4, 0.4, 0.1])
    times, start = np.linspace(0.0, 12.0, 25), np.array([10.0, 5.0])

    def rate(state: Any, p: Any) -> Any:
        prey, hunters = state[0], state[1]
        return cr.stack([prey * (p[0] - p[1] * hunters), hunters * (p[3] * prey - p[2])])

    def exact(_t: float, s: Any) -> Any:
        return [s[0] * (true[0] - true[1] * s[1]), s[1] * (true[3] * s[0] - true[2])]

    observed = solve_ivp(exact, (0.0, 12.0), start, t_eval=times, rtol=1e-11, atol=1e-11, method="DOP853").y.T
    h, steps = 12.0 / 24 / 10, 10

    @cr.function
    def loss(p: Any) -> Any:
        def step(_i: Any, s: Any) -> Any:
            k1 = rate(s, p)
            k2 = rate(s + 0.5 * h * k1, p)
            k3 = rate(s + 0.5 * h * k2, p)
            k4 = rate(s + h * k3, p)
            return s + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)

        def observation(s: Any, y: Any) -> Any:
            s = cr.fori_loop(0, steps, step, s)
            return s, cr.sum(cr.log(s / y) ** 2)

        return cr.sum(cr.scan(observation, cr.tensor(start), cr.tensor(observed[1:]))[1])

    slope = cr.function(cr.grad(loss))
    found = minimize(loss, true * [1.15, 0.9, 1.1, 0.9], jac=slope, method="BFGS", options={"gtol": 1e-9})
    np.testing.assert_allclose(found.x, true, rtol=1e-5)


def test_hamiltonian_monte_carlo_samples_a_posterior_with_a_closed_form() -> None:
    """A normal mean under a normal prior: moments within the standard errors of independent samples, doubled."""
    data = np.array([1.3, 0.2, 2.1, 0.8, 1.7])
    noise, prior_mean, prior = 0.9, -0.5, 1.5
    precision = 1.0 / prior**2 + len(data) / noise**2
    mean = (prior_mean / prior**2 + data.sum() / noise**2) / precision

    def energy(m: Any) -> Any:
        return 0.5 * ((m - prior_mean) / prior) ** 2 + 0.5 * cr.sum(((data[:, None] - m) / noise) ** 2, axis=0)

    generator = cr.random.Generator(17)
    force = cr.grad(lambda m: cr.sum(energy(m)))
    chains, length = 500, 0.2

    @cr.function
    def move(m: Any) -> Any:
        p = generator.normal((chains,))
        before = energy(m) + 0.5 * p * p
        new, q = m, p - 0.5 * length * force(m)
        for i in range(5):
            new = new + length * q
            q = q - (0.5 if i == 4 else 1.0) * length * force(new)
        accepted = cr.log(generator.uniform((chains,))) < before - energy(new) - 0.5 * q * q
        return cr.where(accepted, new, m)

    m, kept = np.zeros(chains), []
    for i in range(30):
        m = move(m)
        if i >= 10:
            kept.append(m)
    samples = np.concatenate(kept)
    error = precision**-0.5 / len(samples) ** 0.5
    assert abs(samples.mean() - mean) < 2 * 3 * error
    np.testing.assert_allclose(samples.std() * precision**0.5, 1.0, atol=2 * 3 / (2 * len(samples)) ** 0.5)


def test_variational_inference_finds_a_posterior_with_a_closed_form() -> None:
    """The same by the gradients of samples: of a normal family the optimum is the posterior itself."""
    data = np.array([1.3, 0.2, 2.1, 0.8, 1.7])
    precision = 1.0 / 1.5**2 + len(data) / 0.9**2
    mean = (-0.5 / 1.5**2 + data.sum() / 0.9**2) / precision
    generator = cr.random.Generator(3)

    @cr.function
    def step(q: Any, rate: Any) -> Any:
        def bound(q: Any) -> Any:
            z = generator.normal((200,))
            m = q[0] + cr.exp(q[1]) * (z - cr.mean(z))
            likelihood = cr.sum(((data[:, None] - m) / 0.9) ** 2, axis=0)
            return cr.mean(0.5 * ((m + 0.5) / 1.5) ** 2 + 0.5 * likelihood) - q[1]

        return q - rate * cr.grad(bound)(q)

    q, averages = np.array([0.0, 0.0]), []
    for i in range(400):
        q = step(q, 0.05)
        if i >= 150:
            averages.append(q)
    found = np.mean(averages, axis=0)
    np.testing.assert_allclose(found[0], mean, rtol=1e-6)  # whose gradient has no noise: the samples' mean is taken out
    np.testing.assert_allclose(np.exp(found[1]) * precision**0.5, 1.0, atol=0.01)


def test_a_matrix_is_factorised_as_its_singular_values_say() -> None:
    """The best product of rank 2 leaves the other singular values (Eckart and Young, 1936)."""
    rng = np.random.default_rng(4)
    a = rng.normal(size=(8, 2)) @ rng.normal(size=(2, 6)) + 0.1 * rng.normal(size=(8, 6))

    def loss(flat: Any) -> Any:
        u, v = cr.reshape(flat[:16], (8, 2)), cr.reshape(flat[16:], (2, 6))
        return cr.sum((a - u @ v) ** 2)

    found = minimize(loss, rng.normal(size=28), jac=cr.grad(loss), method="BFGS", options={"gtol": 1e-8})
    np.testing.assert_allclose(found.fun, np.sum(np.linalg.svd(a)[1][2:] ** 2), rtol=1e-9)


def test_softmax_regression_fits_the_frequencies() -> None:
    """At the optimum, the sum of each feature over each class is that over its labels: the likelihood's condition."""
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(90), rng.normal(size=(90, 2))])
    labels = (x[:, 1] + rng.normal(size=90) > 0.0).astype(int) + (x[:, 2] + rng.normal(size=90) > 0.5)

    def loss(flat: Any) -> Any:
        logits = cr.tensor(x) @ cr.reshape(flat, (3, 3))
        return cr.sum(cr.nn.sparse_softmax_cross_entropy(logits, labels)) + 1e-9 * cr.sum(flat**2)

    w = np.zeros(9)
    for _ in range(10):
        w = w - np.linalg.lstsq(cr.hessian(loss)(w), cr.grad(loss)(w), rcond=1e-12)[0]
    p = np.exp(x @ w.reshape(3, 3))
    p /= p.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(x.T @ p, x.T @ np.eye(3)[labels], atol=1e-7)
