"""Patches: the grid and its inverse, and random draws."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsecode.datasets import (
    Patches,
    extract_patches,
    reconstruct_from_patches,
    sample_patches,
)


@st.composite
def grids(draw, most_axes=4):
    """A shape, perhaps with channels, a patch that fits in it, and a step that covers it."""
    n_axes = draw(st.integers(1, most_axes))
    longest = {1: 40, 2: 20, 3: 8, 4: 5}[n_axes]
    shape = tuple(draw(st.lists(st.integers(1, longest), min_size=n_axes, max_size=n_axes)))
    patch = tuple(draw(st.integers(1, length)) for length in shape)
    step = tuple(draw(st.integers(1, length)) for length in patch)
    return shape + draw(st.sampled_from([(), (1,), (2,), (3,)])), patch, step


def by_hand(array, patch, step):
    """Patches cut one by one, and the places of their first elements."""
    axes = [
        sorted({*range(0, length - size + 1, stride), length - size})
        for length, size, stride in zip(array.shape, patch, step, strict=False)
    ]
    places = list(itertools.product(*axes))
    cut = [
        array[tuple(slice(i, i + size) for i, size in zip(at, patch, strict=True))] for at in places
    ]
    return np.array([part.reshape(-1) for part in cut]), places


@settings(deadline=None, max_examples=200)
@given(grids(), st.sampled_from([np.float32, np.float64]), st.integers(1, 50))
def test_averaging_is_the_inverse_for_any_number_of_axes(grid, dtype, n_patches):
    shape, patch, step = grid
    array = np.random.default_rng(0).normal(size=shape).astype(dtype)
    before = array.copy()
    X = extract_patches(array, patch, step=step)
    expected, places = by_hand(array, patch, step)
    np.testing.assert_array_equal(X, expected)
    assert X.dtype == dtype and X.flags.c_contiguous
    X_before = X.copy()
    restored = reconstruct_from_patches(X, shape, patch, step=step)
    assert restored.dtype == dtype
    assert restored.shape == shape
    # Sums are in float64, so that float32 comes back to the last bit.
    rtol = 1e-13 if dtype == np.float64 else 0
    np.testing.assert_allclose(restored, array, rtol=rtol, atol=0)
    np.testing.assert_array_equal(array, before)
    np.testing.assert_array_equal(X, X_before)
    patches = Patches(array, patch, step=step)
    assert patches.shape == X.shape and len(patches) == len(X)
    # Blocks do not matter, to the last bit; nor does the order of the array in memory.
    np.testing.assert_array_equal(patches.average(patches.blocks(n_patches)), restored)
    np.testing.assert_array_equal(Patches(np.asfortranarray(array), patch, step=step)[:], X)
    cover = np.zeros(shape[: len(patch)], int)
    for at in places:
        cover[tuple(slice(i, i + size) for i, size in zip(at, patch, strict=True))] += 1
    np.testing.assert_array_equal(patches.coverage(), cover)
    assert cover.min() >= 1


@settings(deadline=None, max_examples=50)
@given(grids(3), st.integers(0, 2**32 - 1))
def test_overlaps_are_averaged_for_any_number_of_axes(grid, seed):
    shape, patch, step = grid
    patches = Patches(np.zeros(shape), patch, step=step)
    X = np.random.default_rng(seed).normal(size=patches.shape)
    places = by_hand(np.zeros(shape), patch, step)[1]
    total, cover = np.zeros((2, *shape))
    for row, at in zip(X, places, strict=True):
        where = tuple(slice(i, i + size) for i, size in zip(at, patch, strict=True))
        total[where] += row.reshape(total[where].shape)
        cover[where] += 1
    np.testing.assert_allclose(patches.average(X), total / cover, rtol=1e-10, atol=1e-12)


@settings(deadline=None, max_examples=50)
@given(grids(), st.data())
def test_any_rows_are_those_of_the_matrix(grid, data):
    shape, patch, step = grid
    patches = Patches(np.random.default_rng(0).normal(size=shape), patch, step=step)
    X = patches[:]
    rows = data.draw(st.lists(st.integers(-len(X), len(X) - 1), max_size=6))
    np.testing.assert_array_equal(patches[np.array(rows, dtype=int)], X[np.array(rows, dtype=int)])
    start, stop = data.draw(st.integers(0, len(X))), data.draw(st.integers(-3, len(X) + 3))
    np.testing.assert_array_equal(patches[start:stop:2], X[start:stop:2])
    np.testing.assert_array_equal(patches[-1], X[-1])
    np.testing.assert_array_equal(patches[X[:, 0] > 0], X[X[:, 0] > 0])
    np.testing.assert_array_equal(np.asarray(patches), X)


def test_patches_are_in_reading_order_and_the_last_touch_the_border():
    image = np.arange(7 * 8 * 3.0).reshape(7, 8, 3)
    X = extract_patches(image, (3, 4), step=(2, 3))
    corners = [(i, j) for i in (0, 2, 4) for j in (0, 3, 4)]
    assert len(X) == len(corners)
    for row, (i, j) in zip(X, corners, strict=True):
        np.testing.assert_array_equal(row.reshape(3, 4, 3), image[i : i + 3, j : j + 4])


def test_overlaps_are_averaged():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4 * 3, 6))
    total, cover = np.zeros((2, 5, 5))
    for row, (i, j) in zip(X, np.ndindex(4, 3), strict=True):
        total[i : i + 2, j : j + 3] += row.reshape(2, 3)
        cover[i : i + 2, j : j + 3] += 1
    np.testing.assert_allclose(reconstruct_from_patches(X, (5, 5), (2, 3)), total / cover)


def test_integer_images_become_float64_unscaled():
    X = extract_patches(np.full((4, 4), 200, dtype=np.uint8), 2)
    assert X.dtype == np.float64
    assert (X == 200).all()


def numbered_images():
    """Images whose pixels are all different, so that a patch tells where it came from."""
    sizes = [(5, 7), (9, 4), (4, 4)]
    ends = np.cumsum([0] + [height * width for height, width in sizes])
    return [
        np.arange(a, b, dtype=float).reshape(s)
        for a, b, s in zip(ends, ends[1:], sizes, strict=False)
    ]


def test_all_positions_are_drawn_once():
    images = numbered_images()
    every = np.concatenate([extract_patches(image, (3, 4)) for image in images])
    X = sample_patches(images, (3, 4), len(every), random_state=0)
    assert not np.array_equal(X, every)
    np.testing.assert_array_equal(X[np.argsort(X[:, 0])], every)


def test_positions_are_uniform():
    """Chi-squared over all positions of images of different sizes, 6 sigma."""
    images = numbered_images()
    n_positions = sum((im.shape[0] - 2) * (im.shape[1] - 3) for im in images)
    rng = np.random.RandomState(0)
    firsts = np.concatenate(
        [sample_patches(images, (3, 4), 5, random_state=rng)[:, 0] for _ in range(400)]
    )
    counts = np.unique(firsts, return_counts=True)[1]
    assert len(counts) == n_positions
    expected = len(firsts) / n_positions
    chi2 = np.sum((counts - expected) ** 2 / expected)
    assert chi2 < n_positions + 6 * np.sqrt(2 * n_positions)


def test_same_seed_same_patches():
    images = numbered_images()
    first, again = (sample_patches(images, 3, 10, random_state=3) for _ in range(2))
    other = sample_patches(images, 3, 10, random_state=4)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_stack_is_a_list_and_one_image_is_a_list_of_one():
    stack = np.random.default_rng(0).random((4, 9, 8))
    np.testing.assert_array_equal(
        sample_patches(stack, 3, 10, random_state=0),
        sample_patches(list(stack), 3, 10, random_state=0),
    )
    np.testing.assert_array_equal(
        sample_patches(stack[0], 3, 10, random_state=0),
        sample_patches([stack[0]], 3, 10, random_state=0),
    )


@pytest.mark.parametrize("shape", [(12, 9, 3), (2, 12, 9, 3)])
def test_colour(shape):
    X = sample_patches(np.random.default_rng(0).random(shape), 3, 8, random_state=0)
    assert X.shape == (8, 27)


def test_border_is_not_touched():
    image = np.pad(np.zeros((8, 6)), 4, constant_values=1.0)
    X = sample_patches(image, 3, 24, border=4, random_state=0)
    assert (X == 0).all()


def test_dtype_follows_the_images_unless_given():
    single, double = np.ones((4, 4), dtype=np.float32), np.ones((4, 4))
    assert sample_patches([single], 2, 3).dtype == np.float32
    assert sample_patches([single, double], 2, 3).dtype == np.float64
    assert sample_patches([double], 2, 3, dtype=np.float32).dtype == np.float32


GOOD = np.zeros((16, 16))


@pytest.mark.parametrize(
    ("images", "options", "words"),
    [
        (
            [GOOD, np.zeros((16, 7))],
            {},
            r"arrays\[1\] has 16 x 7 values, smaller than a patch of 8 x 8",
        ),
        ([GOOD, np.full((9, 9), np.nan)], {}, r"arrays\[1\] holds NaN or infinity in 81 of 81"),
        (np.full((9, 9), np.inf), {}, r"arrays\[0\] holds NaN or infinity"),
        ([GOOD[0]], {}, r"n_patches is 10, but the arrays have only 9 positions"),
        (np.zeros((2, 2, 9, 9)), {}, r"arrays has shape \(2, 2, 9, 9\)"),
        (np.zeros((9, 9, 9)), {"patch_size": (8,)}, r"Pass \[arrays\] if the last"),
        ([np.zeros((9, 9, 9))], {}, r"to \(8, 8\) if the last .* \(8, 8, 8\) if there"),
        ([np.zeros((0, 9))], {}, "no values"),
        ([np.float64(3)], {}, "single number"),
        ([np.zeros((9, 9, 5)), np.zeros((9, 9, 4))], {"patch_size": (3, 3)}, r"channels, \[4, 5\]"),
        ([np.full((9, 9), "a")], {}, "has dtype <U1; expected real numbers"),
        ([GOOD + 1j], {}, "has dtype complex128"),
        ([], {}, "arrays is an empty list"),
        (np.zeros((0, 9, 9)), {}, "arrays has no values"),
        ([GOOD, np.zeros((16, 16, 3))], {}, "mixes numbers of channels"),
        ([GOOD], {"n_patches": 82}, "n_patches is 82, but the arrays have only 81 positions"),
        ([GOOD], {"n_patches": 0}, "n_patches >= 1"),
        ([GOOD], {"border": 5}, r"arrays\[0\] without its border of 5 values has 6 x 6 values"),
        ([GOOD], {"border": 100}, r"without its border of 100 values has 0 x 0"),
        ([GOOD], {"border": -1}, "border >= 0"),
        (
            [GOOD],
            {"patch_size": (1, 2, 3)},
            "patch_size is .*expected an integer, or one integer for each axis",
        ),
        ([GOOD], {"patch_size": 0}, "patch_size >= 1"),
        ([GOOD], {"patch_size": 2.5}, "patch_size is 2.5; expected an integer"),
        ([GOOD], {"dtype": np.int32}, "dtype is .*expected float32 or float64"),
    ],
)
def test_sampling_refuses(images, options, words):
    options = {"patch_size": 8, "n_patches": 10} | options
    with pytest.raises(ValueError, match=words) as caught:
        sample_patches(images, **options)
    assert "\n" not in str(caught.value)


def test_extraction_refuses():
    with pytest.raises(ValueError, match="array has 16 x 16 values, smaller than a patch of 17"):
        extract_patches(GOOD, (17, 3))
    with pytest.raises(ValueError, match=r"step is .*expected an integer or 2 of them"):
        extract_patches(GOOD, (4, 4), step=(1, 1, 1))
    with pytest.raises(ValueError, match=r"patch_size is \(\)"):
        extract_patches(GOOD, ())
    with pytest.raises(ValueError, match="would be in no patch"):
        extract_patches(GOOD, (4, 4), step=(1, 5))
    with pytest.raises(ValueError, match=r"shape \(16, 16, 4\)"):
        extract_patches(np.zeros((16, 16, 4)), 4)


def test_reconstruction_refuses():
    X = extract_patches(GOOD, 4, step=2)
    with pytest.raises(ValueError, match="X has 16 columns; expected 25"):
        reconstruct_from_patches(X, (16, 16), 5, step=2)
    with pytest.raises(ValueError, match="X has 49 rows; expected 13 x 13 = 169"):
        reconstruct_from_patches(X, (16, 16), 4)
    with pytest.raises(ValueError, match="shape is"):
        reconstruct_from_patches(X, 16, 4, step=2)
    with pytest.raises(ValueError, match=r"shape \(16, 16, 2\), and patch_size is 4"):
        reconstruct_from_patches(X, (16, 16, 2), 4, step=2)
    with pytest.raises(ValueError, match="smaller than a patch"):
        reconstruct_from_patches(X, (16, 3), 4, step=2)


def test_average_refuses():
    patches = Patches(GOOD, 4, step=2)
    X = patches[:]
    with pytest.raises(ValueError, match="X has 48 rows; expected 7 x 7 = 49 patches"):
        patches.average([X[:40], X[41:]])
    with pytest.raises(ValueError, match="X has more than 49 rows"):
        patches.average(iter([X, X]))
    with pytest.raises(ValueError, match="X has 0 rows"):
        patches.average(iter([]))
    with pytest.raises(ValueError, match=r"out is an array of shape .*expected None, or a"):
        patches.average(X, out=np.empty((16, 15)))
    with pytest.raises(ValueError, match="NaN"):
        patches.average(np.full_like(X, np.nan))
    for rows in (49, -50, 1.5, np.array([0, 49])):
        with pytest.raises(IndexError, match="whole numbers from 0 to 48"):
            patches[rows]
    with pytest.raises(ValueError, match="n_patches >= 1"):
        patches.blocks(0)
    with pytest.raises(ValueError, match="copy=None"):
        np.array(patches, copy=False)


def test_missing_values_stay_nan_where_they_are_allowed():
    array = np.arange(12.0)
    array[3] = np.nan
    X = Patches(array, 4, missing=True)[:]
    np.testing.assert_array_equal(np.isnan(X).sum(axis=1), [1, 1, 1, 1, 0, 0, 0, 0, 0])
    masked = np.ma.masked_invalid(array)
    np.testing.assert_array_equal(Patches(masked, 4, missing=True)[:], X)
    for wrong in (array, masked):
        with pytest.raises(ValueError, match=r"array .*(NaN|masked)"):
            Patches(wrong, 4)[:]
    array[0] = np.inf
    with pytest.raises(ValueError, match="array holds infinity in 1 of 4 values"):
        Patches(array, 4, missing=True)[0]


@pytest.fixture
def film(tmp_path):
    """A video of 16-bit values on disk, 6.5 MB."""
    film = np.lib.format.open_memmap(tmp_path / "film.npy", "w+", np.uint16, (200, 128, 128))
    film[:] = np.random.default_rng(0).integers(0, 4096, film.shape)
    film.flush()
    return np.load(tmp_path / "film.npy", mmap_mode="r")


def peak(function):
    tracemalloc.start()
    result = function()
    size = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return result, size


def test_memory_maps_are_read_in_parts(film, tmp_path):
    """The whole film is 26 MB in float64, its patches are 105 MB."""
    X, size = peak(lambda: sample_patches(list(film), 8, 100, random_state=0))
    assert size < 2e6
    np.testing.assert_array_equal(
        X, sample_patches([np.array(picture) for picture in film], 8, 100, random_state=0)
    )
    X, size = peak(lambda: sample_patches(film, (4, 8, 8), 100, random_state=0))
    assert size < 2e6
    np.testing.assert_array_equal(X, sample_patches(np.array(film), (4, 8, 8), 100, random_state=0))
    out = np.lib.format.open_memmap(tmp_path / "out.npy", "w+", np.float32, film.shape)
    patches = Patches(film, (4, 8, 8), step=4, dtype=np.float32)
    _, size = peak(lambda: patches.average(patches.blocks(500), out=out))
    assert size < 8e6
    np.testing.assert_array_equal(out, film)


def test_only_what_is_drawn_from_a_memory_map_is_checked(tmp_path):
    array = np.zeros((10, 40))
    array[0] = np.nan
    np.save(tmp_path / "a.npy", array)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert not sample_patches([mapped[1:]], 4, 5).any()
    with pytest.raises(ValueError, match=r"arrays\[0\] holds NaN or infinity"):
        sample_patches([mapped], (10, 4), 5)
