"""
Dead units, and how to revive them
==================================

A unit that is never among the strongest gets no gradient. It is dead, and stays so unless somebody
gives it work.
"""

# %%
# 400 units for digits, of which TopK keeps four, at a high learning rate: many die. ``AuxK`` lets
# dead units explain what the others leave over. ``ReplaceUnits`` gives them samples that are
# reconstructed badly.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sparsecode import SparseAutoencoder
from sparsecode.encoders import TopK
from sparsecode.losses import AutoencoderLoss, AuxK
from sparsecode.metrics import dead_fraction, usage
from sparsecode.optimizers import Adam
from sparsecode.replacement import ReplaceUnits

X = load_digits().data.astype(np.float32)
X = X / X.std()
window = 2 * len(X)
remedies = {
    "nothing is done": {},
    "AuxK": {"loss": AutoencoderLoss([AuxK(k=64, weight=1.0, dead_window=window)])},
    "replacement": {"replacement": ReplaceUnits(every=200, dead_window=window, scale=1.0)},
}

# %%
# Units are sorted by how many of the 1797 digits they are used for.

figure, ax = plt.subplots(figsize=(6.5, 4))
for name, options in remedies.items():
    model = SparseAutoencoder(
        400,
        encoder=TopK(4),
        optimizer=Adam(5e-3),
        batch_size=64,
        n_epochs=60,
        random_state=0,
        **options,
    ).fit(X)
    codes = model.transform(X)
    dead = dead_fraction(codes)
    share = np.sort(usage(codes).share)[::-1]
    ax.step(np.arange(1, 401), share * len(X), where="mid", label=f"{name}: {dead:.0%} dead")
ax.set_yscale("symlog", linthresh=1)
ax.set(xlabel="units, from the most used", ylabel="digits that use it", title="Who is at work?")
ax.legend()

# %%
# Units of a TopK are revived by ``AuxK`` more surely: a unit with a new direction must still be
# among the four strongest of some digit. When to use which is under :doc:`/guide/autoencoders`.
