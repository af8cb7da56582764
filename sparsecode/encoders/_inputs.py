"""Encoders that read other features than those of the atoms, as in a transcoder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from sparsecode._factored_gradients import RowGradient
from sparsecode._row_blocks import dense_rows
from sparsecode._validation import check_flag, check_integer, check_random_state, check_rows, wrong
from sparsecode.dictionary import Dictionary, as_dictionary, promote
from sparsecode.encoders.base import TrainableEncoder
from sparsecode.encoders.relu import ReLU


class InputCache(NamedTuple):
    """What `backward` needs: samples, and the cache of the encoder that read them."""

    x: np.ndarray
    inner: object
    n_features: int
    signals: dict


@dataclass(eq=False)
class InputEncoder(TrainableEncoder):
    """An encoder of samples that are not what its codes reconstruct.

    To the encoder within, the dictionary is one of atoms with the features of the samples and
    without an offset, whose atoms it may not read: it starts at random directions instead. A linear
    map of the samples that bypasses the codes may go with it, for a loss that reads the signal
    ``"skip"``, ``X @ params["skip"]``.

    Parameters
    ----------
    encoder : TrainableEncoder, default=ReLU()
    n_inputs : int, default=1
        Features of a sample.
    skip : bool, default=False
        Whether there is a linear map. It starts at 0.
    params : dict of str to ndarray or None, default=None
        Those of the encoder, and ``"skip"`` of shape (n_inputs, n_features) if there is one.
    """

    encoder: TrainableEncoder = field(default_factory=ReLU)
    n_inputs: int = 1
    skip: bool = False

    @property
    def signal_names(self):
        """What `forward` can keep for a loss."""
        names = self._ability("signal_names", ())
        return (*names, "skip") if self.skip else names

    @property
    def is_sparse(self):
        """Whether codes are sparse whatever the loss is."""
        return self._ability("is_sparse", False)

    @property
    def sparse_codes(self):
        """Whether `forward` takes ``sparse=True``."""
        return self._ability("sparse_codes", False)

    @property
    def depends_on_batch(self):
        """Whether `forward` takes ``training=True``."""
        return self._ability("depends_on_batch", False)

    @property
    def buffers(self):
        """Parameters that `update_buffers` sets."""
        return self._ability("buffers", ())

    @property
    def straight_through(self):
        """Parameters whose gradient is a straight-through estimate."""
        return self._ability("straight_through", ())

    @property
    def bounds(self):
        """What every code is between."""
        return self._ability("bounds", (-np.inf, np.inf))

    def update_buffers(self, params, cache, n_before=None):
        """Set the `buffers` after a step of training, in place."""
        self.encoder.update_buffers(self._within(params), cache.inner, n_before)

    def set_buffers(self, X, dictionary, sample_weight=None):
        """Return an encoder with `buffers` computed from samples."""
        within = self.encoder.bind(self._within(self.params))
        found = within.set_buffers(X, self._seen(as_dictionary(dictionary)), sample_weight)
        return self.bind({**self.params, **found.params})

    def is_ready(self, params):
        """Whether the `buffers` have been set."""
        return self.encoder.is_ready(self._within(params))

    def forward(
        self, params, X, dictionary, *, n_layers=None, training=False, sparse=False, signals=()
    ):
        """Codes of a batch, and what `backward` needs; see `LinearEncoder.forward`.

        Parameters
        ----------
        params : dict of str to ndarray
        X : array-like or sparse matrix of shape (n_samples, n_inputs)
        dictionary : Dictionary or array-like of shape (n_components, n_features)
        n_layers : int or None, default=None
        training, sparse : bool, default=False
        signals : tuple of str, default=()
            For an encoder that takes these.

        Returns
        -------
        codes : ndarray or csr_array of shape (n_samples, n_components)
        cache : InputCache
        """
        X, dictionary, params, n_layers = self._check_call(params, X, dictionary, n_layers)
        x = dense_rows(X, slice(0, X.shape[0]), dictionary.dtype)
        inner = tuple(name for name in signals if name != "skip" or not self.skip)
        given = {"training": training, "sparse": sparse, "signals": inner}
        # Not every encoder takes all of these.
        options = {name: value for name, value in given.items() if value}
        if n_layers is not None:
            options["n_layers"] = n_layers
        codes, cache = self.encoder.forward(
            self._within(params), x, self._seen(dictionary), **options
        )
        kept = dict(getattr(cache, "signals", {})) if inner else {}
        if self.skip and "skip" in signals:
            kept["skip"] = x @ params["skip"]
        return codes, InputCache(x, cache, dictionary.n_features, kept)

    def backward(self, dcodes, cache, *, with_dictionary=False, out=None, dsignals=None):
        """Gradients of a loss in the parameters; the dictionary is not read.

        Parameters
        ----------
        dcodes : ndarray or csr_array of shape (n_samples, n_components)
        cache : InputCache
        with_dictionary : bool, default=False
            Has no influence.
        out : dict of str to ndarray or None, default=None
            Gradients of an earlier call, whose memory is used again.
        dsignals : dict of str to ndarray or csr_array, or None, default=None

        Returns
        -------
        grads : dict of str to ndarray or RowGradient
        """
        dsignals = dict(dsignals or {})
        dskip = dsignals.pop("skip", None) if self.skip else None
        options = {"dsignals": dsignals} if dsignals else {}
        out = None if out is None else self._within(out)
        grads = dict(self.encoder.backward(dcodes, cache.inner, out=out, **options))
        if self.skip:
            if dskip is None:
                dskip = np.zeros((len(cache.x), cache.n_features), dtype=cache.x.dtype)
            grads["skip"] = RowGradient((cache.x, dskip))
        return grads

    def encode(
        self,
        X,
        dictionary,
        *,
        codes=None,
        missing=False,
        n_layers=None,
        sparse_output=False,
        n_jobs=None,
    ):
        """Code every row of `X` with `params`; see `TrainableEncoder.encode`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_inputs)
        dictionary : Dictionary or array-like of shape (n_components, n_features)
        codes : None
        missing : False
        n_layers : int or None, default=None
        sparse_output : bool, default=False
        n_jobs : int or None, default=None

        Returns
        -------
        codes : ndarray or csr_array of shape (n_samples, n_components)
        """
        dictionary = as_dictionary(dictionary)
        params = self.init(dictionary, random_state=0) if self.params is None else self.params
        X, dictionary, params, n_layers = self._check_call(params, X, dictionary, n_layers)
        options = {} if n_layers is None else {"n_layers": n_layers}
        return self.encoder.bind(self._within(params)).encode(
            X,
            self._seen(dictionary),
            codes=codes,
            missing=missing,
            sparse_output=sparse_output,
            n_jobs=n_jobs,
            **options,
        )

    def check_reads_samples(self, n_components):
        """Raise TypeError if the encoder needs atoms that have the features of its samples.

        Parameters
        ----------
        n_components : int
        """
        encoder, narrow = self.encoder, Dictionary.random(n_components, 1, random_state=0)
        params = encoder.init(narrow, random_state=0)
        options = {"training": True} if self.depends_on_batch else {}
        codes, cache = encoder.forward(params, np.ones((1, 1)), narrow, **options)
        grads = encoder.backward(np.ones_like(codes), cache, with_dictionary=True)
        if not params or "atoms" in grads:
            raise TypeError(
                wrong(
                    "encoder",
                    got=f"{encoder!r}, which reads the atoms",
                    expected="one that reads its samples with weights of its own",
                    remedy="Use for example ReLU() or TopK(k=8), not tied.",
                )
            )

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
        return X, dictionary, self._check_params(params, dictionary), n_layers

    def _check_parameters(self):
        check_integer(self.n_inputs, "n_inputs")
        check_flag(self.skip, "skip")
        self.encoder._check_parameters()

    def _skip_shape(self, dictionary):
        return self.n_inputs, dictionary.n_features

    def _ability(self, name, default):
        return getattr(self.encoder, name, default)

    def _within(self, params):
        """The parameters of the encoder, the same arrays."""
        return {name: param for name, param in params.items() if name != "skip" or not self.skip}

    def _seen(self, dictionary):
        """What the encoder takes for the dictionary; reading its atoms would show in the codes."""
        shape = dictionary.n_components, self.n_inputs
        return Dictionary.view(np.broadcast_to(np.array(np.nan, dtype=dictionary.dtype), shape))
