"""
Filters that are shifted over photographs
=========================================

Learned from patches, many filters are the same edge at other places. A filter that is shifted over
the whole picture needs to be learned once.
"""

# %%
# Crops of the two photographs that come with scikit-learn, whitened as Olshausen and Field did.
# Their contrast is lowered where it is highest: otherwise one roof makes most filters.

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.convolutional import ConvolutionalDictionaryLearning, ConvolutionalSparseCoder
from sparsecode.datasets import (
    OlshausenFieldWhitening,
    load_photographs,
    normalize_contrast,
    sample_patches,
)
from sparsecode.plotting import plot_atoms

white = OlshausenFieldWhitening(variance=0.1).fit_transform(load_photographs())
even = normalize_contrast(white, width=4.5)
crops = sample_patches(even, 48, 48, random_state=0).reshape(-1, 48, 48)

# %%
# Sixteen filters, learned from four crops at a time. With ``init="greedy"`` one more enters in each
# step. ``window=True`` lets them fall to zero at the border of their support, where a filter would
# be cut off.

learner = ConvolutionalDictionaryLearning(
    16,
    (9, 9),
    alpha=1.2,
    init="greedy",
    window=True,
    batch_size=4,
    n_sweeps=1,
    forgetting=2,
    n_epochs=8,
    random_state=0,
).fit(crops)

# %%
# A code is as large as the picture for each filter, and nearly all of it is zero. A smaller
# ``alpha`` than for learning keeps more of the picture.

part = white[0][130:210, 230:350]
coder = ConvolutionalSparseCoder(learner.dictionary_, alpha=0.4).fit(part[None])
codes = coder.transform(part[None])
X_hat = coder.inverse_transform(codes)[0, 0]
certificate = coder.certify(part[None])
print(f"nonzeros for each pixel: {np.count_nonzero(codes) / part.size:.3f}")
print(f"relative duality gap: {certificate.relative_gap[0]:.1e}")

figure, axes = plt.subplots(2, 2, figsize=(8, 6), layout="constrained")
plot_atoms(learner, order="frequency", ax=axes[0, 0])
limits = {"vmin": -1.2, "vmax": 1.2, "cmap": "gray"}
axes[0, 1].imshow(part, **limits)
axes[1, 0].imshow(X_hat, **limits)
axes[1, 1].imshow(np.abs(codes[0]).sum(axis=0), cmap="magma")
titles = "filters", "whitened photograph", "its reconstruction", "where filters are"
for ax, title in zip(axes.flat, titles, strict=True):
    ax.set_title(title)
    ax.set_axis_off()
plt.show()
