"""
Choosing alpha
==============

The objective cannot choose the weight of the penalty: it is smallest where the weight is. Two
scorers for ``GridSearchCV`` can: the length of a description, and the prediction of entries that
were hidden from the codes. Here they are compared with the error on the clean signals, which is
rarely known.
"""

# %%
# Signals with noise, of which the clean version is known here.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV

from sparsecode import Dictionary, SparseCoder, alpha_max
from sparsecode.datasets import make_sparse_signals
from sparsecode.model_selection import CodeLengthScorer, MissingEntriesScorer

dictionary = Dictionary.random(80, 40, random_state=0)
X, truth, _ = make_sparse_signals(
    300, n_nonzero=4, dictionary=dictionary, snr_db=15, random_state=0
)
clean = truth @ dictionary.atoms

# %%
# One search tries all weights with both scorers, and with the score of the estimator itself. Codes
# are debiased before they are scored, since it is the choice of atoms that is judged.

alphas = alpha_max(X, dictionary) * np.geomspace(0.5, 0.005, 15)
scoring = {
    "objective": lambda coder, X: -coder.score(X),
    "bits an entry": lambda coder, X: -CodeLengthScorer()(coder, X),
    "hidden entries, 1 - R2": lambda coder, X: 1 - MissingEntriesScorer()(coder, X),
}
search = GridSearchCV(
    SparseCoder(dictionary), {"alpha": alphas}, scoring=scoring, refit=False, cv=3
).fit(X)
curves = {name: search.cv_results_[f"mean_test_{name}"] for name in scoring}

# %%
# The red dots are the best weights. Both scorers choose one near that of the smallest error. The
# scorers themselves are negative: the larger, the better.

coders = [SparseCoder(dictionary, alpha=alpha, debias=True).fit(X) for alpha in alphas]
decoded = [coder.inverse_transform(coder.transform(X)) for coder in coders]
curves["error on the clean signals"] = [np.mean((X_hat - clean) ** 2) for X_hat in decoded]
figure, axes = plt.subplots(2, 2, figsize=(7.5, 5.5), sharex=True)
for ax, (name, values) in zip(axes.flat, curves.items(), strict=True):
    ax.semilogx(alphas, values, "o-", markersize=3)
    best = int(np.argmin(values))
    ax.plot(alphas[best], values[best], "o", color="tab:red")
    ax.set_title(name)
for ax in axes[1]:
    ax.set_xlabel("alpha")
figure.tight_layout()

# %%
# In a search of your own it is one line: ``GridSearchCV(model, grid, scoring=CodeLengthScorer())``.
# For a classifier, ``alpha`` is searched by its accuracy: :ref:`choosing-alpha`. The page
# :doc:`/guide/selection` tells which scorer is for what.
