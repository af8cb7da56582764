"""Encoders that scale with the samples and can be calibrated to a number of active units."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sparsecode.encoders._parameter_kinds import cast, rescaled

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary


class ScalableEncoder:
    """Mix-in of encoders whose last step is an activation of products with weights.

    A subclass declares the units of its parameters in `parameter_kinds`. It defines
    ``_products(X, dictionary)``, which returns the last pre-activations without bias, and
    ``_calibrated(A, share)``, which returns parameters for which each unit is active on a share of
    these products.

    Attributes
    ----------
    homogeneous : bool
        Whether codes scale with the samples if the parameters are rescaled.
    """

    homogeneous: ClassVar[bool] = True

    @property
    def has_free_gain(self) -> bool:
        """Whether codes can be multiplied by a number for the same samples."""
        return self.homogeneous

    def scale_samples(
        self, dictionary: Dictionary, factor: float
    ) -> tuple[ScalableEncoder, Dictionary]:
        """Return encoder and dictionary for samples times a number; codes scale with it.

        Parameters
        ----------
        dictionary : Dictionary
            Dictionary that `params` encode with.
        factor : float
            Positive.

        Returns
        -------
        encoder : ScalableEncoder
        dictionary : Dictionary
            Dictionary with the same atoms and constraint.
        """
        if dictionary.offset is not None:
            offset = dictionary.offset.astype(np.float64) * factor
            dictionary = dictionary.replace(offset=offset)
        return self.bind(params_in_units(self, factor)), dictionary

    def calibrate(self, X: np.ndarray, dictionary: Dictionary, share: float) -> ScalableEncoder:
        """Return an encoder with each unit active on a share of the samples.

        Thresholds are set if there are any, and otherwise biases. If fewer samples activate a unit
        even without a threshold, all these samples activate it.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        dictionary : Dictionary
        share : float
            In (0, 1].

        Returns
        -------
        encoder : ScalableEncoder
        """
        changes = self._calibrated(self._products(X, dictionary), share)
        changes = {name: cast(values, self.params[name]) for name, values in changes.items()}
        return self.bind(self.params | changes)

    def match_gain(self, X: np.ndarray, dictionary: Dictionary) -> ScalableEncoder:
        """Return an encoder with codes scaled by one number, that of least reconstruction error.

        Many correlated active atoms together give a reconstruction that is far too large.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        dictionary : Dictionary

        Returns
        -------
        encoder : ScalableEncoder
            The same encoder, if codes cannot be scaled or are all zero.
        """
        if not self.has_free_gain:
            return self
        is_sparse = self.sparse_codes
        codes = self.forward(self.params, X, dictionary, training=True, sparse=is_sparse)[0]
        X_hat = codes @ dictionary.atoms
        gain, squared_norm = np.vdot(dictionary.center(X), X_hat), np.vdot(X_hat, X_hat)
        if gain <= 0 or squared_norm == 0:
            return self
        gain = gain / squared_norm
        return self.bind(rescaled(self.params, self.parameter_kinds, codes=gain))


def reads_atoms_in_units(encoder):
    """Whether the scaling of all parameters with samples and atoms is known."""
    kinds = encoder.parameter_kinds.values()
    return bool(kinds) and all(kind.atoms is not None for kind in kinds)


def params_in_units(encoder, samples, atoms=1.0):
    """Return parameters for scaled samples and atoms; codes scale with their quotient.

    Parameters
    ----------
    encoder : TrainableEncoder
        It must declare `parameter_kinds`. Unless it `reads_atoms_in_units`, atoms stay as they are.
    samples, atoms : float
    """
    if samples == atoms == 1:
        return encoder.params
    if not reads_atoms_in_units(encoder):
        atoms = 1.0
    return rescaled(encoder.params, encoder.parameter_kinds, samples=samples, atoms=atoms)
