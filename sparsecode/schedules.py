"""Schedules of a learning rate or of another number: a value for each step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sparsecode._plain import make_plain
from sparsecode._validation import check_integer, check_number


@dataclass(frozen=True)
class Constant:
    """The same learning rate at every step.

    Parameters
    ----------
    lr : float, default=1e-3

    Examples
    --------
    >>> from sparsecode.schedules import Constant
    >>> Constant(0.1)(7)
    0.1
    """

    lr: float = 1e-3

    def __post_init__(self) -> None:
        make_plain(self)
        check_number(self.lr, "lr", low=0)

    def __call__(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        return self.lr


@dataclass(frozen=True)
class GeometricDecay:
    """Exponential decay: a learning rate that falls from `start` to `end` by a constant factor.

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

    def __post_init__(self) -> None:
        make_plain(self)
        check_number(self.start, "start", low=0, low_open=True)
        check_number(self.end, "end", low=0, low_open=True)
        check_integer(self.n_steps, "n_steps")

    def __call__(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        return self.start * (self.end / self.start) ** min(step / self.n_steps, 1.0)


@dataclass(frozen=True)
class Linear:
    """Linear schedule: a value from `start` to `end` in equal steps, such as the exponent of `Lp`.

    Parameters
    ----------
    start, end : float
        Values up to step `begin`, and from step ``begin + n_steps`` on.
    n_steps : int
        Number of steps of the change.
    begin : int, default=0
        Step at which the change begins.

    Examples
    --------
    >>> from sparsecode.schedules import Linear
    >>> schedule = Linear(start=1.0, end=0.5, n_steps=2, begin=1)
    >>> [schedule(step) for step in range(5)]
    [1.0, 1.0, 0.75, 0.5, 0.5]
    """

    start: float = 1.0
    end: float = 0.0
    n_steps: int = 1
    begin: int = 0

    def __post_init__(self) -> None:
        make_plain(self)
        check_number(self.start, "start", low=0)
        check_number(self.end, "end", low=0)
        check_integer(self.n_steps, "n_steps")
        check_integer(self.begin, "begin", low=0)

    def __call__(self, step: int) -> float:
        """Value of a step, counted from 0."""
        share = min(max(step - self.begin, 0) / self.n_steps, 1.0)
        return (1 - share) * self.start + share * self.end


@dataclass(frozen=True)
class Cosine:
    """Cosine annealing: a learning rate that falls from `start` to `end` along half a cosine.

    Parameters
    ----------
    start, end : float
        Learning rates of the first step and of step `n_steps`; `end` holds after that.
    n_steps : int
        Number of steps.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.

    Examples
    --------
    >>> from sparsecode.schedules import Cosine
    >>> schedule = Cosine(start=1.0, end=0.0, n_steps=2)
    >>> [round(schedule(step), 6) for step in range(4)]
    [1.0, 0.5, 0.0, 0.0]
    """

    start: float = 1e-3
    end: float = 0.0
    n_steps: int = 1

    def __post_init__(self) -> None:
        make_plain(self)
        check_number(self.start, "start", low=0)
        check_number(self.end, "end", low=0)
        check_integer(self.n_steps, "n_steps")

    def __call__(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        share = (1 + math.cos(math.pi * min(step / self.n_steps, 1.0))) / 2
        return self.end + (self.start - self.end) * share


@dataclass(frozen=True)
class InverseTime:
    """Inverse decay: a constant learning rate for some steps, then one that falls as 1 / step.

    Parameters
    ----------
    start : float
        Learning rate of the first `n_steps` steps.
    n_steps : int
        Number of steps at that rate; step ``t``, counted from 1, has the rate
        ``start * min(1, n_steps / t)``.

    References
    ----------
    J. Mairal, F. Bach and J. Ponce, "Task-driven dictionary learning", 2012.

    Examples
    --------
    >>> from sparsecode.schedules import InverseTime
    >>> schedule = InverseTime(start=1.0, n_steps=2)
    >>> [schedule(step) for step in range(4)]
    [1.0, 1.0, 0.6666666666666666, 0.5]
    """

    start: float = 1e-2
    n_steps: int = 1

    def __post_init__(self) -> None:
        make_plain(self)
        check_number(self.start, "start", low=0)
        check_integer(self.n_steps, "n_steps")

    def __call__(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        return self.start * min(1.0, self.n_steps / (step + 1))


@dataclass(frozen=True)
class Step:
    """Step decay: a learning rate that is multiplied by `factor` after every `every` steps.

    Parameters
    ----------
    start : float
        Learning rate of the first steps.
    factor : float
        Factor of the learning rate at each change.
    every : int
        Number of steps between two changes.

    Examples
    --------
    >>> from sparsecode.schedules import Step
    >>> schedule = Step(start=1.0, factor=0.5, every=2)
    >>> [schedule(step) for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    start: float = 1e-3
    factor: float = 0.1
    every: int = 1000

    def __post_init__(self) -> None:
        make_plain(self)
        check_number(self.start, "start", low=0)
        check_number(self.factor, "factor", low=0)
        check_integer(self.every, "every")

    def __call__(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        try:
            return self.start * self.factor ** (step // self.every)
        except OverflowError:
            return math.inf


@dataclass(frozen=True)
class WarmUp:
    """Warm-up: a learning rate that rises linearly for `n_steps`, then follows another schedule.

    Parameters
    ----------
    after : float or callable
        Learning rate or schedule after the warm-up. The schedule starts at its step 0.
    n_steps : int
        Number of steps of the rise; the last one has the full learning rate.

    Examples
    --------
    >>> from sparsecode.schedules import Cosine, WarmUp
    >>> schedule = WarmUp(Cosine(start=1.0, end=0.0, n_steps=2), n_steps=4)
    >>> [round(schedule(step), 6) for step in range(7)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 0.5, 0.0]
    """

    after: float | Callable[[int], float] = 1e-3
    n_steps: int = 1000

    def __post_init__(self) -> None:
        make_plain(self)
        if not callable(self.after):
            check_number(self.after, "after", low=0)
        check_integer(self.n_steps, "n_steps")

    def __call__(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        if step >= self.n_steps:
            return self._after(step - self.n_steps)
        return self._after(0) * (step + 1) / self.n_steps

    def _after(self, step):
        return self.after(step) if callable(self.after) else self.after
