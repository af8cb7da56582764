"""The dictionary: atoms, offset and constraint, for all solvers, encoders and learners."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from scipy import sparse

from sparsecode import _serialization
from sparsecode._atom_products import AtomProducts, read_only
from sparsecode._atom_views import AtomViews
from sparsecode._first_atoms import choose_samples, cosine_atoms
from sparsecode._matching import DictionaryMatch, match_atoms
from sparsecode._messages import shown
from sparsecode._summaries import table
from sparsecode._typing import MatrixLike, PathLike, RandomState
from sparsecode._validation import (
    check_code_rows,
    check_codes_shape,
    check_dtype,
    check_integer,
    check_matrix,
    check_random_state,
    check_rows,
    common_dtype,
)
from sparsecode.constraints import Constraint, Free, UnitNorm, check_constraint

__all__ = ["Dictionary"]


class Dictionary(AtomProducts, AtomViews):
    """Atoms, an optional offset, and the constraint the atoms obey; an immutable value.

    Reconstruction is ``codes @ atoms + offset``. Products that every solver needs are computed
    once, on first use, and cannot go stale because nothing can be changed in place.

    Parameters
    ----------
    atoms : array-like of shape (n_components, n_features)
        One atom a row. float32 and float64 are kept, other types become float64. Copied.
    offset : array-like of shape (n_features,) or None, default=None
        Added to every reconstruction (an autoencoder's decoder bias).
    constraint : Constraint, default=Free()
        Set the atoms are projected on, here and by `replace`. With `Free()` they are
        kept exactly as given.

    Attributes
    ----------
    atoms : ndarray of shape (n_components, n_features), read-only
    offset : ndarray of shape (n_features,), read-only, or None
    constraint : Constraint

    Raises
    ------
    ValueError
        If the atoms are not a finite 2-D array, or the offset does not fit them.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> dictionary = Dictionary([[1.0, 0.0], [0.0, 2.0]])
    >>> dictionary.decode([[3.0, 0.5]])
    array([[3., 1.]])
    """

    def __init__(
        self,
        atoms: ArrayLike,
        offset: ArrayLike | None = None,
        constraint: Constraint | None = None,
    ) -> None:
        constraint = check_constraint(Free() if constraint is None else constraint)
        atoms = constraint.project(check_matrix(atoms, "atoms"))
        if offset is not None:
            rows = check_matrix(np.reshape(offset, (1, -1)), "offset", n_columns=atoms.shape[1])
            offset = read_only(rows[0].astype(atoms.dtype))
        self.__dict__.update(atoms=read_only(atoms), offset=offset, constraint=constraint)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"Dictionary is immutable: cannot set {name!r}. Use dictionary.replace(...)."
        )

    def __getstate__(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in ("atoms", "offset", "constraint")}

    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(state)
        for array in (self.atoms, self.offset):
            if array is not None:
                read_only(array)

    def __repr__(self) -> str:
        offset = "" if self.offset is None else ", offset"
        return (
            f"Dictionary({self.n_components} atoms of {self.n_features} features"
            f"{offset}, {self.constraint}, {self.dtype})"
        )

    def _repr_html_(self) -> str:
        offset = "none" if self.offset is None else f"of norm {np.linalg.norm(self.offset):.3g}"
        rows = [
            ("atoms", f"{self.n_components:,} of {self.n_features:,} features"),
            ("type", str(self.dtype)),
            ("constraint", str(self.constraint)),
            ("offset", offset),
        ]
        return table("Dictionary", rows)

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, Dictionary):
            return NotImplemented
        pairs = (self.offset, other.offset), (self.atoms, other.atoms)
        # Two offsets of None are equal, and none is equal to an array.
        return self.constraint == other.constraint and all(np.array_equal(*pair) for pair in pairs)

    __hash__: ClassVar[None] = None

    @property
    def n_components(self) -> int:
        """Number of atoms."""
        return self.atoms.shape[0]

    @property
    def n_features(self) -> int:
        """Number of features of an atom."""
        return self.atoms.shape[1]

    @property
    def dtype(self) -> np.dtype:
        """Type of the atoms: float32 or float64."""
        return self.atoms.dtype

    def decode(self, codes: MatrixLike) -> np.ndarray:
        """Reconstruct samples, ``codes @ atoms + offset``.

        Parameters
        ----------
        codes : array-like or sparse matrix of shape (n_samples, n_components)

        Returns
        -------
        X_hat : ndarray of shape (n_samples, n_features)
        """
        codes = check_rows(codes, "codes")
        check_codes_shape(codes, codes.shape[0], self.n_components)
        X_hat = codes @ self.atoms if sparse.issparse(codes) else self._combine(codes)
        return X_hat if self.offset is None else X_hat + self.offset

    def correlate(self, X: ArrayLike) -> np.ndarray:
        """Inner products of samples and atoms, ``(X - offset) @ atoms.T``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        correlations : ndarray of shape (n_samples, n_components)
        """
        X = self._check_X(X)
        return self._correlate(self.center(X))

    def residual(self, X: ArrayLike, codes: MatrixLike) -> np.ndarray:
        """Residual of samples, ``X - codes @ atoms - offset``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        codes : array-like or sparse matrix of shape (n_samples, n_components)

        Returns
        -------
        residual : ndarray of shape (n_samples, n_features)
        """
        X = self._check_X(X)
        return X - self.decode(check_code_rows(codes, len(X), self.n_components))

    def center(self, X: MatrixLike) -> np.ndarray:
        """Return ``X - offset``, or X itself where there is no offset."""
        return X if self.offset is None else X - self.offset

    def replace(
        self, *, atoms: ArrayLike | None = None, offset: ArrayLike | None = None
    ) -> Dictionary:
        """Return a dictionary with other atoms, projected on the constraint, or another offset."""
        return Dictionary(
            self.atoms if atoms is None else atoms,
            self.offset if offset is None else offset,
            self.constraint,
        )

    def select_features(self, features: np.ndarray) -> Self:
        """Return a dictionary with only some of the features; atoms are not projected again.

        Parameters
        ----------
        features : ndarray of bool or int
            Mask or indices of the features to keep.
        """
        offset = None if self.offset is None else self.offset[features]
        smaller = Dictionary(self.atoms[:, features], offset)
        # Fewer columns cannot have a larger singular value.
        smaller.__dict__["lipschitz"] = self.lipschitz
        return smaller

    def match(self, other: Dictionary | ArrayLike) -> DictionaryMatch:
        """Align this dictionary with another one: the best pairing of atoms, up to sign.

        The pairing maximises the sum of absolute cosines (Hungarian algorithm).

        Parameters
        ----------
        other : Dictionary or array-like of shape (n_other, n_features)
            Of the same number of features; the number of atoms may differ.

        Returns
        -------
        match : DictionaryMatch
            Named tuple ``(indices, other_indices, signs, cosines)``, each of shape
            (min(n_components, other.n_components),), ordered by `other_indices`:
            ``signs[i] * atoms[indices[i]]`` is paired with ``other.atoms[other_indices[i]]``.
        """
        return match_atoms(self.atoms, as_dictionary(other).atoms)

    def save(self, path: PathLike) -> None:
        """Write the dictionary to a ``.safetensors`` or ``.npz`` file, whole or not at all.

        Raises
        ------
        ValueError
            If the suffix of `path` is another one.
        OSError
            If the file cannot be written.
        """
        _serialization.save(path, self.atoms, self.offset, self.constraint)

    @classmethod
    def load(cls, path: PathLike, *, max_bytes: int | None = None) -> Self:
        """Read a dictionary that `save` wrote; nothing in the file is executed.

        Parameters
        ----------
        path : str or path-like
        max_bytes : int or None, default=None
            Most bytes that a compressed file may unpack to. None is 64 MiB, or 20 times its size
            where that is more.

        Raises
        ------
        ValueError
            If the file is not a saved dictionary, or would unpack to more than `max_bytes`.
        FileNotFoundError, OSError
            If there is no such file, or it cannot be read.
        """
        parts = _serialization.load(path, max_bytes)
        try:
            return cls(*parts)
        except ValueError as error:
            raise _serialization.not_a_dictionary(path, str(error)) from error

    @classmethod
    def random(
        cls,
        n_components: int,
        n_features: int,
        *,
        random_state: RandomState = None,
        dtype: DTypeLike = np.float64,
    ) -> Self:
        """Draw Gaussian atoms of unit norm.

        Parameters
        ----------
        n_components, n_features : int
        random_state : int, RandomState instance or None, default=None
        dtype : float32 or float64, default=float64
        """
        n_components = check_integer(n_components, "n_components")
        n_features = check_integer(n_features, "n_features")
        dtype = check_dtype(dtype)
        rng = check_random_state(random_state)
        atoms = rng.standard_normal((n_components, n_features))
        return cls(atoms.astype(dtype), constraint=UnitNorm())

    @classmethod
    def from_samples(
        cls, X: ArrayLike, n_components: int, *, random_state: RandomState = None
    ) -> Self:
        """Take different samples of `X` as atoms, scaled to unit norm.

        Samples of norm 0 are never taken.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        n_components : int
            At most the number of nonzero samples.
        random_state : int, RandomState instance or None, default=None
        """
        X = check_matrix(X, "X")
        n_components = check_integer(n_components, "n_components")
        rng = check_random_state(random_state)
        return cls(X[choose_samples(X, n_components, rng)], constraint=UnitNorm())

    @classmethod
    def dct(cls, n_components: int, n_features: int, *, dtype: DTypeLike = np.float64) -> Self:
        """Cosine atoms of unit norm, overcomplete where `n_components` > `n_features`.

        All but the first have mean 0. With as many atoms as features they are the orthonormal
        DCT-II.

        References
        ----------
        M. Aharon, M. Elad and A. Bruckstein, "K-SVD: an algorithm for designing overcomplete
        dictionaries for sparse representation", 2006.
        """
        n_components = check_integer(n_components, "n_components")
        n_features = check_integer(n_features, "n_features")
        dtype = check_dtype(dtype)
        atoms = cosine_atoms(n_components, n_features).astype(dtype)
        return cls(atoms, constraint=UnitNorm())

    def _check_X(self, X):
        return check_matrix(X, "X", n_columns=self.n_features)


def as_dictionary(dictionary: Dictionary | ArrayLike) -> Dictionary:
    """Return `dictionary` as a `Dictionary`; an array of atoms is taken as it is."""
    if isinstance(dictionary, Dictionary):
        return dictionary
    if dictionary is None or hasattr(dictionary, "atoms"):
        raise TypeError(
            f"dictionary is {shown(dictionary)}; expected a Dictionary or an array of atoms. For "
            "atoms that are shifted use what is in sparsecode.convolutional."
        )
    return Dictionary(check_matrix(dictionary, "dictionary"))


def promote(dictionary: Dictionary, X: MatrixLike) -> Dictionary:
    """Return the dictionary in the type it has in common with `X`: float32 only if both are."""
    if X.dtype == dictionary.atoms.dtype:
        return dictionary
    return dictionary.astype(common_dtype(X, dictionary.atoms))
