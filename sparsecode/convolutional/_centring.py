"""Centring of atoms: a learned pattern is moved to the middle of its support."""

from __future__ import annotations

import numpy as np


def centred(atoms):
    """Atoms moved so that the centre of their energy is near the middle, and whether one moved."""
    out, moved = atoms.copy(), False
    for k, atom in enumerate(atoms):
        energy = (atom**2).sum(axis=0)
        if energy.sum() == 0:
            continue
        for axis, size in enumerate(energy.shape):
            profile = energy.sum(axis=1 - axis)
            centre = (profile * np.arange(size)).sum() / profile.sum()
            shift = round((size - 1) / 2 - centre)
            if abs(shift) > max(size // 8, 1):
                out[k] = _shifted(out[k], shift, axis + 1)
                moved = True
        norm = np.linalg.norm(out[k])
        if norm > 0:
            out[k] *= np.linalg.norm(atom) / norm
    return out, moved


def _shifted(atom, shift, axis):
    rolled = np.roll(atom, shift, axis=axis)
    gone = [slice(None)] * atom.ndim
    gone[axis] = slice(0, shift) if shift > 0 else slice(shift, None)
    rolled[tuple(gone)] = 0
    return rolled
