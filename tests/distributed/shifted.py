"""Series and images of a few shifted atoms, for tests of signals in chunks."""

import numpy as np

from sparsecode.convolutional import ConvolutionalDictionary

N_SIGNALS = 9
# Chunks of signals, one of them empty.
LENGTHS = (3, 0, 4, 2)


def signals(n_dims, n_channels=2, dtype=np.float64):
    """Signals, and the dictionary that they are made of."""
    rng = np.random.default_rng(n_dims)
    shape, support = ((90,), (8,)) if n_dims == 1 else ((16, 15), (4, 5))
    atoms = rng.standard_normal((3, n_channels, *support))
    atoms /= np.linalg.norm(atoms.reshape(3, -1), axis=1).reshape(-1, *[1] * (n_dims + 1))
    positions = [n - m + 1 for n, m in zip(shape, support, strict=True)]
    size = (N_SIGNALS, 3, *positions)
    codes = (rng.random(size) < 0.03) * rng.uniform(0.5, 1.5, size)
    dictionary = ConvolutionalDictionary(atoms)
    X = dictionary.decode(codes)
    X = X + 0.02 * rng.standard_normal(X.shape)
    return X.astype(dtype), dictionary.astype(dtype)
