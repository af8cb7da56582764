"""Olshausen and Field's sparse coding network as a scikit-learn estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from numpy.typing import ArrayLike

from sparsecode._typing import RandomState
from sparsecode.encoders import Exact
from sparsecode.estimators import _saving, _scoring
from sparsecode.estimators._base import CodesEstimator
from sparsecode.estimators._callbacks import CallbackSupportMixin, FitTasks, with_callbacks
from sparsecode.estimators._filter_learning import begin, check_settings, learn, prior_of
from sparsecode.estimators._fitted_model import FittedModel
from sparsecode.solvers import ConjugateGradient

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary


class OlshausenField(CallbackSupportMixin, CodesEstimator):
    """Dictionary learning of Olshausen and Field (1996), for filters of whitened image patches.

    Minimises over the atoms the mean over samples of ``min_z 1/2 ||x - z @ atoms||^2 + noise_var *
    beta * sum_j log(1 + (z_j / sigma)^2)``, by conjugate gradient on the codes of a batch, a
    gradient step on the atoms, and gain control, which adapts the norms of the atoms until all
    coefficients have the same variance.

    The defaults are the published settings, except in gain control. Norms are bounded, and running
    variances are corrected when norms change (see `GainControl`). Unless `gain_per_sample`, a batch
    has the share in the running variances that a single sample had in the papers, so that they
    change 100 times more slowly. Data should be whitened to the variance `variance_goal`, 0.1, as
    by `OlshausenFieldWhitening`; a warning tells if their scale is very different, or if their mean
    is not near 0. Unlike other learners it has no `outliers`: the strongest patches of whitened
    photographs are their edges, and `NormOutliers` would take a fifth of all patches for outliers.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of atoms. None is the number of features, a complete basis, as in the 1996 paper.
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
        Learning rate at the first batch and at the last one of `n_epochs`; it decreases by a
        constant factor at each batch (1997: from 5.0 to 1.0).
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
        Smallest and largest norm that gain control may give an atom. ``(0.0, inf)`` sets no bounds,
        as published. This only works if every direction contains signal: for photographs stored as
        JPEG, some atoms would learn the noise of the highest frequencies.
    dict_init : Dictionary, array-like of shape (n_components, n_features) or None, default=None
        Initial atoms; their norms are clipped to `gain_bounds`. None draws Gaussian atoms of unit
        norm.
    transform_max_iter : int, default=200
        Most conjugate-gradient iterations for a sample in `transform`.
    transform_tol : float, default=1e-3
        Scaled stationarity residual at which a sample stops in `transform`.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for the initial atoms and the order of the samples.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The result does not depend on it.

    Attributes
    ----------
    dictionary_ : Dictionary
    components_ : ndarray of shape (n_components, n_features)
        Atoms, with the norms set by gain control.
    n_iter_ : int
        Number of batches learned from.
    history_ : dict of str to list of float
        One entry for each batch: mean ``"objective"`` of the batch, ``"seconds"`` since learning
        began, smallest and largest norm of the atoms, ``"norm_min"`` and ``"norm_max"``.
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

    dictionary_: Dictionary
    n_iter_: int
    history_: dict[str, list[float]]

    def __init__(
        self,
        n_components: int | None = None,
        *,
        noise_var: float = 0.01,
        beta: float = 2.2,
        sigma: float = 0.316,
        max_iter: int = 10,
        batch_size: int = 100,
        n_epochs: int = 10,
        lr: float = 5.0,
        lr_end: float = 1.0,
        variance_goal: float = 0.1,
        gain_rate: float = 0.001,
        gain_per_sample: bool = False,
        gain_power: float = 0.02,
        gain_bounds: tuple[float, float] = (0.95, 1.1),
        dict_init: Dictionary | ArrayLike | None = None,
        transform_max_iter: int = 200,
        transform_tol: float = 1e-3,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
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
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn the atoms from scratch.

        If it is interrupted (Ctrl-C), the estimator keeps the atoms learned so far and can be used.
        The interrupt is then raised.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Whitened patches. Batches of a memory map are runs of consecutive rows.
        y : None
            Ignored; present for scikit-learn's pipelines.

        Returns
        -------
        self : OlshausenField
        """
        check_settings(self)
        X = self._validated(X, reset=True)
        rng = begin(self, X)
        tasks = FitTasks(self, X, y, self.n_epochs)
        for _ in range(self.n_epochs):
            tasks.begin_epoch()
            learn(self, X, rng)
            if tasks.end_epoch():
                break
        tasks.end()
        return self

    def partial_fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Continue learning with more samples, each used once and in the given order.

        The first call fixes the settings of learning. The learning rate decreases to `lr_end` over
        the number of batches in `n_epochs` passes over its samples, and then stays constant.

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
        check_settings(self)
        first = not hasattr(self, "dictionary_")
        X = self._validated(X, reset=first)
        if first:
            begin(self, X)
        learn(self, X)
        return self

    score = _scoring.score
    score_samples = _scoring.score_samples
    certify = _scoring.certify
    save = _saving.save
    load = _saving.load

    # The codes of the smooth problem are those of dense samples.
    _takes_sparse = False

    @property
    def _model(self):
        solver = ConjugateGradient(max_iter=self.transform_max_iter, tol=self.transform_tol)
        penalty = prior_of(self)
        return FittedModel(Exact(penalty, solver), self.dictionary_, penalty)
