"""
A video without its noise
=========================

A patch of a video has a length in time, too. What moves evenly needs few atoms in such a block,
where each frame alone would leave the atoms no way to tell it from noise.
"""

# %%
# The camera moves over a photograph, a pixel and a half a frame. The noise is not told.

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import shift

from sparsecode.applications import denoise_image, denoise_signal, estimate_sigma
from sparsecode.datasets import load_photographs

photograph = load_photographs(dtype=np.float32)[1][140:290, 220:340]
frames = [shift(photograph, (-1.5 * i, -0.5 * i), order=3)[:88, :96] for i in range(12)]
clean = np.stack(frames).astype(np.float32)
rng = np.random.default_rng(0)
noisy = clean + np.float32(0.15) * rng.standard_normal(clean.shape, dtype=np.float32)
print(f"estimated noise: {estimate_sigma(noisy):.3f}")

# %%
# Blocks of 4 frames of 6 x 6 pixels, against patches of one frame. Learning begins with cosines
# along all three axes.

options = {"n_iter": 3, "n_patches": 8000, "random_state": 0}
together = denoise_signal(noisy, patch_size=(4, 6, 6), dictionary=288, **options)
alone = denoise_image(noisy[6], patch_size=6, dictionary=144, **options)


def psnr(picture):
    """Peak signal-to-noise ratio of the frame in decibels; more is better."""
    return -10 * np.log10(np.mean((picture - clean[6]) ** 2))


pictures = {
    "a frame": clean[6],
    f"noisy, {psnr(noisy[6]):.1f} dB": noisy[6],
    f"frame alone, {psnr(alone):.1f} dB": alone,
    f"as video, {psnr(together[6]):.1f} dB": together[6],
}
figure, axes = plt.subplots(1, 4, figsize=(10, 2.9))
for ax, (title, picture) in zip(axes, pictures.items(), strict=True):
    ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
    ax.set_title(title, fontsize=10)
    ax.set_axis_off()
figure.tight_layout()

# %%
# A video on disk is read in parts: give a memory map, and another as ``out``. The guide has more:
# :doc:`/guide/signals`.
