"""JumpReLU encoder, with a trained hard threshold for each unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import sparse

from sparsecode._parallel import map_row_blocks
from sparsecode._row_blocks import compress, stack_csr
from sparsecode._validation import check_flag, check_number
from sparsecode.encoders import _linear
from sparsecode.encoders._linear import LinearEncoder
from sparsecode.encoders._parameter_kinds import LOG_THRESHOLD, Kind
from sparsecode.losses import ActiveUnits, TargetActiveUnits
from sparsecode.ops.jumps import jump_gradient, near, zero_below

if TYPE_CHECKING:
    from sparsecode.losses.terms.base import Term
    from sparsecode.penalties.base import Penalty

_BLOCK_SIZE = 128


@dataclass(eq=False)
class JumpReLU(LinearEncoder):
    """JumpReLU encoder: hard threshold, ``a * (a > threshold)``, of ``a = (x - offset) @ W.T + b``.

    Codes are not shrunk. Each unit has a threshold, whose logarithm is trained. Because codes jump
    at the threshold, its gradient is a straight-through estimate from the entries within half a
    `bandwidth` of it, as if `a` were shifted by a uniform random number in this window. The loss
    should count active units, by `ActiveUnits` or `TargetActiveUnits`. As soon as few units are
    active, training uses codes as CSR. These store all entries in the window, some of which are 0.

    Parameters
    ----------
    bandwidth : float, default=0.1
        Width of the window, in units of `a`. A wider window gives gradients with less noise and
        more bias.
    threshold_init : float, default=0.1
        Positive initial threshold, in units of `a`.
    through_jump : bool, default=False
        Whether the estimate at the threshold trains `a` too, and so weights and biases, instead of
        the threshold alone: units near their threshold learn to be active or not.
    tied : bool, default=False
        Whether the encoder is tied: `W` is the atoms of the dictionary, not a parameter.
    initial_bias : float, default=0.0
        Initial value of `b`. With a positive value units are active at the start.
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (n_components, n_features), unless tied, ``"b"`` and ``"log_threshold"`` of
        shape (n_components,). None takes those of `init`: the atoms, the bias, and the logarithm of
        `threshold_init`.

    Attributes
    ----------
    signal_names : tuple of str
        ``"pre"``, the pre-activations `a`; ``"margin"``, ``a - threshold``; ``"active"``, 1 if the
        margin is positive and 0 otherwise. The gradient of ``"active"`` changes the thresholds
        alone, unless `through_jump`.

    References
    ----------
    S. Rajamanoharan et al., "Jumping ahead: improving reconstruction fidelity with JumpReLU sparse
    autoencoders", 2024. T. Conerly et al., "Dictionary learning optimization techniques", 2025, for
    `through_jump`.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import JumpReLU
    >>> encoder = JumpReLU(threshold_init=0.5)
    >>> encoder.encode([[2.0, 0.4]], Dictionary([[1.0, 0.0], [0.0, 1.0]]))
    array([[2., 0.]])
    """

    bandwidth: float = 0.1
    threshold_init: float = 0.1
    through_jump: bool = False

    sparse_codes: ClassVar[bool] = True
    signal_names: ClassVar[tuple[str, ...]] = ("pre", "margin", "active", "squared_norms")
    parameter_kinds: ClassVar[dict[str, Kind]] = {
        **LinearEncoder.parameter_kinds,
        "log_threshold": LOG_THRESHOLD,
    }
    _shifted: ClassVar[tuple[str, ...]] = ("pre", "margin")

    @property
    def straight_through(self) -> tuple[str, ...]:
        """Parameters whose gradient is a straight-through estimate."""
        if not self.through_jump:
            return ("log_threshold",)
        return "log_threshold", "b", "offset", "atoms" if self.tied else "W"

    def default_terms(self, penalty: Penalty) -> list[Term]:
        return [ActiveUnits(penalty.alpha)]

    def target_term(self, target_l0: Any, weight: float) -> TargetActiveUnits:
        return TargetActiveUnits(target_l0, weight=weight)

    def _activate(self, A, params):
        zero_below(A, np.exp(params["log_threshold"]))

    def _derive(self, dcodes, codes, params):
        return dcodes * (codes > 0)

    def _workspace(self, shape, dtype, signals):
        window = np.empty(shape, dtype=bool)
        return {**super()._workspace(shape, dtype, signals), "window": window}

    def _store(self, A, params, stored):
        super()._store(A, params, stored)
        theta = np.exp(params["log_threshold"])
        near(A, theta, self.bandwidth, out=stored["window"])
        if "margin" in stored:
            np.subtract(A, theta, out=stored["margin"])
        if "active" in stored:
            np.greater(A, theta, out=stored["active"])

    def _calibrated(self, A, share):
        limits = np.quantile(A + self.params["b"], 1 - share, axis=0)
        least = np.exp(self.params["log_threshold"].min())
        return {"log_threshold": np.log(np.maximum(limits, least))}

    def _codes(self, params, products, training, is_sparse, signals):
        if not is_sparse:
            return super()._codes(params, products, training, False, signals)
        theta = np.exp(params["log_threshold"])
        A = np.empty(products.shape, dtype=products.dtype)
        # Below these, entries are 0 and have no part in any gradient.
        least = theta - A.dtype.type(self.bandwidth / 2)

        def count(rows):
            block = A[rows]
            products.fill(rows, block)
            block += params["b"]
            return np.count_nonzero(block > least)

        if sum(map_row_blocks(count, len(A), block_size=_BLOCK_SIZE)) > _linear.DENSEST * A.size:
            return self._finish(A, params, signals)

        def entries(rows):
            # NaN must stay NaN.
            return compress(np.where(A[rows] <= least, A.dtype.type(0), A[rows]))

        parts = map_row_blocks(entries, len(A), block_size=_BLOCK_SIZE)
        return self._split(stack_csr(parts, A.shape[1]), A, theta, signals)

    def _finish(self, A, params, signals):
        """Dense codes, in place of the pre-activations, and the arrays to store."""
        stored = self._workspace(A.shape, A.dtype, signals)

        def block(rows):
            self._store(A[rows], params, {name: array[rows] for name, array in stored.items()})
            self._activate(A[rows], params)

        map_row_blocks(block, len(A), block_size=_BLOCK_SIZE)
        return A, stored

    def _split(self, entries, A, theta, signals):
        """Codes of the entries in a window or above it, and the arrays to store of these."""
        limits = theta[entries.indices]
        stored = {"window": near(entries.data, limits, self.bandwidth)}
        if "pre" in signals:
            stored["pre"] = A
        if "margin" in signals:
            stored["margin"] = A - theta
        if "active" in signals:
            stored["active"] = _alike(entries, (entries.data > limits).astype(A.dtype))
        zero_below(entries.data, limits)
        return entries, stored

    def _pre_gradients(self, dcodes, cache, dsignals, grads, buffer):
        theta = np.exp(cache.kept.params["log_threshold"])
        window = cache.kept.stored["window"]
        dactive = dsignals.get("active")

        parts = super()._pre_gradients(dcodes, cache, dsignals, grads, buffer)

        def block(rows):
            # At its threshold a code jumps by the threshold, and the count of active units by 1.
            jump = dcodes[rows] * theta
            if dactive is not None:
                jump += dactive[rows]
            if self.through_jump:
                parts[0][rows] += jump * window[rows] / jump.dtype.type(self.bandwidth)
            return jump_gradient(jump, window[rows], theta, self.bandwidth)

        if sparse.issparse(dcodes):
            jump = dcodes.data * theta[dcodes.indices]
            jump += 0 if dactive is None else dactive.data
            jump *= window
            dtheta = np.bincount(dcodes.indices, jump, len(theta))
            dtheta = (-dtheta / self.bandwidth).astype(theta.dtype)
            if self.through_jump:
                parts[0].data += jump / jump.dtype.type(self.bandwidth)
        else:
            dtheta = sum(map_row_blocks(block, len(window), block_size=_BLOCK_SIZE))
        if "margin" in dsignals:
            dtheta -= dsignals["margin"].sum(axis=0)
        grads["log_threshold"] = theta * dtheta
        return parts

    def _check_parameters(self):
        super()._check_parameters()
        check_flag(self.through_jump, "through_jump")
        check_number(self.bandwidth, "bandwidth", low=0, low_open=True)
        check_number(self.threshold_init, "threshold_init", low=0, low_open=True)

    def _shapes(self, dictionary):
        return {**super()._shapes(dictionary), "log_threshold": (dictionary.n_components,)}

    def _initial(self, dictionary, random_state):
        threshold = np.full(dictionary.n_components, np.log(self.threshold_init))
        return {**super()._initial(dictionary, random_state), "log_threshold": threshold}


def _alike(codes, values):
    """Return a CSR array with the same entries and other values."""
    return sparse.csr_array((values, codes.indices, codes.indptr), shape=codes.shape)
