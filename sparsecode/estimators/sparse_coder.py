"""Exact sparse coding on a given dictionary, as a transformer."""

from __future__ import annotations

from sklearn.utils.validation import check_is_fitted, validate_data

from sparsecode._validation import FLOAT_DTYPES, check_n_jobs, check_number
from sparsecode.dictionary import as_dictionary
from sparsecode.encoders import Exact
from sparsecode.estimators._base import SparseCodingEstimator, resolve_penalty
from sparsecode.penalties import L1
from sparsecode.solvers.base import check_solver_instance


class SparseCoder(SparseCodingEstimator):
    """Exact sparse codes of samples on a given dictionary.

    Solves, for every row ``x`` of ``X``,
    ``min_z 1/2 ||x - offset - z @ atoms||^2 + alpha * penalty(z)``. Nothing is learned: `fit` only
    checks that the dictionary and the data fit together.

    Parameters
    ----------
    dictionary : Dictionary or array-like of shape (n_components, n_features)
        Atoms are used as they are, whatever their norm.
    penalty : Penalty or its class, default=L1
        A class stands for its default instance, of weight 1.
    alpha : float, default=1.0
        Multiplies the weight of the penalty, so that a grid search over it works with any penalty.
        Absolute: no division by the number of samples or features; for l1 it is the scale of
        scikit-learn's `sparse_encode`.
    solver : Solver or None, default=None
        None is what `choose_solver` picks for the penalty.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The codes do not depend on it.

    Attributes
    ----------
    dictionary_ : Dictionary
    components_ : ndarray of shape (n_components, n_features)
        Atoms of the dictionary.
    n_features_in_ : int
        Number of features of the atoms.

    See Also
    --------
    sparsecode.OlshausenField : Learns the dictionary too.

    Examples
    --------
    >>> from sparsecode import SparseCoder
    >>> coder = SparseCoder([[1.0, 0.0], [0.0, 1.0]], alpha=0.5)
    >>> coder.fit_transform([[2.0, 0.1], [-1.0, 1.0]])
    array([[ 1.5,  0. ],
           [-0.5,  0.5]])
    """

    def __init__(self, dictionary, *, penalty=L1, alpha=1.0, solver=None, n_jobs=None):
        self.dictionary = dictionary
        self.penalty = penalty
        self.alpha = alpha
        self.solver = solver
        self.n_jobs = n_jobs

    def fit(self, X, y=None):
        """Check the parameters against each other, and that `X` has the features of the atoms.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Ignored; present for scikit-learn's pipelines.

        Returns
        -------
        self : SparseCoder
        """
        check_number(self.alpha, "alpha", low=0)
        check_n_jobs(self.n_jobs)
        penalty = resolve_penalty(self.penalty, self.alpha)
        X = validate_data(self, X, dtype=FLOAT_DTYPES, order="C")
        dictionary = as_dictionary(self.dictionary)
        if X.shape[1] != dictionary.n_features:
            raise ValueError(
                f"X has {X.shape[1]} features but the atoms of the dictionary have "
                f"{dictionary.n_features}; expected the same number. Pass a dictionary learned on "
                "such samples."
            )
        penalty.prepare(dictionary.n_components, dictionary.dtype)
        if self.solver is not None:
            check_solver_instance(self.solver).check_penalty(penalty)
        self.dictionary_ = dictionary
        return self

    def _transform_encoder(self):
        check_is_fitted(self)
        return Exact(resolve_penalty(self.penalty, self.alpha), self.solver)
