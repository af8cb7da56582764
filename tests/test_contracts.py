"""Whatever `__all__` of the packages names keeps its contract; nothing is listed here by hand."""

import importlib
import inspect
import os
import pickle
import subprocess
import sys

import numba
import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state

from sparsecode import (
    constraints,
    encoders,
    losses,
    ops,
    optimizers,
    penalties,
    solvers,
    updates,
)
from sparsecode.constraints import Constraint
from sparsecode.data_terms import DataTerm
from sparsecode.encoders import Encoder, TrainableEncoder
from sparsecode.losses import Loss, Term
from sparsecode.optimizers import Optimizer
from sparsecode.penalties import L1, Cauchy, ElasticNet, GroupL1, KSparse, Penalty
from sparsecode.solvers import Solver
from sparsecode.testing import check_encoder, check_op, check_penalty, check_solver
from sparsecode.testing.solvers import default_penalties
from sparsecode.updates import Update

PUBLIC_PACKAGES = [
    "sparsecode",
    "sparsecode.applications",
    "sparsecode.compare",
    "sparsecode.convolutional",
    "sparsecode.data_terms",
    "sparsecode.encoders",
    "sparsecode.estimators",
    "sparsecode.initialization",
    "sparsecode.interop",
    "sparsecode.joint",
    "sparsecode.learning",
    "sparsecode.losses",
    "sparsecode.metrics",
    "sparsecode.model_selection",
    "sparsecode.ops",
    "sparsecode.optimizers",
    "sparsecode.penalties",
    "sparsecode.replacement",
    "sparsecode.schedules",
    "sparsecode.solvers",
    "sparsecode.testing",
    "sparsecode.training",
    "sparsecode.updates",
]


def subclasses_in(package, base):
    names = getattr(package, "__all__", dir(package))
    found = [getattr(package, name) for name in names]
    return [c for c in found if inspect.isclass(c) and issubclass(c, base) and c is not base]


def public(package_name):
    package = importlib.import_module(package_name)
    names = getattr(package, "__all__", None)
    if names is None:
        names = [
            name
            for name, value in vars(package).items()
            if not name.startswith("_") and getattr(value, "__module__", None) == package_name
        ]
    return [(f"{package_name}.{name}", getattr(package, name)) for name in names if name[0] != "_"]


PUBLIC = dict(pair for name in PUBLIC_PACKAGES for pair in public(name))
PENALTIES = subclasses_in(penalties, Penalty)
SOLVERS = subclasses_in(solvers, Solver)
ENCODERS = [cls for cls in subclasses_in(encoders, Encoder) if cls is not TrainableEncoder]
COMPONENTS = SOLVERS + ENCODERS + subclasses_in(updates, Update)
COMPONENTS += subclasses_in(losses, Loss) + subclasses_in(optimizers, Optimizer)
ABSTRACT = (DataTerm, Encoder, TrainableEncoder, Loss, Optimizer, Penalty, Solver, Term, Update)
OPS = sorted({name.rpartition("_")[0] for name in ops.__all__})
# What the inputs of primitives are called, and what those that need a setting are set to.
SHAPES = {"X": (5, 4), "W": (4, 3), "b": (3,), "V": (6, 7), "theta": (7,), "A": (6, 7)}
SHAPES |= {"r": (7,), "b_gate": (7,), "b_mag": (7,)}
SETTINGS = {
    "support_threshold": {"n_selected": 2},
    "topk": {"k": 2},
    "lifetime_topk": {"k": 2},
    "batch_topk": {"k": 2},
    "jumprelu": {"bandwidth": 0.5, "straight_through": (1,)},
    "step": {"bandwidth": 0.5, "straight_through": (1,)},
}
SWITCHES = {
    "soft_threshold": [{"positive": True}],
    "support_threshold": [{"positive": True}, {"n_selected": 0}],
    "leaky_relu": [{"slope": 0.3}],
    "softmax": [{"temperature": 0.5}],
    "topk": [{"signed": True}],
}


@pytest.mark.parametrize("cls", PENALTIES)
@pytest.mark.parametrize("alpha", [1.0, 0.01, 30.0])
def test_penalty(cls, alpha):
    if not cls.weighted and alpha != 1:
        with pytest.raises(ValueError, match=f"{cls.__name__} is a constraint"):
            cls().scaled(alpha)
        return
    check_penalty(cls().scaled(alpha), n_components=6)


def is_compiled_in_float32(cls, penalty):
    """Whether a pair is tried in float32 with compiled kernels, of which each takes seconds.

    Every penalty is, with ISTA, and every solver, with a penalty of each kind that it takes.
    """
    return cls is solvers.ISTA or isinstance(penalty, (L1, ElasticNet, GroupL1, Cauchy, KSparse))


@pytest.mark.parametrize("cls", SOLVERS)
@pytest.mark.parametrize("penalty", default_penalties(), ids=repr)
def test_solver(cls, penalty):
    solver = cls()
    try:
        solver.check_penalty(penalty)
    except TypeError as error:
        assert cls.__name__ in str(error) and type(penalty).__name__ in str(error)
        assert str(error).rstrip(".").split(". ")[-1].startswith("Use ")
        return
    float32 = bool(numba.config.DISABLE_JIT) or is_compiled_in_float32(cls, penalty)
    check_solver(solver, penalties=[penalty], float32=float32)


