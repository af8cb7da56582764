"""DictionaryLearning: recovers planted atoms, in every way that samples can come."""

import copy
import itertools
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sparsecode import Dictionary, DictionaryLearning, SparseCoder, alpha_max
from sparsecode.constraints import NonNegative, UnitBall
from sparsecode.datasets import make_sparse_signals
from sparsecode.penalties import L1, ElasticNet, KSparse
from sparsecode.solvers import FISTA
from sparsecode.updates import BlockUpdate, GradientUpdate

pytestmark = pytest.mark.needs_jit("learning takes thousands of codes")


@pytest.fixture(scope="module")
def planted():
    return make_sparse_signals(1200, 12, 10, n_nonzero=2, random_state=0)


def learner(**changes):
    given = {"alpha": 0.1, "random_state": 0, "n_epochs": 30, **changes}
    return DictionaryLearning(12, **given)


def n_recovered(model, atoms):
    return (model.dictionary_.match(atoms).cosines > 0.98).sum()


@pytest.mark.parametrize("batch_size", [None, 100])
def test_recovers_planted_atoms(planted, batch_size):
    model = learner(batch_size=batch_size, n_epochs=100, tol=1e-5).fit(planted.X)
    assert n_recovered(model, planted.atoms) >= 10
    objective = model.history_["objective"]
    assert objective[-1] < 0.6 * objective[0]


def test_full_batch_objective_only_falls(planted):
    model = learner(solver=FISTA(tol=1e-9, max_iter=5000), replacement=None, tol=0).fit(planted.X)
    assert model.n_iter_ == model.n_epochs_ == 30
    assert (np.diff(model.history_["objective"]) <= 1e-8).all()


def test_score_is_minus_the_mean_objective(planted):
    model = learner(n_epochs=3).fit(planted.X)
    coder = SparseCoder(model.dictionary_, alpha=0.1).fit(planted.X)
    expected = coder.certify(planted.X).objective.mean()
    assert model.score(planted.X) == pytest.approx(-expected, rel=1e-9)
    np.testing.assert_array_equal(model.fit_transform(planted.X), model.transform(planted.X))


def test_history_says_what_happened(planted, monkeypatch):
    # A clock that is looked at before and after every batch.
    clock = itertools.count(10.0)
    monkeypatch.setattr("sparsecode.learning.time.perf_counter", lambda: next(clock))
    model = learner(batch_size=300, n_epochs=2).fit(planted.X)
    history = model.history_
    assert sorted(history) == ["dead_atoms", "l0", "objective", "seconds"]
    assert all(len(entries) == model.n_iter_ == 8 for entries in history.values())
    assert history["seconds"] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert 0 < history["l0"][-1] < 12


@pytest.mark.parametrize("batch_size", [None, 128])
def test_kinds_of_samples_are_alike(planted, batch_size, tmp_path):
    X = np.where(np.abs(planted.X) > 0.3, planted.X, 0)
    options = {"batch_size": batch_size, "n_epochs": 3, "shuffle": False}
    expected = learner(**options).fit(X)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    for other in (sparse.csr_array(X), sparse.csc_matrix(X), mapped, np.asfortranarray(X)):
        model = learner(**options).fit(other)
        np.testing.assert_allclose(model.components_, expected.components_, atol=1e-6)
    if batch_size:
        pieces = (X[start : start + 128] for start in range(0, len(X), 128))
        init = learner(**options).fit(X[:256]).dictionary_
        whole = learner(**{**options, "n_epochs": 1, "init": init}).fit(X)
        stream = learner(**options, init=init).fit(pieces)
        np.testing.assert_array_equal(stream.components_, whole.components_)
        part = learner(**options, init=init)
        for start in range(0, len(X), 128):
            part.partial_fit(X[start : start + 128])
        np.testing.assert_array_equal(part.components_, whole.components_)


