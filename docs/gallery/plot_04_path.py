"""
A path of weights
=================

The larger the weight of the penalty, the fewer atoms a code uses. The path shows in which order
they enter, and where noise begins.
"""

# %%
# A signal is made of five atoms and noise. ``coding_path`` codes it with forty weights, each from
# the code before, and certifies each.

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import Dictionary, coding_path
from sparsecode.datasets import make_sparse_signals

dictionary = Dictionary.random(60, 40, random_state=0)
X, truth, _ = make_sparse_signals(
    1, n_nonzero=5, dictionary=dictionary, snr_db=20, positive=True, random_state=5
)
path = coding_path(X, dictionary, alphas=40, eps=5e-3)

# %%
# Atoms of the signal in colour, others in grey. At the right weight nearly all grey ones are zero.

figure, ax = plt.subplots(figsize=(7, 4.2))
in_signal = truth[0] != 0
ax.plot(path.alphas, path.codes[:, 0, ~in_signal], color="0.7", linewidth=0.8)
for j, color in zip(np.flatnonzero(in_signal), plt.cm.tab10.colors, strict=False):
    ax.plot(path.alphas, path.codes[:, 0, j], color=color, linewidth=2)
    ax.plot(path.alphas[-1] * 0.93, truth[0, j], "<", color=color, clip_on=False)
ax.set_xscale("log")
ax.invert_xaxis()
ax.set(xlabel="weight alpha", ylabel="coefficient", title="Five atoms, and the noise behind them")
print(f"largest relative gap on the path: {np.max(path.gaps / (0.5 * np.sum(X**2))):.0e}")

# %%
# Triangles are the true coefficients. The l1 penalty keeps codes below them: that is shrinkage, and
# :ref:`debiasing` undoes it.
