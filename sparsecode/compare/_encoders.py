"""Encoders that a report compares: exact solvers, baselines, and the encoders of the user."""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np

from sparsecode._convolution.dictionary import ConvolutionalDictionary
from sparsecode._messages import shown, wrong
from sparsecode._sample_moments import refuse_layer_norm
from sparsecode._validation import check_integer, check_random_state
from sparsecode.compare.l0_matching import closest_l0
from sparsecode.dictionary import Dictionary

# An estimator of each kind of dictionary.
_FITTED = {Dictionary: "LISTA", ConvolutionalDictionary: "ConvolutionalSparseCoder"}
AMORTIZED, BASELINE, EXACT = "amortized", "baseline", "exact"
# Largest difference of equal atoms after rounding to float32, relative to the largest entry.
_ROUNDING = 8 * float(np.finfo(np.float32).eps)
BASELINES = "thresholding", "thresholding, same l0", "random weights, same l0"
RANDOM_DECODER = "random decoder, same l0"


class WithDictionary(NamedTuple):
    """Encoder that uses a fixed dictionary in place of the given one."""

    encoder: object
    dictionary: Dictionary

    def encode(self, X, dictionary, *, missing=False, n_jobs=None):
        dictionary = self.dictionary.astype(dictionary.dtype)
        return self.encoder.encode(X, dictionary, missing=missing, n_jobs=n_jobs)


class Decoder(WithDictionary):
    """Encoder whose codes are judged on a dictionary of its own."""


class Fitted(NamedTuple):
    """A fitted estimator as an encoder, on the dictionary that it was fitted with."""

    estimator: object

    @classmethod
    def of(cls, estimator):
        estimator = copy.copy(estimator)
        # Samples of a report are arrays without column names, so there is nothing to compare.
        vars(estimator).pop("feature_names_in_", None)
        return cls(estimator)

    def encode(self, X, dictionary, *, missing=False):
        # The estimator has a parameter `missing` of its own, or refuses NaN.
        return self.estimator.transform(X)


def exact_encoders(kind, penalty, n_iters):
    """Dict from name to (family, encoder): the default solver, stopped FISTA and stopped ISTA."""
    stopped = {count: kind.stopped(penalty, count) for count in _counts(n_iters)}
    found = {"exact": (EXACT, kind.exact(penalty))}
    for family in ("FISTA", "ISTA"):
        for count, encoders in stopped.items():
            found[f"{family} {count}"] = family, encoders[family]
    return found


def _counts(n_iters):
    if isinstance(n_iters, str) or not np.iterable(n_iters):
        raise TypeError(
            wrong(
                "n_iters",
                got=shown(n_iters),
                expected="a list of numbers of iterations",
                remedy="Put a single number in a list, such as [10].",
            )
        )
    return sorted({check_integer(count, "n_iters") for count in n_iters})


def baselines(data, reference, threshold, random_state, random_decoder):
    """Dict from name to (family, encoder): thresholding with the atoms and with random weights.

    With `random_decoder` also exact codes on random atoms, paired best with those of the reference.
    """
    dictionary, penalty = reference.dictionary, reference.penalty
    target = data.mean_l0(reference.codes, threshold)
    # Drawn transposed, so that the seed that made the atoms makes different weights here.
    shape = dictionary.atoms.shape
    weights = check_random_state(random_state).standard_normal(shape[::-1]).T
    weights = weights.reshape(len(weights), -1)
    weights *= dictionary.norms[:, None] / np.linalg.norm(weights, axis=1, keepdims=True)
    random = data.atoms_like(dictionary, weights.reshape(shape))

    def make(alpha):
        return data.thresholding(penalty._replace(alpha=alpha))

    def with_random_weights(alpha):
        return WithDictionary(make(alpha), random)

    def at_same_l0(make):
        search = closest_l0(
            make, reference.X, dictionary, target,
            start=penalty.alpha or 1.0, mean_l0=lambda codes: data.mean_l0(codes, threshold),
            missing=data.missing,
        )  # fmt: skip
        return search.best.encoder

    encoders = data.thresholding(penalty), at_same_l0(make), at_same_l0(with_random_weights)
    found = dict(zip(BASELINES, encoders, strict=True))
    if random_decoder:
        paired = Dictionary(weights).match(dictionary.atoms.reshape(len(weights), -1))
        atoms = paired.signs[:, None] * weights[paired.indices]
        decoder = data.atoms_like(dictionary, atoms.reshape(shape))
        found[RANDOM_DECODER] = at_same_l0(
            lambda alpha: Decoder(data.exact(penalty._replace(alpha=alpha)), decoder)
        )
    return {name: (BASELINE, encoder) for name, encoder in found.items()}


