"""Kernels for least squares on a few chosen atoms, in float64 whatever the data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode import _jit

_MOST_STEPS = 4
_EPS = float(np.finfo(np.float64).eps)


class Chosen(NamedTuple):
    """The atoms chosen for a sample, with `code[a]` the coefficient of atom `active[a]`.

    Divided by its norm, that atom is ``sum_(i<a) loading[a, i] q_i + q_a / inverse[a]`` with
    orthonormal directions `q`: `loading` and `inverse` are the Cholesky factor of the Gram matrix
    of the chosen atoms.
    """

    active: np.ndarray
    loading: np.ndarray
    inverse: np.ndarray
    code: np.ndarray


@_jit.outlined
def back_substitute(loading, inverse, code, count):
    """Coefficients of the atoms from what the sample has along the directions, in place."""
    for a in range(count - 1, -1, -1):
        code[a] *= inverse[a]
        for b in range(a):
            code[b] -= code[a] * loading[a, b]


@_jit.inner
def subtract_chosen(x, atoms, scale, chosen, count, out):
    """Fill `out` with the residual of a sample, from the sample itself."""
    active, code = chosen.active, chosen.code
    n_features = x.shape[0]
    for f in range(n_features):
        out[f] = x[f]
    for a in range(count):
        j = active[a]
        atom, c = atoms[j], code[a] * np.float64(scale[j])
        for f in range(n_features):
            out[f] -= c * atom[f]


@_jit.outlined
def refine_on_support(x, atoms, partial, sample, scale, chosen, count, enough, left, step):
    """Make coefficients exact that rounding of the Gram matrix has spoilt.

    Ends where a step takes less than `enough` from the squared error, which is returned; infinity
    if the factor is too coarse for that.
    """
    active, loading, inverse, code = chosen
    for _ in range(_MOST_STEPS):
        subtract_chosen(x, atoms, scale, chosen, count, left)
        if partial is not None:
            observed = partial[0]
            for f in range(left.shape[0]):
                if not observed[sample, f]:
                    left[f] = 0
        error = 0.0
        for f in range(left.shape[0]):
            error += left[f] * left[f]
        gain = 0.0
        for a in range(count):
            j = active[a]
            total, atom = 0.0, atoms[j]
            for f in range(left.shape[0]):
                total += atom[f] * left[f]
            total *= np.float64(scale[j])
            for i in range(a):
                total -= step[i] * loading[a, i]
            step[a] = total * inverse[a]
            # Along a direction, so that this is what the step takes from the squared error.
            gain += step[a] * step[a]
        back_substitute(loading, inverse, step, count)
        for a in range(count):
            code[a] += step[a]
        if gain <= enough:
            return max(error - gain, 0.0)
    return np.inf


@_jit.outlined
def store(codes, scale, chosen, count):
    """Write coefficients to a code; returns by how much of the sample rounding moves them."""
    active, code = chosen.active, chosen.code
    for j in range(codes.shape[0]):
        codes[j] = 0
    moved = 0.0
    for a in range(count):
        j = active[a]
        unit = np.float64(scale[j])
        codes[j] = code[a] * unit
        moved += abs(np.float64(codes[j]) / unit - code[a])
    return moved


@_jit.inner
def norm_of(values, count):
    total = 0.0
    for a in range(count):
        total += values[a] * values[a]
    return np.sqrt(total)


@_jit.inner
def certain_error(error, moved, size, size_of_code):
    """Upper bound of a squared error, however it is computed in float64."""
    return (np.sqrt(error + moved * moved) + 2 * _EPS * (size + size_of_code)) ** 2


@_jit.inner
def rounding_of_error(eps, size, size_of_code):
    """Squared error below which there is only the rounding of the codes and of the residual."""
    residual = 4 * _EPS * (size + size_of_code)
    return residual * residual + (eps * size_of_code) ** 2
