"""Atoms from samples: random samples, singular vectors, or k-means++ seeds."""

from __future__ import annotations

import numpy as np

from sparsecode.initialization._source import CANDIDATES_AN_ATOM, unit

# Smallest number of samples that `seeds` chooses among.
_CANDIDATES = 1000
# Samples with a larger absolute cosine count as the same atom.
_SAME = 1 - 1e-6
# Passes over the samples and additional directions of the randomized range finder.
_POWER_PASSES, _OVERSAMPLES = 10, 10
# With at most this number of features or samples, all singular vectors cost little.
_SMALL_SIDE = 1024
# Memory of a table of cosines between some directions and all.
_TABLE_BYTES = 2**27


def samples(source, n_atoms, taken):
    """Samples drawn at random, none in the direction of an atom of `taken`."""
    found = taken
    order = source.random_rows(n_atoms)
    start = 0
    while start < len(order) and len(found) < len(taken) + n_atoms:
        drawn = order[start : start + max(n_atoms, 16)]
        found = _different(found, source.directions(source.read(drawn)))
        start += len(drawn)
    return found[len(taken) :][:n_atoms]


def _different(atoms, new):
    """`atoms`, followed by the rows of `new` that are not close to an earlier row."""
    both = np.concatenate([unit(atoms), unit(new)])
    kept = np.ones(len(both), dtype=bool)
    step = max(_TABLE_BYTES // (8 * max(len(both), 1)), 64)
    for start in range(len(atoms), len(both), step):
        close = np.abs(both[start : start + step] @ both.T) > _SAME
        close = np.tril(close, start - 1)
        for i in np.flatnonzero(close.any(axis=1)):
            kept[start + i] = not (close[i] & kept).any()
    return np.concatenate([atoms, new[kept[len(atoms) :]]])


def singular_vectors(source, n_atoms, taken):
    """Right singular vectors, the largest singular value first, up to the numerical rank."""
    if _exact_is_cheaper(source, n_atoms):
        vectors = _exact_vectors(source, n_atoms)
    else:
        vectors = _leading_vectors(source, n_atoms)
    cut = [np.sum(np.maximum(sign * vectors, 0) ** 2, axis=1) for sign in (1, -1)]
    vectors[cut[0] < cut[1]] *= -1
    return vectors


def _exact_is_cheaper(source, n_atoms):
    """Whether exact vectors take fewer multiplications, or features or samples are few."""
    short, long = sorted(source.X.shape)
    if short <= _SMALL_SIDE:
        return True
    width = n_atoms + _OVERSAMPLES
    products = 2 * source.n_entries * width + source.n_features * width**2
    return short**2 * (long + 8 * short) <= (_POWER_PASSES + 1) * products


def _exact_vectors(source, n_atoms):
    """Singular vectors from the Gram matrix of features or of samples, the smaller one."""
    blocks, wide = source.blocks(), source.n_samples < source.n_features
    gram = np.zeros((min(source.n_samples, source.n_features),) * 2)
    for rows in blocks:
        X = source.read(rows)
        if not wide:
            gram += X.T @ X
            continue
        for columns in blocks:
            if columns.start <= rows.start:
                gram[rows, columns] = X @ source.read(columns).T
                gram[columns, rows] = gram[rows, columns].T
    values, vectors = np.linalg.eigh(gram)
    vectors = vectors.T[::-1][: min(_rank(values, source), n_atoms)]
    if wide:
        vectors = sum(vectors[:, rows] @ source.read(rows) for rows in blocks)
    return vectors


def _leading_vectors(source, n_atoms):
    """Singular vectors by a randomized range finder (Halko, Martinsson and Tropp, 2011)."""
    width = min(n_atoms + _OVERSAMPLES, min(source.X.shape))
    basis = source.rng.standard_normal((source.n_features, width))
    for _ in range(_POWER_PASSES):
        basis = np.linalg.qr(source.gram_times(basis))[0]
    projected = basis.T @ source.gram_times(basis)
    values, vectors = np.linalg.eigh((projected + projected.T) / 2)
    return (basis @ vectors).T[::-1][: min(_rank(values, source), n_atoms)]


def _rank(values, source):
    """Number of eigenvalues above the level of rounding; `values` are in increasing order."""
    return np.sum(values > max(values[-1], 0) * max(source.X.shape) * np.finfo(np.float64).eps)


def seeds(source, n_atoms, taken):
    """k-means++ with the distance of a sample to the line of an atom."""
    rng, n_candidates = source.rng, max(_CANDIDATES, CANDIDATES_AN_ATOM * n_atoms)
    rows = rng.permutation(source.n_samples)[:n_candidates]
    X = source.read(np.sort(rows))
    candidates = source.constraint.project(unit(X))
    squared_norms = np.sum((X / max(np.abs(X).max(), np.finfo(float).tiny)) ** 2, axis=1)
    squared_norms[~candidates.any(axis=1)] = 0
    candidates = unit(candidates)
    chosen, closest = [], np.zeros(len(X))
    while len(chosen) < n_atoms:
        left = np.where(closest > _SAME, 0.0, squared_norms * (1 - closest**2))
        sums = np.cumsum(left)
        if sums[-1] == 0:
            break
        # The first sample whose sum exceeds the draw has a positive probability.
        drawn = np.searchsorted(sums, rng.random_sample() * sums[-1], side="right")
        chosen.append(min(drawn, np.flatnonzero(left)[-1]))
        closest = np.maximum(closest, np.abs(candidates @ candidates[chosen[-1]]))
    return candidates[chosen]