def test_a_memory_map_is_shuffled_in_runs(planted, tmp_path):
    np.save(tmp_path / "X.npy", planted.X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    model = learner(batch_size=100, n_epochs=30, validation_fraction=0.1).fit(mapped)
    assert n_recovered(model, planted.atoms) >= 10


def test_float32_stays_and_arguments_are_not_written_to(planted):
    X = planted.X.astype(np.float32)
    start = Dictionary.from_samples(X, 12, random_state=1).atoms.copy()
    X.flags.writeable = start.flags.writeable = False
    for batch_size in (None, 200):
        model = learner(init=start, batch_size=batch_size, n_epochs=2).fit(X)
        assert model.components_.dtype == np.float32 == model.transform(X).dtype


@pytest.mark.parametrize("batch_size", [None, 200])
def test_threads_do_not_matter(planted, batch_size):
    one, two = (learner(batch_size=batch_size, n_epochs=3, n_jobs=n).fit(planted.X) for n in (1, 2))
    np.testing.assert_array_equal(one.components_, two.components_)
    assert one.history_["objective"] == two.history_["objective"]


@pytest.mark.parametrize(
    ("batch_size", "update"),
    # The exponent of forgetting that None chooses depends on the number of samples.
    [(None, None), (1200, BlockUpdate(forgetting=5.0))],
)
def test_weights_are_repetitions(planted, batch_size, update):
    X, weight = planted.X[:400], np.arange(400) % 3
    options = {"batch_size": batch_size, "n_epochs": 4, "shuffle": False, "update": update}
    start = Dictionary.random(12, 10, random_state=0)
    options["init"] = start
    weighted = learner(**options).fit(X, sample_weight=weight)
    repeated = learner(**options).fit(np.repeat(X, weight, axis=0))
    np.testing.assert_allclose(weighted.components_, repeated.components_, atol=1e-7)
    np.testing.assert_allclose(weighted.history_["objective"], repeated.history_["objective"])


def test_early_stopping_keeps_the_best(planted):
    model = learner(
        batch_size=50, validation_fraction=0.1, tol=1e-3, patience=2, update=GradientUpdate(8.0)
    ).fit(planted.X)
    held = model.history_["validation"]
    assert len(held) == model.n_epochs_ + 1
    # The same split again: the kept dictionary has the lowest of all held-out objectives.
    rng = np.random.RandomState(0)
    rows = np.sort(rng.permutation(1200)[:120])
    assert -model.score(planted.X[rows]) == pytest.approx(min(held), rel=1e-3)
    # The best is not the last one, and learning continues from the best.
    assert held[-1] > min(held)
    assert model._state.dictionary is model.dictionary_
    assert model._state.n_iter == model.n_iter_ == len(model.history_["objective"])


def test_tol_stops_and_zero_does_not(planted):
    assert learner(tol=0.05).fit(planted.X).n_epochs_ < 30
    assert learner(tol=0, n_epochs=12).fit(planted.X).n_epochs_ == 12


def test_warm_start_goes_on(planted):
    model = learner(n_epochs=5, warm_start=True, tol=0)
    first = model.fit(planted.X).history_["objective"][-1]
    objectives = model.fit(planted.X).history_["objective"]
    assert model.n_epochs_ == model.n_iter_ == len(objectives) == 10
    assert objectives[5] < first
    long = learner(n_epochs=10, tol=0).fit(planted.X)
    np.testing.assert_allclose(model.components_, long.components_, atol=1e-8)


def test_warm_start_of_a_stream_goes_on(planted):
    model = learner(n_epochs=5, warm_start=True).fit(planted.X)
    before = model.components_
    model.fit(iter([planted.X]))
    assert model.n_iter_ == len(model.history_["objective"]) == 6
    assert 0 < np.abs(model.components_ - before).max() < 0.1


def test_warm_start_with_other_parameters(planted):
    model = learner(n_epochs=1, warm_start=True).fit(planted.X)
    with pytest.raises(ValueError, match="n_components is 13, but warm_start=True continues from"):
        model.set_params(n_components=13).fit(planted.X)
    with pytest.raises(ValueError, match="X has 9 features"):
        model.set_params(n_components=12).fit(planted.X[:, :9])
    # What was learned is still there.
    assert model.transform(planted.X[:2]).shape == (2, 12)
    model.set_params(constraint=NonNegative()).fit(planted.X)
    assert (model.components_ >= 0).all()


@pytest.mark.parametrize("batch_size", [None, 800])
def test_early_stopping_of_a_memory_map_in_one_run(planted, batch_size, tmp_path):
    np.save(tmp_path / "X.npy", planted.X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    model = learner(batch_size=batch_size, validation_fraction=0.1, n_epochs=5).fit(mapped)
    held = model.history_["validation"]
    assert len(held) == model.n_epochs_ + 1 and held[-1] < held[0]


@pytest.mark.parametrize(
    "constraint, penalty",
    [(UnitBall(), L1), (NonNegative(), L1(positive=True)), (None, ElasticNet(l1_ratio=0.8))],
)
def test_constraints_hold(planted, constraint, penalty):
    X = np.abs(planted.X)
    model = learner(constraint=constraint, penalty=penalty, n_epochs=5).fit(X)
    atoms = model.components_
    np.testing.assert_allclose(model.dictionary_.constraint.project(atoms), atoms, atol=1e-12)
    if isinstance(constraint, NonNegative):
        assert (atoms >= 0).all() and (model.transform(X) >= 0).all()


def test_k_sparse_codes(planted):
    model = learner(penalty=KSparse(2), alpha=1.0, n_epochs=20).fit(planted.X)
    assert (np.count_nonzero(model.transform(planted.X), axis=1) <= 2).all()
    assert n_recovered(model, planted.atoms) >= 10


def test_missing_entries_are_left_out(planted, rng):
    X = planted.X.copy()
    X[rng.uniform(size=X.shape) < 0.2] = np.nan
    model = learner(missing="mask", batch_size=200, n_epochs=40).fit(X)
    assert n_recovered(model, planted.atoms) >= 9
    filled = model.inverse_transform(model.transform(X))
    gone = np.isnan(X)
    assert np.mean((filled - planted.X)[gone] ** 2) < 0.35 * np.mean(planted.X[gone] ** 2)
    with pytest.raises(ValueError, match="NaN"):
        learner().fit(X)


def test_offset_of_the_first_dictionary_is_kept(planted):
    start = Dictionary.random(12, 10, random_state=0).replace(offset=np.full(10, 3.0))
    model = learner(init=start, n_epochs=5).fit(planted.X + 3)
    plain = learner(init=start.atoms, n_epochs=5).fit(planted.X)
    np.testing.assert_array_equal(model.dictionary_.offset, start.offset)
    np.testing.assert_allclose(model.components_, plain.components_, atol=1e-6)


def test_dead_atoms_come_back(planted):
    # A feature without signal, and half of the atoms there.
    X = np.hstack([planted.X, np.zeros((len(planted.X), 1))])
    start = Dictionary.random(12, 11, random_state=0).atoms.copy()
    start[:, 10] = 0
    start[6:] = np.eye(11)[10]
    stuck = learner(init=start, replacement=None, batch_size=100).fit(X)
    np.testing.assert_array_equal(stuck.components_[6:], start[6:])
    assert stuck.history_["dead_atoms"][-1] == 6
    revived = learner(init=start, batch_size=100).fit(X)
    assert revived.history_["dead_atoms"][-1] == 0
    assert revived.history_["objective"][-1] < 0.8 * stuck.history_["objective"][-1]


def test_grid_search_over_alpha_and_components(planted):
    grid = {"alpha": [0.05, 0.1], "n_components": [6, 12]}
    search = GridSearchCV(learner(n_epochs=3, batch_size=200), grid, cv=2).fit(planted.X)
    assert search.best_params_["n_components"] == 12


def test_scoring_monitor_and_verbose(callbacks, planted, capsys):
    monitor = callbacks.ScoringMonitor(scoring={"score": lambda model, X, y: model.score(X)})
    learner(n_epochs=3, verbose=True, tol=0).set_callbacks(monitor).fit(planted.X)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and lines[0].startswith("epoch 1: objective ")
    assert [entry["score"] < 0 for entry in monitor.get_logs().data] == [True] * 4


def test_an_interrupt_keeps_the_last_dictionary(planted, monkeypatch):
    class Interrupting(BlockUpdate):
        def step(self, dictionary, stats, *, n_jobs=None):
            if stats.n_seen >= 400:
                raise KeyboardInterrupt
            return super().step(dictionary, stats, n_jobs=n_jobs)

    model = learner(batch_size=200, update=Interrupting())
    with pytest.raises(KeyboardInterrupt):
        model.fit(planted.X)
    assert model.n_iter_ == 2 and model.transform(planted.X[:3]).shape == (3, 12)


def test_fewer_samples_than_atoms(planted):
    model = learner(n_epochs=3).fit(planted.X[:5])
    np.testing.assert_allclose(model.dictionary_.norms, 1)


def test_zero_samples_and_constant_features(planted):
    X = planted.X[:200].copy()
    X[::2], X[:, 3], X[:, 4] = 0, 0, 7.0
    model = learner(n_epochs=3, batch_size=50).fit(X)
    assert np.isfinite(model.components_).all()
    assert (model.transform(X[::2]) != 0).sum() == model.transform(X[::2]).astype(bool).sum()


def test_alpha_that_is_too_large_is_told(planted):
    with pytest.warns(
        ConvergenceWarning, match=r"Every code is zero: alpha is 1000, and alpha_max"
    ):
        model = learner(alpha=1000.0).fit(planted.X)
    largest = alpha_max(planted.X, model.dictionary_)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = learner(alpha=0.5 * largest, n_epochs=1, warm_start=True).fit(planted.X)
    with pytest.warns(ConvergenceWarning, match="Every code is zero"):
        model.set_params(alpha=1000.0).fit(planted.X)
    with pytest.warns(ConvergenceWarning, match="Every code is zero"):
        learner(alpha=1000.0).fit(iter([planted.X]))
    with pytest.warns(ConvergenceWarning, match="alpha_max is 0.*Check X: it is zero"):
        learner(n_epochs=1).fit(np.zeros((5, 4)))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"alpha": -1}, "alpha is -1; expected alpha >= 0"),
        ({"n_epochs": 0}, "n_epochs is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"tol": -1e-3}, "tol is -0.001"),
        ({"validation_fraction": 0}, "validation_fraction is 0"),
        ({"validation_fraction": 1.0}, "validation_fraction is 1.0; expected a number above 0 and"),
        ({"validation_fraction": 1e-6}, "at least one sample to hold out"),
        ({"missing": "nan"}, "missing is 'nan'; expected None or 'mask'"),
        ({"init": "zeros"}, "init is 'zeros'; expected one of 'samples'"),
        ({"init": None}, "init is None; expected one of 'samples'"),
        ({"init": np.eye(3)}, r"init has atoms of shape \(3, 3\); expected \(12, 10\)"),
        ({"verbose": -1}, "verbose is -1"),
        ({"shuffle": "yes"}, "shuffle is 'yes'"),
    ],
)
def test_bad_parameters(planted, changes, message):
    with pytest.raises(ValueError, match=message):
        learner(**changes).fit(planted.X)


