"""Rescaling: samples of any size among others are solved as if they were alone."""

import numpy as np
import pytest

from sparsecode.penalties import L1, KSparse
from sparsecode.solvers import OMP, CoordinateDescent, FeatureSign, Homotopy

SIZES = np.array([1.0, 1e-200, 3.0, 1e160, 1e-180, 1e150, 0.0])


@pytest.mark.parametrize(
    ("solver", "penalty"),
    [
        (FeatureSign(), L1(0.1)),
        (Homotopy(), L1(0.1)),
        (CoordinateDescent(), L1(0.1)),
        (OMP(), KSparse(2)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_sizes_of_other_samples_do_not_matter(solver, penalty, rng, frame):
    X = SIZES[:, None] * rng.standard_normal((7, frame.shape[1]))
    together = solver.solve(X, frame, penalty, record=True)
    assert together.converged.all()
    for s, x in enumerate(X):
        alone = solver.solve(x[None], frame, penalty, record=True)
        np.testing.assert_allclose(together.codes[s], alone.codes[0], rtol=1e-12)
        assert together.n_iter[s] == alone.n_iter[0]
        for name, values in alone.history.items():
            found = together.history[name][: len(values), s]
            # What is left at the end is rounding.
            rounding = 1e-12 * np.nan_to_num(values[0, 0])
            np.testing.assert_allclose(found, values[:, 0], rtol=1e-9, atol=rounding)


def test_codes_follow_the_size_of_a_sample(rng, frame):
    """The weight times a power of two: the same code times that, to the last bit."""
    x = rng.standard_normal((1, frame.shape[1]))
    plain = FeatureSign().solve(x, frame, L1(0.1)).codes
    for power in (-300, -40, 40, 300):
        codes = FeatureSign().solve(np.ldexp(x, power), frame, L1(0.1 * 2.0**power)).codes
        np.testing.assert_array_equal(codes, np.ldexp(plain, power))
