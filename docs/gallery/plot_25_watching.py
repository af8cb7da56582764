"""
Watching a fit
==============

A callback is told after every epoch. This one scores samples that the fit does not see, so that the
curve shows from when on more epochs only help the samples that are learned from.
"""

# %%
# A callback is an object with four methods; two of them have nothing to do here.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sparsecode import DictionaryLearning


class Watch:
    def __init__(self, X_val):
        self.X_val, self.seen, self.held_out = X_val, [], []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, **data):
        pass

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None, **data):
        if context.task_name == "epoch":
            self.seen.append(fitted_estimator.score(X))
            self.held_out.append(fitted_estimator.score(self.X_val))


# %%
# Few digits and many atoms, so that the two curves part.

X = load_digits().data / 16
watch = Watch(X[300:])
model = DictionaryLearning(100, alpha=0.1, n_epochs=40, tol=0, random_state=0)
model.set_callbacks(watch).fit(X[:300])

# %%
# The score is minus the mean objective: the higher, the better.

figure, ax = plt.subplots(figsize=(6.5, 4))
epochs = range(1, len(watch.seen) + 1)
ax.plot(epochs, watch.seen, "o-", markersize=3, label="300 digits, learned from")
ax.plot(epochs, watch.held_out, "o-", markersize=3, label="1497 digits, held out")
ax.set_xlabel("epoch")
ax.set_ylabel("score")
ax.legend()
figure.tight_layout()

# %%
# ``ProgressBar`` of scikit-learn is such a callback, too. Where callbacks go in a pipeline or in a
# search is under :doc:`/guide/callbacks`.
