"""FISTA for convolutional codes: accelerated proximal steps on the codes of all positions."""

from __future__ import annotations

from dataclasses import dataclass

from sparsecode.convolutional._descent import Descent
from sparsecode.convolutional.base import ConvolutionalSolver


@dataclass
class ConvolutionalFISTA(ConvolutionalSolver):
    """Accelerated proximal gradient steps (FISTA) for convolutional codes.

    Solves ``min_z 1/2 sum_c ||x_c - sum_k z_k * d_kc||^2 + sum_k alpha_k ||z_k||_1`` for each
    signal, by steps of size ``1 / dictionary.lipschitz``. Momentum begins anew where it points
    uphill. Products are those of windows of the signal for small atoms, and Fourier transforms for
    large ones. The duality gap, of the correlations at all positions, ends it.

    `LocallyGreedy` is faster where codes are sparse. Here an iteration costs the same for any
    codes, and memory is that of several dense codes.

    Parameters
    ----------
    max_iter : int, default=10000
        Most iterations.
    tol : float, default=1e-4
        Relative duality gap at which a signal is solved: the gap over half the squared norm of the
        signal.

    References
    ----------
    A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse
    problems", 2009.

    B. O'Donoghue and E. Candès, "Adaptive restart for accelerated gradient schemes", 2015.

    R. Chalasani, J. Principe and N. Ramakrishnan, "A fast proximal method for convolutional sparse
    coding", 2013.

    Examples
    --------
    >>> from sparsecode.convolutional import ConvolutionalFISTA
    >>> from sparsecode.penalties import L1
    >>> solver = ConvolutionalFISTA(tol=1e-8)
    >>> result = solver.solve([[0.0, 1.0, 2.0, 1.0, 0.0]], [[1.0, 2.0, 1.0]], L1(0.6))
    >>> result.codes.round(3)
    array([[[0. , 0.9, 0. ]]])
    """

    max_iter: int = 10_000
    tol: float = 1e-4

    def _work(self, x, observed, dictionary, thresholds, penalty):
        return Descent(x, observed, dictionary, thresholds, penalty)
