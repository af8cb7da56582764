"""Checkpoints of other libraries, read as fitted autoencoders and made of them.

`from_pretrained` and `to_checkpoint` are methods of `SparseAutoencoder`.
"""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sparsecode.dictionary import Dictionary
from sparsecode.estimators._fitted_model import FittedModel
from sparsecode.estimators._pretrained import pretrained_encoder
from sparsecode.interop import Checkpoint, read_checkpoint
from sparsecode.interop._checkpoint import ARCHITECTURES
from sparsecode.penalties import L1


def from_pretrained(cls, path, format=None, *, input_scale=None, **options):
    """Read an autoencoder that another library trained, as a fitted one.

    Parameters
    ----------
    path : str, path-like or Checkpoint
    format : str or None, default=None
    input_scale : float or None, default=None
        These three as `sparsecode.interop.read_checkpoint` takes them.
    **options : dict
        Its other keywords: `fold_norms`, `dict_class` and `max_bytes`.

    Returns
    -------
    model : SparseAutoencoder
        With a `penalty_` of weight 0, as the files do not tell that of the training.

    Raises
    ------
    ValueError
        If it is a transcoder, scales each sample by its own statistics, or cannot be read.

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
    if not isinstance(path, Checkpoint):
        path = read_checkpoint(path, format, input_scale=input_scale, **options)
    elif options or input_scale is not None or format is not None:
        raise ValueError(
            "format, input_scale or another keyword is given with a Checkpoint; expected a "
            "path, as they tell how a file is read. Give them to read_checkpoint."
        )
    return _to_model(path.fold(), cls)


def _to_model(checkpoint, cls):
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
    estimator = cls(dictionary.n_components, encoder=encoder)
    estimator._hold(FittedModel(encoder.bind(params), dictionary, L1(0.0)))
    return estimator


def to_checkpoint(self):
    """Return the model in the form that `sparsecode.interop` writes for other libraries.

    Returns
    -------
    checkpoint : Checkpoint

    Raises
    ------
    ValueError
        If other libraries have no such encoder, coefficients are fitted by least squares, or
        the decoder has an output activation.
    """
    check_is_fitted(self)
    model = self._model
    model.check_linear("a checkpoint of other libraries")
    name = type(model.encoder).__name__
    if name not in ARCHITECTURES:
        raise ValueError(
            f"the encoder is {name}; expected one that other libraries have: "
            f"{', '.join(ARCHITECTURES)}. Use save() to keep the model."
        )
    if model.debias:
        raise ValueError(
            "coefficients of the model are fitted by least squares, for which other libraries have "
            "no words; expected a model without. Refine it by 'decoder' or 'scale' instead."
        )
    pursuit = name == "MatchingPursuit"
    arrays = {} if pursuit else dict(model.encoder.untie(model.dictionary).params)
    if "log_threshold" in arrays:
        arrays["threshold"] = np.exp(arrays.pop("log_threshold"))
    if np.ndim(arrays.get("threshold", ())) == 0 and np.isnan(arrays.get("threshold", 0.0)):
        del arrays["threshold"]
    if hasattr(model.encoder, "k"):
        arrays["k"] = model.encoder.k
    dictionary = model.dictionary
    if pursuit:
        arrays |= _pursuit(model.encoder, dictionary)
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
