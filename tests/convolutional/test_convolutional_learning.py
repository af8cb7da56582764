"""Convolutional learning: planted atoms, statistics, steps on atoms, and the estimators."""

import numpy as np
import pytest
from planted import found_again, planted
from scipy.signal import convolve
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from sparsecode import alpha_max
from sparsecode._convolution.codes import Events
from sparsecode.convolutional import (
    ConvolutionalDictionary,
    ConvolutionalDictionaryLearning,
    ConvolutionalSparseCoder,
    LocallyGreedy,
)
from sparsecode.convolutional._atom_updates import updated_atoms, window_of
from sparsecode.convolutional._statistics import Statistics
from sparsecode.penalties import L1


class CoderOfRandomAtoms(ConvolutionalSparseCoder):
    """A coder whose atoms fit the data, for checks that know nothing of atoms."""

    def __init__(self, alpha=1.0):
        super().__init__(np.random.default_rng(0).standard_normal((3, 1, 1)), alpha=alpha)


def not_meant(estimator):
    """Checks that take the length of a signal for its number of features."""
    names = ["n_features_in", "n_features_in_after_fitting", "transformer_general"]
    names += ["transformer_general(readonly_memmap=True)"]
    return {f"check_{name}": "signals may be of any length" for name in names}


@parametrize_with_checks(
    [ConvolutionalDictionaryLearning(2, 1, n_epochs=2, random_state=0), CoderOfRandomAtoms()],
    expected_failed_checks=not_meant,
)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def coded(shape=(300,), support=(12,), n_channels=2):
    X, dictionary = planted(0, shape, support, n_channels)
    codes = LocallyGreedy().solve(X, dictionary, L1(0.1 * alpha_max(X, dictionary))).codes
    planes = X if len(shape) == 2 else X[..., None]
    events = [Events.of_array(code if len(shape) == 2 else code[..., None]) for code in codes]
    return X, planes, dictionary, codes, events


def fit_of(atoms, statistics, planes):
    """Sum over signals of ``1/2 ||x - sum_k z_k * d_k||^2``, by convolutions of SciPy."""
    total = 0.5 * sum(np.vdot(x, x) for x in planes)
    for k, atom in enumerate(atoms):
        around = [
            sum(convolve(products, other[c], "valid", method="direct")
                for products, other in zip(statistics.products[k], atoms, strict=True))
            for c in range(len(atom))
        ]  # fmt: skip
        total += 0.5 * np.vdot(atom, around) - np.vdot(atom, statistics.correlations[k])
    return total


@pytest.mark.parametrize("shape", [(300,), (30, 31)])
def test_the_fit_of_statistics_is_that_of_the_signals(shape):
    support, n_channels = ((12,), 2) if len(shape) == 1 else ((5, 6), 1)
    X, planes, dictionary, codes, events = coded(shape, support, n_channels)
    total = Statistics.none(dictionary.planes.shape)
    for x, one in zip(planes, events, strict=True):
        total = total.plus(Statistics.of_signal(x, one, dictionary.planes.shape))
    for seed in range(2):
        other = np.random.default_rng(seed).standard_normal(dictionary.planes.shape)
        shaped = other if len(shape) == 2 else other[..., 0]
        residual = X - ConvolutionalDictionary(shaped).decode(codes)
        np.testing.assert_allclose(
            fit_of(other, total, planes), 0.5 * (residual**2).sum(), rtol=1e-10
        )


@pytest.mark.parametrize("rank1", [False, True])
@pytest.mark.parametrize("windowed", [False, True])
def test_a_step_on_atoms_lowers_the_fit(rank1, windowed):
    _, planes, dictionary, _, events = coded()
    shape = dictionary.planes.shape
    total = Statistics.none(shape)
    for x, one in zip(planes, events, strict=True):
        total = total.plus(Statistics.of_signal(x, one, shape))
    window = window_of(shape[2:]) if windowed else None
    atoms = np.random.default_rng(0).standard_normal((3, 2, 1, 1)) * np.ones(shape)
    atoms = atoms * (1 if window is None else window) / 10
    values = [fit_of(atoms, total, planes)]
    for _ in range(5):
        atoms = updated_atoms(atoms, total, n_sweeps=1, n_steps=30, rank1=rank1, window=window)
        values.append(fit_of(atoms, total, planes))
    assert (np.diff(values) <= 1e-9 * values[0]).all() and values[-1] < 0.9 * values[0]
    assert (np.linalg.norm(atoms.reshape(3, -1), axis=1) <= 1 + 1e-9).all()
    if rank1:
        for atom in atoms[..., 0]:
            assert np.linalg.svd(atom, compute_uv=False)[1] < 1e-9


