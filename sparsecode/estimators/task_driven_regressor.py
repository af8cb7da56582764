"""Task-driven dictionary learning of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from sparsecode._typing import MatrixLike, RandomState, Weights
from sparsecode.estimators import _labels
from sparsecode.estimators._callbacks import with_callbacks
from sparsecode.estimators._task_driven import TaskDrivenEstimator
from sparsecode.penalties import L1, Penalty

if TYPE_CHECKING:
    from sparsecode.constraints import Constraint
    from sparsecode.optimizers.base import Optimizer
    from sparsecode.prediction import PredictionLoss
    from sparsecode.solvers.base import Solver


class TaskDrivenDictionaryLearningRegressor(RegressorMixin, TaskDrivenEstimator):
    """Task-driven dictionary learning: atoms whose sparse codes predict numbers.

    Minimises over the atoms ``D``, which obey a constraint, and a linear model of the codes
    ``(1 - mu) * mean(loss(z @ coef.T + intercept, y)) + mu * mean(objective) + nu / 2 *
    ||coef||^2``, where ``z`` is the exact code of a sample ``x``: it minimises the objective
    ``1/2 ||x - z @ D||^2 + alpha * penalty(z)``. It does so by stochastic gradient descent. For
    learning, each target is standardised.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of atoms. None takes that of `dictionary` if it has one, and otherwise the number of
        features, or of dimensions of `input_map`.
    loss : {"square"} or PredictionLoss, default="square"
        Loss of the standardised targets, half the squared error unless it is one of your own.
    penalty : L1, ElasticNet or their class, default=L1
        Penalty of the codes. A class stands for its default instance, which has weight 1. A ridge,
        as in ``ElasticNet(l1_ratio=0.9)``, makes codes smooth in the sample.
    alpha : float, default=0.15
        Multiplies the weight of the penalty, in the units of `X` times those of an atom. The
        default suits samples of norm 1.
    solver : Solver or None, default=None
        Solver for the codes; None is the one that `choose_solver` returns, while learning at a
        relative gap of 1e-4.
    dictionary : Dictionary, array-like of shape (n_components, n_features), estimator or None, \
default=None
        Where the atoms start: given, or learned without labels by an estimator such as
        `DictionaryLearning`. None is one with this penalty and 20 epochs. An offset is kept.
    input_map : None, int, "identity" or array-like of shape (n_features, n_dimensions), \
