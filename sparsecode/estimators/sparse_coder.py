"""Exact sparse coding on a given dictionary, as a scikit-learn transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sparsecode._collections import by_chunks
from sparsecode._typing import Codes, MatrixLike
from sparsecode._validation import check_flag, check_missing, check_n_jobs, check_number
from sparsecode._zero_codes import warn_if_zero
from sparsecode.debiasing import debias
from sparsecode.dictionary import Dictionary, as_dictionary
from sparsecode.estimators import _saving, _scoring
from sparsecode.estimators._base import CodesEstimator, check_features, unchanged_on_error
from sparsecode.estimators._fitted_model import exact_model
from sparsecode.estimators._term_model import (
    check_no_start,
    check_problem,
    check_settings,
    term_model,
)
from sparsecode.penalties import L1
from sparsecode.penalties.base import Penalty, resolve_penalty
from sparsecode.solvers._default_solver import resolve_solver

if TYPE_CHECKING:
    from sparsecode.data_terms import DataTerm
    from sparsecode.solvers.base import Solver


class SparseCoder(CodesEstimator):
    """Exact sparse codes of samples on a given dictionary.

    Solves, for every row ``x`` of ``X``,
    ``min_z 1/2 ||x - offset - z @ atoms||^2 + alpha * penalty(z)``, or the like with another
    `data_term`. Nothing is learned: `fit` only checks that the dictionary and the data fit
    together.

    Parameters
    ----------
    dictionary : Dictionary or array-like of shape (n_components, n_features)
        Atoms are used as they are, whatever their norm.
    penalty : Penalty or its class, default=L1
        A class stands for its default instance, which has weight 1.
    alpha : float, default=1.0
        Multiplies the weight of the penalty, so that a grid search over it works with any penalty.
        It is not divided by the number of samples or features. For l1 it has the scale of
        scikit-learn's `sparse_encode`.
    data_term : DataTerm or None, default=None
        Cost of the reconstruction in place of half the squared error: `Huber` or `Absolute` of
        `sparsecode.data_terms` where features are outliers, or `KullbackLeibler` for counts. The
        penalty is then an `L1`, for counts one with ``positive=True``; `data_terms.encode` solves
        the problem, and `certify` returns its `TermCertificate`.
    solver : Solver or None, default=None
        Solver of the problem. None takes the one that `choose_solver` returns for the penalty, see
        `solver_`; with a `data_term` it is None.
    debias : bool, default=False
        Whether `transform` returns the least squares fit on the support of each code instead of the
        code. The penalty then selects atoms without shrinking coefficients. `score` and `certify`
        still evaluate the code itself, the solution of the problem above. Not with a `data_term`.
    missing : {None, "mask"}, default=None
        How to treat missing entries: NaN in `X`, or masked entries of a masked array. None raises
        an error. "mask" fits each sample on its observed features only. Zeros that a sparse matrix
        does not store are observed.
    sparse_output : bool, default=False
        Whether `transform` returns a SciPy CSR array instead of a dense array.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The codes do not depend on it.

    Attributes
    ----------
    dictionary_ : Dictionary
    components_ : ndarray of shape (n_components, n_features)
        Atoms of the dictionary.
    solver_ : Solver
        The solver that `transform` uses; there is none with a `data_term`.
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
    >>> coder.solver_
    FeatureSign(max_iter=1000, tol=None)

    One wild feature hardly moves the code of a sample for Huber's data term:

    >>> from sparsecode.data_terms import Huber
    >>> robust = SparseCoder([[1.0, 1.0, 1.0]], alpha=0.1, data_term=Huber(0.1))
    >>> robust.fit_transform([[2.0, 2.0, 90.0]]).round(6)
    array([[2.]])
    """

    dictionary_: Dictionary

    def __init__(
        self,
        dictionary: Dictionary | ArrayLike,
        *,
        penalty: Penalty | type[Penalty] = L1,
        alpha: float = 1.0,
        data_term: DataTerm | None = None,
        solver: Solver | None = None,
        debias: bool = False,
        missing: Literal["mask"] | None = None,
        sparse_output: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.dictionary = dictionary
        self.penalty = penalty
        self.alpha = alpha
        self.data_term = data_term
        self.solver = solver
        self.debias = debias
        self.missing = missing
        self.sparse_output = sparse_output
        self.n_jobs = n_jobs

    def fit(self, X: MatrixLike, y: Any = None) -> Self:
        """Check the parameters and the number of features of `X`; nothing is learned.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : None
            Ignored; present for scikit-learn's pipelines.

        Returns
        -------
        self : SparseCoder
        """
        penalty = self._check_parameters()
        with unchanged_on_error(self):
            X = self._validated(X, reset=True)
            dictionary = as_dictionary(self.dictionary)
            check_features(X, dictionary)
            penalty.prepare(dictionary.n_components, dictionary.dtype)
            self.dictionary_ = dictionary
            if self.data_term is None:
                exact_model(self)
            else:
                check_problem(X, dictionary, self.data_term, penalty, missing=self._missing)
        return self

    @by_chunks("coding.transform")
    def transform(self, X: MatrixLike, *, codes: MatrixLike | None = None) -> Codes:
        """Compute the sparse code of every sample.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        codes : array-like or sparse matrix of shape (n_samples, n_components) or None, default=None
            Initial codes (warm start), such as the codes of a nearby `alpha`. For a convex penalty
            they save time and do not change the result. None with a `data_term`.

        Returns
        -------
        codes : ndarray or csr_array of shape (n_samples, n_components)
            float32 if both `X` and the dictionary are, else float64.
        """
        X = self._check_X(X)
        if self.data_term is not None:
            check_no_start(codes)
            return self._encode(X)
        codes = self._encode(X, codes=codes)
        warn_if_zero(X, codes, self.dictionary_, self.penalty, self.alpha, missing=self._missing)
        if not self.debias:
            return codes
        return debias(
            X,
            codes,
            self.dictionary_,
            positive=getattr(self._model.penalty, "positive", False),
            missing=self._missing,
            n_jobs=self.n_jobs,
        )

    score = _scoring.score
    score_samples = _scoring.score_samples
    certify = _scoring.certify
    save = _saving.save
    load = _saving.load

    @property
    def solver_(self) -> Solver:
        """The solver that `transform` uses: `solver`, or the default for the penalty."""
        check_is_fitted(self)
        if self.data_term is not None:
            raise AttributeError(
                "SparseCoder has no solver_ with a data_term; expected data_term=None. Each data "
                "term has a solver of its own, in sparsecode.data_terms."
            )
        return self._model.encoder.solver

    def _check_parameters(self):
        """Raise if a parameter is wrong or two do not fit; return the penalty they mean."""
        check_number(self.alpha, "alpha", low=0)
        check_n_jobs(self.n_jobs)
        for name in ("debias", "sparse_output"):
            check_flag(getattr(self, name), name)
        check_missing(self.missing)
        penalty = resolve_penalty(self.penalty, self.alpha)
        resolve_solver(self.solver, penalty)
        if self.data_term is not None:
            check_settings(self)
        return penalty

    @property
    def _model(self):
        return exact_model(self) if self.data_term is None else term_model(self)
