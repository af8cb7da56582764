"""
LISTA against FISTA
===================

A network of a few layers guesses what an iteration needs many steps for. The ladder says how many
steps it is worth.
"""

# %%
# The network is trained on signals of the kind that it will see, without being told any code.

from sparsecode import LISTA, Dictionary, amortization_report
from sparsecode.datasets import make_sparse_signals
from sparsecode.optimizers import Adam
from sparsecode.penalties import L1
from sparsecode.plotting import plot_ladder

dictionary = Dictionary.random(80, 40, random_state=0)


def signals(n, seed):
    return make_sparse_signals(
        n, n_nonzero=4, dictionary=dictionary, snr_db=30, random_state=seed
    ).X


X = signals(10_000, 0)
networks = {
    f"LISTA {n} layers": LISTA(
        dictionary=dictionary,
        n_layers=n,
        alpha=0.1,
        optimizer=Adam(lr=2e-3),
        n_epochs=15,
        random_state=0,
    )
    .fit(X)
    .encoder_
    for n in (2, 4, 8)
}

# %%
# Every point is judged by the duality gap, on signals that were not trained on. A point below the
# line of FISTA is faster than FISTA at the same quality.

report = amortization_report(
    signals(500, 1), dictionary, L1(0.1), encoders=networks, n_iters=[1, 2, 4, 8, 16, 32, 64]
)
ax = plot_ladder(report)

# %%
# The star is the exact solver. On small problems with few nonzeros it is hard to beat: a network
# pays where codes have many nonzeros, or where the time for each sample must be the same.
#
# The whole table, with supports and iterations saved, is ``print(report)``:
# :doc:`/guide/amortization`.
