"""Checks of atoms, their support and codes of convolutional methods."""

from __future__ import annotations

import numpy as np

from sparsecode._messages import shown, wrong
from sparsecode._validation import check_integer, check_named_array


def check_support(support, name="support"):
    """Size of an atom as a tuple of one or two integers."""
    sizes = support if isinstance(support, (tuple, list)) else (support,)
    if len(sizes) not in (1, 2):
        raise ValueError(
            wrong(
                name,
                got=shown(support),
                expected="a number of times, or a height and a width",
                remedy="Give an int for series, or two for images.",
            )
        )
    return tuple(check_integer(size, name) for size in sizes)


def check_codes(codes, dictionary):
    """Return codes as an array (n_signals, n_components, ...)."""
    codes = check_named_array(
        codes, "codes", dtype=[np.float64, np.float32], ensure_2d=False, allow_nd=True
    )
    check_code_shape(codes.shape, dictionary)
    return codes


def check_code_shape(shape, dictionary):
    """Raise unless an array of a shape can hold codes."""
    if len(shape) != dictionary.n_dims + 2 or shape[1] != dictionary.n_components:
        sizes = "n_positions" if dictionary.n_dims == 1 else "n_rows, n_columns"
        raise ValueError(
            wrong(
                "codes",
                got=f"an array of shape {shown(tuple(shape))}",
                expected=f"shape (n_signals, {dictionary.n_components}, {sizes})",
                remedy="Give the codes of every atom at every position.",
            )
        )


def check_atoms(atoms, name="atoms"):
    """Return atoms as an array (n_components, n_channels, ...)."""
    atoms = check_named_array(
        atoms, name, dtype=[np.float64, np.float32], ensure_2d=False, allow_nd=True
    )
    if atoms.ndim not in (2, 3, 4):
        raise ValueError(
            wrong(
                name,
                got=f"an array of {atoms.ndim} dimensions",
                expected="shape (n_components, n_channels, n_times) or (n_components, n_channels, "
                "height, width)",
                remedy="Put atoms first and channels second.",
            )
        )
    return atoms[:, None] if atoms.ndim == 2 else atoms


def check_rows_of_series(codes, dictionary):
    """Return codes of series, a list of sparse arrays (n_positions, n_components)."""
    if dictionary.n_dims == 2:
        raise ValueError(
            wrong(
                "codes",
                got="a list of sparse arrays, of images",
                expected="an array of shape (n_images, n_components, n_rows, n_columns)",
                remedy="Of one image it is code.toarray().T.reshape(1, n_components, n_rows, "
                "n_columns).",
            )
        )
    for index, code in enumerate(codes):
        if code.shape[1] != dictionary.n_components:
            raise ValueError(
                wrong(
                    f"number of columns of code {index}",
                    got=code.shape[1],
                    expected=f"{dictionary.n_components}, the number of atoms",
                    remedy="Give codes of shape (n_positions, n_components).",
                )
            )
    return codes
