"""Pooling: every method and kind of sign against plain sums and maxima over the cells."""

import itertools

import numpy as np
import pytest
from scipy.sparse import csr_array

from sparsecode._patch_features.pooling import METHODS, SIGNS, Pooling

RNG = np.random.default_rng(0)
COUNTS, LEVELS, N_ATOMS = (7, 5), (1, 2, 3), 6


def random_codes(n_images):
    codes = RNG.standard_normal((n_images, *COUNTS, N_ATOMS))
    return np.where(RNG.random(codes.shape) < 0.7, 0, codes)


def in_cells(codes, method, signs):
    """Pooled codes of one image, with an array for each cell."""
    largest = np.vectorize(lambda column: max(column, key=abs), signature="(n)->()")
    for level in LEVELS:
        rows = [int(i * COUNTS[0] / level) for i in range(level + 1)]
        columns = [int(i * COUNTS[1] / level) for i in range(level + 1)]
        for i, j in itertools.product(range(level), repeat=2):
            cell = codes[rows[i] : rows[i + 1], columns[j] : columns[j + 1]].reshape(-1, N_ATOMS)
            halves = {
                "split": [np.maximum(cell, 0), np.maximum(-cell, 0)],
                "absolute": [abs(cell)],
                "keep": [cell],
            }[signs]
            for half in halves:
                pooled = {"sum": half.sum(axis=0), "mean": half.mean(axis=0)}
                yield pooled[method] if method in pooled else largest(half.T)


def pooled(pooling, codes, threshold=0.0, to=np.asarray):
    n_images, n_positions = len(codes), len(pooling.regions)
    found = pooling.empty(n_images, N_ATOMS, codes.dtype)
    n_regions = len(found) // n_images
    regions = (pooling.regions + n_regions * np.arange(n_images)[:, None]).ravel()
    flat = codes.reshape(n_images * n_positions, N_ATOMS)
    for rows in (slice(0, 10), slice(10, None)):
        pooling.add(to(flat[rows]), regions[rows], found, *([threshold] if threshold else []))
    out = np.empty((n_images, pooling.n_features(N_ATOMS)))
    pooling.finish(found, out)
    return out


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("signs", SIGNS)
def test_cells_are_pooled(method, signs):
    codes = random_codes(2)
    pooling = Pooling(COUNTS, LEVELS, method, signs, is_positive=False)
    expected = [np.concatenate(list(in_cells(image, method, signs))) for image in codes]
    np.testing.assert_allclose(pooled(pooling, codes), expected, atol=1e-12)
    np.testing.assert_allclose(pooled(pooling, codes, to=csr_array), expected, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("signs", SIGNS)
def test_a_threshold_is_that_of_the_codes(method, signs):
    values = random_codes(2)
    codes = np.sign(values) * np.maximum(abs(values) - 0.4, 0)
    pooling = Pooling(COUNTS, LEVELS, method, signs, is_positive=False)
    np.testing.assert_allclose(pooled(pooling, values, 0.4), pooled(pooling, codes), atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_positive_codes_have_one_half(method):
    values = random_codes(1)
    pooling = Pooling(COUNTS, LEVELS, method, "split", is_positive=True)
    assert pooling.halves == ("",)
    expected = np.concatenate(list(in_cells(np.maximum(values[0] - 0.4, 0), method, "keep")))
    np.testing.assert_allclose(pooled(pooling, values, 0.4)[0], expected, atol=1e-12)


def test_names_are_those_of_the_features():
    codes = np.zeros((1, *COUNTS, N_ATOMS))
    codes[0, 6, 0, 4] = -1.0
    pooling = Pooling(COUNTS, (2, 3), "sum", "split", is_positive=False)
    names = np.array(pooling.names(N_ATOMS))
    assert len(names) == len(set(names)) == pooling.n_features(N_ATOMS)
    found = names[np.flatnonzero(pooled(pooling, codes)[0])]
    assert list(found) == ["grid2_cell1_0_atom4_negative", "grid3_cell2_0_atom4_negative"]


def test_a_sum_over_a_pyramid_is_the_same_at_each_level():
    pooling = Pooling(COUNTS, (1, 2, 4), "sum", "keep", is_positive=False)
    found = pooled(pooling, random_codes(1)).reshape(21, N_ATOMS)
    for cells in (found[1:5], found[5:]):
        np.testing.assert_allclose(cells.sum(axis=0), found[0], atol=1e-12)


def test_cells_without_positions_are_refused():
    with pytest.raises(ValueError, match=r"levels has a grid of 6 x 6 cells.*7 x 5 positions"):
        Pooling(COUNTS, (2, 6), "sum", "keep", is_positive=False)
