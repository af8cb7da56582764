"""Between checkpoints of other libraries and fitted autoencoders."""

from __future__ import annotations

import numpy as np

from sparsecode.dictionary import Dictionary
from sparsecode.estimators._pretrained import pretrained_encoder
from sparsecode.estimators._sparsity import resumed_penalty
from sparsecode.estimators._units import rescale_penalty
from sparsecode.interop import Checkpoint
from sparsecode.interop._checkpoint import ARCHITECTURES
from sparsecode.losses._output import check_output
from sparsecode.penalties import L1


def to_model(checkpoint, cls):
    """A fitted autoencoder of class `cls` that computes what a folded checkpoint does."""
    name = checkpoint.architecture
    if checkpoint.transcoder:
        raise ValueError(
            f"the checkpoint of {name} is one of a transcoder, whose output is not its input; "
            "expected an autoencoder. Use Transcoder.from_pretrained."
        )
    if checkpoint.W_skip is not None:
        raise ValueError(
            f"the checkpoint of {name} is an autoencoder with a linear map past its codes, W_skip; "
            "expected one without. Use Transcoder.from_pretrained, which has such a map."
        )
    if checkpoint.input_norm != "none":
        raise ValueError(
            f"the checkpoint of {name} has input_norm={checkpoint.input_norm!r}, which scales each "
            "sample by its own statistics; expected 'none'. Read it with "
            "sparsecode.interop.read_checkpoint, whose standardize does this."
        )
    params = {key: np.array(array) for key, array in checkpoint.params.items()}
    encoder = pretrained_encoder(checkpoint)
    dictionary = Dictionary(checkpoint.atoms, checkpoint.offset)
    # What a file may leave open, such as a threshold, is as it is at the start.
    missing = encoder._shapes(dictionary).keys() - params.keys()
    if missing:
        initial = encoder.init(dictionary, random_state=0)
        params |= {key: initial[key] for key in missing}
    model = cls(dictionary.n_components, encoder=encoder)
    return fitted(model, encoder.bind(params), dictionary, L1(0.0))


def fitted(
    model,
    encoder,
    dictionary,
    penalty,
    *,
    input_scale=1.0,
    debiases=False,
    sparsity_weight=None,
    output=None,
):
    """Make an estimator one that is fitted, with these parts and no history."""
    model.encoder_, model.dictionary_, model.penalty_ = encoder, dictionary, penalty
    model.input_scale_, model.debiases_ = input_scale, debiases
    model.output_ = check_output(output)
    model.n_features_in_ = dictionary.n_features
    # What a target starts from in further training.
    model.sparsity_weight_ = sparsity_weight
    model._found = resumed_penalty(rescale_penalty(penalty, input_scale), sparsity_weight)
    model.state_, model.history_, model.n_iter_, model.n_epochs_ = None, {}, 0, 0
    return model


def to_checkpoint(model):
    """The checkpoint of a fitted autoencoder."""
    name = type(model.encoder_).__name__
    if name not in ARCHITECTURES:
        raise ValueError(
            f"the encoder is {name}; expected one that other libraries have: "
            f"{', '.join(ARCHITECTURES)}. Use save() to keep the model."
        )
    if model.debiases_:
        raise ValueError(
            "coefficients of the model are fitted by least squares, for which other libraries have "
            "no words; expected a model without. Refine it by 'decoder' or 'scale' instead."
        )
    pursuit = name == "MatchingPursuit"
    arrays = {} if pursuit else dict(model.encoder_.untie(model.dictionary_).params)
    if "log_threshold" in arrays:
        arrays["threshold"] = np.exp(arrays.pop("log_threshold"))
    if np.ndim(arrays.get("threshold", ())) == 0 and np.isnan(arrays.get("threshold", 0.0)):
        del arrays["threshold"]
    if hasattr(model.encoder_, "k"):
        arrays["k"] = model.encoder_.k
    dictionary = model.dictionary_
    if pursuit:
        arrays |= _pursuit(model.encoder_, dictionary)
    return Checkpoint(name, atoms=dictionary.atoms, offset=dictionary.offset, **arrays)


def _pursuit(encoder, dictionary):
    """What a checkpoint of matching pursuit has besides its steps."""
    if not encoder.positive:
        raise ValueError(
            "the encoder is MatchingPursuit(positive=False); expected positive=True, as other "
            "libraries have no codes of either sign. Use save() to keep the model."
        )
    settings = {name: getattr(encoder, name) for name in ("min_residual", "repeats")}
    return {"W": dictionary.atoms, **settings}
