"""Olshausen and Field's sparse coding network, as an estimator."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.callback import CallbackSupportMixin, with_callbacks

from sparsecode._batches import Samples
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
from sparsecode.estimators._base import SparseCodingEstimator
from sparsecode.estimators._callbacks import FitTasks
from sparsecode.learning import LearningState, alternate
from sparsecode.penalties import Cauchy
from sparsecode.schedules import GeometricDecay
from sparsecode.solvers import ConjugateGradient
from sparsecode.updates import GainControl, GradientUpdate

# Of a scale: squares must be in range.
_LARGEST = 1e100
_HISTORY = ("objective", "seconds", "norm_min", "norm_max")
# Mean squares of samples, relative to the goal, between which learning works.
_LEAST, _MOST = 0.05, 5.0
_BLOCK = 4096


class OlshausenField(CallbackSupportMixin, SparseCodingEstimator):
    """Dictionary learning of Olshausen and Field (1996): filters from whitened image patches.

    Minimises over the atoms the mean over samples of
    ``min_z 1/2 ||x - z @ atoms||^2 + noise_var * beta * sum_j log(1 + (z_j / sigma)^2)``, by
    conjugate gradient on the codes of a batch, a gradient step on the atoms, and gain control that
    keeps the variance of all coefficients at one goal by adapting the norms of the atoms.

    The defaults are the published settings, except in gain control: norms are bounded, it does not
    lag behind its own changes (see `GainControl`), and a whole batch has the share in the running
    variances that a single sample had, so that these follow 100 times more slowly, unless
    `gain_per_sample`. The units suppose data whitened to the variance `variance_goal`, 0.1, as
    `OlshausenFieldWhitening` gives; data of far another scale are told so with a warning.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of atoms; None is the number of features, a complete basis, as in the 1996 paper.
    noise_var : float, default=0.01
        Variance of the noise (1997: sigma_N^2).
    beta : float, default=2.2
        Weight of the prior (1997: beta).
    sigma : float, default=0.316
        Scale of the coefficients in the prior, the square root of the variance goal (1997: sigma).
    max_iter : int, default=10
        Conjugate-gradient iterations for a batch while learning (1996: "ten iterations").
    batch_size : int, default=100
        Samples between two updates of the atoms (1996: every 100 image presentations).
    n_epochs : int, default=10
        Passes over the samples, each in a new random order.
    lr, lr_end : float, default=5.0 and 1.0
        Learning rate at the first batch and at the last one of `n_epochs`; it falls by a constant
        factor a batch (1997: from 5.0 to 1.0).
    variance_goal : float, default=0.1
        Variance that gain control gives every coefficient (1997: that of the image pixels).
    gain_rate : float, default=0.001
        Share of a batch in the running variance of a coefficient, at most 1 (1997: of a sample).
    gain_per_sample : bool, default=False
        Whether `gain_rate` is the share of each sample, as published; a batch of `n` samples then
        has ``1 - (1 - gain_rate)**n``, 0.095 with the other defaults.
    gain_power : float, default=0.02
        Strength of the gain control (1997).
    gain_bounds : tuple of two floats, default=(0.95, 1.1)
        Smallest and largest norm that gain control may give an atom. ``(0.0, inf)`` is no bounds,
        as published, which supposes that every direction holds signal; on photographs that were
        stored as JPEG it spends atoms on the noise of the highest frequencies.
    dict_init : Dictionary, array-like of shape (n_components, n_features) or None, default=None
        Atoms to start from; their norms are brought within `gain_bounds`. None draws Gaussian
        atoms of unit norm.
    transform_max_iter : int, default=200
        Most conjugate-gradient iterations for a sample in `transform`.
    transform_tol : float, default=1e-3
        Scaled stationarity residual at which a sample stops in `transform`.
    random_state : int, RandomState instance or None, default=None
        Draws the first atoms and the order of the samples.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The result does not depend on it.

    Attributes
    ----------
    dictionary_ : Dictionary
    components_ : ndarray of shape (n_components, n_features)
        Atoms, of the norms that gain control gave them.
    n_iter_ : int
        Batches learned from.
    history_ : dict of str to list of float
        One entry a batch: mean ``"objective"`` of the batch, ``"seconds"`` since learning began,
        smallest and largest norm of the atoms, ``"norm_min"`` and ``"norm_max"``.
    n_features_in_ : int
        Number of features seen during fit.

    References
    ----------
    B. Olshausen and D. Field, "Emergence of simple-cell receptive field properties by learning a
    sparse code for natural images", Nature 381, 1996.
    B. Olshausen and D. Field, "Sparse coding with an overcomplete basis set: a strategy employed
    by V1?", Vision Research 37, 1997.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import OlshausenField
    >>> X = np.sqrt(0.1) * np.random.default_rng(0).standard_normal((300, 16))
    >>> model = OlshausenField(n_components=8, n_epochs=2, random_state=0).fit(X)
    >>> model.transform(X[:5]).shape
    (5, 8)
    """

    def __init__(
        self,
        n_components=None,
        *,
        noise_var=0.01,
        beta=2.2,
        sigma=0.316,
        max_iter=10,
        batch_size=100,
        n_epochs=10,
        lr=5.0,
        lr_end=1.0,
        variance_goal=0.1,
        gain_rate=0.001,
        gain_per_sample=False,
        gain_power=0.02,
        gain_bounds=(0.95, 1.1),
        dict_init=None,
        transform_max_iter=200,
        transform_tol=1e-3,
        random_state=None,
        n_jobs=None,
    ):
        self.n_components = n_components
        self.noise_var = noise_var
        self.beta = beta
        self.sigma = sigma
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.lr = lr
        self.lr_end = lr_end
        self.variance_goal = variance_goal
        self.gain_rate = gain_rate
        self.gain_per_sample = gain_per_sample
        self.gain_power = gain_power
        self.gain_bounds = gain_bounds
        self.dict_init = dict_init
        self.transform_max_iter = transform_max_iter
        self.transform_tol = transform_tol
        self.random_state = random_state
        self.n_jobs = n_jobs

    @with_callbacks
    def fit(self, X, y=None):
        """Learn the atoms from scratch.

        If it is interrupted (Ctrl-C), the estimator keeps what was learned so far and can be used;
        the interrupt is then raised.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Whitened patches. Of a memory map, a batch is a run of consecutive rows.
        y : None
            Ignored; present for scikit-learn's pipelines.

        Returns
        -------
        self : OlshausenField
        """
        self._check_parameters()
        X = self._validated(X, reset=True)
        rng = check_random_state(self.random_state)
        n_batches = -(-len(X) // self.batch_size)
        self._begin(X, rng, n_steps=n_batches * self.n_epochs)
        tasks = FitTasks(self, X, y, self.n_epochs)
        for _ in range(self.n_epochs):
            tasks.begin_epoch()
            self._learn(self._batches(X, rng))
            if tasks.end_epoch():
                break
        tasks.end()
        return self

    def partial_fit(self, X, y=None):
        """Go on learning from more samples, one pass in the order given.

        The first call fixes the settings of the learning: the rate falls to `lr_end` over as many
        batches as `n_epochs` passes over its samples have, and stays there.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Whitened patches.
        y : None
            Ignored; present for scikit-learn's pipelines.

        Returns
        -------
        self : OlshausenField
        """
        self._check_parameters()
        first = not hasattr(self, "dictionary_")
        X = self._validated(X, reset=first)
        if first:
            n_batches = -(-len(X) // self.batch_size)
            rng = check_random_state(self.random_state)
            self._begin(X, rng, n_steps=n_batches * self.n_epochs)
        self._learn(self._batches(X))
        return self

    def _begin(self, X, rng, n_steps):
        self._warn_of_scale(X)
        dictionary = self._first_dictionary(X, rng)
        self._update = GradientUpdate(
            lr=GeometricDecay(self.lr, self.lr_end, max(n_steps - 1, 1)),
            gain_control=self._gain_control(),
        )
        self._state = LearningState.start(dictionary, self._update)
        self.dictionary_ = dictionary
        self.n_iter_ = 0
        self.history_ = {name: [] for name in _HISTORY}

    def _warn_of_scale(self, X):
        """Warn if the samples are not of the variance that the settings suppose."""
        size, goal = _root_mean_square(X), np.sqrt(self.variance_goal)
        if size == 0 or np.sqrt(_LEAST) <= size / goal <= np.sqrt(_MOST):
            return
        warnings.warn(
            f"X has a root mean square of {size:.3g}; expected about {goal:.3g}, the root of "
            f"variance_goal={self.variance_goal:g}, which lr, sigma, noise_var and the norms of "
            "the atoms suppose: of larger samples nothing is learned, and smaller ones are noise. "
            f"Multiply X by {goal / size:.3g}, or whiten it with OlshausenFieldWhitening.",
            UserWarning,
            stacklevel=5,
        )

    def _learn(self, batches):
        states = alternate(
            Exact(self._penalty(), ConjugateGradient(max_iter=self.max_iter, tol=0.0)),
            self.dictionary_,
            batches,
            update=self._update,
            state=self._state,
            n_jobs=self.n_jobs,
        )
        for state in states:
            self.dictionary_, self._state, self.n_iter_ = state.dictionary, state, state.n_iter
            norms = state.dictionary.norms
            row = (state.objective, state.seconds, norms.min(), norms.max())
            for name, value in zip(_HISTORY, row, strict=True):
                self.history_[name].append(float(value))

    def _batches(self, X, rng=None):
        return Samples(X, run=self.batch_size).batches(self.batch_size, rng)

    def _first_dictionary(self, X, rng):
        n_features = X.shape[1]
        if self.dict_init is None:
            n_components = n_features if self.n_components is None else self.n_components
            drawn = Dictionary.random(n_components, n_features, random_state=rng, dtype=X.dtype)
            return Dictionary(drawn.atoms)
        given = getattr(self.dict_init, "atoms", self.dict_init)
        atoms = check_matrix(given, "dict_init")
        n_components = len(atoms) if self.n_components is None else self.n_components
        if atoms.shape != (n_components, n_features):
            raise ValueError(
                f"dict_init has shape {atoms.shape}; expected ({n_components}, {n_features}), from "
                "n_components and the features of X. Give one atom a row, or leave it None."
            )
        return Dictionary(atoms.astype(X.dtype))

    def _gain_control(self):
        return GainControl(
            self.variance_goal,
            self.gain_rate,
            self.gain_power,
            self.gain_bounds,
            per_sample=self.gain_per_sample,
        )

    def _penalty(self):
        return Cauchy(alpha=self.noise_var * self.beta, sigma=self.sigma).checked()

    def _transform_encoder(self):
        solver = ConjugateGradient(max_iter=self.transform_max_iter, tol=self.transform_tol)
        return Exact(self._penalty(), solver)

    def _check_parameters(self):
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
            check_number(getattr(self, name), name, low=0, low_open=True, high=_LARGEST)
        check_number(self.beta, "beta", low=0)
        check_number(self.transform_tol, "transform_tol", low=0)
        for name in ("max_iter", "batch_size", "n_epochs", "transform_max_iter"):
            check_integer(getattr(self, name), name)
        if self.n_components is not None:
            check_integer(self.n_components, "n_components")
        check_n_jobs(self.n_jobs)
        check_flag(self.gain_per_sample, "gain_per_sample")
        self._gain_control().check(("variance_goal", "gain_rate", "gain_power", "gain_bounds"))


def _root_mean_square(X):
    """Of all values, whatever their size, read a block of rows at a time."""
    norm = 0.0
    for start in range(0, len(X), _BLOCK):
        block = dense_rows(X, slice(start, start + _BLOCK), np.float64)
        largest = np.abs(block).max()
        if largest > 0:
            norm = np.hypot(norm, largest * np.linalg.norm(block / largest))
    return norm / np.sqrt(X.size)
