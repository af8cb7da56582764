"""
Choosing the number of atoms
============================

Every further atom lowers the error, but it costs bits to write it down. The description of the data
is shortest where another atom no longer pays.
"""

# %%
# The data are made of 16 atoms, which the curve is to find out.

from sparsecode import DictionaryLearning
from sparsecode.datasets import make_sparse_signals
from sparsecode.model_selection import selection_curve
from sparsecode.plotting import plot_selection

X = make_sparse_signals(1000, 16, 12, n_nonzero=2, snr_db=25, random_state=0).X
model = DictionaryLearning(n_epochs=40, random_state=0)
curve = selection_curve(
    model, X, n_components=[8, 12, 16, 20, 28], alphas=[0.03, 0.1, 0.3], debias=True
)
ax = plot_selection(curve)
print(curve.best())
