"""The constraint on the number of nonzeros: projection, targets, basic feasibility, refusals."""

import itertools

import numpy as np
import pytest

from sparsecode import SparseCoder, alpha_max, certify
from sparsecode.objective import objective
from sparsecode.penalties import L1, KSparse
from sparsecode.solvers import (
    FISTA,
    HTP,
    IHT,
    ISTA,
    OLS,
    OMP,
    ConjugateGradient,
    FeatureSign,
)
from sparsecode.testing import check_penalty


@pytest.mark.parametrize("penalty", [KSparse(1), KSparse(4), KSparse(2, 0.3), KSparse(None, 0.3)])
def test_contract(penalty):
    check_penalty(penalty)


def test_prox_is_the_closest_of_all_supports(rng):
    V = rng.standard_normal((10, 5))
    for v, got in zip(V, KSparse(2).prox(V), strict=True):
        candidates = []
        for support in itertools.combinations(range(5), 2):
            row = np.zeros(5)
            row[list(support)] = v[list(support)]
            candidates.append(row)
        best = min(candidates, key=lambda row: ((row - v) ** 2).sum())
        assert np.array_equal(got, best)


def test_of_equal_magnitudes_the_first_are_kept():
    assert KSparse(2).prox([[1.0, -1.0, 1.0, 0.5]]).tolist() == [[1, -1, 0, 0]]


def test_counts_of_their_own():
    V = np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    assert KSparse([1, 2]).prox(V).tolist() == [[3, 0, 0], [3, 2, 0]]
    assert KSparse([1, 2]).value([[0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]).tolist() == [np.inf, 0]
    with pytest.raises(ValueError, match="n_nonzero of KSparse has 2 entries but there are 3"):
        KSparse([1, 2]).prox(np.ones((3, 3)))


def test_basic_feasibility():
    """Beck and Eldar: no correlation on a full support; none at all where there is room."""
    atoms = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    X = np.array([[3.0, 4.0]] * 5)
    codes = [[3.0, 0, 0], [2.5, 0, 0], [0, 0, 5.0], [3.0, 4.0, 0], [0, 0, 0]]
    certificate = certify(X, codes, atoms, KSparse([1, 1, 2, 1, 2]))
    assert certificate.gap is None
    np.testing.assert_allclose(certificate.residual, [0, 0.5, 0, np.inf, 5], atol=1e-14)
    np.testing.assert_allclose(certificate.objective, [8, 8.125, 0, np.inf, 12.5], atol=1e-14)
    # At its error target, a code needs no more atoms.
    residual = certify(X[:3], codes[:1] * 3, atoms, KSparse(2, [15.0, 16.0, 17.0])).residual
    np.testing.assert_allclose(residual, [4, 0, 0], atol=1e-14)


def test_targets_follow_their_rows_through_blocks(rng, frame):
    X = rng.standard_normal((2500, 6))
    counts = 1 + np.arange(2500) % 3
    penalty = KSparse(counts, np.linspace(0, 1, 2500))
    codes = KSparse(counts).prox(X @ frame.T)
    assert np.isfinite(certify(X, codes, frame, penalty).residual).all()
    assert np.isfinite(objective(X, codes, frame, penalty)).all()
    residual = certify(X, codes, frame, penalty).residual
    alone = certify(
        X[2100:2110], codes[2100:2110], frame, penalty.for_rows(slice(2100, 2110), 2500)
    )
    np.testing.assert_allclose(alone.residual, residual[2100:2110], rtol=1e-12)
    with pytest.raises(ValueError, match="error of KSparse has 2500 entries"):
        certify(X[:10], codes[:10], frame, KSparse(3, np.ones(2500)))


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        (KSparse(0), r"n_nonzero of KSparse is 0; expected whole numbers >= 1"),
        (KSparse(2.5), "n_nonzero of KSparse is 2.5"),
        (KSparse([1, 0]), r"n_nonzero of KSparse is \[1, 0\]"),
        (KSparse(True), "n_nonzero of KSparse is True"),
        (KSparse(2, -1.0), "error of KSparse is -1.0"),
        (KSparse(2, np.nan), "error of KSparse is nan"),
        (KSparse(2, None), "error of KSparse is None"),
        (KSparse(None), "n_nonzero of KSparse is None and no error is set"),
        (KSparse(None, [1.0, 0.0]), "error of KSparse is 0 for some samples"),
    ],
)
def test_refuses(penalty, message):
    with pytest.raises(ValueError, match=message):
        penalty.checked()


def test_more_nonzeros_than_atoms(X, frame):
    message = "n_nonzero of KSparse is 10 but the dictionary has 9 atoms"
    with pytest.raises(ValueError, match=message):
        KSparse(10).prepare(9, np.float64)
    with pytest.raises(ValueError, match=message):
        SparseCoder(frame, penalty=KSparse(10)).fit(X)


@pytest.mark.parametrize("solver", [ISTA(), FISTA(), FeatureSign(), ConjugateGradient()], ids=repr)
def test_solvers_of_weighted_penalties_refuse(solver, X, frame):
    with pytest.raises(TypeError, match=f"{type(solver).__name__} needs .*got KSparse. Use "):
        solver.solve(X, frame, KSparse(2))


def test_sparse_coder(X, frame):
    codes = SparseCoder(frame, penalty=KSparse(2)).fit_transform(X)
    assert ((codes != 0).sum(axis=1) == 2).all()
    with pytest.raises(
        ValueError, match=r"constraint without a weight, but alpha is 0.5.*Change n_"
    ):
        SparseCoder(frame, penalty=KSparse(2), alpha=0.5).fit(X)
    with pytest.raises(TypeError, match="KSparse has no alpha_max"):
        alpha_max(X, frame, KSparse(2))


@pytest.mark.parametrize("solver", [OMP(), OLS(), IHT(), HTP()], ids=repr)
@pytest.mark.parametrize("power", [-75, 75])
def test_units_of_the_data_do_not_matter(solver, power, X, frame):
    """Squares of such numbers are 0 or infinite in float32."""
    X, unit = X.astype(np.float32), np.float32(2.0**power)
    expected = solver.solve(X, frame.astype(np.float32), KSparse(3))
    result = solver.solve(unit * X, frame.astype(np.float32), KSparse(3))
    np.testing.assert_array_equal(result.codes, unit * expected.codes)
    assert result.converged.all() and (result.codes != 0).any(axis=1).all()


def test_other_penalties_are_weighted_and_separable():
    assert L1.weighted and L1.separable
    assert not (KSparse.weighted or KSparse.separable or KSparse.convex or KSparse.smooth)
    assert L1().for_rows(slice(0, 1), 5) == L1()
