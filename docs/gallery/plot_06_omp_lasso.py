"""
Matching pursuit against the lasso
==================================

Both choose a few atoms. How many of the right ones they find depends on how many there are, and
above all on how much alike the atoms are.
"""

# %%
# Signals are made of a known number of atoms. OMP is told this number, and the lasso gets the
# weight at which its codes have as many nonzeros on average.

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import Dictionary, match_l0
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import Exact
from sparsecode.penalties import KSparse
from sparsecode.solvers import OMP


def recovered(codes, truth):
    """Share of the true atoms that a code has."""
    return np.sum((codes != 0) & (truth != 0)) / np.sum(truth != 0)


numbers = [2, 4, 6, 8, 10, 12]
random = Dictionary.random(100, 50, random_state=0)
steps = np.cumsum(np.random.default_rng(0).standard_normal((100, 50)), axis=0)
alike = Dictionary(steps / np.linalg.norm(steps, axis=1, keepdims=True))

# %%
# On the left, atoms point anywhere. On the right, each is close to the one before.

figure, axes = plt.subplots(1, 2, figsize=(8, 3.8), sharey=True)
cases = [("random atoms", random), ("atoms that are alike", alike)]
for ax, (title, dictionary) in zip(axes, cases, strict=True):
    shares = {"OMP": [], "lasso": []}
    for k in numbers:
        X, truth, _ = make_sparse_signals(
            300, n_nonzero=k, dictionary=dictionary, snr_db=30, random_state=0
        )
        codes = OMP().solve(X, dictionary, KSparse(k)).codes
        shares["OMP"].append(recovered(codes, truth))
        lasso = match_l0(Exact(), X, dictionary, k).encoder
        shares["lasso"].append(recovered(lasso.encode(X, dictionary), truth))
    for name, values in shares.items():
        ax.plot(numbers, values, "o-", label=name)
    ax.set(xlabel="atoms in a signal", title=title, ylim=(0, 1.03))
axes[0].set_ylabel("share of them that is found")
axes[0].legend()
figure.tight_layout()
