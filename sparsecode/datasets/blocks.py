"""Blocks of rows of arrays and files that are larger than the memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from sparsecode._extras import require
from sparsecode._messages import shown, wrong
from sparsecode._parallel import read_ahead
from sparsecode._typing import PathLike, RandomState
from sparsecode._validation import check_flag, check_integer, check_random_state

from ._block_sources import as_floats, rows_of


def iter_blocks(
    source: Any | PathLike | Sequence[Any],
    *,
    rows: int = 65_536,
    columns: Any = None,
    key: str | None = None,
    shuffle: bool = False,
    random_state: RandomState = None,
    progress: bool = False,
) -> Iterator[np.ndarray]:
    """Read rows a block at a time, from arrays or files that need not fit in memory.

    While a block is used, the next one is read on a thread. At most two blocks and the pieces of
    one are in memory. The iterator goes into `fit` or `partial_fit` of any estimator that takes
    batches.

    Parameters
    ----------
    source : array-like, path, or list of these
        Arrays have two dimensions: a NumPy array or memory map, a sparse matrix, or an opened array
        of Zarr or HDF5. Files are known by their ends: ``.npy``, ``.safetensors``, ``.zarr``,
        ``.h5``, ``.hdf5``, ``.parquet``, ``.arrow`` and ``.feather``. Of a list, one follows the
        other.
    rows : int, default=65536
        Rows in a block; the last one may have fewer. Blocks do not end where a file ends.
    columns : sequence or None, default=None
        Columns to read: names of a table, or indices of an array. None reads all. A table may have
        a single column of vectors.
    key : str or None, default=None
        Name of the array in a file of several.
    shuffle : bool, default=False
        Whether the rows of each block are put in random order. Blocks come in the order of the
        source: let them be large where neighbours are alike.
    random_state : int, RandomState, Generator or None, default=None
        Of the shuffling.
    progress : bool, default=False
        Whether a bar on the standard error shows how many rows were read. It needs rich.

    Yields
    ------
    block : ndarray or csr_array of shape (n_rows, n_features)
        float64, or float32 where that is stored, or float16 or bfloat16.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a file cannot be read, does not have the array or the columns, or sources have different
        numbers of features.
    ImportError
        If the library of a format is not installed; the message names the extra.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.datasets import iter_blocks
    >>> [block.shape for block in iter_blocks([np.ones((5, 3)), np.zeros((2, 3))], rows=4)]
    [(4, 3), (3, 3)]
    """
    rows, shuffle = check_integer(rows, "rows"), check_flag(shuffle, "shuffle")
    progress, rng = check_flag(progress, "progress"), check_random_state(random_state)
    columns = _columns(columns)
    if key is not None and not isinstance(key, str):
        expected, remedy = "a string or None", "Give the name of an array in the file."
        raise TypeError(wrong("key", got=shown(key), expected=expected, remedy=remedy))
    sources = [
        rows_of(one, columns, key, name=f"source {number}")
        for number, one in enumerate(_listed(source))
    ]
    blocks = _blocks(sources, rows)
    if shuffle:
        blocks = (block[rng.permutation(block.shape[0])] for block in blocks)
    blocks = read_ahead(blocks)
    return _with_bar(blocks, sum(one.n_rows for one in sources)) if progress else blocks


def _columns(columns):
    """Columns as a list, or None."""
    if columns is None:
        return None
    is_list = isinstance(columns, Sequence | np.ndarray) and not isinstance(columns, str | bytes)
    if not is_list or np.ndim(columns) != 1 or len(columns) == 0:
        raise TypeError(
            wrong(
                "columns",
                got=shown(columns),
                expected="a list of names or indices, or None",
                remedy="Leave it out to read all.",
            )
        )
    return list(columns)


def _listed(source):
    """Sources of a list, of the files of a folder, or one."""
    if isinstance(source, str | Path) and Path(source).is_dir() and not Path(source).suffix:
        source = sorted(path for path in Path(source).iterdir() if path.suffix)
    if not isinstance(source, list | tuple):
        return [source]
    if not source:
        raise ValueError(
            wrong("source", got="an empty list", expected="at least one file or array",
                  remedy="Check the pattern that made it.")
        )  # fmt: skip
    return source


def _blocks(sources, rows):
    """Blocks of exactly `rows` rows, but the last, of sources one after the other."""
    held, n_held, n_features = [], 0, None
    for source in sources:
        for piece in source.pieces(rows):
            piece = as_floats(piece)
            if n_features not in (None, piece.shape[1]):
                raise ValueError(
                    f"{source.name} has {piece.shape[1]} features, but those before it have "
                    f"{n_features}; expected the same number. Leave it out, or choose columns."
                )
            n_features = piece.shape[1]
            while n_held + piece.shape[0] >= rows:
                taken = rows - n_held
                yield _joined([*held, piece[:taken]])
                held, n_held, piece = [], 0, piece[taken:]
            if piece.shape[0]:
                held.append(piece)
                n_held += piece.shape[0]
    if held:
        yield _joined(held)


def _joined(parts):
    if sparse.issparse(parts[0]):
        return sparse.csr_array(sparse.vstack(parts))
    # A copy of what a memory map has, which is then read here and not where it is used.
    return np.concatenate(parts)


def _with_bar(blocks, n_rows):
    require("cli", "A progress bar")
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress("reading rows", *columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=n_rows)
        for block in blocks:
            yield block
            bar.advance(task, block.shape[0])
