"""
Ways to update atoms
====================

Codes are computed, and then the atoms are improved for these codes. Four updates learn from the
same start.
"""

# %%
# Signals of three atoms each. All learners code them by matching pursuit with three atoms.

import matplotlib.pyplot as plt

from sparsecode import DictionaryLearning
from sparsecode.datasets import make_sparse_signals
from sparsecode.metrics import atom_recovery
from sparsecode.penalties import KSparse
from sparsecode.updates import KSVD, MOD, ApproximateKSVD, BlockUpdate

X, _, atoms = make_sparse_signals(1500, 50, 20, n_nonzero=3, snr_db=30, random_state=0)
figure, ax = plt.subplots(figsize=(6.5, 4))
for update in (BlockUpdate(), MOD(), KSVD(), ApproximateKSVD()):
    model = DictionaryLearning(
        50, penalty=KSparse(3), update=update, n_epochs=30, tol=0, random_state=0
    ).fit(X)
    found = atom_recovery(model.dictionary_, atoms)
    name = f"{type(update).__name__}: {found:.0%} of the atoms found"
    ax.semilogy(range(1, 31), model.history_["objective"], label=name)
ax.set(xlabel="epoch", ylabel="mean objective")
ax.legend()
figure.tight_layout()

# %%
# When to use which is under :doc:`/guide/learning`.
