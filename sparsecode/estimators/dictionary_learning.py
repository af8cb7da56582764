"""Dictionary learning by alternating codes and atoms, as an estimator."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight

from sparsecode._batches import Samples
from sparsecode._rows import is_on_disk
from sparsecode._validation import (
    check_flag,
    check_integer,
    check_missing,
    check_n_jobs,
    check_number,
)
from sparsecode.encoders import Exact
from sparsecode.estimators._base import SparseCodingEstimator
from sparsecode.estimators._stopping import Patience
from sparsecode.initialization import initial_dictionary
from sparsecode.learning import alternate, initial_state
from sparsecode.objective import alpha_max, objective
from sparsecode.penalties import L1
from sparsecode.penalties.base import resolve_penalty
from sparsecode.resampling import ReplaceAtoms, resolve_replacement
from sparsecode.solvers._choice import resolve_solver
from sparsecode.updates import BlockUpdate
from sparsecode.updates.base import resolve_update

# While learning, atoms change more than codes of this relative gap differ from the exact ones.
_LEARNING_TOL = 1e-4
# More samples do not make a held-out objective much more exact.
_MOST_HELD = 10_000
_HISTORY = ("objective", "l0", "dead_atoms", "seconds")


class DictionaryLearning(CallbackSupportMixin, SparseCodingEstimator):
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
        every update forgets the codes of the pass before. For many samples online learning, with
        at least as many samples a batch as there are atoms, is much faster.
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
    shuffle : bool, default=True
        Whether each epoch has a random order; of a memory map, batches of consecutive rows in
        random order.
    missing : {None, "mask"}, default=None
        What NaN in `X` means: None refuses it; "mask" fits each sample on its observed features
        only.
    sparse_output : bool, default=False
        Whether `transform` returns a SciPy CSR array instead of a dense one.
    random_state : int, RandomState instance or None, default=None
        Draws the first atoms, the held-out samples, and the order of the samples.
    verbose : int, default=0
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
            A memory map is read a batch at a time, and its values are checked then. An iterator
            gives batches, from each of which is learned once, in pieces of `batch_size`.
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
        if hasattr(X, "__next__"):
            return self._fit_stream(X, sample_weight, rng)
        X, sample_weight = self._check_samples(X, sample_weight, reset=True)
        samples, held = Samples(X, sample_weight, run=self.batch_size), None
        if self.early_stopping:
            samples, held = self._split(samples, rng)
        if not (self.warm_start and hasattr(self, "dictionary_")):
            self._begin(X, sample_weight, rng)
        else:
            self._go_on(X)
        context = self._init_callback_context(max_subtasks=self.n_epochs)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        patience = Patience(self.tol, self.n_iter_no_change, keep_best=self.early_stopping)
        try:
            self._pass_over(samples, held, rng, patience, context, X, y)
        finally:
            if self.early_stopping and patience.best is not None:
                self.dictionary_ = patience.best
        context.call_on_fit_task_end(
            estimator=self, X=X, y=y, reconstruction_attributes={"dictionary_": self.dictionary_}
        )
        self._tell_if_useless(X)
        return self

    def partial_fit(self, X, y=None, sample_weight=None):
        """Go on learning from more samples, in the order given, each once.

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
        if hasattr(X, "__next__"):
            rng = check_random_state(self.random_state)
            return self._fit_stream(X, sample_weight, rng, first=first)
        X, sample_weight = self._check_samples(X, sample_weight, reset=first)
        if first:
            self._begin(X, sample_weight, check_random_state(self.random_state))
        samples = Samples(X, sample_weight, run=self.batch_size)
        self._learn(samples.batches(self.batch_size or len(samples)), full_batch=False)
        return self

    def _fit_stream(self, batches, sample_weight, rng, *, first=True):
        for name, given in (
            ("early_stopping", self.early_stopping),
            ("sample_weight", sample_weight),
        ):
            if given is not None and given is not False:
                raise ValueError(
                    f"{name} was given with an iterator of batches; expected samples in an array "
                    "or a memory map. Leave it out, or pass an array."
                )
        for batch in batches:
            X, _ = self._check_samples(batch, None, reset=first)
            if first:
                self._begin(X, None, rng)
            first = False
            samples = Samples(X, run=self.batch_size)
            self._learn(samples.batches(self.batch_size or len(samples)), full_batch=False)
        if first:
            raise ValueError(
                "X is an iterator that gave no batch; expected at least one. Pass a new iterator: "
                "it can be passed over once."
            )
        return self

    def _pass_over(self, samples, held, rng, patience, context, X, y):
        """Learn for some epochs, until patience ends or a callback stops it."""
        if held is not None:
            self.history_.setdefault("validation", []).append(self._held_objective(held))
            patience.is_over(self.history_["validation"][-1], self.dictionary_)
        for epoch in range(self.n_epochs):
            task = context.subcontext(task_name="epoch")
            task.call_on_fit_task_begin(estimator=self, X=X, y=y)
            self.n_epochs_ += 1
            if self.batch_size is None:
                self._learn([samples.whole()], full_batch=True)
            else:
                order = rng if self.shuffle else None
                self._learn(samples.batches(self.batch_size, order), full_batch=False)
            value = self._objective_of_epoch if held is None else self._held_objective(held)
            if held is not None:
                self.history_["validation"].append(value)
            if self.verbose:
                self._print(epoch, value)
            fitted = {"dictionary_": self.dictionary_}
            stop = task.call_on_fit_task_end(
                estimator=self, X=X, y=y, reconstruction_attributes=fitted
            )
            if patience.is_over(value, self.dictionary_) or stop:
                break

    def _learn(self, batches, *, full_batch):
        """Learn from batches; what is known after each of them is kept at once."""
        self._costs = []
        states = alternate(
            self._learning_encoder(),
            self.dictionary_,
            batches,
            update=self._update,
            replacement=self._replacement,
            state=self._state,
            full_batch=full_batch,
            missing=self._missing,
            n_jobs=self.n_jobs,
        )
        for state in states:
            self.dictionary_, self._state, self.n_iter_ = state.dictionary, state, state.n_iter
            self._costs.append((state.objective, state.weight))
            n_dead = np.count_nonzero(state.usage == 0)
            row = (state.objective, state.l0, n_dead, state.seconds)
            for name, value in zip(_HISTORY, row, strict=True):
                self.history_[name].append(float(value))

    @property
    def _objective_of_epoch(self):
        costs, weights = np.transpose(self._costs)
        return float(np.average(costs, weights=weights))

    def _held_objective(self, batch):
        encoder = self._learning_encoder()
        options = {"missing": self._missing, "n_jobs": self.n_jobs}
        codes = encoder.encode(batch.X, self.dictionary_, **options)
        values = objective(batch.X, codes, self.dictionary_, encoder.penalty, **options)
        return float(np.average(values, weights=batch.sample_weight))

    def _split(self, samples, rng):
        """Samples to learn from, and a batch of others to judge by."""
        n_held = min(self.validation_fraction * len(samples), _MOST_HELD)
        if len(samples) < 2 or n_held < 0.5:
            raise ValueError(
                f"X has {len(samples)} samples, of which validation_fraction="
                f"{self.validation_fraction} leaves none to hold out; expected at least one. Give "
                "more samples, or set early_stopping=False."
            )
        samples, held = samples.split(n_held, rng)
        return samples, held.whole()

    def _begin(self, X, sample_weight, rng):
        if sample_weight is not None and not is_on_disk(X):
            X = X[sample_weight > 0]
        dictionary = initial_dictionary(
            self.init,
            X,
            self._n_components(X),
            constraint=self.constraint,
            missing=self._missing,
            random_state=rng,
        )
        self._update = self._resolved_update()
        self._replacement = resolve_replacement(self.replacement)
        self._state = initial_state(dictionary, self._update, self._replacement)
        self.dictionary_ = dictionary
        self.n_iter_, self.n_epochs_ = 0, 0
        self.history_ = {name: [] for name in _HISTORY}

    def _go_on(self, X):
        """Start again from the dictionary learned before."""
        dictionary = self.dictionary_
        self._update = self._resolved_update()
        self._replacement = resolve_replacement(self.replacement)
        fresh = initial_state(dictionary, self._update, self._replacement)
        self._state = fresh.after(self._state)

    def _n_components(self, X):
        if self.n_components is not None:
            return self.n_components
        if isinstance(self.init, str):
            return X.shape[1]
        return np.shape(getattr(self.init, "atoms", self.init))[0]

    def _check_samples(self, X, sample_weight, *, reset):
        X = self._validated(X, reset=reset, read=False)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
            if not sample_weight.any():
                raise ValueError(
                    "sample_weight is zero for all samples; expected a positive weight for some. "
                    "Leave it out to weigh all samples alike."
                )
        return X, sample_weight

    def _print(self, epoch, value):
        what = "held-out objective" if self.early_stopping else "objective"
        history = self.history_
        print(
            f"epoch {epoch + 1}: {what} {value:.6g}, l0 {history['l0'][-1]:.1f}, dead atoms "
            f"{history['dead_atoms'][-1]:.0f}, {history['seconds'][-1]:.2f} s"
        )

    def _tell_if_useless(self, X):
        """Warn if all codes are zero: nothing can be learned from them."""
        if max(self.history_["l0"], default=0.0) > 0:
            return
        penalty = self._penalty()
        advice = ""
        if penalty.convex:
            largest = alpha_max(X, self.dictionary_, penalty, missing=self._missing)
            largest *= self.alpha / penalty.alpha if penalty.alpha else 1
            advice = f" is at least alpha_max={largest:.3g}, and"
        warnings.warn(
            f"Every code is zero: alpha={self.alpha:g}{advice} leaves nothing to learn. Lower "
            "alpha, to a tenth of alpha_max for example.",
            ConvergenceWarning,
            stacklevel=3,
        )

    def _check_parameters(self):
        """Raise if a parameter is wrong or two do not fit."""
        if self.n_components is not None:
            check_integer(self.n_components, "n_components")
        if self.batch_size is not None:
            check_integer(self.batch_size, "batch_size")
        check_number(self.alpha, "alpha", low=0)
        for name in ("n_epochs", "n_iter_no_change"):
            check_integer(getattr(self, name), name)
        check_integer(self.verbose, "verbose", low=0)
        check_number(self.tol, "tol", low=0)
        check_number(self.validation_fraction, "validation_fraction", low=0, high=1, low_open=True)
        for name in ("early_stopping", "warm_start", "shuffle", "sparse_output"):
            check_flag(getattr(self, name), name)
        check_missing(self.missing)
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
        return super()._encode(
            X, missing=self._missing, sparse_output=self.sparse_output, **options
        )

    @property
    def _missing(self):
        return self.missing is not None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self._missing
        return tags
