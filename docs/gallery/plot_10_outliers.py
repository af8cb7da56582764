"""
Outliers: what a dictionary cannot explain
==========================================

A dictionary of one kind of digits has short codes for this kind. For other digits the objective is
higher, and that makes it a score.
"""

# %%
# The dictionary is learned from some zeros, and the threshold from others: samples that were
# learned from are explained too well to tell what is usual.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator

from sparsecode import DictionaryLearning, SparseOutlierDetector

X, y = load_digits(return_X_y=True)
X = X / 16
zeros, others = X[y == 0], X[y != 0]
model = DictionaryLearning(24, alpha=0.1, n_epochs=30, random_state=0).fit(zeros[:60])
detector = SparseOutlierDetector(FrozenEstimator(model), contamination=0.05).fit(zeros[60:120])
unseen = zeros[120:]
print(f"zeros called outliers:  {np.mean(detector.predict(unseen) == -1):.0%}")
print(f"others called outliers: {np.mean(detector.predict(others) == -1):.0%}")

# %%
# Scores of zeros that were not learned from, and of the other digits. The line is the threshold
# that the detector found. Below are the others that look most like a zero to it.

score_zeros, score_others = (-detector.score_samples(part) for part in (unseen, others))
closest = others[np.argsort(score_others)[:8]]
figure = plt.figure(figsize=(7, 4.6))
grid = figure.add_gridspec(2, 8, height_ratios=[3, 1])
ax = figure.add_subplot(grid[0, :])
bins = np.linspace(0, np.max(score_others), 50)
ax.hist(score_others, bins, label="other digits", color="0.75")
ax.hist(score_zeros, bins, label="zeros", color="tab:blue")
ax.axvline(-detector.offset_, color="tab:red", label="threshold")
ax.set(
    xlabel="objective of the best code", ylabel="digits", title="Zeros are explained, others not"
)
ax.legend()
for column, digit in enumerate(closest):
    small = figure.add_subplot(grid[1, column])
    small.imshow(digit.reshape(8, 8), cmap="gray_r")
    small.set_axis_off()
figure.tight_layout()
