"""Projective dictionary pair learning, as a scikit-learn classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._typing import MatrixLike, RandomState
from sparsecode._validation import check_random_state
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import MLP
from sparsecode.estimators import _saving
from sparsecode.estimators._base import unchanged_on_error
from sparsecode.estimators._class_atoms import class_atoms
from sparsecode.estimators._class_learning import (
    check_learning,
    check_weight,
    keep_best,
    started,
)
from sparsecode.estimators._classifier import CodesClassifier, kept_model
from sparsecode.estimators._fitted_model import FittedModel
from sparsecode.initialization._source import unit
from sparsecode.penalties import L1
from sparsecode.prediction.class_residuals import class_residuals
from sparsecode.prediction.dictionary_pairs import PairProblem

if TYPE_CHECKING:
    from sparsecode.encoders import TrainableEncoder


class DictionaryPairClassifier(CodesClassifier):
    """Dictionary pair classifier (DPL): linear codes of each class, which others do not excite.

    Every class ``c`` has synthesis atoms ``D_c`` and analysis atoms ``P_c``, whose products with a
    sample are its code. For samples scaled to norm 1 it minimises the sum over classes of
    ``||X_c - A_c D_c||^2 + coding_weight ||A_c - X_c P_c.T||^2 + other_weight ||X_other P_c.T||^2 +
    ridge ||P_c||^2``, where ``X_other`` are the samples of all other classes, by closed forms in
    turn. The class of a sample is that of the smallest residual ``||x - x @ P_c.T @ D_c||``, so
    that a prediction is two matrix products.

    Parameters
    ----------
    atoms_per_class : int, float or None, default=None
        Number of atoms of each class; or a share of its samples, above 0 and at most 1.0. None is
        ten, or as many as the smallest class has samples.
    coding_weight : float, default=0.05
        Weight of the distance between codes and linear codes.
    other_weight : float, default=0.003
        Weight of the linear codes of samples of other classes.
    ridge : float, default=1e-4
        Weight of the squared norm of the analysis atoms.
    n_epochs : int, default=20
        Largest number of iterations.
    tol : float, default=1e-4
        Learning ends where an iteration lowers the objective by a smaller share.
    init : {"samples", "svd", "k-means++"}, default="samples"
        First atoms of each class, see `sparsecode.initialization.class_balanced_dictionary`.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for the first atoms.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The results do not depend on it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels of the classes, sorted.
    dictionary_ : Dictionary
    components_ : ndarray of shape (n_components, n_features)
        Synthesis atoms, of norm 1 at most.
    analysis_ : ndarray of shape (n_components, n_features)
        Analysis atoms: linear codes are ``X @ analysis_.T``.
    atom_classes_ : ndarray of int of shape (n_components,)
        Index in `classes_` of the class of each atom.
    history_ : dict of str to list of float
        ``"objective"``: the objective above, divided by the number of samples, at the start and
        after each iteration.
    n_iter_ : int
        Number of iterations.
    n_features_in_ : int

    See Also
    --------
    sparsecode.SparseRepresentationClassifier : Residuals of classes by exact codes.
    sparsecode.compare.amortization_report : Comparison of these codes with exact ones.

    Notes
    -----
    `transform` returns the linear codes, of samples as they are, not scaled. `encoder_` computes
    the same, for functions that take an encoder. Both are an amortized inference:
    `sparsecode.amortization_report` tells how far they are from exact codes on the same atoms.

    Classes are subspaces: a sample and its negative are alike, and there should be more features
    than atoms of a class.

    If `fit` is interrupted (Ctrl-C), the best atoms so far are kept, and the interrupt is raised.

    References
    ----------
    S. Gu, L. Zhang, W. Zuo and X. Feng, "Projective dictionary pair learning for pattern
    classification", 2014.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sparsecode import DictionaryPairClassifier
    >>> X, y = load_digits(n_class=3, return_X_y=True)
    >>> model = DictionaryPairClassifier(5, random_state=0).fit(X[:200], y[:200])
    >>> bool(model.score(X[200:], y[200:]) > 0.95)
    True
    """

    dictionary_: Dictionary
    analysis_: np.ndarray
    atom_classes_: np.ndarray
    history_: dict[str, list[float]]
    n_iter_: int

    def __init__(
        self,
        atoms_per_class: int | float | None = None,
        *,
        coding_weight: float = 0.05,
        other_weight: float = 0.003,
        ridge: float = 1e-4,
        n_epochs: int = 20,
        tol: float = 1e-4,
        init: Literal["samples", "svd", "k-means++"] = "samples",
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.atoms_per_class = atoms_per_class
        self.coding_weight = coding_weight
        self.other_weight = other_weight
        self.ridge = ridge
        self.n_epochs = n_epochs
        self.tol = tol
        self.init = init
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: MatrixLike, y: ArrayLike) -> Self:
        """Learn the atoms of every class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels: numbers or strings.

        Returns
        -------
        self : DictionaryPairClassifier

        Raises
        ------
        ValueError
            If there is one class only, or a class has fewer samples than it should have atoms.
        """
        self._check_parameters()
        with unchanged_on_error(self):
            X, y, index = self._labelled(X, y)
            X, rng = unit(X), check_random_state(self.random_state)
            start, self.atom_classes_ = class_atoms(self, X, y, rng)
            weights = self.coding_weight, self.other_weight, self.ridge
            problem = PairProblem(X, index, self._spans, *weights)
            states = started(problem.learn(start.atoms, self.n_epochs))
        keep_best(self, states, self._keep)
        kept_model(self, self._made)
        return self

    @property
    def encoder_(self) -> TrainableEncoder:
        """Encoder of the linear codes: ``encoder_.encode(X, dictionary_)``."""
        return self._model.encoder

    save = _saving.save
    load = _saving.load

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Blobs on both sides of 0 are alike for it.
        tags.classifier_tags.poor_score = True
        return tags

    def _scores(self, X):
        """Minus the residuals of the classes, for samples of norm 1."""
        X = unit(X)
        return -class_residuals(
            X, self._encode(X), self.dictionary_, self._spans, n_jobs=self.n_jobs
        )

    def _keep(self, pairs):
        self.dictionary_, self.analysis_ = Dictionary(pairs.synthesis), pairs.analysis

    def _check_parameters(self):
        check_learning(self)
        for name in ("coding_weight", "ridge"):
            check_weight(getattr(self, name), name)
        check_weight(self.other_weight, "other_weight", may_be_zero=True)

    def _fitted_shapes(self, n_classes, n_components, n_features):
        """Shapes of the fitted arrays besides classes and atoms."""
        return {"atom_classes_": (n_components,), "analysis_": (n_components, n_features)}

    def _made(self):
        zeros = np.zeros(len(self.analysis_), dtype=self.analysis_.dtype)
        params = {"W_0": np.ascontiguousarray(self.analysis_.T), "b_0": zeros, "theta": zeros}
        encoder = MLP(hidden=(), positive=False, params=params)
        return FittedModel(encoder, self.dictionary_, L1(0.0))
