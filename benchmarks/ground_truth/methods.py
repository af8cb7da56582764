"""Models of the benchmark of true features: the ladder of encoders, learners and baselines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.decomposition import PCA, FastICA

from sparsecode import Dictionary, DictionaryLearning, SparseAutoencoder
from sparsecode.encoders import BatchTopK, Refined
from sparsecode.losses import AutoencoderLoss
from sparsecode.optimizers import Adam
from sparsecode.penalties import L1, KSparse
from sparsecode.schedules import Linear
from sparsecode.solvers import OMP
from sparsecode.training import train


class Setting(NamedTuple):
    """What is learned from samples of a preset: latents, active ones, nested widths, rate."""

    width: int
    k: int
    levels: tuple
    lr: float
    batch_size: int = 1024


# Latents are a quarter of the features, and three quarters of those that are active in the mean.
SETTINGS = {
    "16k": Setting(4096, 25, (256, 512, 1024, 2048, None), 3e-4),
    "4k": Setting(1024, 12, (64, 128, 256, 512, None), 3e-3),
    "1k": Setting(256, 6, (16, 32, 64, 128, None), 3e-3),
}


class Rung(NamedTuple):
    """A row of the ladder: its encoder, its loss, and the published F1 (16k)."""

    encoder: Callable[[Setting, int], Any]
    loss: Callable[[Setting], AutoencoderLoss]
    published: float | None = None


def _batch_topk(setting, n_steps):
    return BatchTopK(k=setting.k)


def _refined(n_refinements):
    return lambda setting, n_steps: Refined(_batch_topk(setting, n_steps), n_steps=n_refinements)


def _annealed(setting, n_steps):
    # As from 80 to 25.
    k = Linear(round(3.2 * setting.k), setting.k, n_steps=n_steps)
    return Refined(BatchTopK(k=k), n_steps=1)


def _plain(setting):
    return AutoencoderLoss()


def _nested(setting):
    return AutoencoderLoss(levels=setting.levels)


def _detached(**options):
    def make(setting):
        levels = (setting.width // 32, setting.width // 8, setting.width // 2, None)
        return AutoencoderLoss(levels=levels, detach_levels=True, **options)

    return make


LADDER = {
    "BatchTopK": Rung(_batch_topk, _plain, 0.610),
    "nested widths": Rung(_batch_topk, _nested, 0.755),
    "nested, 3 refinements": Rung(_refined(3), _nested, 0.899),
    "nested, 1 refinement": Rung(_refined(1), _nested),
    "detached, 1 refinement": Rung(_refined(1), _detached()),
    "sorted, detached, 1 refinement": Rung(_refined(1), _detached(sort_every=100)),
    "... and k annealed": Rung(_annealed, _detached(sort_every=100), 0.971),
    "... and tilted": Rung(_annealed, _detached(sort_every=100, tilt=0.01)),
}


def optimizer_of(setting, n_steps):
    """Adam, whose rate falls to zero in the last third of the steps."""
    n_last = max(n_steps // 3, 1)
    return Adam(Linear(setting.lr, 0.0, n_steps=n_last, begin=n_steps - n_last))


def train_rung(rung, setting, batches, n_steps, seed):
    """A fitted autoencoder of a row of the ladder."""
    return SparseAutoencoder(
        setting.width,
        encoder=rung.encoder(setting, n_steps),
        loss=rung.loss(setting),
        optimizer=optimizer_of(setting, n_steps),
        batch_size=setting.batch_size,
        sparse_output=True,
        random_state=seed,
    ).fit(batches)


class Frozen(NamedTuple):
    """An encoder with the dictionary that it was trained for, as an estimator would have it."""

    encoder: Any
    dictionary_: Dictionary

    def transform(self, X):
        """Codes of samples, CSR."""
        return self.encoder.encode(X, self.dictionary_, sparse_output=True)


def train_on(dictionary, setting, batches, n_steps, seed):
    """A BatchTopK encoder trained for a dictionary that stays as it is."""
    first = next(batches)
    encoder = BatchTopK(k=setting.k)
    *_, state = train(
        encoder, dictionary, batches, loss=AutoencoderLoss(), n_epochs=1,
        steps_per_epoch=n_steps - 1, optimizer=optimizer_of(setting, n_steps), random_state=seed,
    )  # fmt: skip
    return Frozen(encoder.bind(state.params).set_buffers(first, dictionary), dictionary)


def untrained(setting, X, seed, *, tied):
    """An encoder of random weights, those of the random dictionary or others."""
    first, other = (
        Dictionary.random(setting.width, X.shape[1], random_state=2 * seed + i, dtype=X.dtype)
        for i in range(2)
    )
    dictionary = Dictionary(first.atoms, X.mean(axis=0))
    params = {"b": np.zeros(setting.width, X.dtype), "threshold": np.array(np.nan, X.dtype)}
    params["W"] = dictionary.atoms if tied else other.atoms
    encoder = BatchTopK(k=setting.k, params=params)
    return Frozen(encoder.set_buffers(X, dictionary), dictionary)


class Components(NamedTuple):
    """Components of scikit-learn with codes of the `k` largest scores of each sample."""

    model: Any
    dictionary_: Dictionary
    k: int

    def transform(self, X):
        """Codes of samples, CSR."""
        scores = self.model.transform(X)
        low = np.partition(np.abs(scores), -self.k, axis=1)[:, -self.k, None]
        return sparse.csr_array(np.where(np.abs(scores) >= low, scores, 0))


def components(cls, setting, X, seed):
    """PCA or ICA of samples."""
    options = {"max_iter": 100, "whiten": "unit-variance"} if cls is FastICA else {}
    model = cls(random_state=seed, **options).fit(X)
    atoms = model.mixing_.T if cls is FastICA else model.components_
    dictionary = Dictionary(np.ascontiguousarray(atoms, dtype=X.dtype), X.mean(axis=0))
    return Components(model, dictionary, setting.k)


def learner(setting, alpha, seed):
    """Online dictionary learning, of non-negative codes with a weight, or k-sparse ones."""
    exact = {"penalty": KSparse(setting.k), "solver": OMP()}
    if alpha is not None:
        exact = {"penalty": L1(alpha, positive=True)}
    return DictionaryLearning(
        setting.width, batch_size=setting.batch_size, sparse_output=True, random_state=seed, **exact
    )


BASELINES = {"PCA": PCA, "ICA": FastICA}
