"""Encoders of autoencoders: an affine map and an activation, forward and backward, on threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import ClassVar, NamedTuple

import numpy as np
from scipy import sparse

from sparsecode._blas import single_threaded_blas
from sparsecode._factored_gradients import RowGradient, scaled_rows
from sparsecode._parallel import (
    map_row_blocks,
    rows_of_product,
    scratch,
    strips,
)
from sparsecode._row_blocks import compress, dense_rows, stack_csr
from sparsecode._validation import check_flag, check_integer, check_number, wrong
from sparsecode.dictionary import Dictionary
from sparsecode.encoders._folding import FoldableEncoder
from sparsecode.encoders.base import TrainableEncoder

# What encoders with an activation of each entry alone can tell a loss.
SLOPE_SIGNALS = ("pre", "slope", "squared_norms")


# Share of nonzero entries, of a block of samples, above which training uses dense codes: then
# they are faster.
DENSEST = 1 / 6


class LinearCache(NamedTuple):
    """What `backward` needs: centred samples, codes, and what they were computed with.

    `signals` are those that a loss asked for, and what else the encoder keeps.
    """

    x: np.ndarray
    codes: np.ndarray
    params: dict
    dictionary: Dictionary
    signals: dict


@dataclass(eq=False)
class LinearEncoder(FoldableEncoder, TrainableEncoder):
    """Base of the encoders ``activation((x - offset) @ W.T + b)`` of autoencoders.

    A subclass defines ``_activate(A, params)``, which turns a block of pre-activations into codes
    in place, row by row, and ``_derive(dcodes, codes, params)``, the gradient in the
    pre-activations, on dense blocks and, where `sparse_codes`, on the nonzero entries. One whose
    activation is a function of each entry alone can offer its slopes as signals, `SLOPE_SIGNALS`;
    unless it is piecewise linear, it then defines ``_bend(codes, params)``, the second derivative.
    What else `backward` needs is given room by ``_room`` and filled, before the activation, by
    ``_keep``.

    Parameters
    ----------
    tied : bool, default=False
        Whether `W` is the atoms of the dictionary, instead of a parameter.
    initial_bias : float, default=0.0
        What `b` is at the start; a positive one lets rectified units begin active.

    Attributes
    ----------
    sparse_codes : bool
        Whether training should use codes as a CSR array where few are nonzero; a code of 0 must
        then have no part in any gradient, and those of the others must not depend on it.
    signal_names : tuple of str
        What `forward` can keep for a loss: ``"pre"``, the pre-activations, and
        ``"squared_norms"``, those of the rows of `W`; some also ``"slope"``, the derivative of the
        activation there.
    homogeneous : bool
        Whether ``activation(c * A) = c * activation(A)`` for every positive number `c`.
    bounds : tuple of two floats
        Between which the codes are, whatever the parameters.
    """

    tied: bool = field(default=False, kw_only=True)
    initial_bias: float = field(default=0.0, kw_only=True)

    sparse_codes: ClassVar[bool] = False
    homogeneous: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)
    signal_names: ClassVar[tuple[str, ...]] = ("pre", "squared_norms")
    # Whether `sparse` gives dense codes where too many are not 0.
    _adapts: ClassVar[bool] = False
    # Signals that are the pre-activations plus what does not depend on the sample.
    _shifted: ClassVar[tuple[str, ...]] = ("pre",)

    def forward(
        self, params, X, dictionary, *, n_layers=None, training=False, sparse=False, signals=()
    ):
        """Codes of a batch, and what `backward` needs.

        Parameters
        ----------
        params : dict of str to ndarray
        X : array-like or sparse matrix of shape (n_samples, n_features)
        dictionary : Dictionary or array-like of shape (n_components, n_features)
        n_layers : 1 or None, default=None
            There is one layer.
        training : bool, default=False
            Whether these are the codes to train with, where an encoder has others: those of an
            activation that sees the whole batch.
        sparse : bool, default=False
            Whether the codes are a CSR array; their gradients are then, too. Only for encoders with
            `sparse_codes`; one that does not set the number of nonzeros gives a dense array where
            more than about a sixth are not 0, or where signals of all entries are wanted.
        signals : tuple of str, default=()
            What to keep for a loss, of `signal_names`.

        Returns
        -------
        codes : ndarray or csr_array of shape (n_samples, n_components)
            float32 only if `X` and the dictionary both are.
        cache : LinearCache
            Its `signals` hold those that were asked for.

        Raises
        ------
        ValueError
            If shapes do not fit, there is no such signal, or codes cannot be sparse in training.
        """
        if sparse and not self.sparse_codes:
            raise ValueError(
                f"sparse is True but gradients of {type(self).__name__} are not those of nonzero "
                "codes alone; expected False. Use encode(sparse_output=True) for a CSR array."
            )
        unknown = [name for name in signals if name not in self.signal_names]
        if unknown:
            raise ValueError(
                wrong(
                    f"signal of {type(self).__name__}",
                    got=repr(unknown[0]),
                    expected=f"one of {self.signal_names}",
                    remedy="Use a loss for this encoder, or an encoder that computes it.",
                )
            )
        X, dictionary, params, _ = self._check_call(params, X, dictionary, n_layers)
        if not training:
            self._check_ready(params)
        x = dictionary.center(dense_rows(X, slice(0, X.shape[0]), dictionary.dtype))
        # Those that are not of entries need no dense codes.
        of_entries = tuple(name for name in signals if name != "squared_norms")
        codes, kept = self._codes(params, x, dictionary, training, sparse, of_entries)
        if "squared_norms" in signals:
            W = self._weights(params, dictionary)
            kept["squared_norms"] = np.einsum("ij,ij->i", W, W)
        return codes, LinearCache(x, codes, params, dictionary, kept)

    def backward(self, dcodes, cache, *, with_dictionary=False, out=None, dsignals=None):
        """Gradients of a loss in the parameters.

        Parameters
        ----------
        dcodes : ndarray or csr_array of shape (n_samples, n_components)
            Gradient of the loss in the codes; CSR with the entries of the codes where these are.
        cache : LinearCache
            From `forward`.
        with_dictionary : bool, default=False
            Whether to add the gradients in ``"offset"`` and, if `tied`, ``"atoms"``.
        out : dict of str to ndarray or RowGradient, or None, default=None
            Gradients of an earlier call, whose memory is used again.
        dsignals : dict of str to ndarray or csr_array, or None, default=None
            Gradients in the signals.

        Returns
        -------
        grads : dict of str to ndarray or RowGradient
        """
        if dcodes.shape != cache.codes.shape:
            raise ValueError(
                wrong(
                    "dcodes",
                    got=f"shape {dcodes.shape}",
                    expected=f"shape {cache.codes.shape}, that of the codes",
                    remedy="Give the gradient of the loss in the codes of this batch.",
                )
            )
        grads = {}
        matrix = "atoms" if self.tied else "W"
        room = _room_in((out or {}).get(matrix), cache.codes)
        parts = self._pre_gradients(dcodes, cache, dsignals or {}, grads, room)
        total = sum(map(_column_sums, parts))
        if "b" in cache.params:
            grads["b"] = total
        W = self._weights(cache.params, cache.dictionary)
        if not self.tied or with_dictionary:
            grad = RowGradient(*((dA, cache.x) for dA in parts))
            if dsignals and "squared_norms" in dsignals:
                grad += scaled_rows(2 * dsignals["squared_norms"], W)
            grads[matrix] = grad
        if with_dictionary and cache.dictionary.offset is not None:
            # The threads of BLAS would go on spinning, in the way of those of the next blocks.
            with single_threaded_blas():
                grads["offset"] = -(total @ W)
        return grads

    def _pre_gradients(self, dcodes, cache, dsignals, grads, room):
        """Gradients in the pre-activations, dense or sparse, whose sum is the whole.

        Dense ones go into `room`, gradients of other parameters than `W` and `b` into `grads`.
        """
        codes, params = cache.codes, cache.params
        if sparse.issparse(dcodes):
            entries = self._derive(dcodes.data, codes.data, params)
            parts = [sparse.csr_array((entries, codes.indices, codes.indptr), shape=codes.shape)]
        else:

            def block(rows):
                for strip in strips(rows, room[0].nbytes):
                    room[strip] = self._derive(dcodes[strip], codes[strip], params)

            size = rows_of_product(len(codes), room.strides[0])
            map_row_blocks(block, len(codes), block_size=size)
            parts = [room]
        for name in self._shifted:
            if name in dsignals:
                _add_part(parts, dsignals[name])
        if "slope" in dsignals:
            bend = self._bend(codes, params)
            if bend is not None:
                _add_part(parts, dsignals["slope"] * bend)
        return parts

    def _codes(self, params, x, dictionary, training, is_sparse, signals):
        """Codes of centred samples, and the signals that are kept."""
        W = self._weights(params, dictionary)
        shape = len(x), dictionary.n_components
        kept = self._room(shape, W.dtype, signals)
        adapts = is_sparse and self._adapts
        if adapts and signals:
            # These are of all entries.
            adapts = is_sparse = False
        codes = None if is_sparse and not adapts else np.empty(shape, dtype=W.dtype)

        def finish(A, rows, wanted):
            if "b" in params:
                A += params["b"]
            if kept:
                self._keep(A, params, {name: array[rows] for name, array in kept.items()})
            entries = self._entries(A, params) if wanted else self._activate(A, params)
            if "slope" in kept:
                kept["slope"][rows] = self._derive(np.ones_like(A), A, params)
            return entries

        def block(rows):
            n_rows = rows.stop - rows.start
            out = scratch((n_rows, shape[1]), W.dtype) if codes is None else codes[rows]
            A, found, n_found = np.matmul(x[rows], W.T, out=out), [] if is_sparse else None, 0
            for strip in strips(rows, A[0].nbytes):
                stop = strip.stop - rows.start
                entries = finish(A[strip.start - rows.start : stop], strip, found is not None)
                if found is None:
                    continue
                found.append(entries)
                n_found += len(entries[0])
                # Judged by an eighth of the block at least, as single samples may be dense.
                if adapts and n_found > DENSEST * max(stop, n_rows / 8) * shape[1]:
                    found = None
            return found

        size = rows_of_product(len(x), shape[1] * W.itemsize)
        parts = map_row_blocks(block, len(x), block_size=size)
        if is_sparse and all(found is not None for found in parts):
            codes = stack_csr(list(chain.from_iterable(parts)), shape[1])
        return codes, kept

    def _row_encoder(self, params, dictionary, n_layers, n_rows):
        W = self._weights(params, dictionary)

        def encode_rows(x, out):
            # Codes that nobody keeps are compressed before the next block.
            out = scratch((len(x), len(W)), W.dtype) if out is None else out
            codes = np.matmul(x, W.T, out=out)
            for strip in strips(slice(0, len(codes)), codes[0].nbytes):
                A = codes[strip]
                if "b" in params:
                    A += params["b"]
                self._activate(A, params)
            return codes

        return encode_rows

    def _rows_a_block(self, n_rows, row_bytes):
        return rows_of_product(n_rows, row_bytes)

    def _room(self, shape, dtype, signals):
        """Arrays for what is kept of a batch: the signals, and what `backward` needs besides."""
        return {name: np.empty(shape, dtype) for name in signals}

    def _keep(self, A, params, kept):
        """Fill a block of them."""
        if "pre" in kept:
            kept["pre"][:] = A

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
        """Values, columns, and number of each row, of the nonzero codes; may change `A`.

        It becomes the codes where the encoder adapts.
        """
        self._activate(A, params)
        return compress(A)

    def _derive(self, dcodes, codes, params):
        raise TypeError(f"{type(self).__name__} must define _derive.")

    def _bend(self, codes, params):
        """Second derivative of the activation, from the codes; None is 0."""

    def _check_parameters(self):
        check_flag(self.tied, "tied")
        check_number(self.initial_bias, "initial_bias")

    def _n_layers(self, n_layers):
        return 1 if n_layers is None else check_integer(n_layers, "n_layers", high=1)


def _room_in(grad, codes):
    """Memory for a dense gradient in the pre-activations: that of an earlier one, if it fits."""
    if sparse.issparse(codes):
        return None
    room = grad.products[0][0] if isinstance(grad, RowGradient) else None
    fits = isinstance(room, np.ndarray) and (room.shape, room.dtype) == (codes.shape, codes.dtype)
    return room if fits else np.empty_like(codes)


def _add_part(parts, gradient):
    """Add to a list of summands, of which one at most is dense; its first is written to."""
    if sparse.issparse(gradient) or sparse.issparse(parts[0]):
        parts.append(gradient)
    else:
        parts[0] += gradient


def _column_sums(dA):
    if not sparse.issparse(dA):
        size = rows_of_product(len(dA), dA.strides[0])
        return sum(map_row_blocks(lambda rows: dA[rows].sum(axis=0), len(dA), block_size=size))
    sums = np.bincount(dA.indices, weights=dA.data, minlength=dA.shape[1])
    return sums.astype(dA.dtype)
