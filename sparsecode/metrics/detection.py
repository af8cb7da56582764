"""Detection: how well each latent tells where a true feature is active."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from sparsecode._matching import cosines
from sparsecode._messages import shown, wrong
from sparsecode._row_blocks import dense_rows
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_number, check_rows
from sparsecode.metrics._counts import canonical
from sparsecode.metrics.recovery import checked_atoms
from sparsecode.metrics.support import SupportScores

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary

# Entries of a dense block.
_ENTRIES = 2**22


class DetectionScores(NamedTuple):
    """Precision, recall and F1 of each latent as a detector of one true feature.

    Attributes
    ----------
    precision : ndarray of shape (n_latents,)
        Share of the samples where the latent is active that have the feature; 0 for dead latents.
    recall : ndarray of shape (n_latents,)
        Share of the samples with the feature where the latent is active; 0 if there are none.
    f1 : ndarray of shape (n_latents,)
        Harmonic mean of both, 0 where they are.
    features : ndarray of int of shape (n_latents,)
        True feature of each latent.

    Examples
    --------
    >>> from sparsecode.metrics import detection_scores
    >>> scores = detection_scores([[1.0, 0.0], [2.0, 0.0]], [[3.0, 1.0], [0.0, 0.0]])
    >>> scores.precision, scores.mean().f1
    (array([0.5, 0. ]), 0.3333333333333333)
    """

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    features: np.ndarray

    def mean(self) -> SupportScores:
        """Means over the latents."""
        return SupportScores(*(float(values.mean()) for values in self[:3]))


def nearest_atoms(dictionary: Dictionary | ArrayLike, truth: Dictionary | ArrayLike) -> np.ndarray:
    """Index of the true atom with the largest absolute cosine, for each atom of a dictionary.

    Several atoms may have the same one; see `uniqueness`.

    Parameters
    ----------
    dictionary, truth : Dictionary or array-like of shape (n_components, n_features)
        Or any object with `atoms`, such as a `sparsecode.datasets.FeatureMixture`. The numbers of
        atoms may differ.

    Returns
    -------
    indices : ndarray of int of shape (n_components,)

    Raises
    ------
    ValueError
        If the atoms have different numbers of features.

    Examples
    --------
    >>> from sparsecode.metrics import nearest_atoms
    >>> nearest_atoms([[0.1, -2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]])
    array([1, 1])
    """
    atoms, truth = checked_atoms(dictionary, truth)
    step = max(_ENTRIES // len(truth), 1)
    starts = range(0, len(atoms), step)
    found = [np.abs(cosines(atoms[i : i + step], truth)).argmax(axis=1) for i in starts]
    return np.concatenate(found)


def uniqueness(dictionary: Dictionary | ArrayLike, truth: Dictionary | ArrayLike) -> float:
    """Share of different true atoms among those that are nearest to the atoms of a dictionary.

    1 if each atom is nearest to a true atom of its own; less if atoms share one.

    Parameters
    ----------
    dictionary, truth : Dictionary or array-like of shape (n_components, n_features)
        As for `nearest_atoms`.

    Returns
    -------
    uniqueness : float
        Above 0 and at most 1.

    Raises
    ------
    ValueError
        If the atoms have different numbers of features.

    Examples
    --------
    >>> from sparsecode.metrics import uniqueness
    >>> uniqueness([[0.1, -2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]])
    0.5
    """
    features = nearest_atoms(dictionary, truth)
    return len(np.unique(features)) / len(features)


def detection_scores(
    codes: MatrixLike,
    truth: MatrixLike,
    features: ArrayLike | None = None,
    *,
    threshold: float = 0.0,
) -> DetectionScores:
    """Score each latent as a detector of a true feature: precision, recall and F1.

    A latent that is active says that its feature is there. Magnitudes and signs do not matter.
    Unlike in `support_scores`, every latent counts alike in the mean, also a rare one.

    Parameters
    ----------
    codes : array-like or sparse matrix of shape (n_samples, n_latents)
    truth : array-like or sparse matrix of shape (n_samples, n_true)
        True codes of the same samples.
    features : array-like of int of shape (n_latents,) or None, default=None
        True feature of each latent, such as `nearest_atoms` finds. None takes the latents in the
        order of the features.
    threshold : float, default=0.0
        A latent is active where ``|z| > threshold``; a feature where its true code is not 0.

    Returns
    -------
    scores : DetectionScores
        One entry for each latent; ``scores.mean()`` has the means.

    Raises
    ------
    ValueError
        If shapes do not fit.

    References
    ----------
    SynthSAEBench, arXiv 2602.14687, 2026.

    Examples
    --------
    >>> from sparsecode.metrics import detection_scores
    >>> codes, truth = [[0.0, 2.0], [1.0, 0.0]], [[3.0, 0.0], [0.0, 1.0]]
    >>> detection_scores(codes, truth, [1, 0]).f1
    array([1., 1.])
    """
    codes, truth = check_rows(codes, "codes"), check_rows(truth, "truth")
    if codes.shape[0] != truth.shape[0]:
        raise ValueError(
            f"codes has {codes.shape[0]} rows but truth has {truth.shape[0]}; expected the same "
            "number. Compare codes of the same samples."
        )
    threshold = check_number(threshold, "threshold", low=0)
    counts = DetectionCounts(_check_features(features, codes.shape[1], truth.shape[1]))
    step = max(_ENTRIES // max(codes.shape[1], truth.shape[1]), 1)
    for start in range(0, codes.shape[0], step):
        rows = slice(start, start + step)
        counts.add(codes[rows], truth[rows], threshold)
    return counts.scores()


class DetectionCounts:
    """Counts of samples where latents, their features, and both are active."""

    features: np.ndarray
    found: np.ndarray
    true: np.ndarray
    hits: np.ndarray

    def __init__(self, features: np.ndarray) -> None:
        self.features = features
        self.found, self.true, self.hits = np.zeros((3, len(features)), dtype=np.int64)

    def add(self, codes: MatrixLike, truth: MatrixLike, threshold: float) -> None:
        """Count a block of samples, dense or CSR."""
        present = dense_rows(truth, slice(0, truth.shape[0]), truth.dtype) != 0
        if sparse.issparse(codes):
            codes = canonical(sparse.csr_array(codes))
            rows = np.repeat(np.arange(codes.shape[0]), np.diff(codes.indptr))
            is_active = np.abs(codes.data) > threshold
            rows, latents = rows[is_active], codes.indices[is_active]
        else:
            rows, latents = np.nonzero(np.abs(codes) > threshold)
        n, hit = len(self.features), present[rows, self.features[latents]]
        self.found += np.bincount(latents, minlength=n)
        self.hits += np.bincount(latents[hit], minlength=n)
        self.true += np.count_nonzero(present, axis=0)[self.features]

    def scores(self) -> DetectionScores:
        """Scores of the counts."""
        totals = self.found, self.true, (self.found + self.true) / 2
        scores = (self.hits / np.where(total > 0, total, 1) for total in totals)
        return DetectionScores(*scores, self.features)


def _check_features(features, n_latents, n_true):
    if features is None:
        if n_latents != n_true:
            raise ValueError(
                f"codes has {n_latents} columns but truth has {n_true}; expected the same number, "
                "or the feature of each latent. Give nearest_atoms(dictionary, truth)."
            )
        return np.arange(n_true)
    found = np.asarray(features)
    good = found.shape == (n_latents,) and found.dtype.kind in "iu"
    if not good or found.min() < 0 or found.max() >= n_true:
        raise ValueError(
            wrong("features", got=shown(features),
                  expected=f"{n_latents} indices from 0 to {n_true - 1}, one for each latent",
                  remedy="Give nearest_atoms(dictionary, truth).")
        )  # fmt: skip
    return found
