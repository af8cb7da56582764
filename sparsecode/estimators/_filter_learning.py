"""Learning of Olshausen and Field: settings, first atoms, and batches of gradient steps."""

from __future__ import annotations

import warnings

import numpy as np

from sparsecode._batches import Batch
from sparsecode._row_blocks import dense_rows
from sparsecode._validation import (
    check_flag,
    check_integer,
    check_matrix,
    check_n_jobs,
    check_number,
    check_random_state,
)
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import Exact
from sparsecode.learning import LearningState, alternate
from sparsecode.penalties import Cauchy
from sparsecode.schedules import GeometricDecay
from sparsecode.solvers import ConjugateGradient
from sparsecode.training.data import samples_to_train
from sparsecode.updates import GainControl, GradientUpdate

# Limits of a scale, so that squares are in range.
_LARGEST = 1e100
_HISTORY = ("objective", "seconds", "norm_min", "norm_max")
# Range of mean squares of samples, relative to the goal, in which learning works.
_LEAST, _MOST = 0.05, 5.0
# Largest mean of samples that count as whitened, relative to their root mean square.
_MOST_MEAN = 0.5
_BLOCK = 4096


def check_settings(estimator):
    """Raise if a parameter is wrong."""
    positive = (
        "noise_var",
        "sigma",
        "lr",
        "lr_end",
        "variance_goal",
        "gain_rate",
        "gain_power",
    )
    for name in positive:
        check_number(getattr(estimator, name), name, low=0, low_open=True, high=_LARGEST)
    check_number(estimator.beta, "beta", low=0)
    check_number(estimator.transform_tol, "transform_tol", low=0)
    for name in ("max_iter", "batch_size", "n_epochs", "transform_max_iter"):
        check_integer(getattr(estimator, name), name)
    if estimator.n_components is not None:
        check_integer(estimator.n_components, "n_components")
    check_n_jobs(estimator.n_jobs)
    check_flag(estimator.gain_per_sample, "gain_per_sample")
    _gain_control(estimator).check(("variance_goal", "gain_rate", "gain_power", "gain_bounds"))


def begin(estimator, X):
    """Draw the first atoms, fix the settings of learning, and return the generator."""
    rng = check_random_state(estimator.random_state)
    _warn_of_scale(estimator, Batch(X).limited(rng).X)
    hold_filters(estimator, _first_dictionary(estimator, X, rng))
    _start_statistics(estimator, X.shape[0])
    return rng


def hold_filters(estimator, dictionary):
    """Make an estimator fitted with a given dictionary, without history and statistics.

    `partial_fit` starts with new statistics.

    Parameters
    ----------
    estimator : OlshausenField
    dictionary : Dictionary
    """
    estimator.dictionary_, estimator.n_iter_ = dictionary, 0
    estimator._update, estimator._state = None, LearningState(dictionary, None)
    estimator.history_ = {name: [] for name in _HISTORY}


def _start_statistics(estimator, n_samples):
    """Fix the settings of learning for this number of samples, and start the statistics."""
    n_steps = -(-n_samples // estimator.batch_size) * estimator.n_epochs
    estimator._update = GradientUpdate(
        lr=GeometricDecay(estimator.lr, estimator.lr_end, max(n_steps - 1, 1)),
        gain_control=_gain_control(estimator),
    )
    estimator._state = LearningState.start(estimator.dictionary_, estimator._update)


def learn(estimator, X, rng=None):
    """Learn from samples once, in random or in the given order.

    Results are stored after each batch.
    """
    if estimator._update is None:
        _start_statistics(estimator, X.shape[0])
    samples = samples_to_train(Batch(X), estimator.batch_size)
    batches = samples.batches(estimator.batch_size, rng)
    states = alternate(
        Exact(prior_of(estimator), ConjugateGradient(max_iter=estimator.max_iter, tol=0.0)),
        estimator.dictionary_,
        batches,
        update=estimator._update,
        state=estimator._state,
        n_jobs=estimator.n_jobs,
    )
    for state in states:
        estimator.dictionary_, estimator._state, estimator.n_iter_ = (
            state.dictionary,
            state,
            state.n_iter,
        )
        norms = state.dictionary.norms
        row = (state.objective, state.seconds, norms.min(), norms.max())
        for name, value in zip(_HISTORY, row, strict=True):
            estimator.history_[name].append(float(value))


def prior_of(estimator):
    """The penalty of the codes: minus the logarithm of the prior, times the noise variance."""
    return Cauchy(alpha=estimator.noise_var * estimator.beta, sigma=estimator.sigma).checked()


def _warn_of_scale(estimator, X):
    """Warn if the mean or the variance of the samples does not fit the settings."""
    (mean, size), goal = _mean_and_size(X), np.sqrt(estimator.variance_goal)
    if size > 0 and not np.sqrt(_LEAST) <= size / goal <= np.sqrt(_MOST):
        problem = (
            f"X has a root mean square of {size:.3g}; expected about {goal:.3g}, the square root "
            f"of variance_goal={estimator.variance_goal:g}. The parameters lr, sigma and noise_var "
            "and the norms of the atoms are made for that scale: nothing is learned from larger "
            "samples, and smaller samples count as noise. Multiply X by "
            f"{goal / size:.3g}, or whiten it with OlshausenFieldWhitening."
        )
    elif abs(mean) > _MOST_MEAN * size:
        problem = (
            f"X has a mean of {mean:.3g} and a root mean square of {size:.3g}; expected a mean "
            "near 0, as whitened images have. Atoms would learn the mean brightness and slow "
            "changes. Whiten the images with OlshausenFieldWhitening before patches are drawn."
        )
    else:
        return
    warnings.warn(problem, UserWarning, stacklevel=5)


def _first_dictionary(estimator, X, rng):
    n_features = X.shape[1]
    if estimator.dict_init is None:
        n_components = n_features if estimator.n_components is None else estimator.n_components
        drawn = Dictionary.random(n_components, n_features, random_state=rng, dtype=X.dtype)
        return Dictionary(drawn.atoms)
    given = getattr(estimator.dict_init, "atoms", estimator.dict_init)
    atoms = check_matrix(given, "dict_init")
    n_components = len(atoms) if estimator.n_components is None else estimator.n_components
    if atoms.shape != (n_components, n_features):
        raise ValueError(
            f"dict_init has shape {atoms.shape}; expected ({n_components}, {n_features}), from "
            "n_components and the features of X. Give one row for each atom, or leave dict_init "
            "None."
        )
    return Dictionary(atoms.astype(X.dtype))


def _gain_control(estimator):
    return GainControl(
        estimator.variance_goal,
        estimator.gain_rate,
        estimator.gain_power,
        estimator.gain_bounds,
        per_sample=estimator.gain_per_sample,
    )


def _mean_and_size(X):
    """Mean and root mean square of all values, without overflow, read a block at a time."""
    total, norm = 0.0, 0.0
    for start in range(0, len(X), _BLOCK):
        block = dense_rows(X, slice(start, start + _BLOCK), np.float64)
        largest = np.abs(block).max()
        if largest > 0:
            scaled = block / largest
            total += largest * (scaled.sum() / X.size)
            norm = np.hypot(norm, largest * np.linalg.norm(scaled))
    return total, norm / np.sqrt(X.size)
