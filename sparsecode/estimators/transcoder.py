"""Transcoder as a scikit-learn estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from sparsecode._collections import by_chunks
from sparsecode._typing import MatrixLike, RandomState, Stream, Weights
from sparsecode.estimators import _prediction, _pretrained, _saving
from sparsecode.estimators._callbacks import with_callbacks
from sparsecode.estimators._targets import as_item
from sparsecode.estimators._trained import TrainedEstimator
from sparsecode.penalties import L1, Penalty

if TYPE_CHECKING:
    from sparsecode.constraints import Constraint
    from sparsecode.dictionary import Dictionary
    from sparsecode.encoders.trainable import TrainableEncoder
    from sparsecode.losses.autoencoder import AutoencoderLoss
    from sparsecode.optimizers.base import Optimizer
    from sparsecode.training.norm_outliers import NormOutliers


class Transcoder(RegressorMixin, TrainedEstimator):
    """Transcoder: sparse codes of samples that predict targets, such as outputs of a layer.

    Minimises over the parameters of the encoder, the atoms, the offset and, if there is one, the
    matrix `skip` the mean over samples of ``1/2 ||y - offset - z @ atoms - x @ skip||^2`` plus the
    terms of the loss, where ``z`` are the codes of ``x``. Atoms have the features of the targets.
    No offset is subtracted from the samples.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of atoms; None takes that of `init` if it has one, else the number of features.
    skip : bool, default=False
        Whether to add a linear map (skip connection) from samples to targets, so that codes only
        explain the nonlinear part. It starts at 0.
    encoder : TrainableEncoder or None, default=None
        Encoder of `sparsecode.encoders` that does not read the atoms. None is ``ReLU()``. Its
        weights start at random directions.
    loss : AutoencoderLoss or None, default=None
        Loss whose terms are added to the error of the prediction. None adds the penalty or, for an
        encoder that is sparse by itself, such as `TopK`, no term.
    penalty : Penalty or its class, default=L1
        Penalty of the default loss. A class stands for its default instance, which has weight 1.
    alpha : float, default=1.0
        Multiplies the weight of the penalty.
    optimizer : Optimizer or None, default=None
        None is ``Adam()``.
    n_epochs : int, default=20
        Largest number of passes over the samples.
    batch_size : int or None, default=256
        Samples in a step; None takes all samples.
    init : str, array-like of shape (n_components, n_targets) or Dictionary, default="zero"
        Initial atoms: "zero", so that the first predictions are the mean of the targets, or as in
        `sparsecode.initialization.initial_dictionary`, which then gets the targets as samples.
    offset : {"mean", "zero"} or array-like of shape (n_targets,), default="mean"
        Initial offset, such as the mean of the targets, unless `init` has an offset.
    constraint : Constraint or None, default=None
        Constraint of the atoms. None takes that of `init` if it is a `Dictionary`, and otherwise
        `UnitBall()`: it allows atoms of 0, and no long atoms whose small codes avoid the penalty.
    outliers : {"drop", "clip"}, NormOutliers or None, default=None
        Policy for samples or targets of huge norm, see `sparsecode.training.NormOutliers`. A name
        stands for its default instance. None learns from all samples.
    validation_fraction : float or None, default=None
        Share of the samples held out for validation, of a Dask array at most 131,072 rows; None
        validates with the batches of an epoch.
    patience : int or None, default=None
        Epochs in a row without a new lowest loss after which training ends; None never ends it
        early. In both cases the parameters with the lowest loss are kept.
    max_norm : float or None, default=None
        Largest norm of the gradient; longer gradients are scaled down.
    shuffle : bool, default=True
        Whether to shuffle samples, or runs of rows of a memory map, before each epoch.
    sparse_output : bool, default=False
        Whether `transform` returns a SciPy CSR array instead of a dense array.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for initial parameters, held-out samples and the order of samples.
    verbose : int or bool, default=0
        1 prints one line for each epoch.
    n_jobs : int or None, default=None
        Threads of all methods; None uses all cores. The result does not depend on it.

    Attributes
    ----------
    dictionary_ : Dictionary
        Decoder: atoms, with the features of the targets, and offset, in the dtype of the samples.
    components_ : ndarray of shape (n_components, n_targets)
        Atoms of the dictionary.
    skip_ : ndarray of shape (n_features, n_targets) or None
        The linear map, if there is one.
    encoder_ : TrainableEncoder
        Trained encoder; its `params` include ``"skip"``.
    penalty_ : Penalty
        Penalty of the loss, or one of weight 0 if the loss has none.
    sparsity_weight_ : float or None
        Weight that a `TargetL0` in the loss has found; None if there is none.
    history_ : dict of str to list of float
        One entry for each epoch, or batch of an iterator: ``"loss"`` and its terms,
        ``"validation"`` if samples are held out, ``"grad_norm"``, ``"lr"`` and ``"seconds"``.
    n_iter_ : int
        Number of steps of the optimizer.
    n_epochs_ : int
        Number of complete passes over the samples, or of batches of an iterator.
    state_ : TrainingState or None
        State that `partial_fit` resumes from; it can be saved. None before any training.
    n_outliers_, outlier_norm_ : int, and float or None
        Number of dropped or clipped samples, and the largest norm that is not an outlier.
    n_features_in_ : int
        Number of features seen during fit.

    See Also
    --------
    SparseAutoencoder : Codes that reconstruct the samples themselves.

    Notes
    -----
    If training diverges, a `FloatingPointError` names the epoch and what to change, and the
    estimator keeps the best parameters from before. If the loss is higher at the end than at the
    start, it keeps the initial parameters and warns. float16 samples are read as float32. Samples
    and targets are not scaled: do this before `fit`. A layer norm of targets, with their own means
    and deviations, could not be undone in `predict`, which does not know them.

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
        n_components: int | None = None,
        *,
        skip: bool = False,
        encoder: TrainableEncoder | None = None,
        loss: AutoencoderLoss | None = None,
        penalty: Penalty | type[Penalty] = L1,
        alpha: float = 1.0,
        optimizer: Optimizer | None = None,
        n_epochs: int = 20,
        batch_size: int | None = 256,
        init: str | ArrayLike | Dictionary = "zero",
        offset: Literal["mean", "zero"] | ArrayLike = "mean",
        constraint: Constraint | None = None,
        outliers: Literal["drop", "clip"] | NormOutliers | None = None,
        validation_fraction: float | None = None,
        patience: int | None = None,
        max_norm: float | None = None,
        shuffle: bool = True,
        sparse_output: bool = False,
        random_state: RandomState = None,
        verbose: int | bool = 0,
        n_jobs: int | None = None,
    ) -> None:
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
    def fit(self, X: Stream, y: MatrixLike | None = None, sample_weight: Weights = None) -> Self:
        """Train the encoder, the atoms, the offset and the linear map.

        If it is interrupted (Ctrl-C), the estimator keeps the best parameters of the complete
        epochs and can be used. The interrupt is then raised.

        Parameters
        ----------
        X : array-like, sparse matrix or Dask array of shape (n_samples, n_features), or iterator
            An iterator yields batches, tuples of samples and targets; each is used once, in pieces
            of `batch_size`. Callbacks are not called, because there are no epochs.
        y : array-like or sparse matrix of shape (n_samples, n_targets), array-like of shape \
(n_samples,), or None
            Targets; None only with an iterator.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each sample in the mean; 0 leaves the sample out.

        Returns
        -------
        self : Transcoder
        """
        self._fit(as_item(X, y), y, sample_weight)
        return self

    def partial_fit(
        self, X: Stream, y: MatrixLike | None = None, sample_weight: Weights = None
    ) -> Self:
        """Continue training with more samples, each used once and in the given order.

        The first call draws the initial parameters and computes the offset from its targets. The
        estimator always uses the latest parameters, because the loss of one batch does not show
        which are best. After `fit`, training continues from the best parameters. `n_epochs`,
        `patience` and `validation_fraction` have an effect in `fit` only.

        Parameters
        ----------
        X : array-like, sparse matrix or Dask array of shape (n_samples, n_features), or iterator
            One batch, or several of `batch_size`.
        y : array-like or sparse matrix of shape (n_samples, n_targets), array-like of shape \
(n_samples,), or None
            Targets; None only with an iterator.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each sample in the mean; 0 leaves the sample out.

        Returns
        -------
        self : Transcoder
        """
        self._partial_fit(as_item(X, y), sample_weight)
        return self

    from_pretrained = _pretrained.from_pretrained
    _of_checkpoint = _pretrained.transcoder_of

    predict = _prediction.predict

    @by_chunks("scores.coefficient_of_determination")
    def score(self, X: MatrixLike, y: ArrayLike, sample_weight: Weights = None) -> float:
        """Coefficient of determination of the prediction, the mean of all targets.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets) or (n_samples,)
        sample_weight : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        score : float
            At most 1, the best value. Predicting the mean of the targets gives 0. All targets have
            equal weight, whatever their variance.
        """
        return super().score(X, y, sample_weight)

    save = _saving.save
    load = _saving.load
    _plan = _prediction.plan_transcoder
    _begin = _prediction.begin_transcoder
    _read_batch = _prediction.read_pair

    @property
    def skip_(self) -> np.ndarray | None:
        """The linear map past the codes, shape (n_features, n_targets), or None."""
        return self.encoder_.params["skip"] if self.encoder_.skip else None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.required = True
        return tags
