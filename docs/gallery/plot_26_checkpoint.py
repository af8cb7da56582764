"""
A published autoencoder, judged
===============================

Autoencoders are published as files. Here one is written in the format of SAELens and read again;
then exact coding shows how much better its own dictionary could do.
"""

# %%
# A small autoencoder of digits stands for the published one. ``write_checkpoint`` makes the files
# that SAELens reads.

import tempfile

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sparsecode import SparseAutoencoder, SparseCoder
from sparsecode.encoders import TopK
from sparsecode.interop import read_checkpoint, write_checkpoint
from sparsecode.optimizers import Adam
from sparsecode.penalties import KSparse

X = load_digits().data / 16
trained = SparseAutoencoder(
    128, encoder=TopK(k=8), optimizer=Adam(0.003), n_epochs=50, random_state=0
).fit(X[:1200])
folder = tempfile.mkdtemp()
write_checkpoint(trained.to_checkpoint(), folder, "sae_lens")
print(read_checkpoint(folder))

# %%
# From here on the file is all there is. The encoder of the model guesses which eight atoms a digit
# is made of. Matching pursuit on the same atoms searches for them.

published = SparseAutoencoder.from_pretrained(folder)
held_out = X[1200:].astype(np.float32)
exact = SparseCoder(published.dictionary_, penalty=KSparse(8)).fit(held_out)


def errors(model):
    X_hat = model.inverse_transform(model.transform(held_out))
    return np.sum((held_out - X_hat) ** 2, axis=1)


guessed, searched = errors(published), errors(exact)

# %%
# Each dot is a digit that was held out. Below the line, the search is better.

figure, ax = plt.subplots(figsize=(5, 5))
ax.plot(guessed, searched, ".", alpha=0.5)
top = float(guessed.max())
ax.plot([0, top], [0, top], "k", linewidth=1)
share = np.mean(searched < guessed)
ax.set_xlabel("squared error, codes of the encoder")
ax.set_ylabel("squared error, codes by matching pursuit")
ax.set_title(f"The search is better for {share:.0%} of the digits")
figure.tight_layout()

# %%
# Files of Gemma Scope, sparsify, dictionary_learning and OpenAI are read in the same way:
# :doc:`/guide/interop`.
