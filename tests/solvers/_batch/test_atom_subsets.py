"""Many atoms: the same codes without the Gram matrix of all of them, in little memory."""

import inspect
import tracemalloc

import numpy as np
import pytest

from sparsecode import (
    Dictionary,
    DictionaryLearning,
    SparseCoder,
    _parallel,
    alpha_max,
    certify,
    dropin,
)
from sparsecode import solvers as all_solvers
from sparsecode.penalties import (
    L0,
    L1,
    MCP,
    SCAD,
    Cauchy,
    ElasticNet,
    GroupL1,
    KSparse,
    LogSum,
    Tanh,
)
from sparsecode.solvers import (
    ADMM,
    FISTA,
    HTP,
    IHT,
    ISTA,
    LCA,
    OLS,
    OMP,
    ConjugateGradient,
    CoordinateDescent,
    FeatureSign,
    Homotopy,
)
from sparsecode.solvers._batch import atom_subsets, problem

WEIGHTS = np.where(np.arange(60) % 7 == 3, np.inf, 1 + np.arange(60) % 5)
FREE = np.where(np.arange(60) % 20 == 3, 0.0, 1.0)
CONVEX = [L1(0.2), L1(0.2, WEIGHTS), L1(0.2, None, True), ElasticNet(0.3, 0.6), L1(0.0)]
CASES = [
    *((cls(), penalty) for cls in (FeatureSign, Homotopy, CoordinateDescent) for penalty in CONVEX),
    (CoordinateDescent(), L1(0.2, FREE)),
    (FeatureSign(), L1(0.2, FREE)),
    *((cls(tol=1e-7), L1(0.2, WEIGHTS)) for cls in (FISTA, ADMM)),
    (LCA(tol=1e-2), L1(0.2)),
    (ISTA(tol=1e-3), ElasticNet(0.3, 0.6)),
    (FISTA(tol=1e-7), GroupL1(0.2)),
    (ADMM(), ElasticNet(0.3, 0.0)),
    (ConjugateGradient(), Cauchy(0.2)),
    (FISTA(), Cauchy(0.2)),
    (FISTA(), MCP(0.2, 3.0)),
    (OMP(), KSparse(4)),
    (OLS(), KSparse(4)),
    (OMP(), KSparse(None, 0.5)),
    (IHT(), KSparse(4)),
    (HTP(), KSparse(4)),
]
NOT_CONVEX = [L0(0.05), MCP(0.2, 3.0), SCAD(0.2, 3.7), LogSum(0.2, 0.5), Tanh(0.2, 0.5)]


def make_problem(n_components=60, n_features=9, n_samples=7, seed=0):
    rng = np.random.default_rng(seed)
    atoms = (
        rng.standard_normal((n_components, n_features)) * rng.uniform(0.5, 2, n_components)[:, None]
    )
    return rng.standard_normal((n_samples, n_features)), Dictionary(
        atoms, rng.standard_normal(n_features)
    )


@pytest.fixture
def many(monkeypatch):
    """All dictionaries have many atoms, of which few are looked at first, in small blocks."""

    def begin():
        monkeypatch.setattr(problem, "FEW_ATOMS", 0)
        monkeypatch.setattr(problem, "MOST_GRAM_BYTES", 0)
        monkeypatch.setattr(atom_subsets, "_FIRST_ATOMS", 4)
        monkeypatch.setattr(_parallel, "_CODE_BYTES", 0)

    return begin


@pytest.mark.parametrize(("solver", "penalty"), CASES, ids=lambda value: str(value)[:40])
def test_codes_are_those_with_the_gram_matrix(many, solver, penalty):
    X, dictionary = make_problem()
    whole = solver.solve(X, dictionary, penalty)
    many()
    fresh = Dictionary(dictionary.atoms, dictionary.offset)
    result = solver.solve(X, fresh, penalty)
    assert "gram" not in fresh.__dict__
    assert result.converged.all() and whole.converged.all()
    judged, expected = result.certificate, whole.certificate
    unit = expected.half_squared_norm
    close = max(2 * result.tol, 2e-6) * unit.max()
    assert np.abs(judged.objective - expected.objective).max() <= close
    if penalty.convex and judged.relative_gap.max() < np.inf:
        assert judged.relative_gap.max() <= max(result.tol, 1e-6)


@pytest.mark.parametrize("penalty", NOT_CONVEX, ids=lambda penalty: type(penalty).__name__)
def test_local_minima_of_penalties_that_are_not_convex(many, penalty):
    X, dictionary = make_problem()
    many()
    codes = CoordinateDescent().solve(X, dictionary, penalty).codes
    judged = certify(X, codes, dictionary, penalty)
    assert judged.relative_residual.max() <= 1e-6
    # No coefficient alone can improve, of any atom.
    for j in range(dictionary.n_components):
        for step in (-0.3, -1e-3, 1e-3, 0.3):
            moved = codes.copy()
            moved[:, j] += step
            better = certify(X, moved, dictionary, penalty).objective - judged.objective
            assert better.min() > -1e-9


