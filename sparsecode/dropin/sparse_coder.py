"""scikit-learn's `SparseCoder`, computed by the solvers of this package."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context

from sparsecode._validation import FLOAT_DTYPES, check_named_array
from sparsecode.dropin._base import CODING_CONSTRAINTS, DropInCoder


class SparseCoder(DropInCoder):
    """Sparse coding on fixed atoms: `sklearn.decomposition.SparseCoder`, faster.

    Codes every row of ``X`` as `sparse_encode` does. Nothing is learned, and `transform` works
    without `fit`.

    Parameters
    ----------
    dictionary : array-like of shape (n_components, n_features)
        Atoms, used as they are.
    transform_algorithm : {'lasso_lars', 'lasso_cd', 'lars', 'omp', 'threshold'}, default='omp'
        As `algorithm` of `sparse_encode`.
    transform_n_nonzero_coefs : int or None, default=None
        Atoms for 'lars' and 'omp'; None is a tenth of the number of features.
    transform_alpha : float or None, default=None
        As `alpha` of `sparse_encode`: weight, threshold, or for 'omp' the target squared norm of
        the residual.
    split_sign : bool, default=False
        Whether positive and negative parts of the codes are separate features.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The codes do not depend on it.
    positive_code : bool, default=False
        Whether codes must be non-negative.
    transform_max_iter : int, default=1000
        Maximum number of iterations of the lasso algorithms for a sample.

    Attributes
    ----------
    n_components_ : int
        Number of atoms.
    n_features_in_ : int
        Number of features seen during fit.

    See Also
    --------
    sparsecode.SparseCoder : With any penalty and solver, and certificates.

    Examples
    --------
    >>> from sparsecode.dropin import SparseCoder
    >>> coder = SparseCoder([[1.0, 0.0], [0.0, 1.0]], transform_n_nonzero_coefs=1)
    >>> coder.fit_transform([[2.0, 0.5]])
    array([[2., 0.]])
    """

    _takes_more = "SparseCoder"
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "dictionary": ["array-like"],
        **CODING_CONSTRAINTS,
    }

    n_components_: int
    n_features_in_: int

    def __init__(
        self,
        dictionary: ArrayLike,
        *,
        transform_algorithm: Literal["lasso_lars", "lasso_cd", "lars", "omp", "threshold"] = "omp",
        transform_n_nonzero_coefs: int | None = None,
        transform_alpha: float | None = None,
        split_sign: bool = False,
        n_jobs: int | None = None,
        positive_code: bool = False,
        transform_max_iter: int = 1000,
    ) -> None:
        self.dictionary = dictionary
        self.transform_algorithm = transform_algorithm
        self.transform_n_nonzero_coefs = transform_n_nonzero_coefs
        self.transform_alpha = transform_alpha
        self.split_sign = split_sign
        self.n_jobs = n_jobs
        self.positive_code = positive_code
        self.transform_max_iter = transform_max_iter

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Check the parameters, and that `X` has the features of the atoms.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Ignored; present for scikit-learn's pipelines.

        Returns
        -------
        self : SparseCoder
        """
        X = self._checked(X)
        atoms = self._atoms
        if X.shape[1] != atoms.shape[1]:
            raise ValueError(
                "Dictionary and X have different numbers of features: "
                f"dictionary.shape: {atoms.shape} X.shape: {X.shape}. Both need the same columns."
            )
        self.n_components_ = len(atoms)
        return self

    def transform(self, X: ArrayLike, y: Any = None) -> np.ndarray:
        """Code every sample by `transform_algorithm`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Ignored; present for scikit-learn's pipelines.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_components)
            With `split_sign` of shape (n_samples, 2 * n_components): the positive parts of the
            codes, then the negative parts, both as non-negative numbers.
        """
        return super().transform(X)

    @property
    def _atoms(self):
        return check_named_array(self.dictionary, "dictionary", dtype=FLOAT_DTYPES)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags
