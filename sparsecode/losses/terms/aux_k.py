"""Auxiliary loss that revives dead units (AuxK)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sparsecode._batches import weighted_mean
from sparsecode._factored_gradients import RowGradient
from sparsecode._parallel import map_row_blocks
from sparsecode._row_blocks import compress, stack_csr
from sparsecode._statistics import count_idle
from sparsecode._validation import check_flag, check_integer
from sparsecode.losses._reconstruction import reconstruct
from sparsecode.losses.terms.base import Term, TermResult
from sparsecode.ops import topk_forward

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.losses.base import LossContext

_BLOCK_SIZE = 128


@dataclass
class AuxK(Term):
    """AuxK, an auxiliary loss for dead units: half their squared error in fitting the residual.

    For each sample, the `k` largest positive pre-activations of dead units are decoded without the
    offset and compared with the residual, which counts as a constant. Dead units are those that no
    sample has used lately. They get a gradient through their pre-activations and in their atoms.
    The codes and all other units get no gradient from this term, nor does a unit without a positive
    pre-activation on any sample. It costs an array of pre-activations and ``k * n_features``
    multiplications per sample; the gradient is sparse.

    Parameters
    ----------
    k : int or None, default=None
        Largest number of dead units for a sample. None is half the number of features.
    weight : float or callable, default=1/32
        Multiple of the term, or a schedule that gives it for a step. A higher weight revives more
        units, but the reconstruction gets worse.
    dead_window : int, default=100_000
        Number of samples in a row without an activation after which a unit counts as dead. It
        should be a small part of the training, so that units can recover, but longer than rare
        units wait for their next activation; a few passes if there are few samples. Otherwise rare
        units become dead: units that share a residual learn small pre-activations. A lower `k`
        weakens this effect.
    normalize : bool, default=False
        Whether to divide the error by the total variance of the first batch of training. By default
        the error has the scale of the reconstruction error, so that the weight has the same meaning
        for samples of any scale.

    References
    ----------
    L. Gao et al., "Scaling and evaluating sparse autoencoders", 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import TopK
    >>> from sparsecode.losses import AutoencoderLoss, AuxK
    >>> from sparsecode.training import train
    >>> X = np.random.default_rng(0).standard_normal((64, 4))
    >>> loss = AutoencoderLoss([AuxK(k=2, dead_window=64)])
    >>> dictionary = Dictionary.random(8, 4, random_state=0)
    >>> *_, last = train(
    ...     TopK(k=1), dictionary, X, loss=loss, learn_dictionary=True, random_state=0
    ... )
    >>> last.memory["0.idle"].shape
    (8,)
    """

    k: int | None = None
    weight: float | Callable[[int], float] = 1 / 32
    dead_window: int = 100_000
    normalize: bool = False

    needs: ClassVar[tuple[str, ...]] = ("pre",)
    # There is nothing to fit until units have been idle for long enough.
    is_constant: ClassVar[bool] = False
    reads_error: ClassVar[bool] = True

    def init(self, dictionary: Dictionary) -> dict[str, np.ndarray]:
        self._check()
        idle = np.zeros(dictionary.n_components, dtype=np.int64)
        return {"idle": idle, "variance": np.zeros(())}

    def evaluate(
        self,
        codes: np.ndarray,
        dcodes: np.ndarray,
        dictionary: Dictionary,
        share: np.ndarray | float,
        context: LossContext,
        *,
        dictionary_grads: bool = False,
    ) -> TermResult:
        self._check()
        weight = self.weight_at(context.step)
        variance = self._variance(context)
        dead = self._dead(codes, context)
        if len(dead) == 0 or variance == 0:
            return 0.0, {}, {}
        scale = weight / variance
        chosen = self._choose(context.signals["pre"], dead, dictionary)
        counts = np.broadcast_to(np.asarray(share, dtype=codes.dtype), (codes.shape[0], 1))
        # The error contains the weight of its sample; a sample of weight 0 does not matter.
        residual = context.error / np.where(counts > 0, -counts, 1)
        squared_norms, error, dchosen = reconstruct(residual, dictionary, chosen, share)
        error *= error.dtype.type(scale)
        dchosen.data *= dchosen.dtype.type(scale)
        grads = {"atoms": RowGradient((chosen, error))} if dictionary_grads else {}
        return scale * weighted_mean(squared_norms, share) / 2, grads, {"pre": dchosen}

    def _variance(self, context):
        if not self.normalize:
            return 1.0
        known = context.memory.get("variance", np.zeros(()))
        if known > 0:
            return float(known)
        variance = float(context.target.var(axis=0, dtype=np.float64).sum())
        if context.training:
            context.memory["variance"][...] = variance
        return variance

    def _dead(self, codes, context):
        """Return the indices of dead units; in training, count the uses of this batch."""
        idle = context.memory.get("idle")
        if idle is None:
            return np.empty(0, dtype=np.int64)
        if context.training:
            count_idle(idle, codes)
        return np.flatnonzero(idle >= self.dead_window)

    def _choose(self, pre, dead, dictionary):
        """Return the largest pre-activations of dead units as a CSR array."""
        n_units = max(dictionary.n_features // 2, 1) if self.k is None else self.k
        k = min(n_units, len(dead))

        def block(rows):
            sizes = np.take(pre[rows], dead, axis=1)
            values, columns, counts = compress(topk_forward(sizes, k=k, out=sizes)[0])
            return values, dead[columns].astype(columns.dtype), counts

        parts = map_row_blocks(block, len(pre), block_size=_BLOCK_SIZE)
        return stack_csr(parts, dictionary.n_components)

    def _check(self):
        if self.k is not None:
            check_integer(self.k, "k")
        check_integer(self.dead_window, "dead_window")
        check_flag(self.normalize, "normalize")
