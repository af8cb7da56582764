"""Base class of the losses: a value, its terms, and gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from sparsecode._parameters import Parameterized
from sparsecode._typing import MatrixLike

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary


class Nothing(Mapping[str, Any]):
    """An immutable empty mapping that can be pickled."""

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "{}"

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Mapping) and not other

    __hash__: ClassVar[None] = None


NOTHING = Nothing()


class LossResult(NamedTuple):
    """A loss of a batch, and its gradients.

    Attributes
    ----------
    value : float
    terms : dict of str to float
        Summands of `value` by name.
    dcodes : ndarray of shape (n_samples, n_components)
        Gradient of `value` in the codes.
    grads : dict of str to ndarray
        Gradients in the dictionary if they were requested: `atoms`, of shape (n_components,
        n_features), and `offset`, of shape (n_features,), if the dictionary has one. Empty if the
        loss does not depend on the dictionary. The gradient in the atoms of an autoencoder is a
        `RowGradient`.
    dsignals : dict of str to ndarray or csr_array
        Gradients in the signals of the encoder that the loss uses; see `LossContext`.
    reports : dict of str to float
        Further entries for the history of training.
    """

    value: float
    terms: dict[str, Any]
    dcodes: np.ndarray
    grads: dict[str, Any]
    dsignals: Mapping[str, Any] = NOTHING
    reports: Mapping[str, Any] = NOTHING


class LossContext(NamedTuple):
    """Further inputs of a loss besides samples and codes.

    Attributes
    ----------
    step : int
        Number of training steps so far. Weights may depend on it.
    signals : dict of str to ndarray
        Intermediate arrays of the encoder that the loss `needs`.
    memory : dict of str to ndarray
        Arrays that the loss keeps from batch to batch, made by its `init`. They are changed in
        place, in training only.
    training : bool
        Whether the loss is evaluated for a training step.
    target : ndarray of shape (n_samples, n_features) or None
        Target of the reconstruction minus the offset. It is set for the terms of a loss.
    error : ndarray of shape (n_samples, n_features) or None
        Reconstruction minus `target`, each row times the share of its sample. It is set for the
        terms of a loss.
    reports : dict of str to float
        Entries for the history, added by the terms of a loss.
    """

    step: int = 0
    signals: Mapping[str, Any] = NOTHING
    memory: Mapping[str, Any] = NOTHING
    training: bool = False
    target: np.ndarray | None = None
    error: np.ndarray | None = None
    reports: Mapping[str, Any] = NOTHING


class Loss(Parameterized, BaseEstimator):
    """Base of the losses: a dataclass that defines `evaluate`.

    Attributes
    ----------
    uses_target : bool
        Whether the loss compares with a target for each sample.
    takes_sparse : bool
        Whether `codes` may be a CSR array. The gradient then has the same entries.
    is_constant : bool
        Whether the loss is the same function at every step, so that values can be compared.
    is_mean : bool
        Whether the loss is a mean over samples, without memory of batches: that of a batch is then
        the mean of those of its parts.
    """

    uses_target: ClassVar[bool] = False
    takes_sparse: ClassVar[bool] = False
    is_constant: ClassVar[bool] = True
    is_mean: ClassVar[bool] = False

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the signals of the encoder that the loss uses."""
        return ()

    @property
    def sorts_units(self) -> bool:
        """Whether training changes the order of the units; see `unit_order`."""
        return False

    def unit_order(self, n_steps: int, memory: dict[str, np.ndarray]) -> np.ndarray | None:
        """Return the order that units get after a step of training, or None to keep it.

        Parameters
        ----------
        n_steps : int
            Number of steps so far.
        memory : dict of str to ndarray
            Memory of the loss, which may be changed in place.

        Returns
        -------
        order : ndarray of shape (n_components,) or None
            Present positions of the units, in their new order.
        """
        return None

    def init(self, dictionary: Dictionary) -> dict[str, np.ndarray]:
        """Return the memory of the loss before the first batch: a dict of arrays."""
        return {}

    def check_encoder(self, encoder: Any) -> None:
        """Raise if the loss is not suitable for an encoder."""

    def __call__(
        self,
        X: MatrixLike,
        dictionary: Dictionary,
        codes: MatrixLike,
        target: np.ndarray | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[float, dict[str, float], np.ndarray]:
        """Return the value, the terms, and the gradient in the codes; see `evaluate`."""
        return self.evaluate(X, dictionary, codes, target, sample_weight)[:3]

    def evaluate(
        self,
        X: np.ndarray,
        dictionary: Dictionary,
        codes: np.ndarray,
        target: np.ndarray | None = None,
        sample_weight: np.ndarray | None = None,
        *,
        dictionary_grads: bool = False,
        context: LossContext | None = None,
    ) -> LossResult:
        """Compute the loss of a batch and its gradients.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        dictionary : Dictionary
        codes : ndarray of shape (n_samples, n_components)
        target : ndarray of shape (n_samples, n_targets) or None, default=None
        sample_weight : ndarray of shape (n_samples,) or None, default=None
            Weight of each sample in the mean; None is 1 each.
        dictionary_grads : bool, default=False
            Whether to compute the gradients in atoms and offset too.
        context : LossContext or None, default=None
            Further inputs. None has no signals and no memory, and step 0.

        Returns
        -------
        result : LossResult
        """
        raise TypeError(f"{type(self).__name__} does not define evaluate; every Loss must.")