@pytest.mark.needs_jit("it is of the tests above without compiled kernels")
def test_every_solver_in_float32_as_plain_python():
    """All pairs, also those that are compiled in float64 only."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", f"{__file__}::test_solver"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def variations(cls):
    """An encoder as it is, and with each of its switches turned."""
    yield cls()
    defaults = cls().get_params()
    for name in ("tied", "per_atom", "positive"):
        if name in defaults:
            yield cls(**{name: not defaults[name]})
    if "k" in defaults:
        yield cls(k=2)
    if defaults.get("p", 0) > 0:
        yield cls(p=0.0)
        yield cls(p=20.0, p_max=50.0)
    if "population" in defaults:
        yield cls(lifetime=None, population=2)
        yield cls(lifetime=0.5, population=0.4)
    if "hidden" in defaults:
        yield cls(hidden=())
        yield cls(hidden=(), positive=False)
        yield cls(hidden=(5, 4))
    if "through_jump" in defaults:
        yield cls(through_jump=True, bandwidth=2.0)
    if "feedback" in defaults:
        inner = encoders.BatchTopK(k=2), encoders.JumpReLU(tied=True), encoders.ReLU()
        inner = *inner, encoders.JumpReLU(through_jump=True, bandwidth=2.0)
        for encoder, feedback in zip(
            inner, ("learned", "encoder", "atoms", "learned"), strict=True
        ):
            yield cls(encoder, n_steps=2, feedback=feedback)


@pytest.mark.parametrize("encoder", [e for cls in ENCODERS for e in variations(cls)], ids=repr)
def test_encoder(encoder):
    check_encoder(encoder)


@pytest.mark.parametrize("name", OPS)
def test_op(name):
    forward, backward = (getattr(ops, f"{name}_{way}") for way in ("forward", "backward"))
    inputs = [p for p in inspect.signature(forward).parameters.values() if p.kind != p.KEYWORD_ONLY]
    rng = check_random_state(0)
    arrays = {p.name: rng.standard_normal(SHAPES[p.name]) for p in inputs}
    if "theta" in arrays:
        arrays["theta"] = np.abs(arrays["theta"])
    for settings in ({}, *SWITCHES.get(name, [])):
        check_op(forward, backward, *arrays.values(), **(SETTINGS.get(name, {}) | settings))
        if "theta" in arrays:
            one = {**arrays, "theta": np.array(0.3)}
            check_op(forward, backward, *one.values(), **(SETTINGS.get(name, {}) | settings))


@pytest.mark.parametrize("cls", PENALTIES)
def test_every_penalty_has_a_solver(cls):
    solver = solvers.choose_solver(cls())
    solver.check_penalty(cls())


@pytest.mark.parametrize("cls", PENALTIES)
def test_a_penalty_survives_clone(cls):
    holder = encoders.Exact(cls())
    copied = clone(holder).penalty
    assert type(copied) is cls and copied == cls()


@pytest.mark.parametrize("cls", COMPONENTS)
def test_component_is_an_estimator_of_parameters(cls):
    component = cls()
    assert isinstance(component, BaseEstimator)
    names = list(inspect.signature(cls).parameters)
    assert sorted(component.get_params(deep=False)) == sorted(names)
    copied = clone(component)
    assert repr(copied) == repr(component)
    assert copied.get_params() == component.get_params()
    assert copied == component
    assert pickle.loads(pickle.dumps(component)) == component
    for name in names:
        component.set_params(**{name: getattr(component, name)})


@pytest.mark.parametrize("cls", subclasses_in(constraints, Constraint))
def test_constraint_is_a_value(cls):
    constraint = cls()
    assert cls() == constraint
    assert hash(cls()) == hash(constraint)
    assert pickle.loads(pickle.dumps(constraint)) == constraint
    assert repr(constraint).startswith(cls.__name__)


@pytest.mark.parametrize(
    "package", ["penalties", "solvers", "encoders", "updates", "testing", "ops"]
)
def test_all_is_sorted_out(package):
    module = importlib.import_module(f"sparsecode.{package}")
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert hasattr(module, name)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_documented(name):
    value = PUBLIC[name]
    doc = inspect.getdoc(value)
    assert doc, f"{name} has no docstring"
    if inspect.isclass(value):
        _check_methods(name, value)
    for parameter in _own_parameters(value):
        assert parameter in doc, f"{name} does not document {parameter}"
    abstract = value in ABSTRACT
    results = name.endswith(("Result", "Certificate", "State", "Stats", "Context"))
    if not (abstract or results):
        assert "Examples\n--------" in doc, f"{name} has no example"


def _own_parameters(value):
    if not callable(value) or (issubclass(type(value), type) and issubclass(value, Exception)):
        return []
    try:
        return [p for p in inspect.signature(value).parameters if not p.startswith("_")]
    except ValueError:
        return []


def _check_methods(name, cls):
    for method_name, method in vars(cls).items():
        if method_name.startswith("_") or not inspect.isfunction(method):
            continue
        inherited = any(hasattr(base, method_name) for base in cls.__mro__[1:])
        assert inherited or inspect.getdoc(method), f"{name}.{method_name} has no docstring"
