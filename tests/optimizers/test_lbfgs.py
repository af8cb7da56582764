"""L-BFGS: SciPy's own path, and the closed form of least squares."""

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from sparsecode.optimizers import LBFGS


def test_as_scipy():
    start = np.array([1.3, 0.7, 0.8, 1.9])
    params = {"a": start[:1].copy(), "b": start[1:].reshape(1, 3).copy()}

    def function(params):
        point = np.concatenate([params["a"], params["b"][0]])
        slope = rosen_der(point)
        # In another order than the parameters.
        return rosen(point), {"b": slope[None, 1:], "a": slope[:1]}

    for n in (3, 100):
        result = LBFGS(max_iter=n, memory=5, tol=1e-5).minimize(function, params)
        options = {"maxiter": n, "maxcor": 5, "gtol": 1e-5, "ftol": 0.0}
        found = minimize(rosen, start, jac=rosen_der, method="L-BFGS-B", options=options)
        np.testing.assert_array_equal(np.concatenate([params["a"], params["b"][0]]), found.x)
        assert (result.value, result.n_iter) == (found.fun, found.nit)
        start = found.x
    assert result.converged
    np.testing.assert_allclose(found.x, 1, atol=1e-5)


def test_reaches_least_squares_and_leaves_the_rest(rng):
    A, y = rng.standard_normal((30, 4)), rng.standard_normal(30)
    params = {"w": np.zeros(4), "unused": np.ones(2)}

    def function(params):
        residual = A @ params["w"] - y
        return residual @ residual / 2, {"w": A.T @ residual}

    assert LBFGS(tol=1e-8).minimize(function, params).converged
    np.testing.assert_allclose(params["w"], np.linalg.lstsq(A, y)[0], atol=1e-8)
    assert params["unused"].tolist() == [1, 1]


def test_takes_no_single_steps():
    with pytest.raises(TypeError, match="Call minimize"):
        LBFGS().update({}, {}, {})


@pytest.mark.parametrize("optimizer", [LBFGS(max_iter=0), LBFGS(memory=0), LBFGS(tol=-1.0)])
def test_bad_settings(optimizer):
    with pytest.raises(ValueError, match="expected"):
        optimizer.init({})


def test_a_line_search_backs_off_from_what_is_not_finite():
    # Defined below 1 only, where its slope falls without bound.
    def function(params):
        x = params["x"]
        inside = x < 1
        with np.errstate(divide="ignore", invalid="ignore"):
            values = x**2 - 30 * x - 0.1 * np.log(1 - x)
            slopes = 2 * x - 30 + 0.1 / (1 - x)
        undefined = np.full_like(x, np.nan)
        return values.sum(), {"x": np.where(inside, slopes, undefined)}

    params = {"x": np.array([-50.0, 0.0, 0.5])}
    assert LBFGS().minimize(function, params).converged
    np.testing.assert_allclose(params["x"], 0.996428, atol=1e-5)
    with pytest.raises(FloatingPointError, match="not finite at the initial parameters"):
        LBFGS().minimize(function, {"x": np.array([2.0])})
