"""
Steering: more of one feature
=============================

The atom of a unit says what its activation adds to a sample. Adding more of it, or removing it,
changes this one thing and leaves the rest as it is.
"""

# %%
# An autoencoder with non-negative codes learns parts of digits.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sparsecode import SparseAutoencoder
from sparsecode.encoders import TopK
from sparsecode.optimizers import Adam

X, y = load_digits(return_X_y=True)
X = X / 16
model = SparseAutoencoder(
    48, encoder=TopK(6), optimizer=Adam(3e-3), init="samples", n_epochs=100, random_state=0
).fit(X)
codes = model.transform(X)

# %%
# The unit that is typical of threes: active for many of them, and for few other digits.

share = np.stack([np.mean(codes[y == label] > 0, axis=0) for label in range(10)])
unit = int(np.argmax(share[3] - np.delete(share, 3, axis=0).mean(axis=0)))
strengths = [0.0, 0.7, 1.4, 2.1, 2.8]
digits = X[[np.flatnonzero(y == label)[0] for label in (1, 5, 7)]]

# %%
# The first column is its atom. To the right, it is added to a one, a five and a seven.

figure, axes = plt.subplots(3, 6, figsize=(8, 4.2))
for ax in axes.flat:
    ax.set_axis_off()
atom = model.components_[unit].reshape(8, 8)
limit = np.abs(atom).max()
axes[1, 0].imshow(atom, cmap="RdBu_r", vmin=-limit, vmax=limit)
axes[1, 0].set_title(f"atom {unit}")
for strength, column in zip(strengths, axes[:, 1:].T, strict=True):
    steered = model.steer(digits, unit, strength=strength)
    for ax, picture in zip(column, steered, strict=True):
        ax.imshow(picture.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
    column[0].set_title(f"+ {strength:g}" if strength else "as it is")
figure.tight_layout()
