"""Exact convolutional codes on given atoms, as a scikit-learn transformer."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._convolution.conversion import as_convolutional
from sparsecode._convolution.dictionary import ConvolutionalDictionary
from sparsecode._validation import check_flag, check_n_jobs
from sparsecode._values import check_option
from sparsecode.convolutional._estimator import ConvolutionalEstimator
from sparsecode.convolutional._padding import BOUNDARIES
from sparsecode.convolutional.base import ConvolutionalSolver, check_thresholds
from sparsecode.convolutional.locally_greedy import check_solver
from sparsecode.penalties import L1


class ConvolutionalSparseCoder(ConvolutionalEstimator):
    """Exact convolutional codes of signals or images on given atoms.

    Solves ``min_z 1/2 sum_c ||x_c - sum_k z_k * d_kc||^2 + alpha * penalty(z)`` for each signal.
    Nothing is learned: `fit` only checks that atoms and data fit together.

    Parameters
    ----------
    dictionary : ConvolutionalDictionary or array-like of shape (n_components, n_channels, ...)
        Atoms are used as they are, whatever their norm.
    penalty : L1 or its class, default=L1
        Its weights are one for each atom; ``L1(positive=True)`` for codes that are not negative.
    alpha : float, default=1.0
        Multiplies the weight of the penalty. It is not divided by the number of signals or times.
        `sparsecode.alpha_max` is the weight from which all codes are zero, with the boundary
        "valid".
    boundary : {"valid", "zero"}, default="valid"
        Where atoms may be. With "valid" they lie inside the signal. With "zero" they may stick out
        of a signal that is zero outside.
    solver : LocallyGreedy, ConvolutionalFISTA or None, default=None
        None is ``LocallyGreedy()``.
    missing : {None, "mask"}, default=None
        What NaN in `X` means: an error, or a missing entry that a signal is not fitted on.
    sparse_output : bool, default=False
        Whether codes are a list of CSR arrays (n_positions, n_components). Signals of unequal sizes
        need it.
    n_jobs : int or None, default=None
        Threads; None uses all cores. Codes do not depend on it.

    Attributes
    ----------
    dictionary_ : ConvolutionalDictionary
    components_ : ndarray of shape (n_components, n_channels, ...)
    n_channels_ : int

    References
    ----------
    R. Grosse, R. Raina, H. Kwong and A. Ng, "Shift-invariant sparse coding for audio
    classification", 2007.

    Examples
    --------
    >>> from sparsecode.convolutional import ConvolutionalSparseCoder
    >>> coder = ConvolutionalSparseCoder([[1.0, 2.0, 1.0]], alpha=0.6)
    >>> codes = coder.fit_transform([[0.0, 1.0, 2.0, 1.0, 0.0]])
    >>> codes.round(3)
    array([[[0. , 0.9, 0. ]]])
    >>> coder.inverse_transform(codes).round(3)
    array([[[0. , 0.9, 1.8, 0.9, 0. ]]])
    """

    dictionary_: ConvolutionalDictionary
    n_channels_: int

    def __init__(
        self,
        dictionary: ConvolutionalDictionary | ArrayLike,
        *,
        penalty: L1 | type[L1] = L1,
        alpha: float = 1.0,
        boundary: Literal["valid", "zero"] = "valid",
        solver: ConvolutionalSolver | None = None,
        missing: Literal["mask"] | None = None,
        sparse_output: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.dictionary = dictionary
        self.penalty = penalty
        self.alpha = alpha
        self.boundary = boundary
        self.solver = solver
        self.missing = missing
        self.sparse_output = sparse_output
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters and the channels of `X`; nothing is learned.

        Parameters
        ----------
        X : array-like of shape (n_signals, n_channels, n_times) or (n_signals, n_channels, \
                height, width), or list of arrays
        y : None
            Ignored; present for scikit-learn's pipelines.

        Returns
        -------
        self : ConvolutionalSparseCoder
        """
        check_n_jobs(self.n_jobs)
        check_flag(self.sparse_output, "sparse_output")
        check_option(self.boundary, "boundary", BOUNDARIES)
        penalty = self._penalty()
        check_solver(self.solver)
        dictionary = as_convolutional(self.dictionary)
        check_thresholds(penalty, dictionary.n_components)
        self._check(X, dictionary)
        self.dictionary_, self.n_channels_ = dictionary, dictionary.n_channels
        return self

    @property
    def components_(self) -> np.ndarray:
        """Atoms of the dictionary."""
        return self.dictionary_.atoms
