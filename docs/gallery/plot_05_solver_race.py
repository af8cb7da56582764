"""
Solvers racing
==============

Six solvers of the same lasso, on the same patches: gap against seconds. All end at the same codes.
"""

# %%
# Patches of a photograph, and cosines as a dictionary with three times as many atoms as pixels.

import time

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import Dictionary, alpha_max
from sparsecode.datasets import load_photographs, sample_patches
from sparsecode.penalties import L1
from sparsecode.solvers import ADMM, FISTA, ISTA, CoordinateDescent, FeatureSign, Homotopy

patches = sample_patches(load_photographs(), 8, 200, random_state=0)
X = patches - patches.mean(axis=1, keepdims=True)
dictionary = Dictionary.dct(196, 64)
penalty = L1(0.02 * alpha_max(X, dictionary))

# %%
# Each solver is stopped at tighter and tighter tolerances. The best of three runs counts.


def race(solver_class, tolerances):
    times, gaps = [], []
    for tol in tolerances:
        solver = solver_class(tol=tol, max_iter=20_000)
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            result = solver.solve(X, dictionary, penalty, n_jobs=1)
            seconds.append(time.perf_counter() - start)
        times.append(min(seconds))
        gaps.append(result.certificate.relative_gap.mean())
    return np.array(times), np.maximum(gaps, 1e-12)


tolerances = [1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8]
figure, ax = plt.subplots(figsize=(8.5, 4.5))
for solver in (ISTA, FISTA, ADMM, CoordinateDescent, Homotopy, FeatureSign):
    times, gaps = race(solver, tolerances[:3] if solver is ISTA else tolerances)
    ax.loglog(times * 1e6 / len(X), gaps, "o-", label=solver.__name__)
ax.set(
    xlabel="microseconds a patch",
    ylabel="mean relative duality gap",
    title="Lower and further left is better",
)
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
figure.tight_layout()

# %%
# Feature-sign search and homotopy end by themselves, at the exact code, so that a tighter tolerance
# costs them nothing. That is why ``SparseCoder`` chooses the former.
