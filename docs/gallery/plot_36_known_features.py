"""
Which features an autoencoder finds
===================================

Of activations with known features, each latent can be judged as a detector of one of them. Is it
the dictionary that is at fault, or the encoder that guesses?
"""

# %%
# 1,024 features in 128 dimensions, frequent and rare ones, in trees; the model has 256 latents.
# The same dictionary is then coded exactly, and so is the true one, of the 256 most frequent
# features.

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import Dictionary, SparseAutoencoder
from sparsecode.compare import match_l0
from sparsecode.datasets import make_feature_mixture
from sparsecode.encoders import BatchTopK, Exact
from sparsecode.losses import AutoencoderLoss
from sparsecode.metrics import recovery_summary
from sparsecode.optimizers import Adam
from sparsecode.penalties import L1
from sparsecode.schedules import Linear

mixture = make_feature_mixture("1k", random_state=0)
n_batches, k = 200, 6
model = SparseAutoencoder(
    256,
    encoder=BatchTopK(k=k),
    loss=AutoencoderLoss(levels=(16, 32, 64, 128, None)),
    optimizer=Adam(Linear(3e-3, 0.0, n_steps=70, begin=130)),
    batch_size=1024,
    sparse_output=True,
    random_state=0,
).fit(mixture.batches(1024, n_batches=n_batches, random_state=0))

truth = Dictionary(mixture.atoms[:256], mixture.offset)
X = mixture.sample(500, random_state=2).X
found = {"autoencoder": recovery_summary(model, mixture, n_samples=10_000, random_state=1)}
for name, dictionary in {
    "exact codes, its atoms": model.dictionary_,
    "exact codes, true atoms": truth,
}.items():
    exact = match_l0(Exact(L1(positive=True)), X, dictionary, k, tol=0.03).encoder
    found[name] = recovery_summary(
        exact, mixture, dictionary=dictionary, n_samples=4000, random_state=1
    )

# %%
# The scores of all latents, by the rate of their feature. Exact codes help little on learned
# atoms; on the true ones they find most. More is lost in the dictionary than in the encoder: some
# of its atoms are nearest to a rare feature, or mix several, and detect none.

figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), sharex=True, sharey=True)
for ax, (name, summary) in zip(axes, found.items(), strict=True):
    rates, f1 = mixture.rates[summary.latents.features], summary.latents.f1
    ax.semilogx(rates, f1, "o", ms=3, alpha=0.5)
    edges = np.quantile(rates, np.linspace(0, 1, 9))
    bins = np.clip(np.searchsorted(edges, rates, side="right") - 1, 0, 7)
    middle = [np.median(rates[bins == b]) for b in range(8)]
    ax.semilogx(middle, [f1[bins == b].mean() for b in range(8)], "k-", lw=2, label="mean")
    ax.set(title=f"{name}\nF1 {summary.f1:.2f}", xlabel="rate of the feature")
axes[0].set_ylabel("F1 of the latent")
axes[0].legend()
figure.tight_layout()
