"""Encoders whose number of active units may be a schedule, and the check of this number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sparsecode._validation import check_integer, check_number

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.encoders.base import Encoder

# A step after the end of every schedule.
_LAST = 10**15


class ScheduledCount:
    """Mix-in of encoders with a number `k` of active units, or a schedule of it.

    In training a schedule gives the number for each step. Otherwise its last value counts.
    """

    k: Any
    active_in_mean: bool

    @property
    def is_constant(self) -> bool:
        """Whether the encoder is the same at every step of training."""
        return not callable(self.k)

    def at_step(self, step: int | None) -> Self:
        """Return the encoder with the `k` of a step; see `TrainableEncoder.at_step`."""
        if self.is_constant:
            return self
        fixed = self.bind(self.params)
        fixed.k = self._k_at(_LAST if step is None else step)
        return fixed

    @property
    def _k(self):
        return self.k if self.is_constant else self._k_at(_LAST)

    def _k_at(self, step):
        """Value of a schedule at a step; a whole number unless `k` is a mean."""
        when = "the last step" if step == _LAST else f"step {step}"
        name = f"k of {type(self).__name__} at {when}"
        k = check_number(self.k(step), name, low=0, low_open=True)
        return k if self.active_in_mean else check_integer(round(k), name)

    def _check_count(self):
        """Raise an error unless `k`, or the ends of its schedule, are possible numbers."""
        if not self.is_constant:
            for step in (0, _LAST):
                self._k_at(step)
        elif self.active_in_mean:
            check_number(self.k, "k", low=0, low_open=True)
        else:
            check_integer(self.k, "k")

    def _check_size(self, dictionary):
        """Raise ValueError if `k` exceeds the number of units."""
        numbers = [self.k] if self.is_constant else [self._k_at(0), self._k_at(_LAST)]
        check_k(self, max(numbers), dictionary)


def check_k(encoder: Encoder, k: int, dictionary: Dictionary, *, name: str = "k") -> None:
    """Raise ValueError if `k` exceeds the number of units."""
    if k > dictionary.n_components:
        raise ValueError(
            f"{type(encoder).__name__} has {name}={k} but the dictionary has "
            f"{dictionary.n_components} atoms; expected at most {dictionary.n_components}. Lower "
            f"{name}, or use more atoms."
        )
