"""Which encoders a report compares: exact solvers, baselines, and those that were given."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from sparsecode._validation import check_integer, wrong
from sparsecode.compare.l0_matching import closest_l0
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import Exact, Thresholding
from sparsecode.metrics import l0
from sparsecode.solvers import FISTA, ISTA

AMORTIZED, BASELINE, EXACT = "amortized", "baseline", "exact"
BASELINES = "thresholding", "thresholding, same l0", "random weights, same l0"


class WithDictionary(NamedTuple):
    """An encoder that has a dictionary of its own, whatever dictionary is given."""

    encoder: object
    dictionary: Dictionary

    def encode(self, X, dictionary, *, n_jobs=None):
        return self.encoder.encode(X, self.dictionary.astype(dictionary.dtype), n_jobs=n_jobs)


def exact_encoders(penalty, n_iters):
    """Name to family and encoder: the default solver, and FISTA and ISTA that are stopped."""
    counts = sorted({check_integer(count, "n_iters") for count in n_iters})
    found = {"exact": (EXACT, Exact(penalty))}
    for solver in (FISTA, ISTA):
        family = solver.__name__
        for count in counts:
            stopped = Exact(penalty, solver(max_iter=count, tol=0))
            found[f"{family} {count}"] = family, stopped
    return found


def baselines(reference, threshold, random_state):
    """Name to family and encoder: thresholds, with the atoms and with random weights."""
    dictionary, penalty = reference.dictionary, reference.penalty
    target = float(l0(reference.codes, threshold=threshold).mean())
    # Transposed, so that the seed that drew the atoms gives others here.
    weights = check_random_state(random_state).standard_normal(dictionary.atoms.shape[::-1]).T
    weights *= dictionary.norms[:, None] / np.linalg.norm(weights, axis=1, keepdims=True)
    random = Dictionary(weights, dictionary.offset)

    def make(alpha):
        return Thresholding(penalty._replace(alpha=alpha))

    def with_random_weights(alpha):
        return WithDictionary(make(alpha), random)

    def at_same_l0(make):
        return closest_l0(
            make, reference.X, dictionary, target, start=penalty.alpha or 1.0, threshold=threshold
        ).best.encoder

    found = Thresholding(penalty), at_same_l0(make), at_same_l0(with_random_weights)
    return {name: (BASELINE, encoder) for name, encoder in zip(BASELINES, found, strict=True)}


def given_encoders(encoders, taken):
    """Name to family and encoder, of those that a user gives; checked."""
    if encoders is None:
        return {}
    if not isinstance(encoders, dict):
        encoders = _named(list(encoders), taken)
    for name, encoder in encoders.items():
        if not callable(getattr(encoder, "encode", None)) or isinstance(encoder, type):
            raise TypeError(
                f"encoder {name!r} is {encoder!r}; expected an object with a method encode(X, "
                "dictionary). Give an instance."
            )
    shared = sorted(encoders.keys() & taken)
    if shared:
        raise ValueError(
            wrong(
                "name of an encoder",
                got=repr(shared[0]),
                expected="one that the report does not use itself",
                remedy="Name it otherwise.",
            )
        )
    return {name: (AMORTIZED, encoder) for name, encoder in encoders.items()}


def _named(encoders, taken):
    """Encoders by the name of their class and their `n_layers`, with a number where needed."""
    named = {}
    for encoder in encoders:
        parts = [type(encoder).__name__, getattr(encoder, "n_layers", None)]
        first = name = " ".join(str(part) for part in parts if part is not None)
        count = 1
        while name in named or name in taken:
            count += 1
            name = f"{first} ({count})"
        named[name] = encoder
    return named
