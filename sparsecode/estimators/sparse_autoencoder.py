"""Sparse autoencoder as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Self

from numpy.typing import ArrayLike

from sparsecode._typing import RandomState, Stream, Weights
from sparsecode.estimators import (
    _autoencoder,
    _checkpoints,
    _pretrained,
    _refinement,
    _sample_units,
    _saving,
    _scoring,
    _standardization,
    _steering,
)
from sparsecode.estimators._callbacks import with_callbacks
from sparsecode.estimators._trained import TrainedEstimator
from sparsecode.penalties import L1, Penalty

if TYPE_CHECKING:
    from sparsecode.constraints import Constraint
    from sparsecode.dictionary import Dictionary
    from sparsecode.encoders.trainable import TrainableEncoder
    from sparsecode.losses.base import Loss
    from sparsecode.optimizers.base import Optimizer
    from sparsecode.replacement.units import ReplaceUnits
    from sparsecode.training.norm_outliers import NormOutliers


class SparseAutoencoder(TrainedEstimator):
    """Sparse autoencoder: an encoder for sparse codes, trained together with its dictionary.

    Minimises over the parameters of the encoder, the atoms and the offset the mean over samples of
    ``1/2 ||x - offset - z @ atoms||^2`` plus the terms of the loss, where ``z`` are the codes of
    the encoder. The terms are a penalty, or none for an encoder that is sparse by itself. The
    decoder is a `Dictionary`, so that its codes can be compared with exact ones.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of atoms; None takes that of `init` if it has one, else the number of features.
    encoder : TrainableEncoder or None, default=None
        One of `sparsecode.encoders`; None is ``ReLU()``.
    loss : Loss or None, default=None
        None is ``AutoencoderLoss([penalty])`` or, for an encoder that is sparse by itself, such as
        `TopK`, ``AutoencoderLoss()``.
    penalty : Penalty or its class, default=L1
        Penalty of the default loss. A class stands for its default instance, which has weight 1.
    alpha : float, default=1.0
        Multiplies the weight of the penalty, on the same scale as in exact coding.
    target_l0 : float or None, default=None
        Mean number of nonzeros in a code. It sets `k` if the encoder has it. Otherwise training
        adapts the weight of the sparsity term, starting from the given weight, see
        `sparsecode.losses.TargetL0`; a loss without such a term gets the penalty. Training starts
        with biases or thresholds that activate this number of units on the first samples.
    scale_inputs : bool, "layer_norm" or None, default=None
        True multiplies samples in training by one number, so that the mean squared norm of centred
        samples is the number of features. Default learning rates and thresholds are made for this
        scale, and `alpha` refers to it. `transform` takes unscaled samples. None scales with a
        `target_l0`, if codes and penalty scale with the samples. "layer_norm" normalises each
        sample by itself, in training and in every method: its mean over features is subtracted,
        and it is divided by its standard deviation plus 1e-5. Atoms, codes, `alpha`, `score` and
        `certify` are then those of normalised samples, and `inverse_transform` needs
        `input_moments`. Deviations must be much larger than 1e-5: scale the samples if need be.
    optimizer : Optimizer or None, default=None
        None is ``Adam()``. Its learning rate suits hundreds of thousands of samples; for a few
        thousand use more epochs, ``Adam(lr=0.01)`` or one of `sparsecode.schedules`.
    n_epochs : int, default=20
        Largest number of passes over the samples.
    batch_size : int or None, default=256
        Samples in a step; None takes all samples.
    init : str, array-like of shape (n_components, n_features) or Dictionary, default="random"
        Initial atoms: "random", "samples", "svd", "dct" or "k-means++", see
        `sparsecode.initialization.initial_dictionary`; or the atoms themselves.
    offset : {"mean", "geometric_median", "zero"} or array-like of shape (n_features,), \
