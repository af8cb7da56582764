"""Fitted models: an encoder, the dictionary that it codes on, and the penalty that judges it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sparsecode._parameters import Parameterized
from sparsecode._row_blocks import dense_rows
from sparsecode.debiasing import debias
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import Encoder
from sparsecode.estimators._input_scaling import InputScaling, rescale_penalty
from sparsecode.losses._output import activate
from sparsecode.objective import Certificate, certify, objective
from sparsecode.penalties import L1, Penalty

# Samples whose codes are judged at a time: sparse ones, and reconstructions.
_JUDGED, _RECONSTRUCTED = 8192, 4096


@dataclass(frozen=True)
class FittedModel(Parameterized):
    """A model for use: it codes samples, reconstructs them, and judges its codes.

    Parameters
    ----------
    encoder : Encoder
        With its parameters.
    dictionary : Dictionary
    penalty : Penalty
        That of the objective which codes are judged by.
    scaling : InputScaling or NetworkScaling, default=InputScaling()
        The units of training.
    output : str or None, default=None
        Activation at the end of the decoder.
    debias : bool, default=False
        Whether coefficients are fitted to each sample by least squares.
    missing : bool, default=False
        Whether NaN means a missing entry.
    sparsity_weight : float or None, default=None
        Weight that a search for a number of nonzeros has found, in the units of training.
    first_penalty : Penalty or None, default=None
        What such a search starts from in further training, in these units; None starts from the
        penalty of the parameters.
    """

    encoder: Encoder
    dictionary: Dictionary
    penalty: Penalty
    scaling: object = InputScaling()
    output: str | None = None
    debias: bool = False
    missing: bool = False
    sparsity_weight: float | None = None
    first_penalty: Penalty | None = None

    def encode(self, X, **options):
        """Codes of samples; `options` are those of the encoder."""
        if self.missing:
            options["missing"] = True
        codes = self.encoder.encode(X, self.dictionary, **options)
        return self._debiased(X, codes, options.get("n_jobs")) if self.debias else codes

    def decode(self, codes):
        """Reconstructions of codes."""
        X_hat = self.dictionary.decode(codes)
        return X_hat if self.output is None else activate(self.output, X_hat)

    def score_samples(self, X, n_jobs=None):
        """Minus the objective of the code of each sample, shape (n_samples,)."""
        if self.output is None:
            return -np.concatenate(self._judged(objective, X, n_jobs))
        scores = np.empty(X.shape[0])
        for start in range(0, X.shape[0], _RECONSTRUCTED):
            rows = slice(start, start + _RECONSTRUCTED)
            x = dense_rows(X, rows, self.dictionary.dtype)
            codes = self.encode(x, sparse_output=True, n_jobs=n_jobs)
            error = np.subtract(x, self.decode(codes), dtype=np.float64)
            scores[rows] = -np.einsum("ij,ij->i", error, error) / 2 - self.penalty.value(codes)
        return scores

    def certify(self, X, n_jobs=None):
        """Certificate of the codes of samples."""
        self.check_linear("certify")
        return Certificate.joined(self._judged(certify, X, n_jobs))

    def check_linear(self, what):
        """Raise ValueError if the decoder has an activation, for `what` supposes that it has none.

        Reconstructions are then not linear in the codes.
        """
        if self.output is not None:
            raise ValueError(
                f"{what} is for decoders that are linear in the codes, and the output of this one "
                f"is {self.output!r}; expected None. Use a loss without output."
            )

    def to_training(self):
        """Encoder and dictionary in the units of training."""
        return self.scaling.to_training(self.encoder, self.dictionary)

    def trained(self, params, dictionary, **changes):
        """The model with parameters and a dictionary that training has come to, in its units."""
        encoder, dictionary = self.scaling.from_training(
            self.encoder.bind(params), dictionary, self.dictionary
        )
        return replace(self, encoder=encoder, dictionary=dictionary, **changes)

    def resumed(self):
        """The model to begin a further training with: a search goes on from what it has found."""
        penalty = rescale_penalty(self.penalty, self.scaling.samples)
        weight = self.sparsity_weight
        if penalty.alpha == 0 and weight is not None:
            # Of another term than a penalty the weight counts alone.
            penalty = L1(weight)
        return replace(self, first_penalty=penalty)

    def _debiased(self, X, codes, n_jobs):
        low = self.encoder.bounds[0]
        return debias(X, codes, self.dictionary, positive=low >= 0, n_jobs=n_jobs)

    def _judged(self, judge, X, n_jobs):
        """What `judge` says of the codes of `X`, which are never dense for all samples at once."""
        # Codes of a smooth penalty have no zeros to leave out.
        smooth = self.penalty.smooth
        step = _JUDGED if smooth else X.shape[0]
        parts = (X[start : start + step] for start in range(0, X.shape[0], step))
        return [
            judge(
                part,
                self.encode(part, sparse_output=not smooth, n_jobs=n_jobs),
                self.dictionary,
                self.penalty,
                missing=self.missing,
                n_jobs=n_jobs,
            )
            for part in parts
        ]
