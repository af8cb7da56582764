"""Denoiser of a signal: learns a dictionary of its patches, codes them, averages overlaps."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaincinv

from sparsecode._messages import wrong
from sparsecode._validation import check_integer, check_number
from sparsecode.applications._noise_levels import check_sigma
from sparsecode.applications._patch_dictionary import patch_dictionary
from sparsecode.applications._patchwise import PatchCoder, restored_slabs, without_means
from sparsecode.applications._signal import LARGEST_SCALE
from sparsecode.encoders import Exact
from sparsecode.learning import alternate
from sparsecode.penalties import KSparse
from sparsecode.updates import ApproximateKSVD
from sparsecode.updates.base import resolve_update

# Share of patches of pure noise whose norm is below the target: a gain of 1.15 for 64 values.
_QUANTILE = 0.957


class Denoiser:
    """Denoising of a signal, each step with checked parameters.

    Where channels have different noise, patches are coded with each channel divided by its own,
    relative to the mean square of all.

    Parameters
    ----------
    signal : Signal
    sigma : float, array-like of shape (n_channels,), or None
    gain : float or None
    """

    def __init__(self, signal, sigma, gain):
        self.signal = signal
        self._sigmas = check_sigma(sigma, signal)
        largest = self._sigmas.max()
        level = float(largest * np.sqrt(np.mean((self._sigmas / largest) ** 2)))
        self._penalty = _penalty(level, gain, signal.n_features)
        is_even = (self._sigmas == self._sigmas[0]).all()
        n_values = signal.n_features // signal.n_channels
        scale = np.tile(self._sigmas / level, n_values)
        self._scale = None if is_even else scale.astype(signal.dtype)

    def weight(self, noisy_weight):
        """Weight of the noisy signal in the average."""
        if noisy_weight is None:
            spans = self.signal.high - self.signal.low
            noisy_weight = 30 / 255 * float(np.max(spans / self._sigmas))
        return check_number(noisy_weight, "noisy_weight", low=0)

    def learn(self, n_components, n_iter, n_patches, update, random_state, n_jobs):
        """Learned dictionary, and the coder of the last iteration that counted missed patches."""
        n_iter = check_integer(n_iter, "n_iter", low=0)
        n_patches = check_integer(n_patches, "n_patches")
        update = resolve_update(ApproximateKSVD if update is None else update)
        dictionary = self._dictionary(n_components)
        X = self._scaled(self.signal.draw(n_patches, random_state))
        X = without_means(X, self.signal.n_channels)[0].astype(np.float32, copy=False)
        coder = PatchCoder()

        def rounds():
            for _ in range(n_iter):
                coder.forget()
                yield X

        states = alternate(
            Exact(self._penalty, coder),
            dictionary,
            rounds(),
            update=update,
            full_batch=True,
            n_jobs=n_jobs,
        )
        for state in states:
            dictionary = state.dictionary
        return dictionary, coder

    def denoise(self, dictionary, weight, out, n_jobs):
        """Write the denoised signal into `out`; returns the coder that counted missed patches."""
        dictionary, coder = self._dictionary(dictionary), PatchCoder()
        signal, n_channels = self.signal, self.signal.n_channels

        def restore(X):
            X = coder.decode(self._scaled(X), dictionary, self._penalty, n_channels, n_jobs=n_jobs)
            return X if self._scale is None else X * self._scale

        view = out.reshape(signal.array.shape)
        for slab, total, cover in restored_slabs(signal.patches(), restore):
            view[slab] = (total + weight * signal.array[slab]) / (cover + weight)
        return coder

    def _dictionary(self, dictionary):
        return patch_dictionary(dictionary, self.signal.patch_size, self.signal.n_channels)

    def _scaled(self, X):
        return X if self._scale is None else X / self._scale


def _penalty(sigma, gain, n_features):
    if gain is None:
        error = 2 * gammaincinv(n_features / 2, _QUANTILE) * sigma**2
    else:
        gain = check_number(gain, "gain", low=0, low_open=True, high=LARGEST_SCALE)
        error = (gain * sigma) ** 2 * n_features
    if error == 0:
        raise ValueError(
            wrong(
                "sigma",
                got=f"{sigma:g} and gain is {gain}",
                expected="values whose squares do not underflow to 0",
                remedy="Multiply the image and sigma by the same factor.",
            )
        )
    return KSparse(None, error=error)
