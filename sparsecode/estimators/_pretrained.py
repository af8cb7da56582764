"""Estimators from pretrained models of other libraries.

`from_pretrained` is a method of `SparseAutoencoder` and of `Transcoder`. Each of the two defines
``_of_checkpoint``, which makes a fitted estimator of a folded checkpoint.
"""

from __future__ import annotations

import dataclasses
import inspect
import os
from typing import Any

import numpy as np

from sparsecode import encoders
from sparsecode._messages import shown
from sparsecode._sample_moments import LAYER_NORM, is_layer_norm
from sparsecode._typing import Model
from sparsecode.dictionary import Dictionary
from sparsecode.encoders._inputs import InputEncoder
from sparsecode.estimators._fitted_model import FittedModel
from sparsecode.estimators._input_scaling import InputScaling
from sparsecode.estimators._sparsity import judging_penalty
from sparsecode.interop import Checkpoint, read_checkpoint
from sparsecode.interop._checkpoint_folding import subtracting
from sparsecode.penalties import L1

_READING = inspect.signature(read_checkpoint).parameters.keys() - {"path", "format", "input_scale"}


@classmethod
def from_pretrained(
    cls: type[Model],
    path: str | os.PathLike[str] | Checkpoint,
    format: str | None = None,
    *,
    input_scale: float | None = None,
    **options: Any,
) -> Model:
    """Load a pretrained model of another library as a fitted estimator.

    `partial_fit` continues its training; `fit` starts from scratch.

    Parameters
    ----------
    path : str, path-like or Checkpoint
        Files, or a checkpoint, folded or not. A `Transcoder` takes transcoders, autoencoders with a
        skip connection, and models of Gemma Scope with as many outputs as inputs, whose files do
        not say which of the two they are. A `SparseAutoencoder` takes all other autoencoders.
    format : str or None, default=None
        Format of the files, as `sparsecode.interop.read_checkpoint` takes it.
    input_scale : float or None, default=None
        Factor of the inputs in training, as `read_checkpoint` takes it.
    **options : dict
        Other keywords of `read_checkpoint`, such as `fold_norms`, `dict_class` and `max_bytes`, and
        parameters of the estimator, except those that the file determines: `n_components`,
        `encoder` and `skip`.

    Returns
    -------
    model : SparseAutoencoder or Transcoder
        The `penalty_` of an autoencoder has weight 0, because files do not contain the weight used
        in training. An autoencoder with the layer norm of SAELens or OpenAI has
        ``scale_inputs="layer_norm"``.

    Raises
    ------
    ValueError
        If the model does not belong to this estimator, if it scales each sample to the same norm
        (``constant_norm_rescale`` of SAELens), or if it cannot be read.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from sparsecode import SparseAutoencoder
    >>> from sparsecode.interop import Checkpoint, write_checkpoint
    >>> folder = tempfile.mkdtemp()
    >>> checkpoint = Checkpoint("TopK", W=np.eye(3), atoms=np.eye(3), k=1)
    >>> write_checkpoint(checkpoint, folder, "sparsify")
    >>> SparseAutoencoder.from_pretrained(folder).transform([[1.0, 3.0, 2.0]])
    array([[0., 3., 0.]])
    """
    reading = {name: options.pop(name) for name in sorted(_READING & options.keys())}
    checkpoint = path
    if not isinstance(path, Checkpoint):
        checkpoint = read_checkpoint(path, format, input_scale=input_scale, **reading)
    elif reading or input_scale is not None or format is not None:
        raise ValueError(
            "format, input_scale or another keyword for reading files is given with a Checkpoint; "
            "expected a path. Give these keywords to read_checkpoint."
        )
    return cls._of_checkpoint(checkpoint.fold(), options)


