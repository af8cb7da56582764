"""
Digits told apart by their codes
================================

A linear classifier gets codes instead of pixels. Codes on more atoms than there are pixels make
classes easier to separate, as soon as there are some labels for each.
"""

# %%
# The dictionary is learned from digits without labels, once. ``FrozenEstimator`` keeps it as it is
# in the pipeline.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sparsecode import DictionaryLearning
from sparsecode.penalties import L1

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, test_size=600, stratify=y, random_state=0)
learner = DictionaryLearning(
    200, penalty=L1(positive=True), alpha=0.1, batch_size=256, n_epochs=10, random_state=0
).fit(X)

# %%
# The same classifier, on pixels and on codes, with more and more labels.

sizes = [30, 60, 120, 300, 600, 1197]
models = {
    "pixels": LogisticRegression(max_iter=2000, C=10),
    "sparse codes": make_pipeline(
        FrozenEstimator(learner), LogisticRegression(max_iter=2000, C=10)
    ),
}
figure, ax = plt.subplots(figsize=(6.5, 4))
for name, model in models.items():
    right = [model.fit(X[:n], y[:n]).score(X_test, y_test) for n in sizes]
    ax.semilogx(sizes, right, "o-", label=name)
    print(f"{name:12s}", *(f"{share:.3f}" for share in right))
ax.set(xlabel="labels", ylabel="right, of 600 test digits", title="Logistic regression")
ax.set_xticks(sizes, [str(n) for n in sizes])
ax.minorticks_off()
ax.legend()

# %%
# A search for the best ``alpha`` is one call of ``GridSearchCV``: :ref:`choosing-alpha`.
