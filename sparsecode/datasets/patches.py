"""Patches of arrays as rows of a matrix: read when they are used, and averaged again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .._messages import shown, wrong
from .._row_blocks import release
from .._typing import PatchSize
from .._validation import check_dtype, check_flag, check_integer, check_matrix, common_dtype
from ._array import check_array, check_finite, check_output
from ._grid import grid_of

# Values of patches that are read at a time, unless a number of patches is given.
_MOST_VALUES = 2**20


class Patches:
    """Patches of a series, image, volume or video, read when they are used.

    It is the matrix of all patches on a regular grid, one a row, without its memory: rows are made
    when they are asked for, so the array may be a memory map that is larger than the memory.
    `average` is the inverse.

    Patches start every `step` elements from the first. Where that grid does not end at the border,
    one more patch is added flush with it, so every element is in a patch, and the last two may
    overlap more than the others.

    Parameters
    ----------
    array : array of shape (length_1, ..., length_n) or (length_1, ..., length_n, n_channels)
        A series, an image, a volume, or a video (time, height, width), of real numbers; the last
        axis may be that of channels. A memory map is read in parts. Never written to.
    patch_size : int or tuple of int
        Lengths of a patch along the first axes; an axis beyond them is that of channels, which a
        patch has all. ``(32,)`` cuts windows of a series (n,) or (n, n_channels), ``(8, 8)``
        patches of an image with any number of channels, ``(4, 8, 8)`` those of a video. One
        integer is for a series (n,), an image (height, width) or a colour image (height, width, 3).
    step : int or tuple of int, default=1
        Distance between neighbouring patches along each axis, at most `patch_size`.
    missing : bool, default=False
        Whether NaN is a missing value, and stays NaN. Otherwise it is refused.
    dtype : numpy.float32, numpy.float64 or None, default=None
        dtype of the patches. None is float32 for float32 and float16, else float64. Values are
        never rescaled.

    Attributes
    ----------
    shape : (int, int)
        Number of patches, and number of values of a patch.
    dtype : numpy.dtype
    array_shape : tuple of int
    patch_size : tuple of int
    n_channels : int
        1 if there is no axis of channels.

    Raises
    ------
    ValueError
        If the array is smaller than a patch, or `step` would leave elements uncovered. When
        patches are read, if they hold NaN or infinity.

    See Also
    --------
    extract_patches : All patches at once.
    sample_patches : Patches at random positions.

    Examples
    --------
    Three channels of a recording, in windows of 16 values:

    >>> import numpy as np
    >>> from sparsecode.datasets import Patches
    >>> recording = np.random.default_rng(0).standard_normal((1000, 3))
    >>> patches = Patches(recording, (16,), step=4)
    >>> patches.shape, patches[:2].shape
    ((247, 48), (2, 48))

    What is done to the patches, some at a time, is averaged where they overlap:

    >>> changed = patches.average(2 * X for X in patches.blocks(100))
    >>> bool(np.allclose(changed, 2 * recording))
    True
    """

    dtype: np.dtype

    def __init__(
        self,
        array: ArrayLike,
        patch_size: PatchSize,
        *,
        step: PatchSize = 1,
        missing: bool = False,
        dtype: DTypeLike | None = None,
    ) -> None:
        missing = check_flag(missing, "missing")
        array = check_array(array, "array", missing=missing)
        dtype = common_dtype(array) if dtype is None else check_dtype(dtype)
        self._set(array, grid_of(array.shape, patch_size, step, "array"), missing, dtype, "array")

    @classmethod
    def _of(cls, array, patch_size, name, *, step=1, missing=False, dtype):
        """Patches of a checked array that is called `name` in errors."""
        patches = cls.__new__(cls)
        patches._set(array, grid_of(array.shape, patch_size, step, name), missing, dtype, name)
        return patches

    def _set(self, array, grid, missing, dtype, name):
        self._array, self._grid, self._missing, self._name = array, grid, missing, name
        self.dtype = dtype

    @property
    def shape(self) -> tuple[int, int]:
        """Number of patches, and number of values of a patch."""
        return self._grid.n_patches, self._grid.n_features

    @property
    def array_shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self._array.shape

    @property
    def patch_size(self) -> tuple[int, ...]:
        """Lengths of a patch, without the channels."""
        return self._grid.patch_size

    @property
    def n_channels(self) -> int:
        """Number of channels; 1 if there is no such axis."""
        return self._grid.shape[-1]

    def __len__(self) -> int:
        return self._grid.n_patches

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.patch_size))
        return f"Patches({len(self)} of {size} from an array of shape {self.array_shape})"

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Patches of some rows: a slice, a number, or an array of numbers."""
        if isinstance(rows, slice):
            return self._read(np.arange(*rows.indices(len(self))))
        rows = np.asarray(rows)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        numbers = np.where(rows < 0, rows + len(self), rows)
        if rows.dtype.kind not in "iu" or ((numbers < 0) | (numbers >= len(self))).any():
            raise IndexError(
                wrong(
                    "a row of Patches",
                    got=shown(rows),
                    expected=f"whole numbers from 0 to {len(self) - 1}, or a slice",
                    remedy="Use blocks() to read all.",
                )
            )
        X = self._read(np.atleast_1d(numbers))
        return X[0] if rows.ndim == 0 else X

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("Patches are made when they are read; expected copy=None or True.")
        X = self[:]
        return X if dtype is None else X.astype(dtype, copy=False)

    def blocks(self, n_patches: int | None = None) -> Iterator[np.ndarray]:
        """Read all patches in order, some at a time.

        Parameters
        ----------
        n_patches : int or None, default=None
            Number of patches in a block. None is a block of some megabytes.

        Yields
        ------
        X : ndarray of shape (at most n_patches, n_features)

        Raises
        ------
        ValueError
            If a patch holds NaN or infinity.

        Examples
        --------
        >>> import numpy as np
        >>> from sparsecode.datasets import Patches
        >>> [len(X) for X in Patches(np.zeros((12, 12)), 5).blocks(30)]
        [30, 30, 4]
        """
        if n_patches is None:
            n_patches = max(_MOST_VALUES // self.shape[1], 1)
        n_patches = check_integer(n_patches, "n_patches")
        return (self[i : i + n_patches] for i in range(0, len(self), n_patches))

    def average(
        self, X: ArrayLike | Iterable[np.ndarray], *, out: np.ndarray | None = None
    ) -> np.ndarray:
        """Put patches back where they come from, and average them where they overlap.

        Unchanged patches give the array back to rounding. Sums are formed in float64, in the order
        of the patches: the result does not depend on the blocks.

        Parameters
        ----------
        X : array-like of shape (n_patches, n_features), or iterable of such blocks
            All patches in order; blocks may have any sizes. Never written to.
        out : ndarray of shape `array_shape` or None, default=None
            Array of floats to write into, such as a memory map. It is written from first to last as
            soon as elements are complete. None is a new array of the dtype of `X`.

        Returns
        -------
        array : ndarray of shape `array_shape`

        Raises
        ------
        ValueError
            If the patches are too few or too many, have another number of values, or hold NaN or
            infinity.

        Examples
        --------
        >>> import numpy as np
        >>> from sparsecode.datasets import Patches
        >>> Patches(np.zeros(3), 2).average(np.array([[1.0, 1.0], [3.0, 3.0]]))
        array([1., 2., 3.])
        """
        blocks = self._checked(_as_blocks(X))
        first = next(blocks)
        out = check_output(out, self.array_shape, first.dtype)
        view = out.reshape(self._grid.shape)
        for slab, total in self._grid.sums(_before(first, blocks)):
            view[slab] = total / self._grid.coverage(slab.start, slab.stop)
        return out

    def coverage(self) -> np.ndarray:
        """Count the patches over each element.

        Returns
        -------
        cover : ndarray of int of shape (length_1, ..., length_n)

        Examples
        --------
        >>> import numpy as np
        >>> from sparsecode.datasets import Patches
        >>> Patches(np.zeros(6), 3).coverage()
        array([1, 2, 3, 3, 2, 1])
        """
        return self._grid.coverage()[..., 0].astype(int)

    def _read(self, numbers):
        release(self._array)
        X = self._grid.read(self._array.reshape(self._grid.shape), numbers, self.dtype)
        check_finite(X, self._name, missing=self._missing)
        return X

    def _checked(self, blocks):
        """Check blocks as they come; their rows are as many as the patches."""
        seen = 0
        for block in blocks:
            X = check_matrix(
                block,
                "X",
                n_columns=self.shape[1],
                columns_are=f"values of a patch of patch_size {self.patch_size}",
            )
            seen += len(X)
            if seen > len(self):
                break
            yield X
        if seen != len(self):
            counts = " x ".join(map(str, self._grid.counts))
            counts = f"{counts} = {len(self)}" if len(self._grid.counts) > 1 else counts
            raise ValueError(
                f"X has {'more than ' * (seen > len(self))}{min(seen, len(self))} rows; expected "
                f"{counts} patches for an array of shape {self.array_shape} with this patch_size "
                "and step. Give all patches, in their order."
            )


def _as_blocks(X):
    """The blocks that are given, or the whole matrix as one."""
    is_list = isinstance(X, (list, tuple))
    if isinstance(X, np.ndarray) or not isinstance(X, Iterable):
        return [X]
    return [X] if is_list and not (len(X) > 0 and np.ndim(X[0]) == 2) else X


def _before(first, blocks):
    yield first
    yield from blocks
