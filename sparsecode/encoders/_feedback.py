"""Feedback of residuals: the products that a selection is made of, and their gradients."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from sparsecode import _jit
from sparsecode._gathered_rows import add_picked, multiply_picked
from sparsecode._parallel import are_rows_alike, map_row_blocks, product
from sparsecode._row_blocks import compress, stack_csr
from sparsecode.encoders._linear import DENSEST, Products

_BLOCK_SIZE = 128


class Feedback:
    """Products of the selections of a refined encoder, one after another.

    The first ones are ``x @ W.T``. Each later selection adds ``r @ F.T``, where `r` is the step
    times the sum of all residuals so far. If `F` is `W`, this is one product with ``x + r``.

    Parameters
    ----------
    x : ndarray of shape (n_samples, n_features)
        Centred samples.
    atoms, W, F : ndarray of shape (n_components, n_features)
    step : float
    """

    def __init__(self, x, atoms, W, F, step):
        self.x, self.atoms, self.W, self.F = x, atoms, W, F
        self.step, self.total, self._sum, self._first = step, None, None, None

    @property
    def seen(self):
        """What the rows of the feedback weights were multiplied with last."""
        if self.total is None or self.F is not self.W:
            return self.total
        return self._sum

    def products(self):
        """Return the products of the next selection."""
        if self.total is not None and self.F is self.W:
            return Products.of(self._sum, self.W)
        if self.total is not None:
            return self._second()
        first = Products.of(self.x, self.W)
        if self.F is self.W:
            return first
        self._first = np.empty(first.shape, dtype=first.dtype)

        def fill(rows, out):
            first.fill(rows, out)
            self._first[rows] = out

        return first._replace(fill=fill)

    def advance(self, codes):
        """Add the residual of a selection."""
        residual = residual_of(self.x, codes, self.atoms, self.step)
        self.total = residual if self.total is None else self.total + residual
        self._sum = self.x + self.total if self.F is self.W else None

    def _second(self):
        more, first = Products.of(self.total, self.F), self._first

        def fill(rows, out):
            more.fill(rows, out)
            out += first[rows]

        return more._replace(fill=fill)


def residual_of(x, codes, atoms, step):
    """Return ``step * (x - codes @ atoms)`` of centred samples."""
    residual = np.array(x)
    if are_rows_alike():
        _subtract_alike(codes, atoms, residual)
    else:
        add_product(-codes, atoms, residual)
    residual *= residual.dtype.type(step)
    return residual


def _subtract_alike(codes, atoms, residual):
    """Subtract ``codes @ atoms`` by entries or not, as each sample alone has few or many."""
    if not sparse.issparse(codes):
        add_product(-codes, atoms, residual)
        return
    is_dense = np.diff(codes.indptr) > DENSEST * codes.shape[1]
    few, many = np.flatnonzero(~is_dense), np.flatnonzero(is_dense)
    if many.size == 0:
        add_product(-codes, atoms, residual)
        return
    for rows, part in ((few, codes[few]), (many, codes[many].toarray())):
        rest = residual[rows]
        add_product(-part, atoms, rest)
        residual[rows] = rest


def as_csr(codes):
    """Return dense codes as a CSR array."""
    return stack_csr([compress(codes)], codes.shape[1])


def add_product(codes, matrix, out):
    """Add ``codes @ matrix`` to `out`; of a CSR array only the entries are multiplied."""
    if not sparse.issparse(codes):
        out += product(codes, matrix)
        return
    starts, columns, values = codes.indptr, codes.indices, codes.data

    def block(rows):
        part = starts[rows.start : rows.stop + 1]
        _add_decoded(part, columns, values, matrix, out[rows])

    map_row_blocks(block, len(out), block_size=_BLOCK_SIZE)


def product_at(rows, matrix, codes):
    """Return ``rows @ matrix.T``; for a CSR array of codes at its entries only."""
    if not sparse.issparse(codes):
        return product(rows, matrix.T)
    starts, columns, found = codes.indptr, codes.indices, np.empty_like(codes.data)

    def block(part):
        _multiply_at(starts[part.start : part.stop + 1], columns, rows[part], matrix, found)

    map_row_blocks(block, len(rows), block_size=_BLOCK_SIZE)
    return sparse.csr_array((found, columns, starts), shape=codes.shape)


@_jit.kernel
def _add_decoded(starts, columns, values, matrix, out):
    for i in range(out.shape[0]):
        add_picked(out[i], values, columns, starts[i], starts[i + 1], matrix)


@_jit.kernel
def _multiply_at(starts, columns, rows, matrix, out):
    for i in range(rows.shape[0]):
        multiply_picked(rows[i], columns, starts[i], starts[i + 1], matrix, out)
