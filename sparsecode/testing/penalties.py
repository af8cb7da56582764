"""The contract of a penalty: its value, prox, derivatives and dual functions agree."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode._messages import shown
from sparsecode._typing import RandomState
from sparsecode._validation import check_integer, check_random_state
from sparsecode.penalties import Penalty
from sparsecode.solvers import FISTA, CoordinateDescent
from sparsecode.testing._prox import (
    check_monotone,
    check_projection,
    check_prox_of_rows,
    check_prox_on_axes,
    prox_cost,
)
from sparsecode.testing._require import naming, raised_by, read_only, require, require_close

_STEPS = (0.1, 1.0, 2.5)


def check_penalty(
    penalty: Penalty, *, n_components: int = 4, random_state: RandomState = 0
) -> None:
    """Check that a penalty keeps the contract of `Penalty`.

    Its prox must beat a dense grid search, near its thresholds too, and be monotone; its
    derivative and its curvatures must agree with differences; a convex penalty must satisfy
    Fenchel and Young's inequality, with equality at the subgradients that its prox gives; it must
    be immutable, pickle, scale, keep float32, and leave its arguments alone. Where it defines
    `rescaled`, value and prox must be those of other units. Of a constraint, which has no weight,
    the prox must be a projection. A sum over coefficients must be the same on some of the atoms.

    Parameters
    ----------
    penalty : Penalty
    n_components : int, default=4
        Columns of the arrays it is tried on; give the right number if it holds one weight an atom.
    random_state : int, RandomState instance or None, default=0

    Raises
    ------
    AssertionError
        Says which part of the contract is broken, and where.

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.testing import check_penalty
    >>> check_penalty(L1(alpha=0.5))
    """
    n_components = check_integer(n_components, "n_components")
    with naming(shown(penalty)):
        require(isinstance(penalty, Penalty), "not an instance of Penalty")
        rng = check_random_state(random_state)
        span = _span(penalty, n_components)
        V = span * rng.uniform(-1, 1, size=(30, n_components))
        _check_value(penalty, V)
        if not penalty.weighted:
            check_projection(penalty, V, rng)
        _check_arrays(penalty, V)
        _check_refusals(penalty, n_components)
        if penalty.separable:
            _check_some_atoms(penalty, V)
        for step in _STEPS:
            with naming(f"prox with step={step:g}"):
                check_prox_on_axes(penalty, span, step, n_components)
                check_prox_of_rows(penalty, V, step, rng)
                check_monotone(penalty, V, step, rng)
        if penalty.weighted:
            _check_weight(penalty, V)
        if hasattr(type(penalty), "_grad"):
            _check_grad(penalty, V)
        if penalty.smooth:
            _check_curvature(penalty, V)
        if penalty.convex:
            _check_duality(penalty, V, rng)
        if penalty.weighted or penalty.convex:
            _check_solvers(penalty, span, n_components, rng)
        if penalty.can_be_rescaled:
            _check_units(penalty, V)
        _check_immutable(penalty, V)


def _span(penalty, n_components):
    """Size of the values to try: well above every threshold of the prox, where it has one."""
    largest = 4.0
    for _ in range(20):
        moved = penalty.prox(np.full((1, n_components), largest), max(_STEPS))
        if (moved != 0).any():
            return 2 * largest
        largest *= 2
    return 4.0


def _check_value(penalty, V):
    origin = penalty.origin(V.shape[1])
    start = penalty.value(np.full_like(V, origin))
    require(start.shape == (len(V),), f"value has shape {start.shape}, expected ({len(V)},)")
    require((start == 0).all(), f"value of a code of {origin:g} is not 0")
    value = penalty.value(V)
    require((value >= 0).all(), "value is negative or NaN somewhere")


def _check_arrays(penalty, V):
    methods = [("value", penalty.value), ("prox", penalty.prox)]
    if hasattr(type(penalty), "_grad"):
        methods.append(("grad", penalty.grad))
    if penalty.convex:
        methods += [("conjugate", penalty.conjugate), ("dual_excess", penalty.dual_excess)]
    for name, method in methods:
        given = read_only(V)
        out = method(given)
        rows = name not in ("prox", "grad")
        shape = (len(V),) if rows else V.shape
        require(out.shape == shape, f"{name} has shape {out.shape}, expected {shape}")
        require(np.array_equal(given, V), f"{name} wrote to its argument")
        require(
            np.array_equal(method(np.asfortranarray(V)), out),
            f"{name} depends on the memory order of its argument",
        )
        for dtype in (np.float32, np.float64):
            got = method(V.astype(dtype)).dtype
            require(got == dtype, f"{name} of {np.dtype(dtype)} is {got}")
        require(not np.isnan(out).any(), f"{name} is NaN somewhere")
    _check_float32(penalty, V)


def _check_float32(penalty, V):
    V32 = V.astype(np.float32)
    exact, single = penalty.prox(V32.astype(np.float64)), penalty.prox(V32)
    cost, best = prox_cost(penalty, single, V32, 1.0), prox_cost(penalty, exact, V32, 1.0)
    require_close(cost, best, 1e-5, "prox of float32, judged by its objective in float64")


def _check_refusals(penalty, n_components):
    V = np.ones((1, n_components))
    for step in (0, -1.0, np.nan):
        with naming(f"prox with step={step}"):
            raised_by(ValueError, penalty.prox, V, step)
    for method in (penalty.value, penalty.prox):
        with naming(f"{method.__name__} of NaN"):
            raised_by(ValueError, method, V * np.nan)


def _check_some_atoms(penalty, V):
    atoms = np.arange(V.shape[1])[::-2]
    some, codes = penalty.for_atoms(atoms), np.zeros_like(V)
    codes[:, atoms] = V[:, atoms]
    for name, found, expected in (
        ("value", some.value(V[:, atoms]), penalty.value(codes)),
        ("prox", some.prox(V[:, atoms]), penalty.prox(codes)[:, atoms]),
    ):
        require(
            np.allclose(found, expected, rtol=1e-12, atol=1e-300),
            f"{name} of for_atoms(atoms) is not that on these atoms",
        )


def _check_immutable(penalty, V):
    name = penalty._fields[0]
    with naming(f"setting {name}"):
        raised_by(AttributeError, setattr, penalty, name, 3.0)
    for name, copied in (
        ("pickle", pickle.loads(pickle.dumps(penalty))),
        ("copy.deepcopy", copy.deepcopy(penalty)),
    ):
        require(type(copied) is type(penalty), f"{name} gives a {type(copied).__name__}")
        require(
            np.array_equal(copied.prox(V), penalty.prox(V)),
            f"{name} gives another prox than before",
        )


def _check_weight(penalty, V):
    for alpha in (-1.0, np.nan, np.inf):
        with naming(f"checked() with alpha={alpha}"):
            raised_by(ValueError, penalty._replace(alpha=alpha).checked)
    scaled = penalty.scaled(2.0)
    require(type(scaled) is type(penalty), f"scaled() gives a {type(scaled).__name__}")
    require(scaled.alpha == 2 * penalty.alpha, "scaled(2) does not double alpha")
    inside = penalty.prox(V)
    require_close(
        scaled.value(inside), 2 * penalty.value(inside), 1e-12, "value of scaled(2) against twice"
    )
    require_close(
        scaled.prox(V, 0.5), penalty.prox(V, 1.0), 1e-9, "prox of scaled(2) at half the step"
    )


def _check_units(penalty, V):
    """In other units the value is a multiple, and the prox that of the same penalty."""
    inside = penalty.prox(V)
    for codes, values in ((3, 5), (-4, 2), (0, -3)):
        with naming(f"rescaled(codes={codes}, values={values})"):
            other = penalty.rescaled(codes=codes, values=values)
            require(type(other) is type(penalty), f"gives a {type(other).__name__}")
            require_close(
                other.value(np.ldexp(inside, codes)),
                np.ldexp(penalty.value(inside), values),
                1e-12,
                "value",
            )
            step = 2.0 ** (2 * codes - values)
            require_close(
                other.prox(np.ldexp(V, codes), step), np.ldexp(inside, codes), 1e-9, "prox"
            )


def _differences(function, U, at_least):
    """Central differences of a function of each row, along each axis; NaN at its kinks."""
    out = np.full(U.shape, np.nan)
    h = 1e-6 * max(np.abs(U).max(initial=0), 1.0)
    for j in range(U.shape[1]):
        step = np.zeros(U.shape[1])
        step[j] = h
        with np.errstate(invalid="ignore"):  # Infinite on both sides of a forbidden atom.
            out[:, j] = (function(U + step) - function(U - step)) / (2 * h)
    out[np.abs(U) < at_least] = np.nan
    return out


def _check_grad(penalty, V):
    U = penalty.prox(V, min(_STEPS))  # Where the penalty is finite.
    with naming("grad"):
        expected = _differences(penalty.value, U, at_least=0.0 if penalty.smooth else 1e-3)
        usable = np.isfinite(expected)
        got = penalty.grad(U)
        require_close(got[usable], expected[usable], 1e-6, "against differences of value")
        zero = penalty.grad(np.zeros((1, V.shape[1])))
        require((zero == 0).all(), "is not 0 at a coefficient of 0")


def _check_curvature(penalty, V):
    prepared = penalty.prepare(V.shape[1], np.float64)
    codes = np.concatenate([V[:6], 1e-3 * V[:2], np.zeros((1, V.shape[1]))])
    slope, bend, bound = np.moveaxis(
        [[penalty._curvature(prepared, row[j], j) for j in range(len(row))] for row in codes], 2, 0
    )
    with naming("_curvature"):
        require_close(slope, penalty.grad(codes), 1e-12, "slope against grad")
        h = 1e-5
        curvature = (penalty.grad(codes + h) - penalty.grad(codes - h)) / (2 * h)
        require_close(bend, curvature, 1e-6, "second derivative against differences of grad")
        for to in (V[:9], -V[:9], 0 * V[:9], 1.01 * codes):
            move = to - codes
            parabola = penalty.value(codes) + (slope * move + bound * move**2 / 2).sum(axis=1)
            require((penalty.value(to) <= parabola + 1e-9).all(), "the parabola is not above")


def _check_duality(penalty, V, rng):
    for step in _STEPS:
        U = penalty.prox(V, step)
        subgradient = (V - U) / step
        excess = penalty.dual_excess(subgradient)
        require((excess <= 1 + 1e-9).all(), "dual_excess of a subgradient is above 1")
        fenchel = penalty.value(U) + penalty.conjugate(subgradient)
        inner = np.einsum("ij,ij->i", U, subgradient)
        require_close(fenchel, inner, 1e-9, "value + conjugate at a subgradient (Moreau identity)")
    feasible = V / np.maximum(penalty.dual_excess(V), 1)[:, None]
    conjugate = penalty.conjugate(feasible)
    for codes in (V, V[rng.permutation(len(V))], np.abs(V), penalty.prox(V), -penalty.prox(V)):
        inner = np.einsum("ij,ij->i", codes, feasible)
        above = penalty.value(codes) + conjugate - inner
        require((above >= -1e-9 * (1 + np.abs(inner))).all(), "Fenchel and Young's inequality")


def _check_solvers(penalty, span, n_components, rng):
    """Solvers take the penalty as it is: on more atoms than features they agree on the optimum."""
    n_features = max(1, n_components // 2)
    atoms = rng.standard_normal((n_components, n_features))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    X = span / 2 * rng.standard_normal((20, n_features))
    start = np.full((len(X), n_components), penalty.origin(n_components))
    first = ((X - start @ atoms) ** 2).sum(axis=1) / 2
    solvers = (FISTA(), CoordinateDescent()) if penalty.separable else (FISTA(),)
    for solver in solvers:
        with naming(f"codes of {type(solver).__name__}"), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            certificate = solver.solve(X, atoms, penalty, n_jobs=1).certificate
            worse = ~(certificate.objective <= first * (1 + 1e-9))
            require(not worse.any(), "are infeasible, or worse than the origin")
            if penalty.convex:
                worst = certificate.relative_gap.max()
                require(worst <= 1e-6, f"end at a duality gap of {worst:.1e}, above 1e-6")
