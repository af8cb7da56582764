"""Hard thresholding pursuit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sparsecode.solvers.thresholding.base import HardThresholding


@dataclass
class HTP(HardThresholding):
    """Hard thresholding pursuit (HTP), for `KSparse` without an error target.

    Looks for ``min_z 1/2 ||x - offset - z @ atoms||^2`` over codes of at most `n_nonzero` nonzeros:
    a gradient step and hard thresholding choose a support, least squares the code on it, until the
    support repeats. The step is exact along the `n_nonzero` largest entries of the gradient, and
    shorter where the objective could increase. The answer is the best code on its support. It may
    leave a support that it has once chosen, which `OMP` and `OLS` cannot, and so can improve their
    codes when it starts from them. Atoms should have similar norms.

    Few iterations are needed, each of one row of the Gram matrix for each of `k` nonzeros and
    ``O(k^3)``.

    Parameters
    ----------
    max_iter : int, default=200
        Most iterations a sample may take.
    tol : float or None, default=None
        A sample stops when its support repeats, or when the next step would move no coefficient by
        more than this share of its largest correlation ``max|x @ atoms.T|``, in units of the step.
        None is 1e-6 for codes in float64, 5e-5 in float32. 0 runs until the support repeats.

    References
    ----------
    S. Foucart, "Hard thresholding pursuit: an algorithm for compressive sensing", 2011.

    Examples
    --------
    >>> from sparsecode.penalties import KSparse
    >>> from sparsecode.solvers import HTP
    >>> HTP().solve([[3.0, -0.5, 1.0]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], KSparse(2)).codes
    array([[3., 0., 1.]])
    """

    max_iter: int = 200
    tol: float | None = None

    finite: ClassVar[bool] = True
    _projects: ClassVar[bool] = True
