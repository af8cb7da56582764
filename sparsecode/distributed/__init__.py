"""Dask collections: samples in chunks, for threads, processes or the workers of a cluster.

Estimators take Dask arrays and DataFrames where they take samples, and so does
`sparsecode.certify`. What they return is a Dask array with the same chunks of rows, and is not
computed before the user asks for it. Dask is an option, ``pip install 'sparsecode[dask]'``, and is
imported only when a collection is given, or in `data_parallel`.

Examples
--------
>>> import dask.array as da
>>> from sparsecode import SparseCoder
>>> X = da.ones((6, 2), chunks=(2, 2))
>>> codes = SparseCoder([[1.0, 0.0], [0.0, 1.0]], alpha=0.25).fit([[1.0, 1.0]]).transform(X)
>>> codes.chunks
((2, 2, 2), (2,))
>>> codes[:1].compute()
array([[0.75, 0.75]])
"""

from sparsecode.distributed.parallel import data_parallel

__all__ = ["data_parallel"]
