"""TopK encoders: a fixed number of active units for each sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode.encoders._linear import LinearEncoder
from sparsecode.encoders._scheduled import ScheduledCount
from sparsecode.ops import topk_forward
from sparsecode.ops._largest import largest_entries


@dataclass(eq=False)
class TopK(ScheduledCount, LinearEncoder):
    """TopK: keep the `k` largest positive entries of ``(x - offset) @ W.T + b``.

    All other entries are 0. This is the k-sparse autoencoder: it sets the number of nonzeros
    instead of the weight of a penalty, and does not shrink codes. Training uses no dense codes and
    no dense gradients. Among equal entries the first ones are kept.

    Parameters
    ----------
    k : int or callable, default=8
        Largest number of nonzeros of a sample. There are fewer if fewer entries are positive. A
        schedule of `sparsecode.schedules`, such as ``Linear(100, 25, n_steps)``, gives it for each
        step of training, rounded; `encode` uses its last value.
    tied : bool, default=False
        Whether the encoder is tied: `W` is the atoms of the dictionary, not a parameter.
    initial_bias : float, default=0.0
        Initial value of `b`.
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (n_components, n_features), unless tied, and ``"b"`` of shape
        (n_components,). None takes those of `init`: the atoms and the bias.

    Raises
    ------
    ValueError
        By every method, if `k` is more than the atoms of the dictionary.

    References
    ----------
    A. Makhzani and B. Frey, "k-sparse autoencoders", 2013. L. Gao et al., "Scaling and evaluating
    sparse autoencoders", 2024.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import TopK
    >>> TopK(k=1).encode([[2.0, 3.0]], Dictionary([[1.0, 0.0], [0.0, 1.0]]))
    array([[0., 3.]])
    """

    k: int | Callable[[int], float] = 8

    is_sparse: ClassVar[bool] = True
    sparse_codes: ClassVar[bool] = True
    active_setting: ClassVar[str | None] = "k"
    _signed: ClassVar[bool] = False

    def _activate(self, A, params):
        topk_forward(A, k=min(self._k, A.shape[1]), signed=self._signed, out=A)

    def _entries(self, A, params):
        return largest_entries(A, min(self._k, A.shape[1]), self._signed)

    def _derive(self, dcodes, codes, params):
        return dcodes * (codes != 0)

    def _check_parameters(self):
        super()._check_parameters()
        self._check_count()

    def _shapes(self, dictionary):
        self._check_size(dictionary)
        return super()._shapes(dictionary)

    def _initial(self, dictionary, random_state):
        self._check_size(dictionary)
        return super()._initial(dictionary, random_state)


@dataclass(eq=False)
class AbsTopK(TopK):
    """AbsTopK: keep the `k` largest entries of ``(x - offset) @ W.T + b`` in magnitude.

    All other entries are 0. It is `TopK` for codes of both signs: one unit represents a feature and
    its opposite, for which `TopK` needs two units. Training uses no dense codes and no dense
    gradients. Among entries of equal magnitude the first ones are kept.

    Parameters
    ----------
    k : int or callable, default=8
        Largest number of nonzeros of a sample, or a schedule of it, see `TopK`.
    tied : bool, default=False
        Whether the encoder is tied: `W` is the atoms of the dictionary, not a parameter.
    initial_bias : float, default=0.0
        Initial value of `b`.
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (n_components, n_features), unless tied, and ``"b"`` of shape
        (n_components,). None takes those of `init`: the atoms and the bias.

    Raises
    ------
    ValueError
        By every method, if `k` is more than the atoms of the dictionary.

    References
    ----------
    X. Zhu, M. Khalili and Z. Zhu, "AbsTopK: rethinking sparse autoencoders for bidirectional
    features", 2025.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import AbsTopK
    >>> AbsTopK(k=1).encode([[2.0, -3.0]], Dictionary([[1.0, 0.0], [0.0, 1.0]]))
    array([[ 0., -3.]])
    """

    bounds: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    _signed: ClassVar[bool] = True
