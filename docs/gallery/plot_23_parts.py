"""
Parts of digits
===============

If neither atoms nor codes may be negative, nothing can be taken away. Atoms are then parts, which
are put together.
"""

# %%
# The same data, with and without the constraint on the sign.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sparsecode import DictionaryLearning
from sparsecode.constraints import NonNegative
from sparsecode.penalties import L1
from sparsecode.plotting import plot_atoms

X = load_digits().data / 16
settings = {"alpha": 0.02, "batch_size": 256, "n_epochs": 30, "random_state": 0}
models = {
    "any sign": DictionaryLearning(36, init="random", **settings),
    "nothing is negative": DictionaryLearning(
        36, penalty=L1(positive=True), constraint=NonNegative(), **settings
    ),
}
figure, axes = plt.subplots(1, 2, figsize=(8, 4.2))
for ax, (name, model) in zip(axes, models.items(), strict=True):
    plot_atoms(model.fit(X), cmap="RdBu_r", ax=ax)
    ax.set_title(name)
figure.tight_layout()

# %%
# Red is positive, blue negative. This is non-negative sparse coding (Hoyer, 2002).
