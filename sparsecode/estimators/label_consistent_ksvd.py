"""Label-consistent K-SVD, as a scikit-learn classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._messages import shown, wrong
from sparsecode._row_products import row_product
from sparsecode._typing import MatrixLike, RandomState
from sparsecode.estimators import _saving
from sparsecode.estimators._class_learning import check_weight
from sparsecode.estimators._classifier import CodesClassifier, kept_model
from sparsecode.estimators._stacked_learning import (
    check_stacked,
    fit_stacked,
    stacked_representation,
)

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.updates.base import Update


class LabelConsistentKSVD(CodesClassifier):
    """Label-consistent K-SVD (LC-KSVD): atoms of classes, whose samples have codes in common.

    For samples scaled to norm 1 it minimises ``1/2 ||X - Z atoms||^2 + consistency_weight / 2
    ||Q - Z consistency||^2 + label_weight / 2 ||H - Z coef.T||^2`` with at most `n_nonzero`
    nonzeros in each row of ``Z``. ``Q`` has ones for the atoms of the class of each sample, and
    ``H`` a 1 for the class itself. K-SVD learns all three side by side. Then they are scaled so
    that atoms have norm 1, and new samples are coded on the atoms alone by orthogonal matching
    pursuit.

    Parameters
    ----------
    atoms_per_class : int, float or None, default=None
        Number of atoms that start from the samples of each class; or a share of its samples, above
        0 and at most 1.0. None is ten, or as many as the smallest class has samples.
    n_nonzero : int or None, default=None
        Most nonzeros of a code. None is ten, or all atoms if there are fewer.
    variant : {1, 2}, default=2
        2 learns the classifier of codes together with the atoms (LC-KSVD2). 1 leaves the labels out
        and fits it afterwards to the codes, as a ridge regression (LC-KSVD1).
    consistency_weight : float, default=0.05
        Weight of the label-consistent targets, beside samples of norm 1.
    label_weight : float, default=0.05
        Weight of the labels; for variant 2.
    ridge : float, default=0.01
        Weight of the squared norm of the linear maps that learning starts from, and of the
        classifier of variant 1.
    update : Update or None, default=None
        Update of the atoms; None is ``KSVD()``. ``ApproximateKSVD()`` is faster.
    n_epochs : int, default=30
        Largest number of iterations.
    tol : float, default=1e-4
        Learning ends where an iteration lowers the objective by a smaller share.
    init : {"samples", "svd", "k-means++"}, default="samples"
        First atoms of each class, see `sparsecode.initialization.class_balanced_dictionary`. Five
        passes of K-SVD over the samples of its class improve them before the classes are joined.
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
        Atoms, of norm 1.
    coef_ : ndarray of shape (n_classes, n_components)
        Linear classifier of codes.
    consistency_ : ndarray of shape (n_components, n_components)
        Linear map from codes to the targets ``Q``.
    atom_classes_ : ndarray of int of shape (n_components,)
        Index in `classes_` of the class of each atom.
    history_ : dict of str to list of float
        ``"objective"``: mean objective of all blocks together, at the start and after each
        iteration, with greedy codes. The atoms of the lowest one are kept.
    n_iter_ : int
        Number of iterations.
    n_features_in_ : int

    See Also
    --------
    sparsecode.DiscriminativeKSVD : The same without targets of codes.

    Notes
    -----
    Large weights make codes of training samples that new samples, which have no labels, do not get:
    choose them by cross-validation. The classifier is linear in codes, so it cannot tell classes
    whose samples have either sign alike.

    If `fit` is interrupted (Ctrl-C), the best atoms so far are kept, and the interrupt is raised.

    References
    ----------
    Z. Jiang, Z. Lin and L. S. Davis, "Learning a discriminative dictionary for sparse coding via
    label consistent K-SVD", 2011; "Label consistent K-SVD: learning a discriminative dictionary for
    recognition", 2013.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sparsecode import LabelConsistentKSVD
    >>> X, y = load_digits(n_class=3, return_X_y=True)
    >>> model = LabelConsistentKSVD(5, n_nonzero=3, n_epochs=5, random_state=0)
    >>> model = model.fit(X[:200], y[:200])
    >>> bool(model.score(X[200:], y[200:]) > 0.9)
    True
    """

    dictionary_: Dictionary
    coef_: np.ndarray
    consistency_: np.ndarray
    atom_classes_: np.ndarray
    history_: dict[str, list[float]]
    n_iter_: int

    def __init__(
        self,
        atoms_per_class: int | float | None = None,
        *,
        n_nonzero: int | None = None,
        variant: Literal[1, 2] = 2,
        consistency_weight: float = 0.05,
        label_weight: float = 0.05,
        ridge: float = 0.01,
        update: Update | None = None,
        n_epochs: int = 30,
        tol: float = 1e-4,
        init: Literal["samples", "svd", "k-means++"] = "samples",
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.atoms_per_class = atoms_per_class
        self.n_nonzero = n_nonzero
        self.variant = variant
        self.consistency_weight = consistency_weight
        self.label_weight = label_weight
        self.ridge = ridge
        self.update = update
        self.n_epochs = n_epochs
        self.tol = tol
        self.init = init
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: MatrixLike, y: ArrayLike) -> Self:
        """Learn atoms and classifier.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels: numbers or strings.

        Returns
        -------
        self : LabelConsistentKSVD

        Raises
        ------
        ValueError
            If there is one class only, or a class has fewer samples than it should have atoms.
        """
        self._check_parameters()
        weights = {
            "consistency_weight": self.consistency_weight,
            "label_weight": self.label_weight if self.variant == 2 else 0.0,
        }
        fit_stacked(self, X, y, **weights)
        kept_model(self, self._made)
        return self

    save = _saving.save
    load = _saving.load

    def _scores(self, X):
        return row_product(self._encode(X), self.coef_.T)

    def _check_parameters(self):
        check_stacked(self)
        check_weight(self.consistency_weight, "consistency_weight")
        if type(self.variant) is not int or self.variant not in (1, 2):
            raise ValueError(
                wrong(
                    "variant",
                    got=shown(self.variant),
                    expected="1 or 2",
                    remedy="Set variant=2 for LC-KSVD2, or variant=1 for LC-KSVD1.",
                )
            )

    def _fitted_shapes(self, n_classes, n_components, n_features):
        """Shapes of the fitted arrays besides classes and atoms."""
        return {
            "atom_classes_": (n_components,),
            "coef_": (n_classes, n_components),
            "consistency_": (n_components, n_components),
        }

    def _made(self):
        return stacked_representation(self)