@pytest.mark.parametrize("method", ["fit", "stream"])
@pytest.mark.parametrize(
    "changes", [{"init": np.eye(3)}, {"init": "zeros"}, {"constraint": "unit"}, {"n_components": 1}]
)
def test_a_fit_that_fails_at_once_leaves_the_model_as_it_was(planted, changes, method):
    model = learner(n_epochs=1).fit(planted.X)
    codes, history = model.transform(planted.X), copy.deepcopy(model.history_)
    wrong = planted.X[:, :5]
    if changes == {"n_components": 1}:
        # The samples themselves are wrong, after their number of features was seen.
        changes, wrong = {}, np.full((4, 5), np.nan)
    parameters = {name: getattr(model, name) for name in changes}
    with pytest.raises((ValueError, TypeError)):
        model.set_params(**changes).fit(wrong if method == "fit" else iter([wrong]))
    assert model.n_features_in_ == 10 and model.history_ == history
    np.testing.assert_array_equal(model.set_params(**parameters).transform(planted.X), codes)
    model.partial_fit(planted.X)
    # One that was not fitted is still not.
    model = learner(**changes)
    with pytest.raises((ValueError, TypeError)):
        model.partial_fit(wrong)
    assert not hasattr(model, "n_features_in_")


@pytest.mark.parametrize("name", ["update", "replacement", "penalty", "solver"])
def test_wrong_objects(planted, name):
    with pytest.raises(TypeError, match=f"{name} is 'best'; expected"):
        learner(**{name: "best"}).fit(planted.X)


