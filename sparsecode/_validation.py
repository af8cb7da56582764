"""Checks of arguments. No other module below the doors imports scikit-learn's validation."""

from __future__ import annotations

import contextlib
import math
import re
from math import isfinite

import numpy as np
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils import check_random_state as sklearn_random_state
from sklearn.utils.validation import validate_data

from sparsecode._messages import shown, wrong
from sparsecode._plain import plain
from sparsecode._row_blocks import dense_rows, is_on_disk

# Values of a memory map that are read at a time, and so few that a mask is faster than a sum.
_ENTRIES, _FEW = 2**17, 2**10
FLOAT_DTYPES = (np.float64, np.float32)


def float_dtypes(array):
    """Dtypes for scikit-learn's check: float16 is read as float32, other dtypes as float64."""
    types = [array.dtype] if hasattr(array, "dtype") else getattr(array, "dtypes", ())
    halves = [getattr(dtype, "kind", "") == "f" and dtype.itemsize == 2 for dtype in types]
    return np.float32 if halves and all(halves) else FLOAT_DTYPES


def check_named_array(array, name, **options):
    """Return what scikit-learn's `check_array` does; its errors begin with the name of the array.

    Raises
    ------
    ValueError, TypeError
        As in `check_array`, and for masked or sparse arrays that are not allowed.
    """
    array = unmasked(array, name, options.get("ensure_all_finite") == "allow-nan")
    if sparse.issparse(array) and not options.get("accept_sparse"):
        raise TypeError(_sparse_message(name, f"Pass {name}.toarray()."))
    with naming(name):
        return check_array(array, input_name=name, **options)


@contextlib.contextmanager
def naming(name):
    """Context that puts the name of an argument before error messages without it."""
    try:
        yield
    except (ValueError, TypeError, OverflowError) as error:
        if type(error) in (ValueError, TypeError) and re.search(rf"\b{name}\b", str(error)):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        # scikit-learn prints a 1-D array in full.
        text = re.sub(r":\s*array=.*(?=\nReshape)", ".", str(error), flags=re.DOTALL)
        raise kind(f"{name} cannot be used. {text}") from error


def check_samples(estimator, X, *, missing=False, fill, dense, **options):
    """Check `X` with scikit-learn's `validate_data`; error messages suggest a remedy.

    Parameters
    ----------
    estimator : estimator
    X : array-like
    missing : bool, default=False
        Whether NaN and masked entries are missing entries.
    fill, dense : str
        Remedies in errors about missing entries and sparse matrices.
    **options
        Those of `validate_data`.
    """
    X = unmasked(X, "X", missing, fill)
    if sparse.issparse(X) and not options.get("accept_sparse"):
        raise TypeError(_sparse_message(f"X of {type(estimator).__name__}", dense))
    options |= {"dtype": float_dtypes(X), "ensure_all_finite": "allow-nan"}
    with naming("X"):
        X = validate_data(estimator, X, **options)
    n_gone = 0 if missing else _count_nan(X.data if sparse.issparse(X) else X)
    if n_gone > 0:
        raise ValueError(_missing_message("X", "NaN", n_gone, X.shape, fill))
    return X


