"""Initial dictionaries of learning."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from sparsecode._blas import single_threaded_blas
from sparsecode._messages import shown, wrong
from sparsecode._row_blocks import is_on_disk
from sparsecode._typing import MatrixLike, RandomState
from sparsecode._validation import (
    FLOAT_DTYPES,
    check_flag,
    check_integer,
    check_matrix,
    check_rows,
    common_dtype,
)
from sparsecode._values import check_numbers
from sparsecode.constraints import Constraint, UnitNorm, check_constraint
from sparsecode.dictionary import Dictionary
from sparsecode.initialization._from_formulas import cosines, gaussian
from sparsecode.initialization._from_samples import samples, seeds, singular_vectors
from sparsecode.initialization._source import Source

# Functions that make atoms, by name. Each makes the atoms that those before it could not make.
_MAKERS = {
    "samples": (samples, gaussian),
    "svd": (singular_vectors, samples, gaussian),
    "random": (gaussian,),
    "dct": (cosines, gaussian),
    "k-means++": (seeds, samples, gaussian),
}


def initial_dictionary(
    init: Literal["samples", "svd", "random", "dct", "k-means++"] | ArrayLike | Dictionary,
    X: MatrixLike,
    n_components: int,
    *,
    constraint: Constraint | None = None,
    offset: ArrayLike | None = None,
    missing: bool = False,
    sample_weight: np.ndarray | None = None,
    random_state: RandomState = None,
) -> Dictionary:
    """Make the initial dictionary of learning, by samples, SVD, random numbers, DCT or k-means++.

    All atoms have norm 1 before they are projected on the constraint, and none is zero. Only the
    required rows of `X` are read, a block at a time, and no array of its size is made.

    Parameters
    ----------
    init : {"samples", "svd", "random", "dct", "k-means++"}, array-like of shape \
            (n_components, n_features) or Dictionary
        "samples"
            Different samples drawn at random. Samples of norm 0 are never taken, nor are two of
            the same direction.
        "svd"
            Right singular vectors of `X`, the largest singular value first. `X` is not centred, but
            see `offset`. They come from the Gram matrix of features or of samples, whichever is
            smaller, in ``O(n_samples n_features min(n_samples, n_features))``. If both numbers are
            over 1024 and that costs more, they come from a randomized range finder with 10 power
            iterations, in ``O(n_samples n_features n_components)``, or ``O(nnz n_components)`` for
            a sparse `X`. If there are more components than the rank, samples follow.
        "random"
            Gaussian atoms.
        "dct"
            Cosines, which do not depend on `X`. If `n_features` is a square, they are products of
            two cosines, for square patches, and otherwise those of `sparsecode.Dictionary.dct`.
            If the smallest complete set, of a square number, has too many atoms, its lowest
            frequencies are taken.
        "k-means++"
            Samples that are far from each other. Each is drawn with a probability proportional to
            its squared distance from the closest line through the origin and an earlier atom
            (k-means++ with lines in place of points). At most ``max(1000, 10 * n_components)``
            random samples are candidates. The cost is this number times
            ``n_components * n_features``.

        If there are too few samples, Gaussian atoms follow. An array, or a `Dictionary` with its
        offset, is used as given, but projected on the constraint.
    X : array-like or CSR matrix of shape (n_samples, n_features)
        A memory map is not loaded, and a sparse matrix not made dense.
    n_components : int
        Number of atoms.
    constraint : Constraint or None, default=None
        None is the constraint of a given `Dictionary`, else `UnitNorm()`. With `NonNegative`,
        negative entries become 0. Singular vectors first get the sign that loses least, and
        Gaussian atoms are replaced by their absolute values.
    offset : array-like of shape (n_features,) or None, default=None
        Offset of the dictionary, unless `init` is a `Dictionary` that has one. "samples", "svd" and
        "k-means++" subtract it from the samples before they make atoms.
    missing : bool, default=False
        Whether NaN in `X` means a missing entry. It is then read as the mean of the observed
        entries of its sample; samples without any are never taken.
    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Samples of weight 0 are left out; all others count alike.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws. "dct", and "svd" where it is exact, do not depend on it, unless other
        atoms must follow.

    Returns
    -------
    dictionary : Dictionary
        Initial dictionary, in the dtype of `X`, even if `init` has another dtype.

    Raises
    ------
    ValueError
        If `init` is another string or an array of another shape, or if a row that is read from `X`
        holds infinity, or NaN without `missing`.

    References
    ----------
    D. Arthur and S. Vassilvitskii, "k-means++: the advantages of careful seeding", 2007.

    M. Aharon, M. Elad and A. Bruckstein, "K-SVD: an algorithm for designing overcomplete
    dictionaries for sparse representation", 2006.

    N. Halko, P. Martinsson and J. Tropp, "Finding structure with randomness: probabilistic
    algorithms for constructing approximate matrix decompositions", 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.initialization import initial_dictionary
    >>> X = np.random.default_rng(0).standard_normal((100, 16))
    >>> initial_dictionary("samples", X, 20, random_state=0)
    Dictionary(20 atoms of 16 features, UnitNorm(), float64)
    >>> dct = initial_dictionary("dct", X, 16)
    >>> bool(np.allclose(dct.gram, np.eye(16)))
    True
    """
    n_components = check_integer(n_components, "n_components")
    missing = check_flag(missing, "missing")
    if not _can_be_read(X):
        X = check_rows(X, "X", missing=missing)
    if sample_weight is not None:
        sample_weight = check_numbers(sample_weight, "sample_weight", low=0, shape=X.shape[:1])
        if not sample_weight.any():
            raise ValueError(
                wrong(
                    "sample_weight",
                    got="zero for all samples",
                    expected="a positive weight for some",
                    remedy="Leave sample_weight out to use all samples.",
                )
            )
    is_name = isinstance(init, str)
    if init is None or is_name:
        check_init_name(init)
    if not is_name:
        return _given(init, X, n_components, constraint, offset)
    constraint = check_constraint(UnitNorm() if constraint is None else constraint)
    source = Source(X, constraint, offset, missing, random_state, sample_weight)
    atoms = np.empty((0, X.shape[1]))
    with single_threaded_blas():
        for maker in _MAKERS[init]:
            if len(atoms) < n_components:
                new = maker(source, n_components - len(atoms), atoms)
                atoms = np.concatenate([atoms, source.directions(new)])
    return Dictionary(atoms.astype(common_dtype(X)), source.offset, source.constraint)


def check_init_name(init: Any) -> None:
    """Raise ValueError if no initialization has this name."""
    if not isinstance(init, str) or init not in _MAKERS:
        raise ValueError(
            wrong(
                "init",
                got=shown(init),
                expected=f"one of {', '.join(map(repr, _MAKERS))}, an array or a Dictionary",
                remedy="Choose one of these.",
            )
        )


def _can_be_read(X):
    """Whether blocks of rows can be read without conversion; values are checked when read."""
    if X is None or not hasattr(X, "dtype") or len(X.shape) != 2 or min(X.shape) == 0:
        return False
    if is_on_disk(X):
        return X.dtype.kind in "fiu"
    is_csr = sparse.issparse(X) and X.format == "csr"
    return (type(X) is np.ndarray or is_csr) and X.dtype in FLOAT_DTYPES


def _given(init, X, n_components, constraint, offset):
    is_whole = isinstance(init, Dictionary)
    dictionary = init if is_whole else Dictionary(check_matrix(init, "init"))
    if constraint is None:
        constraint = dictionary.constraint if is_whole else UnitNorm()
    if dictionary.atoms.shape != (n_components, X.shape[1]):
        raise ValueError(
            f"init has atoms of shape {dictionary.atoms.shape}; expected "
            f"({n_components}, {X.shape[1]}), (n_components, n_features). Give an array of that "
            "shape, or change n_components."
        )
    if dictionary.offset is not None:
        offset = dictionary.offset
    return Dictionary(dictionary.atoms.astype(common_dtype(X)), offset, constraint)
