"""Kernels on the orthonormal directions of chosen atoms, and on the residual that they leave."""

from __future__ import annotations

import numpy as np

from sparsecode import _jit

# Entries of which the largest is found at once.
BLOCK = 32


@_jit.inner
def find_largest(bits, tops):
    """Index of the first entry of largest magnitude.

    Compares floats by their bits, which vectorises where a maximum of floats does not: without
    the sign bit they are ordered like integers.
    """
    mask = bits.dtype.type(0x7FFFFFFF if bits.itemsize == 4 else 0x7FFFFFFFFFFFFFFF)
    largest = bits.dtype.type(0)
    for block in range(bits.shape[0]):
        row = bits[block]
        top = bits.dtype.type(0)
        for i in range(row.shape[0]):
            top = max(top, bits.dtype.type(row[i] & mask))
        tops[block] = top
        largest = max(largest, top)
    block = 0
    while tops[block] != largest:
        block += 1
    i = 0
    while (bits[block, i] & mask) != largest:
        i += 1
    return block * bits.shape[1] + i


@_jit.inner
def fill_gram_row(out, j, scale, partial, sample):
    """Inner products of an atom with all atoms, on the features that a sample has."""
    observed, atoms, features = partial
    n = scale.shape[0]
    for i in range(n):
        out[i] = 0
    for f in range(observed.shape[1]):
        if observed[sample, f]:
            value, row = atoms[j, f] * scale[j], features[f]
            for i in range(n):
                out[i] += value * row[i]
    for i in range(n):
        out[i] *= scale[i]


@_jit.inner
def load(square, basis, j, count, loading):
    """Inner products of an atom with the directions, and the square of what they leave of it."""
    square = np.float64(square)
    for i in range(count):
        loading[i] = basis[i, j]
        square -= np.float64(loading[i]) * loading[i]
    return square


@_jit.inner
def add_direction(gram_row, basis, loading, count, inverse):
    """Fill row `count` of the basis: an atom less its part in the directions before, scaled."""
    n = gram_row.shape[0]
    out = basis[count]
    k = count % 4
    # Four rows a pass: the output is read and written a quarter as often.
    if k == 0:
        for i in range(n):
            out[i] = inverse * gram_row[i]
    elif k == 1:
        l0, q0 = inverse * loading[0], basis[0]
        for i in range(n):
            out[i] = inverse * gram_row[i] - l0 * q0[i]
    elif k == 2:
        l0, l1 = inverse * loading[0], inverse * loading[1]
        q0, q1 = basis[0], basis[1]
        for i in range(n):
            out[i] = inverse * gram_row[i] - l0 * q0[i] - l1 * q1[i]
    else:
        l0, l1, l2 = inverse * loading[0], inverse * loading[1], inverse * loading[2]
        q0, q1, q2 = basis[0], basis[1], basis[2]
        for i in range(n):
            out[i] = inverse * gram_row[i] - l0 * q0[i] - l1 * q1[i] - l2 * q2[i]
    while k < count:
        l0, l1 = inverse * loading[k], inverse * loading[k + 1]
        l2, l3 = inverse * loading[k + 2], inverse * loading[k + 3]
        q0, q1, q2, q3 = basis[k], basis[k + 1], basis[k + 2], basis[k + 3]
        for i in range(n):
            out[i] -= l0 * q0[i] + l1 * q1[i] + l2 * q2[i] + l3 * q3[i]
        k += 4


@_jit.inner
def subtract(direction, y, dependent, by_reduction, unit, workspace):
    """Take a direction out of the residual; with `by_reduction`, score every atom anew.

    A score is what the atom takes from the squared error, times ``unit**2`` lest it overflow; at
    least that, of an atom with little left.
    """
    residual, square, score = workspace.residual, workspace.square, workspace.score
    n = residual.shape[0]
    if not by_reduction:
        for i in range(n):
            residual[i] -= y * direction[i]
        return
    for i in range(n):
        q = direction[i]
        r = residual[i] - y * q
        left = square[i] - q * q
        residual[i] = r
        square[i] = left
        r *= unit
        score[i] = r * r / max(left, dependent)
