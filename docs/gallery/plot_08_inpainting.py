"""
Missing pixels filled in
========================

Two thirds of the pixels of a photograph are gone. The others determine the sparse codes of patches,
and these codes say what was in between.
"""

# %%
# ``True`` in the mask is a pixel that is known.

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.applications import inpaint_image
from sparsecode.datasets import load_photographs

clean = load_photographs()[1][120:260, 200:340]
known = np.random.default_rng(0).uniform(size=clean.shape) < 1 / 3
filled = inpaint_image(clean, known, n_iter=5, n_patches=5_000, random_state=0)

figure, axes = plt.subplots(1, 3, figsize=(9, 3.4))
pictures = {
    "known pixels": np.where(known, clean, np.nan),
    "filled in": filled,
    "original": clean,
}
colors = plt.get_cmap("gray").with_extremes(bad="tab:red")
for ax, (title, picture) in zip(axes, pictures.items(), strict=True):
    ax.imshow(picture, cmap=colors, vmin=0, vmax=1)
    ax.set_title(title)
    ax.set_axis_off()
figure.tight_layout()
error = np.sqrt(np.mean((filled - clean)[~known] ** 2))
print(f"root mean squared error of the missing pixels: {error:.3f}, of values from 0 to 1")
