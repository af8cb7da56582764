"""Analytic weights are optimal, and ALISTA is ISTA with other weights."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.optimize import minimize

from sparsecode import Dictionary
from sparsecode.encoders import ALISTA, TiLISTA
from sparsecode.penalties import L1
from sparsecode.solvers import ISTA
from sparsecode.testing import gradcheck


@pytest.fixture(params=["overcomplete", "undercomplete", "rank deficient"])
def dictionary(request, rng):
    atoms = {
        "overcomplete": rng.standard_normal((9, 6)),
        "undercomplete": rng.standard_normal((4, 6)),
        "rank deficient": rng.standard_normal((9, 3)) @ rng.standard_normal((3, 6)),
    }[request.param]
    return Dictionary(atoms)


def test_analytic_weights_minimise_the_interference(dictionary):
    """Of all columns with an inner product of 1 with their atom, the least sum of squares."""
    W, atoms = dictionary.analytic_weights.T, dictionary.atoms
    np.testing.assert_allclose(np.einsum("ij,ji->i", atoms, W), 1)
    for i, atom in enumerate(atoms):
        best = minimize(
            lambda w: ((atoms @ w) ** 2).sum(),
            atom / (atom @ atom),
            jac=lambda w: 2 * atoms.T @ (atoms @ w),
            constraints={
                "type": "eq",
                "fun": lambda w, a=atom: a @ w - 1,
                "jac": lambda w, a=atom: a,
            },
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        )
        np.testing.assert_allclose(((atoms @ W[:, i]) ** 2).sum(), best.fun, rtol=1e-6)


def test_analytic_weights_are_the_published_ones(rng):
    """The closed form of Liu and others, for atoms that span all features."""
    atoms = rng.standard_normal((9, 6))
    inverse = np.linalg.inv(atoms.T @ atoms)
    expected = inverse @ atoms.T / np.einsum("ij,jk,ik->i", atoms, inverse, atoms)
    np.testing.assert_allclose(ALISTA()._analytic(Dictionary(atoms)), expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(9, 6), (4, 6)])
def test_gradient_of_analytic_weights(rng, shape):
    encoder = ALISTA()
    gradcheck(
        lambda atoms: encoder._analytic(Dictionary(atoms)),
        lambda dW, atoms: encoder._analytic_backward(Dictionary(atoms), dW),
        rng.standard_normal(shape),
    )


@dataclass(eq=False)
class WithAtoms(ALISTA):
    """ALISTA with the transpose of the atoms for analytic weights."""

    def _analytic(self, dictionary):
        return dictionary.atoms.T


@pytest.mark.parametrize("penalty", [L1(0.1), L1(0.1, positive=True), L1(0.1, np.arange(1, 10))])
def test_with_the_atoms_for_weights_it_is_ista(X, frame, penalty):
    dictionary = Dictionary(frame)
    encoder = WithAtoms(penalty, n_layers=5, p=0.0)
    step = np.full(5, 1 / (dictionary.lipschitz * (1 + 1e-6)))
    codes = encoder.bind({"step": step, "theta": 0.1 * step}).encode(X, dictionary)
    expected = ISTA(max_iter=5, tol=0).solve(X, dictionary, penalty).codes
    np.testing.assert_allclose(codes, expected, atol=1e-12)


def test_tied_weights_may_be_the_analytic_ones(X, frame, rng):
    """TiLISTA with these weights gives the same codes and gradients; so does a product of them."""
    dictionary = Dictionary(frame)
    analytic, tied = ALISTA(L1(0.1), n_layers=4), TiLISTA(L1(0.1), n_layers=4)
    params = analytic.init(dictionary)
    same = params | {"W": analytic._analytic(dictionary)[None]}
    # One sample is too few for a product of atoms and weights to pay; 500 are enough.
    for rows in (X[:1], np.tile(X, (500, 1))):
        codes, cache = analytic.forward(params, rows, dictionary)
        expected, other = tied.forward(same, rows, dictionary)
        assert (cache.kept.layers.product is None) == (len(rows) == 1)
        np.testing.assert_allclose(codes, expected, atol=1e-12)
        dcodes = rng.standard_normal(codes.shape)
        grads, others = analytic.backward(dcodes, cache), tied.backward(dcodes, other)
        for name in grads:
            np.testing.assert_allclose(grads[name], others[name], atol=1e-9)


def test_starts_as_a_descent(X, dictionary):
    """At init: of the lasso on whitened atoms, weighted by what an atom explains of itself."""
    encoder = ALISTA(L1(0.1), n_layers=8, p=0.0)
    atoms, inverse = dictionary.atoms, dictionary.pseudo_inverse
    own = np.einsum("ij,ji->i", atoms, inverse)
    params = encoder.init(dictionary)
    weights = own * params["theta"][0] / params["step"][0]
    objectives = [0.5 * ((X @ inverse) ** 2).sum(axis=1)]
    for k in range(1, 9):
        codes = encoder.encode(X, dictionary, n_layers=k)
        loss = 0.5 * (((X - codes @ atoms) @ inverse) ** 2).sum(axis=1)
        objectives.append(loss + np.abs(codes) @ weights)
    assert (np.diff(objectives, axis=0) <= 1e-12 * objectives[0]).all()
    assert (objectives[-1] < objectives[0]).all()


def test_zero_atoms_have_zero_weights(X, frame):
    atoms = np.concatenate([frame, np.zeros((1, 6))])
    codes = ALISTA(L1(0.05), n_layers=4).encode(X, atoms)
    assert np.isfinite(codes).all() and (codes[:, -1] == 0).all()
    nothing = ALISTA(L1(0.05), n_layers=4).encode(X, 0 * frame)
    assert (nothing == 0).all()
