"""Filters of 8x8 pixels from the bundled photographs, on a budget of seconds."""

import numpy as np

from sparsecode import OlshausenField
from sparsecode.datasets import OlshausenFieldWhitening, load_photographs, sample_patches
from sparsecode.plotting import plot_atoms, plot_convergence, plot_gabor_statistics
from sparsecode.receptive_fields import fit_gabors, receptive_field_statistics

images = OlshausenFieldWhitening().fit_transform(load_photographs())
X = sample_patches(images, 8, 30_000, random_state=0, dtype=np.float32)
model = OlshausenField(64, n_epochs=20, random_state=0).fit(X)

fits = fit_gabors(model.components_, (8, 8))
print(receptive_field_statistics(fits))

plot_atoms(model.components_, patch_shape=(8, 8), order="frequency")
plot_gabor_statistics(fits)
plot_convergence(model.history_)
