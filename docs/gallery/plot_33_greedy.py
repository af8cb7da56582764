"""
A given number of atoms: four methods
=====================================

The best code with k atoms cannot be computed for more than a few atoms. Four methods look for a
good one, and the error tells how good.
"""

# %%
# Patches of a photograph on cosines, with one to twelve atoms each.

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import Dictionary
from sparsecode.datasets import load_photographs, sample_patches
from sparsecode.penalties import KSparse
from sparsecode.solvers import HTP, IHT, OLS, OMP

X = sample_patches(load_photographs(), 8, 500, random_state=0)
X = X - X.mean(axis=1, keepdims=True)
dictionary = Dictionary.dct(144, 64)
counts = [1, 2, 3, 4, 6, 8, 12]

# %%
# ``IHT`` and ``HTP`` can drop an atom again, and never become worse than their start, which is here
# the codes of ``OMP``.


def error(codes):
    return np.sum((X - codes @ dictionary.atoms) ** 2)


greedy = {k: OMP().solve(X, dictionary, KSparse(k)).codes for k in counts}
figure, ax = plt.subplots(figsize=(6.5, 4))
ax.axhline(1, color="0.6", label="OMP")
for solver in (OLS(), IHT(), HTP()):
    ratios = []
    for k in counts:
        start = {} if isinstance(solver, OLS) else {"codes": greedy[k]}
        codes = solver.solve(X, dictionary, KSparse(k), **start).codes
        ratios.append(error(codes) / error(greedy[k]))
    ax.plot(counts, ratios, "o-", markersize=4, label=type(solver).__name__)
ax.set(xlabel="atoms a patch", ylabel="squared error, relative to OMP")
ax.legend()
figure.tight_layout()

# %%
# More on these methods is under :ref:`k-sparse`.
