"""A loss of one's own: an error that a few wild entries hardly move, and an l1 norm."""

from dataclasses import dataclass

import numpy as np

from sparsecode.losses import Loss, LossResult


@dataclass
class HuberLoss(Loss):
    """Squared error of small residuals, absolute error of those above `knee`, plus an l1 norm.

    >>> from sparsecode import Dictionary
    >>> from sparsecode.testing import gradcheck
    >>> rng = np.random.default_rng(0)
    >>> X, Z, A = (rng.standard_normal(shape) for shape in ((5, 3), (5, 4), (4, 3)))
    >>> def evaluate(codes, atoms):
    ...     dictionary = Dictionary(atoms)
    ...     return HuberLoss(knee=0.8).evaluate(X, dictionary, codes, dictionary_grads=True)
    >>> def backward(upstream, codes, atoms):
    ...     result = evaluate(codes, atoms)
    ...     return upstream * result.dcodes, upstream * result.grads["atoms"]
    >>> gradcheck(lambda *arrays: evaluate(*arrays).value, backward, Z, A) < 1e-6
    True
    """

    knee: float = 1.0
    alpha: float = 0.1

    def evaluate(
        self,
        X,
        dictionary,
        codes,
        target=None,
        sample_weight=None,
        *,
        dictionary_grads=False,
        context=None,
    ):
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        share = (weight / np.sum(weight)).astype(codes.dtype)[:, None]
        residual = codes @ dictionary.atoms - dictionary.center(X)
        bent = np.clip(residual, -self.knee, self.knee)
        fit = float(np.sum(share * (bent * residual - bent**2 / 2)))
        penalty = float(self.alpha * np.sum(share * np.abs(codes)))
        # The gradient in the reconstruction, from which those in codes and dictionary come.
        slopes = bent * share
        dcodes = slopes @ dictionary.atoms.T + self.alpha * share * np.sign(codes)
        grads = {}
        if dictionary_grads:
            grads["atoms"] = codes.T @ slopes
            if dictionary.offset is not None:
                grads["offset"] = slopes.sum(axis=0)
        return LossResult(fit + penalty, {"fit": fit, "penalty": penalty}, dcodes, grads)