default="mean"
        Initial offset, unless `init` is a `Dictionary` with an offset.
    constraint : Constraint or None, default=None
        Constraint of the atoms. None takes that of `init` if it is a `Dictionary`, and otherwise
        `UnitNorm()`.
    replacement : ReplaceUnits, its class or None, default=None
        Policy that gives dead units new weights and atoms; None never replaces them.
    corrupt : callable or None, default=None
        Noise for the scaled inputs, such as `sparsecode.training.GaussianNoise`. The loss compares
        with the clean samples.
    dead_window : int or None, default=None
        Samples without an activation after which the history counts a unit as dead. None takes that
        of `replacement`, or counts nothing.
    outliers : {"drop", "clip"}, NormOutliers or None, default=None
        Policy for samples of huge norm in training, see `sparsecode.training.NormOutliers`. A name
        stands for its default instance. None learns from all samples.
    validation_fraction : float or None, default=None
        Share held out to validate with (of a Dask array at most 131,072 rows); None: the batches.
    patience : int or None, default=None
        Epochs in a row without a new lowest loss after which training ends; None never ends it
        early. The parameters with the lowest loss are kept, or the latest ones if weights of the
        loss change, as with `target_l0`.
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
        Threads of `fit` and `transform`; None uses all cores. The result does not depend on it.

    Attributes
    ----------
    dictionary_ : Dictionary
        Atoms and offset: the decoder.
    components_ : ndarray of shape (n_components, n_features)
        Atoms of the dictionary.
    encoder_ : TrainableEncoder
    penalty_ : Penalty
        Penalty that `score` and `certify` use: that of the loss, with the weight found for a
        `target_l0`. Its weight is 0 if the loss has no penalty on codes, even if another term makes
        them sparse, as with `Gated` and `JumpReLU`. Then `score` is minus half the squared error.
    sparsity_weight_ : float or None
        Weight of the sparsity term that was found for a `target_l0`, or for a `TargetL0` in the
        loss. It equals the `alpha` of a model without a target and with the same ``scale_inputs``.
        None if no weight is searched for.
    input_scale_ : float or "layer_norm"
        Factor of the samples in training; 1 unless `scale_inputs`.
    output_ : str or None
        Activation at the end of the decoder, such as "sigmoid".
    debiases_ : bool
        Whether coefficients are refitted by least squares on the supports of codes, see `refine`.
    history_ : dict of str to list of float
        One entry for each epoch, or batch of an iterator: ``"loss"`` and its terms,
        ``"validation"``, ``"grad_norm"``, ``"lr"``, ``"seconds"`` and, with `dead_window` or
        `replacement`, shares of ``"dead"`` and ``"dense"`` units and counts of ``"replaced"`` ones.
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
    sparsecode.DictionaryLearning, sparsecode.compare.amortization_report

    Notes
    -----
    If training diverges, a `FloatingPointError` names the epoch and what to change, and the
    estimator keeps the best parameters from before. If the loss is higher at the end than at the
    start, it keeps the initial parameters and warns. float16 samples are read as float32.

    References
    ----------
    A. Ng, "Sparse autoencoder", 2011. T. Bricken et al., "Towards monosemanticity: decomposing
    language models with dictionary learning", 2023.

    Examples
    --------
    >>> from sparsecode import SparseAutoencoder
    >>> from sparsecode.datasets import make_sparse_signals
    >>> from sparsecode.encoders import TopK
    >>> X = make_sparse_signals(500, 20, 10, n_nonzero=2, random_state=0).X
    >>> model = SparseAutoencoder(20, encoder=TopK(k=2), random_state=0).fit(X)
    >>> model.transform(X[:5]).shape
    (5, 20)
    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        encoder: TrainableEncoder | None = None,
        loss: Loss | None = None,
        penalty: Penalty | type[Penalty] = L1,
        alpha: float = 1.0,
        target_l0: float | None = None,
        scale_inputs: bool | Literal["layer_norm"] | None = None,
        optimizer: Optimizer | None = None,
        n_epochs: int = 20,
        batch_size: int | None = 256,
        init: str | ArrayLike | Dictionary = "random",
        offset: Literal["mean", "geometric_median", "zero"] | ArrayLike = "mean",
        constraint: Constraint | None = None,
        replacement: ReplaceUnits | type[ReplaceUnits] | None = None,
        corrupt: Callable[..., Any] | None = None,
        dead_window: int | None = None,
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
        self.encoder = encoder
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.target_l0 = target_l0
        self.scale_inputs = scale_inputs
        self.optimizer = optimizer
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.init = init
        self.offset = offset
        self.constraint = constraint
        self.replacement = replacement
        self.corrupt = corrupt
        self.dead_window = dead_window
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
    def fit(self, X: Stream, y: Any = None, sample_weight: Weights = None) -> Self:
        """Train encoder, atoms and offset.

        If it is interrupted (Ctrl-C), the estimator keeps the best parameters of the complete
        epochs and can be used. The interrupt is then raised.

        Parameters
        ----------
        X : array-like, sparse matrix or Dask array of shape (n_samples, n_features), or iterator
            An iterator yields batches; each is used once, in pieces of `batch_size`. Callbacks are
            not called, because there are no epochs.
        y : None
            Ignored; present for scikit-learn's pipelines.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each sample in the mean; 0 leaves the sample out.

        Returns
        -------
        self : SparseAutoencoder
        """
        self._fit(X, y, sample_weight)
        return self

    def partial_fit(self, X: Stream, y: Any = None, sample_weight: Weights = None) -> Self:
        """Continue training with more samples, each used once and in the given order.

        The first call draws the initial dictionary and fixes the encoder. The latest parameters are
        always used, because the loss of a batch does not show which are best. After `fit`, training
        goes on from the best ones. `n_epochs`, `patience` and `validation_fraction` are for `fit`.

        Parameters
        ----------
        X : array-like, sparse matrix or Dask array of shape (n_samples, n_features), or iterator
            One batch, or several of `batch_size`.
        y : None
            Ignored; present for scikit-learn's pipelines.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each sample in the mean; 0 leaves the sample out.

        Returns
        -------
        self : SparseAutoencoder
        """
        self._partial_fit(X, sample_weight)
        return self

    input_moments = _sample_units.input_moments
    inverse_transform = _sample_units.inverse_transform
    score = _scoring.score
    score_samples = _scoring.score_samples
    certify = _scoring.certify
    refine = _refinement.refine
    fold = _standardization.fold
    steer = _steering.steer
    max_activating = _steering.max_activating
    save = _saving.save
    load = _saving.load
    from_pretrained = _pretrained.from_pretrained
    _of_checkpoint = _pretrained.autoencoder_of
    to_checkpoint = _checkpoints.to_checkpoint
    _plan = _autoencoder.plan_autoencoder
    _begin = _autoencoder.begin_autoencoder
    _read_batch = _autoencoder.read_samples

    output_ = property(_autoencoder.output)
    debiases_ = property(_autoencoder.debiases)