@classmethod
def autoencoder_of(cls, checkpoint, settings):
    """Return a fitted `SparseAutoencoder` with the weights of a folded checkpoint."""
    name = checkpoint.architecture
    if checkpoint.transcoder:
        raise ValueError(
            f"the checkpoint of {name} is a transcoder, whose output is not its input; expected "
            "an autoencoder. Use Transcoder.from_pretrained."
        )
    if checkpoint.W_skip is not None:
        raise ValueError(
            f"the checkpoint of {name} is an autoencoder with a skip connection, W_skip; expected "
            "an autoencoder without it. Use Transcoder.from_pretrained, which reads W_skip."
        )
    normalizes = checkpoint.input_norm == LAYER_NORM
    if normalizes:
        settings = {"scale_inputs": LAYER_NORM, **settings}
        if not is_layer_norm(settings["scale_inputs"]):
            raise ValueError(
                f"scale_inputs is {shown(settings['scale_inputs'])} but the checkpoint of {name} "
                "normalises each sample; expected 'layer_norm'. Leave scale_inputs out."
            )
    else:
        _refuse_standardized(checkpoint)
    encoder, dictionary = _parts_of(checkpoint)
    estimator = cls(dictionary.n_components, encoder=encoder.bind(None), **settings)
    scaling = InputScaling(layer_norm=normalizes)
    estimator._hold(FittedModel(encoder, dictionary, L1(0.0), scaling))
    return estimator


@classmethod
def transcoder_of(cls, checkpoint, settings):
    """Return a fitted `Transcoder` with the weights of a folded checkpoint."""
    checkpoint = _as_transcoder(checkpoint)
    encoder, dictionary = _parts_of(checkpoint)
    skip = checkpoint.W_skip
    estimator = cls(
        dictionary.n_components, skip=skip is not None, encoder=encoder.bind(None), **settings
    )
    plan = estimator._plan(None)
    params = encoder.params if skip is None else {**encoder.params, "skip": skip.T}
    reader = InputEncoder(plan.encoder, checkpoint.n_features, skip is not None).bind(params)
    estimator._start(FittedModel(reader, dictionary, judging_penalty(plan.loss)))
    estimator.n_features_in_, estimator._is_flat = checkpoint.n_features, False
    return estimator


def _parts_of(checkpoint):
    """Encoder with its parameters, and dictionary, of a folded checkpoint."""
    names = ("k",)
    if checkpoint.architecture == "MatchingPursuit":
        names = ("k", "min_residual", "repeats")
    settings = {name: getattr(checkpoint, name) for name in names}
    settings = {name: value for name, value in settings.items() if value is not None}
    encoder = getattr(encoders, checkpoint.architecture)(**settings)
    dictionary = Dictionary(checkpoint.atoms, checkpoint.offset)
    params = {name: np.array(array) for name, array in checkpoint.params.items()}
    # Parameters that a file may leave open, such as a threshold, are as they are at the start.
    reader = InputEncoder(encoder, checkpoint.n_features)
    missing = reader._shapes(dictionary).keys() - params.keys()
    if missing:
        initial = reader.init(dictionary, random_state=0)
        params |= {name: initial[name] for name in missing}
    return encoder.bind(params), dictionary


def _as_transcoder(checkpoint):
    """Return the checkpoint as that of a transcoder, if possible.

    Files of Gemma Scope with as many outputs as inputs can be either. An autoencoder with a skip
    connection is a transcoder whose targets are its samples.
    """
    if checkpoint.transcoder:
        return checkpoint
    untold = checkpoint.metadata.get("format") == "gemma_scope" and checkpoint.input_norm == "none"
    if not untold and checkpoint.W_skip is None:
        raise ValueError(
            f"{checkpoint!r} is an autoencoder; expected a transcoder, whose output is not its "
            "input. Use SparseAutoencoder.from_pretrained."
        )
    _refuse_standardized(checkpoint)
    return dataclasses.replace(subtracting(checkpoint, False), transcoder=True)


def _refuse_standardized(checkpoint):
    if checkpoint.input_norm != "none":
        raise ValueError(
            f"the checkpoint of {checkpoint.architecture} has "
            f"input_norm={checkpoint.input_norm!r}, which scales each sample by its own "
            "statistics; expected 'none'. Read it with sparsecode.interop.read_checkpoint, and "
            "call standardize of the checkpoint."
        )
