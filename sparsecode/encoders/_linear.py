"""Base class of encoders with one affine map and an activation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from scipy import sparse

from sparsecode._blas import single_threaded_blas
from sparsecode._factored_gradients import RowGradient, scaled_rows
from sparsecode._parallel import (
    are_rows_alike,
    map_row_blocks,
    rows_of_product,
    scratch,
    strips,
)
from sparsecode._row_blocks import compress, stack_csr
from sparsecode._row_products import panels_to_keep, row_product
from sparsecode._validation import check_flag, check_integer, check_number
from sparsecode.dictionary import Dictionary
from sparsecode.encoders._foldable_encoder import FoldableEncoder
from sparsecode.encoders._parameter_kinds import BIAS, WEIGHTS, Kind
from sparsecode.encoders.trainable import TrainableEncoder

# Signals of encoders whose activation is a function of each entry alone.
SLOPE_SIGNALS = ("pre", "slope", "squared_norms")


# Share of nonzero entries in a block of samples above which dense codes are faster in training.
DENSEST = 1 / 6


class Products(NamedTuple):
    """Products of samples with weights, made block by block: the pre-activations without a bias.

    ``fill(rows, out)`` writes those of a slice of samples.
    """

    shape: tuple[int, int]
    dtype: np.dtype
    fill: Callable[[slice, np.ndarray], Any]

    @classmethod
    def of(cls, x: np.ndarray, W: np.ndarray) -> Self:
        """Return the products of centred samples with the rows of `W`."""

        # Blocks may be filled by other threads.
        multiply = row_product if are_rows_alike() else np.matmul

        def fill(rows, out):
            multiply(x[rows], W.T, out=out)

        return cls((len(x), len(W)), W.dtype, fill)


class LinearTape(NamedTuple):
    """Arrays of a forward pass of a `LinearEncoder` that its gradients need.

    `x` are centred samples. `stored` holds signals, and arrays that a subclass adds.
    """

    x: np.ndarray
    params: dict[str, Any]
    dictionary: Dictionary
    stored: dict[str, Any]


@dataclass(eq=False)
class LinearEncoder(FoldableEncoder, TrainableEncoder):
    """Base of the encoders ``activation((x - offset) @ W.T + b)`` of autoencoders.

    A subclass defines ``_activate(A, params)``, which turns a block of pre-activations into codes
    in place, row by row, and ``_derive(dcodes, codes, params)``, the gradient in the
    pre-activations, on dense blocks and, where `sparse_codes`, on the nonzero entries. An encoder
    with an elementwise activation can offer its slopes as signals, `SLOPE_SIGNALS`. Unless the
    activation is piecewise linear, it then defines ``_curvature(codes, params)``, the second
    derivative. Other arrays for the gradients are made by ``_workspace`` and filled, before the
    activation, by ``_store``. Additional parameters have entries in `parameter_kinds`.

    Parameters
    ----------
    tied : bool, default=False
        Whether the encoder is tied: `W` is the atoms of the dictionary, not a parameter.
    initial_bias : float, default=0.0
        Initial value of `b`. With a positive value rectified units are active at the start.

    Attributes
    ----------
    sparse_codes : bool
        Whether training should use codes as a CSR array if few are nonzero. Gradients must then be
        0 for codes of 0, and gradients of other codes must not depend on these.
    signal_names : tuple of str
        ``"pre"``, the pre-activations, and ``"squared_norms"``, those of the rows of `W`; some also
        have ``"slope"``, the derivative of the activation.
    homogeneous : bool
        Whether ``activation(c * A) = c * activation(A)`` for every positive number `c`.
    bounds : tuple of two floats
        Lower and upper bound of the codes, whatever the parameters.
    """

    tied: bool = field(default=False, kw_only=True)
    initial_bias: float = field(default=0.0, kw_only=True)

    homogeneous: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)
    signal_names: ClassVar[tuple[str, ...]] = ("pre", "squared_norms")
    parameter_kinds: ClassVar[dict[str, Kind]] = {"W": WEIGHTS, "b": BIAS}
    # Whether ``sparse=True`` returns dense codes if too many are nonzero.
    _adapts: ClassVar[bool] = False
    # Signals that are the pre-activations plus a term independent of the sample.
    _shifted: ClassVar[tuple[str, ...]] = ("pre",)

    @property
    def unit_rows(self) -> tuple[str, ...]:
        """Names of the parameters with one row for each unit: all but the buffers."""
        return tuple(name for name in self.parameter_kinds if name not in self.buffers)

    def _run_forward(self, params, x, dictionary, *, n_layers, training, sparse, signals):
        # Norms have no entries per code, and need no dense codes.
        of_entries = tuple(name for name in signals if name != "squared_norms")
        W = self._weights(params, dictionary)
        codes, stored = self._codes(params, Products.of(x, W), training, sparse, of_entries)
        found = {name: stored[name] for name in of_entries}
        if "squared_norms" in signals:
            found["squared_norms"] = np.einsum("ij,ij->i", W, W)
        return codes, LinearTape(x, params, dictionary, stored), found

    def _run_backward(self, dcodes, cache, *, with_dictionary, out, dsignals):
        tape, grads = cache.kept, {}
        matrix = "atoms" if self.tied else "W"
        buffer = _dense_buffer((out or {}).get(matrix), cache.codes)
        parts = self._pre_gradients(dcodes, cache, dsignals, grads, buffer)
        total = sum(map(column_sums, parts))
        if "b" in tape.params:
            grads["b"] = total
        W = self._weights(tape.params, tape.dictionary)
        if not self.tied or with_dictionary:
            grad = RowGradient(*((dA, tape.x) for dA in parts))
            if "squared_norms" in dsignals:
                grad += scaled_rows(2 * dsignals["squared_norms"], W)
            grads[matrix] = grad
        if with_dictionary and tape.dictionary.offset is not None:
            # Threads of BLAS would keep spinning and slow down those of the next blocks.
            with single_threaded_blas():
                grads["offset"] = -(total @ W)
        return grads

    def _pre_gradients(self, dcodes, cache, dsignals, grads, buffer):
        """Gradients in the pre-activations, as a list of dense or sparse summands.

        Dense gradients are written to `buffer`. Gradients of parameters other than `W` and `b` are
        written to `grads`.
        """
        codes, params = cache.codes, cache.kept.params
        if sparse.issparse(dcodes):
            entries = self._derive(dcodes.data, codes.data, params)
            parts = [sparse.csr_array((entries, codes.indices, codes.indptr), shape=codes.shape)]
        else:

            def block(rows):
                for strip in strips(rows, buffer[0].nbytes):
                    buffer[strip] = self._derive(dcodes[strip], codes[strip], params)

            size = rows_of_product(len(codes), buffer.strides[0])
            map_row_blocks(block, len(codes), block_size=size)
            parts = [buffer]
        for name in self._shifted:
            if name in dsignals:
                _add_part(parts, dsignals[name])
        if "slope" in dsignals:
            curvature = self._curvature(codes, params)
            if curvature is not None:
                _add_part(parts, dsignals["slope"] * curvature)
        return parts

    def _codes(self, params, products, training, is_sparse, signals):
        """Codes of the products of samples, and a dict of the arrays to store."""
        (n_samples, n_components), dtype = products.shape, products.dtype
        stored = self._workspace(products.shape, dtype, signals)
        adapts = is_sparse and self._adapts
        if adapts and signals:
            # Signals contain all entries.
            adapts = is_sparse = False
        codes = None if is_sparse and not adapts else np.empty(products.shape, dtype=dtype)

        def finish(A, rows, as_entries):
            if "b" in params:
                A += params["b"]
            if stored:
                self._store(A, params, {name: array[rows] for name, array in stored.items()})
            entries = self._entries(A, params) if as_entries else self._activate(A, params)
            if "slope" in stored:
                stored["slope"][rows] = self._derive(np.ones_like(A), A, params)
            return entries

        def block(rows):
            n_rows = rows.stop - rows.start
            A = scratch((n_rows, n_components), dtype) if codes is None else codes[rows]
            products.fill(rows, A)
            found, n_found = [] if is_sparse else None, 0
            for strip in strips(rows, A[0].nbytes):
                stop = strip.stop - rows.start
                entries = finish(A[strip.start - rows.start : stop], strip, found is not None)
                if found is None:
                    continue
                found.append(entries)
                n_found += len(entries[0])
                # The decision is based on at least an eighth of the block, as single samples may be
                # dense.
                if adapts and n_found > DENSEST * max(stop, n_rows / 8) * n_components:
                    found = None
            return found

        size = rows_of_product(n_samples, n_components * dtype.itemsize)
        parts = map_row_blocks(block, n_samples, block_size=size)
        if is_sparse and all(found is not None for found in parts):
            codes = stack_csr(list(chain.from_iterable(parts)), n_components)
        return codes, stored

    def _row_encoder(self, params, dictionary, n_layers, n_rows):
        W = self._weights(params, dictionary)
        columns = dictionary._atoms_as_columns if self.tied else panels_to_keep(W.T, n_rows)

        def encode_rows(x, out):
            # Dense codes that are not kept are compressed before the next block.
            out = scratch((len(x), len(W)), W.dtype) if out is None else out
            codes = row_product(x, columns, out)
            self._activate_rows(codes, params)
            return codes

        return encode_rows

    def _activate_rows(self, products, params):
        """Turn products with the weights into codes, in place."""
        for strip in strips(slice(0, len(products)), products[0].nbytes):
            A = products[strip]
            if "b" in params:
                A += params["b"]
            self._activate(A, params)

    def _found_buffers(self, params, products, weight):
        """Buffers computed from products of samples and the weight of each sample."""
        return {}

    def _rows_a_block(self, n_rows, row_bytes):
        return rows_of_product(n_rows, row_bytes)

    def _workspace(self, shape, dtype, signals):
        """Empty arrays to store for a batch: the signals, and others that the gradients need."""
        return {name: np.empty(shape, dtype) for name in signals}

    def _store(self, A, params, stored):
        """Fill these arrays for a block of pre-activations."""
        if "pre" in stored:
            stored["pre"][:] = A

    def _calibrated(self, A, share):
        return {"b": -np.quantile(A, 1 - share, axis=0)}

    def _weights(self, params, dictionary):
        return dictionary.atoms if self.tied else params["W"]

    def _initial(self, dictionary, random_state):
        initial = {"b": np.full(dictionary.n_components, float(self.initial_bias))}
        return initial if self.tied else {"W": dictionary.atoms, **initial}

    def _shapes(self, dictionary):
        shapes = {"b": (dictionary.n_components,)}
        return shapes if self.tied else {"W": dictionary.atoms.shape, **shapes}

    def _activate(self, A, params):
        raise TypeError(f"{type(self).__name__} must define _activate.")

    def _entries(self, A, params):
        """Values, columns and row counts of the nonzero codes; may change `A`.

        `A` becomes the dense codes if the encoder adapts the format.
        """
        self._activate(A, params)
        return compress(A)

    def _derive(self, dcodes, codes, params):
        raise TypeError(f"{type(self).__name__} must define _derive.")

    def _curvature(self, codes, params):
        """Second derivative of the activation, from the codes; None is 0."""

    def _check_parameters(self):
        check_flag(self.tied, "tied")
        check_number(self.initial_bias, "initial_bias")

    def _n_layers(self, n_layers):
        return 1 if n_layers is None else check_integer(n_layers, "n_layers", high=1)


def _dense_buffer(grad, codes):
    """Memory for a dense gradient in the pre-activations, reused from an earlier one if it fits."""
    if sparse.issparse(codes):
        return None
    old = grad.products[0][0] if isinstance(grad, RowGradient) else None
    fits = isinstance(old, np.ndarray) and (old.shape, old.dtype) == (codes.shape, codes.dtype)
    return old if fits else np.empty_like(codes)


def _add_part(parts, gradient):
    """Add to a list of summands with at most one dense array, which is changed in place."""
    if sparse.issparse(gradient) or sparse.issparse(parts[0]):
        parts.append(gradient)
    else:
        parts[0] += gradient


def column_sums(dA):
    """Sums over the samples of a dense array or a CSR array, in its dtype."""
    if not sparse.issparse(dA):
        size = rows_of_product(len(dA), dA.strides[0])
        return sum(map_row_blocks(lambda rows: dA[rows].sum(axis=0), len(dA), block_size=size))
    sums = np.bincount(dA.indices, weights=dA.data, minlength=dA.shape[1])
    return sums.astype(dA.dtype)
