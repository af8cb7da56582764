"""Projections are the closest points; tangents are where a step can go."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from sparsecode.constraints import Constraint, Free, NonNegative, UnitBall, UnitNorm

ALL = [
    Free(),
    UnitNorm(),
    UnitBall(),
    NonNegative(),
    NonNegative(UnitBall()),
    NonNegative(Free()),
]
every = pytest.mark.parametrize("constraint", ALL, ids=repr)
entries = st.floats(-10, 10, allow_subnormal=False).map(lambda x: 0.0 if abs(x) < 1e-6 else x)
matrices = arrays(np.float64, (3, 4), elements=entries)


def contains(constraint, atoms, tol=1e-9):
    if isinstance(constraint, NonNegative):
        return (atoms >= 0).all() and contains(constraint.norm, atoms, tol)
    norms = np.linalg.norm(atoms, axis=1)
    if isinstance(constraint, UnitNorm):
        return (np.abs(norms - 1) < tol).all() or (np.abs(norms[norms > 0] - 1) < tol).all()
    return isinstance(constraint, Free) or (norms <= 1 + tol).all()


@every
@given(atoms=matrices)
def test_projects_into_the_set_and_stays(constraint, atoms):
    projected = constraint.project(atoms)
    assert contains(constraint, projected)
    np.testing.assert_array_equal(constraint.project(projected), projected)


@every
@given(atoms=matrices, seed=st.integers(0, 1000))
def test_no_point_of_the_set_is_closer(constraint, atoms, seed):
    projected = constraint.project(atoms)
    if isinstance(constraint, (UnitNorm, NonNegative)) and (projected == 0).all(axis=1).any():
        return  # An atom without a direction stays zero; see below.
    rng = np.random.default_rng(seed)
    distance = np.linalg.norm(projected - atoms, axis=1)
    for size in (1e-3, 0.1, 1.0, 10.0):
        other = constraint.project(projected + size * rng.standard_normal(atoms.shape))
        assert (np.linalg.norm(other - atoms, axis=1) >= distance - 1e-9).all()


@pytest.mark.parametrize("constraint", [UnitBall(), NonNegative(UnitBall())], ids=repr)
def test_agrees_with_scipy(constraint, rng):
    atoms = 2 * rng.standard_normal((5, 4))
    low = 0 if isinstance(constraint, NonNegative) else None
    for atom, projected in zip(atoms, constraint.project(atoms), strict=True):
        found = minimize(
            lambda d, atom=atom: ((d - atom) ** 2).sum(),
            np.full(4, 0.1),
            bounds=[(low, None)] * 4,
            constraints={"type": "ineq", "fun": lambda d: 1 - d @ d},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        )
        np.testing.assert_allclose(projected, found.x, atol=1e-5)


@pytest.mark.parametrize("constraint", [UnitNorm(), NonNegative()], ids=repr)
def test_agrees_with_brute_force_on_the_circle(constraint, rng):
    angles = np.linspace(0, 2 * np.pi, 100_001)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    if isinstance(constraint, NonNegative):
        circle = circle[(circle >= 0).all(axis=1)]
    atoms = rng.standard_normal((20, 2))
    for atom in atoms[(atoms > 0).any(axis=1)]:
        closest = circle[((circle - atom) ** 2).sum(axis=1).argmin()]
        np.testing.assert_allclose(constraint.project(atom[None])[0], closest, atol=1e-4)


@every
def test_a_zero_atom_stays_zero(constraint):
    assert (constraint.project(np.zeros((2, 3))) == 0).all()


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_out_and_dtype_and_inputs(constraint, dtype, rng):
    atoms = rng.standard_normal((3, 4)).astype(dtype)
    grad = rng.standard_normal((3, 4)).astype(dtype)
    atoms.flags.writeable = grad.flags.writeable = False
    for method, args in ((constraint.project, (atoms,)), (constraint.tangent, (atoms, grad))):
        expected = method(*args)
        assert expected.dtype == dtype
        assert not np.shares_memory(expected, args[-1])
        out = np.empty_like(expected)
        assert method(*args, out=out) is out
        np.testing.assert_array_equal(out, expected)
        in_place = args[-1].copy()
        method(*args[:-1], in_place, out=in_place)
        np.testing.assert_array_equal(in_place, expected)


@given(atoms=matrices, grad=matrices)
def test_tangent_of_the_sphere_is_orthogonal(atoms, grad):
    atoms = UnitNorm().project(atoms)
    tangent = UnitNorm().tangent(atoms, grad)
    np.testing.assert_allclose(np.einsum("ij,ij->i", atoms, tangent), 0, atol=1e-12)
    inner = np.einsum("ij,ij->i", grad, tangent)
    np.testing.assert_allclose(inner, np.einsum("ij,ij->i", tangent, tangent), atol=1e-9)


def test_tangent_of_the_ball():
    inside, sphere = [[0.1, 0.2]], [[0.6, 0.8]]
    np.testing.assert_array_equal(UnitBall().tangent(inside, [[5.0, -3.0]]), [[5.0, -3.0]])
    # Descent goes against the gradient: this one points inwards, and is free.
    np.testing.assert_array_equal(UnitBall().tangent(sphere, [[0.6, 0.8]]), [[0.6, 0.8]])
    np.testing.assert_allclose(UnitBall().tangent(sphere, [[-0.6, -0.8]]), [[0, 0]], atol=1e-15)


@every
@given(atoms=matrices, grad=matrices)
def test_a_small_step_along_the_tangent_stays_nearly_in_the_set(constraint, atoms, grad):
    atoms = constraint.project(atoms)
    if (atoms == 0).all(axis=1).any():
        return
    tangent = constraint.tangent(atoms, grad)
    moved = atoms - 1e-4 * tangent
    # Entries near 0 may still cross it; at 0 exactly they must not.
    assert (moved[(atoms == 0) & (tangent > 0)] >= -1e-12).all() or not isinstance(
        constraint, NonNegative
    )
    distance = np.linalg.norm(constraint.project(moved) - moved, axis=1)
    crossing = ((moved < 0) & (atoms > 0)).any()
    if not (isinstance(constraint, NonNegative) and crossing):
        assert (distance <= 1e-8 * (1 + (tangent**2).sum(axis=1)) * 100).all()


@every
@given(atoms=matrices, grad=matrices)
def test_the_tangent_descends(constraint, atoms, grad):
    """What is left of a gradient never points against it."""
    tangent = constraint.tangent(constraint.project(atoms), grad)
    assert (np.einsum("ij,ij->i", tangent, grad) >= -1e-9).all()


def test_a_custom_constraint_needs_only_project():
    class Centred(Constraint):
        def project(self, atoms, out=None):
            return np.subtract(atoms, np.mean(atoms, axis=1, keepdims=True), out=out)

    assert Centred().project(np.array([[1.0, 3.0]])).tolist() == [[-1.0, 1.0]]
    assert Centred().tangent([[0.0, 0.0]], [[1.0, 2.0]]).tolist() == [[1.0, 2.0]]
