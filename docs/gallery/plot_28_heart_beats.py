"""
Heart beats without their noise
===============================

Windows of a series are to it what patches are to a photograph. A beat recurs, noise does not, so
few atoms of a learned dictionary suffice for the beats.
"""

# %%
# Two leads of a made-up electrocardiogram: each beat is five bumps, at slightly irregular times,
# and the second lead sees them with other heights. The noise of the second lead is larger.

import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import savgol_filter

from sparsecode.applications import denoise_signal, estimate_sigma

rng = np.random.default_rng(0)
time = np.arange(0, 20, 1 / 250)
height = np.array([[0.12, -0.1, 1.0, -0.2, 0.3], [0.05, 0.1, -0.5, 0.6, -0.15]])
place, width = np.array([-0.2, -0.03, 0, 0.03, 0.25]), np.array([0.025, 0.01, 0.011, 0.012, 0.04])
clean = np.zeros((len(time), 2))
for beat in np.cumsum(0.8 + 0.06 * rng.standard_normal(24)):
    bumps = np.exp(-0.5 * ((time[:, None] - beat - place) / width) ** 2)
    clean += bumps @ height.T
noisy = clean + [0.1, 0.15] * rng.standard_normal(clean.shape)

# %%
# The noise is estimated for each lead, and windows of a quarter of a second are coded with both
# leads at once.

print("estimated noise:", estimate_sigma(noisy, channel_axis=1).round(3))
denoised = denoise_signal(noisy, patch_size=64, dictionary=128, random_state=0)


def error(signal):
    """Root mean squared error."""
    return np.sqrt(np.mean((signal - clean) ** 2))


smooth = savgol_filter(noisy, 15, 3, axis=0)
for name, signal in (("noisy", noisy), ("smoothed", smooth), ("denoised", denoised)):
    print(f"error, {name}: {error(signal):.3f}")

# %%
# Smoothing has to choose between the noise and the sharp peaks. The atoms know the peaks.

figure, axes = plt.subplots(2, 2, figsize=(9, 4.6), sharex=True, sharey="row")
part = (time > 5) & (time < 7.6)
results = {"smoothed": smooth, "denoised": denoised}
for column, (name, signal) in zip(axes.T, results.items(), strict=True):
    column[0].set_title(f"{name}: error {error(signal):.3f}, before {error(noisy):.3f}")
    for lead, ax in enumerate(column):
        ax.plot(time[part], noisy[part, lead], color="0.8", linewidth=0.8, label="noisy")
        ax.plot(time[part], clean[part, lead], color="k", linewidth=1, label="clean")
        ax.plot(time[part], signal[part, lead], color="tab:red", linewidth=1.4, label=name)
        ax.set_ylabel(f"lead {lead + 1}, mV")
    column[1].set_xlabel("time in seconds")
    column[0].legend(fontsize="small")
figure.tight_layout()
