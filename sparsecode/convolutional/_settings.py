"""Settings of convolutional learning, each one checked, and the first atoms."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np

from sparsecode._convolution.checks import check_support
from sparsecode._convolution.dictionary import ConvolutionalDictionary, as_convolutional
from sparsecode._convolution.signals import check_signals
from sparsecode._messages import shown, wrong
from sparsecode._validation import (
    check_flag,
    check_integer,
    check_missing,
    check_n_jobs,
    check_number,
)
from sparsecode._values import check_option
from sparsecode.constraints import UnitBall
from sparsecode.convolutional._atom_updates import window_of
from sparsecode.convolutional._first_atoms import sampled_atoms
from sparsecode.convolutional._padding import BOUNDARIES, padded
from sparsecode.convolutional.base import check_thresholds
from sparsecode.convolutional.locally_greedy import check_solver

_INITS = ("samples", "greedy")


class Settings(NamedTuple):
    """What a estimator was told, resolved once for a fit."""

    n_components: int
    support: tuple[int, ...]
    penalty: Any
    solver: Any
    boundary: str
    init: Any
    rank1: bool
    window: np.ndarray | None
    n_epochs: int
    n_sweeps: int
    batch_size: int | None
    forgetting: float
    tol: float
    missing: bool
    verbose: bool
    n_jobs: int | None

    @classmethod
    def of(cls, estimator) -> Self:
        """The settings of a estimator, or an error that names the one that is wrong."""
        support = check_support(estimator.support)
        check_flag(estimator.sparse_output, "sparse_output")
        window = check_flag(estimator.window, "window")
        size = estimator.batch_size
        n_components = check_integer(estimator.n_components, "n_components")
        penalty = estimator._penalty()
        check_thresholds(penalty, n_components)
        return cls(
            n_components=n_components,
            support=support,
            penalty=penalty,
            solver=check_solver(estimator.solver, tol=1e-3),
            boundary=check_option(estimator.boundary, "boundary", BOUNDARIES),
            init=_check_init(estimator.init),
            rank1=check_flag(estimator.rank1, "rank1"),
            window=window_of((*support, 1)[:2]) if window else None,
            n_epochs=check_integer(estimator.n_epochs, "n_epochs"),
            n_sweeps=check_integer(estimator.n_sweeps, "n_sweeps"),
            batch_size=None if size is None else check_integer(size, "batch_size"),
            forgetting=check_number(estimator.forgetting, "forgetting", low=0),
            tol=check_number(estimator.tol, "tol", low=0),
            missing=check_missing(estimator.missing) is not None,
            verbose=check_flag(estimator.verbose, "verbose"),
            n_jobs=check_n_jobs(estimator.n_jobs),
        )

    def signals(self, X, n_channels=None):
        """Checked signals, with zeros around them where atoms may stick out."""
        signals = check_signals(
            X,
            len(self.support),
            n_channels=n_channels,
            support=None if self.boundary == "zero" else self.support,
            missing=self.missing,
        )
        return padded(signals, self.support, self.boundary)

    def first_atoms(self, signals, rng):
        """Atoms to begin with, (n_components, n_channels, height, width)."""
        if not isinstance(self.init, str):
            return self._given(signals.n_channels)
        n_first = 1 if self.init == "greedy" else self.n_components
        atoms = sampled_atoms(signals.arrays, n_first, self.support, rng)
        return atoms if self.window is None else atoms * self.window

    def _given(self, n_channels):
        expected = (self.n_components, n_channels, *self.support)
        if self.init.atoms.shape != expected:
            raise ValueError(
                wrong(
                    "init",
                    got=f"atoms of shape {shown(self.init.atoms.shape)}",
                    expected=f"shape {shown(expected)}, as n_components, the channels of X and "
                    "support say",
                    remedy="Change init or these parameters.",
                )
            )
        planes = self.init.planes
        return UnitBall().project(planes.reshape(len(planes), -1)).reshape(planes.shape)

    def dictionary(self, atoms):
        """A dictionary of atoms (n_components, n_channels, height, width)."""
        shaped = atoms if len(self.support) == 2 else atoms[..., 0]
        return ConvolutionalDictionary(shaped, UnitBall())


def _check_init(init):
    if isinstance(init, str):
        return check_option(init, "init", _INITS)
    return as_convolutional(init, "init")
