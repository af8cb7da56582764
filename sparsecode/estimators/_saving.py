"""Files of fitted estimators: arrays, and descriptions as JSON; nothing is pickled.

`save` is a method of the estimators, `load` a class method.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sparsecode import _serialization
from sparsecode._array_files import ended, parsed, part, read_arrays, write_arrays
from sparsecode._messages import shown
from sparsecode._reading.refusal import Refused, listed
from sparsecode._typing import Model, PathLike
from sparsecode._validation import check_random_state
from sparsecode.constraints import check_constraint
from sparsecode.dictionary import Dictionary
from sparsecode.estimators._classifier import CodesClassifier
from sparsecode.estimators._descriptions import describe_settings, rebuild
from sparsecode.estimators._filter_learning import check_settings, hold_filters
from sparsecode.estimators._learning_plan import plan_learning
from sparsecode.estimators._learning_run import hold_dictionary
from sparsecode.estimators._saved_atoms import (
    archetypes_parts,
    hold_archetypes,
    hold_counts,
)
from sparsecode.estimators._saved_classifiers import classifier_parts, hold_classifier
from sparsecode.estimators._saved_networks import hold_network, network_parts
from sparsecode.estimators._saved_tasks import hold_task, task_parts
from sparsecode.estimators._trained import TrainedEstimator
from sparsecode.initialization.dictionary import check_init_name
from sparsecode.initialization.offset import check_offset_name

_PACKAGE = "sparsecode.estimators."
# Stands for the atoms in the file.
_SAVED = "saved"
# Estimators whose starts have names of their own, which they check themselves.
_OWN_STARTS = ("ArchetypalAnalysis", "PoissonDictionaryLearning")


def save(self: Any, path: PathLike) -> None:
    """Write the fitted estimator to a ``.safetensors`` or ``.npz`` file, without pickle.

    The file holds all that `transform`, `score` and the like need, and the parameters of the
    estimator: numbers, names, and components of this package with their settings, such as a
    solver, a loss or an optimizer. Left out are functions, generators, arrays to start from and
    objects that are not of this package, such as a term of your own: set them before `partial_fit`
    goes on. What training keeps for `partial_fit` is left out too, and the history; ``state_``
    of an estimator that has one is written with ``model.state_.save``.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    TypeError
        If the encoder, the penalty, the solver, the data term or the constraint of the atoms are
        not of this package.
    ValueError
        If a parameter that was changed after `fit` is wrong.
    OSError
        If the file cannot be written.
    """
    check_is_fitted(self)
    name = _name_of(type(self))
    settings, left_out = describe_settings(self)
    arrays, header = {}, {}
    if isinstance(self, TrainedEstimator):
        self._plan(None)
        arrays, header = network_parts(self)
        if hasattr(self, "output_") and getattr(self.loss, "output", None) != self.output_:
            # It is another loss than that of the training.
            settings.pop("loss", None)
            left_out = sorted({*left_out, "loss"})
    elif isinstance(self, CodesClassifier):
        self._check_parameters()
        _check_described(self, left_out)
        arrays, header = classifier_parts(self)
    else:
        _EXACT[name].check(self)
        _check_described(self, left_out)
        arrays, header = _EXACT[name].parts(self)
    dictionary = self.dictionary_
    if _is_given(self):
        left_out.remove("dictionary")
        settings["dictionary"] = _SAVED
    arrays["dictionary/atoms"] = dictionary.atoms
    if dictionary.offset is not None:
        arrays["dictionary/offset"] = dictionary.offset
    names = getattr(self, "feature_names_in_", None)
    header |= {
        "version": "1",
        "constraint": json.dumps(_serialization.describe(dictionary.constraint)),
        "settings": json.dumps(settings),
        "left_out": json.dumps(left_out),
        "names": json.dumps(None if names is None else list(names)),
    }
    write_arrays(path, arrays, header, format=f"sparsecode.{name}")


@classmethod
def load(cls: type[Model], path: PathLike, *, max_bytes: int | None = None) -> Model:
    """Read a fitted estimator of this class that `save` wrote; nothing in the file is executed.

    Parameters
    ----------
    path : str or path-like
    max_bytes : int or None, default=None
        Most bytes that a compressed file may unpack to. None is 64 MiB, or 20 times its size
        where that is more.

    Returns
    -------
    model : estimator
        Codes as the saved one, bit for bit. Where there is `partial_fit`, it goes on from these
        parameters and atoms, with a fresh optimizer, or fresh statistics of the atoms.

    Raises
    ------
    ValueError
        If the file is none that `save` of this class wrote, or would unpack to more than
        `max_bytes`.
    FileNotFoundError, OSError
        If there is no such file, or it cannot be read.
    """
    name = _name_of(cls)

    def build(arrays, header):
        return _build(arrays, header, cls)

    def wrong_contents(path, reason):
        noun = "autoencoder" if name == "SparseAutoencoder" else name
        return ValueError(
            f"{path} is not a saved {noun}: {ended(reason)} Give a file that {name}.save wrote."
        )

    return read_arrays(
        path,
        build,
        format=f"sparsecode.{name}",
        wrong_contents=wrong_contents,
        max_bytes=max_bytes,
    )


def _build(arrays, header, cls):
    dictionary = Dictionary(part(arrays, "dictionary/atoms"), arrays.get("dictionary/offset"))
    constraint = _serialization.rebuild(parsed(part(header, "constraint")))
    # As they were, bit by bit: a projection could change the last digit.
    dictionary = Dictionary.view(dictionary.atoms, dictionary.offset, constraint)
    settings = _rebuilt_settings(parsed(part(header, "settings")), cls, dictionary)
    left_out = parsed(part(header, "left_out"), list)
    model = cls(**settings)
    _check_starts(model)
    if isinstance(model, TrainedEstimator):
        hold_network(model, arrays, header, dictionary, left_out)
    elif isinstance(model, CodesClassifier):
        hold_classifier(model, arrays, header, dictionary)
    else:
        kind = _EXACT[_name_of(cls)]
        kind.check(model)
        kind.hold(model, dictionary)
        model.n_features_in_ = dictionary.n_features
        kind.hold_parts(model, arrays, header)
        encoder = getattr(model._model, "encoder", None)
        if encoder is not None:
            encoder.solver._check_parameters()
    model._model.penalty.prepare(dictionary.n_components, dictionary.dtype)
    names = parsed(part(header, "names"), list | None)
    if names is not None:
        n_features = model.n_features_in_
        if len(names) != n_features or not all(isinstance(n, str) for n in names):
            raise Refused(f"its feature names are not {n_features} strings, one for each feature")
        model.feature_names_in_ = np.array(names, dtype=object)
    return model


def _rebuilt_settings(settings, cls, dictionary):
    """Parameters of the estimator, of their descriptions."""
    if unknown := set(settings) - set(cls._get_param_names()):
        raise Refused(f"it has the settings {listed(unknown)}, which {cls.__name__} does not have")
    rebuilt = {name: rebuild(value, name) for name, value in settings.items()}
    needs_atoms = "dictionary" in cls._get_param_names() and not issubclass(cls, TrainedEstimator)
    # Where atoms are learned, the parameter is only their start.
    needs_atoms = needs_atoms and not getattr(cls, "learn_dictionary", False)
    if needs_atoms or rebuilt.get("dictionary") == _SAVED:
        rebuilt["dictionary"] = dictionary
    return rebuilt


def _check_starts(model):
    """Check what `fit` looks at when it has samples: a seed, a constraint, and names of starts."""
    given = model.get_params(deep=False)
    check_random_state(given.get("random_state"))
    if given.get("constraint") is not None:
        check_constraint(given["constraint"])
    if given.get("init") not in (None, "zero") and _name_of(type(model)) not in _OWN_STARTS:
        check_init_name(given["init"])
    if given.get("offset") is not None:
        check_offset_name(given["offset"])


def _name_of(cls):
    """Name of the estimator of this package that a class is, or is made of."""
    return next(base.__name__ for base in cls.__mro__ if base.__module__.startswith(_PACKAGE))


def _is_given(estimator):
    """Whether the atoms in use are those that a parameter gives."""
    given = getattr(estimator, "dictionary", None)
    learns = getattr(estimator, "learn_dictionary", False)
    return given is not None and not isinstance(given, BaseEstimator) and not learns


def _check_described(estimator, left_out):
    """Raise TypeError if what codes are made by cannot be described."""
    for name in ("data_term", "penalty", "solver"):
        if name in left_out:
            raise TypeError(
                f"{name} {shown(getattr(estimator, name))} cannot be saved; expected one of this "
                "package. Save dictionary_ alone, with its own method save."
            )


def _no_parts(estimator):
    return {}, {}


def _hold_no_parts(estimator, arrays, header):
    pass


class _Exact(NamedTuple):
    """How an estimator of exact codes is checked, and made a fitted one with a dictionary.

    Other arrays and notes of it are its `parts`, which `hold_parts` puts back.
    """

    check: Callable[..., Any]
    hold: Callable[..., Any]
    parts: Callable[..., Any] = _no_parts
    hold_parts: Callable[..., Any] = _hold_no_parts


def _check_coder(coder):
    coder._check_parameters()


def _hold_atoms(coder, dictionary):
    coder.dictionary_ = dictionary


_TASK = _Exact(_check_coder, _hold_atoms, task_parts, hold_task)
_EXACT = {
    "SparseCoder": _Exact(_check_coder, _hold_atoms),
    "DictionaryLearning": _Exact(plan_learning, hold_dictionary),
    "OlshausenField": _Exact(check_settings, hold_filters),
    "ArchetypalAnalysis": _Exact(_check_coder, _hold_atoms, archetypes_parts, hold_archetypes),
    "PoissonDictionaryLearning": _Exact(_check_coder, hold_counts),
    "TaskDrivenDictionaryLearningClassifier": _TASK,
    "TaskDrivenDictionaryLearningRegressor": _TASK,
}
