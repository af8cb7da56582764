"""Learned ISTA as a scikit-learn estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from sparsecode._collections import by_chunks
from sparsecode._typing import Codes, MatrixLike, RandomState, Stream, Weights
from sparsecode._zero_codes import warn_of_zeros
from sparsecode.estimators import _network, _saving, _scoring
from sparsecode.estimators._callbacks import with_callbacks
from sparsecode.estimators._trained import TrainedEstimator
from sparsecode.penalties import L1, Penalty

if TYPE_CHECKING:
    from sparsecode.encoders.trainable import TrainableEncoder
    from sparsecode.losses.base import Loss
    from sparsecode.optimizers.base import Optimizer
    from sparsecode.training.norm_outliers import NormOutliers
    from sparsecode.training.stages import Stage


class LISTA(TrainedEstimator):
    """Learned ISTA: sparse codes by a network trained for one dictionary.

    Predicts, for every row ``x`` of ``X``, the minimiser of
    ``1/2 ||x - offset - z @ atoms||^2 + alpha * penalty(z)`` with a fixed number of layers, which
    start as iterations of ISTA and are trained on samples. The dictionary is given, or learned
    first. The network is an encoder of `sparsecode.encoders`. The default one is also called LISTA;
    it is the network alone, and this class is the estimator that trains it.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of atoms. None takes that of `dictionary` if it has one, and otherwise the number of
        features.
    dictionary : Dictionary, array-like of shape (n_components, n_features), estimator or None, \
