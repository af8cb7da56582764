"""Encoders whose weights can take up what is done to the samples before them."""

from __future__ import annotations

import copy
from typing import ClassVar

import numpy as np

from sparsecode.constraints import Free
from sparsecode.dictionary import Dictionary
from sparsecode.encoders._scaling import ScalableEncoder, cast


class FoldableEncoder(ScalableEncoder):
    """Part of the encoders that see a sample only through ``(x - offset) @ W.T``.

    Parameters that are added to these products, or compared with them, are told by their names, so
    that a subclass with more of them only names these.
    """

    # In the units of the products, and logarithms of such.
    _in_units: ClassVar[tuple[str, ...]] = ("b", "b_gate", "b_mag", "threshold")
    _logarithms: ClassVar[tuple[str, ...]] = ("log_threshold",)

    def untie(self, dictionary):
        """Return an encoder that gives the same codes with a `W` of its own.

        Parameters
        ----------
        dictionary : Dictionary
            With which `params` encode.

        Returns
        -------
        encoder : FoldableEncoder
            This one, if it is not tied.
        """
        if not self.tied:
            return self
        untied = copy.copy(self)
        untied.tied = False
        return untied.bind({"W": dictionary.atoms.copy(), **self.params})

    def move_offset(self, dictionary, offset):
        """Return an encoder that gives the same codes with a dictionary of another offset.

        Parameters
        ----------
        dictionary : Dictionary
            With which `params` encode.
        offset : ndarray of shape (n_features,)
            That of the other dictionary, whose atoms count only for a tied encoder.

        Returns
        -------
        encoder : FoldableEncoder
        """
        old = 0 if dictionary.offset is None else dictionary.offset.astype(np.float64)
        params = dict(self.params)
        W = self._weights(params, dictionary)
        # (x - old) @ W.T == (x - new) @ W.T + (new - old) @ W.T
        shift = W @ (np.asarray(offset, dtype=np.float64) - old)
        for name in ("b", "b_gate"):
            if name in params:
                params[name] = cast(params[name] + shift, params[name])
        if "b_mag" in params:
            gain = np.exp(params["r_mag"].astype(np.float64))
            params["b_mag"] = cast(params["b_mag"] + gain * shift, params["b_mag"])
        return self.bind(params)

    def fold_inputs(self, dictionary, mean, scale, *, scale_codes=False):
        """Encoder and dictionary for samples before ``x -> (x - mean) / scale``.

        Parameters
        ----------
        dictionary : Dictionary
            With which `params` encode the samples after it.
        mean : ndarray of shape (n_features,) or None
        scale : float or ndarray of shape (n_features,)
            Positive.
        scale_codes : bool, default=False
            Whether codes are multiplied by `scale`, a number, instead of the atoms: these keep
            their norms, and their constraint. It needs a homogeneous activation.

        Returns
        -------
        encoder : FoldableEncoder
        dictionary : Dictionary
        """
        scale = np.asarray(scale, dtype=np.float64)
        offset = None
        if dictionary.offset is not None or mean is not None:
            old = 0 if dictionary.offset is None else dictionary.offset.astype(np.float64)
            new = (0 if mean is None else np.asarray(mean, dtype=np.float64)) + scale * old
            offset = np.broadcast_to(new, (dictionary.n_features,))
        if scale_codes:
            return self.bind(self._scaled_biases(float(scale))), dictionary.replace(offset=offset)
        encoder = self.untie(dictionary)
        W = encoder.params["W"]
        # The same rounded number in both, so that its rounding cancels.
        factor = scale.astype(W.dtype)
        encoder = encoder.bind(encoder.params | {"W": W / factor})
        if (scale == 1).all():
            return encoder, dictionary.replace(offset=offset)
        return encoder, Dictionary(dictionary.atoms * factor, offset, Free())

    def _products(self, X, dictionary):
        return dictionary.center(X) @ self._weights(self.params, dictionary).T

    def _training_codes(self, X, dictionary):
        return self.forward(self.params, X, dictionary, training=True, sparse=self.sparse_codes)[0]

    def _multiplied(self, gain):
        if self.tied or not self.homogeneous:
            return None
        params = self._scaled_biases(gain)
        return params | {"W": cast(params["W"] * gain, params["W"])}

    def _scaled_biases(self, factor):
        """Parameters that give `factor` times the codes for as many times the samples."""
        params = dict(self.params)
        for name in self._in_units:
            if name in params:
                params[name] = cast(params[name] * np.float64(factor), params[name])
        for name in self._logarithms:
            if name in params:
                params[name] = cast(params[name] + np.log(factor), params[name])
        return params
