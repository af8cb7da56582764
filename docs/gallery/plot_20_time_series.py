"""
Shapes in a time series
=======================

Windows of a series are samples. Atoms are then shapes that recur, and codes say where.
"""

# %%
# A series of two kinds of beats at irregular times, with noise.

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import DictionaryLearning
from sparsecode.penalties import KSparse
from sparsecode.updates import KSVD

rng = np.random.default_rng(0)
t = np.arange(40) / 40
beats = [
    np.where(t > 0.2, np.exp(-(t - 0.2) / 0.2), 0),
    np.sin(2 * np.pi * 5 * t) * np.exp(-(((t - 0.5) / 0.22) ** 2)),
]
series = 0.08 * rng.standard_normal(6000)
starts = np.cumsum(rng.integers(45, 90, size=80))
kinds = rng.integers(2, size=80)
for start, kind in zip(starts, kinds, strict=True):
    series[start : start + 40] += rng.uniform(0.7, 1.3) * beats[kind]

# %%
# A window is cut where the series leaves the noise. One atom a window is learned.

loud = np.flatnonzero(np.abs(series) > 0.35)
begins = loud[np.diff(loud, prepend=-100) > 30]
windows = np.stack([series[i - 8 : i + 32] for i in begins])
model = DictionaryLearning(
    2, penalty=KSparse(1), update=KSVD(), init="k-means++", n_epochs=30, random_state=0
).fit(windows)
codes = model.transform(windows)
found = np.abs(codes).argmax(axis=1)
print(f"{len(windows)} windows for {len(starts)} beats")

# %%
# Colour says which atom explains a window. Nobody told the model that there are two kinds.

figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 4.6), height_ratios=[1, 1])
top.plot(series[:1000], color="0.6", linewidth=0.8)
for i, kind in zip(begins, found, strict=True):
    if i < 960:
        top.plot(np.arange(i - 8, i + 32), series[i - 8 : i + 32], color=f"C{kind}")
top.set(xlabel="time", title="a part of the series, coloured by its codes")
for kind in range(2):
    sign = np.sign(np.sum(codes[:, kind]))
    bottom.plot(sign * model.components_[kind], color=f"C{kind}", linewidth=2, label=f"atom {kind}")
bottom.set(xlabel="time in the window", title="the two atoms")
bottom.legend()
figure.tight_layout()
