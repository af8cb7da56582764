"""Summary of what a model recovers of the true features of a mixture."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sparsecode._matching import match_atoms
from sparsecode._messages import shown, wrong
from sparsecode._summaries import lines
from sparsecode._typing import RandomState
from sparsecode._validation import check_code_rows, check_integer, check_number
from sparsecode._values import check_instance
from sparsecode.datasets import FeatureMixture
from sparsecode.dictionary import Dictionary, as_dictionary
from sparsecode.metrics._counts import count, sizes_above
from sparsecode.metrics._fit import Fit
from sparsecode.metrics.detection import DetectionCounts, DetectionScores, nearest_atoms

_LABELS = {
    "f1": ("F1", "{:.4f}"),
    "precision": ("precision", "{:.4f}"),
    "recall": ("recall", "{:.4f}"),
    "mcc": ("MCC of the atoms", "{:.4f}"),
    "uniqueness": ("uniqueness", "{:.4f}"),
    "dead_fraction": ("dead latents", "{:.2%}"),
    "explained_variance": ("explained variance", "{:.4f}"),
    "l2_ratio": ("l2 ratio (shrinkage)", "{:.4f}"),
    "l0": ("l0", "{:.2f}"),
    "n_samples": ("samples", "{:,d}"),
}
_BATCH = 1024


class RecoverySummary(NamedTuple):
    """Scores of a model against a known truth; printed as a table.

    Attributes
    ----------
    f1, precision, recall : float
        Means over the latents, each a detector of the true atom nearest to its own, see
        `detection_scores`.
    mcc : float
        Mean absolute cosine of atoms and true atoms, paired one to one; over the pairs.
    uniqueness : float
        Share of different true atoms among the nearest ones.
    dead_fraction : float
        Share of the latents that no sample uses.
    explained_variance, l2_ratio : float
        Of the reconstructions. A ratio of norms below 1 is shrinkage.
    l0 : float
        Mean number of active latents of a sample.
    n_samples : int
    latents : DetectionScores
        Scores of each latent.

    Examples
    --------
    >>> from sparsecode.datasets import make_feature_mixture
    >>> from sparsecode.encoders import Thresholding
    >>> from sparsecode.metrics import recovery_summary
    >>> from sparsecode.penalties import L1
    >>> mixture = make_feature_mixture("1k", n_steps=0, random_state=0)
    >>> encoder = Thresholding(L1(3.0, positive=True))
    >>> summary = recovery_summary(encoder, mixture, dictionary=mixture.atoms, n_samples=1000)
    >>> summary.mcc, summary.uniqueness
    (1.0, 1.0)
    """

    f1: float
    precision: float
    recall: float
    mcc: float
    uniqueness: float
    dead_fraction: float
    explained_variance: float
    l2_ratio: float
    l0: float
    n_samples: int
    latents: DetectionScores

    def __str__(self) -> str:
        return lines(self, _LABELS)


def recovery_summary(
    model: Any,
    mixture: FeatureMixture,
    *,
    dictionary: Any = None,
    n_samples: int = 100_000,
    threshold: float = 0.0,
    random_state: RandomState = 0,
) -> RecoverySummary:
    """Score a model against the true features of a mixture, on samples drawn for it.

    Parameters
    ----------
    model : fitted estimator, or encoder
        An estimator has `transform` and ``dictionary_``. An encoder has ``encode(X, dictionary)``;
        it needs a `dictionary`.
    mixture : FeatureMixture
    dictionary : Dictionary or array-like of shape (n_latents, n_features), or None, default=None
        Dictionary that an encoder codes on, such as the true one:
        ``Dictionary(mixture.atoms, mixture.offset)``. None takes that of the estimator.
    n_samples : int, default=100_000
        They are drawn and coded a block at a time.
    threshold : float, default=0.0
        A latent is active where ``|z| > threshold``.
    random_state : int, RandomState instance or None, default=0
        Of the samples. Take another one than for training.

    Returns
    -------
    summary : RecoverySummary
        Named tuple; ``print`` shows a table.

    Raises
    ------
    TypeError
        If `model` is neither of both.
    ValueError
        If the dictionary has another number of features than the mixture.

    References
    ----------
    SynthSAEBench, arXiv 2602.14687, 2026.

    Examples
    --------
    >>> from sparsecode import SparseAutoencoder
    >>> from sparsecode.datasets import make_feature_mixture
    >>> from sparsecode.encoders import TopK
    >>> from sparsecode.metrics import recovery_summary
    >>> mixture = make_feature_mixture("1k", n_steps=0, random_state=0)
    >>> model = SparseAutoencoder(256, encoder=TopK(k=6), random_state=0)
    >>> model = model.fit(mixture.batches(256, n_batches=20, random_state=0))
    >>> summary = recovery_summary(model, mixture, n_samples=1000, random_state=1)
    >>> print(str(summary).splitlines()[-2])
    l0                      6.00
    """
    check_instance(
        mixture, "mixture", FeatureMixture, "a FeatureMixture", "Use make_feature_mixture."
    )
    encode, decode, dictionary = _resolve(model, dictionary)
    if dictionary.n_features != mixture.n_features:
        raise ValueError(
            f"the model has {dictionary.n_features} features but the mixture has "
            f"{mixture.n_features}; expected the same number. Fit it to samples of this mixture."
        )
    n_samples = check_integer(n_samples, "n_samples", low=2)
    threshold = check_number(threshold, "threshold", low=0)
    counts = DetectionCounts(nearest_atoms(dictionary, mixture))
    n_active = 0

    def pairs():
        nonlocal n_active
        batches = mixture.batches(
            _BATCH, n_batches=-(-n_samples // _BATCH), with_codes=True, random_state=random_state
        )
        left = n_samples
        for X, truth in batches:
            X, truth = X[:left], truth[:left]
            left -= len(X)
            codes = check_code_rows(encode(X), len(X), dictionary.n_components)
            counts.add(codes, truth, threshold)
            n_active += int(count(sizes_above(codes, threshold), axis=0).sum())
            yield X.astype(np.float64), decode(codes, X)

    fit = Fit(pairs())
    scores = counts.scores()
    return RecoverySummary(
        **scores.mean()._asdict(),
        mcc=min(float(match_atoms(dictionary.atoms, mixture.atoms).cosines.mean()), 1.0),
        uniqueness=len(np.unique(scores.features)) / len(scores.features),
        dead_fraction=float(np.mean(counts.found == 0)),
        explained_variance=fit.explained_variance,
        l2_ratio=fit.l2_ratio,
        l0=n_active / n_samples,
        n_samples=n_samples,
        latents=scores,
    )


def _resolve(model, dictionary):
    """Functions that code samples and decode their codes, and the dictionary of the codes."""
    is_text = isinstance(model, str | bytes)
    if dictionary is not None and hasattr(model, "encode") and not is_text:
        dictionary = as_dictionary(dictionary)
        return (lambda X: model.encode(X, dictionary)), _decoder(None, dictionary), dictionary
    own = getattr(model, "dictionary_", None)
    if dictionary is None and isinstance(own, Dictionary) and hasattr(model, "transform"):
        return model.transform, _decoder(model, own), own
    raise TypeError(
        wrong("model", got=shown(model),
              expected="a fitted estimator with transform and dictionary_, or an encoder and a "
              "dictionary", remedy="Fit it, or give the dictionary to code on.")
    )  # fmt: skip


def _decoder(model, dictionary):
    """Function of codes and their samples that reconstructs these in float64."""
    if hasattr(model, "input_moments"):
        return lambda codes, X: model.inverse_transform(codes, model.input_moments(X)).astype(float)
    decoder = dictionary.astype(np.float64)
    return lambda codes, X: decoder.decode(codes)
