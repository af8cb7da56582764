"""
Atoms that know the labels
==========================

An unsupervised dictionary spends its atoms on what all digits have. A task-driven one changes them
until their codes tell the digits apart.
"""

# %%
# Both dictionaries have 30 atoms, and the same linear classifier of codes. The task-driven one
# starts from the other.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import normalize

from sparsecode import DictionaryLearning, TaskDrivenDictionaryLearningClassifier
from sparsecode.plotting import plot_atoms

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(normalize(X), y, test_size=600, stratify=y, random_state=0)
learner = DictionaryLearning(30, alpha=0.15, n_epochs=30, random_state=0).fit(X)
linear = LogisticRegression(C=10, max_iter=5000).fit(learner.transform(X), y)
model = TaskDrivenDictionaryLearningClassifier(
    dictionary=learner.dictionary_, n_epochs=30, batch_size=100, random_state=0
).fit(X, y)

# %%
# Errors on digits that neither has seen:

errors = {
    "unsupervised": np.sum(linear.predict(learner.transform(X_test)) != y_test),
    "task-driven": np.sum(model.predict(X_test) != y_test),
}
for name, count in errors.items():
    print(f"{name:12s} {count} errors of {len(y_test)}")

# %%
# The atoms before and after. Whole digits get dark spots, where similar digits of other classes
# have ink: a code now says what a digit is not.

figure, axes = plt.subplots(1, 2, figsize=(9, 4.2))
for ax, (name, count), atoms in zip(
    axes, errors.items(), (learner.components_, model.components_), strict=True
):
    plot_atoms(atoms, ax=ax)
    ax.set_title(f"{name}: {count} errors")
figure.tight_layout()
