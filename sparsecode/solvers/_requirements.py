"""Requirements of solvers: the kinds of penalties that a solver can take, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sparsecode._messages import shown
from sparsecode.penalties import L1, ElasticNet, KSparse
from sparsecode.penalties.base import check_penalty_instance


class Requirement(NamedTuple):
    """A kind of penalty: its description, its test, and what takes other penalties.

    `after` names a requirement that must be met, too, and is checked before. Where the parameters
    decide, and not the class alone, errors show them.
    """

    kind: str
    is_met: Callable[..., Any]
    remedy: str
    after: str | None = "weighted"
    by_parameters: bool = False


REQUIREMENTS = {
    "weighted": Requirement(
        "a weighted penalty or a convex constraint",
        lambda g: g.weighted or g.convex,
        "Use OMP, OLS, IHT or HTP.",
        after=None,
    ),
    "separable": Requirement("a separable penalty", lambda g: g.separable, "Use FISTA or ISTA."),
    "convex": Requirement(
        "a convex penalty", lambda g: g.convex, "Use ISTA, FISTA or CoordinateDescent."
    ),
    "convex without restart": Requirement(
        "a convex penalty without restart",
        lambda g: g.convex,
        "Use FISTA(restart=True) or ISTA.",
    ),
    "smooth": Requirement("a smooth penalty", lambda g: g.smooth, "Use FISTA or ISTA."),
    "l1": Requirement(
        "an l1 or elastic-net penalty",
        lambda g: isinstance(g, (L1, ElasticNet)),
        "Use FISTA or ISTA.",
    ),
    "k_sparse": Requirement(
        "the constraint KSparse",
        lambda g: isinstance(g, KSparse),
        "Use FISTA or ISTA.",
        after=None,
    ),
    "k_sparse count": Requirement(
        "KSparse with n_nonzero and no error target",
        lambda g: g.n_nonzero is not None and not np.any(g.error),
        "Use OMP or OLS.",
        after="k_sparse",
        by_parameters=True,
    ),
}


def check_requirement(solver, penalty):
    """Raise TypeError if `penalty` is not of the kind that ``solver.needs`` names."""
    check_penalty_instance(penalty)
    if solver.needs not in REQUIREMENTS:
        names = ", ".join(map(repr, REQUIREMENTS))
        raise TypeError(
            f"{type(solver).__name__}.needs is {shown(solver.needs)}; expected one of {names}. "
            "Name the kind of penalty that the solver takes."
        )
    _check(solver, solver.needs, penalty)


def _check(solver, name, penalty):
    requirement = REQUIREMENTS[name]
    if requirement.after is not None:
        _check(solver, requirement.after, penalty)
    if not requirement.is_met(penalty):
        given = shown(penalty) if requirement.by_parameters else None
        raise incompatible(solver, requirement.kind, penalty, requirement.remedy, given=given)


def incompatible(taker, kind, penalty, remedy, *, given=None):
    """Return the error for a solver or encoder that cannot take a penalty.

    It names both, and the remedy. `given` is what to call the penalty; None is its class.
    """
    given = type(penalty).__name__ if given is None else given
    return TypeError(f"{type(taker).__name__} needs {kind}; got {given}. {remedy}")