def test_a_full_step_is_the_constrained_minimum():
    _, planes, dictionary, _, events = coded()
    shape = dictionary.planes.shape
    total = Statistics.none(shape)
    for x, one in zip(planes, events, strict=True):
        total = total.plus(Statistics.of_signal(x, one, shape))
    atoms = updated_atoms(
        dictionary.planes, total, n_sweeps=200, n_steps=200, rank1=False, window=None
    )
    best = fit_of(atoms, total, planes)
    rng = np.random.default_rng(0)
    for _ in range(20):
        other = atoms + 1e-3 * rng.standard_normal(shape)
        norms = np.linalg.norm(other.reshape(len(other), -1), axis=1)
        other /= np.maximum(norms, 1).reshape(-1, 1, 1, 1)
        assert fit_of(other, total, planes) > best - 1e-9


@pytest.mark.parametrize("init", ["samples", "greedy"])
@pytest.mark.parametrize(
    ("shape", "support", "n_channels", "density"),
    [((2000,), (40,), 1, 0.01), ((2000,), (40,), 5, 0.01), ((80, 80), (10, 10), 1, 0.004)],
)
def test_planted_atoms_are_found(shape, support, n_channels, density, init):
    X, truth = planted(0, shape, support, n_channels, density=density)
    size = support if len(support) == 2 else support[0]
    learner = ConvolutionalDictionaryLearning(
        3, size, alpha=0.1 * alpha_max(X, truth), init=init, random_state=0
    ).fit(X)
    assert found_again(truth, learner.dictionary_).min() > 0.96
    values = learner.history_["objective"]
    assert values[-1] < values[0] and len(values) >= learner.n_iter_


def test_sources_seen_by_many_sensors():
    X, truth = planted(1, (2000,), (40,), 8)
    learner = ConvolutionalDictionaryLearning(
        3, 40, alpha=0.1 * alpha_max(X, truth), rank1=True, init="greedy", random_state=0
    ).fit(X)
    assert found_again(truth, learner.dictionary_).min() > 0.97
    for atom in learner.components_:
        assert np.linalg.svd(atom, compute_uv=False)[1] < 1e-9


def test_segments_of_a_recording():
    X, truth = planted(0, (6000,), (40,))
    learner = ConvolutionalDictionaryLearning(
        3, 40, alpha=0.1 * alpha_max(X, truth), random_state=0
    )
    for segment in np.split(X[0], 12, axis=-1):
        learner.partial_fit(segment[None])
    assert learner.n_iter_ == 12
    assert found_again(truth, learner.dictionary_).min() > 0.9
    with pytest.raises(ValueError, match="number of channels of signal 0 of X is 2; expected 1"):
        learner.partial_fit(np.ones((1, 2, 100)))


def test_batches_of_signals():
    X, truth = planted(0, (6000,), (40,))
    parts = np.stack(np.split(X[0], 12, axis=-1))
    learner = ConvolutionalDictionaryLearning(
        3, 40, alpha=0.1 * alpha_max(X, truth), batch_size=3, n_epochs=5, random_state=0
    ).fit(parts)
    assert found_again(truth, learner.dictionary_).min() > 0.95


def test_missing_entries_do_not_disturb():
    X, truth = planted(0, (3000,), (40,))
    X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    learner = ConvolutionalDictionaryLearning(
        3,
        40,
        alpha=0.1 * alpha_max(X, truth, missing=True),
        missing="mask",
        init="greedy",
        random_state=0,
    ).fit(X)
    assert found_again(truth, learner.dictionary_).min() > 0.95


