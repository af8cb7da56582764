"""Peers that code and learn: alphacsc (locally greedy descent), sporco (ADMM).

Both are optional; the README says how to install them.
"""

from __future__ import annotations

import time
import warnings
from contextlib import suppress
from unittest import mock

import numpy as np

from sparsecode import certify
from sparsecode._convolution.correlations import correlate
from sparsecode._convolution.gaps import primal_and_gap

# Tolerances of alphacsc, of which the first that suffices is timed.
TOLERANCES = 10.0 ** -np.arange(1, 6.5, 0.5)
# Iterations of sporco between two looks at the gap, which are not timed, and of a trial of `rho`.
N_ITERATIONS, N_TRIED = 50, 20
# What must be importable.
MODULES = {"alphacsc": "alphacsc.update_z_multi", "sporco": "sporco.admm.cbpdn"}


class _Column(np.ndarray):
    """A column whose rows are numbers: alphacsc 0.4.1 needs it since NumPy 2.4."""

    def __getitem__(self, index):
        found = super().__getitem__(index)
        return float(found[0]) if np.ndim(index) == 0 and np.shape(found) == (1,) else found


class OutOfTime(Exception):
    """The end of the seconds that a learner may take."""


def alphacsc_codes(problem, tol):
    """Seconds and codes (at least 0) of the locally greedy descent of alphacsc."""
    from alphacsc.update_z_multi import update_z_multi

    atoms, X = _atoms(problem), problem.X.astype(np.float64)
    options = {"tol": tol, "max_iter": 10**8}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        begin = time.process_time()
        codes, _, _ = update_z_multi(X, atoms, problem.alpha, solver="lgcd", solver_kwargs=options)
        return time.process_time() - begin, codes


def alphacsc_until(problem, gap, seconds):
    """Seconds, gap and setting of the first tolerance whose codes have the gap."""
    found = None
    # Its kernels are compiled.
    alphacsc_codes(problem, 10.0)
    for tol in TOLERANCES:
        taken, codes = alphacsc_codes(problem, tol)
        reached = certify(problem.X, codes, problem.dictionary, problem.penalty(True)).relative_gap
        found = taken, float(reached[0]), f"tol={tol:.0e}"
        if found[1] <= gap or taken > seconds:
            break
    return found


def sporco_until(problem, gap, seconds):
    """Seconds, gap and number of iterations until the codes of sporco's ADMM have the gap.

    Signals are periodic there: the gap is that of the periodic problem. Its own choice of `rho`
    does not lead to small gaps; the best of a list is taken, whose trials are not timed.
    """
    trials = {rho: _sporco_run(problem, rho, 0.0, 0.0, N_TRIED)[1] for rho in _rhos(problem)}
    best = min(trials, key=trials.get)
    taken, reached, n_iter = _sporco_run(problem, best, gap, seconds, N_ITERATIONS)
    return taken, reached, f"rho={best:.2g}, {n_iter} iterations"


def _rhos(problem):
    return [problem.alpha * factor for factor in (1, 4, 16, 64)]


def _sporco_run(problem, rho, gap, seconds, n_iterations):
    import sporco.fft
    from sporco.admm.cbpdn import ConvBPDN

    sporco.fft.pyfftw_threads = 1
    atoms = np.moveaxis(problem.dictionary.atoms, (0, 1), (-1, -2))
    X = np.moveaxis(problem.X[0], 0, -1)
    if problem.dictionary.n_channels == 1:
        atoms, X = atoms[..., 0, :], X[..., 0]
    options = {"Verbose": False, "MaxMainIter": n_iterations, "RelStopTol": 0.0, "rho": rho}
    options |= {"AutoRho": {"Enabled": False}, "FastSolve": True, "HighMemSolve": True}
    options, n_dims = ConvBPDN.Options(options), problem.dictionary.n_dims
    begin = time.process_time()
    solver = ConvBPDN(atoms, X, problem.alpha, options, dimK=0, dimN=n_dims)
    taken = time.process_time() - begin
    while True:
        begin = time.process_time()
        solver.solve()
        taken += time.process_time() - begin
        reached = periodic_gap(problem, solver.getcoef())
        if reached <= gap or taken > seconds:
            return taken, reached, solver.k


def periodic_gap(problem, codes):
    """Relative duality gap of periodic codes of sporco, (*sizes, 1, 1, n_components)."""
    x, atoms = problem.X[0], problem.dictionary.planes
    x = x if x.ndim == 3 else x[..., None]
    codes = np.moveaxis(codes, -1, 0).reshape(len(atoms), *x.shape[1:])
    spectra = np.fft.fft2(atoms, x.shape[1:])
    transformed = np.fft.fft2(codes)[:, None]
    residual = x - np.fft.ifft2((spectra * transformed).sum(axis=0)).real
    around = [(0, 0), *((0, n - 1) for n in atoms.shape[2:])]
    largest = np.abs(correlate(np.pad(residual, around, "wrap"), atoms)).max()
    value = problem.alpha * np.abs(codes).sum()
    gap = primal_and_gap(x, residual, value, largest / problem.alpha)[1]
    return float(gap / (0.5 * np.vdot(x, x)))


def alphacsc_atoms(problem, first, seconds):
    """Seconds and atoms after every step of alphacsc, which learns codes of at least 0.

    Atoms are of rank 1, as those of one channel always are. It divides the signal by its standard
    deviation but not the penalty, which is given to it in that unit.
    """
    from alphacsc import learn_d_z_multi
    from alphacsc.utils import coordinate_descent

    begin, found = time.process_time(), []

    def look(encoder, _):
        found.append((time.process_time() - begin, np.array(encoder.D_hat)))
        if len(found) > 1 and found[-1][0] > seconds:
            raise OutOfTime

    original = coordinate_descent._init_beta

    def start(x, codes, atoms, constants, reg, norms, *rest):
        beta, change, tol = original(x, codes, atoms, constants, reg, norms.view(_Column), *rest)
        return np.asarray(beta), np.asarray(change), tol

    patched = mock.patch.object(coordinate_descent, "_init_beta", start)
    with warnings.catch_warnings(), suppress(OutOfTime), patched:
        warnings.simplefilter("ignore")
        learn_d_z_multi(
            problem.X, first.n_components, *first.support, n_iter=10**6,
            reg=problem.alpha / problem.X.std(), solver_z="lgcd",
            D_init=np.concatenate(_factors(first.atoms), axis=1),
            uv_constraint="separate", solver_z_kwargs={"tol": 1e-3, "max_iter": 10**8}, verbose=0,
            raise_on_increase=False, callback=look, random_state=0,
        )  # fmt: skip
    return [(taken, _products(atoms, first.n_channels)) for taken, atoms in found]


def _atoms(problem):
    """Atoms in the form that alphacsc is fastest with."""
    if problem.factors is None or problem.dictionary.n_channels == 1:
        return np.array(problem.dictionary.atoms, dtype=np.float64)
    return np.concatenate(problem.factors, axis=1)


def _factors(atoms):
    left, values, right = np.linalg.svd(atoms, full_matrices=False)
    return left[:, :, 0] * values[:, :1], right[:, 0]


def _products(factors, n_channels):
    return factors[:, :n_channels, None] * factors[:, None, n_channels:]
