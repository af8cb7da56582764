"""
A digit in one, two, four atoms
===============================

A dictionary is learned from handwritten digits. Digits that it has not seen are then rebuilt with a
growing number of its atoms. A handful is enough.
"""

# %%
# ``DictionaryLearning`` finds 64 atoms on which every digit has a code of few nonzeros.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sparsecode import DictionaryLearning
from sparsecode.penalties import KSparse
from sparsecode.solvers import OMP

X, y = load_digits(return_X_y=True)
X, unseen = X[:1500] / 16, X[1500:] / 16
model = DictionaryLearning(64, alpha=0.2, batch_size=256, n_epochs=20, random_state=0).fit(X)

# %%
# Orthogonal matching pursuit chooses the atoms one after the other, so the first picture uses the
# one atom that explains most.

digits = unseen[[np.flatnonzero(y[1500:] == label)[0] for label in (3, 5, 8)]]
numbers = [1, 2, 4, 8, 16]
figure, axes = plt.subplots(len(digits), len(numbers) + 1, figsize=(8, 4.2))
for k, column in zip(numbers, axes.T, strict=False):
    codes = OMP().solve(digits, model.dictionary_, KSparse(k)).codes
    for ax, picture in zip(column, codes @ model.components_, strict=True):
        ax.imshow(picture.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
    column[0].set_title(f"{k} atom{'s' * (k > 1)}")
for ax, digit in zip(axes[:, -1], digits, strict=True):
    ax.imshow(digit.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
axes[0, -1].set_title("the digit")
for ax in axes.flat:
    ax.set_axis_off()
figure.tight_layout()

# %%
# The error falls fast at first, and then slowly: the first atoms carry the shape.

for k in numbers:
    codes = OMP().solve(unseen, model.dictionary_, KSparse(k)).codes
    error = np.mean((unseen - codes @ model.components_) ** 2) / np.mean(unseen**2)
    print(f"{k:2d} atoms: {error:6.1%} of the energy is left")
