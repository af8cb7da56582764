"""Settings of convolutional learning, each one checked, and the first atoms."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np

from sparsecode._collections import in_chunks, is_collection
from sparsecode._convolution.checks import check_support
from sparsecode._convolution.conversion import as_convolutional
from sparsecode._convolution.dictionary import ConvolutionalDictionary
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
from sparsecode.convolutional._atom_steps import of_rank1
from sparsecode.convolutional._atom_updates import window_of
from sparsecode.convolutional._coded import SignalsInMemory
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
    max_cosine: float
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
            max_cosine=check_number(
                estimator.max_cosine, "max_cosine", low=0, low_open=True, high=1
            ),
            tol=check_number(estimator.tol, "tol", low=0),
            missing=check_missing(estimator.missing) is not None,
            verbose=check_flag(estimator.verbose, "verbose"),
            n_jobs=check_n_jobs(estimator.n_jobs),
        )

    def signals(self, X, n_channels=None):
        """Signals to learn from, checked as far as nothing has to be computed for it."""
        if is_collection(X):
            return in_chunks("signal_learning.signals_to_learn", self, X, n_channels)
        return SignalsInMemory(self.checked(X, n_channels))

    def checked(self, X, n_channels=None):
        """Checked signals in memory, with zeros around them where atoms may stick out."""
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
        arrays = signals.to_start_from(rng)
        return np.stack([self.shaped(a) for a in sampled_atoms(arrays, n_first, self.support, rng)])

    def shaped(self, atom):
        """A new atom as atoms are here: of rank 1, and under the window."""
        atom = of_rank1(atom) if self.rank1 else atom
        return atom if self.window is None else atom * self.window

    def penalty_of(self, n_components):
        """The penalty of the first atoms, while their number grows."""
        if self.penalty.weights is None:
            return self.penalty
        return self.penalty._replace(weights=np.asarray(self.penalty.weights)[:n_components])

    def check_steps(self, n_signals):
        """Raise unless there are steps enough for every atom of a growing number."""
        size = n_signals if self.batch_size is None else self.batch_size
        n_steps = self.n_epochs * -(-n_signals // size)
        if self.init == "greedy" and n_steps < self.n_components:
            raise ValueError(
                wrong(
                    "n_epochs",
                    got=f"{self.n_epochs}, which is {n_steps} steps",
                    expected=f"at least {self.n_components} steps for n_components="
                    f"{self.n_components} with init='greedy', which adds an atom in each",
                    remedy="Raise n_epochs, or use init='samples'.",
                )
            )

    def check_goes_on(self, atoms):
        """Raise unless atoms of earlier calls are what is asked for now."""
        support = atoms.shape[2 : 2 + len(self.support)]
        fits = len(atoms) == self.n_components or (
            self.init == "greedy" and len(atoms) < self.n_components
        )
        if support != self.support or not fits:
            raise ValueError(
                wrong(
                    "n_components or support",
                    got=f"{self.n_components} and {shown(self.support)}",
                    expected=f"{len(atoms)} and {shown(support)}, as in earlier calls",
                    remedy="Set them back, or use a new estimator.",
                )
            )

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
        if self.rank1:
            planes = np.stack([of_rank1(plane) for plane in planes])
        return UnitBall().project(planes.reshape(len(planes), -1)).reshape(planes.shape)

    def dictionary(self, atoms):
        """A dictionary of atoms (n_components, n_channels, height, width)."""
        shaped = atoms if len(self.support) == 2 else atoms[..., 0]
        return ConvolutionalDictionary(shaped, UnitBall())


def _check_init(init):
    if isinstance(init, str):
        return check_option(init, "init", _INITS)
    return as_convolutional(init, "init")
