"""GroupMax encoder: one active unit in each group of units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode import _jit
from sparsecode._validation import check_integer
from sparsecode.encoders._linear import LinearEncoder
from sparsecode.encoders._scheduled import check_k


@dataclass(eq=False)
class GroupMax(LinearEncoder):
    """GroupMax: keep the largest entry of each of `k` groups, if it is positive.

    The entries of ``(x - offset) @ W.T + b`` are divided into `k` groups of neighbours, whose sizes
    differ by at most one. All entries but the largest of their group become 0. Like `TopK`, it sets
    the number of nonzeros of every sample; but the selection needs one pass and no comparison
    between groups, and units of one group never occur together. Training uses no dense codes and no
    dense gradients. Among equal entries the first is kept.

    Parameters
    ----------
    k : int, default=8
        Number of groups, the largest number of nonzeros of a sample.
    tied : bool, default=False
        Whether the encoder is tied: `W` is the atoms of the dictionary, not a parameter.
    initial_bias : float, default=0.0
        Initial value of `b`.
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (n_components, n_features), unless tied, and ``"b"`` of shape
        (n_components,). None takes those of `init`: the atoms and the bias.

    Raises
    ------
    ValueError
        By every method, if `k` is more than the atoms of the dictionary.

    References
    ----------
    R. Srivastava, J. Masci, S. Kazerounian, F. Gomez and J. Schmidhuber, "Compete to compute",
    2013, for groups of which one unit is active.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import GroupMax
    >>> GroupMax(k=2).encode([[2.0, 3.0, -1.0, 1.0]], Dictionary(np.eye(4)))
    array([[0., 3., 0., 1.]])
    """

    k: int = 8

    is_sparse: ClassVar[bool] = True
    sparse_codes: ClassVar[bool] = True
    active_setting: ClassVar[str | None] = "k"

    @property
    def unit_rows(self) -> None:
        """None: the position of a unit decides which group it is in."""
        return None

    def _entries(self, A, params):
        A, k = np.ascontiguousarray(A), min(self.k, A.shape[1])
        edges = np.linspace(0, A.shape[1], k + 1).astype(np.int64)
        values, columns = np.empty(len(A) * k, dtype=A.dtype), np.empty(len(A) * k, dtype=np.int32)
        counts = np.empty(len(A), dtype=np.int64)
        n = _list_largest(A, edges, values, columns, counts)
        return values[:n], columns[:n], counts

    def _activate(self, A, params):
        values, columns, counts = self._entries(A, params)
        rows = np.repeat(np.arange(len(A)), counts)
        A[:] = 0
        A[rows, columns] = values

    def _derive(self, dcodes, codes, params):
        return dcodes * (codes != 0)

    def _check_parameters(self):
        super()._check_parameters()
        check_integer(self.k, "k")

    def _shapes(self, dictionary):
        check_k(self, self.k, dictionary)
        return super()._shapes(dictionary)

    def _initial(self, dictionary, random_state):
        check_k(self, self.k, dictionary)
        return super()._initial(dictionary, random_state)


@_jit.kernel
def _list_largest(A, edges, values, columns, counts):
    n = 0
    for i in range(A.shape[0]):
        before = n
        for group in range(edges.shape[0] - 1):
            best, size = -1, 0.0
            for j in range(edges[group], edges[group + 1]):
                value = A[i, j]
                # NaN must be visible in the codes.
                if value > size or value != value:
                    best, size = j, value
                    if value != value:
                        break
            if best >= 0:
                values[n], columns[n] = size, best
                n += 1
        counts[i] = n - before
    return n
