"""Paths of codes against cold solves, scikit-learn's paths, and closed forms."""

import dataclasses

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import enet_path, lasso_path

from sparsecode import Dictionary, SparseCoder, alpha_max, certify, coding_path
from sparsecode.penalties import L0, L1, MCP, Cauchy, ElasticNet, GroupL1, KSparse, LogSum
from sparsecode.solvers import FISTA, CoordinateDescent, FeatureSign, Homotopy

CONVEX = [
    L1(2.0),
    L1(0.5, positive=True),
    L1(weights=np.linspace(0.5, 2, 9)),
    ElasticNet(0.7, l1_ratio=0.6),
    GroupL1(groups=3),
]


# The first weight is the one at which codes vanish.
@pytest.mark.filterwarnings("ignore:Every code is zero")
@pytest.mark.parametrize("penalty", CONVEX, ids=repr)
def test_each_point_is_that_of_a_cold_solve(X, frame, penalty):
    path = coding_path(X, frame, penalty=penalty, alphas=5, eps=0.05)
    assert path.alphas[0] == pytest.approx(alpha_max(X, frame, penalty) / penalty.alpha)
    assert path.alphas[-1] == pytest.approx(0.05 * path.alphas[0])
    np.testing.assert_allclose(np.diff(np.log(path.alphas)), np.log(0.05) / 4)
    half_squared_norm = np.einsum("ij,ij->i", X, X) / 2
    assert (path.gaps <= 1e-6 * half_squared_norm).all()
    for i, alpha in enumerate(path.alphas):
        coder = SparseCoder(frame, penalty=penalty, alpha=alpha).fit(X)
        cold = certify(X, coder.transform(X), frame, penalty.scaled(alpha))
        # Both objectives are within their gaps above the one minimum.
        difference = np.abs(path.objectives[i] - cold.objective)
        assert (difference <= np.maximum(path.gaps[i], cold.gap) + 1e-14).all()
        np.testing.assert_allclose(path.codes[i], coder.transform(X), atol=1e-2)
        warm = certify(X, path.codes[i], frame, penalty.scaled(alpha))
        np.testing.assert_array_equal(path.gaps[i], warm.gap)
        np.testing.assert_array_equal(path.residuals[i], warm.residual)
        np.testing.assert_array_equal(path.objectives[i], warm.objective)
        np.testing.assert_array_equal(path.n_nonzero[i], (path.codes[i] != 0).sum(axis=1))
    assert path.converged.all()


@pytest.mark.parametrize("penalty", CONVEX, ids=repr)
def test_codes_are_zero_at_the_first_weight_and_not_at_the_next(X, frame, penalty):
    path = coding_path(X, frame, penalty=penalty, alphas=20, eps=0.5)
    assert (path.codes[0] == 0).all()
    assert path.n_nonzero[1].sum() > 0
    assert path.n_nonzero.shape == (20, len(X))


def test_is_the_lasso_path_of_scikit_learn(X, frame):
    n_features = X.shape[1]
    path = coding_path(X, frame, solver=FeatureSign(tol=1e-12), alphas=7)
    for s, x in enumerate(X):
        alphas, theirs, _ = lasso_path(frame.T, x, alphas=path.alphas / n_features, tol=1e-10)
        np.testing.assert_allclose(path.alphas, alphas * n_features)
        np.testing.assert_allclose(path.codes[:, s], theirs.T, atol=1e-4)


def test_is_the_elastic_net_path_of_scikit_learn(X, frame):
    """Their grid, made from one sample, times the number of features is ours."""
    n_features = X.shape[1]
    penalty = ElasticNet(l1_ratio=0.5)
    path = coding_path(
        X[:1], frame, penalty=penalty, solver=FeatureSign(tol=1e-12), alphas=6, eps=1e-2
    )
    alphas, theirs, _ = enet_path(frame.T, X[0], l1_ratio=0.5, eps=1e-2, alphas=6, tol=1e-10)
    np.testing.assert_allclose(path.alphas, alphas * n_features)
    np.testing.assert_allclose(path.codes[:, 0], theirs.T, atol=1e-4)


@pytest.mark.parametrize("solver", [Homotopy(tol=1e-10), CoordinateDescent(tol=1e-10)])
def test_solvers_agree(X, frame, solver):
    one = coding_path(X, frame, solver=FeatureSign(tol=1e-10), alphas=6)
    other = coding_path(X, frame, solver=solver, alphas=6)
    assert type(other.solver) is type(solver)
    np.testing.assert_allclose(other.codes, one.codes, atol=1e-4)


def test_orthonormal_atoms_give_soft_thresholds(rng):
    atoms = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    X = rng.standard_normal((4, 5))
    alphas = [0.1, 2.0, 0.5]
    path = coding_path(X, atoms, alphas=alphas)
    np.testing.assert_array_equal(path.alphas, [2.0, 0.5, 0.1])
    corr = X @ atoms.T
    for alpha, codes in zip(path.alphas, path.codes, strict=True):
        expected = np.sign(corr) * np.maximum(np.abs(corr) - alpha, 0)
        np.testing.assert_allclose(codes, expected, atol=1e-12)


def test_warm_starts_save_iterations(X, frame):
    solver = FISTA(tol=1e-8)
    path = coding_path(X, frame, solver=solver, alphas=np.geomspace(1, 0.5, 10))
    cold = [solver.solve(X, frame, L1(alpha)).n_iter.sum() for alpha in path.alphas[1:]]
    assert path.n_iter[1:].sum() < sum(cold)


