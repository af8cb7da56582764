"""Run of convolutional learning: codes and atoms in turn, for all signals or a batch."""

from __future__ import annotations

import numpy as np

from sparsecode._interrupts import halt_if_told
from sparsecode.convolutional._atom_updates import updated_atoms
from sparsecode.convolutional._centring import centred
from sparsecode.convolutional._renewal import new_atoms, redundant_atoms, useless_atoms

# Projected gradient steps on an atom.
_N_STEPS = 30
# Atoms may be moved to the middle of their support, and copies be replaced, in this share of the
# epochs.
_MOVING = 0.5
# In batches, in so many steps.
_MOVING_STEPS = 20


class LearningRun:
    """Atoms of a run, what it remembers of past batches, and its history."""

    def __init__(self, settings, atoms, dtype):
        self.settings, self.dtype = settings, dtype
        self.past, self.n_steps, self.n_iter = None, 0, 0
        self.history, self.before = {"objective": [], "l0": []}, None
        self.keep(atoms)

    def keep(self, atoms):
        """Go on with other atoms."""
        self.atoms, self.dictionary = atoms, self.settings.dictionary(atoms)

    def fit_all(self, signals):
        """Epochs over all signals; of atoms before and after an exchange the better ones stay."""
        try:
            self._take_epochs(signals)
        finally:
            self._keep_better()

    def _take_epochs(self, signals):
        """Epochs, in each of which signals are coded from their last code."""
        coded, previous, settings = None, np.inf, self.settings
        for epoch in range(settings.n_epochs):
            halt_if_told()
            coded = self._coded(signals, coded)
            objective = coded.objective
            self._report(epoch)
            is_early = epoch < _MOVING * settings.n_epochs
            grows = len(self.atoms) < settings.n_components
            if not grows and self._is_done(previous, objective):
                if not self._exchanged(coded):
                    break
                coded, previous = None, np.inf
                continue
            previous = np.inf if grows else objective
            self.past = coded.statistics()
            # Nothing would fit an atom that enters in the last step.
            renew = epoch + 1 < settings.n_epochs
            replaced = self._step(self.past, coded, renew, compares=is_early)
            self.n_iter = self.n_steps = epoch + 1
            was_used = self.past.uses[replaced].any()
            self.past = self.past.without(replaced)
            if (is_early and self._centre()) or was_used:
                # Codes belong to other atoms or places, and the objective may rise.
                coded, previous = None, np.inf

    def _exchanged(self, coded):
        """Exchange atoms that add little, if any; the former ones stay until these are better."""
        objective, settings = coded.objective, self.settings
        if self.before is not None and objective >= self.before[0]:
            return False
        # Of the atoms of now: some have just come.
        uses = coded.statistics().uses
        useless = redundant_atoms(self.dictionary, uses, settings.penalty.positive)
        new = new_atoms(coded, int(useless.sum()), self.atoms[~useless], settings)
        self.before = objective, self.atoms, self.past
        if not new:
            return False
        atoms = self.atoms.copy()
        atoms[np.flatnonzero(useless)[: len(new)]] = new
        self.keep(atoms)
        return True

    def _keep_better(self):
        """Go back to the atoms before the last exchange unless it lowered the objective."""
        if self.before is not None and self.history["objective"][-1] >= self.before[0]:
            _, atoms, self.past = self.before
            self.keep(atoms)
        self.before = None

    def fit_batches(self, signals, rng):
        """Epochs of steps, each on a few signals."""
        size = self.settings.batch_size
        for epoch in range(self.settings.n_epochs):
            for batch in signals.batches(size, rng):
                halt_if_told()
                self.take_batch(batch)
            self._report(epoch)
            self.n_iter = epoch + 1

    def take_batch(self, signals):
        """One step, with statistics of past batches, which weigh less the older they are."""
        coded = self._coded(signals, None)
        if self.n_steps and not coded.n_nonzeros:
            # A quiet segment tells nothing about atoms.
            return
        new, is_first = coded.statistics(), self.n_steps == 0
        knows = self.past is not None
        if knows and self.past.correlations.shape == new.correlations.shape:
            share = self.n_steps / (self.n_steps + 1)
            new = self.past.plus(new, share=share**self.settings.forgetting)
        renew = knows or is_first
        replaced = self._step(new, coded, renew, compares=renew)
        self.past, self.n_steps = new.without(replaced), self.n_steps + 1
        if self.n_steps <= _MOVING_STEPS and self._centre():
            # Past codes belong to atoms elsewhere.
            self.past = None

    def _is_done(self, previous, objective):
        tol = self.settings.tol
        return tol > 0 and previous - objective <= tol * abs(objective)

    def _coded(self, signals, starts):
        """Codes of signals with the atoms of now, and what they leave."""
        coded = signals.coded(self.settings, self.dictionary, starts)
        self.history["objective"].append(coded.objective)
        self.history["l0"].append(coded.n_nonzeros / signals.n_signals)
        return coded

    def _step(self, statistics, coded, renew, compares):
        """A step on the atoms; the indices of those that were replaced.

        With `renew` unused ones are replaced and missing ones added, with `compares` also copies.
        """
        settings = self.settings
        atoms = updated_atoms(
            self.atoms, statistics, n_sweeps=settings.n_sweeps, n_steps=_N_STEPS,
            rank1=settings.rank1, window=settings.window,
        )  # fmt: skip
        self.keep(atoms)
        if not renew:
            return np.empty(0, dtype=np.int64)
        useless = useless_atoms(self.dictionary, statistics.uses, settings, compares)
        places, n_missing = np.flatnonzero(useless), int(len(atoms) < settings.n_components)
        new = new_atoms(coded, len(places) + n_missing, atoms[~useless], settings)
        replaced = places[: len(new)]
        for k, atom in zip(replaced, new, strict=False):
            atoms[k] = atom
        if new:
            self.keep(np.stack([*atoms, *new[len(places) :]]))
        return replaced

    def _centre(self):
        atoms, moved = centred(self.atoms)
        if moved:
            self.keep(atoms)
        return moved

    def _report(self, epoch):
        if self.settings.verbose:
            objective, l0 = (self.history[name][-1] for name in ("objective", "l0"))
            print(f"epoch {epoch + 1}: objective {objective:.6g}, {l0:.1f} nonzeros a signal")
