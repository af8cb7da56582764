"""
Topics of texts
===============

Non-negative atoms of word counts are topics: words that occur together. Each text has a code that
says which few topics it is about.
"""

# %%
# The texts are the descriptions of the estimators of scikit-learn, since they are on every machine.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.discovery import all_estimators

from sparsecode import DictionaryLearning
from sparsecode.constraints import NonNegative
from sparsecode.penalties import L1

texts = [estimator.__doc__ for _, estimator in all_estimators() if estimator.__doc__]
words = TfidfVectorizer(
    stop_words="english", min_df=5, max_df=0.3, token_pattern=r"(?u)\b[a-z]{4,}\b"
)
X = words.fit_transform(texts)
model = DictionaryLearning(
    12,
    penalty=L1(positive=True),
    alpha=0.05,
    constraint=NonNegative(),
    init="k-means++",
    n_epochs=50,
    random_state=0,
).fit(X)

# %%
# Six topics that many texts are about, and their eight words of largest weight.

names = words.get_feature_names_out()
used = np.argsort(-np.count_nonzero(model.transform(X), axis=0))[:6]
figure, axes = plt.subplots(2, 3, figsize=(8.5, 5))
for ax, atom in zip(axes.flat, model.components_[used], strict=True):
    top = np.argsort(atom)[-8:]
    ax.barh(names[top], atom[top], color="tab:blue")
    ax.set_xticks([])
    ax.spines[["top", "right", "bottom"]].set_visible(False)
figure.suptitle("Words of six topics")
figure.tight_layout()
