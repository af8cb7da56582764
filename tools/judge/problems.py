"""Random problems: ordinary, correlated, repeated, badly scaled, with zero atoms and free ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sparsecode import penalties, solvers
from sparsecode.penalties import (
    L1,
    MCP,
    SCAD,
    Cauchy,
    ElasticNet,
    GroupL1,
    KSparse,
    LogSum,
    Simplex,
    Tanh,
)

TOLERANCES = (1e-3, 1e-4, 2e-5, 1e-6, 1e-6, 1e-8, 1e-10)


@dataclass
class Task:
    """One problem and who solves it."""

    X: np.ndarray
    atoms: np.ndarray
    offset: np.ndarray | None
    penalty: object
    solver: object
    codes: np.ndarray | None
    missing: bool
    kind: str

    def __str__(self):
        data = f"{self.kind}, {self.X.dtype}, atoms {self.atoms.shape}"
        return f"{self.solver!r}, {self.penalty!r}, {data}"


def draw(seed, only=None):
    """Draw the task of a seed; `only` is a regular expression for the solver's name or None."""
    rng = np.random.default_rng(seed)
    dtype = rng.choice([np.float64, np.float32])
    n_features, n_components = rng.integers(1, 17), rng.integers(1, 25)
    atoms, kind = _atoms(rng, n_components, n_features)
    X = _samples(rng, atoms, int(rng.integers(1, 4)))
    offset = rng.standard_normal(n_features) if rng.random() < 0.15 else None
    X, atoms = X.astype(dtype), atoms.astype(dtype)
    penalty = _penalty(rng, X, atoms)
    solver = _solver(rng, penalty, only)
    codes = None
    if rng.random() < 0.25:
        codes = rng.standard_normal((len(X), n_components)) * (rng.random(n_components) < 0.3)
        codes = (np.abs(codes) if getattr(penalty, "positive", False) else codes).astype(dtype)
        codes = _allowed(codes, penalty)
    missing = bool(rng.random() < 0.1)
    if missing:
        X[rng.random(X.shape) < 0.2] = np.nan
    if offset is not None:
        X = (X + offset).astype(dtype)
        offset = offset.astype(dtype)
    return Task(X, atoms, offset, penalty, solver, codes, missing, kind)


def _atoms(rng, n, m):
    kind = rng.choice(
        ["random", "unit", "mean", "near", "repeated", "scaled", "zero", "low rank", "integer"]
    )
    atoms = rng.standard_normal((n, m))
    if kind == "unit":
        atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    elif kind == "mean":
        atoms += rng.uniform(1, 10)
    elif kind == "near":
        atoms = rng.standard_normal(m) + 10.0 ** rng.uniform(-7, -1) * atoms
    elif kind == "repeated":
        atoms = atoms[rng.integers(0, max(n // 2, 1), n)] * rng.choice([-1, 1, 1], (n, 1))
    elif kind == "scaled":
        atoms *= 10.0 ** rng.uniform(-3, 3, (n, 1))
    elif kind == "zero":
        atoms[rng.random(n) < 0.4] = 0
    elif kind == "low rank":
        rank = min(2, m)
        atoms = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, m))
    elif kind == "integer":
        atoms = rng.integers(-1, 2, (n, m)).astype(float)
    return atoms, str(kind)


def _samples(rng, atoms, n_samples):
    n, m = atoms.shape
    X = rng.standard_normal((n_samples, m))
    if rng.random() < 0.4:
        X = rng.standard_normal((n_samples, n)) * (rng.random((n_samples, n)) < 3 / n) @ atoms
        X += rng.choice([0, 1e-6, 1e-2]) * rng.standard_normal(X.shape)
    if rng.random() < 0.1:
        X += 5
    if rng.random() < 0.1:
        X[rng.integers(n_samples)] = 0
    return X * 10.0 ** rng.choice([0, 0, 0, rng.uniform(-4, 4)])


def _weight(rng, X, atoms):
    """A weight from 0 to above the one at which codes vanish."""
    limit = float(np.abs(X.astype(np.float64) @ atoms.astype(np.float64).T).max(initial=0))
    return 0.0 if rng.random() < 0.05 else limit * 10.0 ** rng.uniform(-4, 0.1)


def _penalty(rng, X, atoms):
    n = len(atoms)
    alpha, size = _weight(rng, X, atoms), 10.0 ** rng.uniform(-2, 1)
    positive = bool(rng.random() < 0.3)
    name = rng.choice([name for name in penalties.__all__ if name != "Penalty"] + ["L1"] * 4)
    if name == "L1":
        weights = None
        if rng.random() < 0.35:
            weights = rng.choice([0.0, 0.5, 1.0, 2.0, np.inf], n, p=[0.2, 0.2, 0.3, 0.2, 0.1])
        return L1(alpha, weights, positive)
    if name == "ElasticNet":
        return ElasticNet(alpha, float(rng.choice([0.0, 0.3, 0.9, 1.0])), positive)
    if name == "GroupL1":
        return GroupL1(alpha, int(rng.integers(1, n + 1)))
    if name == "KSparse":
        error = float(rng.choice([0.0, 1e-2, 1e-4])) * float((X.astype(float) ** 2).sum(1).max())
        return KSparse(int(rng.integers(1, n + 1)), error)
    made = {
        "Simplex": lambda: Simplex(size),
        "MCP": lambda: MCP(alpha, 3 * size),
        "SCAD": lambda: SCAD(alpha, 3 * size, float(rng.uniform(1.5, 5))),
        "LogSum": lambda: LogSum(alpha, size),
        "Cauchy": lambda: Cauchy(alpha, size),
        "Tanh": lambda: Tanh(alpha, 1 / size),
    }
    return made[name]() if name in made else getattr(penalties, name)(alpha)


def _allowed(codes, penalty):
    """Starts that the penalty allows: of l1 no forbidden atoms, of a count no more than it."""
    if isinstance(penalty, Simplex):
        shares = np.abs(codes) + 1e-3
        return (penalty.radius * shares / shares.sum(axis=1, keepdims=True)).astype(codes.dtype)
    if isinstance(penalty, KSparse):
        rank = np.argsort(np.argsort(-np.abs(codes), axis=1), axis=1)
        return np.where(rank < penalty.n_nonzero, codes, 0)
    if getattr(penalty, "weights", None) is not None and isinstance(penalty, L1):
        return np.where(np.isinf(penalty.weights), 0, codes)
    return codes


def _solver(rng, penalty, only):
    able = [cls for cls in _classes() if _takes(cls(), penalty)]
    if only is not None:
        able = [cls for cls in able if only.search(cls.__name__)] or able
    solver = able[rng.integers(len(able))]()
    settings = {"tol": float(rng.choice(TOLERANCES)), "max_iter": 2000}
    return solver.set_params(**{k: v for k, v in settings.items() if hasattr(solver, k)})


def _classes():
    found = (getattr(solvers, name) for name in solvers.__all__)
    return [
        c
        for c in found
        if isinstance(c, type) and issubclass(c, solvers.Solver) and c is not solvers.Solver
    ]


def _takes(solver, penalty):
    try:
        solver.check_penalty(penalty)
    except TypeError:
        return False
    return True
