"""Atoms from samples: some of them, their singular vectors, or some far from each other."""

from __future__ import annotations

import numpy as np

from sparsecode.initialization._source import CANDIDATES_AN_ATOM, unit

# Samples that `seeds` chooses among, at least.
_CANDIDATES = 1000
# Samples whose absolute cosine is larger are the same atom.
_SAME = 1 - 1e-6


def samples(source, n_atoms, taken):
    """Samples drawn at random, in none of the directions of `taken`."""
    found = taken
    order = source.random_rows(n_atoms)
    start = 0
    while start < len(order) and len(found) < len(taken) + n_atoms:
        drawn = order[start : start + max(n_atoms, 16)]
        found = _different(found, source.directions(source.read(drawn)))
        start += len(drawn)
    return found[len(taken) :][:n_atoms]


def _different(atoms, new):
    """`atoms`, and those of `new` that are not close to one before."""
    both = np.concatenate([unit(atoms), unit(new)])
    close = np.tril(np.abs(both[len(atoms) :] @ both.T) > _SAME, len(atoms) - 1)
    kept = np.ones(len(both), dtype=bool)
    for i in np.flatnonzero(close.any(axis=1)):
        kept[len(atoms) + i] = not (close[i] & kept).any()
    return np.concatenate([atoms, new[kept[len(atoms) :]]])


def singular_vectors(source, n_atoms, taken):
    """Right singular vectors, from the smaller one of the two Gram matrices."""
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
    # The others are rounding, and so would their directions be.
    rank = np.sum(values > max(values[-1], 0) * max(source.X.shape) * np.finfo(np.float64).eps)
    vectors = vectors.T[::-1][: min(rank, n_atoms)]
    if wide:
        vectors = sum(vectors[:, rows] @ source.read(rows) for rows in blocks)
    cut = [np.sum(np.maximum(sign * vectors, 0) ** 2, axis=1) for sign in (1, -1)]
    vectors[cut[0] < cut[1]] *= -1
    return vectors


def seeds(source, n_atoms, taken):
    """k-means++ with the distance of a sample to the line of an atom."""
    rng, n_candidates = source.rng, max(_CANDIDATES, CANDIDATES_AN_ATOM * n_atoms)
    rows = rng.permutation(source.n_samples)[:n_candidates]
    X = source.read(np.sort(rows))
    candidates = source.constraint.project(unit(X))
    energies = np.sum((X / max(np.abs(X).max(), np.finfo(float).tiny)) ** 2, axis=1)
    energies[~candidates.any(axis=1)] = 0
    candidates = unit(candidates)
    chosen, closest = [], np.zeros(len(X))
    while len(chosen) < n_atoms:
        left = np.where(closest > _SAME, 0.0, energies * (1 - closest**2))
        sums = np.cumsum(left)
        if sums[-1] == 0:
            break
        # The first whose sum is above the draw has something left itself.
        drawn = np.searchsorted(sums, rng.random_sample() * sums[-1], side="right")
        chosen.append(min(drawn, np.flatnonzero(left)[-1]))
        closest = np.maximum(closest, np.abs(candidates @ candidates[chosen[-1]]))
    return candidates[chosen]
