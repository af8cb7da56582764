"""Parts of archetypes and of atoms of counts in their files, checked when they are read."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode._array_files import part
from sparsecode._reading.refusal import Refused
from sparsecode.dictionary import Dictionary

_MIXTURES = "archetypes/mixtures"
# Rounding of the sum of a mixture in float32.
_SLACK = 1e-3


def archetypes_parts(estimator: Any) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Arrays of archetypes beside the atoms: their mixtures."""
    return {_MIXTURES: estimator.mixtures_}, {}


def hold_archetypes(model: Any, arrays: dict[str, np.ndarray], header: dict[str, str]) -> None:
    """Give a model with its atoms the mixtures of its file, without history."""
    mixtures, n_components = part(arrays, _MIXTURES), model.dictionary_.n_components
    is_matrix = mixtures.ndim == 2 and mixtures.dtype.kind == "f"
    if not is_matrix or len(mixtures) != n_components or not np.isfinite(mixtures).all():
        raise Refused(f"its mixtures are no array of numbers with {n_components} rows")
    if (mixtures < 0).any() or (np.abs(mixtures.sum(axis=1) - 1) > _SLACK).any():
        raise Refused("its mixtures are not shares of a sum of 1")
    model.mixtures_ = mixtures
    model._begin_history()


def hold_counts(model: Any, dictionary: Dictionary) -> None:
    """Make a learner of counts fitted with the atoms of its file, without history."""
    if dictionary.offset is not None or (dictionary.atoms < 0).any():
        raise Refused("its atoms have an offset or negative entries, which those of counts do not")
    model.dictionary_ = dictionary
    model._begin_history()
