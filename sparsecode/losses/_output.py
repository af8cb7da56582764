"""Reconstructions with an output activation, and their error."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from sparsecode._messages import shown, wrong
from sparsecode._parallel import map_row_blocks, rows_of_product

OUTPUTS = (None, "sigmoid")
# Bound on the distance of means from 0 and 1, where the inverse is infinite.
_CLOSEST = 1e-3


def check_output(output):
    """Return the name of an activation, or None for none.

    Raises
    ------
    ValueError
        If there is no such activation.
    """
    if not (output is None or isinstance(output, str)) or output not in OUTPUTS:
        raise ValueError(
            wrong(
                "output",
                got=shown(output),
                expected="None or 'sigmoid'",
                remedy="Leave it out for reconstructions that are linear in the codes.",
            )
        )
    return output


def activate(output, A):
    """Apply an output activation to linear reconstructions, without changing these."""
    return A if output is None else expit(A)


def inverse_of(output, mean):
    """Inverse of an output activation, for means that have one."""
    if output is None:
        return mean
    inside = np.clip(mean, _CLOSEST, 1 - _CLOSEST)
    return np.log(inside / (1 - inside)).astype(mean.dtype)


def reconstruct_output(target, dictionary, codes, share):
    """Squared error of sigmoid reconstructions, and gradients of half its weighted sum.

    Parameters
    ----------
    target : ndarray of shape (n_samples, n_features)
        The samples, as they are.
    dictionary : Dictionary
    codes : ndarray of shape (n_samples, n_components)
    share : ndarray of shape (n_samples, 1), or float
        Weight of each sample.

    Returns
    -------
    squared_norms : ndarray of shape (n_samples,)
    error : ndarray of shape (n_samples, n_features)
        Gradient in the input of the activation.
    dcodes : ndarray of shape (n_samples, n_components)
    """
    atoms, offset = dictionary.atoms, dictionary.offset
    squared_norms = np.empty(len(codes), dtype=np.float64)
    error = np.empty((len(codes), atoms.shape[1]), dtype=atoms.dtype)
    counts = np.broadcast_to(np.asarray(share, dtype=atoms.dtype), (len(codes), 1))
    grad_codes = np.empty_like(codes)

    def block(rows):
        r = np.matmul(codes[rows], atoms, out=error[rows])
        if offset is not None:
            r += offset
        y = expit(r)
        np.subtract(y, target[rows], out=r)
        squared_norms[rows] = np.einsum("ij,ij->i", r, r)
        r *= y
        r *= 1 - y
        r *= counts[rows]
        np.matmul(r, atoms.T, out=grad_codes[rows])

    size = rows_of_product(len(codes), codes.shape[1] * atoms.itemsize)
    map_row_blocks(block, len(codes), block_size=size)
    return squared_norms, error, grad_codes
