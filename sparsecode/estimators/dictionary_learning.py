"""Dictionary learning by alternating codes and atoms, as an estimator."""

from __future__ import annotations

from sklearn.callback import CallbackSupportMixin, with_callbacks

from sparsecode._validation import check_random_state
from sparsecode._zero_codes import warn_of_zeros
from sparsecode.estimators import _saving, _scoring
from sparsecode.estimators._base import CodesEstimator
from sparsecode.estimators._exact_model import exact_model
from sparsecode.estimators._learning_run import LearningRun, plan_learning
from sparsecode.penalties import L1
from sparsecode.replacement import ReplaceAtoms


class DictionaryLearning(CallbackSupportMixin, CodesEstimator):
    """Learn a dictionary for sparse codes: full batch, online, or from a stream.

    Minimises over the atoms, which obey a constraint, the mean over samples of
    ``min_z 1/2 ||x - z @ atoms||^2 + alpha * penalty(z)``, by turns: exact codes of a batch, then
    an update of the atoms.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of atoms; None is that of `init` if it has one, and else the number of features.
    penalty : Penalty or its class, default=L1
        A class stands for its default instance, of weight 1. `KSparse` limits the number of atoms
        of a code instead, as K-SVD does.
    alpha : float, default=1.0
        Multiplies the weight of the penalty. Absolute, in the units of `X` times those of an atom:
        see `sparsecode.alpha_max`, of which a tenth is a common choice.
    solver : Solver or None, default=None
        None is what `choose_solver` picks for the penalty; while learning it then stops at a
        relative gap of 1e-4.
    update : Update or None, default=None
        How atoms follow from codes; None is `BlockUpdate()`.
    batch_size : int or None, default=None
        Samples between two updates of the atoms. None is all of them: full-batch learning, where
        every update forgets the codes of the pass before. For many samples online learning is much
        faster; 1024 or, if that is more, twice the number of atoms is a good size of a batch.
    n_epochs : int, default=100
        Most passes over the samples.
    init : str, array-like of shape (n_components, n_features) or Dictionary, default="samples"
        Atoms to start from: "samples", "svd", "random", "dct" or "k-means++", see
        `sparsecode.initialization.initial_dictionary`; or the atoms themselves. The offset of a
        `Dictionary` is kept.
    constraint : Constraint or None, default=None
        Set in which the atoms stay. None is that of `init` if it is a `Dictionary`, else
        `UnitNorm()`.
    replacement : ReplaceAtoms, its class or None, default=ReplaceAtoms
        Policy for atoms that no sample uses or that are there twice; None leaves them.
    tol : float, default=1e-4
        Learning stops when the mean objective of an epoch has not fallen by this share of itself
        for `patience` epochs in a row. 0 never stops early.
    patience : int, default=3
        Epochs in a row without such a fall after which learning ends.
    validation_fraction : float or None, default=None
        Share of the samples that is held out, at most 10,000. `tol` then applies to their
        objective, and the dictionary that was best on these is kept. None judges each epoch by
        the samples that are learned from.
    warm_start : bool, default=False
        Whether `fit` goes on from the dictionary of the last fit; it forgets the samples of then.
        `init` is not looked at then, and another number of features or components is an error.
    shuffle : bool, default=True
        Whether each epoch has a random order; of a memory map, batches of consecutive rows in
        random order.
    missing : {None, "mask"}, default=None
        What NaN in `X`, or the mask of a masked array, means: None refuses it; "mask" fits each
        sample on its observed features only. Zeros that a sparse matrix does not store are
        observed.
    outliers : {"drop", "clip"}, NormOutliers or None, default=None
        What to do in training with samples of huge norm, see `sparsecode.training.NormOutliers`, of
        which a name stands for the default. None learns from all.
    sparse_output : bool, default=False
        Whether `transform` returns a SciPy CSR array instead of a dense one.
    random_state : int, RandomState instance or None, default=None
        Draws the first atoms, the held-out samples, and the order of the samples.
    verbose : int or bool, default=0
        1 prints a line an epoch.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The result does not depend on it.

    Attributes
    ----------
    dictionary_ : Dictionary
    components_ : ndarray of shape (n_components, n_features)
        Atoms of the dictionary.
    n_iter_ : int
        Updates of the atoms.
    n_epochs_ : int
        Passes over the samples that were begun.
    history_ : dict of str to list of float
        One entry an update: mean ``"objective"`` and ``"l0"`` of the batch, coded before the
        update; ``"dead_atoms"``, how many atoms no sample of the batch used; ``"seconds"`` spent
        learning. With `validation_fraction` also ``"validation"``, the held-out objective, one
        entry an epoch, the first before learning.
    n_outliers_ : int
        Samples of huge norm that were dropped or clipped; a sample of `fit` counts once.
    outlier_norm_ : float or None
        The largest norm that is none; None without `outliers`.
    n_features_in_ : int
        Number of features seen during fit.

    See Also
    --------
    sparsecode.SparseCoder : Codes on a dictionary that is given.
    sparsecode.OlshausenField : Learning with a smooth prior and gain control.

    References
    ----------
    J. Mairal, F. Bach, J. Ponce and G. Sapiro, "Online learning for matrix factorization and
    sparse coding", 2010.

    Examples
    --------
    >>> from sparsecode import DictionaryLearning
    >>> from sparsecode.datasets import make_sparse_signals
    >>> X, codes, atoms = make_sparse_signals(500, 12, 10, n_nonzero=2, random_state=0)
    >>> model = DictionaryLearning(12, alpha=0.1, random_state=0).fit(X)
    >>> model.transform(X[:5]).shape
    (5, 12)
    """

    def __init__(
        self,
        n_components=None,
        *,
        penalty=L1,
        alpha=1.0,
        solver=None,
        update=None,
        batch_size=None,
        n_epochs=100,
        init="samples",
        constraint=None,
        replacement=ReplaceAtoms,
        tol=1e-4,
        patience=3,
        validation_fraction=None,
        warm_start=False,
        shuffle=True,
        missing=None,
        outliers=None,
        sparse_output=False,
        random_state=None,
        verbose=0,
        n_jobs=None,
    ):
        self.n_components = n_components
        self.penalty = penalty
        self.alpha = alpha
        self.solver = solver
        self.update = update
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.init = init
        self.constraint = constraint
        self.replacement = replacement
        self.tol = tol
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.shuffle = shuffle
        self.missing = missing
        self.outliers = outliers
        self.sparse_output = sparse_output
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs

    @with_callbacks
    def fit(self, X, y=None, sample_weight=None):
        """Learn the atoms.

        If it is interrupted (Ctrl-C), the estimator keeps what was learned so far and can be used;
        the interrupt is then raised.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or iterator of such
            float16 is read as float32. A memory map is read a batch at a time, and its values are
            checked then. An iterator
            gives batches, from each of which is learned once, in pieces of `batch_size`; as there
            are no epochs, `verbose` and callbacks tell nothing of it.
        y : None
            Ignored; present for scikit-learn's pipelines.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            How much each sample counts in the mean; 0 leaves it out.

        Returns
        -------
        self : DictionaryLearning
        """
        plan, rng = plan_learning(self), check_random_state(self.random_state)
        again = self.warm_start and hasattr(self, "dictionary_")
        run = LearningRun(self, plan, is_first=not again, again=again)
        if hasattr(X, "__next__"):
            fraction = self.validation_fraction
            X = run.learn_batches(X, rng, sample_weight, validation_fraction=fraction)
        else:
            X = run.fit(X, y, sample_weight, rng)
        self._finish(X, self._n_before)
        return self

    def partial_fit(self, X, y=None, sample_weight=None):
        """Go on learning from more samples, in the order given, each once.

        The first call fixes the first dictionary, its `constraint`, the `update` and the
        `replacement`; changes of other parameters hold from the next call on.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or iterator of such
            One batch, or several of `batch_size`. The first call also makes the first dictionary
            from it.
        y : None
            Ignored; present for scikit-learn's pipelines.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            How much each sample counts in the mean; 0 leaves it out.

        Returns
        -------
        self : DictionaryLearning
        """
        plan, is_first = plan_learning(self), not hasattr(self, "dictionary_")
        n_before = 0 if is_first else self.n_iter_
        run = LearningRun(self, plan, is_first=is_first)
        items = X if hasattr(X, "__next__") else [X]
        X = run.learn_batches(items, check_random_state(self.random_state), sample_weight)
        self._finish(X, n_before)
        return self

    score = _scoring.score
    score_samples = _scoring.score_samples
    certify = _scoring.certify
    save = _saving.save
    load = classmethod(_saving.load)

    def _finish(self, X, n_before):
        """Resolve what codes from now on, and warn if all codes were zero since so many batches."""
        exact_model(self)
        counts = self.history_["l0"][n_before:]
        # There are none where outliers were all there was.
        if counts and not any(counts):
            options = {"missing": self._missing, "stacklevel": 5}
            warn_of_zeros(X, self.dictionary_, self.penalty, self.alpha, **options)

    @property
    def _model(self):
        return exact_model(self)
