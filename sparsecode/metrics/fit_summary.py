"""Summary of codes of samples: reconstruction, sparsity and use of the atoms."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from numpy.typing import ArrayLike

from sparsecode._summaries import lines
from sparsecode._typing import MatrixLike
from sparsecode.metrics._fit import fit_of_codes
from sparsecode.metrics.density import dead_fraction, dense_fraction
from sparsecode.metrics.description import bits
from sparsecode.metrics.sparsity import l0

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary

_LABELS = {
    "mse": ("mean squared error", "{:.4g}"),
    "normalized_mse": ("normalized MSE", "{:.4f}"),
    "explained_variance": ("explained variance", "{:.4f}"),
    "cosine": ("cosine", "{:.4f}"),
    "l2_ratio": ("l2 ratio", "{:.4f}"),
    "relative_reconstruction_bias": ("relative reconstruction bias", "{:.4f}"),
    "l0": ("l0", "{:.2f}"),
    "dead_fraction": ("dead atoms", "{:.2%}"),
    "dense_fraction": ("dense atoms", "{:.2%}"),
    "code_length": ("code length (bits)", "{:.5g}"),
}


class FitSummary(NamedTuple):
    """Summary of codes: quality of the reconstruction, and sparsity; printed as a table.

    Each number is that of the function of the same name in `sparsecode.metrics`.

    Attributes
    ----------
    mse, normalized_mse, explained_variance : float
        Errors of the reconstructions.
    cosine, l2_ratio, relative_reconstruction_bias : float
        Directions and lengths of the reconstructions.
    l0 : float
        Mean number of active coefficients of a sample.
    dead_fraction, dense_fraction : float
        Shares of the atoms that no sample uses, and that more than a tenth of the samples use.
    code_length : float
        Bits that describe the samples by codes and dictionary.

    Examples
    --------
    >>> from sparsecode.metrics import summary
    >>> summary([[2.0, 0.0], [0.0, 1.0]], [[1.5, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]).l0
    1.0
    """

    mse: float
    normalized_mse: float
    explained_variance: float
    cosine: float
    l2_ratio: float
    relative_reconstruction_bias: float
    l0: float
    dead_fraction: float
    dense_fraction: float
    code_length: float

    def __str__(self) -> str:
        return lines(self, _LABELS)


def summary(
    X: MatrixLike, codes: MatrixLike, dictionary: Dictionary | ArrayLike, *, threshold: float = 0.0
) -> FitSummary:
    """Measure codes of samples on a dictionary: reconstruction, sparsity, and use of the atoms.

    The samples are reconstructed once, in float64, a block of rows at a time; sparse codes stay
    sparse.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    codes : array-like or sparse matrix of shape (n_samples, n_components)
        For a fitted model, ``model.transform(X)``.
    dictionary : Dictionary or array-like of shape (n_components, n_features)
        For a fitted model, ``model.dictionary_``.
    threshold : float, default=0.0
        A coefficient is active where ``|z| > threshold``. This concerns l0, dead and dense atoms.

    Returns
    -------
    summary : FitSummary
        Named tuple; ``print`` shows a table, ``_asdict()`` gives a dict.

    Raises
    ------
    ValueError
        If shapes do not fit, or all samples are equal.

    Examples
    --------
    >>> from sparsecode.datasets import make_sparse_signals
    >>> from sparsecode.metrics import summary
    >>> X, codes, atoms = make_sparse_signals(500, 30, 20, n_nonzero=3, snr_db=20, random_state=0)
    >>> print(summary(X, codes, atoms))
    mean squared error            0.001536
    normalized MSE                  0.0099
    explained variance              0.9901
    cosine                          0.9855
    l2 ratio                        0.9855
    relative reconstruction bias    1.0004
    l0                                3.00
    dead atoms                       0.00%
    dense atoms                     53.33%
    code length (bits)               85618
    """
    codes, dictionary, fit = fit_of_codes(X, codes, dictionary)
    return FitSummary(
        mse=fit.mse,
        normalized_mse=fit.normalized_mse,
        explained_variance=fit.explained_variance,
        cosine=fit.cosine,
        l2_ratio=fit.l2_ratio,
        relative_reconstruction_bias=fit.relative_reconstruction_bias,
        l0=float(l0(codes, threshold=threshold).mean()),
        dead_fraction=dead_fraction(codes, threshold=threshold),
        dense_fraction=dense_fraction(codes, threshold=threshold),
        code_length=bits(codes, dictionary, fit),
    )
