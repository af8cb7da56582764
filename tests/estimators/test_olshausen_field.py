"""The learner: recovery, bounds, the same numbers again, interruption, callbacks."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sparsecode import Dictionary, OlshausenField, certify
from sparsecode.estimators import _filter_learning
from sparsecode.penalties import Cauchy

pytestmark = pytest.mark.needs_jit("learning takes thousands of iterations")


def sparse_data(rng, n_samples=600, n_components=8, n_features=8, n_active=1):
    """Codes of one or few strong coefficients on random atoms, total variance about 0.1."""
    truth = Dictionary.random(n_components, n_features, random_state=3)
    codes = np.zeros((n_samples, n_components))
    for row in codes:
        active = rng.choice(n_components, n_active, replace=False)
        row[active] = rng.laplace(size=n_active)
    X = codes @ truth.atoms
    return X * np.sqrt(0.1 / X.var()), truth


@pytest.fixture
def data(rng):
    return sparse_data(rng)[0]


def small(**options):
    options = {"n_components": 8, "n_epochs": 3, "random_state": 0} | options
    return OlshausenField(**options)


def same(one, other):
    return np.array_equal(one.components_, other.components_)


def test_recovers_planted_atoms(rng):
    X, truth = sparse_data(rng, n_samples=3000)
    model = OlshausenField(n_components=8, n_epochs=20, lr_end=0.3, random_state=0).fit(X)
    assert (model.dictionary_.match(truth).cosines > 0.98).all()


@pytest.mark.parametrize("scale", [1e-120, 0.1, 3.2, 1e3])
def test_data_of_another_scale_are_told_so(data, scale):
    """Root mean squares beyond 2.2 times the expected one, where atoms become copies."""
    message = rf"root mean square of {scale * np.sqrt(0.1):.3g}; expected about 0.316.* by "
    message += rf"{1 / scale:.3g}, or whiten"
    with pytest.warns(UserWarning, match=message.replace("+", r"\+")):
        small(n_epochs=1, lr=1e-3, lr_end=1e-3).partial_fit(data * scale)


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0])
def test_data_of_about_the_scale_are_not(data, scale):
    data = data * np.sqrt(0.1 / np.mean(data**2))
    small(n_epochs=1).fit(data * scale)
    # Units may be changed with the settings.
    small(n_epochs=1, variance_goal=10.0, sigma=3.16, noise_var=1.0).fit(10 * data)


def test_raw_photographs_are_told_so(rng):
    """Patches of values in [0, 1] have about the right scale, but a mean."""
    raw = rng.uniform(0, 1, (200, 9))
    with pytest.warns(UserWarning, match=r"X has a mean of 0\.5.*OlshausenFieldWhitening"):
        small(n_epochs=1).fit(raw)
    small(n_epochs=1).fit(raw - raw.mean())


def test_the_published_gain_rate_is_that_of_a_sample(data):
    slow, published = small(), small(gain_per_sample=True)
    batch = small(gain_rate=1 - (1 - 0.001) ** 100)
    for model in (slow, published, batch):
        model.fit(data)
    np.testing.assert_allclose(published.components_, batch.components_, rtol=1e-9)
    assert not same(slow, published)
    with pytest.raises(ValueError, match=r"gain_rate is 2; expected .* gain_rate <= 1"):
        small(gain_rate=2).fit(data)


def test_objective_falls_and_norms_stay_bounded(data):
    model = small(n_epochs=30).fit(data)
    objective = np.array(model.history_["objective"])
    assert objective[-20:].mean() < 0.9 * objective[:3].mean()
    lowest, highest = np.array(model.history_["norm_min"]), np.array(model.history_["norm_max"])
    assert (lowest > 0.05).all() and (highest < 20).all()
    np.testing.assert_allclose(model.dictionary_.norms.max(), highest[-1])
    seconds = model.history_["seconds"]
    assert (np.diff(seconds) >= 0).all()
    assert {len(values) for values in model.history_.values()} == {model.n_iter_}
    assert model.n_iter_ == 30 * 6


def test_same_seed_same_numbers_for_any_n_jobs(data):
    one, again, two = (small(n_jobs=n).fit(data) for n in (1, 1, 2))
    assert same(one, again) and same(one, two)
    assert one.history_["objective"] == two.history_["objective"]
    assert not same(one, small(random_state=1).fit(data))


def test_more_rows_than_a_block_for_any_n_jobs(rng):
    X = sparse_data(rng, n_samples=1400)[0]
    one, two = (small(batch_size=700, n_epochs=2, n_jobs=n).fit(X) for n in (1, 2))
    assert same(one, two)


def test_fit_transform_is_fit_then_transform(data):
    np.testing.assert_array_equal(small().fit_transform(data), small().fit(data).transform(data))


def test_transform_is_certified_and_score_is_its_objective(data):
    model = small().fit(data)
    codes = model.transform(data)
    penalty = Cauchy(alpha=0.01 * 2.2, sigma=0.316)
    certificate = certify(data, codes, model.dictionary_, penalty)
    assert certificate.relative_residual.max() < 2e-3
    assert model.score(data) == pytest.approx(-certificate.objective.mean())
    residual = data - model.inverse_transform(codes)
    assert (residual**2).sum() < 0.2 * (data**2).sum()


def test_partial_fit_goes_on(data):
    model = small().partial_fit(data[:300])
    first = model.dictionary_
    model.partial_fit(data[300:])
    assert model.n_iter_ == 6 and len(model.history_["objective"]) == 6
    assert not np.array_equal(model.components_, first.atoms)
    at_once = small().partial_fit(data[:300]).partial_fit(data[300:])
    assert same(model, at_once)


def test_partial_fit_after_pickling_goes_on_the_same(data):
    model = small().partial_fit(data)
    loaded = pickle.loads(pickle.dumps(model))
    assert same(model.partial_fit(data), loaded.partial_fit(data))


def test_fit_starts_again(data):
    model = small().fit(data)
    atoms = model.components_
    assert np.array_equal(model.fit(data).components_, atoms)
    assert model.n_iter_ == 18


@pytest.mark.parametrize("how", ["fit", "partial_fit"])
def test_an_interrupt_keeps_what_was_learned(data, how, monkeypatch):
    real = _filter_learning.alternate

    def interrupted(*args, **kwargs):
        for count, state in enumerate(real(*args, **kwargs)):
            if count == 4:
                raise KeyboardInterrupt
            yield state

    monkeypatch.setattr(_filter_learning, "alternate", interrupted)
    model = small()
    with pytest.raises(KeyboardInterrupt):
        getattr(model, how)(data)
    monkeypatch.undo()
    assert model.n_iter_ == 4 and len(model.history_["objective"]) == 4
    assert model.transform(data[:5]).shape == (5, 8)
    assert np.isfinite(model.score(data))
    model.partial_fit(data)
    assert model.n_iter_ == 10


def test_dict_init(data):
    start = Dictionary.random(5, 8, random_state=1)
    for dict_init in (start, start.atoms):
        model = OlshausenField(dict_init=dict_init, n_epochs=1, lr=1e-9, lr_end=1e-9).fit(data)
        assert model.dictionary_.match(start).cosines.min() > 1 - 1e-9
    assert model.components_.shape == (5, 8)


def test_float32(data):
    model = small().fit(data.astype(np.float32))
    assert model.components_.dtype == np.float32
    assert model.transform(data.astype(np.float32)).dtype == np.float32


def test_in_a_pipeline_and_a_grid_search(data):
    pytest.importorskip("pandas")
    model = make_pipeline(StandardScaler(with_std=False), small(n_epochs=1))
    out = model.set_output(transform="pandas").fit_transform(data)
    assert list(out.columns) == [f"olshausenfield{j}" for j in range(8)]
    search = GridSearchCV(small(n_epochs=1), {"beta": [1.0, 2.2]}, cv=2, n_jobs=2).fit(data)
    assert search.best_params_["beta"] == 1.0


def test_progress_bar(callbacks, data, capsys):
    pytest.importorskip("rich")
    small().set_callbacks(callbacks.ProgressBar()).fit(data)
    assert "OlshausenField" in capsys.readouterr().out


def test_scoring_monitor(callbacks, data):
    monitor = callbacks.ScoringMonitor(scoring={"score": lambda model, X, y: model.score(X)})
    model = small(n_epochs=4)
    # Without a `y`, scikit-learn's monitor computes no score.
    model.set_callbacks(monitor).fit(data, np.zeros(len(data)))
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == 4
    assert rows[-1]["score"] == pytest.approx(model.score(data))


def test_clone_forgets_what_was_learned(data):
    assert not hasattr(clone(small().fit(data)), "dictionary_")


@pytest.mark.filterwarnings("ignore:X has a root mean square")
@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_badly_scaled_data_is_finite_or_refused(data, scale):
    """Units far from the published ones: an answer, or an error that says what to do."""
    try:
        model = small().fit(scale * data)
    except FloatingPointError as error:
        assert "Lower the learning rate" in str(error)
    else:
        assert np.isfinite(model.components_).all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_components": 0}, "n_components is 0"),
        ({"n_epochs": 0}, "n_epochs is 0"),
        ({"batch_size": 1.5}, "batch_size is 1.5; expected an integer"),
        ({"lr": -1.0}, "lr is -1"),
        ({"beta": -1.0}, "beta is -1"),
        ({"sigma": 0}, "sigma is 0; expected sigma > 0"),
        ({"n_jobs": 0}, "n_jobs is 0"),
        ({"transform_tol": -1}, "transform_tol is -1"),
        ({"dict_init": np.ones((8, 3))}, r"dict_init has shape \(8, 3\); expected \(8, 8\)"),
        ({"dict_init": np.ones((3, 8))}, r"dict_init has shape \(3, 8\); expected \(8, 8\)"),
    ],
)
def test_errors_say_what_to_do(data, params, message):
    with pytest.raises(ValueError, match=message):
        small(**params).fit(data)
    with pytest.raises(ValueError, match=message):
        small(**params).partial_fit(data)


def test_a_refused_partial_fit_leaves_nothing_behind():
    X = np.random.default_rng(0).standard_normal((20, 6)) / 3
    for bounds in ((2, 1), None, (1,), "ab"):
        model = OlshausenField(4, gain_bounds=bounds, random_state=0)
        with pytest.raises(ValueError, match="bounds of GainControl"):
            model.partial_fit(X)
        assert model.set_params(gain_bounds=(0.9, 1.1)).partial_fit(X).n_iter_ == 1
