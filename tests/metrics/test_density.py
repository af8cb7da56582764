"""How often atoms are active, on cases counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from sparsecode.metrics import dead_atoms, dead_fraction, dense_fraction, density_histogram, usage


def used(times, n_samples=1000):
    """Codes in which each atom is used so many times."""
    codes = np.zeros((n_samples, len(times)), dtype=np.float32)
    for atom, n in enumerate(times):
        codes[:n, atom] = -0.5
    return codes


def test_bins_are_parts_of_decades():
    # Shares of exactly .001, .01, .1 and 1 are edges.
    codes = used([0, 1, 1, 9, 10, 31, 32, 100, 1000, 0])
    for given_codes in (codes, sparse.csr_array(codes)):
        histogram = density_histogram(given_codes, bins_per_decade=2)
        np.testing.assert_array_equal(histogram.edges, [-3, -2.5, -2, -1.5, -1, -0.5, 0])
        # Half a decade is a factor of 3.16: 31 are below, 32 above.
        np.testing.assert_array_equal(histogram.counts, [2, 1, 2, 1, 1, 1])
        assert histogram.n_dead == 2
    assert density_histogram(codes, threshold=0.5).n_dead == 10


@given(
    st.integers(1, 60),
    st.integers(1, 12),
    st.lists(st.integers(0, 60), min_size=1, max_size=20),
)
def test_every_atom_is_counted_once(n_samples, bins_per_decade, times):
    times = np.minimum(times, n_samples)
    codes = sparse.csr_array(used(times, n_samples))
    counts, edges, n_dead = density_histogram(codes, bins_per_decade=bins_per_decade)
    assert counts.sum() + n_dead == len(times)
    assert n_dead == np.count_nonzero(times == 0)
    assert len(counts) == len(edges) - 1 and edges[-1] == 0 and 10 ** edges[0] <= 1 / n_samples
    expected = times[times > 0] / n_samples
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        inside = (expected >= 10**low * (1 - 1e-12)) & (expected <= 10**high * (1 + 1e-12))
        assert count <= inside.sum()


def test_histograms_of_other_numbers_of_samples_have_common_edges():
    few, many = density_histogram(used([3], 10)), density_histogram(used([3], 1024))
    assert (len(few.counts), len(many.counts)) == (10, 40)
    np.testing.assert_array_equal(few.edges, many.edges[-11:])


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, np.ndarray.tolist])
def test_dead_and_dense_fractions(container):
    codes = container(used([0, 1, 100, 101, 1000]))
    assert dead_fraction(codes) == 1 / 5
    assert dead_fraction(codes, min_usage=0.001) == 2 / 5
    assert dead_fraction(codes, min_usage=0.0009) == 1 / 5
    assert dead_atoms(codes, min_usage=0.1).tolist() == [0, 1, 2]
    assert dense_fraction(codes) == 2 / 5
    assert dense_fraction(codes, max_usage=0.0999) == 3 / 5
    assert dense_fraction(codes, max_usage=1) == 0
    # Nothing is both, and everything is one of them at the same share.
    assert dead_fraction(codes, min_usage=0.1) + dense_fraction(codes) == 1
    assert dead_fraction(codes, threshold=0.5) == 1
    assert dense_fraction(codes, threshold=0.5) == 0


def test_sizes_of_many_float32_codes_are_summed_in_float64():
    codes = np.full((200_000, 1), 0.1, dtype=np.float32)
    for given_codes in (codes, sparse.csr_array(codes)):
        assert usage(given_codes).magnitude[0] == pytest.approx(np.float32(0.1), rel=1e-12)


def test_refuses():
    codes = np.eye(2)
    with pytest.raises(ValueError, match="bins_per_decade"):
        density_histogram(codes, bins_per_decade=0)
    with pytest.raises(ValueError, match="min_usage"):
        dead_fraction(codes, min_usage=1.5)
    with pytest.raises(ValueError, match="max_usage"):
        dense_fraction(codes, max_usage=-0.1)
    for measure in (density_histogram, dead_fraction, dense_fraction):
        with pytest.raises(ValueError, match="threshold"):
            measure(codes, threshold=-1)
        with pytest.raises(ValueError, match="NaN"):
            measure(np.full((2, 2), np.nan))
