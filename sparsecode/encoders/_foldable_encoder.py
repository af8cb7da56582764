"""Encoders into which a standardisation of the samples can be folded."""

from __future__ import annotations

import copy

import numpy as np

from sparsecode._row_products import row_product
from sparsecode.constraints import Free
from sparsecode.dictionary import Dictionary
from sparsecode.encoders._parameter_kinds import in_float64, with_products_plus
from sparsecode.encoders._scalable_encoder import ScalableEncoder, params_in_units


class FoldableEncoder(ScalableEncoder):
    """Mix-in of encoders that depend on a sample only through ``(x - offset) @ W.T``.

    `parameter_kinds` declares the parameters that are added to these products or compared with
    them.
    """

    @property
    def has_free_gain(self) -> bool:
        """Whether codes can be multiplied by a number, which is not possible for a tied encoder."""
        return self.homogeneous and not self.tied

    def untie(self, dictionary: Dictionary) -> FoldableEncoder:
        """Return an untied encoder with the same codes, in which `W` is a parameter.

        Parameters
        ----------
        dictionary : Dictionary
            Dictionary that `params` encode with.

        Returns
        -------
        encoder : FoldableEncoder
            The same encoder if it is not tied.
        """
        if not self.tied:
            return self
        untied = copy.copy(self)
        untied.tied = False
        return untied.bind({"W": dictionary.atoms.copy(), **self.params})

    def move_offset(self, dictionary: Dictionary, offset: np.ndarray) -> FoldableEncoder:
        """Return an encoder with the same codes for a dictionary with another offset.

        Parameters
        ----------
        dictionary : Dictionary
            Dictionary that `params` encode with.
        offset : ndarray of shape (n_features,)
            Offset of the other dictionary, whose atoms matter for a tied encoder only.

        Returns
        -------
        encoder : FoldableEncoder
        """
        old = 0 if dictionary.offset is None else dictionary.offset.astype(np.float64)
        # (x - old) @ W.T == (x - new) @ W.T + (new - old) @ W.T
        difference = np.asarray(offset, dtype=np.float64) - old
        W = self._weights(self.params, dictionary)
        shift = in_float64(W, lambda rows: rows @ difference)
        return self.bind(with_products_plus(self.params, self.parameter_kinds, shift))

    def fold_inputs(
        self,
        dictionary: Dictionary,
        mean: np.ndarray | None,
        scale: float | np.ndarray,
        *,
        scale_codes: bool = False,
    ) -> tuple[FoldableEncoder, Dictionary]:
        """Return encoder and dictionary for samples before ``x -> (x - mean) / scale``.

        Parameters
        ----------
        dictionary : Dictionary
            Dictionary of the encoder, for standardised samples.
        mean : ndarray of shape (n_features,) or None
        scale : float or ndarray of shape (n_features,)
            Positive.
        scale_codes : bool, default=False
            Whether to multiply codes by `scale`, a number, instead of the atoms, which then keep
            their norms and their constraint. The activation must be homogeneous.

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
            return self.bind(params_in_units(self, float(scale))), dictionary.replace(offset=offset)
        encoder = self.untie(dictionary)
        W = encoder.params["W"]
        # The same rounded number in both, so that its rounding cancels.
        factor = scale.astype(W.dtype)
        encoder = encoder.bind(encoder.params | {"W": W / factor})
        if (scale == 1).all():
            return encoder, dictionary.replace(offset=offset)
        return encoder, Dictionary(dictionary.atoms * factor, offset, Free())

    def _products(self, X, dictionary):
        return row_product(dictionary.center(X), self._weights(self.params, dictionary).T)