def test_partial_fit_sees_parameters_that_have_changed(planted):
    model = learner(batch_size=400).partial_fit(planted.X).partial_fit(planted.X)
    assert model.n_iter_ == 6
    model.set_params(batch_size=200).partial_fit(planted.X)
    assert model.n_iter_ == 12
    model.set_params(penalty=L1(positive=True)).partial_fit(planted.X)
    assert model.transform(planted.X).min() == 0
    with pytest.raises(ValueError, match="tol is -1"):
        model.set_params(tol=-1).partial_fit(planted.X)


def test_bad_samples(planted):
    X = planted.X
    with pytest.raises(ValueError, match=r"10 features|expecting 10"):
        learner(n_epochs=1).partial_fit(X).partial_fit(X[:, :9])
    with pytest.raises(ValueError, match="sample_weight"):
        learner().fit(X, sample_weight=-np.ones(len(X)))
    with pytest.raises(ValueError, match="sample_weight is zero for all samples; expected"):
        learner().fit(X, sample_weight=np.zeros(len(X)))
    with pytest.raises(ValueError, match="validation_fraction is given with an iterator"):
        learner(validation_fraction=0.1).fit(iter([X]))
    with pytest.raises(ValueError, match="gave no batch"):
        learner().fit(iter([]))
    with pytest.raises(ValueError, match="one sample to hold out"):
        learner(validation_fraction=0.1).fit(X[:2])


def test_nan_in_a_memory_map_is_found_when_read(planted, tmp_path):
    X = planted.X.copy()
    X[700, 3] = np.nan
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    model = learner(batch_size=100, shuffle=False, init="random")
    with pytest.raises(ValueError, match="NaN"):
        model.fit(mapped)
    assert model.n_iter_ == 7
