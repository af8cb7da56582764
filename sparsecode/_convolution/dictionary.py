"""The convolutional dictionary: atoms with channels and a support, shifted over signals."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from sparsecode import _serialization
from sparsecode._convolution.checks import check_atoms, check_codes, check_support
from sparsecode._convolution.codes import Events
from sparsecode._convolution.correlations import correlate, cross_correlations
from sparsecode._convolution.products import positions_of
from sparsecode._convolution.signals import check_signals
from sparsecode._messages import shown
from sparsecode._typing import PathLike, RandomState
from sparsecode._validation import (
    check_dtype,
    check_integer,
    check_random_state,
)
from sparsecode.constraints import Constraint, Free, UnitNorm, check_constraint
from sparsecode.dictionary import Dictionary


class ConvolutionalDictionary:
    """Atoms that are shifted over a signal or an image; an immutable value.

    The reconstruction of channel `c` is ``sum_k z_k * d_kc``: atom `k` with its coefficient at
    every position where it lies inside the signal, added up.

    Parameters
    ----------
    atoms : array-like of shape (n_components, n_channels, n_times) or (n_components, n_channels, \
            height, width)
        Atoms of series, or of images. An array (n_components, n_times) is of one channel. float32
        and float64 are kept, other types become float64. Copied.
    constraint : Constraint, default=Free()
        Set that the atoms are projected on, each as one vector of all its channels.

    Attributes
    ----------
    atoms : ndarray of shape (n_components, n_channels, ...), read-only
    constraint : Constraint

    Raises
    ------
    ValueError
        If the atoms are not a finite array of 2, 3 or 4 dimensions.

    See Also
    --------
    sparsecode.Dictionary : Atoms of whole samples.

    Examples
    --------
    >>> from sparsecode.convolutional import ConvolutionalDictionary
    >>> dictionary = ConvolutionalDictionary([[1.0, 2.0, 1.0]])
    >>> dictionary.decode([[[1.0, 0.0, 0.0, 10.0]]])
    array([[[ 1.,  2.,  1., 10., 20., 10.]]])
    """

    atoms: np.ndarray
    constraint: Constraint

    def __init__(self, atoms: ArrayLike, constraint: Constraint | None = None) -> None:
        constraint = check_constraint(Free() if constraint is None else constraint)
        atoms = check_atoms(atoms)
        flat = Dictionary(atoms.reshape(len(atoms), -1), constraint=constraint)
        shaped = flat.atoms.reshape(atoms.shape)
        shaped.flags.writeable = False
        self.__dict__.update(atoms=shaped, constraint=constraint, _flat=flat)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"ConvolutionalDictionary is immutable: cannot set {name!r}. Use "
            "dictionary.replace(...)."
        )

    def __getstate__(self) -> dict[str, Any]:
        return {"atoms": self.atoms, "constraint": self.constraint}

    def __setstate__(self, state: Any) -> None:
        atoms = state["atoms"]
        atoms.flags.writeable = False
        # Without another projection, which would change last bits.
        flat = Dictionary(atoms.reshape(len(atoms), -1))
        self.__dict__.update(state, _flat=flat)

    def __repr__(self) -> str:
        size = "x".join(map(str, self.support))
        return (
            f"ConvolutionalDictionary({self.n_components} atoms of {size}, {self.n_channels} "
            f"{'channel' if self.n_channels == 1 else 'channels'}, {self.constraint}, {self.dtype})"
        )

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, ConvolutionalDictionary):
            return NotImplemented
        return self.constraint == other.constraint and np.array_equal(self.atoms, other.atoms)

    __hash__: ClassVar[None] = None

    @property
    def n_components(self) -> int:
        """Number of atoms."""
        return self.atoms.shape[0]

    @property
    def n_channels(self) -> int:
        """Number of channels of an atom."""
        return self.atoms.shape[1]

    @property
    def support(self) -> tuple[int, ...]:
        """Size of an atom: (n_times,), or (height, width)."""
        return self.atoms.shape[2:]

    @property
    def n_dims(self) -> int:
        """1 for series, 2 for images."""
        return len(self.support)

    @property
    def dtype(self) -> np.dtype:
        """Type of the atoms: float32 or float64."""
        return self.atoms.dtype

    @property
    def norms(self) -> np.ndarray:
        """Norm of each atom over its channels, shape (n_components,)."""
        return self._flat.norms

    @property
    def planes(self) -> np.ndarray:
        """Atoms in float64, (n_components, n_channels, height, width); series have width 1."""
        return self._kept("_planes", lambda: np.ascontiguousarray(self._as_planes()))

    def _as_planes(self):
        atoms = self.atoms.astype(np.float64)
        return atoms if self.n_dims == 2 else atoms[..., None]

    @property
    def gram(self) -> np.ndarray:
        """Inner products of atoms for every shift of the second against the first.

        Shape (n_components, n_components, 2 * n_times - 1), or (n_components, n_components, 2 *
        height - 1, 2 * width - 1); no shift is in the middle. In float64.
        """
        shape = 2 * (self.n_components,) + tuple(2 * n - 1 for n in self.support)
        return self.shifted_products.reshape(shape)

    @property
    def shifted_products(self) -> np.ndarray:
        """`gram` with two dimensions of shifts."""
        return self._kept("_shifted_products", lambda: cross_correlations(self.planes))

    @property
    def lipschitz(self) -> float:
        """Upper bound of the largest eigenvalue of the problem's Hessian, for signals of any size.

        It is the largest squared norm of the sum of shifted atoms over that of their coefficients:
        a maximum over frequencies, bounded from values on a grid (Ehlich and Zeller, 1964).
        """
        return self._kept("_lipschitz", self._bound)

    def _kept(self, name, make):
        if name not in self.__dict__:
            value = make()
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
            self.__dict__[name] = value
        return self.__dict__[name]

    def _bound(self):
        sizes = [8 * n if n > 1 else 1 for n in self.planes.shape[2:]]
        spectra = np.fft.fft2(self.planes, sizes).reshape(*self.planes.shape[:2], -1)
        largest = np.linalg.norm(spectra.transpose(2, 0, 1), 2, axis=(1, 2)).max() ** 2
        # Between points of the grid a trigonometric polynomial of degree n is at most so much more.
        degrees = [(n - 1) / size for n, size in zip(self.planes.shape[2:], sizes, strict=True)]
        return float(largest / np.prod(np.cos(np.pi * np.array(degrees)))) * (1 + 1e-9)

    def decode(self, codes: ArrayLike) -> np.ndarray:
        """Reconstruct signals: sums of shifted atoms.

        Parameters
        ----------
        codes : array-like of shape (n_signals, n_components, ...)
            Positions are those where an atom lies inside a signal: `n_times` less that of an atom
            plus 1.

        Returns
        -------
        X_hat : ndarray of shape (n_signals, n_channels, n_times) or (n_signals, n_channels, \
                height, width)
        """
        codes = check_codes(codes, self)
        dtype = np.result_type(codes.dtype, self.dtype)
        planes = codes if self.n_dims == 2 else codes[..., None]
        out = [self.decode_events(Events.of_array(code), code.shape[1:]) for code in planes]
        return np.stack([self.unplaned(one) for one in out]).astype(dtype)

    def decode_events(self, events: Any, positions: tuple[int, ...]) -> np.ndarray:
        """The sum of atoms for the nonzeros of one signal, (n_channels, height, width)."""
        sizes = [n + m - 1 for n, m in zip(positions, self.planes.shape[2:], strict=True)]
        return events.decoded(self.planes, (self.n_channels, *sizes))

    def unplaned(self, array: np.ndarray) -> np.ndarray:
        """An array that ends in (height, width) as one that ends in (n_times,), for series."""
        return array if self.n_dims == 2 else array[..., 0]

    def correlate(self, X: Any) -> np.ndarray:
        """Inner products of signals with every atom at every position.

        Parameters
        ----------
        X : array-like of shape (n_signals, n_channels, n_times) or (n_signals, n_channels, \
                height, width)

        Returns
        -------
        correlations : ndarray of shape (n_signals, n_components, ...)
        """
        signals = check_signals(X, self.n_dims, n_channels=self.n_channels, support=self.support)
        found = [self.unplaned(correlate(array, self.planes)) for array in signals.arrays]
        return np.stack(found).astype(np.result_type(signals.dtype, self.dtype))

    def positions(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Rows and columns of positions in a signal (n_channels, height, width)."""
        return positions_of(shape, self.planes.shape)

    def replace(self, *, atoms: ArrayLike) -> ConvolutionalDictionary:
        """Return a dictionary with other atoms, projected on the constraint."""
        return ConvolutionalDictionary(atoms, self.constraint)

    def astype(self, dtype: DTypeLike) -> ConvolutionalDictionary:
        """Return it with atoms of another type, not projected again."""
        other = object.__new__(ConvolutionalDictionary)
        other.__setstate__({"atoms": self.atoms.astype(dtype), "constraint": self.constraint})
        return other

    def matrix(self, shape: tuple[int, ...]) -> Dictionary:
        """Every atom at every position of a signal as an ordinary dictionary.

        It is for checks: its size is the product of the numbers of positions and of entries.

        Parameters
        ----------
        shape : tuple of int
            Size of the signal: (n_times,), or (height, width).

        Returns
        -------
        dictionary : Dictionary
            Rows are ordered as ``codes.reshape(n_signals, -1)``, columns as
            ``X.reshape(n_signals, -1)``.
        """
        sizes = shape if self.n_dims == 2 else (*shape, 1)
        n_rows, n_columns = self.positions((self.n_channels, *sizes))
        height, width = self.planes.shape[2:]
        out = np.zeros((self.n_components, n_rows, n_columns, self.n_channels, *sizes))
        for i in range(n_rows):
            for j in range(n_columns):
                out[:, i, j, :, i : i + height, j : j + width] = self.planes
        return Dictionary(out.reshape(self.n_components * n_rows * n_columns, -1))

    def save(self, path: PathLike) -> None:
        """Write it to a ``.safetensors`` or ``.npz`` file, whole or not at all."""
        flat = self.atoms.reshape(self.n_components, -1)
        sizes = {"shape": list(self.atoms.shape)}
        _serialization.save(path, flat, None, self.constraint, sizes=sizes)

    @classmethod
    def load(cls, path: PathLike, *, max_bytes: int | None = None) -> Self:
        """Read what `save` wrote; nothing in the file is executed.

        Parameters
        ----------
        path : str or path-like
        max_bytes : int or None, default=None
            Most bytes that a compressed file may unpack to, see `sparsecode.Dictionary.load`.
        """
        return _serialization.load_with(path, cls._of_file, _not_one, max_bytes)

    @classmethod
    def _of_file(cls, parts, header):
        atoms, _, constraint = parts
        sizes = _serialization.parsed(_serialization.part(header, "sizes"))
        shape = sizes.get("shape")
        if not isinstance(shape, list) or len(shape) not in (3, 4):
            raise _serialization.Refused(f"the shape of its atoms is {shown(shape)}.")
        try:
            loaded = cls.__new__(cls)
            loaded.__setstate__({"atoms": atoms.reshape(shape), "constraint": constraint})
        except (TypeError, ValueError) as error:
            raise _serialization.Refused(str(error)) from error
        return loaded

    @classmethod
    def random(
        cls,
        n_components: int,
        support: int | tuple[int, ...],
        *,
        n_channels: int = 1,
        random_state: RandomState = None,
        dtype: DTypeLike = np.float64,
    ) -> Self:
        """Draw Gaussian atoms of unit norm.

        Parameters
        ----------
        n_components : int
        support : int or tuple of int
            Size of an atom: its number of times, or its height and width.
        n_channels : int, default=1
        random_state : int, RandomState instance or None, default=None
        dtype : float32 or float64, default=float64
        """
        shape = (
            check_integer(n_components, "n_components"),
            check_integer(n_channels, "n_channels"),
            *check_support(support),
        )
        rng = check_random_state(random_state)
        return cls(rng.standard_normal(shape).astype(check_dtype(dtype)), UnitNorm())


def _not_one(path, reason):
    reason = _serialization.ended(reason)
    return ValueError(
        f"{path} is not a saved convolutional dictionary: {reason} Give a file that "
        "ConvolutionalDictionary.save wrote."
    )
