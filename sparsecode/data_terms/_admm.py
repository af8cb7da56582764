"""ADMM for the l1 data term, with guesses of the vertex where it ends."""

from __future__ import annotations

import numpy as np

from sparsecode._interrupts import halt_if_told
from sparsecode._objective_scaling import ratio
from sparsecode._row_products import panels_to_keep, row_product
from sparsecode.data_terms._problem import judge

_RELAXATION = 1.6
# Iterations between two looks at the gap, and the last one that changes the step.
_PERIOD, _LAST_CHANGE = 10, 2000
# Looks between two guesses of the solution.
_GUESS = 5


def solve(problem, X, observed, tol, max_iter):
    """Codes, dual points and number of iterations of a block of samples.

    Codes and reconstructions are split: ``min f(y) + g(z)`` with ``y = z @ atoms``. Samples and
    atoms are brought to a size of 1 first, which changes neither the problem nor the dual.
    """
    counted = np.maximum(observed.sum(axis=1, keepdims=True), 1)
    sizes = np.abs(X).sum(axis=1, keepdims=True) / counted
    sizes[sizes == 0] = 1
    of_atoms = np.sqrt(np.mean(problem.atoms**2) * problem.atoms.shape[1]) or 1.0
    scaled = problem._replace(atoms=problem.atoms / of_atoms, weights=problem.weights / of_atoms)
    state = _State(scaled, X / sizes, observed)
    codes, duals = np.zeros((len(X), len(problem.atoms))), np.zeros(X.shape)
    best, n_iter = np.full(len(X), np.inf), np.zeros(len(X), dtype=np.int64)
    at_work = np.arange(len(X))
    for t in range(max_iter + 1):
        halt_if_told()
        if t % _PERIOD == 0 or t == max_iter:
            guesses = [state.iterate()]
            if t % (_GUESS * _PERIOD) == 0:
                guesses.append(state.vertices())
            for guess, dual in guesses:
                gap = state.gap(guess, dual)
                better = gap < best[at_work]
                codes[at_work[better]] = guess[better]
                duals[at_work[better]] = dual[better]
                best[at_work[better]] = gap[better]
            n_iter[at_work] = t
            left = (best[at_work] > tol) | (tol == 0)
            if t == max_iter or not left.any():
                break
            at_work = at_work[left]
            state.keep(left)
            state.balance(t)
        state.step()
    return codes * sizes / of_atoms, duals, n_iter


class _State:
    """Iterates of the samples at work: codes and reconstructions, with scaled multipliers."""

    def __init__(self, problem, X, observed):
        self.problem, self.X, self.observed = problem, X, observed
        atoms = problem.atoms
        self.small = len(atoms) <= atoms.shape[1]
        gram = atoms @ atoms.T if self.small else atoms.T @ atoms
        # Products by rows, so that a code does not depend on the other samples of its block.
        self.inverse = panels_to_keep(np.linalg.inv(gram + np.eye(len(gram))))
        self.as_rows, self.as_columns = panels_to_keep(atoms), panels_to_keep(atoms.T)
        self.codes = np.zeros((len(X), len(atoms)))
        self.fit = X.copy()
        self.of_codes, self.of_fit = np.zeros_like(self.codes), np.zeros_like(X)
        self.rho = np.ones((len(X), 1))
        self.primal = self.change = np.ones(len(X))

    def keep(self, rows):
        for name in ("X", "observed", "codes", "fit", "of_codes", "of_fit", "rho"):
            setattr(self, name, getattr(self, name)[rows])
        self.primal, self.change = self.primal[rows], self.change[rows]

    def iterate(self):
        """Codes and dual points so far."""
        return self.codes, self.problem.term._dual_of_slope(self.rho * self.of_fit)

    def vertices(self):
        """Codes and dual points that have what is zero in the iterates exactly zero."""
        codes, duals = np.zeros_like(self.codes), np.zeros_like(self.X)
        for i, (x, seen, code, fit) in enumerate(
            zip(self.X, self.observed, self.codes, self.fit, strict=True)
        ):
            used = np.flatnonzero(code)
            codes[i, used], duals[i, seen] = self.problem.term._vertex(
                x[seen],
                self.problem.atoms[np.ix_(used, seen)],
                self.problem.weights[used] * np.sign(code[used]),
                (fit == x)[seen],
            )
        return codes, duals

    def gap(self, codes, dual):
        """Relative gap of each sample."""
        _, gap, unit = judge(self.problem, self.X, self.observed, codes, dual)
        return ratio(gap, unit)

    def balance(self, t):
        """Move the steps to where both residuals are of like size."""
        if t == 0 or t > _LAST_CHANGE:
            return
        factor = np.ones_like(self.rho)
        factor[self.primal > 3 * self.change] = 2
        factor[self.change > 3 * self.primal] = 0.5
        self.rho *= factor
        self.of_codes /= factor
        self.of_fit /= factor

    def step(self):
        problem = self.problem
        codes, fit = self._on_graph(self.codes - self.of_codes, self.fit - self.of_fit)
        primal = _squares(codes - self.codes) + _squares(fit - self.fit)
        codes += (_RELAXATION - 1) * (codes - self.codes)
        fit += (_RELAXATION - 1) * (fit - self.fit)
        point, step = codes + self.of_codes, 1 / self.rho
        limits = step * problem.weights
        if problem.positive:
            new_codes = np.maximum(point - limits, 0)
        else:
            new_codes = np.sign(point) * np.maximum(np.abs(point) - limits, 0)
        target = fit + self.of_fit
        new_fit = np.where(self.observed, problem.term._prox(self.X, target, step), target)
        self.of_codes = point - new_codes
        self.of_fit = target - new_fit
        change = _squares(new_codes - self.codes) + _squares(new_fit - self.fit)
        scale = _squares(self.of_codes) + _squares(self.of_fit)
        size = _squares(new_codes) + _squares(new_fit)
        # Relative to multipliers and iterates, so that their units do not matter.
        self.primal = np.sqrt(primal * np.maximum(scale, 1e-300))
        self.change = np.sqrt(change * np.maximum(size, 1e-300))
        self.codes, self.fit = new_codes, new_fit

    def _on_graph(self, codes, fit):
        """Closest codes and reconstructions that belong together."""
        right = codes + row_product(fit, self.as_columns)
        if self.small:
            codes = row_product(right, self.inverse)
        else:
            inner = row_product(row_product(right, self.as_rows), self.inverse)
            codes = right - row_product(inner, self.as_columns)
        return codes, row_product(codes, self.as_rows)


def _squares(rows):
    return np.einsum("ij,ij->i", rows, rows)
