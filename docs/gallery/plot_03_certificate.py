"""
Proof that a code is good
=========================

The duality gap bounds how far a code is from the best one. Nobody needs to know the best one for
it.
"""

# %%
# ISTA is slow enough to be watched. ``record=True`` keeps the objective after each iteration.

import matplotlib.pyplot as plt

from sparsecode import Dictionary, certify
from sparsecode.datasets import make_sparse_signals
from sparsecode.penalties import L1
from sparsecode.solvers import ISTA, FeatureSign

dictionary = Dictionary.random(100, 40, random_state=0)
X = make_sparse_signals(1, n_nonzero=4, dictionary=dictionary, snr_db=20, random_state=0).X
penalty = L1(0.05)
counts = [1, 2, 5, 10, 20, 50, 100, 200, 500]
certificates = [
    certify(X, ISTA(max_iter=n, tol=0).solve(X, dictionary, penalty).codes, dictionary, penalty)
    for n in counts
]
best = FeatureSign(tol=1e-12).solve(X, dictionary, penalty).certificate.objective[0]

# %%
# The dashed line is the distance to the optimum, computed with the optimum of an exact solver at
# hand. The solid line is the gap that the certificate gives without it. It is never below.

figure, ax = plt.subplots(figsize=(6.5, 4))
ax.loglog(counts, [c.gap[0] for c in certificates], "o-", label="duality gap: what is proven")
ax.loglog(
    counts,
    [c.objective[0] - best for c in certificates],
    "s--",
    label="true distance to the optimum",
)
ax.set(xlabel="iterations of ISTA", ylabel="objective above the optimum", title="A bound to trust")
ax.set_ylim(1e-10, 1)
ax.legend()

# %%
# The same function judges codes of any other package: :ref:`certificates`.