def _count_nan(values):
    step = max(_ENTRIES // max(values[:1].size, 1), 1)
    return sum(int(np.isnan(values[i : i + step]).sum()) for i in range(0, len(values), step))


def unmasked(array, name, missing=False, fill="Fill them in first."):
    """Convert masked arrays to plain ones with NaN for masked entries; others do not change."""
    if not isinstance(array, np.ma.MaskedArray):
        return array
    gone = np.ma.getmaskarray(array)
    if not gone.any():
        return array.data
    if not missing:
        raise ValueError(_missing_message(name, "masked", gone.sum(), array.shape, fill))
    return array.astype(common_dtype(array)).filled(np.nan)


def _missing_message(name, what, n_gone, shape, fill):
    got = f"{what} in {n_gone} of {math.prod(shape)} entries"
    return wrong(name, got=got, expected="numbers", remedy=fill)


def _sparse_message(name, remedy):
    return wrong(name, got="a sparse matrix", expected="a dense array", remedy=remedy)


def check_matrix(array, name, *, n_columns=None, columns_are="features", min_rows=1, copy=False):
    """Return `array` as a finite 2-D C-contiguous float32 or float64 array.

    float32 and float64 are kept, float16 becomes float32, every other numeric type float64.

    Raises
    ------
    ValueError
        If the array is not 2-D, holds NaN or infinity, has fewer than `min_rows` rows, or has
        another number of columns than `n_columns`.
    """
    if not copy and type(array) is np.ndarray and array.flags.c_contiguous and is_checked(array):
        check_columns(array, name, n_columns, columns_are)
        return array
    array = check_named_array(
        array,
        name,
        dtype=float_dtypes(array),
        order="C",
        copy=copy,
        ensure_min_samples=min_rows,
    )
    check_columns(array, name, n_columns, columns_are)
    return array


def check_columns(array, name, n_columns, columns_are="features"):
    """Raise ValueError if `array` has another number of columns than `n_columns`, unless None."""
    if n_columns is not None and array.shape[1] != n_columns:
        raise ValueError(
            f"{name} has {array.shape[1]} columns; expected {n_columns}, one for each of the "
            f"{n_columns} {columns_are}. Got an array of shape {array.shape}."
        )


def check_rows(array, name, *, n_columns=None, missing=False, halves=False):
    """Return `array` as a float32 or float64 array or CSR matrix, without copying either.

    float16 becomes float32; with `halves` a float16 memory map does not change.

    It is for arrays that are read one block of rows at a time, see `sparsecode._row_blocks`. NaN is
    allowed if `missing`.
    """
    missing = check_flag(missing, "missing")
    if is_checked(array, halves=halves):
        array = array if sparse.issparse(array) else np.asarray(array)
    else:
        array = check_named_array(
            array,
            name,
            accept_sparse="csr",
            dtype=float_dtypes(array),
            order=None,
            ensure_all_finite="allow-nan" if missing else True,
        )
    check_columns(array, name, n_columns)
    return array


def is_checked(array, *, halves=False):
    """Whether scikit-learn's check would return an array unchanged.

    With `halves`, a float16 memory map, which is read in blocks, counts too. That check takes
    longer than coding a sample. It still has to check arrays for which this function returns
    False, and to raise the error.
    """
    if type(array) in (np.ndarray, np.memmap) and array.ndim == 2 and array.size > 0:
        values = array
    elif sparse.issparse(array) and array.format == "csr" and min(array.shape) > 0:
        values = array.data
    else:
        return False
    is_half = halves and values.dtype == np.float16 and is_on_disk(array)
    if not is_half and values.dtype not in FLOAT_DTYPES:
        return False
    if values.size <= _FEW and type(array) is np.ndarray:
        return bool(np.logical_and.reduce(np.isfinite(values), axis=None))
    with np.errstate(over="ignore", invalid="ignore"):
        if not is_on_disk(array):
            return isfinite(np.add.reduce(values, axis=None))
        starts = range(0, len(array), max(_ENTRIES // array.shape[1], 1))
        dtype = common_dtype(array)
        sums = (dense_rows(array, slice(i, i + starts.step), dtype).sum() for i in starts)
        return bool(np.isfinite(sum(sums)))


def check_code_rows(codes, n_samples, n_components):
    """Return `codes`, dense or sparse, if they fit the samples and a dictionary's atoms."""
    codes = check_rows(codes, "codes")
    check_codes_shape(codes, n_samples, n_components)
    return codes


def check_codes_shape(codes, n_samples, n_components):
    """Raise ValueError if codes, dense or sparse, do not fit samples and atoms."""
    if codes.shape != (n_samples, n_components):
        raise ValueError(
            f"codes has shape {codes.shape} but there are {n_samples} samples and the dictionary "
            f"has {n_components} atoms; expected shape ({n_samples}, {n_components}). "
            "Encode X with this dictionary first."
        )


def check_number(value, name, *, low=None, high=None, low_open=False):
    """Return `value` as a float if it is a finite number in the given range."""
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not isfinite(number):
        raise ValueError(
            wrong(
                name,
                got=shown(value),
                expected="a finite number",
                remedy=f"Set {name} to a finite number.",
            )
        )
    _check_range(number, name, low, high, low_open)
    return float(number)


def check_integer(value, name, *, low=1, high=None):
    """Return `value` as an int if it is a whole number in the given range."""
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, int):
        raise ValueError(
            wrong(
                name,
                got=shown(value),
                expected="an integer of at most 64 bits",
                remedy=f"Set {name} to an integer.",
            )
        )
    _check_range(number, name, low, high, False)
    return number


def _check_range(number, name, low, high, low_open):
    too_low = low is not None and (number <= low if low_open else number < low)
    too_high = high is not None and number > high
    if too_low or too_high:
        bounds = []
        if low is not None:
            bounds.append(f"{name} {'>' if low_open else '>='} {low}")
        if high is not None:
            bounds.append(f"{name} <= {high}")
        raise ValueError(
            f"{name} is {number}; expected {' and '.join(bounds)}. Choose a value in that range."
        )


def check_fraction(value, name):
    """Return `value` if it is a number above 0 and below 1: a share that leaves something."""
    share = check_number(value, name, low=0, low_open=True)
    if not share < 1:
        expected = "a number above 0 and below 1, so that samples to learn from remain"
        raise ValueError(
            wrong(name, got=value, expected=expected, remedy="Choose for example 0.1.")
        )
    return share


def check_dtype(dtype):
    """Return `dtype` as a NumPy dtype if it is float32 or float64."""
    try:
        known = np.dtype(dtype) if dtype is not None else None
    except TypeError:
        known = None
    if known not in FLOAT_DTYPES:
        remedy = "Choose one of these."
        raise ValueError(
            wrong("dtype", got=shown(dtype), expected="float32 or float64", remedy=remedy)
        )
    return known


def common_dtype(*arrays):
    """Return float32 if every array that is not None is float32 or float16, else float64."""
    given = [array.dtype for array in arrays if array is not None]
    if given and all(dtype in (np.float32, np.float16) for dtype in given):
        return np.dtype(np.float32)
    return np.dtype(np.float64)


def check_n_jobs(n_jobs):
    """Return `n_jobs` if it is None or a whole number other than 0."""
    number = plain(n_jobs)
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int) or number == 0:
        raise ValueError(
            wrong(
                "n_jobs",
                got=shown(n_jobs),
                expected="None or a whole number other than 0",
                remedy="Use -1 for all cores, 1 for one.",
            )
        )
    return number


def check_random_state(random_state, name="random_state"):
    """Return the given RandomState, a new one from a seed, or NumPy's global one for None."""
    seed = plain(random_state)
    try:
        return sklearn_random_state(seed)
    except (ValueError, TypeError) as error:
        raise ValueError(
            wrong(
                name,
                got=shown(random_state),
                expected="a whole number from 0 to 4294967295, a RandomState, or None",
                remedy="Use 0 for the same result each time.",
            )
        ) from error


def check_flag(value, name):
    """Return `value` if it is a bool."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(
            wrong(
                name, got=shown(value), expected="True or False", remedy="Set it to one of these."
            )
        )
    return bool(value)


def check_missing(missing):
    """Return `missing` if it is None or "mask"."""
    if missing is not None and (not isinstance(missing, str) or missing != "mask"):
        raise ValueError(
            wrong(
                "missing",
                got=shown(missing),
                expected="None or 'mask'",
                remedy="Use 'mask' to fit each sample on the features that are not NaN.",
            )
        )
    return missing
