"""
Features of patches
===================

`sparsecode.PatchFeatures` codes the patch at every position of an image, and sums the codes over
the quadrants of the image. A linear classifier reads the sums.
"""

# %%
# Eight atoms of patches of digits, learned without labels by k-means. At each of the 5x5 positions
# of a digit each atom has a code; a soft threshold takes the correlations that are large.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifierCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sparsecode import PatchFeatures
from sparsecode.encoders import Thresholding
from sparsecode.penalties import L1

digits = load_digits()
images, labels = digits.images.astype(np.float32), digits.target
settings = {"patch_size": 4, "encoder": Thresholding(L1(0.5)), "random_state": 0}
features = PatchFeatures(8, **settings).fit(images)

# %%
# With one cell for each position the features are maps of the codes: where in the image an atom is
# found (red), and where its negative is (blue).

everywhere = PatchFeatures(
    dictionary=features.dictionary_,
    whitening=features.whitening_,
    levels=5,
    signs="keep",
    **settings,
)
shown = [0, 1, 4]
maps = everywhere.fit(images).transform(images[shown]).reshape(3, 5, 5, 8)
figure, axes = plt.subplots(4, 9, figsize=(8, 3.8), layout="constrained")
for j, atom in enumerate(features.components_):
    axes[0, j + 1].imshow(atom.reshape(4, 4), cmap="gray")
    for i in range(3):
        axes[i + 1, j + 1].imshow(maps[i, ..., j], cmap="RdBu_r", vmin=-3, vmax=3)
for i, image in enumerate(images[shown]):
    axes[i + 1, 0].imshow(image, cmap="gray_r")
axes[0, 0].set_title("atoms:", y=0.3)
for ax in axes.flat:
    ax.set_axis_off()

# %%
# Summed over quadrants, and with more atoms, the codes tell digits apart far better than pixels do.
# The transformer is a step of a pipeline. Half of the digits are for training.

X, X_test, y, y_test = train_test_split(images, labels, train_size=0.5, random_state=0)
linear = make_pipeline(StandardScaler(), RidgeClassifierCV(np.logspace(0, 4, 5)))
model = make_pipeline(PatchFeatures(64, **settings), linear).fit(X, y)
wrong = np.mean(model.predict(X_test) != y_test)
pixels = linear.fit(X.reshape(len(X), -1), y).predict(X_test.reshape(len(X_test), -1))
print(f"errors: {wrong:.1%} from codes of patches, {np.mean(pixels != y_test):.1%} from pixels")
