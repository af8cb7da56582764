"""
A transcoder: a layer made readable
===================================

A transcoder predicts what a layer of a network puts out, by a sparse code of what goes in. Each of
its units is a rule: if this is in the input, add that to the output.
"""

# %%
# The layer is the first one of a small network that was trained on digits.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from sparsecode import Transcoder
from sparsecode.encoders import TopK
from sparsecode.optimizers import Adam

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
network = MLPClassifier((64,), alpha=0.1, max_iter=200, tol=1e-3, random_state=0).fit(X, y)
hidden = np.maximum(X @ network.coefs_[0] + network.intercepts_[0], 0)
logits = hidden @ network.coefs_[1] + network.intercepts_[1]
model = Transcoder(
    32, encoder=TopK(4), optimizer=Adam(3e-3), n_epochs=150, batch_size=100, random_state=0
).fit(X[:1300], logits[:1300])
print(f"R2 on unseen digits: {model.score(X[1300:], logits[1300:]):.2f}")
agree = model.predict(X[1300:]).argmax(axis=1) == logits[1300:].argmax(axis=1)
print(f"says the same digit as the network: {agree.mean():.1%}")

# %%
# Six units that are used often. Above: the mean of the digits that drive a unit most. Below: what
# it adds to the scores of the ten classes.

codes = model.transform(X[1300:])
often = np.argsort(-(codes > 0).mean(axis=0))[:6]
figure, axes = plt.subplots(2, 6, figsize=(9, 3.4), height_ratios=[1.2, 1], sharey="row")
for top, bottom, unit in zip(*axes, often, strict=True):
    strongest = np.argsort(-codes[:, unit])[:10]
    top.imshow(X[1300:][strongest].mean(axis=0).reshape(8, 8), cmap="gray_r")
    top.set_title(f"unit {unit}")
    top.set_axis_off()
    bottom.bar(np.arange(10), model.components_[unit], color="tab:blue")
    bottom.set_xticks(range(0, 10, 3))
    bottom.set_xlabel("class")
axes[1, 0].set_ylabel("added")
figure.tight_layout()
