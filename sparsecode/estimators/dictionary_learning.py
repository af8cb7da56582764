"""Dictionary learning by alternating codes and atoms, as an estimator."""

from __future__ import annotations

from sklearn.callback import with_callbacks

from sparsecode._batches import Batch, Samples
from sparsecode._validation import (
    check_flag,
    check_fraction,
    check_integer,
    check_missing,
    check_n_jobs,
    check_number,
    check_random_state,
)
from sparsecode._zero_codes import warn_of_zeros
from sparsecode.encoders import Exact
from sparsecode.estimators._alternating import AlternatingLearner
from sparsecode.estimators._callbacks import FitTasks
from sparsecode.estimators._stopping import HeldOut, Patience
from sparsecode.estimators._unchanged import unchanged_on_error
from sparsecode.penalties import L1
from sparsecode.penalties.base import resolve_penalty
from sparsecode.resampling import ReplaceAtoms
from sparsecode.resampling.replacement import resolve_replacement
from sparsecode.solvers._choice import resolve_solver
from sparsecode.training.norm_outliers import resolve_outliers
from sparsecode.updates import BlockUpdate
from sparsecode.updates.base import resolve_update

# While learning, atoms change more than codes of this relative gap differ from the exact ones.
_LEARNING_TOL = 1e-4


class DictionaryLearning(AlternatingLearner):
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
        for `n_iter_no_change` epochs in a row. 0 never stops early.
    n_iter_no_change : int, default=3
        See `tol`.
    early_stopping : bool, default=False
        Whether `tol` applies to the objective of held-out samples, and the dictionary that was
        best on these is kept.
    validation_fraction : float, default=0.1
        Share of the samples that `early_stopping` holds out; at most 10,000.
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
        learning. With `early_stopping` also ``"validation"``, the held-out objective, one entry an
        epoch, the first before learning.
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
        n_iter_no_change=3,
        early_stopping=False,
        validation_fraction=0.1,
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
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
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
        self._check_parameters()
        rng = check_random_state(self.random_state)
        again = self.warm_start and hasattr(self, "dictionary_")
        if hasattr(X, "__next__"):
            X = self._fit_stream(X, sample_weight, rng, first=True, again=again)
            self._warn_if_nothing_learned(X)
            return self
        with unchanged_on_error(self):
            X, sample_weight = self._check_samples(X, sample_weight, reset=not again)
            batch = self._without_outliers(Batch(X, sample_weight), first=not again)
            X, sample_weight, _ = batch
            samples, held = Samples(X, sample_weight, run=self.batch_size), None
            if self.early_stopping:
                samples, held = HeldOut.split(samples, self.validation_fraction, rng)
            self._begin(X, sample_weight, rng, again=again)
        tasks = FitTasks(self, X, y, self.n_epochs)
        patience = Patience(self.tol, self.n_iter_no_change, keep_best=self.early_stopping)
        try:
            self._pass_over(samples, held, rng, patience, tasks)
        finally:
            if self.early_stopping and patience.best is not None:
                # With its statistics: what `partial_fit` goes on from is what is kept.
                self._state = patience.best.after(self._state)
                self.dictionary_ = self._state.dictionary
        tasks.end()
        self._warn_if_nothing_learned(X)
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
        self._check_parameters()
        first = not hasattr(self, "dictionary_")
        n_before = 0 if first else self.n_iter_
        if hasattr(X, "__next__"):
            rng = check_random_state(self.random_state)
            X = self._fit_stream(X, sample_weight, rng, first=first)
            self._warn_if_nothing_learned(X, n_before)
            return self
        with unchanged_on_error(self):
            X, sample_weight = self._check_samples(X, sample_weight, reset=first)
            X, sample_weight, _ = self._without_outliers(Batch(X, sample_weight), first=first)
            if first:
                self._begin(X, sample_weight, check_random_state(self.random_state))
        samples = Samples(X, sample_weight, run=self.batch_size)
        self._learn(samples.batches(self.batch_size or len(samples)), full_batch=False)
        self._warn_if_nothing_learned(X, n_before)
        return self

    def _warn_if_nothing_learned(self, X, n_before=None):
        """Warn if all codes were zero since so many batches; None is the beginning of the fit."""
        n_before = self._n_before if n_before is None else n_before
        counts = self.history_["l0"][n_before:]
        # There are none where outliers were all there was.
        if counts and not any(counts):
            options = {"missing": self._missing, "stacklevel": 5}
            warn_of_zeros(X, self.dictionary_, self.penalty, self.alpha, **options)

    def _check_parameters(self):
        """Raise if a parameter is wrong or two do not fit."""
        if self.n_components is not None:
            check_integer(self.n_components, "n_components")
        if self.batch_size is not None:
            check_integer(self.batch_size, "batch_size")
        check_number(self.alpha, "alpha", low=0)
        for name in ("n_epochs", "n_iter_no_change"):
            check_integer(getattr(self, name), name)
        if not isinstance(self.verbose, bool):
            check_integer(self.verbose, "verbose", low=0)
        check_number(self.tol, "tol", low=0)
        check_fraction(self.validation_fraction, "validation_fraction")
        for name in ("early_stopping", "warm_start", "shuffle", "sparse_output"):
            check_flag(getattr(self, name), name)
        check_missing(self.missing)
        resolve_outliers(self.outliers)
        check_n_jobs(self.n_jobs)
        resolve_solver(self.solver, self._penalty())
        self._resolved_update()
        resolve_replacement(self.replacement)

    def _penalty(self):
        return resolve_penalty(self.penalty, self.alpha)

    def _resolved_update(self):
        return resolve_update(BlockUpdate if self.update is None else self.update)

    def _transform_encoder(self):
        return Exact(self._penalty(), self.solver)

    def _learning_encoder(self):
        penalty = self._penalty()
        solver = resolve_solver(self.solver, penalty)
        if self.solver is None and "tol" in solver.get_params():
            solver.set_params(tol=max(solver.tol, _LEARNING_TOL))
        return Exact(penalty, solver)

    def _encode(self, X, **options):
        options = {"sparse_output": self.sparse_output} | options
        return super()._encode(X, missing=self._missing, **options)

    @property
    def _missing(self):
        return self.missing is not None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self._missing
        return tags
