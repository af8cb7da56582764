"""Synthetic signals that are sparse in a known dictionary, the ground truth for learning."""

from __future__ import annotations

import numbers
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from sparsecode._typing import RandomState

from .._messages import shown, wrong
from .._validation import (
    check_dtype,
    check_flag,
    check_integer,
    check_matrix,
    check_number,
    check_random_state,
)
from .._values import check_option

CODES = ("gaussian", "uniform", "bernoulli-gaussian")
# Decibels; noise far above the range of the signals is a mistake.
_LOWEST_SNR = -300


class SparseSignals(NamedTuple):
    """Synthetic signals with their true codes and atoms: ``X = codes @ atoms`` plus offset, noise.

    Attributes
    ----------
    X : array (n_samples, n_features)
    codes : array (n_samples, n_components)
    atoms : array (n_components, n_features)
    """

    X: np.ndarray
    codes: np.ndarray
    atoms: np.ndarray


def make_sparse_signals(
    n_samples: int,
    n_components: int | None = None,
    n_features: int | None = None,
    *,
    n_nonzero: int | None = None,
    density: float | None = None,
    codes: Literal["gaussian", "uniform", "bernoulli-gaussian"] = "gaussian",
    positive: bool = False,
    dictionary: Any = None,
    snr_db: float | None = None,
    random_state: RandomState = None,
    dtype: DTypeLike = np.float64,
) -> SparseSignals:
    """Generate synthetic sparse signals: random codes, and combinations of atoms with these codes.

    Parameters
    ----------
    n_samples : int
        Number of signals.
    n_components, n_features : int
        Number of atoms, and of values in each. Not needed with a `dictionary`.
    n_nonzero : int or None
        Number of atoms that every signal uses; each set of atoms is equally likely. Give either
        `n_nonzero` or `density`.
    density : float or None
        Every entry of the codes is non-zero with this probability, independently (a Bernoulli
        support), so that the number of atoms varies and can be 0.
    codes : {"gaussian", "uniform", "bernoulli-gaussian"}, default="gaussian"
        Distribution of the non-zero values: normal with mean 0 and variance 1, or uniform in (-1,
        1]. "bernoulli-gaussian" is the same as "gaussian", but requires `density`.
    positive : bool, default=False
        Take absolute values: half-normal, or uniform in (0, 1].
    dictionary : array (n_components, n_features), or object with `atoms` and `offset`, or None
        None draws normal atoms and scales each to norm 1. A given one is used as it is.
    snr_db : float or None, default=None
        Add white Gaussian noise, scaled so that ``10 log10(||signals||^2 / ||noise||^2)`` over the
        whole of `X` is exactly this number of decibels; single signals vary. The offset of a
        dictionary does not count as signal. None or infinity add no noise.
    random_state : int, RandomState or None
        The same seed gives the same signals; in float32 they are the float64 signals, rounded.
    dtype : numpy.float64 or numpy.float32
        dtype of the results.

    Returns
    -------
    signals : SparseSignals
        The named tuple ``(X, codes, atoms)``.

    Raises
    ------
    ValueError
        If an argument is out of range, or both or neither of `n_nonzero` and `density` are given.

    References
    ----------
    * Aharon, M., Elad, M. and Bruckstein, A. (2006). K-SVD: an algorithm for designing
      overcomplete dictionaries for sparse representation. IEEE Trans. Signal Process. 54,
      4311-4322. There: 1500 signals, 50 atoms of 20 values, 3 non-zeros, 20 dB.
    * Chen, X., Liu, J., Wang, Z. and Yin, W. (2018). Theoretical linear convergence of unfolded
      ISTA. NeurIPS. There: 500 atoms of 250 values, Bernoulli-Gaussian with density 0.1.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.datasets import make_sparse_signals
    >>> X, codes, atoms = make_sparse_signals(1500, 50, 20, n_nonzero=3, snr_db=20, random_state=0)
    >>> X.shape, codes.shape, atoms.shape
    ((1500, 20), (1500, 50), (50, 20))
    >>> noise = X - codes @ atoms
    >>> print(f"{10 * np.log10(np.sum((codes @ atoms) ** 2) / np.sum(noise**2)):.3f} dB")
    20.000 dB
    """
    n_samples = check_integer(n_samples, "n_samples")
    dtype = check_dtype(dtype)
    positive = check_flag(positive, "positive")
    codes = check_option(codes, "codes", CODES)
    if snr_db is not None and not (isinstance(snr_db, numbers.Real) and snr_db == np.inf):
        snr_db = check_number(snr_db, "snr_db", low=_LOWEST_SNR)
    rng = check_random_state(random_state)
    atoms, offset = _resolve_dictionary(dictionary, n_components, n_features, rng)
    shape = (n_samples, len(atoms))

    support = _draw_support(shape, n_nonzero, density, codes, rng)
    values = _draw_values(shape, codes, positive, rng)
    values[~support] = 0.0
    X = values @ atoms
    if snr_db not in (None, np.inf):
        noise = rng.standard_normal(X.shape)
        X += noise * (np.linalg.norm(X) / np.linalg.norm(noise) * 10 ** (-snr_db / 20))
    if offset is not None:
        X += offset
    return SparseSignals(*(array.astype(dtype, copy=False) for array in (X, values, atoms)))


