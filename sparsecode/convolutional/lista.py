"""Convolutional LISTA: a few learned steps in the place of a solver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from sparsecode._convolution.codes import Events
from sparsecode._convolution.conversion import as_convolutional
from sparsecode._convolution.dictionary import ConvolutionalDictionary
from sparsecode._convolution.signals import check_signals
from sparsecode._convolutional_judge import check_l1
from sparsecode._parameters import Parameterized
from sparsecode._typing import RandomState
from sparsecode._validation import (
    check_flag,
    check_integer,
    check_n_jobs,
    check_number,
    check_random_state,
)
from sparsecode._values import check_instance
from sparsecode.convolutional._crops import Crops
from sparsecode.convolutional._layers import Signal
from sparsecode.convolutional._network import Network
from sparsecode.convolutional._training import Training, check_optimizer
from sparsecode.convolutional.base import check_sizes, check_thresholds, packed
from sparsecode.convolutional.locally_greedy import LocallyGreedy
from sparsecode.convolutional.report import LayerReport
from sparsecode.optimizers.base import Optimizer
from sparsecode.penalties import L1


@dataclass(eq=False)
class ConvolutionalLISTA(Parameterized, BaseEstimator):
    """Convolutional LISTA: `n_layers` steps whose kernels and thresholds are trained.

    Predicts codes of ``min_z 1/2 sum_c ||x_c - sum_k z_k * d_kc||^2 + sum_k alpha_k ||z_k||_1``
    with, from ``z = 0``, ``z <- soft(z + W_t * (x - D_t * z), theta_t)``: ``D_t *`` is a sum of
    shifted kernels, ``W_t *`` their correlations at all positions. Before training, layer `k` is
    the `k`-th iterate of ISTA. Where entries of `x` are missing, ``x - D_t * z`` is 0 in every
    layer, and they do not count in the objective.

    Parameters
    ----------
    penalty : L1, default=L1()
        Penalty with its weight, of atoms or not, signed or not.
    n_layers : int, default=8
    tied : bool, default=False
        Whether all layers share one set of kernels and thresholds.
    params : dict of str to ndarray or None, default=None
        ``"W"`` and ``"D"`` of shape (n_sets, n_components, n_channels, height, width), where width
        is 1 for series, and ``"theta"`` of shape (n_sets, n_components). There are `n_layers` sets,
        or 1 if tied. `train` sets them. None is ISTA.

    References
    ----------
    K. Gregor and Y. LeCun, "Learning fast approximations of sparse coding", 2010.

    H. Sreter and R. Giryes, "Learned convolutional sparse coding", 2018.

    Examples
    --------
    >>> from sparsecode.convolutional import ConvolutionalLISTA
    >>> from sparsecode.penalties import L1
    >>> network = ConvolutionalLISTA(L1(0.6), n_layers=30)
    >>> network.encode([[0.0, 1.0, 2.0, 1.0, 0.0]], [[1.0, 2.0, 1.0]]).round(2)
    array([[[0. , 0.9, 0. ]]])
    """

    penalty: L1 = field(default_factory=L1)
    n_layers: int = 8
    tied: bool = False
    params: dict[str, np.ndarray] | None = field(default=None, repr=False)

    def init(self, dictionary: ConvolutionalDictionary | ArrayLike) -> dict[str, np.ndarray]:
        """Return parameters with which layers are iterates of ISTA.

        Parameters
        ----------
        dictionary : ConvolutionalDictionary or array-like

        Returns
        -------
        params : dict of str to ndarray
        """
        return self._network(dictionary).first()

    def encode(
        self,
        X: Any,
        dictionary: ConvolutionalDictionary | ArrayLike,
        *,
        n_layers: int | None = None,
        missing: bool = False,
        sparse_output: bool = False,
        n_jobs: int | None = None,
    ) -> np.ndarray | list[Any]:
        """Compute the codes of signals.

        Parameters
        ----------
        X : array-like of shape (n_signals, n_channels, n_times) or (n_signals, n_channels, \
                height, width), or list of arrays
            Without the dimension of channels it is of one channel. Signals of a list may differ in
            size, with ``sparse_output=True``.
        dictionary : ConvolutionalDictionary or array-like
        n_layers : int or None, default=None
            Stop after so many layers, 0 to `n_layers`. None is all.
        missing : bool, default=False
            Whether NaN in `X` means a missing entry, on which a signal is not fitted.
        sparse_output : bool, default=False
            Whether codes are a list of CSR arrays (n_positions, n_components).
        n_jobs : int or None, default=None
            Threads, over signals; None uses all cores. Codes do not depend on it.

        Returns
        -------
        codes : ndarray of shape (n_signals, n_components, ...) or list of csr_array

        Raises
        ------
        ValueError
            If shapes do not fit, or a number is NaN or infinite.
        """
        sparse_output = check_flag(sparse_output, "sparse_output")
        network, params = self._checked(dictionary, n_jobs)
        dictionary = network.dictionary
        signals = _signals(X, dictionary, missing)
        check_sizes(signals, sparse_output)
        if n_layers is not None:
            n_layers = check_integer(n_layers, "n_layers", low=0, high=self.n_layers)

        def one(signal):
            return Events.of_array(network.last(signal, params, n_layers))

        events = network.map(one, _pairs(signals))
        dtype = np.result_type(signals.dtype, dictionary.dtype)
        return packed(events, signals, dictionary, dtype, sparse_output)

    def train(
        self,
        X: Any,
        dictionary: ConvolutionalDictionary | ArrayLike,
        *,
        optimizer: Optimizer | None = None,
        n_steps: int = 300,
        batch_size: int = 8,
        crop: int | tuple[int, ...] | None = None,
        missing: bool = False,
        random_state: RandomState = None,
        verbose: bool = False,
        n_jobs: int | None = None,
    ) -> Self:
        """Train the parameters on the objective of the codes of the last layer.

        It begins at `params`. Before training ``2 * batch_size`` crops are drawn. Every ten steps
        the loss on these crops is computed, and `params` become those with the lowest one, also
        after Ctrl-C, and if the loss blows up, which ends training.

        Parameters
        ----------
        X : array-like of shape (n_signals, n_channels, n_times) or (n_signals, n_channels, \
                height, width), or list of arrays
            Signals of a list may differ in size.
        dictionary : ConvolutionalDictionary or array-like
        optimizer : Optimizer or None, default=None
            One that takes steps. None is ``Adam(lr=1e-3)``.
        n_steps : int, default=300
            Most steps.
        batch_size : int, default=8
            Crops of a step, drawn anew each time. Without `crop` it is whole signals, as many as
            there are at most.
        crop : int, tuple of int or None, default=None
            Size of the part of a signal that a step looks at, drawn at random. None is all of it.
        missing : bool, default=False
            Whether NaN in `X` means a missing entry, which does not count in the loss.
        random_state : int, RandomState instance or None, default=None
        verbose : bool, default=False
            Whether to print a line for each comparison.
        n_jobs : int or None, default=None
            Threads, over the crops of a step; None uses all cores. Parameters do not depend on it.

        Returns
        -------
        self : ConvolutionalLISTA

        Raises
        ------
        ValueError
            If shapes do not fit, or a number is out of its range.
        FloatingPointError
            If the loss becomes NaN or infinite.

        Warns
        -----
        ConvergenceWarning
            If the loss ended above that of the start.
        """
        network, params = self._checked(dictionary, n_jobs)
        signals = _signals(X, network.dictionary, missing)
        optimizer = check_optimizer(optimizer)
        n_steps = check_integer(n_steps, "n_steps")
        batch_size = check_integer(batch_size, "batch_size")
        crops = Crops.of(signals, crop, network.dictionary)
        rng = check_random_state(random_state)
        verbose = check_flag(verbose, "verbose")
        training = Training(network, params, crops, optimizer, batch_size, rng, verbose)
        try:
            training.run(n_steps)
        finally:
            self.params = training.best
        return self

    def layer_report(
        self,
        X: Any,
        dictionary: ConvolutionalDictionary | ArrayLike,
        *,
        tol: float = 1e-6,
        missing: bool = False,
        n_jobs: int | None = None,
    ) -> LayerReport:
        """Compare the codes after each layer with exact ones, and with as many steps of ISTA.

        Parameters
        ----------
        X : array-like of shape (n_signals, n_channels, n_times) or (n_signals, n_channels, \
                height, width), or list of arrays
            Signals that it was not trained on.
        dictionary : ConvolutionalDictionary or array-like
        tol : float, default=1e-6
            Relative duality gap of the exact codes.
        missing : bool, default=False
            Whether NaN in `X` means a missing entry.
        n_jobs : int or None, default=None
            Threads; None uses all cores. The report does not depend on it.

        Returns
        -------
        report : LayerReport

        See Also
        --------
        sparsecode.compare.amortization_report : Supports, times and other encoders, compared alike.
        """
        network, params = self._checked(dictionary, n_jobs)
        pairs = _pairs(_signals(X, network.dictionary, missing))
        tol = check_number(tol, "tol", low=0, low_open=True)
        exact = LocallyGreedy(tol=tol).solve(
            X, network.dictionary, self.penalty, missing=missing, sparse_output=True, n_jobs=n_jobs
        )
        certificate = exact.certificate
        objectives, ista = (
            sum(network.map(lambda signal, sets=sets: network.objectives(signal, sets), pairs))
            for sets in (params, network.first())
        )
        optimum, gap = float(certificate.objective.sum()), float(certificate.relative_gap.max())
        return LayerReport(objectives, ista, optimum, gap)

    def _network(self, dictionary, n_jobs=None):
        check_l1(self.penalty)
        dictionary = as_convolutional(dictionary)
        return Network(
            check_integer(self.n_layers, "n_layers"),
            check_flag(self.tied, "tied"),
            bool(self.penalty.positive),
            dictionary,
            check_thresholds(self.penalty, dictionary.n_components),
            check_n_jobs(n_jobs),
        )

    def _checked(self, dictionary, n_jobs):
        """The network for a dictionary, and its parameters."""
        network = self._network(dictionary, n_jobs)
        if self.params is None:
            return network, network.first()
        given = check_instance(
            self.params, "params", dict, "a dict of arrays or None", "Use those of init, or None."
        )
        return network, network.checked(given)


def _signals(X, dictionary, missing):
    return check_signals(
        X,
        dictionary.n_dims,
        n_channels=dictionary.n_channels,
        support=dictionary.support,
        missing=check_flag(missing, "missing"),
    )


def _pairs(signals):
    return [Signal(*pair) for pair in zip(signals.arrays, signals.observed, strict=True)]
