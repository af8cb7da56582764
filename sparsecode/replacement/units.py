"""Replacement (resampling) of dead units of an autoencoder during training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator

from sparsecode._messages import shown, wrong
from sparsecode._parameters import Parameterized
from sparsecode._validation import check_integer, check_number
from sparsecode._values import check_option
from sparsecode.encoders._linear import LinearEncoder
from sparsecode.encoders.refined import Refined

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.encoders.base import Encoder

_SOURCES = ("loss", "random")


class NewUnits(NamedTuple):
    """New atoms and encoder parameters of replaced units.

    Attributes
    ----------
    units : ndarray of int of shape (n_units,)
    atoms : ndarray of shape (n_units, n_features)
    params : dict of str to ndarray
        New rows of the encoder parameters that have one row for each unit.
    """

    units: np.ndarray
    atoms: np.ndarray
    params: dict[str, Any]


@dataclass
class ReplaceUnits(Parameterized, BaseEstimator):
    """Replace dead units by badly reconstructed samples, at regular steps of training.

    Also known as resampling of dead neurons or latents. For each dead unit a sample of the batch is
    drawn, with a probability proportional to the square of its loss. The direction of this sample
    is the new atom and, with a smaller norm, the new row of the encoder. All other parameters of
    the unit, such as its bias, are those of the encoder's `init`. The optimizer resets its averages
    of these rows. Each unit gets a different sample; if there are more dead units than samples in
    the batch, the others wait. The encoder must be a `LinearEncoder`, tied or not, or a
    `Refined` one. The dictionary must be learned. Targets are not possible, because samples are
    used as atoms.

    Parameters
    ----------
    every : int, default=25_000
        Number of steps from one replacement to the next.
    dead_window : int, default=100_000
        Number of samples in a row without an activation after which a unit counts as dead.
    scale : float, default=0.2
        Norm of the new rows of the encoder, as a multiple of the mean norm of the rows of live
        units. Short rows hardly disturb the other units, which suits units with a threshold, such
        as those of `ReLU`. Use 1 for `TopK`, `AbsTopK` and `BatchTopK`, which keep only the largest
        entries: units with short rows are seldom among these and soon dead again. A tied encoder
        has the atoms as its rows, whatever `scale` is.
    source : {"loss", "random"}, default="loss"
        Directions of the new atoms. ``"loss"`` draws samples by their loss, and ``"random"`` draws
        Gaussian directions.
    n_times : int or None, default=None
        Largest number of replacements: there are none after step ``n_times * every``. None sets no
        limit.

    References
    ----------
    T. Bricken et al., "Towards monosemanticity: decomposing language models with dictionary
    learning", 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import ReLU
    >>> from sparsecode.losses import AutoencoderLoss
    >>> from sparsecode.replacement import ReplaceUnits
    >>> from sparsecode.training import train
    >>> X = np.random.default_rng(0).standard_normal((100, 4))
    >>> dictionary, encoder = Dictionary.random(6, 4, random_state=0), ReLU()
    >>> params = encoder.init(dictionary)
    >>> params["b"][:2] = -100.0
    >>> *_, last = train(
    ...     encoder.bind(params), dictionary, X, loss=AutoencoderLoss(), batch_size=50,
    ...     learn_dictionary=True, replacement=ReplaceUnits(every=5, dead_window=100),
    ...     random_state=0,
    ... )
    >>> sum(last.history["replaced"]), last.history["dead"][-1]
    (2.0, 0.0)
    """

    every: int = 25_000
    dead_window: int = 100_000
    scale: float = 0.2
    source: str = "loss"
    n_times: int | None = None

    def checked(self) -> Self:
        """Return the policy, if its numbers are in their ranges."""
        check_integer(self.every, "every")
        check_integer(self.dead_window, "dead_window")
        check_number(self.scale, "scale", low=0, low_open=True)
        if self.n_times is not None:
            check_integer(self.n_times, "n_times")
        check_option(self.source, "source", _SOURCES)
        return self

    def is_due(self, n_steps: int) -> bool:
        """Whether units are replaced after this number of training steps."""
        n_times, rest = divmod(n_steps, self.every)
        return n_times > 0 and rest == 0 and (self.n_times is None or n_times <= self.n_times)

    def draw(
        self,
        dead: np.ndarray,
        encoder: LinearEncoder,
        params: dict[str, np.ndarray],
        dictionary: Dictionary,
        X: np.ndarray,
        losses: np.ndarray,
        rng: np.random.Generator,
    ) -> NewUnits:
        """Draw new atoms and encoder parameters for dead units.

        Parameters
        ----------
        dead : ndarray of int of shape (n_dead,)
        encoder : LinearEncoder
        params : dict of str to ndarray
            Parameters of the encoder.
        dictionary : Dictionary
        X : ndarray of shape (n_samples, n_features)
            Samples to draw from.
        losses : ndarray of shape (n_samples,)
            Squared reconstruction error of each sample. A sample with an error of 0 is never drawn.
        rng : Generator

        Returns
        -------
        new : NewUnits
        """
        if self.source == "random":
            rows = rng.standard_normal((len(dead), dictionary.n_features))
        else:
            x = dictionary.center(X)
            rows = x[_drawn(len(dead), x, losses, rng)]
        units, rows = dead[: len(rows)], rows.astype(dictionary.dtype)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        atoms = np.array(dictionary.atoms)
        atoms[units] = dictionary.constraint.project(rows)
        seed = int(rng.integers(np.iinfo(np.int32).max))
        fresh = encoder.init(dictionary.replace(atoms=atoms), random_state=seed)
        changed = {
            name: fresh[name][units]
            for name, param in params.items()
            if name not in encoder.buffers and param.shape[:1] == (dictionary.n_components,)
        }
        if "W" in changed:
            norms = np.linalg.norm(params["W"], axis=1)
            alive = np.delete(norms, dead)
            changed["W"] = rows * norms.dtype.type(
                self.scale * (alive if len(alive) else norms).mean()
            )
        return NewUnits(units, atoms[units], changed)


def _drawn(n_wanted, x, losses, rng):
    """Draw different samples, with probabilities proportional to their squared losses."""
    losses = np.where((x != 0).any(axis=1), losses, 0).astype(np.float64)
    chances = (losses / max(losses.max(initial=0), np.finfo(np.float64).tiny)) ** 2
    # If one loss exceeds the others by far, their probabilities underflow to 0.
    chances[chances < np.finfo(np.float64).eps] = 0
    n_drawn = min(n_wanted, np.count_nonzero(chances))
    if n_drawn == 0:
        return np.empty(0, dtype=np.int64)
    return rng.choice(len(x), size=n_drawn, replace=False, p=chances / chances.sum())


def check_replacement(replacement: Any, encoder: Encoder) -> Any:
    """Return the policy, or None, if it fits the encoder."""
    if replacement is None:
        return None
    if not isinstance(replacement, ReplaceUnits):
        raise TypeError(
            wrong(
                "replacement",
                got=shown(replacement),
                expected="a ReplaceUnits policy, an instance, or None",
                remedy="Use ReplaceUnits(), or replacement=None to leave dead units as they are.",
            )
        )
    if not isinstance(encoder, LinearEncoder | Refined):
        raise TypeError(
            f"replacement is given but {type(encoder).__name__} has no row of weights for each "
            "unit; expected an encoder such as ReLU or TopK. Leave replacement out."
        )
    return replacement.checked()