@pytest.mark.parametrize("penalty", [L0, MCP, LogSum, Cauchy])
def test_not_convex(X, frame, penalty):
    alphas = np.geomspace(1, 0.01, 4)
    path = coding_path(X, frame, penalty=penalty, alphas=alphas)
    assert path.gaps is None
    assert path.converged.all()
    for i, alpha in enumerate(alphas):
        judged = certify(X, path.codes[i], frame, penalty(alpha))
        assert judged.relative_residual.max() < 1e-4
        np.testing.assert_array_equal(path.residuals[i], judged.residual)
    # A solve that starts from the codes of the weight before gives the same.
    start, last = path.codes[-2:]
    again = path.solver.solve(X, frame, penalty(alphas[-1]), codes=start)
    np.testing.assert_array_equal(again.codes, last)


def test_sparse_output_float32_and_threads(X, frame):
    X, atoms = X.astype(np.float32), frame.astype(np.float32)
    dense = coding_path(X, atoms, alphas=4)
    assert dense.codes.dtype == np.float32
    path = coding_path(sparse.csr_array(X), atoms, alphas=4, sparse_output=True, n_jobs=1)
    assert len(path.codes) == 4 and all(isinstance(c, sparse.csr_array) for c in path.codes)
    assert path.codes[0].dtype == np.float32
    np.testing.assert_array_equal([codes.toarray() for codes in path.codes], dense.codes)
    np.testing.assert_array_equal(path.n_nonzero, dense.n_nonzero)
    np.testing.assert_array_equal(path.gaps, dense.gaps)


def test_units_of_data_and_penalty(X, frame):
    path = coding_path(X, frame, alphas=4)
    scaled = coding_path(8 * X, frame, alphas=4)
    np.testing.assert_allclose(scaled.alphas, 8 * path.alphas)
    np.testing.assert_allclose(scaled.codes, 8 * path.codes, atol=1e-5)
    own = coding_path(X, frame, penalty=L1(4.0), alphas=4)
    np.testing.assert_allclose(4 * own.alphas, path.alphas)
    np.testing.assert_allclose(own.codes, path.codes, atol=1e-6)


def test_missing_entries(X, frame):
    X = X.copy()
    X[:, 2] = np.nan
    dictionary = Dictionary(frame, offset=np.arange(6.0))
    with pytest.raises(ValueError, match="NaN"):
        coding_path(X, dictionary)
    path = coding_path(X, dictionary, alphas=4, missing=True)
    seen = np.arange(6) != 2
    smaller = Dictionary(frame[:, seen], offset=np.arange(6.0)[seen])
    expected = coding_path(X[:, seen], smaller, alphas=4)
    np.testing.assert_allclose(path.alphas, expected.alphas)
    np.testing.assert_allclose(path.codes, expected.codes, atol=1e-6)
    assert (path.codes[0] == 0).all()


def test_arguments_are_not_changed(X, frame):
    alphas = np.array([0.1, 0.3])
    before = X.copy(), frame.copy()
    path = coding_path(X, frame, alphas=alphas)
    np.testing.assert_array_equal(alphas, [0.1, 0.3])
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(frame, before[1])
    with pytest.raises(dataclasses.FrozenInstanceError):
        path.alphas = alphas


def test_says_which_samples_did_not_converge(X, frame):
    with pytest.warns(ConvergenceWarning, match="FISTA"):
        path = coding_path(X, frame, solver=FISTA(max_iter=1, tol=1e-9), alphas=[0.1])
    assert not path.converged.all()


@pytest.mark.parametrize("penalty", [L0, Cauchy, ElasticNet(l1_ratio=0.0)])
def test_penalties_without_alpha_max_need_alphas(X, frame, penalty):
    with pytest.raises(TypeError, match=r"alphas is 20.*has no alpha_max.*Give alphas"):
        coding_path(X, frame, penalty=penalty)


@pytest.mark.parametrize("penalty", [L1(0.0), L1(weights=[0.0] + 8 * [1.0])])
def test_no_weight_makes_the_codes_zero(X, frame, penalty):
    with pytest.raises(ValueError, match=r"all codes are zero is inf.*Give alphas"):
        coding_path(X, frame, penalty=penalty)
    with pytest.raises(ValueError, match=r"all codes are zero is 0;.*Give alphas"):
        coding_path(0 * X, frame)


def test_refuses_what_is_no_path(X, frame):
    with pytest.raises(TypeError, match="needs a weighted penalty; KSparse has no weight"):
        coding_path(X, frame, penalty=KSparse)
    with pytest.raises(TypeError, match="penalty is 'l1'"):
        coding_path(X, frame, penalty="l1")
    with pytest.raises(TypeError, match="solver is <class"):
        coding_path(X, frame, solver=FISTA)
    with pytest.raises(TypeError, match="FeatureSign needs an l1 or elastic-net penalty"):
        coding_path(X, frame, penalty=L0, solver=FeatureSign())


@pytest.mark.parametrize(
    "options, message",
    [
        ({"alphas": []}, r"alphas is an array of shape \(0,\)"),
        ({"alphas": 0.1}, "alphas is 0.1"),
        ({"alphas": ["a"]}, "alphas is an array of shape"),
        ({"alphas": [0.1, -0.1]}, "alphas is an array with values from -0.1 to 0.1"),
        ({"alphas": [0.1, np.nan]}, "alphas is an array with values from nan"),
        ({"alphas": 0}, "alphas is 0"),
        ({"eps": 0.0}, "eps is 0"),
        ({"eps": 2.0}, "eps is 2"),
        ({"missing": "mask"}, "missing is 'mask'"),
        ({"sparse_output": 1}, "sparse_output is 1"),
        ({"n_jobs": 0}, "n_jobs is 0"),
    ],
)
def test_refuses_settings(X, frame, options, message):
    with pytest.raises(ValueError, match=message):
        coding_path(X, frame, **options)
