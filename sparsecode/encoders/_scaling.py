"""Encoders that scale with the samples, and can start with a given number of active units."""

from __future__ import annotations

from typing import ClassVar

import numpy as np


class ScalableEncoder:
    """Part of the encoders whose last step is an activation of products with weights.

    A subclass defines ``_products(X, dictionary)``, what the last bias is added to;
    ``_scaled_biases(factor)``, the parameters that fit samples times a number; and
    ``_multiplied(gain)``, those that multiply all codes by a number, or None if none do.

    Attributes
    ----------
    homogeneous : bool
        Whether codes are multiplied by the number that samples are, with `_scaled_biases`.
    """

    homogeneous: ClassVar[bool] = True

    # The first of these that an encoder has decides which of its units are active.
    _decisive: ClassVar[tuple[str, ...]] = ("log_threshold", "theta", "b_gate", "b")

    def scale_samples(self, dictionary, factor):
        """Encoder and dictionary for samples times a number, with codes times it.

        Parameters
        ----------
        dictionary : Dictionary
            With which `params` encode.
        factor : float
            Positive.

        Returns
        -------
        encoder : ScalableEncoder
        dictionary : Dictionary
            With the same atoms, and their constraint.
        """
        if dictionary.offset is not None:
            offset = dictionary.offset.astype(np.float64) * factor
            dictionary = dictionary.replace(offset=offset)
        return self.bind(self._scaled_biases(factor)), dictionary

    def calibrate(self, X, dictionary, share):
        """Return an encoder of which each unit is active on a share of the samples.

        Thresholds are set, or else biases; where even without a threshold fewer are active, all
        of these are.

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
        A, params = self._products(X, dictionary), dict(self.params)
        name = next(name for name in self._decisive if name in params)
        if name == "log_threshold":
            limits = np.quantile(A + params["b"], 1 - share, axis=0)
            values = np.log(np.maximum(limits, np.exp(params[name].min())))
        elif name == "theta":
            values = np.quantile(np.abs(A), 1 - share, axis=0)
        else:
            values = -np.quantile(A, 1 - share, axis=0)
        params[name] = cast(values, params[name])
        return self.bind(params)

    def match_gain(self, X, dictionary):
        """Return an encoder whose codes are all multiplied by the number of least error.

        Correlated atoms, as many as are active, together give far more than the sample.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        dictionary : Dictionary

        Returns
        -------
        encoder : ScalableEncoder
            This one, if its codes cannot be multiplied, or reconstruct nothing.
        """
        if self._multiplied(1.0) is None:
            return self
        X_hat = self._training_codes(X, dictionary) @ dictionary.atoms
        gain, energy = np.vdot(dictionary.center(X), X_hat), np.vdot(X_hat, X_hat)
        if gain <= 0 or energy == 0:
            return self
        return self.bind(self._multiplied(gain / energy))

    def _training_codes(self, X, dictionary):
        return self.forward(self.params, X, dictionary)[0]


def reads_atoms_in_units(encoder):
    """Whether it is known how all parameters of an encoder scale with samples and atoms."""
    return bool(getattr(encoder, "_units", ()))


def params_in_units(encoder, samples, atoms=1.0):
    """Parameters for samples and atoms times a number each, with codes times their quotient.

    Parameters
    ----------
    encoder : TrainableEncoder
        One that `reads_atoms_in_units`, or is a `ScalableEncoder`; then atoms stay as they are.
    samples, atoms : float
    """
    if samples == atoms == 1:
        return encoder.params
    if not reads_atoms_in_units(encoder):
        return encoder._scaled_biases(samples)
    powers = encoder._units
    return {
        name: cast(
            array * (np.float64(samples) ** powers[name][0] * np.float64(atoms) ** powers[name][1]),
            array,
        )
        for name, array in encoder.params.items()
    }


def cast(values, like):
    """Values in the dtype of a parameter."""
    return np.asarray(values, dtype=np.asarray(like).dtype)
