"""The short way through the check of samples lets through, and refuses, what the long way does."""

import numpy as np
import pytest

from sparsecode._validation import check_rows, is_checked


def subclass(array):
    """The same array, of a type that has to take the long way."""
    return array.view(type("Longer", (np.ndarray,), {}))


def outcome(array, missing):
    """What comes of a check: the array, or the message of the error."""
    try:
        # scikit-learn warns that infinities cancel, before it says that they are there.
        with np.errstate(invalid="ignore"):
            return check_rows(array, "X", n_columns=3, missing=missing)
    except ValueError as error:
        return str(error)


def arrays():
    good = np.arange(12.0).reshape(4, 3)
    yield "finite", good
    yield "float32", good.astype(np.float32)
    yield "Fortran order", np.asfortranarray(good)
    yield "every other row", np.repeat(good, 2, axis=0)[::2]
    yield "a sum that overflows", np.full((4, 3), 1e308)
    yield "integers", good.astype(int)
    yield "float16", good.astype(np.float16)
    for value in (np.nan, np.inf, -np.inf):
        yield str(value), np.where(good == 5, value, good)
    yield "infinities that cancel", np.where(good == 5, np.inf, np.where(good == 7, -np.inf, good))
    yield "NaN and infinity", np.where(good == 5, np.inf, np.where(good == 7, np.nan, good))
    yield "only NaN", np.full((4, 3), np.nan)
    yield "one dimension", good[0]
    yield "three dimensions", good[None]
    yield "no rows", good[:0]
    yield "no columns", good[:, :0]
    yield "too few columns", good[:, :2]


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("array", [pytest.param(array, id=name) for name, array in arrays()])
def test_the_short_way_is_the_long_one(array, missing):
    got, expected = outcome(array, missing), outcome(subclass(array), missing)
    assert not is_checked(subclass(array))
    if isinstance(expected, str):
        assert got == expected
        return
    np.testing.assert_array_equal(got, expected)
    assert type(got) is np.ndarray and got.dtype == expected.dtype


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_memory_maps_are_not_copied(tmp_path, order, missing):
    array = np.asarray(np.arange(12.0).reshape(4, 3), order=order)
    if missing:
        array[1, 1] = np.nan
    np.save(tmp_path / "X.npy", array)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert is_checked(mapped) != missing
    assert np.shares_memory(check_rows(mapped, "X", missing=missing), mapped)
