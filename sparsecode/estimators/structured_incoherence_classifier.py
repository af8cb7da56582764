"""Class dictionaries with structured incoherence, as a scikit-learn classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._typing import MatrixLike, RandomState
from sparsecode._validation import check_number, check_random_state
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import Exact
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
from sparsecode.initialization._source import unit
from sparsecode.penalties import L1
from sparsecode.prediction.incoherent_classes import ClassCodes, IncoherentClasses
from sparsecode.solvers._default_solver import resolve_solver

if TYPE_CHECKING:
    from sparsecode.solvers.base import Solver


class StructuredIncoherenceClassifier(CodesClassifier):
    """Classifier by class dictionaries with structured incoherence (DLSI), and their exact codes.

    Every class has atoms ``D_c`` of its own, in the unit ball, which represent its samples sparsely
    and are not coherent with those of others. For samples scaled to norm 1 it minimises ``sum_c
    (1/2 ||X_c - A_c D_c||^2 + alpha ||A_c||_1) + incoherence / 2 sum_{b < c} ||D_b D_c.T||^2``. The
    class of a sample is that of the smallest cost
    ``min_z 1/2 ||x - z D_c||^2 + alpha ||z||_1``.

    Parameters
    ----------
    atoms_per_class : int, float or None, default=None
        Number of atoms of each class; or a share of its samples, above 0 and at most 1.0. None is
        ten, or as many as the smallest class has samples.
    alpha : float, default=0.01
        Weight of the l1 norm, in the units of a sample of norm 1.
    incoherence : float, default=1e-4
        Weight of the squared inner products of atoms of different classes. 0 learns each class
        alone. Where samples of all classes have much in common, such as a mean, a large weight
        takes it from the atoms of all but one class: subtract it first.
    solver : Solver or None, default=None
        Solver of the codes; None takes the one that `choose_solver` returns for `L1`.
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
        Atoms, of norm 1 at most.
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
    sparsecode.SparseRepresentationClassifier : One code on the atoms of all classes.

    Notes
    -----
    `transform` returns the codes of each sample, scaled to norm 1, on the atoms of every class
    alone, side by side. `decision_function` is minus the cost of each class.

    Classes are subspaces: a sample and its negative are alike, and there should be more features
    than atoms of a class.

    If `fit` is interrupted (Ctrl-C), the best atoms so far are kept, and the interrupt is raised.

    References
    ----------
    I. Ramirez, P. Sprechmann and G. Sapiro, "Classification and clustering via dictionary learning
    with structured incoherence and shared features", 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sparsecode import StructuredIncoherenceClassifier
    >>> X, y = load_digits(n_class=3, return_X_y=True)
    >>> model = StructuredIncoherenceClassifier(5, n_epochs=5, random_state=0)
    >>> bool(model.fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.95)
    True
    """

    dictionary_: Dictionary
    atom_classes_: np.ndarray
    history_: dict[str, list[float]]
    n_iter_: int

    def __init__(
        self,
        atoms_per_class: int | float | None = None,
        *,
        alpha: float = 0.01,
        incoherence: float = 1e-4,
        solver: Solver | None = None,
        n_epochs: int = 20,
        tol: float = 1e-4,
        init: Literal["samples", "svd", "k-means++"] = "samples",
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.atoms_per_class = atoms_per_class
        self.alpha = alpha
        self.incoherence = incoherence
        self.solver = solver
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
        self : StructuredIncoherenceClassifier

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
            encoder = Exact(L1(self.alpha), self.solver)
            settings = encoder, self.incoherence, self.n_jobs
            problem = IncoherentClasses(X, index, self._spans, *settings)
            states = started(problem.learn(start.atoms, self.n_epochs))
        keep_best(self, states, self._keep)
        kept_model(self, self._made)
        return self

    def transform(self, X: MatrixLike) -> np.ndarray:
        """Compute the codes of every sample on the atoms of each class alone, side by side.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        codes : ndarray of shape (n_samples, n_components)
            Codes of the sample scaled to norm 1. float32 if both `X` and the dictionary are, else
            float64.
        """
        return self._encode(unit(self._check_X(X)))

    save = _saving.save
    load = _saving.load

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Blobs on both sides of 0 are alike for it.
        tags.classifier_tags.poor_score = True
        return tags

    def _scores(self, X):
        """Minus the costs of the classes, for samples of norm 1."""
        return -self._model.costs(unit(X), n_jobs=self.n_jobs)

    def _keep(self, atoms):
        self.dictionary_ = Dictionary(atoms)

    def _check_parameters(self):
        check_learning(self)
        check_number(self.alpha, "alpha", low=0)
        check_weight(self.incoherence, "incoherence", may_be_zero=True)
        resolve_solver(self.solver, L1(self.alpha))

    def _fitted_shapes(self, n_classes, n_components, n_features):
        """Shapes of the fitted arrays besides classes and atoms."""
        return {"atom_classes_": (n_components,)}

    def _made(self):
        parts = [Dictionary(self.dictionary_.atoms[span]) for span in self._spans]
        return ClassCodes(parts, L1(self.alpha), self.solver)
