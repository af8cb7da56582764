"""
Digits behind a cover
=====================

A classifier that finds out what is covered.
`SparseRepresentationClassifier` represents a digit by digits of the
training set. With ``occlusion`` it has an atom for each single pixel, too: what hides the
digit goes there, and does not count when classes are compared.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sparsecode import SparseRepresentationClassifier

X, y = load_digits(return_X_y=True)
X, X_new, y, y_new = train_test_split(X, y, test_size=400, random_state=0, stratify=y)
rng = np.random.default_rng(0)

# %%
# A bright cover of two rows of pixels, at a random height.
covered = X_new.reshape(-1, 8, 8).copy()
for image, top in zip(covered, rng.integers(0, 7, len(covered)), strict=True):
    image[top : top + 2] = 16
covered = covered.reshape(-1, 64)

# %%
# The same classifier, with and without atoms for the cover.
plain = SparseRepresentationClassifier().fit(X, y)
robust = SparseRepresentationClassifier(occlusion=0.005).fit(X, y)
print(f"no cover: {plain.score(X_new, y_new):.2f}")
score, robust_score = plain.score(covered, y_new), robust.score(covered, y_new)
print(f"covered:  {score:.2f}, with occlusion {robust_score:.2f}")

# %%
# What it takes for the cover, and what it finds behind it.
errors = robust.estimate_occlusion(covered[:8])
rows = {"seen": covered[:8], "cover": errors, "without it": covered[:8] - errors, "true": X_new[:8]}
figure, axes = plt.subplots(4, 8, figsize=(8, 4.4), layout="constrained")
for (name, images), line in zip(rows.items(), axes, strict=True):
    line[0].set_ylabel(name)
    for image, axis in zip(images, line, strict=True):
        axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        axis.set(xticks=[], yticks=[])
for axis, label in zip(axes[0], robust.predict(covered[:8]), strict=True):
    axis.set_title(f"predicted {label}", fontsize=8)
plt.show()
