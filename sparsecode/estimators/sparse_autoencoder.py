"""Sparse autoencoders as an estimator: an encoder and a dictionary, trained together."""

from __future__ import annotations

from sklearn.callback import with_callbacks

from sparsecode._batches import Batch
from sparsecode.estimators import (
    _checkpoints,
    _pretrained,
    _refinement,
    _saving,
    _scoring,
    _standardization,
    _steering,
)
from sparsecode.estimators._autoencoder import first_autoencoder, plan_autoencoder
from sparsecode.estimators._targets import refuse_targets
from sparsecode.estimators._trained import TrainedEstimator
from sparsecode.penalties import L1


class SparseAutoencoder(TrainedEstimator):
    """Sparse codes by an encoder that is trained together with its dictionary.

    Minimises over the parameters of the encoder, the atoms and the offset the mean over samples of
    ``1/2 ||x - offset - z @ atoms||^2`` plus what the loss adds, where ``z`` are the codes of the
    encoder: a penalty, or nothing for an encoder that is sparse by itself. What is learned is a
    `Dictionary` like any other, so that exact codes on it can be compared.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of atoms; None is that of `init` if it has one, and else the number of features.
    encoder : TrainableEncoder or None, default=None
        One of `sparsecode.encoders`; None is ``ReLU()``.
    loss : Loss or None, default=None
        None is ``AutoencoderLoss([penalty])`` or, for an encoder that is sparse by itself, such as
        `TopK`, ``AutoencoderLoss()``.
    penalty : Penalty or its class, default=L1
        That of the default loss. A class stands for its default instance, of weight 1.
    alpha : float, default=1.0
        Multiplies the weight of the penalty: the same number as in exact coding.
    target_l0 : float or None, default=None
        Mean number of nonzeros of a code. It sets the `k` of an encoder that has one. Otherwise
        training finds the weight of the sparsity term, from the given one on, see
        `sparsecode.losses.TargetL0`; a loss without such a term gets the penalty. Training starts
        with biases or thresholds that activate so many units on the first samples.
    scale_inputs : bool or None, default=None
        Whether training multiplies samples by one number: the mean squared norm of centred samples
        is then the number of features, which default learning rates and thresholds suppose, and
        `alpha` is one for such samples. `transform` takes samples as they are. None does so with a
        `target_l0`, if codes and penalty scale with the samples.
    optimizer : Optimizer or None, default=None
        None is ``Adam()``, whose rate is for hundreds of thousands of samples; with a few thousand
        take more epochs or a larger one, such as ``Adam(lr=0.01)``. A rate may be a schedule, see
        `sparsecode.schedules`.
    n_epochs : int, default=20
        Most passes over the samples.
    batch_size : int or None, default=256
        Samples of a step; None is all.
    init : str, array-like of shape (n_components, n_features) or Dictionary, default="random"
        Atoms to start from: "random", "samples", "svd", "dct" or "k-means++", see
        `sparsecode.initialization.initial_dictionary`; or the atoms themselves.
    offset : {"mean", "geometric_median", "zero"} or array-like of shape (n_features,), \
default="mean"
        Offset to start from, unless `init` is a `Dictionary` that has one.
    constraint : Constraint or None, default=None
        Set in which the atoms stay. None is that of `init` if it is a `Dictionary`, else
        `UnitNorm()`.
    replacement : ReplaceUnits, its class or None, default=None
        Policy that gives dead units new weights and atoms; None leaves them.
    corrupt : callable or None, default=None
        Noise of the encoder's input in training, in its units, such as
        `sparsecode.training.GaussianNoise`; the clean samples are reconstructed.
    dead_window : int or None, default=None
        Samples without an activation after which the history counts a unit as dead; None takes that
        of `replacement`, or counts nothing.
    outliers : {"drop", "clip"}, NormOutliers or None, default=None
        What to do in training with samples of huge norm, see `sparsecode.training.NormOutliers`, of
        which a name stands for the default. None learns from all.
    validation_fraction : float or None, default=None
        Share of the samples that is held out to judge by. None judges each epoch by the loss of
        its batches.
    patience : int or None, default=None
        Epochs in a row without a new lowest loss after which training ends; None never ends it
        early. The parameters of the lowest loss are kept, or the latest where the weights of the
        loss change, as with `target_l0`.
    max_norm : float or None, default=None
        Longest gradient; longer ones are scaled down.
    shuffle : bool, default=True
        Whether epochs have a random order, of a memory map that of runs of rows.
    sparse_output : bool, default=False
        Whether `transform` returns a SciPy CSR array instead of a dense one.
    random_state : int, RandomState instance or None, default=None
        Draws what training starts from, the held-out samples, and the order of the samples.
    verbose : int or bool, default=0
        1 prints a line an epoch.
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
        The penalty that `score` and `certify` judge by: that of the loss, with the weight that was
        found for a `target_l0`. Its weight is 0 if the loss has no penalty of codes, also where
        another term makes codes sparse, as with `Gated` and `JumpReLU`: `score` is then minus half
        the squared error.
    sparsity_weight_ : float or None
        Weight of the sparsity term that was found for a `target_l0`, or for a `TargetL0` in the
        loss. It is in the units of training: the `alpha` of a model without a target, with
        ``scale_inputs`` alike. None where nothing is searched for.
    input_scale_ : float
        What samples are multiplied by in training; 1 unless `scale_inputs`.
    output_ : str or None
        Activation at the end of the decoder, such as "sigmoid".
    debiases_ : bool
        Whether codes are least squares fits on their supports, see `refine`.
    history_ : dict of str to list of float
        One entry an epoch, or a batch of a stream: ``"loss"`` and its terms, ``"validation"`` of
        held-out samples, ``"grad_norm"``, ``"lr"``, ``"seconds"`` and, with `dead_window` or
        `replacement`, shares of ``"dead"`` and ``"dense"`` units and how many were ``"replaced"``.
    n_iter_ : int
        Steps of the optimizer.
    n_epochs_ : int
        Passes over the samples that were completed, or batches of a stream.
    state_ : TrainingState or None
        What `partial_fit` goes on from; it can be saved. None if training was not begun.
    n_outliers_, outlier_norm_ : int, and float or None
        Samples of huge norm that were dropped or clipped, and the largest norm that is usual.
    n_features_in_ : int
        Number of features seen during fit.

    See Also
    --------
    sparsecode.DictionaryLearning, sparsecode.compare.amortization_report

    Notes
    -----
    If training diverges, a `FloatingPointError` names the epoch and what to change; the estimator
    keeps the best parameters from before. If the loss at the end is higher than at the start, it
    keeps the start, with a warning. float16 samples are read as float32.

    References
    ----------
    A. Ng, "Sparse autoencoder", 2011. T. Bricken et al., "Towards monosemanticity: decomposing
    language models with dictionary learning", 2023.

    Examples
    --------
    >>> from sparsecode import SparseAutoencoder, SparseCoder
    >>> from sparsecode.datasets import make_sparse_signals
    >>> from sparsecode.encoders import TopK
    >>> X = make_sparse_signals(500, 20, 10, n_nonzero=2, random_state=0).X
    >>> model = SparseAutoencoder(20, encoder=TopK(k=2), random_state=0).fit(X)
    >>> model.transform(X[:5]).shape
    (5, 20)
    >>> exact = SparseCoder(model.dictionary_, alpha=0.1).fit(X)
    """

    def __init__(
        self,
        n_components=None,
        *,
        encoder=None,
        loss=None,
        penalty=L1,
        alpha=1.0,
        target_l0=None,
        scale_inputs=None,
        optimizer=None,
        n_epochs=20,
        batch_size=256,
        init="random",
        offset="mean",
        constraint=None,
        replacement=None,
        corrupt=None,
        dead_window=None,
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
    def fit(self, X, y=None, sample_weight=None):
        """Train encoder, atoms and offset.

        If it is interrupted (Ctrl-C), the estimator keeps the best parameters so far, of complete
        epochs, and can be used; the interrupt is then raised.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or iterator of such
            An iterator gives batches, from each of which is learned once, in pieces of
            `batch_size`. As there are no epochs, callbacks are told nothing of it.
        y : None
            Ignored; present for scikit-learn's pipelines.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            How much each sample counts in the mean; 0 leaves it out.

        Returns
        -------
        self : SparseAutoencoder
        """
        self._fit(X, y, sample_weight)
        return self

    def partial_fit(self, X, y=None, sample_weight=None):
        """Go on training with more samples, in the order given, each once.

        The first call draws the first dictionary, and fixes the encoder. The parameters in use are
        always the latest: the loss of a batch does not tell which are best. After `fit`, training
        goes on from the best. `n_epochs`, `patience` and `validation_fraction` are about `fit`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or iterator of such
            One batch, or several of `batch_size`.
        y : None
            Ignored; present for scikit-learn's pipelines.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            How much each sample counts in the mean; 0 leaves it out.

        Returns
        -------
        self : SparseAutoencoder
        """
        self._partial_fit(X, sample_weight)
        return self

    score = _scoring.score
    score_samples = _scoring.score_samples
    certify = _scoring.certify
    refine = _refinement.refine
    fold = _standardization.fold
    steer = _steering.steer
    max_activating = _steering.max_activating
    save = _saving.save
    load = classmethod(_saving.load)
    from_pretrained = classmethod(_pretrained.from_pretrained)
    _of_checkpoint = classmethod(_pretrained.autoencoder_of)
    to_checkpoint = _checkpoints.to_checkpoint

    @property
    def output_(self):
        """Activation at the end of the decoder, or None."""
        return self._model.output

    @property
    def debiases_(self):
        """Whether coefficients are fitted to each sample by least squares."""
        return self._model.debias

    def _plan(self, model):
        return plan_autoencoder(self, model)

    def _begin(self, plan, batch, rng):
        self._start(first_autoencoder(self, plan, batch, rng))

    def _read_batch(self, plan, item, sample_weight, codes, *, first):
        if isinstance(item, tuple):
            refuse_targets(item)
        return Batch(*self._check_samples(item, sample_weight, reset=first))
