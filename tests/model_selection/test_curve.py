"""The planted number of atoms and the right weight are found, and scores are those of the parts."""

import numpy as np
import pytest

from sparsecode import DictionaryLearning, OlshausenField, debias
from sparsecode.datasets import make_sparse_signals
from sparsecode.metrics import bic, code_length, explained_variance, l0
from sparsecode.model_selection import SelectionCurve, selection_curve
from sparsecode.penalties import L1, KSparse


@pytest.fixture(scope="module")
def signals():
    return make_sparse_signals(600, 12, 10, n_nonzero=2, snr_db=30, random_state=0)


@pytest.fixture
def model():
    return DictionaryLearning(12, alpha=0.2, n_epochs=5, tol=0, random_state=0)


@pytest.mark.needs_jit("learns several dictionaries")
@pytest.mark.parametrize("seed", [0, 2])
def test_finds_the_planted_number_of_atoms(seed, model):
    X = make_sparse_signals(600, 12, 10, n_nonzero=2, snr_db=30, random_state=seed).X
    model.set_params(n_epochs=50)
    curve = selection_curve(model, X, n_components=[6, 9, 12, 15, 24], debias=True)
    for criterion in ("bits", "bic"):
        assert curve.best(criterion)["n_components"] in (12, 15)
    assert curve.best()["n_components"] == 12


@pytest.mark.needs_jit("learns several dictionaries")
def test_finds_the_weight_of_the_planted_sparsity(signals, model):
    alphas = [0.003, 0.03, 0.2, 1.0]
    curve = selection_curve(model.set_params(n_epochs=50), signals.X, alphas=alphas, debias=True)
    assert curve.best() == {"n_components": 12, "alpha": 0.2}
    assert abs(curve.l0[2] - 2) < 0.5


@pytest.mark.parametrize("refit", [False, True])
def test_scores_are_those_of_the_fitted_estimator(signals, model, refit):
    train, test = signals.X[:400], signals.X[400:]
    model.set_params(penalty=L1(positive=True), n_epochs=2, sparse_output=refit)
    curve = selection_curve(
        model, train, n_components=[3, 5], alphas=[0.1, 0.3], X_val=test, debias=refit
    )
    assert curve.n_components.tolist() == [3, 3, 5, 5]
    assert curve.alpha.tolist() == [0.1, 0.3, 0.1, 0.3]
    assert not hasattr(model, "dictionary_") and model.n_components == 12
    fitted = model.set_params(n_components=5, alpha=0.1).fit(train)
    codes = fitted.transform(test)
    assert curve.objective[2] == pytest.approx(-fitted.score(test))
    if refit:
        codes = debias(test, codes, fitted.dictionary_, positive=True)
    assert curve.l0[2] == pytest.approx(l0(codes).mean())
    X_hat = fitted.inverse_transform(codes)
    assert curve.explained_variance[2] == pytest.approx(explained_variance(test, X_hat))
    assert curve.bits[2] == pytest.approx(code_length(test, codes, fitted.dictionary_))
    assert curve.bic[2] == pytest.approx(bic(test, codes, fitted.dictionary_))


def test_other_estimators_and_constraints(signals):
    X = signals.X[:100]
    sparse = DictionaryLearning(penalty=KSparse(2), n_epochs=2, tol=0, random_state=0)
    curve = selection_curve(sparse, X, n_components=[4, 6])
    assert curve.n_components.tolist() == [4, 6] and (curve.l0 <= 2).all()
    field = OlshausenField(5, max_iter=3, random_state=0)
    curve = selection_curve(field, X)
    assert len(curve.bits) == 1 and np.isfinite(curve.bits[0])
    with pytest.raises(ValueError, match="Invalid parameter 'alpha'"):
        selection_curve(field, X, alphas=[0.1])


def test_best_and_frame():
    names = ["n_components", "alpha", "explained_variance", "l0", "objective", "bits", "bic"]
    values = [[4, 8, 16], [np.nan] * 3, [0.1, 0.9, 0.9], [1, 2, 3], [3, 2, 1], [5, 5, 9]]
    curve = SelectionCurve(*map(np.array, values), np.array([np.nan, 7, 3]))
    assert curve.best() == {"n_components": 4}
    assert curve.best("explained_variance") == {"n_components": 8}
    assert curve.best("objective") == curve.best("bic") == {"n_components": 16}
    frame = curve.to_frame()
    assert list(frame) == names and len(frame) == 3
    with pytest.raises(ValueError, match="criterion is 'aic'; expected one of 'bits', 'bic'"):
        curve.best("aic")


@pytest.mark.parametrize(
    "grid, message",
    [
        ({"n_components": 5}, "n_components is 5; expected a list"),
        ({"n_components": []}, r"n_components is \[\]; expected a list of at least one"),
        ({"n_components": [5.5]}, "n_components is 5.5; expected an integer"),
        ({"alphas": 0.1}, "alphas is 0.1; expected a list"),
        ({"alphas": [0.1, -1.0]}, "alphas is -1.0; expected alphas >= 0"),
    ],
)
def test_wrong_grids_are_told_before_any_fit(grid, message):
    with pytest.raises(ValueError, match=message):
        selection_curve(DictionaryLearning(), np.eye(4), **grid)
