"""Noise in training: its kinds, that the target stays clean, that runs can be repeated."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.encoders import ReLU
from sparsecode.losses import AutoencoderLoss
from sparsecode.optimizers import LBFGS
from sparsecode.training import GaussianNoise, MaskingNoise, SaltAndPepper, train

NOISES = [GaussianNoise(0.3), MaskingNoise(0.3), SaltAndPepper(0.3)]
noises = pytest.mark.parametrize("noise", NOISES, ids=repr)


@noises
def test_samples_are_copied_in_their_dtype(rng, noise):
    X = rng.standard_normal((50, 4)).astype(np.float32)
    X.flags.writeable = False
    noisy = noise(X, np.random.default_rng(0))
    assert noisy.dtype == np.float32 and noisy.shape == X.shape
    assert not np.array_equal(noisy, X)
    np.testing.assert_array_equal(noisy, noise(X, np.random.default_rng(0)))


@noises
def test_no_noise_is_none(rng, noise):
    X = rng.standard_normal((50, 4))
    none = type(noise)(0.0)
    np.testing.assert_array_equal(none(X, np.random.default_rng(0)), X)


def test_gaussian_noise_has_its_scale(rng):
    X = rng.standard_normal((20_000, 2))
    added = GaussianNoise(0.3)(X, np.random.default_rng(0)) - X
    np.testing.assert_allclose(added.std(axis=0), 0.3, rtol=0.02)
    np.testing.assert_allclose(added.mean(axis=0), 0, atol=0.01)


def test_masks_and_extremes_have_their_probability(rng):
    X = rng.uniform(1, 2, size=(20_000, 2))
    masked = MaskingNoise(0.3)(X, np.random.default_rng(0))
    assert (masked == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert ((masked == 0) | (masked == X)).all()
    noisy = SaltAndPepper(0.3)(X, np.random.default_rng(0))
    for value in (X.min(), X.max()):
        assert (noisy == value).mean() == pytest.approx(0.15, abs=0.01)


@pytest.mark.parametrize(
    "noise", [GaussianNoise(-1.0), MaskingNoise(1.5), SaltAndPepper(-0.1)], ids=repr
)
def test_numbers_out_of_range_are_refused(noise):
    with pytest.raises(ValueError, match=r"scale|probability"):
        noise(np.ones((1, 1)), np.random.default_rng(0))


@pytest.fixture
def problem(rng):
    return rng.standard_normal((40, 4)), Dictionary.random(6, 4, random_state=0)


def test_the_encoder_reads_noise_and_the_loss_the_clean_samples(problem):
    X, dictionary = problem
    seen = []

    def corrupt(batch, rng):
        seen.append(batch.copy())
        return np.zeros_like(batch)

    options = {"loss": AutoencoderLoss(), "batch_size": 8, "n_epochs": 1, "shuffle": False}
    *_, last = train(ReLU(), dictionary, X, corrupt=corrupt, X_val=X, **options)
    np.testing.assert_array_equal(np.concatenate(seen), X)
    # Zeros tell the encoder nothing, so all that is lost is the clean samples themselves, as long
    # as the bias is 0: up to the first step.
    *_, only = train(ReLU(), dictionary, X[:8], corrupt=corrupt, **options)
    assert only.history["fit"][0] == pytest.approx((X[:8] ** 2).sum(axis=1).mean() / 2)
    # Samples to judge by are not corrupted.
    codes = ReLU().bind(last.params).encode(X, dictionary)
    clean = (dictionary.residual(X, codes) ** 2).sum(axis=1).mean() / 2
    assert last.history["validation"][0] == pytest.approx(clean)


@noises
def test_a_run_goes_on_bit_by_bit(problem, noise):
    X, dictionary = problem
    options = {"loss": AutoencoderLoss(), "batch_size": 8, "corrupt": noise, "random_state": 0}
    *_, whole = train(ReLU(), dictionary, X, n_epochs=3, **options)
    *_, first = train(ReLU(), dictionary, X, n_epochs=1, **options)
    *_, rest = train(ReLU(), dictionary, X, n_epochs=3, state=first, **options)
    for name in whole.params:
        np.testing.assert_array_equal(rest.params[name], whole.params[name])
    *_, other = train(ReLU(), dictionary, X, n_epochs=3, **{**options, "random_state": 1})
    assert not np.array_equal(other.params["W"], whole.params["W"])


def test_every_batch_has_noise_of_its_own(problem):
    X, dictionary = problem
    drawn = []

    def corrupt(batch, rng):
        drawn.append(rng.standard_normal())
        return batch

    options = {"loss": AutoencoderLoss(), "batch_size": 8, "random_state": 0}
    list(train(ReLU(), dictionary, X, n_epochs=3, corrupt=corrupt, **options))
    assert len(set(drawn)) == len(drawn) == 15


def test_a_minimum_is_one_of_the_same_noise(problem):
    X, dictionary = problem
    options = {"loss": AutoencoderLoss(), "optimizer": LBFGS(max_iter=50), "n_epochs": 1}
    *_, last = train(ReLU(), dictionary, X, corrupt=GaussianNoise(0.5), **options)
    # A function that changed between evaluations would stop the line search at once.
    assert last.n_steps > 10


@pytest.mark.parametrize("corrupt", [GaussianNoise, 0.1])
def test_what_cannot_be_called_is_refused(problem, corrupt):
    with pytest.raises(TypeError, match="corrupt is"):
        next(train(ReLU(), problem[1], problem[0], loss=AutoencoderLoss(), corrupt=corrupt))


def test_another_shape_is_refused(problem):
    X, dictionary = problem
    with pytest.raises(ValueError, match=r"corrupt returned shape \(40, 3\)"):
        list(
            train(
                ReLU(),
                dictionary,
                X,
                loss=AutoencoderLoss(),
                corrupt=lambda batch, rng: batch[:, :3],
            )
        )
