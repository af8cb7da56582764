"""What BLAS of this processor does to a row of a product."""

import numpy as np


def rounds_rows_alike():
    """Whether BLAS rounds a row in the same way, whatever the number of rows of a product."""
    rng = np.random.default_rng(0)
    # The search for codes works in single precision.
    X = rng.standard_normal((500, 8)).astype(np.float32)
    weights = rng.standard_normal((12, 8)).astype(np.float32).T
    parts = (slice(i, i + n) for n in (50, 70, 110) for i in range(0, 500, n))
    return all(np.array_equal((X @ weights)[part], X[part] @ weights) for part in parts)
