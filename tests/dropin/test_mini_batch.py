"""`MiniBatchDictionaryLearning` and `dict_learning_online` against scikit-learn's."""

import pickle
import warnings

import numpy as np
import pytest
import sklearn.decomposition

from sparsecode import Dictionary
from sparsecode.dropin import MiniBatchDictionaryLearning, dict_learning_online, sparse_encode

pytestmark = pytest.mark.needs_jit("it learns")
THEIRS = sklearn.decomposition.MiniBatchDictionaryLearning
POSITIVE = {"positive_code": True, "positive_dict": True, "fit_algorithm": "cd"}


def test_signatures_are_those_of_scikit_learn(plain_signature):
    assert plain_signature(MiniBatchDictionaryLearning) == plain_signature(THEIRS)
    assert plain_signature(dict_learning_online) == plain_signature(
        sklearn.decomposition.dict_learning_online
    )
    mine, theirs = MiniBatchDictionaryLearning._parameter_constraints, THEIRS._parameter_constraints
    assert sorted(mine) == sorted(theirs)


@pytest.mark.parametrize("options", [{}, POSITIVE], ids=["signed", "positive"])
@pytest.mark.parametrize("alpha", [0.05, 0.3])
def test_as_good_as_scikit_learn(draw, lasso, alpha, options):
    """Both end in local minima, now the one in a better one and now the other."""

    def best(X, atoms):
        codes = sparse_encode(X, atoms, alpha=alpha, positive=bool(options))
        return lasso(X, codes, atoms, alpha)

    settings = {
        "n_components": 12,
        "alpha": alpha,
        "batch_size": 30,
        "max_iter": 20,
        "random_state": 0,
    }
    settings |= {"fit_algorithm": "cd"} | options
    ratios = []
    for seed in range(6):
        X = draw(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = THEIRS(**settings).fit(X)
        mine = MiniBatchDictionaryLearning(**settings).fit(X)
        ratios.append(best(X, mine.components_) / best(X, theirs.components_))
    assert np.mean(ratios) <= 1.005
    assert (np.linalg.norm(mine.components_, axis=1) <= 1 + 1e-12).all()
    if options:
        assert mine.components_.min() >= 0


def test_atoms_without_use_are_replaced_soon(signals):
    X, start = np.c_[signals, np.zeros(120)], np.eye(9)[[0, 1, 8]]
    learner = MiniBatchDictionaryLearning(3, dict_init=start, alpha=0.1)
    assert learner.partial_fit(X[:8]).components_[2, 8] == 1
    assert learner.partial_fit(X[8:16]).components_[2, 8] == 0


def test_statistics_can_be_read_but_not_written(signals):
    """Code for scikit-learn's class reads `_A` and `_B`, of the shapes that they have there."""
    learner = MiniBatchDictionaryLearning(5, batch_size=40, random_state=0)
    assert not hasattr(learner, "_A")
    learner.partial_fit(signals[:40])
    assert learner._A.shape == (5, 5) and learner._B.shape == (8, 5)
    np.testing.assert_allclose(learner._A, learner._A.T)
    # One batch, coded with the atoms before: a sum over its samples.
    first = MiniBatchDictionaryLearning(5, batch_size=40, max_iter=0, random_state=0)
    codes = sparse_encode(signals[:40], first.fit(signals[:40]).components_, alpha=1)
    np.testing.assert_allclose(learner._A, codes.T @ codes, atol=1e-9)
    np.testing.assert_allclose(learner._B, signals[:40].T @ codes, atol=1e-9)
    with pytest.raises(ValueError, match="read-only"):
        learner._A[0] = 1


def test_function_returns_codes_or_not(signals):
    settings = {"alpha": 0.2, "max_iter": 3, "batch_size": 40, "random_state": 0}
    code, atoms = dict_learning_online(signals, 12, **settings)
    only = dict_learning_online(signals, 12, return_code=False, **settings)
    np.testing.assert_array_equal(atoms, only)
    np.testing.assert_array_equal(code, sparse_encode(signals, atoms, alpha=0.2))
    assert dict_learning_online(signals, None, max_iter=1, return_code=False).shape == (8, 8)


def test_steps_and_passes_are_counted(signals):
    settings = {"batch_size": 50, "tol": 0, "max_no_improvement": None, "random_state": 0}
    learner = MiniBatchDictionaryLearning(4, max_iter=3, **settings).fit(signals)
    assert (learner.n_steps_, learner.n_iter_) == (9, 3) and type(learner.n_iter_) is int
    learner = MiniBatchDictionaryLearning(4, max_iter=0, **settings).fit(signals)
    assert (learner.n_steps_, learner.n_iter_) == (0, 0) and learner.components_.shape == (4, 8)


def test_it_stops_for_small_changes_or_no_improvement(signals):
    settings = {"batch_size": 10, "max_iter": 500, "random_state": 0}
    small = MiniBatchDictionaryLearning(4, tol=0.01, max_no_improvement=None, **settings)
    idle = MiniBatchDictionaryLearning(4, tol=0, max_no_improvement=3, **settings)
    assert 12 < small.fit(signals).n_steps_ < 6000
    assert 12 < idle.fit(signals).n_steps_ < 6000
    never = MiniBatchDictionaryLearning(4, tol=1e9, max_no_improvement=None, **settings)
    # The first pass is never the end.
    assert never.fit(signals).n_steps_ == 13


def test_shuffle_and_random_state(signals):
    def atoms(**options):
        learner = MiniBatchDictionaryLearning(4, batch_size=30, max_iter=2, tol=0, **options)
        return learner.fit(signals).components_

    np.testing.assert_array_equal(atoms(random_state=0), atoms(random_state=0))
    assert not np.array_equal(atoms(random_state=0), atoms(random_state=1))
    given = {"shuffle": False, "dict_init": np.eye(4, 8)}
    in_order = atoms(**given, random_state=0)
    np.testing.assert_array_equal(in_order, atoms(**given, random_state=1))
    np.testing.assert_array_equal(in_order, atoms(**given, random_state=1, n_jobs=2))


def test_partial_fit_goes_on(signals):
    fitted = MiniBatchDictionaryLearning(
        6, batch_size=40, max_iter=1, shuffle=False, dict_init=np.eye(6, 8)
    ).fit(signals)
    learner = MiniBatchDictionaryLearning(6, dict_init=np.eye(6, 8))
    for start in range(0, 120, 40):
        learner.partial_fit(signals[start : start + 40])
    assert learner.n_steps_ == 3 and not hasattr(learner, "n_iter_")
    np.testing.assert_allclose(learner.components_, fitted.components_, atol=1e-12)
    # Also after a fit, and in another process.
    again = pickle.loads(pickle.dumps(fitted)).partial_fit(signals[:40])
    learner.partial_fit(signals[:40])
    assert again.n_steps_ == 4
    np.testing.assert_allclose(learner.components_, again.components_, atol=1e-12)


def test_partial_fit_goes_on_from_atoms_that_were_set(signals):
    learner = MiniBatchDictionaryLearning(6, random_state=0).partial_fit(signals)
    learner.components_ = Dictionary.random(6, 8, random_state=5).atoms
    other = MiniBatchDictionaryLearning(6, dict_init=np.array(learner.components_))
    expected = other.partial_fit(signals).components_
    np.testing.assert_allclose(learner.partial_fit(signals).components_, expected)
    # Atoms that were changed in place were set, too.
    learner.components_[:] = other.components_[::-1]
    assert learner.partial_fit(signals).n_steps_ == 1
    # joblib loads the same array twice as two arrays: nothing was set, so learning goes on.
    learner.components_ = np.array(learner.components_)
    assert learner.partial_fit(signals).n_steps_ == 2


def test_an_interrupt_keeps_the_last_atoms(signals):
    def interrupt(known):
        if known["i"] == 3:
            raise KeyboardInterrupt

    options = {"tol": 0, "max_no_improvement": None, "random_state": 0, "shuffle": False}
    learner = MiniBatchDictionaryLearning(6, batch_size=40, callback=interrupt, **options)
    with pytest.raises(KeyboardInterrupt):
        learner.fit(np.concatenate([signals, signals])[:160])
    assert learner.n_steps_ == 4 and learner.n_iter_ == 1
    assert learner.transform(signals[:3]).shape == (3, 6)
    assert learner.partial_fit(signals).n_steps_ == 5


def test_float32_stays_and_nothing_is_written_to(signals):
    X, start = signals.astype(np.float32), np.eye(6, 8)
    X.flags.writeable = start.flags.writeable = False
    learner = MiniBatchDictionaryLearning(6, max_iter=2, dict_init=start, batch_size=30).fit(X)
    assert learner.components_.dtype == learner.transform(X).dtype == np.float32
    np.testing.assert_array_equal(start, np.eye(6, 8))


def test_callback_and_verbose(signals, capsys):
    seen = []
    settings = {"batch_size": 40, "max_iter": 2, "tol": 0, "max_no_improvement": None}
    MiniBatchDictionaryLearning(4, callback=seen.append, verbose=True, **settings).fit(signals)
    assert [known["i"] for known in seen] == list(range(6))
    assert seen[0]["X_batch"].shape == (40, 8) and seen[-1]["batch_cost"] > 0
    assert capsys.readouterr().out.count("[dict_learning] step") == 6


def test_no_iterations_of_coding_learn_nothing(signals):
    with pytest.raises(ValueError, match="transform_max_iter is 0"):
        MiniBatchDictionaryLearning(4, transform_max_iter=0).fit(signals)


WRONG = [
    {"n_components": 0},
    {"batch_size": 0},
    {"shuffle": 2},
    {"max_no_improvement": -1},
    {"tol": -1},
    {"positive_code": True},
    {"dict_init": "atoms"},
    {"fit_algorithm": "omp"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: next(iter(wrong)))
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_errors_are_those_of_scikit_learn(signals, wrong, method):
    got, expected = (
        raised(lambda c=cls: getattr(c(**wrong), method)(signals))
        for cls in (MiniBatchDictionaryLearning, THEIRS)
    )
    assert type(got) is type(expected)
    assert str(got).startswith(str(expected).split("{")[0].split(":")[0][:60])


def raised(call):
    try:
        call()
    except (TypeError, ValueError) as error:
        return error
    pytest.fail("accepted")
