"""Where learning starts: atoms from samples, from singular vectors, or from a formula."""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state
from sklearn.utils.random import sample_without_replacement

from sparsecode._moments import geometric_median, mean
from sparsecode._parallel import single_threaded_blas
from sparsecode._rows import dense_rows, is_on_disk
from sparsecode._validation import (
    FLOAT_DTYPES,
    check_integer,
    check_matrix,
    check_rows,
    common_dtype,
    wrong,
)
from sparsecode.constraints import NonNegative, UnitNorm, check_constraint
from sparsecode.dictionary import Dictionary, as_dictionary

# Rows that are dense at a time.
_BLOCK = 1024
# Samples that "k-means++" chooses among: this many for each atom, and at least as many as below.
_CANDIDATES_AN_ATOM = 10
_CANDIDATES = 1000
# Samples that "samples" chooses among, at least.
_CHOICE = 10_000
# Samples whose absolute cosine is larger are the same atom.
_SAME = 1 - 1e-6


def initial_dictionary(
    init, X, n_components, *, constraint=None, offset=None, missing=False, random_state=None
):
    """Make the dictionary that learning starts from.

    All atoms have norm 1 before they are projected on the constraint, and none is zero. Only the
    rows of `X` that are needed are read, a block at a time, and nothing of its size is made.

    Parameters
    ----------
    init : {"samples", "svd", "random", "dct", "k-means++"}, array-like of shape \
            (n_components, n_features) or Dictionary
        "samples"
            Different samples drawn at random. Samples of norm 0 are never taken, nor are two of
            the same direction.
        "svd"
            Right singular vectors of `X`, as it is, the largest singular value first. Costs
            ``O(n_samples m min)`` with `min` the smaller and `m` the larger of `n_features` and
            ``min(n_samples, n_features)``: only a square matrix of that smaller side is made. Where
            there are more components than the rank, samples follow.
        "random"
            Gaussian atoms.
        "dct"
            Cosines, which do not depend on `X`. If `n_features` is a square, they are products of
            two cosines, for square patches, and otherwise those of `sparsecode.Dictionary.dct`.
            The lowest frequencies are taken where the next complete set, of a square number, has
            too many.
        "k-means++"
            Samples that are far from each other: each is drawn with a probability proportional to
            what is left of it after projection on the closest of those before (the distance of
            k-means++, here to lines through the origin). At most ``max(1000, 10 * n_components)``
            samples, drawn at random, are looked at; costs that many times ``n_components *
            n_features``.

        Where samples run out, Gaussian atoms follow. An array, or a `Dictionary` with its offset,
        is used as it is, projected on the constraint.
    X : array-like or CSR matrix of shape (n_samples, n_features)
        A memory map is not loaded, and a sparse matrix not made dense.
    n_components : int
        Number of atoms.
    constraint : Constraint or None, default=None
        None is that of a given `Dictionary`, else `UnitNorm()`. With `NonNegative`, negative
        entries are cut off; singular vectors are first turned so that this loses least, and
        Gaussian atoms are absolute values.
    offset : array-like of shape (n_features,) or None, default=None
        That of the dictionary, unless `init` is a `Dictionary` that has one. "samples", "svd" and
        "k-means++" make atoms of the samples less this, as atoms are for what it leaves.
    missing : bool, default=False
        Whether NaN in `X` means a missing entry. It is then read as the mean of the observed
        entries of its sample; samples without any are never taken.
    random_state : int, RandomState instance or None, default=None
        Has no influence on "svd" and "dct", unless their atoms do not suffice.

    Returns
    -------
    dictionary : Dictionary
        In the dtype of `X`, also where `init` has another one.

    Raises
    ------
    ValueError
        If `init` is another string or an array of another shape, or what is read of `X` holds
        NaN, where not `missing`, or infinity.

    References
    ----------
    D. Arthur and S. Vassilvitskii, "k-means++: the advantages of careful seeding", 2007.

    M. Aharon, M. Elad and A. Bruckstein, "K-SVD: an algorithm for designing overcomplete
    dictionaries for sparse representation", 2006.

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
    if not _can_be_read(X):
        X = check_rows(X, "X", missing=missing)
    is_name = isinstance(init, str)
    if init is None or (is_name and init not in _MAKERS):
        raise ValueError(
            wrong(
                "init",
                got=repr(init),
                expected=f"one of {', '.join(map(repr, _MAKERS))}, an array or a Dictionary",
                remedy="Choose one of these.",
            )
        )
    if not is_name:
        return _given(init, X, n_components, constraint, offset)
    constraint = check_constraint(UnitNorm() if constraint is None else constraint)
    source = _Source(X, constraint, offset, missing, random_state)
    atoms = np.empty((0, X.shape[1]))
    with single_threaded_blas():
        for maker in _MAKERS[init]:
            if len(atoms) < n_components:
                new = maker(source, n_components - len(atoms), atoms)
                atoms = np.concatenate([atoms, source.directions(new)])
    return Dictionary(atoms.astype(common_dtype(X)), source.offset, source.constraint)


def initial_offset(init, X, sample_weight=None):
    """Make the offset that learning starts from.

    Parameters
    ----------
    init : {"mean", "geometric_median", "zero"}
        "mean"
            The mean of the samples, in one pass over them.
        "geometric_median"
            The point with the least sum of distances from the samples, which a few far ones hardly
            move. Up to 200 passes over them, usually a few tens.
        "zero"
            Zeros, to be learned.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        A memory map is not loaded, and a sparse matrix not made dense.
    sample_weight : ndarray of shape (n_samples,) or None, default=None
        How much each sample counts; None is 1 each.

    Returns
    -------
    offset : ndarray of shape (n_features,)
        In the dtype of `X`.

    Raises
    ------
    ValueError
        If `init` is none of these, or `X` holds NaN or infinity.

    References
    ----------
    E. Weiszfeld, "Sur le point pour lequel la somme des distances de n points donnés est minimum",
    1937. Y. Vardi and C.-H. Zhang, "The multivariate L1-median and associated data depth", 2000.

    Examples
    --------
    >>> from sparsecode.initialization import initial_offset
    >>> X = [[0.0, 1.0], [1.0, 0.0], [1.0, 2.0], [2.0, 1.0], [1.0, 9.0]]
    >>> initial_offset("mean", X), initial_offset("geometric_median", X).round(2)
    (array([1. , 2.6]), array([1.  , 1.58]))
    """
    makers = {
        "mean": mean,
        "geometric_median": geometric_median,
        "zero": lambda X, sample_weight: np.zeros(X.shape[1]),
    }
    if not isinstance(init, str) or init not in makers:
        raise ValueError(
            wrong(
                "offset",
                got=repr(init),
                expected=f"one of {', '.join(map(repr, makers))}",
                remedy='Use "mean", or give an offset of your own.',
            )
        )
    X = check_rows(X, "X")
    return makers[init](X, sample_weight).astype(X.dtype)


def _can_be_read(X):
    """Whether blocks of rows can be had as they are; their values are checked when read."""
    if X is None or not hasattr(X, "dtype") or len(X.shape) != 2 or min(X.shape) == 0:
        return False
    if is_on_disk(X):
        return X.dtype.kind in "fiu"
    is_csr = sparse.issparse(X) and X.format == "csr"
    return (type(X) is np.ndarray or is_csr) and X.dtype in FLOAT_DTYPES


def _given(init, X, n_components, constraint, offset):
    dictionary = as_dictionary(init)
    if constraint is None:
        constraint = dictionary.constraint if isinstance(init, Dictionary) else UnitNorm()
    if dictionary.atoms.shape != (n_components, X.shape[1]):
        raise ValueError(
            f"init has atoms of shape {dictionary.atoms.shape}; expected "
            f"({n_components}, {X.shape[1]}), (n_components, n_features). Give an array of that "
            "shape, or change n_components."
        )
    if dictionary.offset is not None:
        offset = dictionary.offset
    return Dictionary(dictionary.atoms.astype(common_dtype(X)), offset, constraint)


class _Source:
    """Samples, read when needed, and the constraint of the atoms that are made of them."""

    def __init__(self, X, constraint, offset, missing, random_state):
        self.X, self.constraint, self.missing = X, constraint, missing
        self.rng = check_random_state(random_state)
        self.n_samples, self.n_features = X.shape
        self.offset = offset
        if offset is not None:
            self.offset = check_matrix([offset], "offset", n_columns=self.n_features)[0]

    def read(self, rows):
        """Some samples in float64, less the offset, without missing entries."""
        block = dense_rows(self.X, rows, np.float64)
        if self.offset is not None:
            block = block - self.offset
        if self.missing:
            gone = np.isnan(block)
            block = np.where(gone, 0.0, block)
            observed = np.maximum((~gone).sum(axis=1, keepdims=True), 1)
            block = np.where(gone, block.sum(axis=1, keepdims=True) / observed, block)
        return check_matrix(block, "X")

    def random_rows(self, n_atoms):
        """Rows in random order, at most `_CHOICE` of them or `_CANDIDATES_AN_ATOM` an atom.

        Where that is all rows, it does not matter in which order they are, nor how often each is
        there: what is random is the order of their projections on one direction.
        """
        n_most = max(_CHOICE, _CANDIDATES_AN_ATOM * n_atoms)
        rows = np.arange(self.n_samples)
        if self.n_samples > n_most:
            rows = sample_without_replacement(self.n_samples, n_most, random_state=self.rng)
            rows.sort()
        direction = self.rng.standard_normal(self.n_features)
        values = np.concatenate(
            [
                np.einsum("ij,j->i", self.read(rows[i : i + _BLOCK]), direction)
                for i in range(0, len(rows), _BLOCK)
            ]
        )
        order = np.argsort(values, kind="stable")
        values = values[order]
        # Where equal rows are in the order, only the first of them has a place of its own.
        is_new = np.diff(values, prepend=-np.inf) > 1e-6 * np.abs(values)
        own = order[is_new]
        return rows[np.concatenate([own[self.rng.permutation(len(own))], order[~is_new]])]

    def blocks(self):
        """Slices of consecutive rows."""
        starts = range(0, self.n_samples, _BLOCK)
        return [slice(start, min(start + _BLOCK, self.n_samples)) for start in starts]

    def directions(self, atoms):
        """Atoms scaled to norm 1 and projected, without those that are then zero."""
        projected = self.constraint.project(_unit(atoms))
        return projected[projected.any(axis=1)]


def _samples(source, n_atoms, taken):
    """Samples drawn at random, in none of the directions of `taken`."""
    found = taken
    order = source.random_rows(n_atoms)
    start = 0
    while start < len(order) and len(found) < len(taken) + n_atoms:
        drawn = order[start : start + max(n_atoms, 16)]
        found = _different(found, source.directions(source.read(drawn)))
        start += len(drawn)
    return found[len(taken) :][:n_atoms]


def _different(atoms, new):
    """`atoms`, and those of `new` that are not close to one before."""
    both = np.concatenate([_unit(atoms), _unit(new)])
    close = np.tril(np.abs(both[len(atoms) :] @ both.T) > _SAME, len(atoms) - 1)
    kept = np.ones(len(both), dtype=bool)
    for i in np.flatnonzero(close.any(axis=1)):
        kept[len(atoms) + i] = not (close[i] & kept).any()
    return np.concatenate([atoms, new[kept[len(atoms) :]]])


def _singular_vectors(source, n_atoms, taken):
    """Right singular vectors, from the smaller one of the two Gram matrices."""
    blocks, wide = source.blocks(), source.n_samples < source.n_features
    gram = np.zeros((min(source.n_samples, source.n_features),) * 2)
    for rows in blocks:
        X = source.read(rows)
        if not wide:
            gram += X.T @ X
            continue
        for columns in blocks:
            if columns.start <= rows.start:
                gram[rows, columns] = X @ source.read(columns).T
                gram[columns, rows] = gram[rows, columns].T
    values, vectors = np.linalg.eigh(gram)
    # The others are rounding, and so would their directions be.
    rank = np.sum(values > max(values[-1], 0) * max(source.X.shape) * np.finfo(np.float64).eps)
    vectors = vectors.T[::-1][: min(rank, n_atoms)]
    if wide:
        vectors = sum(vectors[:, rows] @ source.read(rows) for rows in blocks)
    cut = [np.sum(np.maximum(sign * vectors, 0) ** 2, axis=1) for sign in (1, -1)]
    vectors[cut[0] < cut[1]] *= -1
    return vectors


def _gaussian(source, n_atoms, taken):
    # Transposed, so that the seed that drew the atoms behind synthetic samples gives others here.
    atoms = source.rng.standard_normal((source.n_features, n_atoms)).T
    return np.abs(atoms) if isinstance(source.constraint, NonNegative) else atoms


def _cosines(source, n_atoms, taken):
    """The lowest frequencies of the smallest complete set that has enough atoms."""
    side = math.isqrt(source.n_features)
    if side**2 != source.n_features:
        n_complete = max(n_atoms, source.n_features)
        return Dictionary.dct(n_complete, source.n_features).atoms[:n_atoms]
    n_cosines = max(side, math.isqrt(n_atoms - 1) + 1)
    cosines = Dictionary.dct(n_cosines, side).atoms
    frequencies = np.add.outer(np.arange(n_cosines), np.arange(n_cosines)).ravel()
    lowest = np.argsort(frequencies, kind="stable")[:n_atoms]
    return np.kron(cosines, cosines)[np.sort(lowest)]


def _seeds(source, n_atoms, taken):
    """k-means++ with the distance of a sample to the line of an atom."""
    rng, n_candidates = source.rng, max(_CANDIDATES, _CANDIDATES_AN_ATOM * n_atoms)
    rows = rng.permutation(source.n_samples)[:n_candidates]
    X = source.read(np.sort(rows))
    candidates = source.constraint.project(_unit(X))
    energies = np.sum((X / max(np.abs(X).max(), np.finfo(float).tiny)) ** 2, axis=1)
    energies[~candidates.any(axis=1)] = 0
    candidates = _unit(candidates)
    chosen, closest = [], np.zeros(len(X))
    while len(chosen) < n_atoms:
        left = np.where(closest > _SAME, 0.0, energies * (1 - closest**2))
        sums = np.cumsum(left)
        if sums[-1] == 0:
            break
        # The first whose sum is above the draw has something left itself.
        drawn = np.searchsorted(sums, rng.random_sample() * sums[-1], side="right")
        chosen.append(min(drawn, np.flatnonzero(left)[-1]))
        closest = np.maximum(closest, np.abs(candidates @ candidates[chosen[-1]]))
    return candidates[chosen]


def _unit(rows):
    """Rows scaled to norm 1, whatever their size; a zero row stays zero."""
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0)
    rows = rows / np.where(largest == 0, 1, largest)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms == 0, 1, norms)


# What makes the atoms, and what makes those that it leaves out.
_MAKERS = {
    "samples": (_samples, _gaussian),
    "svd": (_singular_vectors, _samples, _gaussian),
    "random": (_gaussian,),
    "dct": (_cosines, _gaussian),
    "k-means++": (_seeds, _samples, _gaussian),
}
