"""Classes and arrays of fitted classifiers, as parts of a file."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from sparsecode._array_files import parsed, part
from sparsecode._messages import shown
from sparsecode._reading.refusal import Refused
from sparsecode.dictionary import Dictionary

_PREFIX = "classifier/"
# Kinds of labels that JSON holds: Booleans, integers, real numbers and texts.
_KINDS = "biufUO"


def classifier_parts(estimator: Any) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Arrays and header of the classes, and of the arrays that `_fitted_shapes` names."""
    classes = estimator.classes_
    names = estimator._fitted_shapes(len(classes), 1, 1)
    arrays = {_PREFIX + name: getattr(estimator, name) for name in names}
    return arrays, {"classes": json.dumps(described_classes(classes))}


def hold_classifier(
    estimator: Any, arrays: dict[str, np.ndarray], header: dict[str, str], dictionary: Dictionary
) -> None:
    """Make a classifier fitted with the parts of a file."""
    estimator._check_parameters()
    estimator.classes_ = classes_of(parsed(part(header, "classes")))
    shapes = estimator._fitted_shapes(
        len(estimator.classes_), dictionary.n_components, dictionary.n_features
    )
    for name, shape in shapes.items():
        array = part(arrays, _PREFIX + name)
        if array.shape != shape:
            raise Refused(f"its array {name} has the shape {array.shape}; expected {shape}")
        if not np.isfinite(array).all():
            raise Refused(f"its array {name} holds NaN or infinity")
        setattr(estimator, name, array)
    if "atom_classes_" in shapes:
        _check_atom_classes(estimator.atom_classes_, len(estimator.classes_))
    estimator.dictionary_ = dictionary
    estimator.n_features_in_ = dictionary.n_features


def described_classes(classes: np.ndarray) -> dict[str, Any]:
    """Describe the labels of classes, for JSON.

    Raises
    ------
    TypeError
        If they are neither numbers nor strings.
    """
    labels = classes.tolist()
    is_kept = classes.dtype.kind in _KINDS
    if not is_kept or (classes.dtype.kind == "O" and not all(type(x) is str for x in labels)):
        raise TypeError(
            f"classes_ are {shown(classes)}; expected numbers or strings, for a file. Give y as "
            "numbers or strings."
        )
    return {"dtype": str(classes.dtype), "labels": labels}


def classes_of(described: dict[str, Any]) -> np.ndarray:
    """Labels of classes that `described_classes` described; raises Refused if they are none."""
    if not isinstance(described, dict):
        raise Refused("its classes are no labels")
    labels, dtype = part(described, "labels"), part(described, "dtype")
    try:
        classes = np.array(labels, dtype=np.dtype(dtype))
    except (TypeError, ValueError, OverflowError):
        raise Refused("its classes are no labels") from None
    is_good = classes.ndim == 1 and len(classes) > 1 and classes.dtype.kind in _KINDS
    if is_good and classes.dtype.kind == "O":
        is_good = all(type(label) is str for label in labels)
    if not is_good or classes.tolist() != labels or len(set(labels)) < len(labels):
        raise Refused("its classes are no labels")
    if labels != sorted(labels):
        raise Refused("its classes are not in order")
    return classes


def _check_atom_classes(atom_classes, n_classes):
    is_index = atom_classes.dtype.kind == "i" and np.all(np.diff(atom_classes) >= 0)
    if not is_index or atom_classes[0] < 0 or atom_classes[-1] >= n_classes:
        raise Refused("the classes of its atoms are no ascending indices of classes")
