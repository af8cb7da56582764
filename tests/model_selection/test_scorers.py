"""Scorers choose what an oracle would, where the score of an estimator does not."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sparsecode import (
    Dictionary,
    DictionaryLearning,
    OlshausenField,
    PoissonDictionaryLearning,
    SparseAutoencoder,
    SparseCoder,
    SparseRepresentationClassifier,
    TaskDrivenDictionaryLearningClassifier,
    alpha_max,
    debias,
)
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import TopK
from sparsecode.losses import AutoencoderLoss
from sparsecode.metrics import atom_mcc, code_length, explained_variance
from sparsecode.model_selection import (
    CodeLengthScorer,
    EqualSparsityScorer,
    MissingEntriesScorer,
)
from sparsecode.penalties import L1, KSparse
from sparsecode.solvers import OMP

SCORERS = [CodeLengthScorer(), MissingEntriesScorer(), EqualSparsityScorer(2)]


@pytest.fixture(scope="module")
def planted():
    """Signals of four atoms each, with noise, and the signals without it."""
    dictionary = Dictionary.random(60, 30, random_state=0)
    X, codes, _ = make_sparse_signals(
        300, n_nonzero=4, dictionary=dictionary, snr_db=12, random_state=0
    )
    return X, codes @ dictionary.atoms, dictionary


@pytest.fixture(scope="module")
def coder(planted):
    X, _, dictionary = planted
    return SparseCoder(dictionary, alpha=0.1).fit(X)


def chosen(estimator, grid, X, scoring, cv=3):
    """The index of the candidate that a search takes."""
    return int(
        GridSearchCV(estimator, grid, scoring=scoring, cv=cv, refit=False).fit(X).best_index_
    )


@pytest.mark.needs_jit("codes many weights")
def test_alpha_is_that_of_the_least_error_on_clean_signals(planted):
    X, clean, dictionary = planted
    alphas = alpha_max(X, dictionary) * np.geomspace(0.5, 0.003, 9)
    errors = {False: [], True: []}
    for alpha in alphas:
        codes = SparseCoder(dictionary, alpha=alpha).fit_transform(X)
        for refit, found in errors.items():
            z = debias(X, codes, dictionary) if refit else codes
            found.append(np.mean((z @ dictionary.atoms - clean) ** 2))
    grid, best = {"alpha": alphas}, {refit: np.argmin(found) for refit, found in errors.items()}
    assert 0 < best[True] < best[False] < 8
    coder = SparseCoder(dictionary)
    for refit in (True, False):
        scorer = MissingEntriesScorer(debias=refit)
        assert abs(chosen(coder, grid, X, scorer) - best[refit]) <= 1
    # A description of the samples is a little sparser, but far from either end.
    assert abs(chosen(coder, grid, X, CodeLengthScorer()) - best[True]) <= 1
    # The objective is smallest where the weight is.
    assert chosen(coder, grid, X, None) == 8


@pytest.mark.needs_jit("learns several dictionaries")
def test_the_number_of_atoms_is_the_planted_one():
    X = make_sparse_signals(600, 12, 10, n_nonzero=2, snr_db=30, random_state=0).X
    model = DictionaryLearning(alpha=0.1, n_epochs=30, random_state=0)
    grid = {"n_components": [6, 12, 24]}
    for scorer in (CodeLengthScorer(), MissingEntriesScorer()):
        assert chosen(model, grid, X, scorer, cv=2) == 1
    assert chosen(model, grid, X, None, cv=2) == 2


@pytest.mark.needs_jit("learns several dictionaries")
def test_equal_sparsity_takes_the_dictionary_of_the_planted_atoms():
    X, _, atoms = make_sparse_signals(600, 12, 10, n_nonzero=2, snr_db=30, random_state=2)
    model = DictionaryLearning(12, n_epochs=30, random_state=0)
    alphas = [0.002, 0.1, 1.0]
    found = [atom_mcc(clone(model).set_params(alpha=a).fit(X).dictionary_, atoms) for a in alphas]
    assert np.argmax(found) == 1
    assert chosen(model, {"alpha": alphas}, X, EqualSparsityScorer(2), cv=2) == 1
    assert chosen(model, {"alpha": alphas}, X, None, cv=2) == 0


@pytest.mark.parametrize("positive", [False, True])
def test_values_by_their_definitions(planted, positive):
    X, _, dictionary = planted
    coder = SparseCoder(dictionary, penalty=L1(positive=positive), alpha=0.1).fit(X)
    codes = coder.transform(X)
    refit = debias(X, codes, dictionary, positive=positive)
    for scorer, expected in [
        (CodeLengthScorer(debias=False), code_length(X, codes, dictionary)),
        (CodeLengthScorer(), code_length(X, refit, dictionary)),
        (CodeLengthScorer(precision=0.1), code_length(X, refit, dictionary, precision=0.1)),
    ]:
        assert scorer(coder, X) == pytest.approx(-expected / X.size, rel=1e-12)
    greedy = OMP().solve(X, dictionary, KSparse(3)).codes
    expected = explained_variance(X, dictionary.decode(greedy))
    assert EqualSparsityScorer(3)(coder, X) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("n_missing", [0, 40])
def test_missing_entries_are_predicted_by_the_others(planted, refit, n_missing):
    """Each sample is coded by hand, on a dictionary without the features that it misses."""
    X, dictionary = planted[0][:60].copy(), Dictionary(planted[2].atoms, offset=np.ones(30))
    X.flat[np.random.RandomState(1).choice(X.size, n_missing, replace=False)] = np.nan
    coder = SparseCoder(dictionary, alpha=0.1, missing="mask").fit(X)
    scorer = MissingEntriesScorer(n_groups=6, debias=refit, random_state=3)
    rng = np.random.RandomState(3)
    groups = rng.permutation(30) % 6
    error = spread = 0.0
    for x, group in zip(X, rng.permutation(60) % 6, strict=True):
        hidden = (groups == group) & ~np.isnan(x)
        seen = (groups != group) & ~np.isnan(x)
        part = Dictionary(dictionary.atoms[:, seen], offset=np.ones(seen.sum()))
        one = SparseCoder(part, alpha=0.1, debias=refit).fit_transform(x[None, seen])
        error += np.sum((x - one[0] @ dictionary.atoms - 1)[hidden] ** 2)
        spread += np.sum((x - np.nanmean(X, axis=0))[hidden] ** 2)
    assert scorer(coder, X) == pytest.approx(1 - error / spread, rel=1e-5)


@pytest.mark.parametrize("scorer", SCORERS, ids=repr)
def test_containers_and_clones(planted, coder, scorer):
    X = planted[0]
    expected = scorer(coder, X)
    assert isinstance(expected, float)
    assert scorer(FrozenEstimator(coder), X) == expected
    assert scorer(Pipeline([("code", coder)]), X) == expected
    scaled = make_pipeline(StandardScaler(), coder).fit(X)
    assert scorer(scaled, X) == scorer(coder, scaled[0].transform(X))
    single = scorer(coder, X.astype(np.float32))
    assert single == pytest.approx(expected, rel=1e-3)
    assert pickle.loads(pickle.dumps(scorer)) == scorer
    search = GridSearchCV(coder, {"alpha": [0.1, 0.2]}, scoring={"mine": scorer}, refit="mine")
    assert repr(scorer) in repr(clone(search)) or clone(search).scoring["mine"] == scorer


@pytest.mark.parametrize("scorer", [CodeLengthScorer(), EqualSparsityScorer(2)], ids=repr)
def test_sparse_samples_and_networks(planted, scorer):
    X = planted[0]
    coder = SparseCoder(planted[2], alpha=0.1, sparse_output=True).fit(X)
    assert scorer(coder, sparse.csr_array(X)) == pytest.approx(scorer(coder, X), rel=1e-9)
    network = SparseAutoencoder(12, encoder=TopK(k=2), n_epochs=2, random_state=0).fit(X)
    assert np.isfinite(scorer(network, X))


@pytest.mark.parametrize("scorer", SCORERS)
def test_other_models_than_of_the_squared_error_are_refused(scorer):
    X, y = np.eye(6)[np.arange(24) % 6] + 0.1, np.arange(24) % 2
    with pytest.raises(TypeError, match=r"expected a fitted est.*Score a classifier by"):
        scorer(SparseRepresentationClassifier().fit(X, y), X)
    with pytest.raises(ValueError, match=r"the data term of the model is KullbackLeibler\(\)"):
        scorer(PoissonDictionaryLearning(2, n_epochs=2).fit(X), X)
    mapped = TaskDrivenDictionaryLearningClassifier(
        dictionary=np.eye(3), input_map=3, n_epochs=1, lr=0.1
    )
    with pytest.raises(ValueError, match="input_map is an array of shape"):
        scorer(mapped.fit(X, y), X)


def test_what_cannot_be_scored_is_said(planted, coder):
    X = planted[0]
    for scorer in SCORERS:
        name = type(scorer).__name__
        for other in (Ridge().fit(X, X[:, 0]), SparseCoder(planted[2]), "model"):
            with pytest.raises(TypeError, match=f"{name} was given .*; expected a fitted est"):
                scorer(other, X)
    network = SparseAutoencoder(12, encoder=TopK(k=2), n_epochs=1, random_state=0).fit(X)
    with pytest.raises(TypeError, match="expected an estimator with exact codes"):
        MissingEntriesScorer()(network, X)
    loss = AutoencoderLoss(output="sigmoid")
    squashed = network.set_params(loss=loss).fit((X - X.min()) / np.ptp(X))
    with pytest.raises(ValueError, match="CodeLengthScorer needs a decoder that is linear"):
        CodeLengthScorer()(squashed, X)
    field = OlshausenField(6, n_epochs=1, random_state=0).fit(X)
    for cls in (CodeLengthScorer, MissingEntriesScorer):
        with pytest.raises(ValueError, match="debias is True, but Cauchy is a smooth penalty"):
            cls()(field, X)
        assert np.isfinite(cls(debias=False)(field, X))
    with pytest.raises(TypeError, match="X is a sparse matrix; expected a dense array"):
        MissingEntriesScorer()(coder, sparse.csr_array(X))
    with pytest.raises(ValueError, match="X has 1 feature; expected at least 2"):
        MissingEntriesScorer()(SparseCoder([[1.0]]).fit([[2.0]]), [[2.0]])
    with pytest.raises(ValueError, match="X has features that are constant where they are hidden"):
        MissingEntriesScorer()(coder, np.ones((4, 30)))
    with pytest.raises(ValueError, match="NaN"):
        CodeLengthScorer()(coder, np.where(X > 2, np.nan, X))


@pytest.mark.parametrize(
    ("cls", "parameters", "message"),
    [
        (CodeLengthScorer, {"debias": 1}, "debias is 1"),
        (CodeLengthScorer, {"precision": 0.0}, "precision is 0.0"),
        (MissingEntriesScorer, {"n_groups": 1}, "n_groups is 1"),
        (MissingEntriesScorer, {"debias": "yes"}, "debias is 'yes'"),
        (MissingEntriesScorer, {"random_state": None}, "random_state is None"),
        (EqualSparsityScorer, {"n_nonzero": 0}, "n_nonzero is 0"),
    ],
)
def test_wrong_parameters_are_told_at_once(cls, parameters, message):
    with pytest.raises(ValueError, match=message):
        cls(**parameters)
