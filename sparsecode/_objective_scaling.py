"""Certificates of codes in units in which no square leaves the range of floats."""

from __future__ import annotations

import numpy as np

from sparsecode._binary_scaling import exponents_of, odd_sizes, scaled
from sparsecode._messages import wrong

# Exponents up to which a penalty that cannot be rescaled is used.
_SAFE = 200


class ScaledJudge:
    """Certifier of blocks of rows in a unit of the atoms and one of rows of similar size.

    Parameters
    ----------
    make_judge : callable
        ``make_judge(dictionary, penalty)`` gives a function of samples, codes and their penalty,
        to objective, gap, residual, half squared norm and correlation.
    dictionary : Dictionary
        In float64.
    penalty : Penalty
    """

    def __init__(self, make_judge, dictionary, penalty):
        self.make_judge, self.dictionary, self.penalty = make_judge, dictionary, penalty
        self.largest_atom = float(dictionary.norms.max())
        self.usual = None
        if dictionary.unit_exponent == 0 or not penalty.can_be_rescaled:
            self.usual = make_judge(dictionary, penalty)

    def __call__(self, X, codes, penalty):
        """Certify rows in the given units; return entries for each row, and two ratios, (n, 2).

        The ratios are gap to half squared norm and residual to correlation. They are right even if
        these numbers underflow.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            reach = odd_sizes(codes) * self.largest_atom
            sizes = np.maximum(odd_sizes(self.dictionary.center(X)), reach)
        if not penalty.can_be_rescaled:
            self._check_safe(sizes, penalty)
            return _with_ratios(self.usual(X, codes, penalty))
        exponents = exponents_of(sizes)
        if self.usual is not None and not exponents.any():
            return _with_ratios(self.usual(X, codes, penalty))
        parts, order = [], []
        for exponent in np.unique(exponents):
            inside = np.flatnonzero(exponents == exponent)
            of_rows = penalty.for_rows(inside, len(X))
            parts.append(self._in_unit(X[inside], codes[inside], of_rows, int(exponent)))
            order.append(inside)
        back = np.argsort(np.concatenate(order), kind="stable")
        return tuple(np.concatenate(values)[back] for values in zip(*parts, strict=True))

    def _in_unit(self, X, codes, penalty, exponent):
        of_atoms = self.dictionary.unit_exponent
        dictionary = self.dictionary.in_unit(exponent)
        penalty = penalty.rescaled(codes=exponent - of_atoms, values=2 * exponent)
        whole = self.penalty.rescaled(codes=exponent - of_atoms, values=2 * exponent)
        judge = self.make_judge(dictionary, whole)
        codes = scaled(codes, exponent - of_atoms)
        *judged, ratios = _with_ratios(judge(scaled(X, exponent), codes, penalty))
        units = (2 * exponent, 2 * exponent, exponent + of_atoms, 2 * exponent, exponent + of_atoms)
        given = (scaled(values, -unit) for values, unit in zip(judged, units, strict=True))
        return *given, ratios

    def _check_safe(self, sizes, penalty):
        largest = np.array([self.largest_atom, *sizes])
        largest = largest[largest > 0]
        unsafe = np.abs(np.frexp(largest)[1]) > _SAFE
        if unsafe.any():
            raise ValueError(
                wrong(
                    "the largest entry of X, of the atoms, or of the reconstruction",
                    got=f"{largest[unsafe][0]:.3g}",
                    expected=f"2**-{_SAFE} to 2**{_SAFE} for {type(penalty).__name__}, which does "
                    "not define rescaled(codes, values)",
                    remedy="Rescale X and the atoms, or define rescaled in the penalty.",
                )
            )


def ratio(values, unit):
    """Values divided by their unit; 0 where both are 0."""
    with np.errstate(over="ignore"):
        return np.divide(values, unit, out=np.where(values == 0, 0.0, np.inf), where=unit > 0)


def _with_ratios(judged):
    _, gap, residual, half_squared_norm, correlation = judged
    ratios = np.stack([ratio(gap, half_squared_norm), ratio(residual, correlation)], axis=1)
    return *judged, ratios
