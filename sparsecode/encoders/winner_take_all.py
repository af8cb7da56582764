"""Winner-take-all encoder, with lifetime and population sparsity."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from sparsecode._messages import wrong
from sparsecode._validation import check_integer, check_number
from sparsecode.encoders import _linear
from sparsecode.encoders._linear import LinearEncoder
from sparsecode.encoders._scheduled import check_k
from sparsecode.ops import lifetime_topk_forward, relu_forward, topk_forward


@dataclass(eq=False)
class WinnerTakeAll(LinearEncoder):
    """Winner-take-all encoder: a rectified affine map, of which training keeps the largest entries.

    Lifetime sparsity keeps the largest entries of each unit over the samples of a batch, so that
    every unit learns from some samples and no unit can die. It is used in training only, because a
    code must not depend on other samples; without population sparsity, `encode` is the plain
    rectifier. Population sparsity keeps the largest units of each sample, like `TopK`, in training
    and in `encode`. If both are used, population sparsity is applied first. No penalty is needed.
    Among equal entries the first ones are kept.

    Parameters
    ----------
    lifetime : float or None, default=0.05
        Share of the samples of a batch for which a unit is kept, at least one sample. None is no
        lifetime sparsity.
    population : int, float or None, default=None
        Number of units that are kept for a sample; a float is a share of all units, at least one
        unit. None is no population sparsity.
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
        By every method, if a share is not above 0 and at most 1, `population` is more than the
        atoms of the dictionary, or both are None.

    References
    ----------
    A. Makhzani and B. Frey, "Winner-take-all autoencoders", 2015.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import WinnerTakeAll
    >>> dictionary = Dictionary([[1.0, 0.0], [0.0, 1.0]])
    >>> X = [[1.0, 4.0], [2.0, 3.0]]
    >>> encoder = WinnerTakeAll(lifetime=0.5)
    >>> encoder.encode(X, dictionary)
    array([[1., 4.],
           [2., 3.]])
    >>> encoder.forward(encoder.init(dictionary), X, dictionary, training=True)[0]
    array([[0., 4.],
           [2., 0.]])
    """

    lifetime: float | None = 0.05
    population: int | float | None = None

    is_sparse: ClassVar[bool] = True
    sparse_codes: ClassVar[bool] = True
    _adapts: ClassVar[bool] = True
    depends_on_batch: ClassVar[bool] = True

    @property
    def active_setting(self) -> str | None:
        """``"population"``, or None without population sparsity."""
        return None if self.population is None else "population"

    def _activate(self, A, params):
        if self.population is None:
            relu_forward(A, out=A)
        else:
            topk_forward(A, k=self._n_units(A.shape[1]), out=A)

    def _derive(self, dcodes, codes, params):
        return dcodes * (codes > 0)

    def _codes(self, params, products, training, is_sparse, signals):
        if not training or self.lifetime is None:
            return super()._codes(params, products, training, is_sparse, signals)
        # The largest entries are known only after all samples.
        codes, stored = super()._codes(params, products, training, False, signals)
        lifetime_topk_forward(codes, k=_share_of(self.lifetime, len(codes)), out=codes)
        few = is_sparse and not signals and np.count_nonzero(codes) <= _linear.DENSEST * codes.size
        return (sparse.csr_array(codes) if few else codes), stored

    def _n_units(self, n_components):
        if isinstance(self.population, numbers.Integral):
            return int(self.population)
        return _share_of(self.population, n_components)

    def _check_parameters(self):
        super()._check_parameters()
        if self.lifetime is None and self.population is None:
            raise ValueError(
                wrong(
                    "lifetime and population",
                    got="None for both parameters",
                    expected="at least one of them",
                    remedy="Set one, or use ReLU, which has no competition.",
                )
            )
        if self.lifetime is not None:
            check_number(self.lifetime, "lifetime", low=0, high=1, low_open=True)
        if isinstance(self.population, numbers.Integral):
            check_integer(self.population, "population")
        elif self.population is not None:
            check_number(self.population, "population", low=0, high=1, low_open=True)

    def _shapes(self, dictionary):
        self._check_population(dictionary)
        return super()._shapes(dictionary)

    def _initial(self, dictionary, random_state):
        self._check_population(dictionary)
        return super()._initial(dictionary, random_state)

    def _check_population(self, dictionary):
        if isinstance(self.population, numbers.Integral):
            check_k(self, self.population, dictionary, name="population")


def _share_of(share, n):
    # Rounded first: 0.07 * 100 is a little more than 7.
    return max(math.ceil(round(share * n, 9)), 1)
