"""Implicit gradients of exact codes: how a loss of the codes changes with samples and atoms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from sparsecode import _jit
from sparsecode._interrupts import halt_flag, is_halted
from sparsecode._messages import shown
from sparsecode._parallel import map_row_blocks
from sparsecode._row_blocks import dense_rows
from sparsecode._statistics import products, residual_rows
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_code_rows, check_matrix, check_n_jobs, check_rows
from sparsecode.dictionary import Dictionary, as_dictionary, promote
from sparsecode.penalties import L1, ElasticNet
from sparsecode.penalties.base import Penalty
from sparsecode.solvers._kernels.cholesky import append_to_factor, solve_factored

__all__ = ["CodeGradient", "code_gradient"]

# Share of the squared norm of an atom that others of the support must leave unexplained.
_DEPENDENT = 1e-12
_BLOCK_SIZE = 256
# Largest Gram matrix; of more atoms, only the inner products of each support are computed.
_GRAM_BYTES = 2**28


class CodeGradient(NamedTuple):
    """Gradients of a loss of codes in all that the codes depend on.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
        Gradient in each sample.
    atoms : ndarray of shape (n_components, n_features)
        Gradient in the atoms, the sum over samples.
    offset : ndarray of shape (n_features,)
        Gradient in the offset of the dictionary, the sum over samples.
    alpha : float
        Derivative in the weight of the penalty, the sum over samples.
    """

    X: np.ndarray
    atoms: np.ndarray
    offset: np.ndarray
    alpha: float


def code_gradient(
    X: MatrixLike,
    codes: MatrixLike,
    dictionary: Dictionary | ArrayLike,
    penalty: Penalty,
    dcodes: ArrayLike,
    *,
    n_jobs: int | None = None,
) -> CodeGradient:
    """Gradients of a loss through exact codes, by implicit differentiation on the support.

    The code ``z`` of a sample ``x`` minimises ``1/2 ||x - offset - z @ atoms||^2 + g(z)``. Near a
    sample its support ``S`` and signs do not change, and its coefficients there solve a linear
    system. With ``b`` the solution of ``(atoms_S @ atoms_S.T + ridge I) b = dcodes_S``, and ``r``
    the residual, the gradients of the sample are ``b @ atoms_S`` in ``x`` and
    ``outer(b, r) - outer(z, b @ atoms_S)`` in the atoms of the support.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    codes : array-like or sparse matrix of shape (n_samples, n_components)
        Optimal codes of `X`. The more exact they are (see `sparsecode.certify`), the more exact are
        the gradients.
    dictionary : Dictionary or array-like of shape (n_components, n_features)
    penalty : L1 or ElasticNet
        Penalty that the codes are optimal for; with weights, or for coefficients >= 0.
    dcodes : array-like of shape (n_samples, n_components)
        Gradient of the loss in each coefficient, of a mean over samples divided by their number.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The answer does not depend on it.

    Returns
    -------
    gradient : CodeGradient
        Named tuple ``(X, atoms, offset, alpha)``, float32 only if `X` and the dictionary are.

    Raises
    ------
    TypeError
        If the penalty is another one.
    ValueError
        If shapes do not fit, or an array holds NaN or infinity.

    Notes
    -----
    Where a coefficient is just entering or leaving the support, a code has no derivative; the
    result is then that of one side. Atoms of a support that depend linearly on others have no
    unique coefficients if the penalty has no ridge; they count as constant.

    References
    ----------
    J. Mairal, F. Bach and J. Ponce, "Task-driven dictionary learning", 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.implicit_gradients import code_gradient
    >>> from sparsecode.penalties import L1
    >>> atoms, X = np.eye(2), np.array([[2.0, 0.1]])
    >>> gradient = code_gradient(X, [[1.5, 0.0]], atoms, L1(0.5), dcodes=[[1.0, 1.0]])
    >>> gradient.X, gradient.alpha
    (array([[1., 0.]]), -1.0)
    """
    n_jobs = check_n_jobs(n_jobs)
    dictionary = as_dictionary(dictionary)
    X = check_rows(X, "X", n_columns=dictionary.n_features)
    dictionary = promote(dictionary, X)
    ridge = ridge_of(penalty)
    codes = check_code_rows(codes, X.shape[0], dictionary.n_components)
    dcodes = check_matrix(dcodes, "dcodes", n_columns=codes.shape[1], columns_are="atoms")
    if len(dcodes) != codes.shape[0]:
        raise ValueError(
            f"dcodes has {len(dcodes)} rows but codes has {codes.shape[0]}; expected one row for "
            "each sample. Give the gradient of the loss in every coefficient."
        )
    codes = _as_csr(codes, dictionary.dtype)
    solved = _solved(codes, dictionary, ridge, dcodes, n_jobs)
    X = dense_rows(X, slice(0, X.shape[0]), dictionary.dtype)
    return _gradient(X, codes, dictionary, penalty, solved, n_jobs)


def ridge_of(penalty: Penalty) -> float:
    """Weight of half the squared norm in a penalty whose codes have implicit gradients.

    Raises
    ------
    TypeError
        If the penalty is neither `L1` nor `ElasticNet`.
    """
    if isinstance(penalty, ElasticNet):
        penalty = penalty.checked()
        return penalty.alpha * (1 - penalty.l1_ratio)
    if isinstance(penalty, L1):
        penalty.checked()
        return 0.0
    raise TypeError(
        f"penalty is {shown(penalty)}; expected L1 or ElasticNet, whose codes are linear in the "
        "sample as long as the support stays. Use for example ElasticNet(0.15, l1_ratio=0.9)."
    )


def _as_csr(codes, dtype):
    """Codes as a CSR array of `dtype`, without stored zeros."""
    codes = sparse.csr_array(codes, dtype=dtype)
    if not codes.has_canonical_format or not codes.data.all():
        codes = codes.copy()
        codes.sum_duplicates()
        codes.eliminate_zeros()
    return codes


def _solved(codes, dictionary, ridge, dcodes, n_jobs):
    """Solutions ``b`` of the systems of all samples, as a CSR array with the supports of codes."""
    starts, columns = codes.indptr.astype(np.int64), codes.indices.astype(np.int64)
    owners = np.repeat(np.arange(codes.shape[0]), np.diff(starts))
    values = dcodes[owners, columns].astype(np.float64)
    double = dictionary.astype(np.float64)
    is_small = 8 * double.n_components**2 <= _GRAM_BYTES
    gram, atoms = (double.gram, _NONE) if is_small else (_NONE, double.atoms)

    def block(rows):
        inside = starts[rows.start : rows.stop + 1]
        _solve_supports(gram, atoms, float(ridge), inside, columns, values, halt_flag())

    map_row_blocks(block, codes.shape[0], block_size=_BLOCK_SIZE, n_jobs=n_jobs)
    data = values.astype(codes.dtype)
    return sparse.csr_array((data, codes.indices, codes.indptr), shape=codes.shape)


def _gradient(X, codes, dictionary, penalty, solved, n_jobs):
    residual = residual_rows(X, codes, dictionary, n_jobs=n_jobs)
    dX = solved @ dictionary.atoms
    atoms = products(solved, residual, n_jobs=n_jobs)
    atoms -= products(codes, dX, n_jobs=n_jobs)
    slopes = _slopes(penalty, codes)
    alpha = -float(np.dot(solved.data.astype(np.float64), slopes))
    return CodeGradient(dX, atoms, -dX.sum(axis=0), alpha)


def _slopes(penalty, codes):
    """Derivative in its weight of the slope of the penalty, at each coefficient of a CSR array."""
    values = codes.data.astype(np.float64)
    if isinstance(penalty, ElasticNet):
        return penalty.l1_ratio * np.sign(values) + (1 - penalty.l1_ratio) * values
    return penalty._replace(alpha=1.0).thresholds(codes.shape[1])[codes.indices] * np.sign(values)


_NONE = np.empty((0, 0))
_NONE.flags.writeable = False


@_jit.kernel
def _solve_supports(gram, atoms, ridge, starts, columns, values, halt):
    """Solve the system of each sample in place, on atoms ``columns[starts[i]:starts[i + 1]]``.

    Inner products are those of `gram` or, if that is empty, of `atoms`. An atom that depends
    linearly on earlier ones gets 0.
    """
    longest = 0
    for i in range(starts.shape[0] - 1):
        longest = max(longest, starts[i + 1] - starts[i])
    factor, right = np.empty((longest, longest)), np.empty(longest)
    kept = np.empty(longest, dtype=np.int64)
    for i in range(starts.shape[0] - 1):
        if is_halted(halt):
            return
        count = 0
        for p in range(starts[i], starts[i + 1]):
            j = columns[p]
            for a in range(count):
                factor[count, a] = _inner_product(gram, atoms, j, columns[kept[a]])
            square = _inner_product(gram, atoms, j, j) + ridge
            if append_to_factor(factor, count, square, _DEPENDENT, 0.0):
                right[count] = values[p]
                kept[count] = p
                count += 1
            values[p] = 0.0
        solve_factored(factor, count, right)
        for a in range(count):
            values[kept[a]] = right[a]


@_jit.inner
def _inner_product(gram, atoms, j, k):
    if gram.shape[0] > 0:
        return gram[j, k]
    total = 0.0
    for f in range(atoms.shape[1]):
        total += atoms[j, f] * atoms[k, f]
    return total