default=None
        Linear map of the samples before they are coded, learned together with the atoms: its start,
        where a number of dimensions stands for the directions of largest variance (PCA). None is
        no map.
    constraint : Constraint or None, default=None
        Constraint of the atoms; None is `UnitBall()`.
    weight_decay : float, default=1e-5
        Weight ``nu`` of half the squared norm of `coef_` in the cost.
    unsupervised_weight : float, default=0.0
        Share ``mu`` of the cost of reconstruction, from 0 to less than 1. With more
        than 0, samples whose targets are NaN have no target and count in that cost alone, in which
        all samples count; with 0, NaN is an error.
    lr : float or None, default=None
        Learning rate ``rho`` of SGD. None tries some rates for at most 100 steps each, and
        takes the one with the lowest cost.
    decay_after : int or None, default=None
        Steps ``t_0`` after which the rate falls: that of step ``t`` is ``rho * min(1, t_0 / t)``.
        None is a tenth of the steps of `fit`; in `partial_fit` alone the rate stays as it is.
    optimizer : Optimizer or None, default=None
        Another optimizer than SGD without momentum, with its own learning rate or schedule.
    batch_size : int, default=200
        Samples in a step.
    n_epochs : int, default=50
        Number of passes over the samples.
    validation_fraction : float or None, default=None
        Share of the samples held out for validation, at most 10,000 samples; the parameters with
        the lowest cost of these are kept. None uses the cost of some training samples, up to 2,000.
    shuffle : bool, default=True
        Whether to shuffle the samples before each epoch.
    sparse_output : bool, default=False
        Whether `transform` returns a SciPy CSR array instead of a dense array.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for the first atoms, the held-out samples and the order of samples.
    verbose : int or bool, default=0
        1 prints one line for each epoch.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The result does not depend on it.

    Attributes
    ----------
    dictionary_ : Dictionary
    components_ : ndarray of shape (n_components, n_features)
        Atoms of the dictionary, of the dimensions of `input_map_` if there is one.
    coef_ : ndarray of shape (n_targets, n_components)
    intercept_ : ndarray of shape (n_targets,)
        Linear model of the codes, in the units of the targets.
    input_map_ : ndarray of shape (n_features, n_dimensions) or None
        Linear map of the samples.
    target_mean_, target_scale_ : ndarray of shape (n_targets,)
        Mean and standard deviation of the targets of `fit`, or of the first `partial_fit`.
    lr_ : float or None
        Learning rate of the first steps; None with an `optimizer`.
    n_iter_ : int
        Number of steps.
    n_epochs_ : int
        Number of complete passes over the samples.
    history_ : dict of str to list of float
        One entry for each epoch, or call of `partial_fit`, means of its batches before their steps:
        ``"cost"``, all that is minimised; ``"loss"`` of the labels; ``"l0"``, nonzeros of a code;
        ``"lr"`` of the last step; ``"seconds"`` since the call. With `validation_fraction` also
        ``"validation"``, the held-out cost: one entry before the first step, and one an epoch.
    n_features_in_ : int
        Number of features seen during fit.

    See Also
    --------
    TaskDrivenDictionaryLearningClassifier : The same for classes.
    Transcoder : Codes of a network that predict.

    Notes
    -----
    Gradients are those of `sparsecode.implicit_gradients.code_gradient`. The start is a dictionary
    learned without labels, with the best linear model of its codes. Samples of very different norms
    learn badly: normalise them (`sklearn.preprocessing.Normalizer`), or standardise features. The
    input map learns from labels only. With one, `inverse_transform` and `certify` are about the
    mapped samples.

    References
    ----------
    J. Mairal, F. Bach and J. Ponce, "Task-driven dictionary learning", 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import TaskDrivenDictionaryLearningRegressor
    >>> from sparsecode.penalties import L1
    >>> X = np.random.default_rng(0).standard_normal((400, 6))
    >>> y = np.abs(X[:, 0])
    >>> penalty = L1(positive=True)
    >>> model = TaskDrivenDictionaryLearningRegressor(12, penalty=penalty, random_state=0)
    >>> model.fit(X, y).predict(X[:3]).shape
    (3,)
    >>> bool(model.score(X, y) > 0.8)
    True
    """

    target_mean_: np.ndarray
    target_scale_: np.ndarray

    _losses: ClassVar[tuple[str, ...]] = ("square",)
    _learned: ClassVar[tuple[str, ...]] = (*_labels.LEARNED, "_is_flat")

    def __init__(
        self,
        n_components: int | None = None,
        *,
        loss: str | PredictionLoss = "square",
        penalty: Penalty | type[Penalty] = L1,
        alpha: float = 0.15,
        solver: Solver | None = None,
        dictionary: Any = None,
        input_map: int | Literal["identity"] | ArrayLike | None = None,
        constraint: Constraint | None = None,
        weight_decay: float = 1e-5,
        unsupervised_weight: float = 0.0,
        lr: float | None = None,
        decay_after: int | None = None,
        optimizer: Optimizer | None = None,
        batch_size: int = 200,
        n_epochs: int = 50,
        validation_fraction: float | None = None,
        shuffle: bool = True,
        sparse_output: bool = False,
        random_state: RandomState = None,
        verbose: int | bool = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.solver = solver
        self.dictionary = dictionary
        self.input_map = input_map
        self.constraint = constraint
        self.weight_decay = weight_decay
        self.unsupervised_weight = unsupervised_weight
        self.lr = lr
        self.decay_after = decay_after
        self.optimizer = optimizer
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.validation_fraction = validation_fraction
        self.shuffle = shuffle
        self.sparse_output = sparse_output
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs

    @with_callbacks
    def fit(self, X: MatrixLike, y: ArrayLike, sample_weight: Weights = None) -> Self:
        """Learn the atoms and the linear model.

        If it is interrupted (Ctrl-C), the estimator keeps the best parameters of the complete
        epochs and can be used. The interrupt is then raised.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            float16 is read as float32. Batches of a memory map are runs of rows: mix the targets.
        y : array-like of shape (n_samples, n_targets) or (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each sample in the means; 0 leaves the sample out.

        Returns
        -------
        self : TaskDrivenDictionaryLearningRegressor
        """
        return self._learn(X, y, sample_weight)

    def partial_fit(self, X: MatrixLike, y: ArrayLike, sample_weight: Weights = None) -> Self:
        """Continue learning with more samples, each used once and in the given order.

        The first call makes the first atoms and the first linear model from its samples, the mean
        and the scale of the targets, and searches the learning rate unless it is given. After
        `fit`, steps go on from the best parameters, with the rate where its schedule has arrived.
        The estimator always uses the latest parameters. `n_epochs` and `validation_fraction` have
        an effect in `fit` only.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            One batch, or several of `batch_size`.
        y : array-like of shape (n_samples, n_targets) or (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each sample in the means; 0 leaves the sample out.

        Returns
        -------
        self : TaskDrivenDictionaryLearningRegressor
        """
        return self._learn_more(X, y, sample_weight)

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict targets: ``transform(X) @ coef_.T + intercept_``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        y_hat : ndarray of shape (n_samples, n_targets), or (n_samples,) if `fit` had such targets
        """
        scores = self._scores(X)
        return scores[:, 0] if self._is_flat else scores

    _read_targets = _labels.read_numbers
    _in_units = _labels.in_units_of_targets

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
