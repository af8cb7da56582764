"""
Atoms that made the data are found
==================================

Data are made of known atoms. How many samples does a learner need to find them?
"""

# %%
# Each sample is three of thirty atoms, with little noise. K-SVD is told the number three, and
# online learning the weight of an l1 penalty.

import matplotlib.pyplot as plt

from sparsecode import DictionaryLearning, alpha_max
from sparsecode.datasets import make_sparse_signals
from sparsecode.metrics import atom_recovery
from sparsecode.penalties import KSparse
from sparsecode.updates import KSVD

signals = make_sparse_signals(2000, 30, 20, n_nonzero=3, snr_db=30, random_state=0)
numbers = [60, 120, 250, 500, 1000, 2000]
shares = {"K-SVD": [], "l1 penalty": []}
for n in numbers:
    X = signals.X[:n]
    learners = {
        "K-SVD": DictionaryLearning(
            30, penalty=KSparse(3), update=KSVD(), n_epochs=60, random_state=0
        ),
        "l1 penalty": DictionaryLearning(
            30, alpha=0.1 * alpha_max(X), n_epochs=100, random_state=0
        ),
    }
    for name, learner in learners.items():
        shares[name].append(atom_recovery(learner.fit(X).dictionary_, signals.atoms))

figure, ax = plt.subplots(figsize=(6.5, 4))
for name, values in shares.items():
    ax.semilogx(numbers, values, "o-", label=name)
ax.set(xlabel="samples", ylabel="share of the 30 atoms found", ylim=(0, 1.03))
ax.set_xticks(numbers, [str(n) for n in numbers])
ax.minorticks_off()
ax.set_title("An atom counts as found with a cosine above 0.99")
ax.legend()
