"""
Shrinkage, and its repair
=========================

An l1 penalty chooses atoms and makes their coefficients too small at the same time. The choice can
be kept, and the coefficients fitted again.
"""

# %%
# Signals of known codes, and the lasso.

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import Dictionary, SparseCoder, debias
from sparsecode.datasets import make_sparse_signals
from sparsecode.metrics import explained_variance
from sparsecode.penalties import MCP

dictionary = Dictionary.random(60, 40, random_state=0)
X, truth, _ = make_sparse_signals(
    500, n_nonzero=3, dictionary=dictionary, snr_db=25, random_state=0
)
lasso = SparseCoder(dictionary, alpha=0.3).fit(X)
codes = lasso.transform(X)

# %%
# ``debias`` keeps the nonzeros and fits them by least squares. A penalty such as MCP does not
# shrink large coefficients in the first place.

ways = {
    "lasso": codes,
    "lasso, debiased": debias(X, codes, dictionary),
    "MCP": SparseCoder(dictionary, penalty=MCP(knot=2.0), alpha=0.3).fit_transform(X),
}
figure, axes = plt.subplots(1, 3, figsize=(9, 3.3), sharey=True)
limit = np.abs(truth).max()
for ax, (name, values) in zip(axes, ways.items(), strict=True):
    used = (values != 0) | (truth != 0)
    ax.plot([-limit, limit], [-limit, limit], color="0.7", linewidth=1)
    ax.plot(truth[used], values[used], ".", markersize=3)
    explained = explained_variance(X, values @ dictionary.atoms)
    ax.set(xlabel="true coefficient", title=f"{name}: {explained:.1%} explained")
axes[0].set_ylabel("coefficient of the code")
figure.tight_layout()

# %%
# Autoencoders with an l1 penalty shrink too, and have ``refine`` against it:
# :doc:`/guide/autoencoder_models`.
