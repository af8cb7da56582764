"""Sparsity by ratios of l1 and l2 norms, independent of scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sparsecode._batches import weighted_mean
from sparsecode.losses.terms._entries import column_totals, map_entries
from sparsecode.losses.terms.base import Term, TermResult

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.losses.base import LossContext


@dataclass
class Hoyer(Term):
    """Hoyer sparsity: mean over samples of ``||z||_1 / ||z||_2``, 0 for codes of 0.

    It is the part of Hoyer's sparseness that depends on the codes. It is 1 if one code is nonzero,
    and the square root of the number of codes if all are equal. It does not shrink codes, because
    it does not depend on their scale.

    Parameters
    ----------
    weight : float or callable, default=1.0
        Multiple of the mean, or a schedule that gives it for a step.

    References
    ----------
    P. Hoyer, "Non-negative matrix factorization with sparseness constraints", 2004. N. Hurley and
    S. Rickard, "Comparing measures of sparsity", 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.losses import AutoencoderLoss, Hoyer
    >>> loss = AutoencoderLoss([Hoyer()])
    >>> value, terms, dcodes = loss(
    ...     np.array([[3.0, 4.0]]), Dictionary(np.eye(2)), np.array([[3.0, 4.0]])
    ... )
    >>> terms
    {'fit': 0.0, 'hoyer': 1.4}
    """

    weight: float | Callable[[int], float] = 1.0

    makes_sparse: ClassVar[bool] = True
    is_mean: ClassVar[bool] = True

    def evaluate(
        self,
        codes: np.ndarray,
        dcodes: np.ndarray,
        dictionary: Dictionary,
        share: np.ndarray | float,
        context: LossContext,
        *,
        dictionary_grads: bool = False,
    ) -> TermResult:
        return _over_units(_hoyer, self.weight_at(context.step), codes, dcodes, share), {}, {}


@dataclass
class PopulationSparsity(Term):
    """Population sparsity (Treves-Rolls): mean over samples of ``(mean |z|)^2 / mean z^2``.

    It is Treves and Rolls' measure of how many units code a sample: ``1 / n_components`` if one
    unit is active, 1 if all units are equally active, and 0 for a sample without activity.

    Parameters
    ----------
    weight : float or callable, default=1.0
        Multiple of the mean, or a schedule that gives it for a step.

    References
    ----------
    E. Rolls and M. Tovee, "Sparseness of the neuronal representation of stimuli in the primate
    temporal visual cortex", 1995. B. Willmore and D. Tolhurst, "Characterizing the sparseness of
    neural codes", 2001.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.losses import AutoencoderLoss, PopulationSparsity
    >>> loss = AutoencoderLoss([PopulationSparsity()])
    >>> loss(np.array([[2.0, 0.0]]), Dictionary(np.eye(2)), np.array([[2.0, 0.0]]))[1]
    {'fit': 0.0, 'populationsparsity': 0.5}
    """

    weight: float | Callable[[int], float] = 1.0

    makes_sparse: ClassVar[bool] = True
    is_mean: ClassVar[bool] = True

    def evaluate(
        self,
        codes: np.ndarray,
        dcodes: np.ndarray,
        dictionary: Dictionary,
        share: np.ndarray | float,
        context: LossContext,
        *,
        dictionary_grads: bool = False,
    ) -> TermResult:
        weight = self.weight_at(context.step) / codes.shape[1]
        return _over_units(_activity_ratio, weight, codes, dcodes, share), {}, {}


@dataclass
class LifetimeSparsity(Term):
    """Lifetime sparsity (Treves-Rolls): mean over units of ``(mean |z|)^2 / mean z^2``.

    It is Treves and Rolls' measure of how selective a unit is. Means are over the batch:
    ``1 / n_samples`` if a unit is active for one sample, 1 if it is equally active for all samples,
    and 0 for a unit without activity.

    Parameters
    ----------
    weight : float or callable, default=1.0
        Multiple of the mean, or a schedule that gives it for a step.

    References
    ----------
    W. Vinje and J. Gallant, "Sparse coding and decorrelation in primary visual cortex during
    natural vision", 2000. B. Willmore and D. Tolhurst, "Characterizing the sparseness of neural
    codes", 2001.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.losses import AutoencoderLoss, LifetimeSparsity
    >>> loss = AutoencoderLoss([LifetimeSparsity()])
    >>> loss(np.array([[1.0], [0.0]]), Dictionary([[1.0]]), np.array([[1.0], [0.0]]))[1]
    {'fit': 0.0, 'lifetimesparsity': 0.5}
    """

    weight: float | Callable[[int], float] = 1.0

    makes_sparse: ClassVar[bool] = True

    def evaluate(
        self,
        codes: np.ndarray,
        dcodes: np.ndarray,
        dictionary: Dictionary,
        share: np.ndarray | float,
        context: LossContext,
        *,
        dictionary_grads: bool = False,
    ) -> TermResult:
        weight = self.weight_at(context.step) / codes.shape[1]
        sizes = column_totals(lambda e: np.abs(e.values) * e.shares, codes, share)
        squares = column_totals(lambda e: np.square(e.values) * e.shares, codes, share)
        values, along_sign, along_code = _activity_ratio(sizes, squares)
        along_sign = (weight * along_sign).astype(codes.dtype)
        along_code = (weight * along_code).astype(codes.dtype)

        def add(entries):
            z, columns = entries.values, entries.columns
            grad_codes = np.sign(z) * along_sign[columns]
            grad_codes += z * along_code[columns]
            entries.grad_codes[...] += grad_codes * entries.shares

        map_entries(add, codes, dcodes, share)
        return weight * float(values.sum()), {}, {}


def _over_units(ratio, weight, codes, dcodes, share):
    """Weighted mean of a ratio of each sample's codes; adds its gradient."""

    def add(entries):
        z = entries.values
        sums = entries.row_sums(np.abs(z)), entries.row_sums(np.square(z))
        values, along_sign, along_code = ratio(*sums)
        grad_codes = np.sign(z) * entries.spread(weight * along_sign)
        grad_codes += z * entries.spread(weight * along_code)
        entries.grad_codes[...] += grad_codes * entries.shares
        return values

    return weight * weighted_mean(np.concatenate(map_entries(add, codes, dcodes, share)), share)


def _hoyer(sizes, squares):
    """``||z||_1 / ||z||_2``, and the factors of signs and of codes in its gradient."""
    safe = np.where(squares > 0, squares, 1)
    norms = np.sqrt(safe)
    live = squares > 0
    return sizes / norms * live, live / norms, -sizes / (safe * norms) * live


def _activity_ratio(sizes, squares):
    """``||z||_1^2 / ||z||_2^2``, and the factors of signs and of codes in its gradient."""
    live = squares > 0
    safe = np.where(live, squares, 1)
    ratios = sizes**2 / safe * live
    return ratios, 2 * sizes / safe * live, -2 * ratios / safe
