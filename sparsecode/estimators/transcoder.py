"""Transcoders: sparse codes of samples that predict something else."""

from __future__ import annotations

from sklearn.base import RegressorMixin
from sklearn.callback import with_callbacks

from sparsecode.estimators import _pretrained, _saving
from sparsecode.estimators._prediction import first_transcoder, plan_transcoder, read_pair
from sparsecode.estimators._targets import as_item
from sparsecode.estimators._trained import TrainedEstimator
from sparsecode.penalties import L1


class Transcoder(RegressorMixin, TrainedEstimator):
    """Sparse codes of samples that predict targets, such as the output of a layer from its input.

    Minimises over the parameters of the encoder, the atoms, the offset and, if there is one, the
    matrix `skip` the mean over samples of ``1/2 ||y - offset - z @ atoms - x @ skip||^2`` plus what
    the loss adds, where ``z`` are the codes that the encoder makes of ``x``. Atoms have the
    features of the targets, and no offset is subtracted from the samples.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of atoms; None is that of `init` if it has one, and else the number of features of
        a sample.
    skip : bool, default=False
        Whether a linear map goes past the codes from samples to targets, so that codes need not
        explain what is linear. It starts at 0.
    encoder : TrainableEncoder or None, default=None
        One of `sparsecode.encoders` that does not read the atoms; None is ``ReLU()``. Its weights
        start at random directions.
    loss : AutoencoderLoss or None, default=None
        Its terms are added to the error of the prediction. None is the penalty or, for an encoder
        that is sparse by itself, such as `TopK`, nothing.
    penalty : Penalty or its class, default=L1
        That of the default loss. A class stands for its default instance, of weight 1.
    alpha : float, default=1.0
        Multiplies the weight of the penalty.
    optimizer : Optimizer or None, default=None
        None is ``Adam()``.
    n_epochs : int, default=20
        Most passes over the samples.
    batch_size : int or None, default=256
        Samples of a step; None is all.
    init : str, array-like of shape (n_components, n_targets) or Dictionary, default="zero"
        Atoms to start from: "zero", so that training begins at the mean of the targets; or as
        in `sparsecode.initialization.initial_dictionary`, where samples are those of the targets.
    offset : {"mean", "zero"} or array-like of shape (n_targets,), default="mean"
        Offset to start from, unless `init` is a `Dictionary` that has one: the mean of the targets.
    constraint : Constraint or None, default=None
        Set in which the atoms stay. None is that of `init` if it is a `Dictionary`, else
        `UnitBall()`, which holds 0 and lets no penalty be evaded by small codes of long atoms.
    outliers : {"drop", "clip"}, NormOutliers or None, default=None
        What to do in training with samples or targets of huge norm, see
        `sparsecode.training.NormOutliers`, of which a name stands for the default. None learns from
        all.
    validation_fraction : float or None, default=None
        Share of the samples that is held out to judge by. None judges each epoch by the loss of
        its batches.
    patience : int or None, default=None
        Epochs in a row without a new lowest loss after which training ends; None never ends it
        early. Whether or not, the parameters with the lowest are kept.
    max_norm : float or None, default=None
        Longest gradient; longer ones are scaled down.
    shuffle : bool, default=True
        Whether each epoch has a random order; of a memory map, batches of consecutive rows in
        random order.
    sparse_output : bool, default=False
        Whether `transform` returns a SciPy CSR array instead of a dense one.
    random_state : int, RandomState instance or None, default=None
        Draws what training starts from, the held-out samples, and the order of the samples.
    verbose : int or bool, default=0
        1 prints a line an epoch.
    n_jobs : int or None, default=None
        Threads of `fit`, `transform` and `predict`; None uses all cores. The result does not
        depend on it.

    Attributes
    ----------
    dictionary_ : Dictionary
        Atoms, with the features of the targets, and offset: the decoder. In the dtype of the
        samples.
    components_ : ndarray of shape (n_components, n_targets)
        Atoms of the dictionary.
    skip_ : ndarray of shape (n_features, n_targets) or None
        The linear map, if there is one.
    encoder_ : TrainableEncoder
        Its `params` are those of the encoder, and ``"skip"``.
    penalty_ : Penalty
        That of the loss, or one of weight 0 if it has none.
    sparsity_weight_ : float or None
        Weight that a `TargetL0` in the loss has found; None if there is none.
    history_ : dict of str to list of float
        One entry an epoch, or a batch of a stream: ``"loss"`` and its terms, ``"validation"``
        where samples are held out, ``"grad_norm"``, ``"lr"`` and ``"seconds"`` spent training.
    n_iter_ : int
        Steps of the optimizer.
    n_epochs_ : int
        Passes over the samples that were completed, or batches of a stream.
    state_ : TrainingState or None
        What `partial_fit` goes on from; it can be saved. None if training was not begun.
    n_outliers_ : int
        Samples of huge norm that were dropped or clipped; a sample of `fit` counts once.
    outlier_norm_ : float or None
        The largest norm that is none; None without `outliers`.
    n_features_in_ : int
        Number of features seen during fit.

    See Also
    --------
    SparseAutoencoder : Codes that reconstruct the samples themselves.

    Notes
    -----
    If training diverges, a `FloatingPointError` names the epoch and what to change; the estimator
    keeps the best parameters from before. If the loss at the end is higher than at the start, it
    keeps the start, with a warning. float16 samples are read as float32.

    References
    ----------
    J. Dunefsky, P. Chlenski and N. Nanda, "Transcoders find interpretable LLM feature circuits",
    2024. G. Paulo, S. Shabalin and N. Belrose, "Transcoders beat sparse autoencoders for
    interpretability", 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Transcoder
    >>> from sparsecode.encoders import TopK
    >>> from sparsecode.optimizers import Adam
    >>> X = np.random.default_rng(0).standard_normal((1000, 6))
    >>> Y = np.maximum(X[:, :3] - X[:, 3:], 0)
    >>> model = Transcoder(32, encoder=TopK(k=8), optimizer=Adam(0.01), random_state=0).fit(X, Y)
    >>> model.transform(X).shape, model.predict(X).shape
    ((1000, 32), (1000, 3))
    >>> bool(model.score(X, Y) > 0.9)
    True
    """

    def __init__(
        self,
        n_components=None,
        *,
        skip=False,
        encoder=None,
        loss=None,
        penalty=L1,
        alpha=1.0,
        optimizer=None,
        n_epochs=20,
        batch_size=256,
        init="zero",
        offset="mean",
        constraint=None,
        outliers=None,
        validation_fraction=None,
        patience=None,
        max_norm=None,
        shuffle=True,
        sparse_output=False,
        random_state=None,
        verbose=0,
        n_jobs=None,
    ):
        self.n_components = n_components
        self.skip = skip
        self.encoder = encoder
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.optimizer = optimizer
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.init = init
        self.offset = offset
        self.constraint = constraint
        self.outliers = outliers
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.max_norm = max_norm
        self.shuffle = shuffle
        self.sparse_output = sparse_output
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs

    @with_callbacks
    def fit(self, X, y=None, sample_weight=None):
        """Train encoder, atoms, offset and linear map.

        If it is interrupted (Ctrl-C), the estimator keeps the best parameters so far, of complete
        epochs, and can be used; the interrupt is then raised.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or iterator of tuples
            An iterator gives batches, tuples of samples and targets, from each of which is learned
            once, in pieces of `batch_size`. As there are no epochs, callbacks are told nothing.
        y : array-like or sparse matrix of shape (n_samples, n_targets), array-like of shape \
(n_samples,), or None
            Targets; None only with an iterator.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            How much each sample counts in the mean; 0 leaves it out.

        Returns
        -------
        self : Transcoder
        """
        self._fit(as_item(X, y), y, sample_weight)
        return self

    def partial_fit(self, X, y=None, sample_weight=None):
        """Go on training with more samples, in the order given, each once.

        The first call draws the first parameters, and the offset from its targets. The parameters
        in use are always the latest: the loss of a batch does not tell which are best. After
        `fit`, training goes on from the best. `n_epochs`, `patience` and `validation_fraction` are
        about `fit`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or iterator of tuples
            One batch, or several of `batch_size`.
        y : array-like or sparse matrix of shape (n_samples, n_targets), array-like of shape \
(n_samples,), or None
            Targets; None only with an iterator.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            How much each sample counts in the mean; 0 leaves it out.

        Returns
        -------
        self : Transcoder
        """
        self._partial_fit(as_item(X, y), sample_weight)
        return self

    from_pretrained = classmethod(_pretrained.from_pretrained)
    _of_checkpoint = classmethod(_pretrained.transcoder_of)

    def predict(self, X):
        """Predict targets: ``transform(X) @ components_ + offset``, plus ``X @ skip_``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        y_hat : ndarray of shape (n_samples, n_targets), or (n_samples,) if `fit` had such targets
        """
        X, encoder = self._check_X(X), self.encoder_
        codes = encoder.encode(
            X, self.dictionary_, sparse_output=encoder.is_sparse, n_jobs=self.n_jobs
        )
        predicted = self.dictionary_.decode(codes)
        if self.skip_ is not None:
            predicted += X @ self.skip_
        return predicted[:, 0] if self._is_flat else predicted

    def score(self, X, y, sample_weight=None):
        """Coefficient of determination of the prediction, the mean of all targets.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets) or (n_samples,)
        sample_weight : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        score : float
            At most 1, the best; 0 is that of the mean of the targets. All targets count alike,
            whatever their variance.
        """
        return super().score(X, y, sample_weight)

    save = _saving.save
    load = classmethod(_saving.load)

    @property
    def skip_(self):
        """The linear map past the codes, shape (n_features, n_targets), or None."""
        return self.encoder_.params["skip"] if self.encoder_.skip else None

    def _plan(self, model):
        return plan_transcoder(self)

    def _begin(self, plan, batch, rng):
        self._start(first_transcoder(self, plan, batch, rng))

    def _read_batch(self, plan, item, sample_weight, codes, *, first):
        return read_pair(self, item, sample_weight, first=first)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.required = True
        return tags
