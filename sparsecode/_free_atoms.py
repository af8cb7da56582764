"""Projections of residuals for free atoms, which have no penalty."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from sparsecode._interrupts import halt_if_told

# Relative size of rounding errors in a projection.
_ROUNDING = 1e-12


def row_space(atoms):
    """Orthonormal rows that span the rows of `atoms`, whatever their norms."""
    _, sizes, directions = np.linalg.svd(normalized(atoms), full_matrices=False)
    return directions[sizes > sizes.max(initial=0) * max(atoms.shape) * np.finfo(float).eps]


def without_cone(row, atoms):
    """Closest row without positive correlations with atoms: `row` minus its part in their cone."""
    halt_if_told()
    size = np.linalg.norm(row)
    if (atoms @ row).max() <= _ROUNDING * size:
        return row
    found = np.zeros_like(row)
    # If a correlation is near rounding, nnls may end early; it is tried again in other units.
    for unit in (1.0, 1.3, 0.7):
        try:
            rest = row - nnls(unit * atoms.T, row)[0] @ atoms * unit
        except RuntimeError:
            continue
        if (atoms @ rest).max() <= _ROUNDING * size and rest @ row > found @ row:
            found = rest
        # Only the closest row is orthogonal to the part that was subtracted.
        if abs(found @ (row - found)) <= _ROUNDING * size**2 and found.any():
            break
    return found


def normalized(atoms):
    """Return atoms scaled to norm 1; atoms of zeros do not change."""
    # In two steps, so that no square overflows or vanishes.
    largest = np.abs(atoms).max(axis=1, keepdims=True)
    atoms = np.divide(atoms, largest, out=np.zeros_like(atoms), where=largest > 0)
    norms = np.linalg.norm(atoms, axis=1, keepdims=True)
    return np.divide(atoms, norms, out=np.zeros_like(atoms), where=norms > 0)
