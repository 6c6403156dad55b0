"""Regressions reproduced to their certified digits, with exact Jacobians."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import least_squares
from tests.examples.nist import LONGLEY, LONGLEY_COEFFICIENTS, LONGLEY_RESIDUAL, NONLINEAR, Regression

import chainrule as cr


@pytest.mark.parametrize("problem", NONLINEAR.values(), ids=NONLINEAR)
def test_nonlinear_regression(problem: Regression) -> None:
    """Ten of the eleven digits that are certified, of parameters, their deviations and the residual.

    Levenberg and Marquardt's method with the Jacobian comes as near as sums of squares can tell, half of the digits
    that numbers have; two of Newton's steps with the gradient and the second derivatives give the rest.
    """
    x, y = np.array(problem.x), np.array(problem.y)

    def residuals(b: Any) -> Any:
        return problem.model(b, x) - y

    def loss(b: Any) -> Any:
        return cr.sum(residuals(b) ** 2)

    jacobian = cr.jacobian(residuals)
    b = least_squares(residuals, problem.start, jacobian, method="lm", x_scale="jac", max_nfev=2000).x
    for _ in range(2):
        b = b - np.linalg.solve(cr.hessian(loss)(b), cr.grad(loss)(b))
    residual, slopes = float(loss(b)), jacobian(b)
    covariance = np.linalg.inv(slopes.T @ slopes) * residual / (len(y) - len(b))
    np.testing.assert_allclose(b, problem.parameters, rtol=1e-10)
    np.testing.assert_allclose(residual, problem.residual, rtol=1e-10)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), problem.deviations, rtol=1e-10)


def test_longleys_linear_regression_by_qr() -> None:
    """A matrix whose columns nearly depend on each other: ten digits of the coefficients, and what they depend on."""
    y, a = LONGLEY[:, 0], np.column_stack([np.ones(len(LONGLEY)), LONGLEY[:, 1:]])

    def coefficients(y: Any) -> Any:
        q, r = cr.linalg.qr(cr.tensor(a))
        return cr.linalg.solve_triangular(r, q.T @ y)

    b, slopes = np.asarray(coefficients(y)), cr.jacobian(coefficients)(y)
    np.testing.assert_allclose(b, LONGLEY_COEFFICIENTS, rtol=1e-10)
    np.testing.assert_allclose(np.sum((y - a @ b) ** 2), LONGLEY_RESIDUAL, rtol=1e-10)
    np.testing.assert_allclose(slopes @ a, np.eye(7), atol=1e-6)  # a change of y by a column is one of its coefficient


def test_newtons_method_solves_longleys_regression_in_one_step() -> None:
    """Columns of equal size and mean 0 make the normal equations good enough for nine digits."""
    y, x = LONGLEY[:, 0], LONGLEY[:, 1:]
    middle, scale = x.mean(axis=0), x.std(axis=0)
    a = (x - middle) / scale

    def loss(b: Any) -> Any:
        return cr.sum((y - y.mean() - cr.tensor(a) @ b) ** 2)

    b = -np.linalg.solve(cr.hessian(loss)(np.zeros(6)), cr.grad(loss)(np.zeros(6))) / scale
    np.testing.assert_allclose(b, LONGLEY_COEFFICIENTS[1:], rtol=1e-9)
    np.testing.assert_allclose(y.mean() - middle @ b, LONGLEY_COEFFICIENTS[0], rtol=1e-9)
