"""Types of what is given and returned, for annotations."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

Array: TypeAlias = np.ndarray
MatrixLike: TypeAlias = ArrayLike | sparse.sparray | sparse.spmatrix
# Samples, or batches of them from an iterator.
Stream: TypeAlias = MatrixLike | Iterable[Any]
Weights: TypeAlias = ArrayLike | None
# Codes are dense by default. Those of ``sparse_output=True`` are a csr_array, which a type that
# depends on the value of a parameter would have to say.
Codes: TypeAlias = np.ndarray
RandomState: TypeAlias = int | np.random.RandomState | np.random.Generator | None
# A number, or a function of the step of training.
Schedule: TypeAlias = float | Callable[[int], float]
# Lengths of a patch along the axes of an array.
PatchSize: TypeAlias = int | tuple[int, ...]
PathLike: TypeAlias = str | os.PathLike[str]
# An estimator, in functions that several estimators have as a method.
Model = TypeVar("Model")


def write_types(function: Any) -> None:
    """Let the signature of a function show its types as they are written.

    A named tuple makes references of them, whose `repr` a signature would show.
    """
    types = getattr(function, "__annotations__", {})
    types.update({name: getattr(kind, "__forward_arg__", kind) for name, kind in types.items()})
