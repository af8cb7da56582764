"""Encoders of samples with other features than the atoms, as in a transcoder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from sparsecode._factored_gradients import RowGradient
from sparsecode._messages import shown, wrong
from sparsecode._row_blocks import dense_rows
from sparsecode._validation import check_flag, check_integer, check_random_state, check_rows
from sparsecode.dictionary import Dictionary, as_dictionary, promote
from sparsecode.encoders._forward_cache import ForwardCache
from sparsecode.encoders._wrapping import Wrapping
from sparsecode.encoders.relu import ReLU
from sparsecode.encoders.trainable import TrainableEncoder


class InputTape(NamedTuple):
    """Samples, and the cache of the inner encoder."""

    x: np.ndarray
    inner: ForwardCache
    n_features: int


@dataclass(eq=False)
class InputEncoder(Wrapping, TrainableEncoder):
    """Encoder of a transcoder: its codes reconstruct targets, not the samples.

    The inner encoder gets a dictionary with the features of the samples and without an offset. It
    may not read the atoms of this dictionary, and starts at random directions instead. There may be
    a linear map (skip connection) of the samples, for a loss that uses the signal ``"skip"``,
    ``X @ params["skip"]``.

    Parameters
    ----------
    encoder : TrainableEncoder, default=ReLU()
    n_inputs : int, default=1
        Number of features of a sample.
    skip : bool, default=False
        Whether there is a linear map. It starts at 0.
    params : dict of str to ndarray or None, default=None
        Parameters of the encoder, and ``"skip"`` of shape (n_inputs, n_features) if there is one.
    """

    encoder: TrainableEncoder = field(default_factory=ReLU)
    n_inputs: int = 1
    skip: bool = False

    @property
    def signal_names(self) -> tuple[str, ...]:
        """Signals that `forward` can return for a loss."""
        names = self.encoder.signal_names
        return (*names, "skip") if self.skip else names

    def update_buffers(self, params, cache, n_before=None):
        """Set the `buffers` after a step of training, in place."""
        self.encoder.update_buffers(self._within(params), cache.kept.inner, n_before)

    def set_buffers(self, X, dictionary, sample_weight=None):
        """Return an encoder with `buffers` computed from samples."""
        within = self.encoder.bind(self._within(self.params))
        found = within.set_buffers(X, self._seen(as_dictionary(dictionary)), sample_weight)
        return self.bind({**self.params, **found.params})

    def is_ready(self, params):
        """Whether the `buffers` have been set."""
        return self.encoder.is_ready(self._within(params))

    def check_reads_samples(self, n_components):
        """Raise TypeError if the encoder needs atoms that have the features of its samples.

        Parameters
        ----------
        n_components : int
        """
        encoder, narrow = self.encoder, Dictionary.random(n_components, 1, random_state=0)
        params = encoder.init(narrow, random_state=0)
        codes, cache = encoder.forward(params, np.ones((1, 1)), narrow, training=True)
        grads = encoder.backward(np.ones_like(codes), cache, with_dictionary=True)
        if not params or "atoms" in grads:
            raise TypeError(
                wrong(
                    "encoder",
                    got=f"{shown(encoder)}, which reads the atoms",
                    expected="an encoder with weights of its own",
                    remedy="Use for example ReLU() or TopK(k=8), not tied.",
                )
            )

    @property
    def _name(self):
        return self.encoder._name

    def _inputs(self, X, rows, dictionary):
        return dense_rows(X, rows, dictionary.dtype)

    def _run_forward(self, params, x, dictionary, *, n_layers, training, sparse, signals):
        computed = ("skip",) if self.skip else ()
        codes, cache = self.encoder.forward(
            self._within(params),
            x,
            self._seen(dictionary),
            n_layers=n_layers,
            training=training,
            sparse=sparse,
            signals=tuple(name for name in signals if name not in computed),
        )
        found = dict(cache.signals)
        if self.skip and "skip" in signals:
            found["skip"] = x @ params["skip"]
        return codes, InputTape(x, cache, dictionary.n_features), found

    def _run_backward(self, dcodes, cache, *, with_dictionary, out, dsignals):
        # The dictionary is not read: it has no gradient.
        dsignals, tape = dict(dsignals), cache.kept
        dskip = dsignals.pop("skip", None) if self.skip else None
        out = None if out is None else self._within(out)
        grads = dict(self.encoder.backward(dcodes, tape.inner, out=out, dsignals=dsignals))
        if self.skip:
            if dskip is None:
                dskip = np.zeros((len(tape.x), tape.n_features), dtype=tape.x.dtype)
            grads["skip"] = RowGradient((tape.x, dskip))
        return grads

    def _row_encoder(self, params, dictionary, n_layers, n_rows):
        return self.encoder._row_encoder(
            self._within(params), self._seen(dictionary), n_layers, n_rows
        )

    def _rows_a_block(self, n_rows, row_bytes):
        return self.encoder._rows_a_block(n_rows, row_bytes)

    def _initial(self, dictionary, random_state):
        rng = check_random_state(random_state)
        directions = Dictionary.random(
            dictionary.n_components, self.n_inputs, random_state=rng, dtype=dictionary.dtype
        )
        initial = self.encoder.init(directions, random_state=rng)
        if self.skip:
            initial["skip"] = np.zeros(self._skip_shape(dictionary))
        return initial

    def _shapes(self, dictionary):
        shapes = self.encoder._shapes(self._seen(dictionary))
        return {**shapes, "skip": self._skip_shape(dictionary)} if self.skip else shapes

    def _check_call(self, params, X, dictionary, n_layers):
        self._check_parameters()
        dictionary = as_dictionary(dictionary)
        X = check_rows(X, "X", n_columns=self.n_inputs)
        dictionary = promote(dictionary, X)
        params = self._check_params(params, dictionary)
        return X, dictionary, params, self.encoder._n_layers(n_layers)

    def _check_parameters(self):
        check_integer(self.n_inputs, "n_inputs")
        check_flag(self.skip, "skip")
        self.encoder._check_parameters()

    def _skip_shape(self, dictionary):
        return self.n_inputs, dictionary.n_features

    def _within(self, params):
        """Parameters of the inner encoder, the same arrays."""
        return {name: param for name, param in params.items() if name != "skip" or not self.skip}

    def _seen(self, dictionary):
        """Dictionary for the inner encoder, with atoms of NaN, which show if they are read."""
        shape = dictionary.n_components, self.n_inputs
        return Dictionary.view(np.broadcast_to(np.array(np.nan, dtype=dictionary.dtype), shape))
