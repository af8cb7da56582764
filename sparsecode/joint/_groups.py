"""Groups of samples: validated, with their rows, and atoms in their unit in float64."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode._binary_scaling import exponent_between, row_sizes, scaled
from sparsecode._parallel import map_row_blocks
from sparsecode._row_blocks import dense_rows
from sparsecode._validation import check_rows, common_dtype
from sparsecode._values import sorted_labels
from sparsecode.dictionary import Dictionary, as_dictionary


class Groups(NamedTuple):
    """Validated samples with the rows of each group, and atoms in their unit in float64."""

    X: np.ndarray
    dictionary: Dictionary
    atoms: np.ndarray
    gram: np.ndarray
    unit_exponent: int
    labels: np.ndarray
    members: list
    dtype: np.dtype

    @classmethod
    def of(cls, X, dictionary, groups):
        dictionary = as_dictionary(dictionary)
        X = check_rows(X, "X", n_columns=dictionary.n_features)
        dtype = common_dtype(X, dictionary.atoms)
        dictionary = dictionary.astype(np.float64)
        labels, group_of = _labels(groups, X.shape[0])
        members = np.split(
            np.argsort(group_of, kind="stable"), np.cumsum(np.bincount(group_of))[:-1]
        )
        unit = dictionary.in_unit(0)
        parts = unit.atoms, unit.gram, dictionary.unit_exponent
        return cls(X, dictionary, *parts, labels, members, dtype)

    @property
    def n_components(self):
        return len(self.atoms)

    def group(self, g):
        """Rows of a group, its centred samples in their unit, and the exponent of the unit."""
        rows = self.members[g]
        X = self.dictionary.center(dense_rows(self.X, rows, np.float64))
        exponent = exponent_between(row_sizes(X))
        return rows, scaled(X, exponent), exponent

    def each_group(self, solve, n_jobs):
        def block(groups):
            for g in range(groups.start, groups.stop):
                solve(g)

        map_row_blocks(block, len(self.labels), block_size=1, n_jobs=n_jobs, is_long=True)


def _labels(groups, n_samples):
    """Sorted labels of the groups, and the number of the group of each sample."""
    if groups is None:
        return np.zeros(1, dtype=np.int64), np.zeros(n_samples, dtype=np.int64)
    labels = np.asarray(groups)
    is_missing = labels.dtype.kind == "f" and bool(np.isnan(labels).any())
    if labels.shape != (n_samples,) or labels.dtype.kind not in "biufUSO" or is_missing:
        what = "with NaN" if is_missing else f"of shape {labels.shape} and type {labels.dtype}"
        raise ValueError(
            f"groups is an array {what}; expected the label of each of {n_samples} samples, of "
            f"shape ({n_samples},). Give numbers or names, or None for one group of all."
        )
    return sorted_labels(labels, "groups")
