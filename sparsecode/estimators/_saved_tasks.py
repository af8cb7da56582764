"""Parts of a task-driven estimator in its file: linear model, input map and classes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from sparsecode._array_files import parsed, part
from sparsecode._messages import shown
from sparsecode._reading.refusal import Refused
from sparsecode.estimators._labels import loss_of
from sparsecode.estimators._saved_classifiers import classes_of, described_classes
from sparsecode.prediction._descent import HISTORY
from sparsecode.prediction.losses import LOSSES

# Arrays of a fitted estimator by their name in the file.
_ARRAYS = ("coef_", "intercept_", "input_map_", "target_mean_", "target_scale_")


def task_parts(estimator: Any) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Arrays of an estimator, beside its atoms, and notes as JSON."""
    loss = loss_of(estimator)
    if type(loss) not in LOSSES.values():
        raise TypeError(
            f"loss {shown(loss)} cannot be saved; expected one of this package. Save dictionary_ "
            "alone, with its own method save."
        )
    found = {name: vars(estimator).get(name) for name in _ARRAYS}
    arrays = {f"task/{name}": array for name, array in found.items() if array is not None}
    for name in ("coef", "intercept"):
        arrays[f"task/{name}"] = estimator._params[name]
    notes = {"lr": estimator.lr_, "n_iter": estimator.n_iter_}
    if hasattr(estimator, "classes_"):
        notes["classes"] = described_classes(estimator.classes_)
    else:
        notes["is_flat"] = estimator._is_flat
    return arrays, {"task": json.dumps(notes)}


def hold_task(model: Any, arrays: dict[str, np.ndarray], header: dict[str, str]) -> None:
    """Make an estimator with its atoms fitted, with the other arrays and notes of its file."""
    notes = parsed(part(header, "task"), dict)
    atoms = model.dictionary_.atoms
    coef, intercept = part(arrays, "task/coef"), part(arrays, "task/intercept")
    n_outputs = len(intercept)
    _check_shape("coef", coef, (n_outputs, len(atoms)))
    _check_shape("intercept", intercept, (n_outputs,))
    params = {"atoms": atoms, "coef": coef, "intercept": intercept}
    matrix = arrays.get("task/input_map_")
    if matrix is not None:
        _check_shape("input_map_", matrix, (len(matrix), atoms.shape[1]))
        params["input_map"] = matrix
        model.n_features_in_ = len(matrix)
    model.input_map_ = matrix
    model._params = params
    if is_classifier(model):
        model.classes_ = classes_of(part(notes, "classes"))
        expected = loss_of(model).encode(np.zeros(1, dtype=int), len(model.classes_)).shape[1]
        if n_outputs != expected:
            raise Refused(f"it has {n_outputs} outputs for {len(model.classes_)} classes")
    else:
        model._is_flat = notes.get("is_flat") is True
        for name in ("target_mean_", "target_scale_"):
            array = part(arrays, f"task/{name}")
            _check_shape(name, array, (n_outputs,))
            setattr(model, name, array)
    for name, shape in (("coef_", coef.shape), ("intercept_", intercept.shape)):
        array = part(arrays, f"task/{name}")
        _check_shape(name, array, shape)
        setattr(model, name, array)
    lr, n_iter = notes.get("lr"), notes.get("n_iter")
    if not (lr is None or (isinstance(lr, float) and 0 < lr < np.inf)):
        raise Refused("its learning rate is no positive number")
    model.lr_, model.n_iter_ = lr, n_iter if isinstance(n_iter, int) and n_iter >= 0 else 0
    model.n_epochs_, model.history_ = 0, {name: [] for name in HISTORY}
    model._state = None


def _check_shape(name, array, shape):
    if array.shape != shape or array.dtype.kind != "f" or not np.isfinite(array).all():
        raise Refused(f"its {name} is no array of numbers of shape {shape}")
