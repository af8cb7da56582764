"""`DictionaryLearning` and `dict_learning` against scikit-learn's, and what they promise."""

import warnings

import numpy as np
import pytest
import sklearn.decomposition
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sparsecode import Dictionary, certify
from sparsecode.datasets import make_sparse_signals
from sparsecode.dropin import (
    DictionaryLearning,
    MiniBatchDictionaryLearning,
    dict_learning,
    dict_learning_online,
    sparse_encode,
)
from sparsecode.penalties import L1

pytestmark = pytest.mark.needs_jit("it learns")
THEIRS = sklearn.decomposition.DictionaryLearning
POSITIVE = {"positive_code": True, "positive_dict": True, "fit_algorithm": "cd"}


def test_signatures_are_those_of_scikit_learn(plain_signature):
    assert plain_signature(DictionaryLearning) == plain_signature(THEIRS)
    assert plain_signature(dict_learning) == plain_signature(sklearn.decomposition.dict_learning)
    mine, theirs = DictionaryLearning._parameter_constraints, THEIRS._parameter_constraints
    assert sorted(mine) == sorted(theirs)


@pytest.mark.parametrize("options", [{}, POSITIVE], ids=["signed", "positive"])
@pytest.mark.parametrize("alpha", [0.05, 0.3])
def test_as_good_as_scikit_learn(draw, lasso, alpha, options):
    """Both end in local minima, now the one in a better one and now the other."""

    def best(X, atoms):
        codes = sparse_encode(X, atoms, alpha=alpha, positive=bool(options))
        return lasso(X, codes, atoms, alpha)

    settings = {"n_components": 12, "alpha": alpha, "max_iter": 60, "random_state": 0}
    settings |= {"fit_algorithm": "cd"} | options
    ratios = []
    for seed in range(6):
        X = draw(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = THEIRS(**settings).fit(X)
        mine = DictionaryLearning(**settings).fit(X)
        ratios.append(best(X, mine.components_) / best(X, theirs.components_))
    assert np.mean(ratios) <= 1.005


def test_what_is_returned_fits_together(signals, lasso):
    code, atoms, errors, n_iter = dict_learning(
        signals, 12, alpha=0.2, max_iter=15, random_state=0, return_n_iter=True
    )
    assert code.shape == (120, 12) and atoms.shape == (12, 8)
    assert isinstance(errors, list) and len(errors) == n_iter == 15
    assert errors[-1] == pytest.approx(lasso(signals, code, atoms, 0.2), rel=1e-9)
    assert certify(signals, code, atoms, L1(0.2)).relative_gap.max() <= 1e-10
    assert (np.linalg.norm(atoms, axis=1) <= 1 + 1e-12).all()
    np.testing.assert_allclose(code, sparse_encode(signals, atoms, alpha=0.2), atol=1e-9)
    assert len(dict_learning(signals, 12, alpha=0.2, max_iter=1)) == 3


@pytest.mark.parametrize("options", [{}, POSITIVE], ids=["signed", "positive"])
def test_the_objective_falls_until_it_stands(signals, options):
    learner = DictionaryLearning(12, alpha=0.2, tol=1e-5, random_state=0, **options).fit(signals)
    errors = np.array(learner.error_)
    assert len(errors) == learner.n_iter_ < 1000 and type(learner.n_iter_) is int
    assert (np.diff(errors) <= 1e-9 * errors[:-1]).all()
    # All shares by which it fell, but for the last two, are above `tol`.
    shares = -np.diff(errors) / errors[1:]
    assert shares[-2] < 1e-5 <= shares[:-2].min()


def test_atoms_are_found():
    options = {"n_components": 12, "n_features": 8, "n_nonzero": 2, "snr_db": 40}
    truth = make_sparse_signals(400, **options, random_state=1)
    learner = DictionaryLearning(12, alpha=0.02, max_iter=200, random_state=0).fit(truth.X)
    match = Dictionary(learner.components_).match(truth.atoms)
    assert np.mean(match.cosines > 0.99) >= 0.8


@pytest.mark.parametrize("fit_algorithm", ["lars", "cd"])
def test_fit_algorithms_are_names_of_one(signals, fit_algorithm):
    learner = DictionaryLearning(4, fit_algorithm=fit_algorithm, max_iter=5, random_state=0)
    other = DictionaryLearning(4, max_iter=5, random_state=0).fit(signals)
    np.testing.assert_array_equal(learner.fit(signals).components_, other.components_)


def test_float32_stays(signals):
    learner = DictionaryLearning(6, max_iter=5, random_state=0, split_sign=True)
    codes = learner.fit_transform(signals.astype(np.float32))
    assert codes.dtype == learner.components_.dtype == np.float32
    assert learner.transform(signals.astype(np.float32)).dtype == np.float32
    assert len(learner.get_feature_names_out()) == 12
    wide = DictionaryLearning(6, max_iter=5, random_state=0).fit(signals)
    np.testing.assert_allclose(learner.components_, wide.components_, atol=1e-3)


def test_dict_init_alone_is_used_and_left_alone(signals, frame):
    atoms = Dictionary.random(9, 8, random_state=1).atoms
    given, copy = atoms.copy(), atoms.copy()
    learner = DictionaryLearning(9, max_iter=0, dict_init=given).fit(signals)
    np.testing.assert_allclose(learner.components_, copy)
    assert learner.n_iter_ == 0 and learner.error_ == []
    DictionaryLearning(9, max_iter=3, dict_init=given).fit(signals)
    np.testing.assert_array_equal(given, copy)
    # Atoms that are missing are made up for.
    more = DictionaryLearning(11, max_iter=3, dict_init=given).fit(signals).components_
    assert (np.linalg.norm(more, axis=1) > 0.5).all()


def test_atoms_given_for_no_iteration_are_returned_as_they_are(signals):
    given = 3 * Dictionary.random(9, 8, random_state=1).atoms
    for cls in (DictionaryLearning, MiniBatchDictionaryLearning):
        learner = cls(9, max_iter=0, dict_init=given).fit(signals)
        np.testing.assert_array_equal(learner.components_, given)
    code, atoms = dict_learning_online(signals, 9, max_iter=0, dict_init=given)
    np.testing.assert_array_equal(atoms, given)
    np.testing.assert_array_equal(code, sparse_encode(signals, given, alpha=1))


def test_split_signs_have_one_width(signals):
    learner = DictionaryLearning(
        5, alpha=0.1, max_iter=3, split_sign=True, transform_algorithm="lasso_cd", random_state=0
    )
    codes = learner.fit_transform(signals)
    assert codes.shape == learner.transform(signals).shape == (120, 10)
    np.testing.assert_allclose(codes, learner.transform(signals), atol=1e-9)
    assert (codes >= 0).all() and not (codes[:, :5] * codes[:, 5:]).any()
    whole = clone(learner).set_params(split_sign=False).fit_transform(signals)
    np.testing.assert_array_equal(codes[:, :5] - codes[:, 5:], whole)
    names = list(learner.get_feature_names_out())
    assert len(names) == len(set(names)) == 10
    frame = clone(learner).set_output(transform="pandas").fit_transform(signals)
    assert list(frame.columns) == names
    np.testing.assert_array_equal(frame, codes)
    np.testing.assert_allclose(learner.inverse_transform(codes), whole @ learner.components_)
    labels = signals[:, 0] > 0
    model = make_pipeline(clone(learner), LogisticRegression()).fit(signals, labels)
    assert model.predict(signals).shape == labels.shape
    # The function knows no signs to split.
    assert dict_learning(signals, 5, alpha=0.1, max_iter=3)[0].shape == (120, 5)


@pytest.mark.parametrize("n_components", [4, 8, 12])
def test_another_random_state_starts_elsewhere(signals, n_components):
    """So that one can restart, and keep the best; also with fewer atoms than features."""
    for cls in (DictionaryLearning, MiniBatchDictionaryLearning):

        def learn(seed, n=n_components, cls=cls):
            return cls(n, alpha=0.1, max_iter=3, random_state=seed).fit(signals).components_

        np.testing.assert_array_equal(learn(0), learn(0))
        assert Dictionary(learn(0)).match(learn(1)).cosines.min() < 0.999


@pytest.mark.parametrize("row", [0, 7])
def test_weight_zero_learns_from_every_sample(signals, row):
    """A huge sample leaves the others their codes: the fit of least l1 norm, of each by itself."""
    X = signals.copy()
    X[row] *= 1e6
    learner = DictionaryLearning(6, alpha=0, max_iter=2, random_state=0)
    codes = learner.fit_transform(X)
    expected = np.linalg.lstsq(learner.components_.T, X.T)[0].T
    scales = np.abs(expected).max(axis=1, keepdims=True)
    np.testing.assert_allclose(codes / scales, expected / scales, atol=1e-9)
    residual = X - codes @ learner.components_
    assert learner.error_[-1] == pytest.approx(np.sum(residual**2) / 2)
    MiniBatchDictionaryLearning(6, alpha=0, max_iter=1, batch_size=40).fit(X)


def test_code_init_alone_gives_the_first_atoms(signals):
    atoms = Dictionary.random(6, 8, random_state=1).atoms
    code = np.random.default_rng(0).standard_normal((120, 6))
    learner = DictionaryLearning(6, max_iter=0, code_init=code).fit(code @ atoms)
    np.testing.assert_allclose(learner.components_, atoms, atol=1e-8)
    with pytest.raises(ValueError, match="code"):
        DictionaryLearning(6, code_init=code[:50]).fit(signals)
    with pytest.raises(ValueError, match="dict_init has 7 columns"):
        DictionaryLearning(6, dict_init=atoms[:, :7]).fit(signals)


def test_callback_and_verbose(signals, capsys):
    seen = []
    DictionaryLearning(4, max_iter=11, tol=0, callback=seen.append, verbose=True).fit(signals)
    assert [known["ii"] for known in seen] == [0, 5, 10]
    assert seen[0]["dictionary"].shape == (4, 8) and len(seen[1]["errors"]) == 5
    assert capsys.readouterr().out.count("[dict_learning] iteration") == 11


def test_transform_alpha_for_omp_is_not_that_of_learning(signals):
    learner = DictionaryLearning(12, alpha=0.2, max_iter=3, random_state=0).fit(signals)
    assert (np.count_nonzero(learner.transform(signals), axis=1) == 1).all()
    learner.set_params(transform_alpha=0.01)
    X_hat = learner.inverse_transform(learner.transform(signals))
    assert (np.sum((signals - X_hat) ** 2, axis=1) <= 0.01).all()
    learner.set_params(transform_algorithm="lasso_cd", transform_alpha=None)
    expected = sparse_encode(signals, learner.components_, alpha=0.2)
    np.testing.assert_array_equal(learner.transform(signals), expected)


def test_no_iterations_of_coding_learn_nothing(signals):
    with pytest.raises(ValueError, match="transform_max_iter is 0"):
        DictionaryLearning(4, transform_max_iter=0).fit(signals)


WRONG = [
    {"n_components": 0},
    {"alpha": -1},
    {"max_iter": -1},
    {"tol": -1.0},
    {"fit_algorithm": "omp"},
    {"positive_code": True},
    {"dict_init": [[1.0]]},
    {"code_init": 3},
    {"callback": 3},
    {"random_state": "a"},
    {"positive_dict": 2},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: next(iter(wrong)))
def test_errors_are_those_of_scikit_learn(signals, wrong):
    got, expected = (
        raised(lambda c=cls: c(**wrong).fit(signals)) for cls in (DictionaryLearning, THEIRS)
    )
    assert type(got) is type(expected)
    assert str(got).startswith(str(expected).split("{")[0].split(":")[0][:60])


def test_errors_of_the_function(signals):
    for wrong in ({"method": "omp"}, {"return_n_iter": 3}, {"method_max_iter": -1}, {"alpha": -1}):
        options = {"alpha": 1} | wrong
        got, expected = (
            raised(lambda f=function, o=options: f(signals, 4, **o))
            for function in (dict_learning, sklearn.decomposition.dict_learning)
        )
        assert type(got) is type(expected)
        assert str(got).startswith(str(expected).split("{")[0])


def raised(call):
    try:
        call()
    except (TypeError, ValueError) as error:
        return error
    pytest.fail("accepted")


def test_an_interrupt_keeps_the_last_atoms(signals):
    def interrupt(known):
        if known["ii"] == 5:
            raise KeyboardInterrupt

    learner = DictionaryLearning(6, alpha=0.1, tol=0, random_state=0, callback=interrupt)
    with pytest.raises(KeyboardInterrupt):
        learner.fit(signals)
    expected = DictionaryLearning(6, alpha=0.1, tol=0, random_state=0, max_iter=6).fit(signals)
    assert learner.n_iter_ == 6
    np.testing.assert_array_equal(learner.components_, expected.components_)
    np.testing.assert_allclose(learner.error_, expected.error_[:-1])
    assert learner.transform(signals[:3]).shape == (3, 6)


@pytest.mark.parametrize("n_given", [3, 8])
def test_more_or_fewer_atoms_than_are_learned_may_be_given(signals, n_given):
    given = {"dict_init": np.eye(n_given, 8), "code_init": np.zeros((len(signals), n_given))}
    learner = DictionaryLearning(6, max_iter=2, random_state=0, **given).fit(signals)
    assert learner.components_.shape == (6, 8) and learner.components_.any(axis=1).all()
