"""Locally greedy coordinate descent: exact convolutional codes by a growing set of positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sparsecode._values import check_instance
from sparsecode.convolutional._rounds import Rounds
from sparsecode.convolutional.base import ConvolutionalSolver


@dataclass
class LocallyGreedy(ConvolutionalSolver):
    """Locally greedy coordinate descent for convolutional codes (LGCD).

    Solves ``min_z 1/2 sum_c ||x_c - sum_k z_k * d_kc||^2 + sum_k alpha_k ||z_k||_1`` for each
    signal. In a round, the best position of every segment of the signal enters a working set; then
    coordinate descent solves for all coefficients of the set, whose inner products are kept as a
    sparse matrix. The duality gap, of the correlations at all positions, ends it. Threads share a
    long signal or large image in strips, every second one at a time.

    Memory is that of a few signals, of the working set and of its overlapping pairs of atoms.

    Parameters
    ----------
    max_iter : int, default=500
        Most rounds.
    tol : float, default=1e-4
        Relative duality gap at which a signal is solved: the gap over half the squared norm of the
        signal.

    References
    ----------
    T. Moreau, L. Oudre and N. Vayatis, "DICOD: distributed convolutional coordinate descent for
    convolutional sparse coding", 2018.

    T. Johnson and C. Guestrin, "Blitz: a principled meta-algorithm for scaling sparse
    optimization", 2015.

    Examples
    --------
    >>> from sparsecode.convolutional import LocallyGreedy
    >>> from sparsecode.penalties import L1
    >>> result = LocallyGreedy().solve([[0.0, 1.0, 2.0, 1.0, 0.0]], [[1.0, 2.0, 1.0]], L1(0.6))
    >>> result.codes.round(3)
    array([[[0. , 0.9, 0. ]]])
    """

    max_iter: int = 500
    tol: float = 1e-4

    _unit: ClassVar[str] = "rounds"

    def _work(self, x, observed, dictionary, thresholds, penalty):
        return Rounds(x, observed, dictionary, thresholds, penalty)


def check_solver(solver: Any, tol: float = 1e-4) -> ConvolutionalSolver:
    """Return `solver`, or the default one of a tolerance for None."""
    if solver is None:
        return LocallyGreedy(tol=tol)
    return check_instance(
        solver,
        "solver",
        ConvolutionalSolver,
        "a LocallyGreedy, a ConvolutionalFISTA or None",
        "Use LocallyGreedy(tol=1e-4).",
    )
