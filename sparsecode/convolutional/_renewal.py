"""Renewal of atoms: unused ones and copies of others give way to badly explained parts."""

from __future__ import annotations

import numpy as np

from sparsecode._convolution.correlations import cross_correlations
from sparsecode.replacement.atoms import mark_copies

# Parts of the residual that are looked at for each new atom, as some are copies.
_PARTS_AN_ATOM = 4
# Cosine from which an atom can stand for another, and share of the mean energy that is little.
_SIMILAR, _LITTLE = 0.5, 0.2


def useless_atoms(dictionary, uses, settings, compares):
    """Mask of the atoms that no code used, and with `compares` of copies of others.

    Of two atoms that are alike at a shift it is the less used one, the later one in a tie.
    """
    useless, copies = uses == 0, np.zeros(len(uses), dtype=bool)
    if compares and settings.max_cosine < 1:
        products = largest_products(dictionary.shifted_products, settings.penalty.positive)
        limit, norms = float(settings.max_cosine), dictionary.norms.astype(np.float64)
        mark_copies(products, 0, norms, limit, True, uses, useless, copies)
    return useless | copies


def redundant_atoms(dictionary, uses, positive):
    """Mask of the atoms beside which there is a similar one, and that then add little.

    In the place of an atom whose cosine with it is `c` at the best shift, another one leaves a
    share ``1 - c**2`` of the energy of its coefficients unexplained.
    """
    products = largest_products(dictionary.shifted_products, positive)
    norms = np.maximum(dictionary.norms, np.finfo(float).tiny)
    cosines = products / np.multiply.outer(norms, norms)
    # An atom does not stand for a less used one only because it is one itself.
    cosines[uses[None, :] <= uses[:, None]] = 0
    largest = cosines.max(axis=1)
    added = (1 - largest**2) * uses * norms**2
    return (largest > _SIMILAR) & (added < _LITTLE * (uses * norms**2).mean())


def largest_products(products, positive):
    """Largest inner product of two atoms over all shifts, and signs unless codes are positive."""
    sizes = products if positive else np.abs(products)
    return np.maximum(sizes.max(axis=(2, 3)), 0)


def new_atoms(coded, n_atoms, kept, settings):
    """Parts of residuals with the most energy as atoms, without copies of `kept` ones."""
    found, others = [], list(kept)
    if n_atoms == 0:
        return found
    compares = settings.max_cosine < 1
    n_parts = _PARTS_AN_ATOM * n_atoms if compares else n_atoms
    for part in coded.largest_parts(n_parts):
        atom = settings.shaped(part)
        if compares and _is_copy(atom, others, settings):
            continue
        found.append(atom)
        others.append(atom)
        if len(found) == n_atoms:
            break
    return found


def _is_copy(atom, others, settings):
    if not others:
        return False
    others = np.stack(others)
    products = cross_correlations(others, atom[None])
    sizes = largest_products(products, settings.penalty.positive)[0]
    norms = np.sqrt(np.square(others).sum(axis=(1, 2, 3)))
    return bool((sizes > settings.max_cosine * norms * np.linalg.norm(atom)).any())
