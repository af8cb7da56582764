"""Encoders that hold another encoder, whose abilities they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from sparsecode.losses.terms.base import Term
    from sparsecode.penalties.base import Penalty


class Wrapping:
    """Mix-in of encoders with an inner one, `encoder`, that makes the codes."""

    encoder: Any

    @property
    def signal_names(self) -> tuple[str, ...]:
        """Signals that `forward` can return for a loss."""
        return self.encoder.signal_names

    @property
    def is_sparse(self) -> bool:
        """Whether codes are sparse, independently of the loss."""
        return self.encoder.is_sparse

    @property
    def sparse_codes(self) -> bool:
        """Whether `forward` takes ``sparse=True``."""
        return self.encoder.sparse_codes

    @property
    def depends_on_batch(self) -> bool:
        """Whether codes in training depend on the other samples of the batch."""
        return self.encoder.depends_on_batch

    @property
    def buffers(self) -> tuple[str, ...]:
        """Parameters that `update_buffers` sets."""
        return self.encoder.buffers

    @property
    def straight_through(self) -> tuple[str, ...]:
        """Parameters whose gradient is a straight-through estimate."""
        return self.encoder.straight_through

    @property
    def bounds(self) -> tuple[float, float]:
        """Lower and upper bound of all codes."""
        return self.encoder.bounds

    @property
    def active_setting(self) -> str | None:
        """Name of the setting for the number of active units of a sample."""
        return self.encoder.active_setting

    @property
    def active_in_mean(self) -> bool:
        """Whether this number is a mean over samples."""
        return self.encoder.active_in_mean

    @property
    def unit_rows(self) -> tuple[str, ...] | None:
        """Names of the parameters with one row for each unit."""
        return self.encoder.unit_rows

    @property
    def is_constant(self) -> bool:
        """Whether the inner encoder is the same at every step of training."""
        return self.encoder.is_constant

    def at_step(self, step: int | None) -> Self:
        """Return the encoder with the inner one of a step; see `TrainableEncoder.at_step`."""
        if self.is_constant:
            return self
        fixed = self.bind(self.params)
        fixed.encoder = self.encoder.at_step(step)
        return fixed

    def default_terms(self, penalty: Penalty) -> list[Term]:
        """Terms of a loss that make codes sparse; see `TrainableEncoder.default_terms`."""
        return self.encoder.default_terms(penalty)

    def target_term(self, target_l0: Any, weight: float) -> Term | None:
        """Term with a target for the number of active units; see `TrainableEncoder.target_term`."""
        return self.encoder.target_term(target_l0, weight)