@pytest.mark.parametrize("shape", [(60,), (20, 22)])
def test_atoms_may_stick_out_of_a_signal_that_is_zero_outside(shape):
    rng = np.random.default_rng(0)
    support = (7,) if len(shape) == 1 else (4, 5)
    dictionary = ConvolutionalDictionary.random(3, support, random_state=0)
    X = rng.standard_normal((2, 1, *shape))
    coder = ConvolutionalSparseCoder(dictionary, alpha=0.3, boundary="zero").fit(X)
    codes = coder.transform(X)
    assert codes.shape == (2, 3, *(n + m - 1 for n, m in zip(shape, support, strict=True)))
    around = [(0, 0), (0, 0), *((m - 1, m - 1) for m in support)]
    padded = ConvolutionalSparseCoder(dictionary, alpha=0.3).fit(np.pad(X, around))
    np.testing.assert_array_equal(codes, padded.transform(np.pad(X, around)))
    assert coder.inverse_transform(codes).shape == X.shape


def test_the_coder_says_what_it_did():
    X, dictionary = planted(0, (400,), (20,))
    coder = ConvolutionalSparseCoder(dictionary, alpha=0.1).fit(X)
    codes = coder.transform(X)
    np.testing.assert_array_equal(coder.inverse_transform(codes), dictionary.decode(codes))
    certificate = coder.certify(X)
    assert certificate.relative_gap.max() < 1.1e-4
    np.testing.assert_allclose(coder.score_samples(X), -certificate.objective)
    np.testing.assert_allclose(coder.score(X), -certificate.objective.mean())
    np.testing.assert_array_equal(coder.components_, dictionary.atoms)
    sparse = clone(coder).set_params(sparse_output=True).fit(X)
    rows = sparse.transform([X[0], X[1][:, :300]])
    assert [row.shape for row in rows] == [(381, 3), (281, 3)]


def test_given_first_atoms():
    X, truth = planted(0, (500,), (20,))
    learner = ConvolutionalDictionaryLearning(3, 20, alpha=0.1, init=truth, n_epochs=1).fit(X)
    assert found_again(truth, learner.dictionary_).min() > 0.95
    with pytest.raises(ValueError, match="init is atoms of shape"):
        ConvolutionalDictionaryLearning(2, 20, init=truth).fit(X)


