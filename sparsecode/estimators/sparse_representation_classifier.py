"""Classification by the class whose atoms represent a sample best, as a scikit-learn estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._messages import wrong
from sparsecode._typing import Codes, MatrixLike, RandomState
from sparsecode._validation import check_random_state
from sparsecode._zero_codes import warn_if_zero
from sparsecode.dictionary import Dictionary
from sparsecode.estimators import _saving
from sparsecode.estimators._base import unchanged_on_error
from sparsecode.estimators._classifier import CodesClassifier, kept_model
from sparsecode.estimators._representations import check_representation, represented_atoms
from sparsecode.initialization._source import unit
from sparsecode.penalties import L1, Penalty
from sparsecode.penalties.base import resolve_penalty
from sparsecode.prediction.class_residuals import class_residuals, concentration
from sparsecode.prediction.representation import Representation
from sparsecode.prediction.ridge import is_ridge

if TYPE_CHECKING:
    from sparsecode.objective import Certificate
    from sparsecode.solvers.base import Solver

_DEFAULT = L1(0.01)


class SparseRepresentationClassifier(CodesClassifier):
    """Sparse representation classifier (SRC): the class whose atoms leave the least residual.

    The atoms are the training samples, or fewer atoms of each class. Samples and atoms are scaled
    to norm 1. For every sample ``x`` it solves
    ``min_z 1/2 ||x - z @ atoms||^2 + alpha * penalty(z)``, and compares the residuals of classes:
    ``r_c = ||x - z_c @ atoms_c||`` with the atoms of class ``c`` and their coefficients alone. With
    an `occlusion` there is a sparse error ``e`` besides, as of pixels that something covers:
    ``min_{z, e} 1/2 ||x - z @ atoms - e||^2 + alpha * penalty(z) + occlusion * ||e||_1`` and
    ``r_c = ||x - e - z_c @ atoms_c||``.

    Parameters
    ----------
    atoms_per_class : int, float or None, default=None
        Number of atoms of each class, made as `init` says; or a share of its samples, above 0 and
        at most 1.0. None takes all training samples as atoms.
    penalty : Penalty, its class or None, default=None
        None is ``L1(0.01)``. ``KSparse(k)`` codes by orthogonal matching pursuit. A ridge,
        ``ElasticNet(w, l1_ratio=0)``, is collaborative representation (CRC), in closed form.
    alpha : float, default=1.0
        Multiplies the weight of the penalty, in the units of a sample of norm 1.
    solver : Solver or None, default=None
        Solver of the problem. None takes the closed form for a ridge, and otherwise the solver that
        `choose_solver` returns for the penalty.
    occlusion : float or None, default=None
        Weight of the occlusion, in the same units as the weight of the penalty; needs an `L1`
        penalty. The atoms and an identity matrix are then solved together. None is no occlusion.
    divided : bool or None, default=None
        Whether the residual of a class is divided by the norm of its code ``z_c``, as in
        collaborative representation. None does so for a ridge only.
    init : {"samples", "svd", "k-means++"}, default="samples"
        Atoms of each class where `atoms_per_class` is given, see
        `sparsecode.initialization.class_balanced_dictionary`.
    learner : estimator or None, default=None
        Estimator that learns the atoms of each class from its scaled samples, such as
        `DictionaryLearning(10)`; a clone is fitted for each class, and has `components_`. It is for
        ``atoms_per_class=None``. None learns nothing.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for the choice of atoms, and for a `learner` without a seed of its own.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The results do not depend on it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels of the classes, sorted.
    dictionary_ : Dictionary
    components_ : ndarray of shape (n_components, n_features)
        Atoms, those of one class after those of another.
    atom_classes_ : ndarray of int of shape (n_components,)
        Index in `classes_` of the class of each atom.
    n_features_in_ : int

    See Also
    --------
    sparsecode.SparseCoder : Codes of the same problem, without classes.
    sparsecode.initialization.class_balanced_dictionary : Atoms of every class.

    Notes
    -----
    There is no `predict_proba`: a residual is no probability. `sparsity_concentration` tells which
    samples to refuse. `sklearn.calibration.CalibratedClassifierCV` learns probabilities from the
    scores of held-out samples.

    References
    ----------
    J. Wright, A. Y. Yang, A. Ganesh, S. S. Sastry and Y. Ma, "Robust face recognition via sparse
    representation", 2009.

    L. Zhang, M. Yang and X. Feng, "Sparse representation or collaborative representation: which
    helps face recognition?", 2011.

    Examples
    --------
    >>> from sparsecode import SparseRepresentationClassifier
    >>> X = [[1.0, 0.1, 0.0], [0.9, 0.0, 0.1], [0.0, 0.1, 1.0], [0.1, 0.2, 0.9]]
    >>> model = SparseRepresentationClassifier().fit(X, ["left", "left", "right", "right"])
    >>> model.predict([[2.0, 0.2, 0.1], [0.2, 0.3, 3.0]])
    array(['left', 'right'], dtype='<U5')
    """

    dictionary_: Dictionary
    atom_classes_: np.ndarray

    def __init__(
        self,
        atoms_per_class: int | float | None = None,
        *,
        penalty: Penalty | type[Penalty] | None = None,
        alpha: float = 1.0,
        solver: Solver | None = None,
        occlusion: float | None = None,
        divided: bool | None = None,
        init: Literal["samples", "svd", "k-means++"] = "samples",
        learner: Any = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.atoms_per_class = atoms_per_class
        self.penalty = penalty
        self.alpha = alpha
        self.solver = solver
        self.occlusion = occlusion
        self.divided = divided
        self.init = init
        self.learner = learner
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: MatrixLike, y: ArrayLike) -> Self:
        """Take or make the atoms of every class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels: numbers or strings.

        Returns
        -------
        self : SparseRepresentationClassifier

        Raises
        ------
        ValueError
            If there is one class only, or a class has fewer samples than it should have atoms.
        """
        penalty = self._check_parameters()
        rng = check_random_state(self.random_state)
        with unchanged_on_error(self):
            X, y, index = self._labelled(X, y)
            self.dictionary_, self.atom_classes_ = represented_atoms(self, X, y, index, rng)
            penalty.prepare(self.dictionary_.n_components, self.dictionary_.dtype)
            kept_model(self, self._made)
        return self

    def transform(self, X: MatrixLike) -> Codes:
        """Compute the code of every sample, scaled to norm 1, without its occlusion.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        codes : ndarray of shape (n_samples, n_components)
            float32 if both `X` and the dictionary are, else float64.
        """
        X = self._check_X(X)
        codes = self._encode(X)
        warn_if_zero(unit(X), codes, self.dictionary_, self._unscaled, self.alpha)
        return codes

    def sparsity_concentration(self, X: MatrixLike) -> np.ndarray:
        """Compute the sparsity concentration index (SCI) of every sample: a score of rejection.

        It is 1 if all coefficients belong to one class, and 0 if they are spread evenly over the
        classes, as for a sample of no known class: ``(K max_c ||z_c||_1 / ||z||_1 - 1) / (K - 1)``
        for ``K`` classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        index : ndarray of shape (n_samples,)
        """
        X = self._check_X(X)
        return concentration(self._encode(X), self._spans)

    def estimate_occlusion(self, X: MatrixLike) -> np.ndarray:
        """Estimate the occlusion ``e`` of every sample, in the units of the sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        errors : ndarray of shape (n_samples, n_features)
            ``X - errors`` are the samples without their occlusion.

        Raises
        ------
        ValueError
            If `occlusion` is None.
        """
        X = self._check_X(X)
        if self.occlusion is None:
            raise ValueError(
                wrong(
                    "occlusion",
                    got="None",
                    expected="a weight, for an estimate of it",
                    remedy="Set occlusion, for example to 0.01, and fit again.",
                )
            )
        errors = self._model.parts(X, n_jobs=self.n_jobs).errors
        return errors.toarray() * np.linalg.norm(X, axis=1, keepdims=True).astype(X.dtype)

    def certify(self, X: MatrixLike) -> Certificate:
        """Certify the codes of scaled samples, together with their occlusions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        certificate : Certificate
        """
        X = self._check_X(X)
        return self._model.certify(X, n_jobs=self.n_jobs)

    save = _saving.save
    load = _saving.load

    def _scores(self, X):
        """Minus the residuals of the classes."""
        parts = self._model.parts(X, n_jobs=self.n_jobs)
        return -class_residuals(
            parts.X,
            parts.codes,
            self.dictionary_,
            self._spans,
            errors=parts.errors,
            divided=is_ridge(self._penalty) if self.divided is None else self.divided,
            n_jobs=self.n_jobs,
        )

    def _check_parameters(self):
        return check_representation(self)

    def _fitted_shapes(self, n_classes, n_components, n_features):
        """Shapes of the fitted arrays besides classes and atoms."""
        return {"atom_classes_": (n_components,)}

    def _made(self):
        return Representation(self.dictionary_, self._penalty, self.solver, self.occlusion)

    @property
    def _unscaled(self):
        """The penalty without the factor `alpha`."""
        return _DEFAULT if self.penalty is None else self.penalty

    @property
    def _penalty(self):
        return resolve_penalty(self._unscaled, self.alpha)
