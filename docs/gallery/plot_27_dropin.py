"""
In place of scikit-learn
========================

Change one line of imports, and the same code runs on the solvers of this package. Both learn 64
atoms from the same patches here.
"""

# %%
# The two classes have the same name, the same parameters and the same attributes.

import time

import matplotlib.pyplot as plt
import sklearn.decomposition

import sparsecode.dropin
from sparsecode.datasets import load_photographs, sample_patches
from sparsecode.plotting import plot_atoms

X = sample_patches(load_photographs(), 8, 2000, random_state=0)
X = (X - X.mean(axis=1, keepdims=True)) / X.std()
settings = {"n_components": 64, "alpha": 1.0, "max_iter": 5, "batch_size": 256, "random_state": 0}


def fitted(module):
    start = time.process_time()
    model = module.MiniBatchDictionaryLearning(transform_algorithm="lasso_lars", **settings).fit(X)
    return model, time.process_time() - start


fitted(sparsecode.dropin)  # Kernels are compiled before the clock starts.
ours, our_seconds = fitted(sparsecode.dropin)
theirs, their_seconds = fitted(sklearn.decomposition)

# %%
# Learning ends in local minima, so the atoms are not the same. The objective says which are better.


def objective(model):
    codes = model.transform(X[:500])
    error = ((X[:500] - codes @ model.components_) ** 2).sum(axis=1) / 2
    return (error + abs(codes).sum(axis=1)).mean()


for name, model in (("scikit-learn", theirs), ("sparsecode", ours)):
    print(f"{name:12} objective {objective(model):.2f}")

# %%
# The times are seconds of processors, in one run while this page was built. Measured ones are under
# :doc:`/performance`.

figure, axes = plt.subplots(1, 2, figsize=(9, 5))
for ax, (name, model, seconds) in zip(
    axes,
    [
        ("sklearn.decomposition", theirs, their_seconds),
        ("sparsecode.dropin", ours, our_seconds),
    ],
    strict=True,
):
    plot_atoms(model.components_, patch_shape=(8, 8), order="frequency", ax=ax)
    ax.set_title(f"{name}: {seconds:.1f} s")
figure.tight_layout()

# %%
# What is different on purpose is listed in :doc:`/guide/dropin`.
