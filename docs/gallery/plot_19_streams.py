"""
More data than memory
=====================

``fit`` takes an iterator of batches, and ``partial_fit`` the next batch. Neither ever sees all
samples at once.
"""

# %%
# A generator draws a hundred batches of patches from photographs, one after the other. It could
# read files as well.

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import DictionaryLearning
from sparsecode.datasets import load_photographs, sample_patches
from sparsecode.plotting import plot_atoms

photographs = load_photographs(dtype=np.float32)


def batch(seed):
    patches = sample_patches(photographs, 8, 500, random_state=seed, dtype=np.float32)
    return patches - patches.mean(axis=1, keepdims=True)


unseen = batch(1000)
model = DictionaryLearning(100, alpha=0.15, random_state=0)
shown, scores = {}, []
for i in range(100):
    model.partial_fit(batch(i))
    scores.append(-model.score(unseen))
    if i + 1 in (1, 100):
        shown[f"after {500 * (i + 1):,} patches"] = model.components_.copy()

# %%
# The first atoms are patches. The last ones are edges, and the objective of patches that were not
# learned from has settled.

figure, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
for ax, (title, atoms) in zip(axes, shown.items(), strict=False):
    plot_atoms(atoms, patch_shape=(8, 8), ax=ax)
    ax.set_title(title)
axes[2].plot(500 * np.arange(1, 101), scores)
axes[2].set(xlabel="patches seen", ylabel="objective", title="patches not learned from")

# %%
# A memory map is read in the same way, without a loop: ``model.fit(np.load(path, mmap_mode="r"))``.
