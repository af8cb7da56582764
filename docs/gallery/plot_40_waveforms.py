"""
Heart beats found by their shape
================================

Atoms that are shifted over a recording learn what recurs in it, wherever it is. Nobody tells where
a beat begins, or that there are two kinds.
"""

# %%
# A made-up electrocardiogram of 40 seconds. One beat in five comes from another place of the heart:
# it is wider and points down.

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.convolutional import ConvolutionalDictionaryLearning
from sparsecode.plotting import plot_activations, plot_waveforms

rng = np.random.default_rng(0)
rate = 100
time = np.arange(0, 40, 1 / rate)
beats = np.cumsum(0.8 + 0.06 * rng.standard_normal(47))
is_other = rng.random(47) < 0.2
place, width = np.array([-0.2, -0.03, 0, 0.03, 0.25]), np.array([0.03, 0.012, 0.014, 0.014, 0.05])
heights = {False: [0.12, -0.1, 1.0, -0.2, 0.3], True: [0.0, 0.5, -1.2, -0.3, -0.3]}
recording = 0.05 * rng.standard_normal(len(time))
for beat, other in zip(beats, is_other, strict=True):
    bumps = np.exp(-0.5 * ((time[:, None] - beat - place) / (width * (1 + 1.2 * other))) ** 2)
    recording += bumps @ heights[other]
X = recording[None]

# %%
# Two atoms of 0.64 seconds. With ``init="greedy"`` the second one begins where the first explains
# least.

learner = ConvolutionalDictionaryLearning(2, 64, alpha=0.5, init="greedy", random_state=0)
codes = learner.fit_transform(X)
certificate = learner.certify(X)
print(f"beats: {len(beats)}, {is_other.sum()} of them of the other kind")
print("nonzeros of each atom:", (codes[0] != 0).sum(axis=1))
print(f"relative duality gap of the code: {certificate.relative_gap[0]:.1e}")

# %%
# The atoms are the two kinds of beats. A dot below the recording is where an atom begins.

figure, axes = plt.subplots(2, 1, figsize=(8, 6), height_ratios=[1, 1.6], layout="constrained")
plot_waveforms(learner, sampling_rate=rate, ax=axes[0])
plot_activations(codes, X, sampling_rate=rate, ax=axes[1])
axes[1].set_xlim(0, 15)
plt.show()
