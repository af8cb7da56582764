"""Scorers of fitted models for scikit-learn's searches, comparable between values of `alpha`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.pipeline import Pipeline

from sparsecode._messages import shown
from sparsecode._plain import make_plain
from sparsecode._sample_moments import refuse_layer_norm
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_flag, check_integer, check_number, check_rows
from sparsecode.encoders import Exact
from sparsecode.metrics import code_length, explained_variance
from sparsecode.model_selection._refitting import refitted
from sparsecode.penalties import KSparse
from sparsecode.solvers import OMP


@dataclass(frozen=True)
class CodeLengthScorer:
    """Scorer by description length: minus the bits for each entry of the samples; higher is better.

    Chooses `alpha` and the number of atoms. The score of an estimator cannot: it is minus the
    objective, which falls with `alpha` and with every atom. A description costs bits for the
    residual, for the choice of atoms, for the coefficients, and for the atoms themselves, see
    `sparsecode.metrics.code_length`. It is shortest where another coefficient would only describe
    noise.

    Pass it as `scoring` to `GridSearchCV`, or call it with a fitted estimator and samples. The
    estimator has a `dictionary_`, or is a pipeline that ends with such an estimator. Samples are
    scored as the last step of the pipeline receives them, so do not search over their scaling. A
    fold should hold many more samples than atoms, because the atoms are part of its description.

    Parameters
    ----------
    debias : bool, default=True
        Whether codes are refitted by least squares on their support first, see `sparsecode.debias`.
        A penalty such as l1 shrinks coefficients, and a scorer without refitting then prefers an
        `alpha` that is too small.
    precision : float or None, default=None
        Step to which samples are rounded, such as 1 for grey values. None is the standard deviation
        of the entries of the scored samples, divided by 256.

    Raises
    ------
    TypeError
        When called, if the estimator has no `dictionary_`.
    ValueError
        If `precision` is not positive. When called, if samples have missing entries.

    See Also
    --------
    selection_curve : The same without cross-validation, with several criteria.

    References
    ----------
    I. Ramírez and G. Sapiro, "An MDL framework for sparse coding and dictionary learning", 2012.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sparsecode import Dictionary, SparseCoder
    >>> from sparsecode.datasets import make_sparse_signals
    >>> from sparsecode.model_selection import CodeLengthScorer
    >>> dictionary = Dictionary.random(40, 20, random_state=0)
    >>> X = make_sparse_signals(
    ...     300, n_nonzero=3, dictionary=dictionary, snr_db=20, random_state=0
    ... ).X
    >>> grid = {"alpha": [0.001, 0.1, 1.0]}
    >>> search = GridSearchCV(SparseCoder(dictionary), grid, scoring=CodeLengthScorer(), cv=3)
    >>> search.fit(X).best_params_
    {'alpha': 0.1}
    """

    debias: bool = True
    precision: float | None = None

    def __post_init__(self) -> None:
        make_plain(self)
        check_flag(self.debias, "debias")
        if self.precision is not None:
            check_number(self.precision, "precision", low=0, low_open=True)

    def __call__(self, estimator: Any, X: MatrixLike, y: Any = None) -> float:
        model, X = _last_step(self, estimator, X)
        X = check_rows(X, "X")
        _check_refit(model, self.debias)
        codes = model.transform(X)
        codes = refitted(model, codes, X) if self.debias else codes
        length = code_length(X, codes, model.dictionary_, precision=self.precision)
        return -length / (X.shape[0] * X.shape[1])


@dataclass(frozen=True)
class MissingEntriesScorer:
    """Scorer by prediction: R2 of entries that are hidden from the codes; higher is better.

    Chooses `alpha` and the number of atoms by how well the model predicts what it has not seen. It
    is cross-validation over features: they are divided at random into groups, and one group is
    hidden from each sample. The sample is coded by its other entries, as with
    ``missing="mask"``, and the reconstruction predicts the hidden ones. Too large an `alpha`
    explains too little, too small an `alpha` fits noise, and both predict badly. On signals with
    white noise the best `alpha` is close to that of the smallest error against the clean signals.

    Pass it as `scoring` to `GridSearchCV`, or call it with a fitted estimator and samples. The
    estimator computes exact codes, as `sparsecode.SparseCoder` and `sparsecode.DictionaryLearning`
    do, or is a pipeline that ends with such an estimator. Missing entries of the samples (NaN) are
    neither used nor scored. Features should be related to each other; where each is independent of
    the others, no model predicts a hidden one. The cost is that of coding, and one Gram matrix for
    each group.

    Parameters
    ----------
    n_groups : int, default=10
        Number of groups of features, at least 2; each sample misses one group, about
        ``1 / n_groups`` of its entries. With fewer features than groups, each feature is a group.
    debias : bool, default=True
        Whether codes are refitted by least squares on their support and the entries that are not
        hidden, see `sparsecode.debias`. Set it to what the codes will be used with: the best
        `alpha` for shrunk codes is smaller. A smooth penalty needs False, since all its
        coefficients are active.
    random_state : int, default=0
        Seed of the groups. All candidates of a search miss the same entries.

    Raises
    ------
    TypeError
        When called, if the estimator has no exact codes, or the samples are a sparse matrix.
    ValueError
        If a number is out of its range. When called, if there is only one feature, or if the hidden
        entries do not vary.

    References
    ----------
    S. Wold, "Cross-validatory estimation of the number of components in factor and principal
    components models", 1978.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sparsecode import Dictionary, SparseCoder
    >>> from sparsecode.datasets import make_sparse_signals
    >>> from sparsecode.model_selection import MissingEntriesScorer
    >>> dictionary = Dictionary.random(40, 20, random_state=0)
    >>> X = make_sparse_signals(
    ...     300, n_nonzero=3, dictionary=dictionary, snr_db=20, random_state=0
    ... ).X
    >>> grid = {"alpha": [0.001, 0.1, 1.0]}
    >>> search = GridSearchCV(SparseCoder(dictionary), grid, scoring=MissingEntriesScorer(), cv=3)
    >>> search.fit(X).best_params_
    {'alpha': 0.1}
    """

    n_groups: int = 10
    debias: bool = True
    random_state: int = 0

    def __post_init__(self) -> None:
        make_plain(self)
        check_integer(self.n_groups, "n_groups", low=2)
        check_flag(self.debias, "debias")
        check_integer(self.random_state, "random_state", low=0, high=2**32 - 1)

    def __call__(self, estimator: Any, X: MatrixLike, y: Any = None) -> float:
        model, X = _last_step(self, estimator, X)
        encoder, dictionary = _exact(model), model.dictionary_
        _check_refit(model, self.debias)
        X = _dense(X)
        hidden = self._hidden(X)
        seen = np.where(hidden, np.nan, X)
        n_jobs = getattr(model, "n_jobs", None)
        codes = encoder.encode(seen, dictionary, missing=True, n_jobs=n_jobs)
        codes = refitted(model, codes, seen, missing=True) if self.debias else codes
        known = ~np.isnan(X)
        counts = np.maximum(known.sum(axis=0), 1)
        means = np.where(known, X, 0).sum(axis=0, dtype=np.float64) / counts
        error = np.sum((X - dictionary.decode(codes))[hidden] ** 2, dtype=np.float64)
        spread = np.sum((X - means)[hidden] ** 2)
        if spread == 0:
            raise ValueError(
                "X has features that are constant where they are hidden; expected entries that "
                "vary. Give more samples, or leave constant features out."
            )
        return float(1 - error / spread)

    def _hidden(self, X):
        """Mask of the entries that each sample misses, shape (n_samples, n_features)."""
        n_samples, n_features = X.shape
        if n_features < 2:
            raise ValueError(
                f"X has {n_features} feature; expected at least 2 for MissingEntriesScorer, which "
                "predicts some by the others. Use CodeLengthScorer."
            )
        n_groups = min(self.n_groups, n_features)
        rng = np.random.RandomState(self.random_state)
        of_feature = rng.permutation(n_features) % n_groups
        of_sample = rng.permutation(n_samples) % n_groups
        return (of_sample[:, None] == of_feature) & ~np.isnan(X)


@dataclass(frozen=True)
class EqualSparsityScorer:
    """Scorer of dictionaries: explained variance with a number of atoms a sample; higher is better.

    Compares dictionaries that were learned in different ways: with another `alpha`, penalty, update
    or encoder. All code the samples anew with `n_nonzero` atoms each, chosen by
    `sparsecode.solvers.OMP`, so that none looks better because its codes are denser. The encoder of
    the estimator plays no part, and neither does its penalty: between two weights of a
    `sparsecode.SparseCoder` there is no difference.

    Pass it as `scoring` to `GridSearchCV`, or call it with a fitted estimator and samples that
    it has not seen. The estimator has a `dictionary_`, or is a pipeline that ends with such an
    estimator. More atoms offer more choices at the same `n_nonzero`, so compare dictionaries of the
    same number of atoms, or use `CodeLengthScorer`, which charges for the choice.

    Parameters
    ----------
    n_nonzero : int
        Atoms of each code; coefficients may be negative.

    Raises
    ------
    TypeError
        When called, if the estimator has no `dictionary_`.
    ValueError
        If `n_nonzero` is below 1.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sparsecode import DictionaryLearning
    >>> from sparsecode.datasets import make_sparse_signals
    >>> from sparsecode.model_selection import EqualSparsityScorer
    >>> X = make_sparse_signals(600, 12, 10, n_nonzero=2, snr_db=30, random_state=0).X
    >>> learner = DictionaryLearning(12, n_epochs=20, random_state=0)
    >>> scoring = EqualSparsityScorer(n_nonzero=2)
    >>> search = GridSearchCV(learner, {"alpha": [0.001, 0.1]}, scoring=scoring, cv=2)
    >>> search.fit(X).best_params_
    {'alpha': 0.1}
    """

    n_nonzero: int

    def __post_init__(self) -> None:
        make_plain(self)
        check_integer(self.n_nonzero, "n_nonzero")

    def __call__(self, estimator: Any, X: MatrixLike, y: Any = None) -> float:
        model, X = _last_step(self, estimator, X)
        X = check_rows(X, "X")
        dictionary = model.dictionary_
        n_nonzero = min(self.n_nonzero, dictionary.n_components)
        n_jobs = getattr(model, "n_jobs", None)
        codes = OMP().solve(X, dictionary, KSparse(n_nonzero), n_jobs=n_jobs).codes
        return explained_variance(X, dictionary.decode(codes))


def _last_step(scorer, estimator, X):
    """The estimator with the dictionary, and samples as the steps before it return them."""
    model = estimator
    if isinstance(estimator, Pipeline):
        model = estimator[-1]
        X = estimator[:-1].transform(X) if len(estimator) > 1 else X
    name = type(scorer).__name__
    coder = getattr(model, "_model", None) if hasattr(model, "dictionary_") else None
    if not hasattr(coder, "check_linear"):
        raise TypeError(
            f"{name} was given {shown(model)}; expected a fitted estimator of sparsecode with a "
            "dictionary_, or a pipeline that ends with one. Score a classifier by its accuracy."
        )
    coder.check_linear(name)
    refuse_layer_norm(model, name)
    return model, X


def _exact(model):
    """The encoder of a model, if it computes exact codes."""
    encoder = model._model.encoder
    if not isinstance(encoder, Exact):
        raise TypeError(
            f"MissingEntriesScorer was given {shown(model)}; expected an estimator with exact "
            "codes, as networks need all entries. Use SparseCoder(model.dictionary_), or "
            "CodeLengthScorer."
        )
    return encoder


def _dense(X):
    """Samples as a dense array of floats, in which NaN is a missing entry."""
    if sparse.issparse(X):
        raise TypeError(
            "X is a sparse matrix; expected a dense array for MissingEntriesScorer, which hides "
            "zeros too. Use CodeLengthScorer."
        )
    return np.asarray(check_rows(X, "X", missing=True))


def _check_refit(model, debias):
    """Raise ValueError if codes are to be refitted, but have no support to refit them on."""
    penalty, encoder = model._model.penalty, model._model.encoder
    if debias and penalty.smooth and isinstance(encoder, Exact):
        raise ValueError(
            f"debias is True, but {type(penalty).__name__} is a smooth penalty, whose coefficients "
            "are all active; expected debias=False. Set it."
        )