default=None
        Atoms are used as they are, whatever their norm. An estimator, such as `DictionaryLearning`,
        is fitted first to learn them, on the same samples. None is `DictionaryLearning` with the
        same `penalty` and `alpha`, in batches if there are many samples.
    encoder : TrainableEncoder or None, default=None
        The network: `sparsecode.encoders.LISTA`, `LISTACP`, `TiLISTA`, `ALISTA`, `SLISTA`, `PSD` or
        a custom one. Training starts from its `params` if it has any. Its penalty is set to that of
        the estimator. None is ``sparsecode.encoders.LISTA()``.
    n_layers : int or None, default=None
        Number of layers; None takes that of `encoder`, 16 by default.
    penalty : Penalty or its class, default=L1
        A class stands for its default instance, which has weight 1. The networks of the library
        take `L1`, also weighted or non-negative.
    alpha : float, default=1.0
        Multiplies the weight of the penalty, in the units of `X` times those of an atom. A tenth of
        `sparsecode.alpha_max` is a common choice.
    loss : {"unsupervised", "supervised"} or Loss, default="unsupervised"
        Training loss. "unsupervised" is the mean objective, `LassoLoss`; "supervised" is the mean
        squared distance to exact codes, `SupervisedLoss`. A `Loss` is used unchanged; its target,
        if it has one, is exact codes.
    optimizer : Optimizer or None, default=None
        None is ``Adam()``. The learning rate may be a schedule, see `sparsecode.schedules`.
    n_epochs : int, default=100
        Largest number of passes over the samples in each stage.
    batch_size : int or None, default=256
        Samples in a step; None takes all samples.
    stages : {"layer_by_layer"}, list of Stage or None, default=None
        "layer_by_layer" trains one layer after another, three stages for each: the layer alone,
        then twice with all layers before it; see `sparsecode.training.layer_by_layer`. None trains
        all layers together, as `partial_fit` always does.
    learn_dictionary : bool, default=False
        Whether atoms and offset are trained together with the network, by the gradients of an
        unsupervised loss. Atoms given as an array are then scaled to norm 1 and keep this norm.
    outliers : {"drop", "clip"}, NormOutliers or None, default=None
        Policy for samples of huge norm in training, see `sparsecode.training.NormOutliers`. A name
        stands for its default instance. None learns from all samples.
    validation_fraction : float or None, default=None
        Share of the samples held out for validation, of a Dask array at most 131,072 rows. None
        validates with the loss of the batches of each epoch.
    patience : int or None, default=None
        Epochs in a row without a new lowest loss after which a stage ends; None never ends one
        early. In both cases the parameters with the lowest loss are kept.
    max_norm : float or None, default=None
        Largest norm of the gradient, for scaled samples, see `input_scale_`; longer gradients are
        scaled down.
    shuffle : bool, default=True
        Whether to shuffle the samples before each epoch. Of a memory map, batches of consecutive
        rows come in random order.
    sparse_output : bool, default=False
        Whether `transform` returns a SciPy CSR array instead of a dense array.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for the initial dictionary, random initial parameters, the held-out
        samples and the order of the samples.
    verbose : int or bool, default=0
        1 prints one line for each epoch.
    n_jobs : int or None, default=None
        Threads of `fit` and `transform`; None uses all cores. The result does not depend on it.

    Attributes
    ----------
    dictionary_ : Dictionary
    components_ : ndarray of shape (n_components, n_features)
        Atoms of the dictionary.
    encoder_ : TrainableEncoder
        The trained network. ``encoder_.encode(X, dictionary_, n_layers=k)`` runs its first `k`
        layers.
    penalty_ : Penalty
        Penalty of the objective, with its weight.
    input_scale_ : float
        Factor of the samples in training, which makes their mean squared norm 1, so that training
        does not depend on their unit. Atoms that are not learned are scaled too. It is 1 if it is
        not known how the encoder, the loss or the penalty scales.
    history_ : dict of str to list of float
        One entry for each epoch, or batch of an iterator: ``"loss"`` and its terms,
        ``"validation"`` if samples are held out, ``"grad_norm"``, ``"lr"``, ``"n_layers"`` (0 is
        all) and ``"seconds"`` spent training.
    n_iter_ : int
        Number of steps of the optimizer.
    n_epochs_ : int
        Number of complete passes over the samples, or of batches of an iterator.
    state_ : TrainingState or None
        State that `partial_fit` resumes from; it can be saved. None before any training.
    n_outliers_ : int
        Number of samples of huge norm that were dropped or clipped. A sample of `fit` counts once.
    outlier_norm_ : float or None
        Largest norm that is not an outlier; None without `outliers`.
    n_features_in_ : int
        Number of features seen during fit.

    See Also
    --------
    sparsecode.encoders.LISTA : The network alone.
    sparsecode.SparseCoder : Exact codes on the same dictionary.
    sparsecode.compare.amortization_report : Comparison of these codes with exact ones.

    Notes
    -----
    If training diverges, a `FloatingPointError` names the epoch and what to change, and the
    estimator keeps the best parameters from before. If the loss is higher at the end than at the
    start, it keeps the initial parameters and warns. float16 samples are read as float32.

    References
    ----------
    K. Gregor and Y. LeCun, "Learning fast approximations of sparse coding", 2010.

    Examples
    --------
    >>> from sparsecode import LISTA, Dictionary
    >>> from sparsecode.datasets import make_sparse_signals
    >>> dictionary = Dictionary.random(20, 10, random_state=0)
    >>> X = make_sparse_signals(500, n_nonzero=2, dictionary=dictionary, random_state=0).X
    >>> model = LISTA(dictionary=dictionary, n_layers=3, alpha=0.1, n_epochs=30, random_state=0)
    >>> codes = model.fit_transform(X)
    >>> untrained = model.encoder_.bind(None).encode(X, dictionary)
    >>> from sparsecode import certify
    >>> bool(-model.score(X) < 0.9 * certify(X, untrained, dictionary, L1(0.1)).objective.mean())
    True
    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        dictionary: Any = None,
        encoder: TrainableEncoder | None = None,
        n_layers: int | None = None,
        penalty: Penalty | type[Penalty] = L1,
        alpha: float = 1.0,
        loss: Literal["unsupervised", "supervised"] | Loss = "unsupervised",
        optimizer: Optimizer | None = None,
        n_epochs: int = 100,
        batch_size: int | None = 256,
        stages: Literal["layer_by_layer"] | list[Stage] | None = None,
        learn_dictionary: bool = False,
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
        self.dictionary = dictionary
        self.encoder = encoder
        self.n_layers = n_layers
        self.penalty = penalty
        self.alpha = alpha
        self.loss = loss
        self.optimizer = optimizer
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.stages = stages
        self.learn_dictionary = learn_dictionary
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
    def fit(
        self,
        X: Stream,
        y: Any = None,
        sample_weight: Weights = None,
        codes: MatrixLike | None = None,
    ) -> Self:
        """Learn the dictionary, unless it is given, and train the network.

        If it is interrupted (Ctrl-C), the estimator keeps the best parameters of the complete
        epochs and can be used. The interrupt is then raised.

        Parameters
        ----------
        X : array-like, sparse matrix or Dask array of shape (n_samples, n_features), or iterator
            An iterator yields batches; each is used once, in pieces of `batch_size`. The
            dictionary, unless it is given, is learned from the first. Callbacks are not called,
            because there are no epochs.
        y : None
            Ignored; present for scikit-learn's pipelines.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each sample in the mean; 0 leaves the sample out.
        codes : array-like or sparse matrix of shape (n_samples, n_components) or None, default=None
            Target codes on the given dictionary for a supervised loss, instead of exact codes.

        Returns
        -------
        self : LISTA
        """
        X = self._fit(X, y, sample_weight, codes)
        if X is not None and _network.codes_nothing(self, X):
            warn_of_zeros(X, self.dictionary_, self.penalty, self.alpha, missing=False)
        return self

    def partial_fit(
        self,
        X: Stream,
        y: Any = None,
        sample_weight: Weights = None,
        codes: MatrixLike | None = None,
    ) -> Self:
        """Continue training with more samples, each used once and in the given order.

        The first call learns the dictionary from its samples, unless it is given. It fixes the
        dictionary, the encoder and the penalty; with `learn_dictionary` all calls train the atoms
        too. The estimator always uses the latest parameters, because the loss of one batch does not
        show which are best. After `fit`, training continues from the best parameters. `n_epochs`,
        `stages`, `patience` and `validation_fraction` have an effect in `fit` only.

        Parameters
        ----------
        X : array-like, sparse matrix or Dask array of shape (n_samples, n_features), or iterator
            One batch, or several of `batch_size`.
        y : None
            Ignored; present for scikit-learn's pipelines.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each sample in the mean; 0 leaves the sample out.
        codes : array-like or sparse matrix of shape (n_samples, n_components) or None, default=None
            Target codes on the given dictionary for a supervised loss, instead of exact codes.

        Returns
        -------
        self : LISTA
        """
        self._partial_fit(X, sample_weight, codes)
        return self

    @by_chunks("coding.transform")
    def transform(self, X: MatrixLike, *, n_layers: int | None = None) -> Codes:
        """Compute the sparse code of every sample.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        n_layers : int or None, default=None
            Number of layers to run; None runs all. If layers were trained end to end, only the last
            one gives good codes.

        Returns
        -------
        codes : ndarray or csr_array of shape (n_samples, n_components)
            float32 if both `X` and the dictionary are, else float64.
        """
        X = self._check_X(X)
        return self._encode(X) if n_layers is None else self._encode(X, n_layers=n_layers)

    score = _scoring.score
    score_samples = _scoring.score_samples
    certify = _scoring.certify
    save = _saving.save
    load = _saving.load
    _plan = _network.plan_network
    _begin = _network.begin_network
    _read_batch = _network.read_pairs
