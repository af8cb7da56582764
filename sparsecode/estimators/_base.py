"""Base class of estimators: `transform`, `inverse_transform`, checks of samples, and rollback."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sparsecode._collections import by_chunks, in_chunks, is_collection
from sparsecode._parameters import Parameterized
from sparsecode._row_blocks import is_on_disk
from sparsecode._typing import Codes, MatrixLike
from sparsecode._validation import check_samples, is_checked
from sparsecode.training.data import check_weights

# Attributes that keep resolved parameters for the next call.
_RESOLVED = ("_session", "_resolved")
# Advice in errors about samples that an estimator does not take.
_MASK = "Set missing='mask' to code each sample by its other entries, or fill them in first."
_FILL = "Fill them in first, or use DictionaryLearning or SparseCoder with missing='mask'."
_DENSE = "Pass X.toarray(), or use DictionaryLearning or SparseCoder, which take sparse matrices."


class CodesEstimator(
    Parameterized,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Base of the transformers that return codes.

    A subclass sets `dictionary_` in `fit` and has ``_model``, the `FittedModel` that codes.
    """

    n_features_in_: int
    feature_names_in_: np.ndarray
    # Whether samples may be a sparse matrix.
    _takes_sparse = True

    @by_chunks("coding.transform")
    def transform(self, X: MatrixLike) -> Codes:
        """Compute the sparse code of every sample.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        codes : ndarray or csr_array of shape (n_samples, n_components)
            float32 if both `X` and the dictionary are, else float64.
        """
        return self._encode(self._check_X(X))

    @by_chunks("coding.inverse_transform")
    def inverse_transform(self, X: MatrixLike) -> np.ndarray:
        """Reconstruct samples from codes.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_components)
            Codes.

        Returns
        -------
        X_hat : ndarray of shape (n_samples, n_features)
            Reconstructions, including the activation of the decoder if it has one.
        """
        check_is_fitted(self)
        return self._model.decode(X)

    if TYPE_CHECKING:
        # They are those of scikit-learn, which says no types.
        def fit_transform(self, X: MatrixLike, y: Any = None, **fit_params: Any) -> Codes: ...
        def set_output(self, *, transform: str | None = None) -> Self: ...

    @property
    def components_(self) -> np.ndarray:
        """Atoms of the dictionary, shape (n_components, n_features)."""
        return self.dictionary_.atoms

    @property
    def _n_features_out(self):
        return self.dictionary_.n_components

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "dictionary_")

    def __getstate__(self) -> dict[str, Any]:
        # Resolved parameters are not pickled; they are resolved again when needed.
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in _RESOLVED}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.sparse = self._takes_sparse
        tags.input_tags.allow_nan = self._missing
        return tags

    @property
    def _missing(self):
        """Whether NaN means a missing entry."""
        return getattr(self, "missing", None) is not None

    @property
    def _n_jobs(self):
        return getattr(self, "n_jobs", None)

    def _encode(self, X, **options):
        sparse_output = getattr(self, "sparse_output", False)
        return self._model.encode(X, sparse_output=sparse_output, n_jobs=self._n_jobs, **options)

    def _check_X(self, X):
        if not self.__sklearn_is_fitted__():
            check_is_fitted(self)
        return self._validated(X, reset=False)

    def _validated(self, X, *, reset, read=True):
        return validated(
            self, X, reset=reset, read=read, sparse_too=self._takes_sparse, missing=self._missing
        )

    def _check_samples(self, X, sample_weight, *, reset):
        """Samples to learn from, a batch at a time, and their weights."""
        X = self._validated(X, reset=reset, read=False)
        return X, self._check_weights(X, sample_weight)

    def _check_weights(self, X, sample_weight):
        """Weights of samples, or None for 1 each."""
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, X, allow_all_zero=True)
            if not sample_weight.any():
                raise ValueError(
                    "sample_weight is zero for all samples; expected a positive weight for some. "
                    "Leave it out to weigh all samples alike."
                )
        return sample_weight


def validated(estimator, X, *, reset, sparse_too, missing, read=True):
    """Check `X` as scikit-learn does; arrays that are read in blocks are not copied.

    Unless `read`, the solver checks the values of a memory map.
    """
    if is_collection(X):
        return in_chunks("_samples.samples_to_learn", estimator, X, reset=reset)
    unread = not read and is_on_disk(X) and X.ndim == 2 and X.dtype.kind in "fiu"
    if unread or (is_checked(X) and (not sparse.issparse(X) or sparse_too)):
        # Names and number of features still have to be compared with those of `fit`.
        if reset or not _has_known_features(estimator, X):
            validate_data(estimator, X, reset=reset, skip_check_array=True)
        return X if unread or sparse.issparse(X) else np.asarray(X)
    return check_samples(
        estimator,
        X,
        missing=missing,
        fill=_MASK if "missing" in estimator.get_params(deep=False) else _FILL,
        dense=_DENSE,
        reset=reset,
        accept_sparse="csr" if sparse_too else False,
        order=None,
    )


def _has_known_features(estimator, X):
    """Return True if scikit-learn's check of features, which takes long, has nothing to find."""
    fitted = vars(estimator)
    is_plain = type(X) is np.ndarray and "feature_names_in_" not in fitted
    return is_plain and fitted.get("n_features_in_") == X.shape[1]


def check_features(X, dictionary):
    """Raise ValueError unless samples and atoms have the same number of features."""
    if X.shape[1] != dictionary.n_features:
        raise ValueError(
            f"X has {X.shape[1]} features but the atoms of the dictionary have "
            f"{dictionary.n_features}; expected the same number. Pass a dictionary learned on "
            "such samples."
        )


@contextmanager
def unchanged_on_error(estimator):
    """Context that restores the attributes of an estimator if an error or an interrupt leaves it.

    It is for the steps before learning, which make attributes that do not fit a former model. Where
    there is none, an interrupt leaves what can code already, such as a dictionary learned first.
    """
    before = dict(vars(estimator))
    try:
        yield
    except BaseException as error:
        is_first = "n_features_in_" not in before
        if is_first and hasattr(estimator, "dictionary_") and not isinstance(error, Exception):
            raise
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
