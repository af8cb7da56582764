"""
Choosing alpha
==============

The objective cannot choose the weight of the penalty: it grows with it. Three judges that can are
the error on the clean signal (which is rarely known), the length of a description, and what comes
after the codes.
"""

# %%
# Signals with noise, of which the clean version is known here.

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import Dictionary, alpha_max, coding_path, debias
from sparsecode.datasets import make_sparse_signals
from sparsecode.metrics import code_length

dictionary = Dictionary.random(80, 40, random_state=0)
X, truth, _ = make_sparse_signals(
    300, n_nonzero=4, dictionary=dictionary, snr_db=15, random_state=0
)
clean = truth @ dictionary.atoms
alphas = alpha_max(X, dictionary) * np.geomspace(0.5, 0.005, 25)
path = coding_path(X, dictionary, alphas=alphas)

# %%
# The description gets shorter as atoms explain the signal, and longer when they explain noise.
# Codes are debiased first, since it is the choice of atoms that is judged.

codes = [debias(X, z, dictionary) for z in path.codes]
lengths = [code_length(X, z, dictionary) for z in codes]
errors = [np.mean((z @ dictionary.atoms - clean) ** 2) for z in codes]
figure, axes = plt.subplots(3, 1, figsize=(6.5, 6.5), sharex=True)
curves = {
    "objective": path.objectives.mean(axis=1),
    "bits of a description": lengths,
    "error on the clean signal": errors,
}
for ax, (name, values) in zip(axes, curves.items(), strict=True):
    ax.semilogx(path.alphas, values, "o-", markersize=3)
    best = int(np.argmin(values))
    ax.plot(path.alphas[best], values[best], "o", color="tab:red")
    ax.set_ylabel(name)
axes[0].set_title("The objective would choose the smallest alpha")
axes[-1].set_xlabel("alpha")
figure.align_ylabels()
figure.tight_layout()

# %%
# For a classifier, ``alpha`` is searched by its accuracy: :ref:`choosing-alpha`. More on all this
# is under :doc:`/guide/selection`.
