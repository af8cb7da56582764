"""How a learning rate changes from step to step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GeometricDecay:
    """Learning rate that falls from `start` to `end` by a constant factor a step.

    Parameters
    ----------
    start, end : float
        Learning rates of the first step and of step `n_steps`, positive; `end` holds after that.
    n_steps : int
        Number of steps.

    Examples
    --------
    >>> from sparsecode.schedules import GeometricDecay
    >>> schedule = GeometricDecay(start=4.0, end=1.0, n_steps=2)
    >>> [schedule(step) for step in range(4)]
    [4.0, 2.0, 1.0, 1.0]
    """

    start: float = 5.0
    end: float = 1.0
    n_steps: int = 1

    def __call__(self, step):
        """Learning rate of a step, counted from 0."""
        return self.start * (self.end / self.start) ** min(step / self.n_steps, 1.0)
