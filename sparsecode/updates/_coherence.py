"""Sweeps over the atoms with a penalty of their coherence."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from sparsecode._interrupts import halt_if_told
from sparsecode.constraints import Free, UnitBall

# Steps for an atom in a sweep, and doublings of the curvature until a step is no worse.
_STEPS, _DOUBLINGS = 3, 30


def incoherent_sweep(atoms, moments, constraint, pull, penalty):
    """Lower the penalised objective in one atom after the other, in place.

    Each step is a projected gradient step, whose length is found by halving, so that it never
    increases ``1/2 a ||d||^2 - b @ d + penalty * sum_k (d @ d_k)^2`` on the constraint.
    """
    diagonal, weight = moments.second.diagonal(), moments.weight
    for j in np.flatnonzero(diagonal > 0):
        halt_if_told()
        row = moments.second[[j]]
        row = (row.toarray() if sparse.issparse(row) else row)[0].astype(np.float64)
        others = np.delete(atoms, j, axis=0).astype(np.float64)
        atom = atoms[j].astype(np.float64)
        curvature = (row[j] + pull) / weight
        target = (moments.cross[j] - np.delete(row, j) @ others + pull * atom) / weight
        atoms[j] = _improved(atom, others, curvature, target, constraint, penalty)


def _improved(atom, others, curvature, target, constraint, penalty):
    value = _objective(atom, others, curvature, target, penalty)
    bend = float(np.einsum("ij,ij->i", others, others).max(initial=0))
    for _ in range(_STEPS):
        cosines = others @ atom
        slope = curvature * atom - target + 2 * penalty * (cosines @ others)
        for _ in range(_DOUBLINGS):
            moved = constraint.project((atom - slope / (curvature + 2 * penalty * bend))[None])[0]
            new_value = _objective(moved, others, curvature, target, penalty)
            # Zero is no member of the sphere, and an atom clipped to it could never come back.
            is_lost = not moved.any() and not isinstance(constraint, (Free, UnitBall))
            if new_value <= value and not is_lost:
                atom, value = moved, new_value
                break
            bend = 2 * bend if bend > 0 else 1.0
    return atom


def _objective(atom, others, curvature, target, penalty):
    cosines = others @ atom
    return curvature * (atom @ atom) / 2 - target @ atom + penalty * (cosines @ cosines)