def _resolve_dictionary(dictionary, n_components, n_features, rng):
    """Return float64 atoms, drawn or given, and an offset or None."""
    if dictionary is None:
        if n_components is None or n_features is None:
            raise ValueError(
                "n_components and n_features are needed to draw a dictionary; got "
                f"{n_components} and {n_features}. Set both, or pass a dictionary."
            )
        shape = check_integer(n_components, "n_components"), check_integer(n_features, "n_features")
        atoms = rng.standard_normal(shape)
        return atoms / np.linalg.norm(atoms, axis=1, keepdims=True), None
    atoms = check_matrix(getattr(dictionary, "atoms", dictionary), "dictionary")
    expected = (
        len(atoms) if n_components is None else n_components,
        atoms.shape[1] if n_features is None else n_features,
    )
    if atoms.shape != expected:
        raise ValueError(
            f"dictionary has shape {atoms.shape}; expected {expected} from n_components and "
            "n_features. Leave these two out: the dictionary gives them."
        )
    offset = getattr(dictionary, "offset", None)
    return atoms.astype(np.float64), offset


def _draw_support(shape, n_nonzero, density, codes, rng):
    """Return which codes are not zero."""
    if (n_nonzero is None) == (density is None):
        raise ValueError(
            f"n_nonzero is {shown(n_nonzero)} and density is {shown(density)}; expected one of "
            "them. Set n_nonzero for an exact count in every signal, density for a probability."
        )
    if codes == "bernoulli-gaussian" and density is None:
        raise ValueError(
            "codes='bernoulli-gaussian' needs the probability of a non-zero, not a count. Set "
            "density instead of n_nonzero."
        )
    draws = rng.random_sample(shape)
    if density is not None:
        return draws < check_number(density, "density", low=0, high=1)
    n_nonzero = check_integer(n_nonzero, "n_nonzero", low=0)
    if n_nonzero > shape[1]:
        raise ValueError(
            wrong(
                "n_nonzero",
                got=n_nonzero,
                expected=f"n_nonzero <= {shape[1]}, which is n_components",
                remedy="Lower it, or raise n_components.",
            )
        )
    support = np.zeros(shape, dtype=bool)
    if n_nonzero:
        chosen = np.argpartition(draws, n_nonzero - 1, axis=1)[:, :n_nonzero]
        np.put_along_axis(support, chosen, True, axis=1)
    return support


def _draw_values(shape, codes, positive, rng):
    """Return values of the law `codes` for every entry, to be masked by the support."""
    if codes == "uniform":
        # 1 - [0, 1) is never 0, which would be a non-zero lost.
        values = 1.0 - rng.random_sample(shape)
        return values if positive else 2.0 * values - 1.0
    values = rng.standard_normal(shape)
    return np.abs(values, out=values) if positive else values
