"""The coder in the places where scikit-learn users put it."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.decomposition import sparse_encode
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sparsecode import Dictionary, SparseCoder, certify
from sparsecode.penalties import L0, L1, Cauchy, ElasticNet
from sparsecode.solvers import FISTA, ISTA, ConjugateGradient, CoordinateDescent, FeatureSign


def test_codes_are_those_of_sparse_encode(X, frame):
    coder = SparseCoder(frame, alpha=0.3, solver=FISTA(tol=1e-10)).fit(X)
    expected = sparse_encode(X, frame, algorithm="lasso_lars", alpha=0.3)
    np.testing.assert_allclose(coder.transform(X), expected, atol=1e-4)


@pytest.mark.parametrize(
    "penalty", [L1, L1(positive=True), ElasticNet(l1_ratio=0.3), L0, Cauchy(sigma=0.5)]
)
def test_alpha_scales_any_penalty(X, frame, penalty):
    coder = SparseCoder(frame, penalty=penalty, alpha=0.2).fit(X)
    instance = penalty() if isinstance(penalty, type) else penalty
    codes = coder.transform(X)
    certificate = certify(X, codes, frame, instance.scaled(0.2))
    assert certificate.relative_residual.max() < 1e-2
    assert coder.score(X) == pytest.approx(-certificate.objective.mean())
    np.testing.assert_array_equal(coder.certify(X).objective, certificate.objective)


def test_offset_and_inverse(X, frame):
    dictionary = Dictionary(frame, offset=np.arange(6.0))
    coder = SparseCoder(dictionary, alpha=1e-3).fit(X)
    codes = coder.transform(X + dictionary.offset)
    np.testing.assert_allclose(coder.inverse_transform(codes), X + dictionary.offset, atol=1e-2)
    assert coder.components_ is coder.dictionary_.atoms


def test_float32(X, frame):
    coder = SparseCoder(frame.astype(np.float32), alpha=0.1, solver=FISTA(tol=1e-4))
    codes = coder.fit_transform(X.astype(np.float32))
    assert codes.dtype == np.float32
    assert coder.inverse_transform(codes).dtype == np.float32


@pytest.mark.needs_jit
# The largest weight of the grid is too large.
@pytest.mark.filterwarnings("ignore:Every code is zero")
def test_grid_search_over_alpha_on_threads(rng):
    atoms = Dictionary.random(20, 10, random_state=0)
    truth = rng.standard_normal((80, 20)) * (rng.uniform(size=(80, 20)) < 0.1)
    X = truth @ atoms.atoms + 0.05 * rng.standard_normal((80, 10))
    model = make_pipeline(SparseCoder(atoms), Ridge(alpha=1e-3))
    target = truth @ rng.standard_normal(20)
    search = GridSearchCV(model, {"sparsecoder__alpha": [0.05, 1.0, 100.0]}, cv=3)
    search.fit(X, target)
    assert search.best_params_["sparsecoder__alpha"] < 100
    searched = GridSearchCV(
        SparseCoder(atoms), {"alpha": [0.1, 0.2], "solver": [FISTA(), ISTA()]}, cv=2, n_jobs=2
    )
    # Minus the objective is highest where the weight is lowest.
    assert searched.fit(X).best_params_["alpha"] == 0.1


def test_nested_parameters_reach_the_solver(X, frame):
    coder = SparseCoder(frame, alpha=0.1, solver=FISTA())
    coder.set_params(solver__tol=1e-2)
    assert coder.get_params()["solver__tol"] == 1e-2
    assert clone(coder).solver.tol == 1e-2
    assert "FISTA" in repr(coder)


def test_set_output_and_names(X, frame):
    pytest.importorskip("pandas")
    model = make_pipeline(StandardScaler(), SparseCoder(frame, alpha=0.1))
    frame_out = model.set_output(transform="pandas").fit_transform(X)
    names = [f"sparsecoder{j}" for j in range(9)]
    assert list(frame_out.columns) == names
    assert list(model.get_feature_names_out()) == names


@pytest.mark.parametrize("penalty", [L1, L1(weights=np.arange(1.0, 10.0)), Cauchy()])
def test_clone_and_pickle(X, frame, penalty):
    coder = SparseCoder(frame, penalty=penalty, alpha=0.3).fit(X)
    loaded = pickle.loads(pickle.dumps(coder))
    np.testing.assert_array_equal(loaded.transform(X), coder.transform(X))
    np.testing.assert_array_equal(clone(coder).fit_transform(X), coder.transform(X))
    repr(coder)


def test_errors_say_what_to_do(X, frame):
    with pytest.raises(ValueError, match=r"X has 6 features but the atoms .* have 5"):
        SparseCoder(frame[:, :5]).fit(X)
    with pytest.raises(TypeError, match=r"penalty is 'l1'; expected a Penalty.*penalty=L1"):
        SparseCoder(frame, penalty="l1").fit(X)
    with pytest.raises(ValueError, match="alpha is -1"):
        SparseCoder(frame, alpha=-1).fit(X)
    with pytest.raises(ValueError, match="n_jobs is 0"):
        SparseCoder(frame, n_jobs=0).fit(X)
    with pytest.raises(TypeError, match="ConjugateGradient needs a smooth penalty; got L1"):
        SparseCoder(frame, solver=ConjugateGradient()).fit(X).transform(X)
    coder = SparseCoder(frame).fit(X)
    with pytest.raises(ValueError, match=r"codes has shape .* Encode X"):
        coder.inverse_transform(X)
    with pytest.raises(ValueError, match="7 features, but SparseCoder is expecting 6"):
        coder.transform(np.ones((2, 7)))


@pytest.mark.parametrize("penalty, default", [(L1, FeatureSign), (L0, CoordinateDescent)])
def test_tells_which_solver_it_uses(X, frame, penalty, default):
    coder = SparseCoder(frame, penalty=penalty, alpha=0.1)
    assert not hasattr(coder, "solver_")
    before = repr(coder)
    coder.fit(X)
    assert coder.solver_ == default()
    np.testing.assert_array_equal(
        coder.transform(X), coder.solver_.solve(X, frame, penalty(0.1)).codes
    )
    # It is no parameter, and nothing that it leaves behind.
    assert repr(coder) == before
    assert clone(coder).solver is None and not hasattr(clone(coder), "solver_")
    assert pickle.loads(pickle.dumps(coder)).solver_ == default()


def test_the_solver_is_the_given_one(X, frame):
    solver = FISTA(tol=1e-3)
    coder = SparseCoder(frame, alpha=0.1, solver=solver).fit(X)
    assert coder.solver_ is solver
    assert SparseCoder(frame, penalty=L1(2.0), alpha=0.0).fit(X).solver_ == CoordinateDescent()


@pytest.mark.parametrize("solver", ["fista", FISTA, object()])
def test_fit_refuses_what_is_no_solver(X, frame, solver):
    with pytest.raises(TypeError, match=r"solver is .*expected an instance of a Solver"):
        SparseCoder(frame, solver=solver).fit(X)


def test_fit_finds_out_that_the_pieces_do_not_fit(X, frame):
    with pytest.raises(TypeError, match="FeatureSign needs an l1 or elastic-net penalty"):
        SparseCoder(frame, penalty=Cauchy, solver=FeatureSign()).fit(X)
    with pytest.raises(ValueError, match=r"weights of L1 .*one weight for each atom"):
        SparseCoder(frame, penalty=L1(weights=[1.0, 2.0])).fit(X)


def test_sparse_output_and_sparse_samples(X, frame):
    expected = SparseCoder(frame, alpha=0.3).fit_transform(X)
    coder = SparseCoder(frame, alpha=0.3, sparse_output=True).fit(sparse.csr_array(X))
    codes = coder.transform(sparse.csc_matrix(X))
    assert isinstance(codes, sparse.csr_array)
    np.testing.assert_array_equal(codes.toarray(), expected)
    np.testing.assert_allclose(coder.inverse_transform(codes), expected @ frame, atol=1e-14)
    assert coder.score(X) == SparseCoder(frame, alpha=0.3).fit(X).score(X)
    assert coder.certify(X).relative_gap.max() <= 1e-6


def test_starts_from_given_codes(X, frame):
    coder = SparseCoder(frame, alpha=0.3, solver=FISTA(max_iter=1, tol=0.0)).fit(X)
    solved = SparseCoder(frame, alpha=0.3, solver=FISTA(tol=1e-10)).fit_transform(X)
    one_more = coder.transform(X, codes=solved)
    np.testing.assert_allclose(one_more, solved, atol=1e-4)
    assert np.abs(coder.transform(X) - solved).max() > 1e-2


def test_debiased_codes_have_the_same_support_and_a_smaller_error(X, frame):
    plain = SparseCoder(frame, alpha=0.3).fit(X)
    debiased = SparseCoder(frame, alpha=0.3, debias=True).fit(X)
    codes, fitted = plain.transform(X), debiased.transform(X)
    assert ((fitted != 0) == (codes != 0)).all()
    error = ((X - fitted @ frame) ** 2).sum(axis=1)
    assert (error <= ((X - codes @ frame) ** 2).sum(axis=1) + 1e-12).all()
    # The score and the certificate are those of the problem.
    assert debiased.score(X) == plain.score(X)


def test_missing_entries(X, frame):
    X = X.copy()
    X[0, :2] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        SparseCoder(frame, alpha=0.3).fit(X)
    coder = SparseCoder(frame, alpha=0.3, missing="mask").fit(X)
    expected = SparseCoder(frame[:, 2:], alpha=0.3).fit_transform(X[:1, 2:])
    np.testing.assert_allclose(coder.transform(X)[:1], expected, atol=1e-12)
    assert coder.certify(X).relative_gap.max() <= 1e-6
    assert np.isfinite(coder.score(X))


@pytest.mark.parametrize(
    "name, value", [("missing", "drop"), ("debias", 1), ("sparse_output", None)]
)
def test_refuses_settings(X, frame, name, value):
    with pytest.raises(ValueError, match=f"{name} is {value!r}"):
        SparseCoder(frame, **{name: value}).fit(X)
