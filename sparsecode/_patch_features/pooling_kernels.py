"""Kernels that add codes of positions to those of their regions, or keep the largest."""

from __future__ import annotations

from sparsecode import _jit

# Kinds of codes. Codes that are never negative have one half, the positive one.
SPLIT, ABSOLUTE, _KEEP, POSITIVE = range(4)


@_jit.kernel
def add_dense(codes, threshold, regions, kind, takes_largest, pooled):
    for i in range(codes.shape[0]):
        target = pooled[regions[i]]
        if takes_largest:
            _raise_row(codes[i], threshold, kind, target)
        else:
            _add_row(codes[i], threshold, kind, target)


@_jit.inner
def _add_row(row, threshold, kind, target):
    zero = row.dtype.type(0)
    first = target[0]
    if kind == SPLIT:
        second = target[1]
        for j in range(row.shape[0]):
            first[j] += max(row[j] - threshold, zero)
            second[j] += max(-row[j] - threshold, zero)
    elif kind == POSITIVE:
        for j in range(row.shape[0]):
            first[j] += max(row[j] - threshold, zero)
    elif kind == ABSOLUTE:
        for j in range(row.shape[0]):
            first[j] += max(abs(row[j]) - threshold, zero)
    else:
        for j in range(row.shape[0]):
            first[j] += max(row[j] - threshold, zero) - max(-row[j] - threshold, zero)


@_jit.inner
def _raise_row(row, threshold, kind, target):
    zero = row.dtype.type(0)
    first = target[0]
    if kind == SPLIT:
        second = target[1]
        for j in range(row.shape[0]):
            first[j] = max(row[j] - threshold, first[j])
            second[j] = max(-row[j] - threshold, second[j])
    elif kind == POSITIVE:
        for j in range(row.shape[0]):
            first[j] = max(row[j] - threshold, first[j])
    elif kind == ABSOLUTE:
        for j in range(row.shape[0]):
            first[j] = max(abs(row[j]) - threshold, first[j])
    else:
        for j in range(row.shape[0]):
            code = max(row[j] - threshold, zero) - max(-row[j] - threshold, zero)
            first[j] = _larger(code, first[j])


@_jit.kernel
def add_sparse(values, columns, starts, regions, kind, takes_largest, pooled):
    for i in range(len(regions)):
        target = pooled[regions[i]]
        for n in range(starts[i], starts[i + 1]):
            _add_entry(values[n], columns[n], kind, takes_largest, target)


@_jit.inner
def _add_entry(value, j, kind, takes_largest, target):
    half = 1 if kind == SPLIT and value < 0 else 0
    if kind in (SPLIT, ABSOLUTE):
        value = abs(value)
    if takes_largest:
        target[half, j] = _larger(value, target[half, j])
    else:
        target[half, j] += value


@_jit.inner
def _larger(one, other):
    """The number of larger magnitude; of two the positive one."""
    is_larger = abs(one) > abs(other) or (abs(one) == abs(other) and one > other)
    return one if is_larger else other
