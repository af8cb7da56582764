"""Matching pursuit of a block of samples, and its gradients."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from sparsecode import _jit
from sparsecode._interrupts import halt_if_told

# Size limit of the Gram matrix, which saves products with the atoms.
_GRAM_BYTES = 2**28


class Pursuit:
    """Matching pursuit on one dictionary, of blocks of samples."""

    def __init__(self, dictionary, encoder, n_rows):
        k = encoder.k
        self.atoms, self.k, self.positive = dictionary.atoms, k, bool(encoder.positive)
        self.repeats, self.least = bool(encoder.repeats), float(encoder.min_residual) ** 2
        self.inverse, self.gram = inverse_norms(dictionary), None
        self._correlate = dictionary._correlate
        n = len(self.atoms)
        # In working precision: it is used for selection only; coefficients come from the residuals.
        if n <= (k - 1) * n_rows and n * n * self.atoms.itemsize <= _GRAM_BYTES:
            self.gram = self.atoms @ self.atoms.T

    def run(self, x, out, selected, steps):
        """Write codes of centred samples to `out`, or return them in a new array."""
        r = x.copy()
        products = self._correlate(r, out)
        for t in range(self.k):
            halt_if_told()
            rules = self.positive, self.repeats, self.least
            _take_step(products, r, self.atoms, self.inverse, *rules, t, selected, steps)
            step = selected[:, t], steps[:, t]
            if t + 1 == self.k:
                break
            if self.gram is None:
                self._correlate(r, products)
            else:
                _take_from_products(products, self.gram, *step)
        _put_codes(selected, steps, products)
        return products


def inverse_norms(dictionary):
    """Inverse norm of each atom, 0 where it is zero."""
    norms = dictionary.norms.astype(dictionary.dtype, copy=False)
    # An atom of zeros is never selected.
    return np.divide(1, norms, out=np.zeros_like(norms), where=norms != 0)


def gradients_of_steps(dcodes, rows, selected):
    """Gradients in the codes of the atoms of each step."""
    if not sparse.issparse(dcodes):
        return np.take_along_axis(dcodes[rows], np.maximum(selected, 0), axis=1)
    grad_steps = np.empty(selected.shape, dtype=dcodes.dtype)
    starts = dcodes.indptr[rows.start : rows.stop + 1]
    _look_up(starts, dcodes.indices, dcodes.data, selected, grad_steps)
    return grad_steps


@_jit.inner_with_arrays
def _is_done(r, selected, t, repeats, least):
    if t == 0:
        return False
    last = selected[t - 1]
    if last < 0:
        return True
    if not repeats:
        for s in range(t - 1):
            if selected[s] == last:
                return True
    if least > 0:
        squared_norm = 0.0
        for f in range(r.shape[0]):
            squared_norm += r[f] * r[f]
        return squared_norm < least
    return False


@_jit.kernel
def _take_step(products, r, atoms, inverse, positive, repeats, least, t, selected, steps):
    for i in range(products.shape[0]):
        if _is_done(r[i], selected[i], t, repeats, least):
            selected[i, t], steps[i, t] = -1, inverse[0] * 0
            continue
        row, best, size = products[i], -1, inverse[0] * 0
        for j in range(row.shape[0]):
            value = row[j] * inverse[j]
            value = value if positive else abs(value)
            # NaN must be visible in the codes.
            if value > size or value != value:
                best, size = j, value
                if value != value:
                    break
        step = inverse[0] * 0
        if best >= 0:
            atom, residual = atoms[best], r[i]
            for f in range(atom.shape[0]):
                step += residual[f] * atom[f]
            step *= inverse[best] * inverse[best]
            if positive and step <= 0:
                # It was only positive by rounding.
                best, step = -1, step * 0
        selected[i, t], steps[i, t] = best, step
        if best >= 0:
            atom, residual = atoms[best], r[i]
            for f in range(atom.shape[0]):
                residual[f] -= steps[i, t] * atom[f]


@_jit.kernel
def _take_from_products(products, gram, selected, steps):
    for i in range(products.shape[0]):
        if selected[i] >= 0:
            row, taken, step = products[i], gram[selected[i]], steps[i]
            for j in range(row.shape[0]):
                row[j] -= step * taken[j]


@_jit.kernel
def _put_codes(selected, steps, codes):
    for i in range(codes.shape[0]):
        codes[i, :] = 0
        for t in range(selected.shape[1]):
            if selected[i, t] >= 0:
                codes[i, selected[i, t]] += steps[i, t]


@_jit.kernel
def _look_up(starts, columns, values, selected, out):
    for i in range(selected.shape[0]):
        for t in range(selected.shape[1]):
            # Codes that steps made 0 again are not stored.
            out[i, t] = 0
            for e in range(starts[i], starts[i + 1]):
                if columns[e] == selected[i, t]:
                    out[i, t] = values[e]


@_jit.kernel
def walk_back(x, selected, steps, grad_steps, atoms, inverse, shares, dx):
    """Gradients in the samples, and the factor of each step in those of the atoms."""
    n_features = x.shape[1]
    for i in range(x.shape[0]):
        # Residuals before each step, where the gradients will be.
        for t in range(selected.shape[1]):
            for f in range(n_features):
                if t == 0:
                    shares[i, t, f] = x[i, f]
                elif selected[i, t - 1] < 0:
                    shares[i, t, f] = shares[i, t - 1, f]
                else:
                    taken = steps[i, t - 1] * atoms[selected[i, t - 1], f]
                    shares[i, t, f] = shares[i, t - 1, f] - taken
        gradient = dx[i]
        gradient[:] = 0
        for t in range(selected.shape[1] - 1, -1, -1):
            j = selected[i, t]
            if j < 0:
                continue
            atom, share, step = atoms[j], shares[i, t], steps[i, t]
            grad_step = grad_steps[i, t]
            for f in range(n_features):
                grad_step -= gradient[f] * atom[f]
            grad_step *= inverse[j] * inverse[j]
            for f in range(n_features):
                share[f] = grad_step * (share[f] - (step + step) * atom[f]) - step * gradient[f]
                gradient[f] += grad_step * atom[f]
