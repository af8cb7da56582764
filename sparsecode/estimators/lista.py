"""Learned ISTA as an estimator: a dictionary, and a network that codes on it."""

from __future__ import annotations

from sklearn.callback import with_callbacks

from sparsecode._batches import Batch
from sparsecode._row_blocks import dense_rows
from sparsecode._zero_codes import warn_of_zeros
from sparsecode.estimators import _saving, _scoring
from sparsecode.estimators._code_losses import check_codes_to_learn
from sparsecode.estimators._dictionaries import has_atoms
from sparsecode.estimators._network import begin_network, plan_network
from sparsecode.estimators._trained import TrainedEstimator
from sparsecode.penalties import L1

# Samples whose codes tell whether all are zero.
_LOOKED_AT = 1000


class LISTA(TrainedEstimator):
    """Learned ISTA: sparse codes by a network trained for one dictionary.

    Predicts, for every row ``x`` of ``X``, the minimiser of ``1/2 ||x - offset - z @ atoms||^2 +
    alpha * penalty(z)`` by a fixed number of layers, which start as iterations of ISTA and are
    trained on samples. The dictionary is given, or learned first. The network is an encoder of
    `sparsecode.encoders`, by default the one that is also called LISTA: that class is the network
    alone, this one makes it a transformer that trains it.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of atoms; None is that of `dictionary` if it has one, and else the number of
        features.
    dictionary : Dictionary, array-like of shape (n_components, n_features), estimator or None, \
default=None
        Atoms are used as they are, whatever their norm. An estimator, such as
        `DictionaryLearning`, is fitted first to learn them, on the same samples. None is
        `DictionaryLearning` with the same `penalty` and `alpha`, from batches if there are many
        samples.
    encoder : TrainableEncoder or None, default=None
        The network: `sparsecode.encoders.LISTA`, `LISTACP`, `TiLISTA`, `ALISTA`, `SLISTA`, `PSD` or
        one of your own; training starts from its `params` if it has any. Its penalty is set to
        that of the estimator. None is ``sparsecode.encoders.LISTA()``.
    n_layers : int or None, default=None
        Layers of the network; None is what `encoder` has, 16 by default.
    penalty : Penalty or its class, default=L1
        A class stands for its default instance, of weight 1. The networks of the library take `L1`,
        weighted or non-negative too.
    alpha : float, default=1.0
        Multiplies the weight of the penalty. Absolute, in the units of `X` times those of an atom:
        see `sparsecode.alpha_max`, of which a tenth is a common choice.
    loss : {"unsupervised", "supervised"} or Loss, default="unsupervised"
        What training makes small. "unsupervised" is the mean objective, `LassoLoss`; "supervised"
        is the mean squared distance to exact codes, `SupervisedLoss`. A `Loss` is used as it is;
        one that has a target gets exact codes.
    optimizer : Optimizer or None, default=None
        None is ``Adam()``. Its rate may be a schedule, see `sparsecode.schedules`.
    n_epochs : int, default=100
        Most passes over the samples, in each stage.
    batch_size : int or None, default=256
        Samples of a step; None is all.
    stages : {"layer_by_layer"}, list of Stage or None, default=None
        "layer_by_layer" trains one layer after another, each with and without those before, in
        stages as `sparsecode.training.layer_by_layer` makes them, three for each layer. None trains
        all layers together, as `partial_fit` always does.
    learn_dictionary : bool, default=False
        Whether atoms and offset are trained together with the network, by the gradients of an
        unsupervised loss. Atoms given as an array are then scaled to norm 1, and stay so.
    outliers : {"drop", "clip"}, NormOutliers or None, default=None
        What to do in training with samples of huge norm, see `sparsecode.training.NormOutliers`, of
        which a name stands for the default. None learns from all.
    validation_fraction : float or None, default=None
        Share of the samples that is held out to judge by. None judges each epoch by the loss of
        its batches.
    patience : int or None, default=None
        Epochs in a row without a new lowest loss after which a stage ends; None never ends one
        early. Whether or not, the parameters with the lowest are kept.
    max_norm : float or None, default=None
        Longest gradient, in units of training, see `input_scale_`; longer ones are scaled down.
    shuffle : bool, default=True
        Whether each epoch has a random order; of a memory map, batches of consecutive rows in
        random order.
    sparse_output : bool, default=False
        Whether `transform` returns a SciPy CSR array instead of a dense one.
    random_state : int, RandomState instance or None, default=None
        Draws what the dictionary starts from, the parameters of encoders that start at random, the
        held-out samples, and the order of the samples.
    verbose : int or bool, default=0
        1 prints a line an epoch.
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
        That of the objective, with its weight.
    input_scale_ : float
        What samples are multiplied by in training, to a mean squared norm of 1, so that it is the
        same in all units; atoms that are not learned are scaled likewise. 1 for an encoder, a loss
        or a penalty of which it is not known how they scale.
    history_ : dict of str to list of float
        One entry an epoch, or a batch of a stream: ``"loss"`` and its terms, ``"validation"``
        where samples are held out, ``"grad_norm"``, ``"lr"``, ``"n_layers"`` (0 is all) and
        ``"seconds"`` spent training.
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
    sparsecode.encoders.LISTA : The network alone.
    sparsecode.SparseCoder : Exact codes on the same dictionary.
    sparsecode.compare.amortization_report : What the codes cost against exact ones.

    Notes
    -----
    If training diverges, a `FloatingPointError` names the epoch and what to change; the estimator
    keeps the best parameters from before. If the loss at the end is higher than at the start, it
    keeps the start, with a warning. float16 samples are read as float32.

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
        n_components=None,
        *,
        dictionary=None,
        encoder=None,
        n_layers=None,
        penalty=L1,
        alpha=1.0,
        loss="unsupervised",
        optimizer=None,
        n_epochs=100,
        batch_size=256,
        stages=None,
        learn_dictionary=False,
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
    def fit(self, X, y=None, sample_weight=None, codes=None):
        """Learn the dictionary, unless it is given, and train the network.

        If it is interrupted (Ctrl-C), the estimator keeps the best parameters so far, of complete
        epochs, and can be used; the interrupt is then raised.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or iterator of such
            An iterator gives batches, from each of which is learned once, in pieces of
            `batch_size`; the dictionary, unless it is given, is learned from the first. As there
            are no epochs, callbacks are told nothing of it.
        y : None
            Ignored; present for scikit-learn's pipelines.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            How much each sample counts in the mean; 0 leaves it out.
        codes : array-like or sparse matrix of shape (n_samples, n_components) or None, default=None
            Codes on the given dictionary to learn, for a supervised loss, instead of exact ones.

        Returns
        -------
        self : LISTA
        """
        X = self._fit(X, y, sample_weight, codes)
        # Where the dictionary is learned, whoever learns it tells.
        if X is not None and has_atoms(self.dictionary) and self._codes_nothing(X):
            warn_of_zeros(X, self.dictionary_, self.penalty, self.alpha, missing=False)
        return self

    def partial_fit(self, X, y=None, sample_weight=None, codes=None):
        """Go on training with more samples, in the order given, each once.

        The first call learns the dictionary from its samples, unless it is given, and fixes it, the
        encoder and the penalty; with `learn_dictionary` all calls train the atoms too. The
        parameters in use are always the latest: the loss of a batch does not tell which are best.
        After `fit`, training goes on from the best. `n_epochs`, `stages`, `patience` and
        `validation_fraction` are about `fit`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or iterator of such
            One batch, or several of `batch_size`.
        y : None
            Ignored; present for scikit-learn's pipelines.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            How much each sample counts in the mean; 0 leaves it out.
        codes : array-like or sparse matrix of shape (n_samples, n_components) or None, default=None
            Codes on the given dictionary to learn, for a supervised loss, instead of exact ones.

        Returns
        -------
        self : LISTA
        """
        self._partial_fit(X, sample_weight, codes)
        return self

    def transform(self, X, *, n_layers=None):
        """Code every sample.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        n_layers : int or None, default=None
            How many layers to run; None runs all. Layers that were trained end to end code well
            only at the end.

        Returns
        -------
        codes : ndarray or csr_array of shape (n_samples, n_components)
            float32 only if X and the dictionary both are.
        """
        X = self._check_X(X)
        return self._encode(X) if n_layers is None else self._encode(X, n_layers=n_layers)

    score = _scoring.score
    score_samples = _scoring.score_samples
    certify = _scoring.certify
    save = _saving.save
    load = classmethod(_saving.load)

    def _plan(self, model):
        return plan_network(self)

    def _begin(self, plan, batch, rng):
        begin_network(self, plan, batch, rng)

    def _read_batch(self, plan, item, sample_weight, codes, *, first):
        X, sample_weight = self._check_samples(item, sample_weight, reset=first)
        return Batch(X, sample_weight, check_codes_to_learn(codes, X, self.dictionary, plan.loss))

    def _codes_nothing(self, X):
        """Whether the codes of the first samples are all zero."""
        some = dense_rows(X, slice(0, _LOOKED_AT), self.dictionary_.dtype)
        return not self.encoder_.encode(some, self.dictionary_, n_jobs=self.n_jobs).any()
