"""Dictionary learning as a scikit-learn estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from numpy.typing import ArrayLike

from sparsecode._batches import Batch
from sparsecode._typing import RandomState, Stream, Weights
from sparsecode._validation import check_random_state
from sparsecode._zero_codes import warn_of_zeros
from sparsecode.estimators import _saving, _scoring
from sparsecode.estimators._base import CodesEstimator
from sparsecode.estimators._callbacks import CallbackSupportMixin, with_callbacks
from sparsecode.estimators._fitted_model import exact_model
from sparsecode.estimators._learning_plan import LearningSession, plan_learning
from sparsecode.estimators._learning_run import LearningRun
from sparsecode.penalties import L1, Penalty
from sparsecode.replacement import ReplaceAtoms

if TYPE_CHECKING:
    from sparsecode.constraints import Constraint
    from sparsecode.dictionary import Dictionary
    from sparsecode.solvers.base import Solver
    from sparsecode.training.norm_outliers import NormOutliers
    from sparsecode.updates.base import Update


class DictionaryLearning(CallbackSupportMixin, CodesEstimator):
    """Dictionary learning for sparse codes: full batch, online, or from an iterator.

    Minimises over the atoms, which obey a constraint, the mean over samples of
    ``min_z 1/2 ||x - z @ atoms||^2 + alpha * penalty(z)``, by alternating exact codes of a batch
    and an update of the atoms.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of atoms. None takes that of `init` if it has one, and otherwise the number of
        features.
    penalty : Penalty or its class, default=L1
        A class stands for its default instance, which has weight 1. `KSparse` limits the number of
        nonzeros of a code instead, as in K-SVD.
    alpha : float, default=1.0
        Multiplies the weight of the penalty, in the units of `X` times those of an atom. A tenth of
        `sparsecode.alpha_max` is a common choice.
    solver : Solver or None, default=None
        Solver for the codes. None takes the one that `choose_solver` returns for the penalty; while
        learning it stops at a relative gap of 1e-4.
    update : Update or None, default=None
        Update of the atoms from codes; None is `BlockUpdate()`.
    batch_size : int or None, default=None
        Samples between two updates of the atoms. None takes all samples: full-batch learning, in
        which every update forgets the codes of the previous pass. For many samples online learning
        is much faster. A good batch size is 2048 or four times the number of atoms, whichever is
        more.
    n_epochs : int, default=100
        Largest number of passes over the samples.
    init : str, array-like of shape (n_components, n_features) or Dictionary, default="samples"
        Initial atoms: "samples", "svd", "random", "dct" or "k-means++", see
        `sparsecode.initialization.initial_dictionary`; or the atoms themselves. The offset of a
        `Dictionary` is kept.
    constraint : Constraint or None, default=None
        Constraint of the atoms. None takes that of `init` if it is a `Dictionary`, and otherwise
        `UnitNorm()`.
    replacement : ReplaceAtoms, its class or None, default=ReplaceAtoms
        Policy that replaces unused and duplicate atoms; None never replaces atoms.
    tol : float, default=1e-4
        Relative tolerance of early stopping. Learning stops if the mean objective of an epoch has
        not decreased by this share for `patience` epochs in a row. 0 never stops early.
    patience : int, default=3
        Epochs in a row without such a decrease after which learning ends.
    validation_fraction : float or None, default=None
        Share of the samples that is held out for validation, at most 10,000 samples. `tol` then
        applies to their objective, and the dictionary with the lowest one is kept. None uses the
        objective of the training samples.
    warm_start : bool, default=False
        Whether `fit` starts from the dictionary of the last fit; statistics of its samples are
        forgotten. `init` is then ignored, and another number of features or components is an error.
    shuffle : bool, default=True
        Whether to shuffle the samples before each epoch. Of a memory map, batches of consecutive
        rows come in random order.
    missing : {None, "mask"}, default=None
        How to treat missing entries: NaN in `X`, or masked entries of a masked array. None raises
        an error. "mask" fits each sample on its observed features only. Zeros that a sparse matrix
        does not store are observed.
    outliers : {"drop", "clip"}, NormOutliers or None, default=None
        Policy for samples of huge norm in training, see `sparsecode.training.NormOutliers`. A name
        stands for its default instance. None learns from all samples.
    sparse_output : bool, default=False
        Whether `transform` returns a SciPy CSR array instead of a dense array.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for the initial atoms, the held-out samples and the order of samples.
    verbose : int or bool, default=0
        1 prints one line for each epoch.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The result does not depend on it.

    Attributes
    ----------
    dictionary_ : Dictionary
    components_ : ndarray of shape (n_components, n_features)
        Atoms of the dictionary.
    n_iter_ : int
        Number of updates of the atoms.
    n_epochs_ : int
        Number of passes over the samples, including an incomplete one.
    history_ : dict of str to list of float
        One entry for each update: mean ``"objective"`` and ``"l0"`` of the batch, coded before the
        update; ``"dead_atoms"``, the number of atoms that no sample of the batch used;
        ``"seconds"`` spent learning. With `validation_fraction` also ``"validation"``, the held-out
        objective: one entry before learning, and one for each epoch.
    n_outliers_ : int
        Number of samples of huge norm that were dropped or clipped. A sample of `fit` counts once.
    outlier_norm_ : float or None
        Largest norm that is not an outlier; None without `outliers`.
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

    dictionary_: Dictionary
    n_iter_: int
    n_epochs_: int
    history_: dict[str, list[float]]
    n_outliers_: int
    outlier_norm_: float | None

    def __init__(
        self,
        n_components: int | None = None,
        *,
        penalty: Penalty | type[Penalty] = L1,
        alpha: float = 1.0,
        solver: Solver | None = None,
        update: Update | None = None,
        batch_size: int | None = None,
        n_epochs: int = 100,
        init: str | ArrayLike | Dictionary = "samples",
        constraint: Constraint | None = None,
        replacement: ReplaceAtoms | type[ReplaceAtoms] | None = ReplaceAtoms,
        tol: float = 1e-4,
        patience: int = 3,
        validation_fraction: float | None = None,
        warm_start: bool = False,
        shuffle: bool = True,
        missing: Literal["mask"] | None = None,
        outliers: Literal["drop", "clip"] | NormOutliers | None = None,
        sparse_output: bool = False,
        random_state: RandomState = None,
        verbose: int | bool = 0,
        n_jobs: int | None = None,
    ) -> None:
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
    def fit(self, X: Stream, y: Any = None, sample_weight: Weights = None) -> Self:
        """Learn the atoms.

        If it is interrupted (Ctrl-C), the estimator keeps the atoms learned so far and can be used.
        The interrupt is then raised.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or iterator of such
            float16 is read as float32. A memory map is read and checked one batch at a time. An
            iterator yields batches; each is used once, in pieces of `batch_size`. `verbose` and
            callbacks have no effect then, because there are no epochs.
        y : None
            Ignored; present for scikit-learn's pipelines.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each sample in the mean; 0 leaves the sample out.

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

    def partial_fit(self, X: Stream, y: Any = None, sample_weight: Weights = None) -> Self:
        """Continue learning with more samples, each used once and in the given order.

        The first call fixes the initial dictionary, its `constraint`, the `update` and the
        `replacement`. Changes of other parameters take effect at the next call.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or iterator of such
            One batch, or several of `batch_size`. The first call also makes the initial dictionary
            from it.
        y : None
            Ignored; present for scikit-learn's pipelines.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each sample in the mean; 0 leaves the sample out.

        Returns
        -------
        self : DictionaryLearning
        """
        session, is_first = LearningSession.resumed(self), not hasattr(self, "dictionary_")
        n_before = 0 if is_first else self.n_iter_
        run = LearningRun(self, session.plan, is_first=is_first)
        items = X if hasattr(X, "__next__") else [X]
        # Seeding a generator takes as long as coding dozens of samples.
        rng = check_random_state(self.random_state) if is_first else None
        X = run.learn_batches(items, rng, sample_weight)
        self._session = session
        self._finish(X, n_before)
        return self

    score = _scoring.score
    score_samples = _scoring.score_samples
    certify = _scoring.certify
    save = _saving.save
    load = _saving.load

    def _finish(self, X, n_before):
        """Make the fitted model, and warn if all codes since batch `n_before` were zero."""
        exact_model(self)
        counts = self.history_["l0"][n_before:]
        # There are no codes if all samples were outliers.
        if counts and not any(counts):
            X = Batch(X).to_start_from(check_random_state(0)).X
            options = {"missing": self._missing, "stacklevel": 5}
            warn_of_zeros(X, self.dictionary_, self.penalty, self.alpha, **options)

    @property
    def _model(self):
        return exact_model(self)
