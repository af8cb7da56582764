"""Fitted models: an encoder with its dictionary and its penalty."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from sparsecode._messages import shown
from sparsecode._parameters import Parameterized, leaves_of
from sparsecode._row_blocks import dense_rows
from sparsecode._sample_moments import is_layer_norm, layer_normed
from sparsecode._validation import common_dtype
from sparsecode.debiasing import debias
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import Encoder, Exact
from sparsecode.estimators._input_scaling import InputScaling, rescale_penalty
from sparsecode.losses._output import activate
from sparsecode.objective import Certificate, certify, objective
from sparsecode.penalties import L1, Penalty
from sparsecode.penalties.base import resolve_penalty
from sparsecode.solvers._default_solver import resolve_solver

# Number of samples per block, for sparse codes and for reconstructions.
_JUDGED, _RECONSTRUCTED = 8192, 4096
# Number of samples per block that are normalised.
_NORMALIZED = 8192


@dataclass(frozen=True)
class FittedModel(Parameterized):
    """Fitted model: encodes samples, reconstructs them, and scores its codes.

    Parameters
    ----------
    encoder : Encoder
        Encoder with its parameters.
    dictionary : Dictionary
    penalty : Penalty
        Penalty of the objective in scores and certificates.
    scaling : InputScaling or NetworkScaling, default=InputScaling()
        Scaling of the samples in training.
    output : str or None, default=None
        Output activation of the decoder.
    debias : bool, default=False
        Whether the coefficients of each code are refitted by least squares.
    missing : bool, default=False
        Whether NaN means a missing entry.
    sparsity_weight : float or None, default=None
        Weight that a search for a number of nonzeros has found, in the units of training.
    first_penalty : Penalty or None, default=None
        Penalty from which such a search starts in further training, in the same units. None starts
        from the penalty of the parameters.
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
        """Encode samples; `options` are those of the encoder."""
        if not self.normalizes:
            return self._codes_of(X, **options)
        blocks = [slice(i, i + _NORMALIZED) for i in range(0, X.shape[0], _NORMALIZED)]
        found = (self._codes_of(self.inputs(X, rows), **options) for rows in blocks)
        first = next(found)
        if len(blocks) == 1:
            return first
        if sparse.issparse(first):
            return sparse.csr_array(sparse.vstack([first, *found], format="csr"))
        codes = np.empty((X.shape[0], first.shape[1]), dtype=first.dtype)
        for rows, block in zip(blocks, chain([first], found), strict=True):
            codes[rows] = block
        return codes

    @property
    def normalizes(self) -> bool:
        """Whether each sample is normalised by its own mean and deviation."""
        return is_layer_norm(self.scaling.inputs)

    def inputs(self, X, rows=slice(None)):
        """Return some samples as the encoder takes them."""
        if not self.normalizes:
            return X[rows]
        return layer_normed(dense_rows(X, rows, common_dtype(X)))

    def decode(self, codes):
        """Reconstruct samples from codes."""
        X_hat = self.dictionary.decode(codes)
        return X_hat if self.output is None else activate(self.output, X_hat)

    def score_samples(self, X, n_jobs=None):
        """Return minus the objective of the code of each sample, shape (n_samples,)."""
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
        """Certify the codes of samples."""
        self.check_linear("certify")
        return Certificate.joined(self._judged(certify, X, n_jobs))

    def check_linear(self, what):
        """Raise ValueError if the decoder has an activation, which `what` does not allow.

        Reconstructions with an activation are not linear in the codes.
        """
        if self.output is not None:
            raise ValueError(
                f"{what} needs a decoder that is linear in the codes, but the output of this "
                f"decoder is {shown(self.output)}; expected None. Fit the model with a loss "
                "without output."
            )

    def to_training(self):
        """Return encoder and dictionary in the units of training."""
        return self.scaling.to_training(self.encoder, self.dictionary)

    def trained(self, params, dictionary, **changes):
        """Return the model with trained parameters and dictionary, both in units of training."""
        encoder, dictionary = self.scaling.from_training(
            self.encoder.bind(params), dictionary, self.dictionary
        )
        return replace(self, encoder=encoder, dictionary=dictionary, **changes)

    def resumed(self):
        """Return the model for further training; a search continues from its last weight."""
        penalty = rescale_penalty(self.penalty, self.scaling.samples)
        weight = self.sparsity_weight
        if penalty.alpha == 0 and weight is not None:
            # For a term that is not a penalty, only the weight is used.
            penalty = L1(weight)
        return replace(self, first_penalty=penalty)

    def _codes_of(self, inputs, **options):
        """Codes of samples as the encoder takes them."""
        if self.missing:
            options["missing"] = True
        codes = self.encoder.encode(inputs, self.dictionary, **options)
        return self._debiased(inputs, codes, options.get("n_jobs")) if self.debias else codes

    def _debiased(self, X, codes, n_jobs):
        low = self.encoder.bounds[0]
        return debias(X, codes, self.dictionary, positive=low >= 0, n_jobs=n_jobs)

    def _judged(self, judge, X, n_jobs):
        """Apply `judge` to the codes of `X`, block by block, so that few of them are dense."""
        # Codes of a smooth penalty have no zeros.
        smooth = self.penalty.smooth
        step = _JUDGED if smooth or self.normalizes else X.shape[0]
        starts = range(0, X.shape[0], step)
        parts = (self.inputs(X, slice(start, start + step)) for start in starts)
        return [
            judge(
                part,
                self._codes_of(part, sparse_output=not smooth, n_jobs=n_jobs),
                self.dictionary,
                self.penalty,
                missing=self.missing,
                n_jobs=n_jobs,
            )
            for part in parts
        ]


class Resolved(NamedTuple):
    """Model with the parameters and the dictionary that it was made from."""

    parameters: tuple[Any, ...]
    dictionary: Dictionary
    model: FittedModel


def exact_model(estimator):
    """Return the model of an estimator; it is made again only if parameters or atoms changed.

    An estimator calls it at the end of `fit`, so that coding does not change the estimator.

    Parameters
    ----------
    estimator : estimator
        Estimator with `penalty`, `alpha`, `solver`, `missing` and `dictionary_`.
    """
    parameters, dictionary = leaves_of(estimator), estimator.dictionary_
    made = vars(estimator).get("_resolved")
    if made is None or made.parameters != parameters:
        penalty = resolve_penalty(estimator.penalty, estimator.alpha)
        encoder = Exact(penalty, resolve_solver(estimator.solver, penalty))
        model = FittedModel(encoder, dictionary, penalty, missing=estimator.missing is not None)
    elif made.dictionary is not dictionary:
        model = replace(made.model, dictionary=dictionary)
    else:
        return made.model
    vars(estimator)["_resolved"] = Resolved(parameters, dictionary, model)
    return model
