"""
Filters from photographs
========================

Patches of photographs, coded with few coefficients, lead to filters like the receptive fields of
simple cells: localised, oriented, band-pass.
"""

# %%
# The two photographs come with scikit-learn. Whitening makes all frequencies count alike. Without
# it, nearly all variance of a patch is in its mean and its slow changes.

import numpy as np

from sparsecode import OlshausenField
from sparsecode.datasets import OlshausenFieldWhitening, load_photographs, sample_patches
from sparsecode.plotting import plot_atoms

images = OlshausenFieldWhitening().fit_transform(load_photographs())
X = sample_patches(images, 8, 40_000, random_state=0, dtype=np.float32)
model = OlshausenField(64, n_epochs=20, random_state=0).fit(X)

# %%
# Each square is one filter. Grey is zero, and the sign is arbitrary. Slow filters come first.

ax = plot_atoms(model, patch_shape=(8, 8), order="frequency")

# %%
# ``sparsecode filters`` does the same on the command line with 144 filters of 12 by 12 pixels, and
# the guide explains every step: :doc:`/guide/filters`.
