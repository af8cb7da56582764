"""
New data: guesses break, exact codes do not
===========================================

A trained network guesses codes well for samples of the kind that it was trained on. For others its
guesses cost more, while exact codes on the same dictionary stay optimal.
"""

# %%
# A dictionary and a network of four layers learn from digits 0 to 4.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sparsecode import LISTA, DictionaryLearning
from sparsecode.optimizers import Adam

X, y = load_digits(return_X_y=True)
X = X / 16
seen, unseen = X[y < 5][:700], X[y < 5][700:]
network = LISTA(
    dictionary=DictionaryLearning(96, alpha=0.1, n_epochs=20),
    n_layers=4,
    alpha=0.1,
    optimizer=Adam(2e-3),
    n_epochs=100,
    batch_size=50,
    random_state=0,
).fit(seen)

# %%
# Then the network codes other digits, digits that are turned or inverted, and noise. Its gap to the
# optimum is proven by the certificate, without computing the optimum.

rng = np.random.default_rng(0)
kinds = {
    "digits 0-4, not trained on": unseen,
    "digits 5-9": X[y >= 5],
    "turned by 90 degrees": np.rot90(unseen.reshape(-1, 8, 8), axes=(1, 2)).reshape(-1, 64),
    "black and white exchanged": 1 - unseen,
    "noise": rng.uniform(size=(200, 64)),
}
gaps = [network.certify(samples).relative_gap.mean() for samples in kinds.values()]

figure, ax = plt.subplots(figsize=(7, 3.4))
bars = ax.barh(list(kinds), gaps, color=["tab:blue"] + 4 * ["tab:orange"])
ax.bar_label(bars, labels=[f"{gap:.1%}" for gap in gaps], padding=3)
ax.invert_yaxis()
ax.set(xlabel="mean relative duality gap", title="The cost of guessing", xlim=(0, 1.15 * max(gaps)))
figure.tight_layout()
