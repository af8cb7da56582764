"""Usage of each atom of a dictionary."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from sparsecode._statistics import squares
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_code_rows, check_number, check_rows
from sparsecode._values import check_option
from sparsecode.dictionary import Dictionary, as_dictionary
from sparsecode.metrics._counts import canonical, count, sizes_above


def dead_atoms(codes: MatrixLike, *, threshold: float = 0.0, min_usage: float = 0.0) -> np.ndarray:
    """Indices of dead atoms, which no sample or hardly any sample uses.

    Parameters
    ----------
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    threshold : float, default=0.0
        A sample uses an atom where ``|z| > threshold``.
    min_usage : float, default=0.0
        An atom is dead where at most this share of the samples uses it.

    Returns
    -------
    indices : ndarray of int

    Examples
    --------
    >>> from sparsecode.metrics import dead_atoms
    >>> dead_atoms([[0.0, 2.0, 0.0], [0.0, 1.0, 3.0]])
    array([0])
    """
    min_usage = check_number(min_usage, "min_usage", low=0, high=1)
    return np.flatnonzero(usage(codes, threshold=threshold).share <= min_usage)


class Usage(NamedTuple):
    """Usage of each atom: how often, and how large its coefficients are.

    Attributes
    ----------
    share : ndarray of shape (n_components,)
        Share of the samples that use the atom.
    magnitude : ndarray of shape (n_components,)
        Mean of ``|z|`` over the samples that use it; 0 where none does.

    Examples
    --------
    >>> from sparsecode.metrics import usage
    >>> usage([[0.0, 2.0], [0.0, -1.0]]).magnitude
    array([0. , 1.5])
    """

    share: np.ndarray
    magnitude: np.ndarray


def usage(codes: MatrixLike, *, threshold: float = 0.0) -> Usage:
    """Share of the samples that use each atom, and mean magnitude of its coefficients.

    A sample uses an atom where ``|z| > threshold``.

    Parameters
    ----------
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    threshold : float, default=0.0

    Returns
    -------
    usage : Usage
        Named tuple ``(share, magnitude)``, arrays of shape (n_components,).

    Examples
    --------
    >>> from sparsecode.metrics import usage
    >>> usage([[0.0, 2.0, 0.0], [0.0, -1.0, 3.0]])
    Usage(share=array([0. , 1. , 0.5]), magnitude=array([0. , 1.5, 3. ]))
    """
    sizes = sizes_above(codes, threshold)
    uses = count(sizes, axis=0)
    if sparse.issparse(sizes):
        # SciPy sums a sparse matrix in the type of the matrix, whatever `dtype` says.
        total = np.bincount(sizes.indices, sizes.data, sizes.shape[1])
    else:
        total = sizes.sum(axis=0, dtype=np.float64)
    return Usage(uses / sizes.shape[0], total / np.maximum(uses, 1))


def sort_atoms(
    dictionary: Dictionary | ArrayLike,
    codes: MatrixLike,
    *,
    by: Literal["usage", "energy"] = "usage",
) -> tuple[Dictionary, np.ndarray]:
    """Sort the atoms of a dictionary by their usage or energy in codes, the largest first.

    Parameters
    ----------
    dictionary : Dictionary or array-like of shape (n_components, n_features)
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    by : {"usage", "energy"}, default="usage"
        "usage" is the share of the samples with a nonzero coefficient. "energy" is the mean squared
        norm of what the atom adds to a reconstruction, ``mean(codes[:, j]**2) * ||atom_j||^2``.
        Equal atoms keep their order.

    Returns
    -------
    dictionary : Dictionary
        The same atoms, reordered.
    order : ndarray of int of shape (n_components,)
        Old index of each atom; ``codes[:, order]`` are the codes of the new dictionary.

    Raises
    ------
    ValueError
        If `by` is another string, or the shapes do not fit.

    Examples
    --------
    >>> from sparsecode.metrics import sort_atoms
    >>> dictionary, order = sort_atoms([[1.0, 0.0], [0.0, 1.0]], [[0.0, 2.0], [1.0, 3.0]])
    >>> order
    array([1, 0])
    """
    dictionary = as_dictionary(dictionary)
    codes = canonical(check_rows(codes, "codes"))
    codes = check_code_rows(codes, codes.shape[0], dictionary.n_components)
    if check_option(by, "by", ("usage", "energy")) == "usage":
        worth = count(codes, axis=0)
    else:
        worth = squares(codes) * dictionary.norms**2
    order = np.argsort(-worth, kind="stable")
    return dictionary.replace(atoms=dictionary.atoms[order]), order
