"""Factored gradients of a matrix with one row per atom, never stored as a whole."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse

from sparsecode import _jit
from sparsecode._gathered_rows import add_picked
from sparsecode._parallel import map_row_blocks, scratch

# Bytes of a block of the gradient: it must stay in the cache until it has been used.
_BLOCK_BYTES = 2**20


class RowGradient:
    """Sum of products ``codes.T @ rows``, for a parameter of shape (n_components, n_features).

    Its rows are computed one block at a time, where they are used. Only the nonzeros of sparse
    codes are multiplied.

    Parameters
    ----------
    *products : tuple of ndarray or csr_array of shape (n_samples, n_components), and ndarray of \
shape (n_samples, n_features)
        A third entry, a slice of components, restricts the product to these.
    """

    def __init__(self, *products: Any) -> None:
        by_column = {
            id(codes): codes.tocsc() if sparse.issparse(codes) else codes
            for codes in (product[0] for product in products)
        }
        everything = slice(0, products[0][0].shape[1])
        self.products = [
            (by_column[id(codes)], rows, part[0] if part else everything)
            for codes, rows, *part in products
        ]
        codes, rows = products[0][:2]
        self.shape, self.dtype = (codes.shape[1], rows.shape[1]), rows.dtype
        self.scale, self.constraint, self.atoms = 1.0, None, None
        self.norm = None

    @property
    def ndim(self) -> int:
        """Number of axes of the array."""
        return 2

    def __iadd__(self, other: Any) -> Self:
        self.products = [*self.products, *other.products]
        return self

    def __imul__(self, factor: float) -> Self:
        self.scale *= float(factor)
        return self

    def __array__(self, dtype: DTypeLike | None = None, copy: Any = None) -> np.ndarray:
        return self.dense().astype(dtype or self.dtype, copy=False)

    def to_tangent(self, constraint: Any, atoms: np.ndarray) -> None:
        """Project each block on the tangent space of the constraint; see `Constraint.tangent`."""
        self.constraint, self.atoms = constraint, atoms

    def dense(self) -> np.ndarray:
        """The gradient as an array of shape (n_components, n_features)."""
        out = np.empty(self.shape, dtype=self.dtype)

        def copy(rows, block):
            out[rows] = block

        self.each_block(copy)
        return out

    def measure(self) -> Any:
        """Euclidean norm of all entries, after `to_tangent`; makes every block once."""
        self.each_block(lambda rows, block: None)
        return self.norm

    def each_block(self, function: Callable[..., Any], n_jobs: int | None = None) -> None:
        """Call ``function(rows, block)`` with every block of rows, on threads, and set `norm`.

        Parameters
        ----------
        function : callable
            Function that may overwrite the block.
        n_jobs : int or None, default=None
        """
        n_components, n_features = self.shape
        size = max(_BLOCK_BYTES // (n_features * self.dtype.itemsize), 16)

        def run(rows):
            block = self._block(rows)
            square = _sum_of_squares(block.reshape(-1))
            function(rows, block)
            return square

        squares = map_row_blocks(run, n_components, block_size=size, n_jobs=n_jobs)
        self.norm = math.sqrt(sum(squares))

    def _block(self, rows):
        block = scratch((rows.stop - rows.start, self.shape[1]), self.dtype)
        written = False
        for codes, samples, part in self.products:
            first, last = max(rows.start, part.start), min(rows.stop, part.stop)
            if first >= last:
                continue
            is_whole = last - first == len(block)
            if not written and (sparse.issparse(codes) or not is_whole):
                block[:], written = 0, True
            out = block[first - rows.start : last - rows.start]
            if sparse.issparse(codes):
                starts = codes.indptr[first : last + 1]
                _add_rows(starts, codes.indices, codes.data, samples, out)
            elif written:
                out += codes[:, first:last].T @ samples
            else:
                np.matmul(codes[:, first:last].T, samples, out=out)
            written = True
        if not written:
            block[:] = 0
        if self.scale != 1:
            block *= self.dtype.type(self.scale)
        if self.constraint is not None:
            self.constraint.tangent(self.atoms[rows], block, out=block)
        return block


def add_gradients(first, second):
    """Sum of two gradients, arrays or products; None is 0. The first may change in place."""
    if first is None:
        return second
    if isinstance(first, RowGradient) != isinstance(second, RowGradient):
        first, second = np.array(first), np.asarray(second)
    first += second
    return first


def gradient_norm(grads):
    """Joint Euclidean norm of gradients, NaN or infinite if an entry is."""
    return math.hypot(*(_norm(grad) for grad in grads.values()))


def _norm(grad):
    if isinstance(grad, RowGradient):
        # The norm of a factored gradient is known after its use; otherwise its blocks are made
        # here.
        return grad.measure() if grad.norm is None else grad.norm
    flat = grad.reshape(-1)
    with np.errstate(over="ignore", invalid="ignore"):
        norm = math.sqrt(flat @ flat)
    # A sum of squares can leave the range of float32 although no gradient does.
    return norm if 1e-15 < norm < math.inf else float(np.linalg.norm(flat.astype(np.float64)))


def scaled_rows(factors, rows):
    """Return each row times a number, as a `RowGradient`."""
    each = np.arange(len(rows) + 1, dtype=np.int32)
    factors = factors.astype(rows.dtype)
    return RowGradient((sparse.csr_array((factors, each[:-1], each), (len(rows),) * 2), rows))


@_jit.kernel
def _add_rows(starts, samples, values, rows, out):
    for j in range(out.shape[0]):
        add_picked(out[j], values, samples, starts[j], starts[j + 1], rows)


@_jit.kernel
def _sum_of_squares(values):
    # In float64: the squares of large gradients leave the range of float32.
    total = 0.0
    for i in range(values.shape[0]):
        value = float(values[i])
        total += value * value
    return total
