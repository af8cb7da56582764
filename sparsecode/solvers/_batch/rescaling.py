"""Rescaling of problems: samples, atoms and codes times powers of two.

A block of samples whose squares are safe is solved as it is. Otherwise samples of like size are
solved together, as the problem that they are in a unit of their own: a sample is coded alone.
"""

from __future__ import annotations

import numpy as np

from sparsecode._binary_scaling import are_comfortable, exponents_of, odd_sizes, row_sizes, scaled
from sparsecode._interrupts import halt_if_told
from sparsecode._messages import wrong
from sparsecode.solvers._batch.problem import Block

# Samples that the unit of all is taken from.
_FIRST = 256
# Exponents up to which a penalty that cannot be rescaled is computed with, in float32 and float64.
_SAFE = {np.dtype(np.float32): 40, np.dtype(np.float64): 200}


class Rescaled:
    """A problem in the unit of its atoms and of most of its samples, as `problem`.

    Parameters
    ----------
    given : Problem
        With samples and atoms as they were given.
    """

    def __init__(self, given):
        self.given = given
        self.may_change = given.penalty.can_be_rescaled
        self.first = slice(0, min(_FIRST, given.X.shape[0]))
        self.first_sizes = _sizes(given, self.first)
        if self.may_change:
            exponent = 0
            if self.first_sizes is not None:
                exponent = int(np.median(exponents_of(self.first_sizes)))
            self.problem = given.in_units(exponent)
        else:
            _check_safe(given, "the atoms", row_sizes(given.dictionary.atoms).max())
            self.problem = given

    def solve(self, solve, prepare, prepared, block):
        """Fill a block by ``solve(problem, prepared, block)``, in the units given."""
        is_first = block.rows == self.first
        sizes = self.first_sizes if is_first else _sizes(self.given, block.rows)
        usual = self.problem.exponent
        if sizes is None:
            if usual == 0:
                solve(self.problem, prepared, block)
                return _to_given(self.problem, block)
            sizes = np.ones(len(block.codes))
        if not self.may_change:
            _check_safe(self.given, "a sample of X", sizes.max(initial=0))
            return solve(self.problem, prepared, block)
        exponents = np.full(len(sizes), usual)
        odd = ~_are_comfortable(sizes, usual)
        exponents[odd] = exponents_of(sizes[odd])
        left = np.ones_like(odd)
        if (sizes[odd] < _unit(usual)).all():
            # Small ones do no harm among the others, which then need no copies.
            solve(self.problem, prepared, block)
            _to_given(self.problem, block)
            left = odd
        everything = np.ones(self.given.X.shape[1], dtype=bool)
        for exponent in np.unique(exponents[left]):
            halt_if_told()
            inside = np.flatnonzero(left & (exponents == exponent))
            some = self.given.part(block.rows, inside, everything).in_units(int(exponent))
            part = Block.empty(np.zeros_like(block.codes[inside]), block.history[inside])
            some.start(part.rows, part.codes)
            solve(some, prepare(some), part)
            _to_given(some, part)
            for whole, solved in zip(block[1:], part[1:], strict=True):
                whole[inside] = solved
        return None


def _sizes(problem, rows):
    """Largest entry of each sample of a block, less the offset, 1 for any comfortable one.

    None if all are.
    """
    if problem.dictionary.offset is None and not isinstance(problem.X, np.ndarray):
        return np.abs(problem.X[rows]).nanmax(axis=1).toarray().ravel()
    X = problem.centred(rows)
    return None if are_comfortable(X) else odd_sizes(X)


def _unit(exponent):
    """Size of a sample that has the size 1 after it was multiplied by ``2**exponent``."""
    return scaled(np.float64(1), -exponent)


def _are_comfortable(sizes, exponent):
    there = scaled(sizes, exponent)
    return (sizes == 0) | ((exponents_of(there) == 0) & (there > 0))


def _to_given(problem, block):
    """Bring a block that was solved in the units of a problem to those of the arguments."""
    if problem.exponent == problem.code_exponent == 0:
        return
    codes = scaled(block.codes, -problem.code_exponent)
    with np.errstate(invalid="ignore"):
        lost = row_sizes(scaled(codes, problem.code_exponent) - block.codes)
    fits = np.isfinite(codes).all(axis=1)
    # A code beyond the range of its type is none, and below it too coarse for what was claimed.
    block.stop[~(fits & (lost <= np.finfo(codes.dtype).eps * row_sizes(block.codes)))] = np.inf
    codes[~fits] = 0
    block.codes[:] = codes
    block.history[:, 0] = scaled(block.history[:, 0], -2 * problem.exponent)


def _check_safe(problem, name, size):
    limit = _SAFE[problem.dictionary.dtype]
    if size > 0 and abs(np.frexp(size)[1]) > limit:
        kind = type(problem.penalty).__name__
        raise ValueError(
            wrong(
                f"the largest entry of {name}",
                got=f"{size:.3g}, and {kind} does not define rescaled(codes, values)",
                expected=f"2**-{limit} to 2**{limit} for this penalty in "
                f"{problem.dictionary.dtype}",
                remedy="Rescale X and the atoms, or define rescaled in the penalty.",
            )
        )
