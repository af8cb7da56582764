"""
A photograph without its noise
==============================

Structure needs few atoms, noise needs many. A dictionary that is learned from the noisy photograph
itself can therefore tell them apart.
"""

# %%
# Noise of a standard deviation of 0.1 is added to a part of a photograph with values from 0 to 1.

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.applications import denoise_image
from sparsecode.datasets import load_photographs

clean = load_photographs()[0][150:350, 200:400]
sigma = 0.1
noisy = clean + sigma * np.random.default_rng(0).standard_normal(clean.shape)
restored = denoise_image(noisy, sigma, n_patches=10_000, n_iter=5, random_state=0)


def psnr(image):
    """Peak signal-to-noise ratio in decibels; more is better."""
    return -10 * np.log10(np.mean((image - clean) ** 2))


figure, axes = plt.subplots(1, 3, figsize=(9, 3.4))
pictures = {
    "original": clean,
    f"noisy, {psnr(noisy):.1f} dB": noisy,
    f"restored, {psnr(restored):.1f} dB": restored,
}
for ax, (title, picture) in zip(axes, pictures.items(), strict=True):
    ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
    ax.set_title(title)
    ax.set_axis_off()
figure.tight_layout()

# %%
# The guide has the parameters, and colour: :doc:`/guide/applications`.