def given_encoders(encoders, taken, dictionary):
    """Dict from name to (family, encoder) of the checked encoders of the user."""
    if encoders is None:
        return {}
    if isinstance(encoders, str) or not np.iterable(encoders):
        raise TypeError(
            wrong(
                "encoders",
                got=shown(encoders),
                expected="a dict from names to encoders, a list of encoders, or None",
                remedy="Put a single encoder in a list.",
            )
        )
    if not isinstance(encoders, dict):
        encoders = _named(list(encoders), taken)
    encoders = {
        name: _resolved(f"encoder {name!r} of encoders", encoder, dictionary)
        for name, encoder in encoders.items()
    }
    shared = sorted(encoders.keys() & taken)
    if shared:
        raise ValueError(
            wrong(
                "name of an encoder",
                got=shown(shared[0]),
                expected="a name that the report does not use itself",
                remedy="Choose another name.",
            )
        )
    return {name: (AMORTIZED, encoder) for name, encoder in encoders.items()}


def _resolved(subject, encoder, dictionary):
    """Object with a method `encode`; a fitted estimator is wrapped so that it has one."""
    is_object = not isinstance(encoder, (type, str, bytes))
    if is_object and callable(getattr(encoder, "encode", None)):
        return encoder
    if not is_object or not callable(getattr(encoder, "transform", None)):
        raise TypeError(_no_encoder(subject, encoder))
    name = type(encoder).__name__
    learned, such = getattr(encoder, "dictionary_", None), _FITTED[type(dictionary)]
    if not isinstance(learned, type(dictionary)):
        raise TypeError(
            f"{subject} is an estimator, {name}, without a {type(dictionary).__name__} in "
            f"dictionary_; expected a fitted estimator of sparsecode, such as {such}. Fit it, or "
            "give an object with "
            "encode(X, dictionary)."
        )
    remedy = "Give normalised samples, see input_moments, and encoder_ instead of the estimator."
    refuse_layer_norm(encoder, "the report", remedy)
    if not _same(learned, dictionary):
        raise ValueError(
            f"{subject} is a fitted {name} of another dictionary, {shown(learned)}; expected the "
            "dictionary of the report. Pass the dictionary_ of the estimator to the report."
        )
    return Fitted.of(encoder)


def _no_encoder(subject, got):
    return wrong(
        subject,
        got=shown(got),
        expected="an object with a method encode(X, dictionary), or a fitted estimator",
        remedy="Give an instance, such as Thresholding(penalty), or ConvolutionalLISTA(penalty) "
        "for signals.",
    )


def _same(mine, theirs):
    """Whether two dictionaries are the same up to rounding in float32."""
    if mine.atoms.shape != theirs.atoms.shape:
        return False
    pairs = [(mine.atoms, theirs.atoms)]
    if isinstance(mine, Dictionary):
        nothing = np.zeros(mine.n_features)
        pairs.append([nothing if d.offset is None else d.offset for d in (mine, theirs)])
    return all(np.abs(a - b).max() <= _ROUNDING * np.abs(b).max() for a, b in pairs)


def _named(encoders, taken):
    """Dict of encoders, named by class and `n_layers`; a number makes equal names unique."""
    named = {}
    for encoder in encoders:
        if isinstance(encoder, type):
            raise TypeError(_no_encoder(f"encoder {encoder.__name__!r}", encoder))
        parts = [type(encoder).__name__, getattr(encoder, "n_layers", None)]
        first = name = " ".join(str(part) for part in parts if part is not None)
        count = 1
        while name in named or name in taken:
            count += 1
            name = f"{first} ({count})"
        named[name] = encoder
    return named