def test_an_interrupt_keeps_the_last_atoms(monkeypatch):
    X, truth = planted(0, (1000,), (20,))
    learner = ConvolutionalDictionaryLearning(3, 20, alpha=0.1, random_state=0)
    once = clone(learner).set_params(n_epochs=2).fit(X)
    from sparsecode.convolutional import _learning_run

    calls = []

    def interrupted(*arguments, **options):
        calls.append(1)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    original = _learning_run.LearningRun._step
    monkeypatch.setattr(_learning_run.LearningRun, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        learner.fit(X)
    assert learner.n_iter_ == 2
    assert learner.dictionary_ == once.dictionary_
    assert truth.n_components == len(learner.components_)


def test_a_quiet_segment_changes_nothing():
    X, _ = planted(0, (2000,), (20,))
    learner = ConvolutionalDictionaryLearning(3, 20, alpha=0.3, random_state=0).fit(X)
    before = learner.components_.copy()
    learner.partial_fit(1e-3 * X[:1])
    np.testing.assert_array_equal(learner.components_, before)
    # What fit saw is remembered.
    learner.partial_fit(X[:1, :, :500])
    cosines = (learner.components_ * before).sum(axis=(1, 2))
    assert cosines.min() > 0.9


def test_recordings_that_are_mostly_silent():
    x = np.zeros((1, 1, 5000))
    x[..., 2000:2010] = np.random.default_rng(0).standard_normal(10)
    learner = ConvolutionalDictionaryLearning(2, 8, alpha=0.3, random_state=0).fit(x)
    assert np.isfinite(learner.components_).all() and learner.history_["l0"][-1] > 0
    large = ConvolutionalDictionaryLearning(2, 8, alpha=0.3e130, random_state=0).fit(1e130 * x)
    np.testing.assert_allclose(large.components_, learner.components_, atol=1e-3)


@pytest.mark.parametrize("init", ["samples", "greedy"])
def test_every_atom_is_of_rank_1(init):
    X = np.random.default_rng(0).standard_normal((3, 5, 80))
    learner = ConvolutionalDictionaryLearning(
        4, 8, rank1=True, alpha=6.0, n_epochs=4, tol=0.0, init=init, random_state=0
    ).fit(X)
    assert len(learner.components_) == 4
    for atom in learner.components_:
        assert np.linalg.svd(atom, compute_uv=False)[1] < 1e-9


def test_a_growing_number_of_atoms():
    X, _ = planted(0, (1000,), (20,))
    learner = ConvolutionalDictionaryLearning(6, 20, alpha=0.1, init="greedy", n_epochs=3)
    with pytest.raises(ValueError, match="n_epochs is 3, which is 3 steps; expected at least 6"):
        learner.fit(X)
    weights = L1(weights=np.linspace(1, 2, 6))
    learner.set_params(penalty=weights, n_epochs=7, tol=0.0).fit(X)
    assert len(learner.components_) == 6


def test_other_parameters_in_a_later_call():
    X, _ = planted(0, (500,), (20,))
    learner = ConvolutionalDictionaryLearning(2, 20, alpha=0.1).partial_fit(X)
    with pytest.raises(ValueError, match="as in earlier calls"):
        learner.set_params(support=10).partial_fit(X)
    with pytest.raises(ValueError, match="as in earlier calls"):
        learner.set_params(support=20, n_components=1).partial_fit(X)


def test_float32_stays():
    X, _ = planted(0, (500,), (20,))
    learner = ConvolutionalDictionaryLearning(2, 20, alpha=0.1, n_epochs=2)
    learner.fit(X.astype(np.float32))
    assert learner.components_.dtype == np.float32
    assert learner.transform(X.astype(np.float32)).dtype == np.float32


def test_lists_of_sparse_codes_are_decoded():
    X, dictionary = planted(0, (400,), (20,))
    coder = ConvolutionalSparseCoder(dictionary, alpha=0.1, sparse_output=True).fit(X)
    parts = [X[0], X[1][:, :300]]
    for part, x_hat in zip(parts, coder.inverse_transform(coder.transform(parts)), strict=True):
        dense = ConvolutionalSparseCoder(dictionary, alpha=0.1).fit(part[None])
        expected = dense.inverse_transform(dense.transform(part[None]))[0]
        np.testing.assert_allclose(x_hat, expected)
    images, filters = planted(0, (20, 20), (5, 5))
    coder = ConvolutionalSparseCoder(filters, alpha=0.1, sparse_output=True).fit(images)
    with pytest.raises(ValueError, match="list of sparse arrays, of images"):
        coder.inverse_transform(coder.transform(images))
    edge = ConvolutionalSparseCoder(dictionary, boundary="zero").fit(X)
    with pytest.raises(ValueError, match="number of positions of codes"):
        edge.inverse_transform(np.zeros((1, 3, 3)))


def test_images_whose_channels_come_last():
    with pytest.raises(ValueError, match="channels seem to come last"):
        ConvolutionalDictionaryLearning(2, (5, 5)).fit(np.ones((3, 20, 30, 3)))


def test_verbose(capsys):
    X, _ = planted(0, (300,), (20,))
    ConvolutionalDictionaryLearning(2, 20, alpha=0.1, n_epochs=2, tol=0, verbose=True).fit(X)
    assert capsys.readouterr().out.startswith("epoch 1: objective ")


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_components": 0}, ValueError, "n_components"),
        ({"support": 0}, ValueError, "support"),
        ({"support": (2, 2, 2)}, ValueError, "support.*a height and a width"),
        ({"support": 400}, ValueError, "at least the size of an atom"),
        ({"alpha": 0.0}, ValueError, "alpha"),
        ({"boundary": "wrap"}, ValueError, "boundary.*valid"),
        ({"init": "best"}, ValueError, "init.*greedy"),
        ({"penalty": L1(0.0)}, ValueError, "above 0 for every atom"),
        ({"solver": 3}, TypeError, "solver.*LocallyGreedy"),
        ({"missing": "drop"}, ValueError, "missing"),
    ],
)
def test_wrong_parameters(parameters, error, message):
    learner = ConvolutionalDictionaryLearning(2, 20)
    with pytest.raises(error, match=message):
        learner.set_params(**parameters).fit(np.ones((1, 1, 300)))
    assert not hasattr(learner, "dictionary_")


def test_signals_of_nothing_but_zero():
    with pytest.raises(ValueError, match="largest entry of X is 0"):
        ConvolutionalDictionaryLearning(2, 20).fit(np.zeros((1, 1, 300)))
