"""Rows of tables on disk, in the formats of Arrow."""

from __future__ import annotations

import numpy as np

from sparsecode._extras import require
from sparsecode._messages import shown, wrong
from sparsecode._reading.refusal import Refused, listed

from ._rows import KINDS, Rows

# By the end of a file's name.
FORMATS = {".parquet": "parquet", ".arrow": "ipc", ".feather": "feather"}


def rows_of_table(path, columns, key):
    """Rows of a table on disk, whose columns are features, or of one column of vectors."""
    require("arrow", f"Reading {path}")
    from pyarrow import dataset

    data = dataset.dataset(path, format=FORMATS[path.suffix.lower()])
    names = data.schema.names if columns is None else list(columns)
    if not all(isinstance(name, str) for name in names):
        got, remedy = shown(names), "Give names, such as columns=['a', 'b']."
        raise ValueError(
            wrong("columns", got=got, expected=f"names of columns of {path}", remedy=remedy)
        )
    gone = [name for name in names if name not in data.schema.names]
    if gone:
        raise Refused(
            wrong(
                "columns",
                got=f"a list with {listed(map(str, gone))}, which {path} does not have",
                expected=f"columns of the file: {listed(data.schema.names)}",
                remedy="Choose among these.",
            )
        )

    def pieces(rows):
        for batch in data.to_batches(columns=names, batch_size=rows):
            if batch.num_rows:
                yield _of_batch(path, batch)

    return Rows(str(path), data.count_rows(), pieces)


def _of_batch(path, batch):
    """Array of the columns of a batch; of a single column of vectors, these."""
    import pyarrow as pa

    if batch.num_columns == 1 and pa.types.is_nested(batch.schema.types[0]):
        vectors = batch.column(0)
        return np.asarray(vectors.flatten()).reshape(len(vectors), -1)
    parts = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        values = column.to_numpy(zero_copy_only=False)
        if values.dtype.kind not in KINDS:
            raise Refused(
                wrong(
                    f"column {name!r} of {path}",
                    got=f"of type {column.type}",
                    expected="numbers",
                    remedy="Set columns to the names of the columns of numbers.",
                )
            )
        parts.append(values)
    return np.column_stack(parts)
