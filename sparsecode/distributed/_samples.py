"""Samples in a Dask collection: their checks, without computing anything."""

from __future__ import annotations

import contextlib
import math

import dask
import dask.array as da
import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from sparsecode._collections import refuse_collection
from sparsecode._messages import shown, wrong
from sparsecode._validation import check_rows
from sparsecode.distributed._clients import check_open
from sparsecode.estimators import DictionaryLearning, OlshausenField, SparseCoder
from sparsecode.estimators._trained import TrainedEstimator

# Dtypes of samples: Booleans, integers and floating point numbers.
_KINDS = "buif"
# Estimators that learn from chunks, or from a stream of them.
_LEARN = (DictionaryLearning, OlshausenField, SparseCoder, TrainedEstimator)


def checked_samples(estimator, X):
    """Samples of a Dask collection as an array, if a fitted estimator can take them.

    Parameters
    ----------
    estimator : estimator
        Fitted; its number of features, and their names, are those of the samples.
    X : dask.array.Array or dask.dataframe.DataFrame

    Returns
    -------
    X : dask.array.Array of shape (n_samples, n_features)
        The number of rows may be unknown (NaN). Values are not checked.
    """
    check_is_fitted(estimator)
    array = as_rows(X, "X")
    check_open(X, "X", computes=False)
    _check_features(estimator, X, array, reset=False)
    return array


def samples_to_learn(estimator, X, *, reset):
    """Samples of a Dask collection as an array, if an estimator can learn from them.

    Raises
    ------
    TypeError
        If the estimator learns from arrays in memory only.
    ValueError
        If the number of rows of a chunk is unknown, or there are none.
    """
    if not isinstance(estimator, _LEARN):
        if not reset:
            refuse_collection(X, "Use X.map_blocks, for example with model.predict.")
        name = type(estimator).__name__
        raise TypeError(
            wrong(
                f"X of {name}.fit",
                got="a Dask collection",
                expected="samples in memory, or an iterator of batches",
                remedy="Give an iterator: (block.compute() for block in X.blocks).",
            )
        )
    array = known_rows(X, "X")
    check_open(X, "X", computes=True)
    _check_features(estimator, X, array, reset=reset)
    is_summed = isinstance(estimator, DictionaryLearning | SparseCoder)
    # Sums of chunks check the values themselves, and may allow NaN.
    return array if is_summed else checked_values(array, "X")


def known_rows(X, name):
    """Rows of a Dask collection whose numbers are known, as a Dask array of float32 or float64.

    Raises
    ------
    ValueError
        If the number of rows of a chunk is unknown, or there are none.
    """
    array = as_rows(X, name)
    check_known(array, X, name, "samples")
    return as_floats(array)


def check_known(array, X, name, of):
    """Raise ValueError if sizes of the chunks of `array`, which is made of `X`, are unknown."""
    if any(math.isnan(length) for lengths in array.chunks for length in lengths):
        is_frame = hasattr(X, "columns")
        remedy = (
            f"Pass {name}.to_dask_array(lengths=True)."
            if is_frame
            else (f"Call {name}.compute_chunk_sizes() first.")
        )
        raise ValueError(
            wrong(
                name,
                got="a Dask collection with chunks of unknown size",
                expected=f"known numbers of {'rows' if array.ndim == 2 else of}",
                remedy=remedy,
            )
        )
    if array.shape[0] == 0:
        raise ValueError(f"{name} has 0 {of}; expected at least 1. Give another array.")


def as_floats(array):
    """Dask array in float32 if it has no more digits, else in float64."""
    return array.astype(np.float32 if is_single(array) else np.float64)


def checked_values(array, name, lengths=None):
    """Dask array whose chunks are checked when they are computed; errors name the chunk.

    `lengths` are the numbers of rows of the chunks, if the array may not know them.
    """
    if lengths == array.chunks[0]:
        lengths = None
    prefix = f"checked-{name}-"
    if array.name.startswith(prefix):
        return array
    return da.map_blocks(
        _checked_chunk,
        array,
        what=name,
        lengths=lengths,
        chunks=(array.chunks[0] if lengths is None else lengths, *array.chunks[1:]),
        dtype=array.dtype,
        meta=array._meta,
        name=prefix + dask.base.tokenize(array),
    )


