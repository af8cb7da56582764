"""Default tolerances of solvers, by the precision of the codes."""

from __future__ import annotations

import numpy as np

# Relative gaps from here on float32 can reach, and its residual correlations can judge.
SINGLE_TOL = 2e-5
# What they can prove of nearly all codes: rounding hides up to twice the product of the ratio
# ``r = sum |z| / ||x||`` and ``1 + r``, in millionths, and `r` reaches 5 with 60 nonzeros.
_PROVABLE = 5e-5


def default_tol(double_tol, dtype):
    """Return the tolerance that None means: `double_tol` in float64, at least 5e-5 in float32.

    What is finer is hidden by rounding, so that samples would have to be judged in float64.
    """
    return double_tol if dtype == np.float64 else max(double_tol, _PROVABLE)
