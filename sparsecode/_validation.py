"""Checks of what a user passes in, and the wording of every error.

The only module below the doors that imports scikit-learn's validation. Messages of our own say
the subject, what was got, what was expected, and the remedy.
"""

from __future__ import annotations

import numbers

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from sparsecode._rows import dense_rows, is_on_disk

# Values of a memory map that are read at a time.
_ENTRIES = 2**17
FLOAT_DTYPES = (np.float64, np.float32)


def wrong(subject, *, got, expected, remedy):
    """Word an error message: subject, got, expected, remedy."""
    return f"{subject} is {got}; expected {expected}. {remedy}"


def check_matrix(array, name, *, n_columns=None, columns_are="features", min_rows=1, copy=False):
    """Return `array` as a finite 2-D C-contiguous float32 or float64 array.

    float32 and float64 are kept, every other numeric type becomes float64.

    Raises
    ------
    ValueError
        If the array is not 2-D, holds NaN or infinity, has fewer than `min_rows` rows, or has
        another number of columns than `n_columns`.
    """
    if not copy and type(array) is np.ndarray and array.flags.c_contiguous and is_checked(array):
        check_columns(array, name, n_columns, columns_are)
        return array
    array = check_array(
        array,
        dtype=FLOAT_DTYPES,
        order="C",
        copy=copy,
        ensure_min_samples=min_rows,
        input_name=name,
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


def check_rows(array, name, *, n_columns=None, missing=False):
    """Return `array` as a float32 or float64 array or CSR matrix, without copying either.

    For what is read a block of rows at a time; see `sparsecode._rows`. NaN is let through where it
    means `missing`.
    """
    check_flag(missing, "missing")
    if is_checked(array):
        array = array if sparse.issparse(array) else np.asarray(array)
    else:
        array = check_array(
            array,
            accept_sparse="csr",
            dtype=FLOAT_DTYPES,
            order=None,
            ensure_all_finite="allow-nan" if missing else True,
            input_name=name,
        )
    check_columns(array, name, n_columns)
    return array


def is_checked(array):
    """Whether an array is such that scikit-learn's check would return it as it is.

    That check takes longer than coding a sample. What is not found good here it must still judge,
    and word the error.
    """
    if sparse.issparse(array) and array.format == "csr" and min(array.shape) > 0:
        values = array.data
    elif type(array) in (np.ndarray, np.memmap) and array.ndim == 2 and array.size > 0:
        values = array
    else:
        return False
    if values.dtype not in FLOAT_DTYPES:
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        if not is_on_disk(array):
            return bool(np.isfinite(values.sum()))
        starts = range(0, len(array), max(_ENTRIES // array.shape[1], 1))
        sums = (dense_rows(array, slice(i, i + starts.step), array.dtype).sum() for i in starts)
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


def check_number(value, name, *, low=None, high=None, low_open=False, kind=numbers.Real):
    """Return `value` if it is a finite number in the given range."""
    is_number = isinstance(value, kind) and not isinstance(value, (bool, np.bool_))
    if not is_number or not np.isfinite(value):
        what = "an integer" if kind is numbers.Integral else "a finite number"
        raise ValueError(
            wrong(name, got=repr(value), expected=what, remedy=f"Set {name} to {what}.")
        )
    too_low = low is not None and (value <= low if low_open else value < low)
    too_high = high is not None and value > high
    if too_low or too_high:
        bounds = []
        if low is not None:
            bounds.append(f"{name} {'>' if low_open else '>='} {low}")
        if high is not None:
            bounds.append(f"{name} <= {high}")
        raise ValueError(
            f"{name} is {value}; expected {' and '.join(bounds)}. Choose a value in that range."
        )
    return value


def check_integer(value, name, *, low=1, high=None):
    """Return `value` as an int if it is a whole number in the given range."""
    return int(check_number(value, name, low=low, high=high, kind=numbers.Integral))


def check_fraction(value, name):
    """Return `value` if it is a number above 0 and below 1: a share that leaves something."""
    if not check_number(value, name, low=0, low_open=True) < 1:
        raise ValueError(
            wrong(
                name,
                got=value,
                expected="a share above 0 and below 1, which leaves samples to learn from",
                remedy="Choose for example 0.1.",
            )
        )
    return value


def check_dtype(dtype):
    """Return `dtype` as a NumPy dtype if it is float32 or float64."""
    if np.dtype(dtype) not in FLOAT_DTYPES:
        raise ValueError(
            wrong(
                "dtype",
                got=repr(dtype),
                expected="float32 or float64",
                remedy="Choose one of these.",
            )
        )
    return np.dtype(dtype)


def common_dtype(*arrays):
    """Return float32 if every array that is not None is float32, else float64."""
    given = [array.dtype for array in arrays if array is not None]
    if given and all(dtype == np.float32 for dtype in given):
        return np.dtype(np.float32)
    return np.dtype(np.float64)


def check_n_jobs(n_jobs):
    """Return `n_jobs` if it is None or a whole number other than 0."""
    if n_jobs is None:
        return None
    is_integer = isinstance(n_jobs, numbers.Integral) and not isinstance(n_jobs, bool)
    if not is_integer or n_jobs == 0:
        raise ValueError(
            wrong(
                "n_jobs",
                got=repr(n_jobs),
                expected="None or a whole number other than 0",
                remedy="Use -1 for all cores, 1 for one.",
            )
        )
    return int(n_jobs)


def check_flag(value, name):
    """Return `value` if it is a bool."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(
            wrong(name, got=repr(value), expected="True or False", remedy="Set it to one of these.")
        )
    return bool(value)


def check_missing(missing):
    """Return `missing` if it is None or "mask"."""
    if missing not in (None, "mask"):
        raise ValueError(
            wrong(
                "missing",
                got=repr(missing),
                expected="None or 'mask'",
                remedy="Use 'mask' to fit each sample on the features that are not NaN.",
            )
        )
    return missing