def _checked_chunk(block, what, lengths, block_id=None):
    with naming_chunk(block_id):
        if lengths is not None and block.shape[0] != lengths[block_id[0]]:
            raise ValueError(
                f"{what} has {block.shape[0]} rows but there are {lengths[block_id[0]]} samples; "
                f"expected a row for each. Give {what} of exactly these samples."
            )
        if block.shape[0] == 0:
            return block
        if block.ndim == 1:
            return check_rows(block[:, None], what)[:, 0]
        return check_rows(block, what)


def naming_chunk(block_id):
    """Context that puts the number of the chunk before errors about its values."""
    return naming(f"Chunk {block_id[0]} of the rows")


@contextlib.contextmanager
def naming(rows):
    """Context that puts the name of some rows before errors about their values."""
    try:
        yield
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{rows}: {error}") from error


def is_single(array):
    """Whether samples of this dtype are read as float32, as float16 is."""
    return array.dtype.kind == "f" and array.dtype.itemsize <= 4


def _check_features(estimator, X, array, *, reset):
    """Compare the number of features and their names with those of `fit`, or set them."""
    # The frame that stands for a DataFrame has its names and no rows.
    names = X._meta if hasattr(X, "columns") else np.empty((0, array.shape[1]))
    validate_data(estimator, names, reset=reset, skip_check_array=True)


def weights_in_memory(weight, X, name):
    """Weights of samples in a Dask array, or in a column of a DataFrame, as an array in memory."""
    if hasattr(weight, "to_dask_array"):
        weight = weight.to_dask_array(lengths=True)
    check_open(weight, name, computes=True)
    if not isinstance(weight, da.Array) or weight.ndim != 1 or weight.shape[0] != X.shape[0]:
        raise ValueError(
            wrong(
                name,
                got=f"a Dask collection of shape {shown(getattr(weight, 'shape', None))}",
                expected=f"one weight for each of {X.shape[0]} samples",
                remedy=f"Give an array of shape ({X.shape[0]},), and chunks of known size.",
            )
        )
    return weight.compute()


def as_rows(X, name):
    """Dask array of a collection whose chunks hold whole rows of numbers.

    Raises
    ------
    TypeError
        If it is no array or DataFrame, or does not hold numbers.
    ValueError
        If it is not two-dimensional, or rows are divided between chunks.
    """
    X = as_numbers(X, name)
    if X.ndim != 2:
        raise ValueError(
            wrong(
                name,
                got=f"a Dask array of {X.ndim} dimensions",
                expected="2: samples and features",
                remedy=f"Reshape it, such as {name}.reshape(len({name}), -1).",
            )
        )
    if X.numblocks[1] != 1:
        raise ValueError(
            wrong(
                name,
                got=f"a Dask array with the columns in {X.numblocks[1]} chunks",
                expected="whole rows in each chunk",
                remedy=f"Pass {name}.rechunk({{1: -1}}).",
            )
        )
    return X


def as_numbers(X, name):
    """Dask array of a collection of numbers, of any number of dimensions.

    Raises
    ------
    TypeError
        If it is no array or DataFrame, or does not hold numbers.
    """
    if hasattr(X, "to_dask_array"):
        X = X.to_dask_array()
    if not isinstance(X, da.Array):
        raise TypeError(
            wrong(
                name,
                got=f"a {type(X).__module__.partition('.')[0]} {type(X).__name__}",
                expected="an array or a DataFrame of Dask",
                remedy="Make one with dask.array.from_delayed or dask.array.from_array.",
            )
        )
    if X.dtype.kind not in _KINDS:
        raise TypeError(
            wrong(
                name,
                got=f"a Dask array of dtype {X.dtype}",
                expected="numbers",
                remedy=f"Convert it, such as {name}.astype('float32').",
            )
        )
    return X


def check_columns(X, n_columns, name="X", of="columns"):
    if X.shape[1] != n_columns:
        raise ValueError(
            f"{name} has {X.shape[1]} {of}, but the model has {n_columns}; expected the same "
            "number. Pass codes and samples of this model."
        )


def check_aligned(X, other, name="codes", of="rows"):
    """Raise ValueError unless two arrays have the same chunks of rows."""
    if other.numblocks[0] != X.numblocks[0] or not _same_rows(X.chunks[0], other.chunks[0]):
        raise ValueError(
            f"{name} has the chunks {shown(other.chunks[0])} of {of} and X has "
            f"{shown(X.chunks[0])}; expected the same. Pass {name}.rechunk({{0: X.chunks[0]}})."
        )


def _same_rows(mine, theirs):
    return all(a == b or math.isnan(a) or math.isnan(b) for a, b in zip(mine, theirs, strict=True))
