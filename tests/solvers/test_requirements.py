"""Requirements: every solver names the kind of penalty that it takes, and refuses others."""

from collections import namedtuple
from dataclasses import dataclass

import pytest

from sparsecode import solvers
from sparsecode.penalties import L0, L1, Cauchy, ElasticNet, GroupL1, KSparse, Penalty
from sparsecode.solvers import FISTA, ISTA, Solver
from sparsecode.solvers._requirements import REQUIREMENTS

CONSTRAINTS = [KSparse(2), KSparse(2, 0.1), KSparse(None, 0.1)]
PENALTIES = [L1(), ElasticNet(), GroupL1(), L0(), Cauchy(), *CONSTRAINTS]
WEIGHTED = PENALTIES[:5]
TAKEN = {
    "weighted": WEIGHTED,
    "separable": [L1(), ElasticNet(), L0(), Cauchy()],
    "convex": [L1(), ElasticNet(), GroupL1()],
    "convex without restart": [L1(), ElasticNet(), GroupL1()],
    "smooth": [Cauchy()],
    "l1": [L1(), ElasticNet()],
    "k_sparse": CONSTRAINTS,
    "k_sparse count": CONSTRAINTS[:1],
}
NEEDS = {
    "ADMM": "convex",
    "FISTA": "weighted",
    "HTP": "k_sparse count",
    "IHT": "k_sparse count",
    "ISTA": "weighted",
    "LCA": "separable",
    "OLS": "k_sparse",
    "OMP": "k_sparse",
    "ConjugateGradient": "smooth",
    "CoordinateDescent": "separable",
    "FeatureSign": "l1",
    "Homotopy": "l1",
}


def takes(solver, penalty):
    try:
        solver.check_penalty(penalty)
    except TypeError as error:
        assert f"{type(solver).__name__} needs " in str(error)
        assert type(penalty).__name__ in str(error) and ". Use " in str(error)
        return False
    return True


@pytest.mark.parametrize("needs", sorted(REQUIREMENTS))
def test_a_solver_takes_what_it_needs_and_nothing_else(needs):
    class Picky(ISTA):
        pass

    Picky.needs = needs
    assert [penalty for penalty in PENALTIES if takes(Picky(), penalty)] == TAKEN[needs]


def test_needs_of_the_solvers_of_the_library():
    classes = {name: getattr(solvers, name) for name in solvers.__all__}
    found = {
        name: cls().needs
        for name, cls in classes.items()
        if isinstance(cls, type) and issubclass(cls, Solver) and cls is not Solver
    }
    assert found == NEEDS
    assert FISTA(restart=False).needs == "convex without restart"


def test_a_penalty_from_elsewhere_is_judged_by_its_properties():
    class Smooth(Penalty, namedtuple("Smooth", ["alpha"], defaults=(1.0,))):
        __slots__ = ()
        smooth = True
        separable = False

    assert takes(solvers.ConjugateGradient(), Smooth())
    assert not takes(solvers.CoordinateDescent(), Smooth())
    assert not takes(solvers.ADMM(), Smooth())


def test_a_need_that_does_not_exist_is_refused():
    @dataclass
    class Misspelt(ISTA):
        needs = "seperable"

    with pytest.raises(
        TypeError, match=r"Misspelt\.needs is 'seperable'; expected one of 'weighted'"
    ):
        Misspelt().check_penalty(L1())
