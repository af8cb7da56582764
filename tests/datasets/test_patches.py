"""Patches: the grid and its inverse, and random draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsecode.datasets import extract_patches, reconstruct_from_patches, sample_patches


@st.composite
def grids(draw):
    """An image shape, a patch that fits in it, and a step that covers it."""
    shape = draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    patch = tuple(draw(st.integers(1, length)) for length in shape)
    step = tuple(draw(st.integers(1, length)) for length in patch)
    return shape + draw(st.sampled_from([(), (3,)])), patch, step


@settings(deadline=None, max_examples=100)
@given(grids(), st.sampled_from([np.float32, np.float64]))
def test_reconstruction_is_the_inverse(grid, dtype):
    shape, patch, step = grid
    image = np.random.default_rng(0).normal(size=shape).astype(dtype)
    before = image.copy()
    X = extract_patches(image, patch, step=step)
    assert X.dtype == dtype
    assert X.flags.c_contiguous
    X_before = X.copy()
    restored = reconstruct_from_patches(X, shape, patch, step=step)
    assert restored.dtype == dtype
    assert restored.shape == shape
    # Sums are in float64, so that float32 comes back to the last bit.
    rtol = 1e-13 if dtype == np.float64 else 0
    np.testing.assert_allclose(restored, image, rtol=rtol, atol=0)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(X, X_before)


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
            r"images\[1\] has 16 x 7 pixels, smaller than a patch of 8 x 8",
        ),
        ([GOOD, np.full((9, 9), np.nan)], {}, r"images\[1\] holds NaN or infinity in 81 of 81"),
        (np.full((9, 9), np.inf), {}, r"images\[0\] holds NaN or infinity"),
        ([GOOD[0]], {}, r"images\[0\] has shape \(16,\)"),
        (np.zeros(9), {}, r"images has shape \(9,\)"),
        (np.zeros((2, 2, 9, 9)), {}, r"images has shape \(2, 2, 9, 9\)"),
        ([np.zeros((0, 9))], {}, "no pixels"),
        ([np.full((9, 9), "a")], {}, "has dtype <U1; expected real numbers"),
        ([GOOD + 1j], {}, "has dtype complex128"),
        ([], {}, "images is an empty list"),
        (np.zeros((0, 9, 9)), {}, "images is an empty stack"),
        ([GOOD, np.zeros((16, 16, 3))], {}, "mixes grey and colour"),
        ([GOOD], {"n_patches": 82}, "n_patches is 82, but the images have only 81 positions"),
        ([GOOD], {"n_patches": 0}, "n_patches >= 1"),
        ([GOOD], {"border": 5}, r"images\[0\] without its border of 5 pixels has 6 x 6 pixels"),
        ([GOOD], {"border": 100}, r"without its border of 100 pixels has 0 x 0"),
        ([GOOD], {"border": -1}, "border >= 0"),
        ([GOOD], {"patch_size": (1, 2, 3)}, "patch_size is .*expected an integer or a pair"),
        ([GOOD], {"patch_size": 0}, "patch_size >= 1"),
        ([GOOD], {"patch_size": 2.5}, "patch_size is 2.5; expected an integer"),
        ([GOOD], {"dtype": np.int32}, "dtype is .*expected float32 or float64"),
    ],
)
def test_sampling_refuses(images, options, words):
    options = {"patch_size": 8, "n_patches": 5} | options
    with pytest.raises(ValueError, match=words) as caught:
        sample_patches(images, **options)
    assert "\n" not in str(caught.value)


def test_extraction_refuses():
    with pytest.raises(ValueError, match="image has 16 x 16 pixels, smaller than a patch of 17"):
        extract_patches(GOOD, (17, 3))
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
    with pytest.raises(ValueError, match="image_shape is"):
        reconstruct_from_patches(X, (16, 16, 2), 4, step=2)
    with pytest.raises(ValueError, match="smaller than a patch"):
        reconstruct_from_patches(X, (16, 3), 4, step=2)
