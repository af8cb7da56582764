"""The judge: its objective, gap and residual against independent computations."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import minimize, nnls
from sklearn.linear_model import ElasticNet as SklearnElasticNet
from sklearn.linear_model import Lasso

from sparsecode import Dictionary, alpha_max, certify, penalties
from sparsecode._judge import Judge
from sparsecode.objective import Certificate, objective
from sparsecode.penalties import L0, L1, MCP, Cauchy, ElasticNet, GroupL1, KSparse, LogSum, Simplex

N_FEATURES, N_ATOMS = 6, 9
WEIGHTS = np.array([0.0, 0.5, 1.0, 2.0, 1.0, 0.0, np.inf, 1.0, 3.0])
CONVEX = [
    L1(0.3),
    L1(0.3, positive=True),
    L1(0.3, weights=WEIGHTS),
    L1(0.3, weights=WEIGHTS, positive=True),
    ElasticNet(0.5, l1_ratio=0.4),
    ElasticNet(0.5, l1_ratio=0.4, positive=True),
    ElasticNet(0.5, l1_ratio=0.0),
    ElasticNet(0.5, l1_ratio=1.0),
    L1(0.0),
    L1(0.0, positive=True),
    ElasticNet(0.0),
]
OTHERS = [L0(0.1), LogSum(0.2), Cauchy(0.2)]


def split(penalty):
    """Weights of the l1 and of the squared l2 part, one an atom, and the sign constraint."""
    if isinstance(penalty, L1):
        weights = np.ones(N_ATOMS) if penalty.weights is None else np.asarray(penalty.weights)
        with np.errstate(invalid="ignore"):
            l1 = np.where(np.isinf(weights), np.inf, penalty.alpha * weights)
        return l1, np.zeros(N_ATOMS), penalty.positive
    l1 = np.full(N_ATOMS, penalty.alpha * penalty.l1_ratio)
    return l1, np.full(N_ATOMS, penalty.alpha * (1 - penalty.l1_ratio)), penalty.positive


def excess(sizes, weights):
    """Factor by which correlations of these sizes exceed what a weight allows, 1 at least."""
    return max([1.0, *(sizes[weights > 0] / weights[weights > 0])])


def best_dual_value(x, free, z, atoms, penalty):
    """Dual of the problem, ``x @ t - t @ t / 2 - g*(atoms @ t)``, at feasible multiples of r.

    `r` is the residual of the code less what free atoms can explain.
    """
    r = x - z @ atoms
    if free.any():
        fit = nnls(atoms[free].T, r)[0] if split(penalty)[2] else np.linalg.pinv(atoms[free].T) @ r
        r = r - fit @ atoms[free]
    l1, ridge, positive = split(penalty)

    def sizes(correlations):
        return np.maximum(correlations, 0) if positive else np.abs(correlations)

    bounded = ~free & (ridge == 0)
    factors = {excess(sizes(atoms @ r)[bounded], l1[bounded])}
    if (ridge > 0).any() and (l1 > 0).all():
        factors.add(excess(sizes(atoms @ r - ridge * z), l1))
    values = []
    for factor in factors:
        t = r / factor
        over = np.maximum(sizes(atoms @ t) - l1, 0)[ridge > 0]
        values.append(x @ t - t @ t / 2 - (over**2 / (2 * ridge[ridge > 0])).sum())
    return max(values)


@pytest.mark.parametrize("penalty", CONVEX, ids=repr)
def test_gap_is_primal_minus_dual(X, frame, penalty, rng):
    """At random codes, from the conjugate of the penalty as it is written above."""
    l1, ridge, positive = split(penalty)
    free, allowed = (l1 == 0) & (ridge == 0), np.isfinite(l1)
    atoms = frame * rng.uniform(0.5, 2, (N_ATOMS, 1))
    offset = rng.standard_normal(N_FEATURES)
    for size in (0.0, 0.01, 0.3, 2.0):
        codes = size * rng.standard_normal((len(X), N_ATOMS)) * allowed
        codes = np.abs(codes) if positive else codes
        values = np.abs(codes[:, allowed]) @ l1[allowed] + codes**2 @ ridge / 2
        primal = ((X - codes @ atoms) ** 2).sum(axis=1) / 2 + values
        dual = [best_dual_value(x, free, z, atoms, penalty) for x, z in zip(X, codes, strict=True)]
        certificate = certify(X + offset, codes, Dictionary(atoms, offset), penalty)
        np.testing.assert_allclose(certificate.objective, primal, rtol=1e-10)
        # Both are differences of such numbers, and 0 where the code is optimal.
        gap, atol = primal - dual, 1e-12 * primal.max()
        np.testing.assert_allclose(certificate.gap, gap, rtol=1e-7, atol=atol)


def test_gap_of_groups_is_primal_minus_dual(X, frame, rng):
    """The conjugate of the norm of a group is 0 up to its weight, and infinite beyond."""
    labels, weights = np.array([0, 1, 1, 2, 0, 2, 2, 1, 0]), np.array([0.5, 1.0, 2.0])
    for size in (0.0, 0.01, 0.3, 2.0):
        codes = size * rng.standard_normal((len(X), N_ATOMS))
        residual = X - codes @ frame
        groups = [labels == k for k in range(3)]
        norms = np.array([np.linalg.norm((residual @ frame.T)[:, g], axis=1) for g in groups])
        t = residual / np.maximum(1, (norms.T / (0.3 * weights)).max(axis=1))[:, None]
        value = 0.3 * sum(
            w * np.linalg.norm(codes[:, g], axis=1) for w, g in zip(weights, groups, strict=True)
        )
        primal = (residual**2).sum(axis=1) / 2 + value
        dual = (X * t).sum(axis=1) - (t**2).sum(axis=1) / 2
        gap = certify(X, codes, frame, GroupL1(0.3, labels, weights)).gap
        np.testing.assert_allclose(gap, primal - dual, rtol=1e-9, atol=1e-12 * primal.max())


@pytest.mark.parametrize("penalty", CONVEX + OTHERS, ids=repr)
def test_missing_entries_are_left_out_of_the_problem(X, frame, penalty, rng):
    offset = rng.standard_normal(N_FEATURES)
    codes = penalty.prox(rng.standard_normal((len(X), N_ATOMS)))
    seen = rng.random(X.shape) < 0.7
    certificate = certify(
        np.where(seen, X, np.nan), codes, Dictionary(frame, offset), penalty, missing=True
    )
    for i, here in enumerate(seen):
        rest = Dictionary(frame[:, here], offset[here])
        expected = certify(X[i : i + 1, here], codes[i : i + 1], rest, penalty)
        for name in ("objective", "gap", "half_squared_norm", "correlation"):
            if name != "gap" or penalty.convex:
                got = getattr(certificate, name)[i : i + 1]
                np.testing.assert_allclose(got, getattr(expected, name), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("penalty", CONVEX + OTHERS, ids=repr)
def test_claims_are_those_of_the_certificate(X, frame, penalty, rng):
    """What a solver compares and stops by is what is told of its codes."""
    dictionary = Dictionary(frame, rng.standard_normal(N_FEATURES))
    codes = penalty.prox(rng.standard_normal((len(X), N_ATOMS)))
    certificate = certify(X, codes, dictionary, penalty)
    judge = Judge(dictionary, penalty, False)
    values, zero_values, measures = judge.claim(X, codes, penalty)
    np.testing.assert_allclose(values, certificate.objective)
    np.testing.assert_allclose(zero_values, certificate.half_squared_norm)
    relative = certificate.relative_gap if penalty.convex else certificate.relative_residual
    np.testing.assert_allclose(measures, relative)
    for got, expected in zip(judge.value(X, codes, penalty), (values, zero_values), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_rows_may_have_limits_of_their_own(X, frame):
    """One more nonzero than each row is allowed, or just as many."""
    limits = np.arange(len(X)) % 3 + 1
    codes = (np.arange(N_ATOMS) < limits[:, None]).astype(float)
    expected = ((X - codes @ frame) ** 2).sum(axis=1) / 2
    for value in (objective, lambda *given: certify(*given).objective):
        np.testing.assert_allclose(value(X, codes, frame, KSparse(limits)), expected)
        assert np.isinf(value(X, codes, frame, KSparse(np.maximum(limits - 1, 1)))[1:3]).all()


def test_every_convex_penalty_has_its_gap_compared():
    every = [getattr(penalties, name) for name in penalties.__all__]
    # Those of groups and of the simplex are, where their optima are known.
    compared = {type(penalty) for penalty in CONVEX} | {GroupL1, Simplex}
    assert {penalty for penalty in every if penalty.convex} == compared


@pytest.fixture(scope="module")
def optimal_codes():
    """`solved_by_scipy`, once for each problem of this file."""
    known = {}

    def solve(X, atoms, penalty):
        key = X.tobytes(), atoms.tobytes(), repr(penalty)
        if key not in known:
            known[key] = solved_by_scipy(X, atoms, penalty)
        return known[key].copy()

    return solve


def solved_by_scipy(X, atoms, penalty):
    """Optimal codes by L-BFGS-B on split signs: z = plus - minus, both non-negative."""
    l1, ridge, positive = split(penalty)
    allowed = np.isfinite(l1)
    used, cost, ridge = atoms[allowed], l1[allowed], ridge[allowed]
    n = len(used)
    codes = np.zeros((len(X), N_ATOMS))
    for row, x in enumerate(X):

        def loss(parts, x=x):
            z = parts[:n] - parts[n:]
            r = z @ used - x
            smooth = r @ used.T + ridge * z
            value = r @ r / 2 + cost @ (parts[:n] + parts[n:]) + (ridge * z * z).sum() / 2
            return value, np.concatenate([smooth + cost, cost - smooth])

        top = 0 if positive else None
        bounds = [(0, None)] * n + [(0, top)] * n
        options = {"maxiter": 20000, "maxfun": 50000, "ftol": 1e-16, "gtol": 1e-10, "maxcor": 30}
        found = minimize(
            loss, np.zeros(2 * n), jac=True, bounds=bounds, method="L-BFGS-B", options=options
        )
        codes[row, allowed] = found.x[:n] - found.x[n:]
    return codes


@pytest.mark.parametrize("penalty", CONVEX, ids=repr)
def test_gap_vanishes_at_an_independent_solution(X, frame, penalty, optimal_codes):
    certificate = certify(X, optimal_codes(X, frame, penalty), frame, penalty)
    assert certificate.relative_gap.max() < 1e-5
    assert certificate.relative_residual.max() < 1e-4


@pytest.mark.parametrize("penalty", CONVEX, ids=repr)
@pytest.mark.parametrize("noise", [1e-6, 1e-3, 0.1, 10.0])
def test_gap_bounds_the_suboptimality(X, frame, penalty, noise, rng, optimal_codes):
    best = optimal_codes(X, frame, penalty)
    codes = penalty.prox(best + noise * rng.standard_normal(best.shape), 1e-12)
    certificate = certify(X, codes, frame, penalty)
    optimum = objective(X, best, frame, penalty)
    assert (certificate.gap >= certificate.objective - optimum - 1e-12).all()
    assert (certificate.gap >= 0).all()


@pytest.mark.parametrize("positive", [False, True])
def test_gap_of_sklearn_lasso(X, frame, positive):
    alpha = 0.2
    model = Lasso(
        alpha / N_FEATURES, fit_intercept=False, positive=positive, tol=1e-14, max_iter=10**6
    )
    codes = np.array([model.fit(frame.T, x).coef_ for x in X])
    certificate = certify(X, codes, frame, L1(alpha, positive=positive))
    assert certificate.relative_gap.max() < 1e-12


def test_gap_of_sklearn_elastic_net(X, frame):
    alpha, ratio = 0.3, 0.7
    model = SklearnElasticNet(
        alpha / N_FEATURES, l1_ratio=ratio, fit_intercept=False, tol=1e-14, max_iter=10**6
    )
    codes = np.array([model.fit(frame.T, x).coef_ for x in X])
    assert certify(X, codes, frame, ElasticNet(alpha, ratio)).relative_gap.max() < 1e-12


@pytest.mark.parametrize("penalty", [L1(0.0, positive=True), ElasticNet(0.0, positive=True)])
def test_gap_of_non_negative_least_squares(X, frame, penalty):
    codes = np.array([nnls(frame.T, x)[0] for x in X])
    assert certify(X, codes, frame, penalty).relative_gap.max() < 1e-12


@pytest.mark.parametrize("penalty", CONVEX + OTHERS, ids=repr)
def test_objective_is_the_formula(X, frame, penalty, rng):
    codes = penalty.prox(rng.standard_normal((len(X), N_ATOMS)))
    offset = rng.standard_normal(N_FEATURES)
    dictionary = Dictionary(frame, offset)
    expected = [
        0.5 * np.sum((x - offset - z @ frame) ** 2) + penalty.value(z[None])[0]
        for x, z in zip(X, codes, strict=True)
    ]
    certificate = certify(X, codes, dictionary, penalty)
    np.testing.assert_allclose(certificate.objective, expected, rtol=1e-12)
    np.testing.assert_allclose(objective(X, codes, dictionary, penalty), expected, rtol=1e-12)
    np.testing.assert_allclose(
        certificate.half_squared_norm, 0.5 * np.sum((X - offset) ** 2, axis=1)
    )
    largest = np.abs((X - offset) @ frame.T).max(axis=1)
    np.testing.assert_allclose(certificate.correlation, largest)
    assert (certificate.gap is None) == (not penalty.convex)
    assert (certificate.relative_gap is None) == (not penalty.convex)


def test_gap_of_an_infeasible_code_is_infinite(X, frame):
    codes = np.full((len(X), N_ATOMS), -1.0)
    certificate = certify(X, codes, frame, L1(0.1, positive=True))
    assert np.isinf(certificate.gap).all() and np.isinf(certificate.objective).all()


@pytest.mark.parametrize("penalty", OTHERS, ids=repr)
def test_residual_of_a_stationary_point(frame, penalty):
    """With one unit atom the scalar minimiser is known from a grid."""
    x = np.array([[1.7]])
    grid = np.linspace(0, 2, 2_000_001)
    values = 0.5 * (x[0, 0] - grid) ** 2 + penalty.value(grid[:, None])
    best = grid[values.argmin()]
    assert certify(x, [[best]], [[1.0]], penalty).residual[0] < 2e-6
    assert certify(x, [[best + 0.1]], [[1.0]], penalty).residual[0] > 0.01


def test_residual_is_the_gradient_away_from_kinks(X, frame, rng):
    codes = rng.choice([-30.0, 30.0], (len(X), N_ATOMS))
    X = X + codes @ frame
    gradient = (codes @ frame - X) @ frame.T + 0.3 * np.sign(codes)
    residual = certify(X, codes, frame, L1(0.3)).residual
    np.testing.assert_allclose(residual, np.abs(gradient).max(axis=1), rtol=1e-9)


@pytest.mark.parametrize("penalty", [L0(1e-3), MCP(1e-3), L0(0.0)], ids=repr)
def test_steps_that_are_lost_in_large_codes_are_told(penalty):
    """Near-collinear atoms whose codes cancel: a step of 5e-10 is less than half a unit of 1e8."""
    certificate = certify([[1e-9, 1.0]], [[-1e8, 1e8]], [[1.0, 0.0], [1.0, 1e-8]], penalty)
    assert certificate.residual[0] == pytest.approx(1e-9, rel=1e-6)


@given(scale=st.floats(1e-6, 1e6), seed=st.integers(0, 100))
def test_scaling_the_data(scale, seed):
    """Data and codes times s, l1 weight times s: the objective scales by s^2."""
    rng = np.random.default_rng(seed)
    X, codes = rng.standard_normal((2, 6)), rng.standard_normal((2, 9))
    atoms = rng.standard_normal((9, 6))
    one = certify(X, codes, atoms, L1(0.3))
    other = certify(scale * X, scale * codes, atoms, L1(scale * 0.3))
    np.testing.assert_allclose(other.objective, scale**2 * one.objective)
    np.testing.assert_allclose(other.gap, scale**2 * one.gap, rtol=1e-9)
    np.testing.assert_allclose(other.residual, scale * one.residual, rtol=1e-6)
    np.testing.assert_allclose(other.relative_gap, one.relative_gap, rtol=1e-9)
    np.testing.assert_allclose(other.relative_residual, one.relative_residual, rtol=1e-6)


@pytest.mark.parametrize("penalty", [L1(0.3), ElasticNet(0.3), LogSum(0.3), Cauchy(0.2)], ids=repr)
def test_permuting_atoms_and_rotating_features(X, frame, penalty, rng):
    codes = rng.standard_normal((len(X), N_ATOMS))
    order = rng.permutation(N_ATOMS)
    rotation = np.linalg.qr(rng.standard_normal((N_FEATURES, N_FEATURES)))[0]
    one = certify(X, codes, frame, penalty)
    other = certify(X @ rotation, codes[:, order], frame[order] @ rotation, penalty)
    np.testing.assert_allclose(other.objective, one.objective, rtol=1e-10)
    np.testing.assert_allclose(other.residual, one.residual, rtol=1e-8)
    if penalty.convex:
        np.testing.assert_allclose(other.gap, one.gap, rtol=1e-8)


def test_is_computed_in_float64(X, frame):
    X32, atoms32 = X.astype(np.float32), frame.astype(np.float32)
    codes = np.zeros((len(X), N_ATOMS), dtype=np.float32)
    certificate = certify(X32, codes, atoms32, L1(0.1))
    for array in (certificate.objective, certificate.gap, certificate.residual):
        assert array.dtype == np.float64
    exact = 0.5 * np.sum(X32.astype(np.float64) ** 2, axis=1)
    np.testing.assert_allclose(certificate.objective, exact, rtol=1e-15)


def test_does_not_depend_on_threads_or_write(X, frame):
    X = np.tile(X, (400, 1))
    codes = np.tile(np.linspace(-1, 1, N_ATOMS), (len(X), 1))
    X.flags.writeable = codes.flags.writeable = False
    one, two = (certify(X, codes, frame, L1(0.1), n_jobs=n_jobs) for n_jobs in (1, 2))
    for name in ("objective", "gap", "residual", "half_squared_norm", "correlation"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    values = objective(X, codes, frame, L1(0.1), n_jobs=2)
    np.testing.assert_allclose(values, one.objective, rtol=1e-14)


@pytest.mark.parametrize("penalty", [L1(0.3), L0(0.1)], ids=repr)
def test_relative_measures_are_shares_of_their_units(X, frame, penalty, rng):
    certificate = certify(X, rng.standard_normal((len(X), N_ATOMS)), frame, penalty)
    share = certificate.residual / certificate.correlation
    np.testing.assert_allclose(certificate.relative_residual, share)
    if penalty.convex:
        np.testing.assert_allclose(
            certificate.relative_gap, certificate.gap / certificate.half_squared_norm
        )
    bare = replace(certificate, _ratios=None)
    np.testing.assert_allclose(bare.relative_residual, share)
    if penalty.convex:
        np.testing.assert_allclose(
            bare.relative_gap, certificate.gap / certificate.half_squared_norm
        )


@pytest.mark.parametrize("penalty", [L1(0.3), L0(0.1)], ids=repr)
def test_certificates_of_parts_are_joined(X, frame, penalty, rng):
    codes = rng.standard_normal((len(X), N_ATOMS))
    whole = certify(X, codes, frame, penalty)
    for ends in ([(0, len(X))], [(0, 1), (1, len(X))]):
        parts = [certify(X[i:j], codes[i:j], frame, penalty) for i, j in ends]
        joined = Certificate.joined(parts)
        for name in ("objective", "gap", "residual", "relative_gap", "relative_residual"):
            got, expected = getattr(joined, name), getattr(whole, name)
            assert (got is None) == (expected is None)
            if got is not None:
                np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_alpha_max_is_that_of_the_largest_of_many_samples(X, frame):
    many = np.tile(0.1 * X, (2000 // len(X), 1))
    many[1500] = 3 * X[0]
    assert alpha_max(many, frame) == pytest.approx(3 * np.abs(X[0] @ frame.T).max())


@pytest.mark.parametrize("exponent", [-300, -30, 0, 30, 300])
def test_alpha_max_follows_the_units_of_atoms_and_samples(X, frame, exponent):
    limit = alpha_max(X, frame)
    assert alpha_max(X, frame * 2.0**exponent) == limit * 2.0**exponent
    assert alpha_max(X * 2.0**exponent, frame) == limit * 2.0**exponent


def test_relative_measures_of_a_zero_sample():
    certificate = certify([[0.0, 0.0]], [[0.0]], [[1.0, 0.0]], L1(0.1))
    assert certificate.relative_gap[0] == 0 and certificate.relative_residual[0] == 0
    certificate = certify([[0.0, 0.0]], [[1.0]], [[1.0, 0.0]], L1(0.1))
    assert np.isinf(certificate.relative_gap[0]) and np.isinf(certificate.relative_residual[0])


@pytest.mark.parametrize("positive", [False, True])
def test_alpha_max_is_the_edge(X, frame, positive):
    zeros = np.zeros((len(X), N_ATOMS))
    for penalty in (L1(positive=positive), ElasticNet(l1_ratio=0.5, positive=positive)):
        limit = alpha_max(X, frame, penalty)
        at, below = penalty.scaled(limit * (1 + 1e-9)), penalty.scaled(limit * 0.99)
        assert certify(X, zeros, frame, at).gap.max() < 1e-12
        assert certify(X, zeros, frame, below).gap.max() > 1e-9
    correlations = X @ frame.T
    sizes = correlations if positive else np.abs(correlations)
    assert alpha_max(X, frame, L1(positive=positive)) == pytest.approx(sizes.max())


def test_alpha_max_of_weights_and_offset(X, frame):
    offset = np.arange(6.0)
    limit = alpha_max(X + offset, Dictionary(frame, offset), L1(weights=WEIGHTS + 0.5))
    expected = (np.abs(X @ frame.T) / (WEIGHTS + 0.5)).max()
    assert limit == pytest.approx(expected)
    assert np.isinf(alpha_max(X, frame, L1(weights=WEIGHTS)))
    assert alpha_max(0 * X, frame) == 0


@pytest.mark.parametrize("penalty", [L0, LogSum, Cauchy, ElasticNet(l1_ratio=0)])
def test_alpha_max_may_not_exist(X, frame, penalty):
    with pytest.raises(TypeError, match=r"has no alpha_max.*Use L1"):
        alpha_max(X, frame, penalty)


@pytest.mark.parametrize("function", [certify, objective])
def test_errors_say_what_to_do(X, frame, function):
    with pytest.raises(ValueError, match=r"codes has shape .* expected shape .* Encode X"):
        function(X, np.zeros((len(X), 4)), frame, L1())
    with pytest.raises(ValueError, match="X has 5 columns; expected 6"):
        function(X[:, :5], np.zeros((len(X), 9)), frame, L1())
    with pytest.raises(ValueError, match="NaN"):
        function(X, np.full((len(X), 9), np.nan), frame, L1())
    with pytest.raises(ValueError, match="weights of L1"):
        function(X, np.zeros((len(X), 9)), frame, L1(weights=[1.0, 2.0]))


def test_alpha_max_with_missing_entries(X, frame):
    holes = X.copy()
    holes[0, :2] = np.nan
    dictionary = Dictionary(frame, offset=np.arange(6.0))
    with pytest.raises(ValueError, match="NaN"):
        alpha_max(holes, dictionary)
    rest = alpha_max(X[1:], dictionary)
    first = alpha_max(X[:1, 2:], Dictionary(frame[:, 2:], offset=np.arange(2.0, 6.0)))
    assert alpha_max(holes, dictionary, missing=True) == pytest.approx(max(first, rest))


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("made_of", [np.asarray, sparse.csr_array])
def test_overflow_shows(X, frame, made_of, missing):
    codes = np.zeros((len(X), 9))
    codes[0, 0], codes[1, :2] = 1e300, [1e300, -1e300]
    # Of the first sample the square overflows, of the second the product itself.
    atoms = np.r_[[np.full(6, 1e9)] * 2, frame[2:]]
    with np.errstate(over="ignore", invalid="ignore"):
        values = objective(X, made_of(codes), atoms, L1(0.1), missing=missing)
        certificate = certify(X[2:], made_of(codes[2:]), atoms, L1(0.1), missing=missing)
    assert not np.isfinite(values[:2]).any()
    np.testing.assert_allclose(values[2:], np.square(X[2:]).sum(axis=1) / 2)
    np.testing.assert_array_equal(certificate.objective, values[2:])


def test_sparse_codes_have_the_objective_of_dense_ones(X, frame, rng):
    codes = rng.standard_normal((len(X), 9)) * (rng.random((len(X), 9)) < 0.3)
    holes = np.where(rng.random(X.shape) < 0.2, np.nan, X)
    dictionary = Dictionary(frame, offset=np.arange(6.0))
    for penalty in (L1(0.3, weights=np.arange(9.0)), L0(0.1)):
        expected = certify(holes, codes, dictionary, penalty, missing=True).objective
        for same in (codes, np.asfortranarray(codes), sparse.csr_array(codes)):
            got = objective(holes, same, dictionary, penalty, missing=True)
            np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_alpha_max_without_a_dictionary_is_the_largest_of_all_dictionaries(rng):
    X = rng.standard_normal((5, 6))
    largest = alpha_max(X)
    directions = X / np.linalg.norm(X, axis=1, keepdims=True)
    assert largest == pytest.approx(alpha_max(X, directions))
    assert alpha_max(X, Dictionary.random(50, 6, random_state=0)) <= largest
    assert alpha_max(X, penalty=ElasticNet(l1_ratio=0.5)) == pytest.approx(2 * largest)
    gaps = X.copy()
    gaps[:, 0] = np.nan
    assert alpha_max(gaps, missing=True) == pytest.approx(np.linalg.norm(X[:, 1:], axis=1).max())
    for penalty in (GroupL1(), L1(weights=[1.0, 2.0])):
        with pytest.raises(
            ValueError, match=r"dictionary is None, but .* gives coefficients different weights"
        ):
            alpha_max(X, penalty=penalty)


@pytest.mark.parametrize("positive", [False, True])
def test_free_atoms_of_very_different_norms(positive):
    atoms, penalty = [[1e9, 0], [0, 1e-9]], L1(0.0, positive=positive)
    assert certify([[0, 1]], [[0, 0]], atoms, penalty).gap == pytest.approx([0.5])
    assert certify([[0, 1]], [[0, 1e9]], atoms, penalty).gap == pytest.approx([0])


def test_projections_on_cones_hold_where_nnls_ends_early():
    """At the optimum, whose correlations are 0 up to rounding."""
    for seed in (112, 118, 159, 182, 195, 202, 224, 234):
        rng = np.random.default_rng(seed)
        atoms = np.linalg.qr(rng.standard_normal((9, 6)))[0]
        atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
        x = rng.standard_normal(6)
        code = nnls(atoms.T, x)[0]
        assert certify([x], [code], atoms, L1(0.0, positive=True)).relative_gap[0] < 1e-12
