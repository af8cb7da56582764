"""
Whitening patches
=================

Nearly all variance of natural images is in slow changes. Whitening gives all of it the same weight,
so that a dictionary does not spend its atoms on shades.
"""

# %%
# Three ways: along principal components, the same rotated back to pixels, and a filter of the whole
# image.

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.datasets import (
    OlshausenFieldWhitening,
    PCAWhitening,
    ZCAWhitening,
    load_photographs,
    sample_patches,
)

images = load_photographs()
X = sample_patches(images, 12, 5000, random_state=0)
X = X - X.mean(axis=1, keepdims=True)
whitened = OlshausenFieldWhitening().fit_transform(images)
ways = {
    "patches": X,
    "PCAWhitening": PCAWhitening(eps=0.01).fit_transform(X),
    "ZCAWhitening": ZCAWhitening(eps=0.01).fit_transform(X),
    "OlshausenFieldWhitening": sample_patches(whitened, 12, 5000, random_state=0),
}

# %%
# The same six patches. After PCA the entries are no pixels any more.

figure, axes = plt.subplots(4, 6, figsize=(7, 5.4), gridspec_kw={"wspace": 0.05})
chosen = np.argsort(-X.std(axis=1))[:600:100]
for row, (name, patches) in zip(axes, ways.items(), strict=True):
    for ax, i in zip(row, chosen, strict=True):
        patch = np.resize(patches[i], 144).reshape(12, 12)
        limit = np.abs(patch).max()
        ax.imshow(patch, cmap="gray", vmin=-limit, vmax=limit)
        ax.set_axis_off()
    row[0].set_title(name, loc="left", fontsize=10)