@pytest.mark.parametrize("cls", [FeatureSign, Homotopy, CoordinateDescent, FISTA])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_starts_types_threads_and_sparse_output(many, cls, dtype):
    X, dictionary = make_problem(n_samples=20)
    X, dictionary = X.astype(dtype), dictionary.astype(dtype)
    tol = 1e-4 if dtype == np.float32 else 1e-6
    many()
    solver, penalty = cls(tol=tol), L1(0.2)
    result = solver.solve(X, dictionary, penalty, n_jobs=1)
    assert result.codes.dtype == dtype and result.converged.all()
    assert result.certificate.relative_gap.max() <= 1.1 * tol
    again = solver.solve(X, dictionary, penalty, n_jobs=2, sparse_output=True)
    assert np.array_equal(again.codes.toarray(), result.codes)
    warm = solver.solve(X, dictionary, penalty, codes=result.codes)
    assert warm.certificate.relative_gap.max() <= 1.1 * tol
    assert warm.n_iter.sum() < result.n_iter.sum()
    # A poor start is left again.
    poor = solver.solve(X, dictionary, penalty, codes=np.ones_like(result.codes))
    assert poor.certificate.relative_gap.max() <= 1.1 * tol


@pytest.mark.parametrize(
    ("solver", "penalty"),
    [
        (FeatureSign(), L1(0.2)),
        (CoordinateDescent(), L1(0.2)),
        (FISTA(), L1(0.2)),
        (OMP(), KSparse(3)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_missing_entries(many, solver, penalty):
    X, dictionary = make_problem()
    X[::2, 3], X[1, 5:] = np.nan, np.nan
    whole = solver.solve(X, dictionary, penalty, missing=True)
    many()
    result = solver.solve(X, dictionary, penalty, missing=True)
    judged, expected = result.certificate, whole.certificate
    np.testing.assert_allclose(judged.objective, expected.objective, rtol=1e-5)
    if penalty.convex:
        assert judged.relative_gap.max() <= 1e-6


@pytest.mark.parametrize("cls", [FeatureSign, CoordinateDescent, Homotopy])
def test_history_ends_with_the_code_returned(many, cls):
    X, dictionary = make_problem()
    many()
    result = cls().solve(X, dictionary, L1(0.2), record=True)
    objective, stop = result.history["objective"], result.history["stop"]
    assert len(objective) == result.n_iter.max() + 1
    assert np.isfinite(objective).all() and np.isfinite(stop).all()
    np.testing.assert_allclose(objective[-1], result.certificate.objective, rtol=1e-9)
    np.testing.assert_allclose(stop[-1], result.certificate.relative_gap, atol=1e-9)
    half_squared_norm = result.certificate.half_squared_norm
    np.testing.assert_allclose(objective[0], half_squared_norm)
    assert (objective[-1] <= objective[0]).all()


@pytest.mark.parametrize("cls", [FeatureSign, Homotopy, CoordinateDescent])
def test_a_tolerance_of_0_ends_at_the_optimum(many, cls):
    X, dictionary = make_problem()
    many()
    result = cls(tol=0).solve(X, dictionary, L1(0.2))
    assert result.certificate.relative_gap.max() <= 1e-12


def test_iterations_are_bounded_by_the_sum_of_all_rounds(many):
    X, dictionary = make_problem()
    many()
    with pytest.warns(match="did not reach"):
        result = CoordinateDescent(max_iter=3).solve(X, dictionary, L1(0.02))
    assert result.n_iter.max() <= 3
    stopped = ~result.converged
    assert (result.certificate.relative_gap[stopped] > 1e-6).all()


def test_notes_of_a_sample():
    """An objective counts as lower only beyond rounding; tries are those in a row."""
    sample = atom_subsets._Sample(np.array([2]))
    for objective, tries, lowest in ((3.0, 0, 3.0), (2.95, 1, 2.95), (3.5, 2, 2.95), (2.0, 0, 2.0)):
        sample.note(objective, 0.1)
        assert (sample.tries, sample.lowest) == (tries, lowest)
    assert sample.rounds == 4
    sample.join(np.array([5, 1]), np.dtype(float))
    assert sample.atoms.tolist() == [2, 5, 1]


def test_a_sample_that_does_not_get_better_is_tried_more_strictly(many, monkeypatch):
    X, dictionary = make_problem(n_samples=1)
    many()
    tolerances, sizes = [], []

    def rest(solver, problem, prepared, block):
        tolerances.append(solver.tol)
        sizes.append(problem.dictionary.n_components)

    monkeypatch.setattr(CoordinateDescent, "_solve_block", rest)
    with pytest.warns(match="did not reach"):
        result = CoordinateDescent(tol=1e-3).solve(X, dictionary, L1(0.2))
    assert not result.codes.any()
    np.testing.assert_allclose(tolerances, 3e-4 * 0.1 ** np.arange(4))
    # Four atoms join at first, then as many as there are.
    assert sizes[:3] == [4, 8, 16]


def test_restricted_penalties():
    codes = np.zeros((1, 6))
    atoms = np.array([4, 1, 3])
    codes[0, atoms] = 0.7, -0.2, 1.5
    for penalty in (L1(0.3), L1(0.3, np.arange(6.0)), ElasticNet(), L0(2.0), MCP(), Cauchy()):
        some = penalty.for_atoms(atoms)
        np.testing.assert_allclose(some.value(codes[:, atoms]), penalty.value(codes))
        np.testing.assert_allclose(some.prox(codes[:, atoms]), penalty.prox(codes)[:, atoms])
    with pytest.raises(TypeError, match="not a sum over coefficients"):
        GroupL1().for_atoms(atoms)


def test_every_solver_is_tried():
    classes = {
        cls
        for name, cls in vars(all_solvers).items()
        if inspect.isclass(cls) and issubclass(cls, all_solvers.Solver) and name != "Solver"
    }
    assert classes == {type(solver) for solver, _ in CASES}


# Its Gram matrix would have 3 GiB.
N_MANY = 20_000


@pytest.fixture(scope="module")
def large():
    rng = np.random.default_rng(0)
    dictionary = Dictionary.random(N_MANY, 12, random_state=1)
    return rng.standard_normal((2, 12)), dictionary


@pytest.mark.needs_jit
@pytest.mark.parametrize(
    ("solver", "penalty"),
    [
        (FeatureSign(), L1(0.5)),
        (FeatureSign(), ElasticNet(0.5, 0.9)),
        (CoordinateDescent(), L1(0.5)),
        (Homotopy(), L1(0.5)),
        (FISTA(tol=1e-2), L1(0.5)),
        (OMP(), KSparse(4)),
    ],
    ids=lambda value: str(value)[:30],
)
def test_many_atoms_take_little_memory(large, solver, penalty):
    X, dictionary = large
    solver.solve(X[:1], dictionary, penalty)
    tracemalloc.start()
    try:
        result = solver.solve(X, dictionary, penalty, n_jobs=1, sparse_output=True)
        gap = result.certificate.relative_gap
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.converged.all()
    assert gap is None or gap.max() <= result.tol
    # Atoms have 2 MB; a Gram matrix would have 3200.
    assert peak < 2**26


def test_dense_codes_are_refused_before_any_work_where_the_gram_matrix_is_too_large():
    dictionary = Dictionary.random(30_000, 2, random_state=0)
    for penalty in (Cauchy(1.0), ElasticNet(1.0, 0.0)):
        with pytest.raises(ValueError, match=r"30000 atoms, whose Gram matrix has 6\.7 GiB.*FISTA"):
            CoordinateDescent().solve(np.ones((1, 2)), dictionary, penalty)
    result = ADMM().solve(np.ones((1, 2)), dictionary, ElasticNet(1.0, 0.0))
    assert result.certificate.relative_gap.max() <= 1e-6


def test_properties_of_many_atoms(large):
    _, dictionary = large
    few = Dictionary(dictionary.atoms[:500])
    table = np.abs(few.atoms @ few.atoms.T) - np.eye(500)
    assert few.coherence == pytest.approx(table.max())
    assert dictionary.lipschitz >= few.lipschitz
    doubled = Dictionary(np.vstack([dictionary.atoms, 0.3 * dictionary.atoms[[7]]]))
    assert doubled.coherence == pytest.approx(1.0)


@pytest.mark.needs_jit
def test_estimators_and_functions_on_many_atoms(large):
    X, dictionary = large
    alpha = 0.3 * alpha_max(X, dictionary)
    coder = SparseCoder(dictionary, alpha=alpha, sparse_output=True).fit(X)
    assert coder.certify(X).relative_gap.max() <= 1e-6
    codes = dropin.sparse_encode(X, dictionary.atoms, alpha=alpha)
    np.testing.assert_allclose(codes, coder.transform(X).toarray(), atol=1e-3)
    assert (
        np.count_nonzero(
            dropin.sparse_encode(X, dictionary.atoms, algorithm="lars", n_nonzero_coefs=3), axis=1
        )
        == 3
    ).all()
    learner = DictionaryLearning(N_MANY, alpha=alpha, n_epochs=2, random_state=0)
    rng = np.random.default_rng(1)
    samples = rng.standard_normal((300, 12))
    learner.fit(samples)
    # Each sample is an atom of the start, so that there is little to learn.
    first, second = learner.history_["objective"]
    assert second <= first * (1 + 1e-9)


def test_least_angle_regression_without_the_gram_matrix(many):
    X, dictionary = make_problem()
    atoms = dictionary.atoms
    whole = dropin.sparse_encode(X, atoms, algorithm="lars", n_nonzero_coefs=4)
    many()
    codes = dropin.sparse_encode(X, atoms, algorithm="lars", n_nonzero_coefs=4)
    np.testing.assert_allclose(codes, whole, atol=1e-10)
