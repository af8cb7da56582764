"""Nonzeros of codes, dense or sparse."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from sparsecode._validation import check_number, check_rows


def canonical(codes):
    """Codes without duplicate sparse entries; a copy is made only if there are duplicates."""
    if not sparse.issparse(codes) or codes.has_canonical_format:
        return codes
    codes = codes.copy()
    codes.sum_duplicates()
    return codes


def sizes_above(codes, threshold):
    """Absolute values of codes; values up to the threshold become 0. Sparse codes stay sparse."""
    threshold = check_number(threshold, "threshold", low=0)
    sizes = abs(canonical(check_rows(codes, "codes")))
    if not sparse.issparse(sizes):
        return np.where(sizes > threshold, sizes, 0)
    sizes.data[sizes.data <= threshold] = 0
    return sizes


def count(codes, axis):
    """Nonzeros of each row (1) or column (0), also where a sparse matrix stores zeros."""
    if not sparse.issparse(codes):
        return np.count_nonzero(codes, axis=axis)
    return np.asarray((canonical(codes) != 0).sum(axis=axis)).ravel()
