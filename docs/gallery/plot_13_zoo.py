"""
A zoo of autoencoders
=====================

Six sparse autoencoders learn from the same digits. Each is asked for four active units a digit, and
each makes codes sparse in a way of its own.
"""

# %%
# TopK and its kin are told the number. For a ReLU and a gate, ``target_l0`` finds the weight of the
# penalty while they train.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sparsecode import SparseAutoencoder
from sparsecode.encoders import BatchTopK, Gated, MatchingPursuit, ReLU, TopK, WinnerTakeAll
from sparsecode.metrics import explained_variance, l0, usage
from sparsecode.optimizers import Adam
from sparsecode.plotting import plot_atoms

X = load_digits().data.astype(np.float32)
X = X / X.std()
X, X_test = X[:1500], X[1500:]
zoo = {
    "ReLU": (ReLU(), 4),
    "Gated": (Gated(), 4),
    "TopK": (TopK(4), None),
    "BatchTopK": (BatchTopK(4), None),
    "winner-take-all": (WinnerTakeAll(lifetime=0.2, population=4), None),
    "matching pursuit": (MatchingPursuit(4), None),
}

# %%
# The 16 atoms that are used most, with the share of the variance of unseen digits that the model
# explains, and its active units a digit.

figure, axes = plt.subplots(2, 3, figsize=(8.5, 6.4))
for ax, (name, (encoder, target)) in zip(axes.flat, zoo.items(), strict=True):
    model = SparseAutoencoder(
        40,
        encoder=encoder,
        target_l0=target,
        optimizer=Adam(3e-3),
        init="samples",
        n_epochs=100,
        batch_size=100,
        random_state=0,
    ).fit(X)
    codes = model.transform(X_test)
    often = np.argsort(-usage(codes).share, kind="stable")[:16]
    plot_atoms(model.dictionary_, order=often, cmap="RdBu_r", ax=ax)
    explained = explained_variance(X_test, model.inverse_transform(codes))
    ax.set_title(f"{name}\n{explained:.0%} with {l0(codes).mean():.1f} units", fontsize=10)
figure.tight_layout()

# %%
# Atoms are what is added to the mean digit (red) or taken away (blue). The notebook
# :doc:`/notebooks/04_sparse_autoencoders` compares them on photographs, too.
