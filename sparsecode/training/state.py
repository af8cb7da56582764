"""Training states: checkpoints to resume from, with the best parameters so far."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sparsecode import _serialization
from sparsecode._array_files import ended, parsed, part, read_arrays, write_arrays
from sparsecode._reading.refusal import Refused
from sparsecode._typing import PathLike
from sparsecode._validation import check_integer
from sparsecode.dictionary import Dictionary

if TYPE_CHECKING:
    from sparsecode.encoders.base import Encoder
    from sparsecode.encoders.trainable import TrainableEncoder

_FORMAT = "sparsecode.TrainingState"
_NUMBERS = ("n_epochs", "n_steps", "stage", "n_stage_epochs", "n_waited", "best_loss", "seed")
_FOLDERS = ("params", "best_params", "optimizer", "memory", "history")


@dataclass(frozen=True)
class TrainingState:
    """State of training after an epoch: a checkpoint to resume from; later steps do not change it.

    Attributes
    ----------
    architecture : str
        Name of the class of the encoder.
    method : str
        Name of the class of the optimizer.
    params : dict of str to ndarray
        Parameters of the encoder after the epoch.
    dictionary : Dictionary
        Dictionary after the epoch; the given one, unless it is learned.
    best_params : dict of str to ndarray
        Parameters with the lowest loss so far in this stage. It is the loss of the validation
        samples or, without these, the mean loss of an epoch.
    best_dictionary : Dictionary
        Dictionary of the same epoch.
    best_loss : float
    optimizer : dict of str to ndarray
        State of the optimizer.
    memory : dict of str to ndarray
        Arrays that the loss keeps from batch to batch. If activations are counted,
        ``"activity.idle"`` is the number of samples since each unit was last active.
    n_epochs, n_steps : int
        Epochs and steps so far.
    stage, n_stage_epochs : int
        Stage of training, from 0, and epochs in it so far.
    n_waited : int
        Epochs in this stage since the loss last fell enough.
    seed : int
        Seed of the order of the samples in every epoch.
    history : dict of str to list of float
        Lists with one entry for each epoch: `loss` and its terms, `validation` if there are
        validation samples, `grad_norm` (the mean, before clipping), `lr` of the last step,
        `n_layers` (0 is all) and `seconds` since the start. Some terms add entries, such as
        `mean_activation`. If activations are counted, there are the shares of `dead` units and of
        `dense` units, which are active for more than a tenth of the samples, and the number of
        `replaced` units.
    """

    architecture: str
    method: str
    params: dict[str, Any]
    dictionary: Dictionary
    best_params: dict[str, Any]
    best_dictionary: Dictionary
    optimizer: dict[str, Any] = field(repr=False)
    best_loss: float = np.inf
    n_epochs: int = 0
    n_steps: int = 0
    stage: int = 0
    n_stage_epochs: int = 0
    n_waited: int = 0
    seed: int = 0
    history: dict[str, Any] = field(default_factory=dict, repr=False)
    memory: dict[str, Any] = field(default_factory=dict, repr=False)

    def save(self, path: PathLike) -> None:
        """Write the state to a ``.safetensors`` or ``.npz`` file, whole or not at all.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        ValueError
            If the suffix of `path` is another one.
        OSError
            If the file cannot be written.
        """
        arrays = {
            f"{folder}/{name}": array
            for folder in _FOLDERS
            for name, array in getattr(self, folder).items()
        }
        for prefix, dictionary in (("", self.dictionary), ("best_", self.best_dictionary)):
            arrays[f"{prefix}dictionary/atoms"] = dictionary.atoms
            if dictionary.offset is not None:
                arrays[f"{prefix}dictionary/offset"] = dictionary.offset
        header = {
            "version": "1",
            "architecture": self.architecture,
            "method": self.method,
            "constraint": json.dumps(_serialization.describe(self.dictionary.constraint)),
            "numbers": json.dumps({name: getattr(self, name) for name in _NUMBERS}),
            # An empty history has no arrays, and the terms have an order.
            "history": json.dumps(list(self.history)),
        }
        write_arrays(path, arrays, header, format=_FORMAT)

    @classmethod
    def load(
        cls,
        path: PathLike,
        encoder: TrainableEncoder | None = None,
        *,
        max_bytes: int | None = None,
    ) -> Self:
        """Read a state that `save` wrote; nothing in the file is executed.

        Parameters
        ----------
        path : str or path-like
        encoder : TrainableEncoder or None, default=None
            Encoder that the state must belong to. None accepts any architecture.
        max_bytes : int or None, default=None
            Largest size of an unpacked compressed file, in bytes. None is 64 MiB or 20 times the
            size of the file, whichever is more.

        Returns
        -------
        state : TrainingState

        Raises
        ------
        ValueError
            If the file is not a saved state, is one of another architecture, or would unpack to
            more than `max_bytes`.
        FileNotFoundError, OSError
            If there is no such file, or it cannot be read.
        """
        state = read_arrays(
            path, cls._build, format=_FORMAT, wrong_contents=_not_a_state, max_bytes=max_bytes
        )
        if encoder is not None:
            state.check_architecture(encoder, f"{path} holds a state")
        return state

    def check_architecture(self, encoder: Encoder, subject: str = "the state is one") -> None:
        """Raise ValueError if this is the state of another class of encoders."""
        if self.architecture != type(encoder).__name__:
            raise ValueError(
                f"{subject} of {self.architecture}; expected one of {type(encoder).__name__}. "
                f"Continue with {self.architecture}, or train from the start."
            )

    @classmethod
    def _build(cls, arrays, header):
        folders = {name: {} for name in (*_FOLDERS, "dictionary", "best_dictionary")}
        for path, array in arrays.items():
            folder, _, name = path.partition("/")
            if folder not in folders:
                raise Refused(f"it has an array named {path[:80]!r}")
            folders[folder][name] = array
        constraint = _serialization.rebuild(parsed(part(header, "constraint")))
        for name in ("dictionary", "best_dictionary"):
            parts = folders[name]
            folders[name] = Dictionary(part(parts, "atoms"), parts.get("offset"), constraint)
        names = parsed(part(header, "history"), list)
        folders["history"] = {name: part(folders["history"], name).tolist() for name in names}
        numbers = parsed(part(header, "numbers"))
        texts = {name: part(header, name) for name in ("architecture", "method")}
        if not all(isinstance(text, str) for text in texts.values()):
            raise Refused("its architecture or its method is not a name")
        return cls(**texts, **folders, **_checked(numbers))


def _checked(numbers):
    """Numbers of a state: counts, and the best loss."""
    found = {name: part(numbers, name) for name in _NUMBERS}
    for name, value in found.items():
        if name != "best_loss":
            found[name] = check_integer(value, name, low=0)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise Refused(f"its best_loss is {str(value)[:80]!r}; expected a number")
    return found


def _not_a_state(path, reason):
    return ValueError(
        f"{path} is not a saved state of training: {ended(reason)} "
        "Give a file that TrainingState.save wrote."
    )
