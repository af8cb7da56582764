"""Activation densities of atoms: the histogram, and the shares of dead and dense atoms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode._typing import MatrixLike
from sparsecode._validation import check_integer, check_number
from sparsecode.metrics.atom_usage import dead_atoms, usage

# Finer bins show nothing new, and a plot of very many bins takes minutes.
_MOST_BINS = 1000


class DensityHistogram(NamedTuple):
    """Histogram of the activation frequencies of atoms, on a logarithmic scale.

    Attributes
    ----------
    counts : ndarray of int of shape (n_bins,)
        Number of atoms in each bin.
    edges : ndarray of shape (n_bins + 1,)
        ``log10`` of the share of the samples that use an atom; the last edge, 0, means all samples.
    n_dead : int
        Number of atoms that no sample uses. They have no logarithm and are in no bin:
        ``counts.sum() + n_dead`` is the number of all atoms.

    Examples
    --------
    >>> from sparsecode.metrics import density_histogram
    >>> density_histogram([[0.0, 2.0], [0.0, -1.0]], bins_per_decade=2).edges
    array([-1. , -0.5,  0. ])
    """

    counts: np.ndarray
    edges: np.ndarray
    n_dead: int


def density_histogram(
    codes: MatrixLike, *, threshold: float = 0.0, bins_per_decade: int = 10
) -> DensityHistogram:
    """Histogram of the activation frequencies of atoms (feature density), on a logarithmic scale.

    The frequency of an atom is the share of the samples with ``|z| > threshold``, see `usage`. The
    bins divide whole decades evenly, down to the decade of a single sample. Histograms of different
    codes, or of different numbers of samples, therefore share their edges.

    Parameters
    ----------
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    threshold : float, default=0.0
    bins_per_decade : int, default=10
        At most 1000.

    Returns
    -------
    histogram : DensityHistogram
        Named tuple ``(counts, edges, n_dead)``. A bin contains its lower edge. The last bin also
        contains the atoms that all samples use.

    Examples
    --------
    >>> from sparsecode.metrics import density_histogram
    >>> codes = [[0.0, 2.0, 1.0], [0.0, -1.0, 0.0], [0.0, 3.0, 0.0], [0.0, 1.0, 0.0]]
    >>> histogram = density_histogram(codes, bins_per_decade=2)
    >>> histogram.counts, histogram.n_dead
    (array([1, 1]), 1)
    """
    bins_per_decade = check_integer(bins_per_decade, "bins_per_decade", high=_MOST_BINS)
    share = usage(codes, threshold=threshold).share
    alive = share[share > 0]
    n_samples = np.shape(codes)[0]
    n_decades = max(int(np.ceil(np.log10(n_samples))), 1)
    edges = np.arange(-n_decades * bins_per_decade, 1) / bins_per_decade
    counts = np.histogram(np.clip(np.log10(alive), edges[0], 0), edges)[0]
    return DensityHistogram(counts, edges, len(share) - len(alive))


def dead_fraction(codes: MatrixLike, *, threshold: float = 0.0, min_usage: float = 0.0) -> float:
    """Share of the atoms that are dead, as defined by `dead_atoms`.

    Parameters
    ----------
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    threshold : float, default=0.0
        A sample uses an atom where ``|z| > threshold``.
    min_usage : float, default=0.0
        An atom is dead where at most this share of the samples uses it. A rare atom looks dead in
        few samples.

    Returns
    -------
    dead_fraction : float

    Examples
    --------
    >>> from sparsecode.metrics import dead_fraction
    >>> dead_fraction([[0.0, 2.0], [0.0, -1.0]])
    0.5
    """
    dead = dead_atoms(codes, threshold=threshold, min_usage=min_usage)
    return len(dead) / np.shape(codes)[1]


def dense_fraction(codes: MatrixLike, *, threshold: float = 0.0, max_usage: float = 0.1) -> float:
    """Share of the atoms that are dense: active in more than `max_usage` of the samples.

    Parameters
    ----------
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    threshold : float, default=0.0
        A sample uses an atom where ``|z| > threshold``.
    max_usage : float, default=0.1
        An atom is dense where more than this share of the samples uses it.

    Returns
    -------
    dense_fraction : float

    References
    ----------
    S. Rajamanoharan and others, "Jumping ahead: improving reconstruction fidelity with JumpReLU
    sparse autoencoders", 2024.

    Examples
    --------
    >>> from sparsecode.metrics import dense_fraction
    >>> dense_fraction([[0.0, 2.0], [0.0, -1.0]])
    0.5
    """
    max_usage = check_number(max_usage, "max_usage", low=0, high=1)
    return float(np.mean(usage(codes, threshold=threshold).share > max_usage))
