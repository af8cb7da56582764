"""Every broken penalty is seen, and the message names what is broken."""

from collections import namedtuple

import numpy as np
import pytest

from sparsecode.penalties import L0, L1, Cauchy, ElasticNet, KSparse, Penalty, base
from sparsecode.testing import check_penalty


@pytest.fixture(autouse=True)
def uncompiled(monkeypatch):
    """Compiling every mutant would take a minute; the kernels are ordinary Python too."""
    for name, kernel in list(vars(base).items()):
        if hasattr(kernel, "py_func"):
            monkeypatch.setattr(base, name, kernel.py_func)


class Quadratic(Penalty, namedtuple("Quadratic", ["alpha"], defaults=(1.0,))):
    """alpha / 2 z^2: right in every part."""

    __slots__ = ()
    convex = True
    smooth = True
    _value = staticmethod(lambda penalty, code, j: penalty.alpha * code * code / 2)
    _prox = staticmethod(lambda penalty, value, step, j: value / (1 + penalty.alpha * step))
    _grad = staticmethod(lambda penalty, code, j: penalty.alpha * code)
    _curvature = staticmethod(
        lambda penalty, code, j: (penalty.alpha * code, penalty.alpha, penalty.alpha)
    )
    _conjugate = staticmethod(lambda penalty, correlation, j: correlation**2 / (2 * penalty.alpha))


def mutant(base=Quadratic, **changes):
    functions = {
        name: staticmethod(change)
        if callable(change) and name not in ("scaled", "rescaled")
        else change
        for name, change in changes.items()
    }
    return type("Mutant", (base,), {"__slots__": (), **functions})()


class QuadraticOfUnits(Quadratic):
    """The same, which defines `rescaled`."""

    __slots__ = ()

    def rescaled(self, *, codes, values):
        return self._replace(alpha=float(np.ldexp(self.alpha, values - 2 * codes)))


def test_passes_the_right_one():
    check_penalty(Quadratic())
    check_penalty(Quadratic(30.0))
    check_penalty(QuadraticOfUnits())


def test_a_wrong_change_of_units_is_seen(monkeypatch):
    # What comes before, and compiles solvers.
    monkeypatch.setattr("sparsecode.testing.penalties._check_solvers", lambda *arguments: None)
    with pytest.raises(AssertionError, match=r"rescaled\(codes=3, values=5\): value"):
        check_penalty(
            mutant(rescaled=lambda penalty, *, codes, values: penalty._replace(alpha=2.0))
        )


MUTANTS = {
    "prox lacks the step": (
        {"_prox": lambda penalty, value, step, j: value / (1 + penalty.alpha)},
        "prox with step=0.1",
    ),
    "prox is nearly right": (
        {"_prox": lambda penalty, value, step, j: 1.001 * value / (1 + penalty.alpha * step)},
        "grid search finds",
    ),
    "grad lacks a factor": (
        {"_grad": lambda penalty, code, j: 2 * penalty.alpha * code},
        "grad: against differences",
    ),
    "wrong curvature": (
        {"_curvature": lambda penalty, code, j: (penalty.alpha * code, 0.0 * code, penalty.alpha)},
        "_curvature: second derivative",
    ),
    "slope is not grad": (
        {"_curvature": lambda penalty, code, j: (0.0 * code, penalty.alpha, penalty.alpha)},
        "_curvature: slope against grad",
    ),
    "parabola too flat": (
        {
            "_curvature": lambda penalty, code, j: (
                penalty.alpha * code,
                penalty.alpha,
                0.9 * penalty.alpha,
            )
        },
        "parabola is not above",
    ),
    "conjugate lacks a half": (
        {"_conjugate": lambda penalty, correlation, j: correlation**2 / penalty.alpha},
        "Moreau identity",
    ),
    "conjugate too small": (
        {"_conjugate": lambda penalty, correlation, j: 0.0 * correlation},
        "Moreau identity",
    ),
    "dual excess too strict": (
        {"_dual_excess": lambda penalty, correlation, j: 2.0 + 0 * correlation},
        "dual_excess of a subgradient",
    ),
    "value at 0": (
        {"_value": lambda penalty, code, j: penalty.alpha * code * code / 2 - 1.0},
        "another row has a lower objective|grid search finds|value is negative",
    ),
    "scaled forgets": ({"scaled": lambda self, factor: self}, "does not double alpha"),
    "not float32": (
        {"value": lambda codes: np.zeros(len(codes))},
        "value of float32 is float64",
    ),
}


@pytest.mark.parametrize(("changes", "message"), MUTANTS.values(), ids=MUTANTS)
def test_sees_a_broken_penalty(changes, message):
    with pytest.raises(AssertionError, match=message):
        check_penalty(mutant(**changes))


def test_sees_a_threshold_that_is_slightly_off():
    broken = mutant(
        L0, _prox=lambda penalty, value, step, j: value if value**2 > 1.99 * step else 0.0 * value
    )
    with pytest.raises(AssertionError, match="grid search finds"):
        check_penalty(broken)


MUTANTS_OF_A_CONSTRAINT = {
    "keeps the smallest": (
        {"prox": lambda V, step=1.0: np.asarray(V) - KSparse(2).prox(V)},
        "prox of a feasible row moves it",
    ),
    "keeps too many": ({"prox": lambda V, step=1.0: KSparse(3).prox(V, step)}, "is not feasible"),
    "keeps too few": (
        {"prox": lambda V, step=1.0: KSparse(1).prox(V, step)},
        "not the closest|is not the minimiser",
    ),
    "scales": ({"scaled": lambda self, factor: self}, "scaled.2. of a constraint"),
}


@pytest.mark.parametrize(
    ("changes", "message"), MUTANTS_OF_A_CONSTRAINT.values(), ids=MUTANTS_OF_A_CONSTRAINT
)
def test_sees_a_broken_constraint(changes, message):
    constraint = mutant(type("Two", (KSparse,), {"__new__": _two}), **changes)
    with pytest.raises(AssertionError, match=message):
        check_penalty(constraint)


def _two(cls, n_nonzero=2, error=0.0):
    return KSparse.__new__(cls, n_nonzero, error)


def test_sees_that_a_penalty_called_convex_is_not():
    with pytest.raises(AssertionError, match=r"which no convex penalty does|Moreau"):
        check_penalty(mutant(L0, convex=True))


def test_sees_writing_to_arguments():
    def prox(V, step=1.0):
        V = np.asarray(V)
        if V.flags.writeable:
            V *= 0.5
        return ElasticNet().prox(V, step)

    with pytest.raises(AssertionError):
        check_penalty(mutant(ElasticNet, prox=prox))


def test_refuses_what_is_not_a_penalty():
    for wrong in (L1, "l1", None):
        with pytest.raises(AssertionError, match="not an instance of Penalty"):
            check_penalty(wrong)


def test_columns_for_a_penalty_with_weights():
    check_penalty(L1(0.5, np.arange(7.0)), n_components=7)
    check_penalty(Cauchy(), n_components=1)
