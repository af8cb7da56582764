"""Every penalty against formulas in plain NumPy: values, slopes, proxes, duals, units, kinds."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from sparsecode import penalties
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
from sparsecode.testing import check_penalty


def mcp(knot):
    return (
        lambda z: np.where(z < knot, z - z**2 / (2 * knot), knot / 2),
        lambda z: np.maximum(1 - z / knot, 0),
    )


def scad(knot, a):
    low = knot / a
    return (
        lambda z: np.select(
            [z <= low, z < knot],
            [z, z - (z - low) ** 2 / (2 * (knot - low))],
            (low + knot) / 2,
        ),
        lambda z: np.clip((knot - z) / (knot - low), 0, 1),
    )


# Penalty of alpha = 0.7, and g / alpha and its slope, of the size of a coefficient.
FORMULAS = [
    (L0(0.7), lambda z: 1.0 * (z > 0), lambda z: 0 * z),
    (L1(0.7), lambda z: z, lambda z: 1 + 0 * z),
    *[
        (
            ElasticNet(0.7, r),
            lambda z, r=r: r * z + (1 - r) * z**2 / 2,
            lambda z, r=r: r + (1 - r) * z,
        )
        for r in (0.0, 0.3, 1.0)
    ],
    *[
        (
            Cauchy(0.7, s),
            lambda z, s=s: np.log1p((z / s) ** 2),
            lambda z, s=s: 2 * z / (s**2 + z**2),
        )
        for s in (0.2, 0.8, 3.0)
    ],
    *[
        (LogSum(0.7, e), lambda z, e=e: np.log(1 + z / e), lambda z, e=e: 1 / (e + z))
        for e in (0.2, 0.7, 3.0)
    ],
    *[(MCP(0.7, knot), *mcp(knot)) for knot in (0.25, 1.5, 4.0)],
    *[(SCAD(0.7, knot, a), *scad(knot, a)) for knot, a in ((0.25, 2.0), (1.5, 1.5), (4.0, 4.0))],
    *[
        (
            Tanh(0.7, s),
            lambda z, s=s: np.tanh(s * z),
            lambda z, s=s: s / np.cosh(np.minimum(s * z, 300)) ** 2,
        )
        for s in (0.4, 1.5, 6.0)
    ],
]
formulas = pytest.mark.parametrize(
    ("penalty", "g", "slope"), FORMULAS, ids=[repr(case[0]) for case in FORMULAS]
)
SIZES = np.array([0.0, 0.05, 0.25, 0.6, 1.0, 1.5, 2.2, 4.0, 7.0])


def lowest(cost, slope, sizes):
    """Lowest cost between 0 and each size: at an end, or at a root that bisection finds."""
    low = np.linspace(0, 1, 400)[:-1, None] * sizes + 1e-15
    high = np.linspace(0, 1, 400)[1:, None] * sizes
    rises = (slope(low) < 0) & (slope(high) > 0)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = np.where(slope(middle) < 0, (middle, high), (low, middle))
    found = np.where(rises, cost(high), np.inf).min(axis=0)
    return np.minimum(found, np.minimum(cost(0 * sizes), cost(sizes)))


@formulas
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_value_and_slope(penalty, g, slope, dtype):
    codes, eps = np.concatenate([SIZES, -SIZES])[:, None].astype(dtype), np.finfo(dtype).eps
    size = np.abs(codes).astype(np.float64)
    np.testing.assert_allclose(penalty.value(codes), 0.7 * g(size)[:, 0], rtol=9 * eps, atol=eps)
    expected = 0.7 * np.sign(codes) * slope(size)
    np.testing.assert_allclose(penalty.grad(codes), expected, rtol=20 * eps, atol=9 * eps)
    # Rows are sums.
    rows = codes.reshape(3, 6)
    expected = 0.7 * g(np.abs(rows).astype(np.float64)).sum(axis=1)
    np.testing.assert_allclose(penalty.value(rows), expected, rtol=9 * eps)


@formulas
@pytest.mark.parametrize("step", [0.3, 1.0, 2.5, 40.0])
def test_prox_has_the_lowest_cost(penalty, g, slope, step):
    """To rounding, so that an iteration that stops early is seen."""
    t = 0.7 * step
    jump = np.sqrt(2 * t)
    sizes = np.concatenate([SIZES, np.linspace(0.01, 3, 40) * jump, [1e-9, 20.0, 1e3]])

    def cost(u):
        return u * (u / 2 - sizes) + t * g(u)

    best = lowest(cost, lambda u: u - sizes + t * slope(u), sizes)
    for sign in (1, -1):
        u = sign * penalty.prox(sign * sizes[:, None], step)[:, 0]
        assert ((u >= 0) & (u <= sizes)).all()
        assert (cost(u) - best <= 4e-15 * (t + sizes**2)).all()
        # The derivative is 0 where the coefficient is not.
        left = (u - sizes + t * slope(u))[(u > 0) & (u < sizes)]
        assert np.abs(left).max(initial=0) <= 2e-13 * sizes.max()


POSITIVE = [L1(0.7, positive=True), ElasticNet(0.7, 0.4, positive=True)]


@pytest.mark.parametrize("penalty", POSITIVE, ids=repr)
def test_no_coefficient_is_negative(penalty):
    signed, V = penalty._replace(positive=False), np.linspace(-3, 3, 25)[:, None]
    above = np.maximum(V, 0)
    np.testing.assert_array_equal(penalty.prox(V, 1.3), signed.prox(above, 1.3))
    np.testing.assert_array_equal(penalty.value(above), signed.value(above))
    np.testing.assert_array_equal(
        penalty.value(V), np.where(V >= 0, signed.value(V)[:, None], np.inf)[:, 0]
    )
    np.testing.assert_array_equal(penalty.conjugate(V), signed.conjugate(above))
    np.testing.assert_array_equal(penalty.dual_excess(V), signed.dual_excess(above))


def excess(penalty, correlations):
    """Largest quotient of a correlation and what its atom allows, from the definition."""
    sizes = np.maximum(correlations, 0) if penalty.positive else np.abs(correlations)
    allowed = penalty.thresholds(sizes.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sizes > 0, sizes / allowed, 0).max(axis=1)


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("weights", [None, [0.0, 0.5, 1.0, np.inf], [3.0, 0.2, 1.0, 2.0]], ids=repr)
def test_duals_of_l1(rng, positive, alpha, weights):
    penalty = L1(alpha, weights, positive)
    correlations = np.concatenate([0.4 * rng.standard_normal((8, 4)), np.zeros((1, 4))])
    correlations[0] = 0.01
    correlations[1, 0] = 0
    wanted = excess(penalty, correlations)
    found = penalty.dual_excess(correlations)
    np.testing.assert_allclose(np.maximum(found, 1), np.maximum(wanted, 1))
    assert (penalty.conjugate(correlations) == 0).all()
    # The smallest weight at which a code of 0 is optimal, whatever the weight now is.
    for rows in (correlations, correlations[:1], correlations[-1:], -np.abs(correlations)):
        largest = excess(L1(1.0, weights, positive), rows).max()
        assert penalty.alpha_max(rows) == pytest.approx(largest)
        for ratio in (0.25, 1.0):
            if weights is None:
                net = ElasticNet(alpha, ratio, positive)
                assert net.alpha_max(rows) == pytest.approx(largest / ratio)


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("ratio", [0.0, 0.4, 1.0])
def test_duals_of_the_elastic_net(rng, positive, alpha, ratio):
    penalty = ElasticNet(alpha, ratio, positive)
    codes, correlations = rng.standard_normal((2, 9, 4))
    correlations[0] = 0
    sizes = np.maximum(correlations, 0) if positive else np.abs(correlations)
    lasso, ridge = alpha * ratio, alpha * (1 - ratio)
    with np.errstate(divide="ignore", invalid="ignore"):
        largest = np.where(sizes > 0, sizes / lasso, 0).max(axis=1)
        conjugate = (np.maximum(sizes - lasso, 0) ** 2 / (2 * ridge)).sum(axis=1)
    bounded = ridge == 0
    found = np.maximum(penalty.dual_excess(correlations), 1)
    np.testing.assert_allclose(found, np.maximum(largest, 1) if bounded else 1)
    np.testing.assert_allclose(penalty.conjugate(correlations), 0 if bounded else conjugate)
    scales = penalty.dual_scales(codes, correlations)
    np.testing.assert_allclose(scales[0], 1 / found)
    if lasso > 0 and ridge > 0:
        moved = correlations - ridge * codes
        moved = np.maximum(moved, 0) if positive else np.abs(moved)
        np.testing.assert_allclose(scales[1], 1 / np.maximum(moved.max(axis=1) / lasso, 1))
    assert len(scales) == 1 + (lasso > 0 and ridge > 0)
    if ratio == 0:
        with pytest.raises(TypeError, match="has no alpha_max"):
            penalty.alpha_max(correlations)


@pytest.mark.parametrize("penalty", [case[0] for case in FORMULAS], ids=repr)
def test_dual_functions_of_a_row(penalty, rng):
    """A factor of the correlations; zeros of a penalty that has no dual."""
    correlations = rng.standard_normal((3, 5))
    prepared = penalty.prepare(5, np.float64)
    scaled = [penalty._row_conjugate(prepared, 0.3, row) for row in correlations]
    np.testing.assert_allclose(scaled, penalty.conjugate(0.3 * correlations))
    if not penalty.convex:
        assert (penalty.dual_excess(correlations) == 0).all()
        assert (penalty.conjugate(correlations) == 0).all()


GROUPS = [
    GroupL1(0.7, 2),
    GroupL1(0.7, 4, [0.5, 2.0]),
    GroupL1(0.7, [1, 0, 1, 2, 0, 2], [0.0, 1.0, 3.0]),
]


@pytest.mark.parametrize(
    "penalty", [*GROUPS, GroupL1(0.0, 1), KSparse(2), KSparse(3, 0.2)], ids=repr
)
def test_contract_of_rows(penalty):
    check_penalty(penalty, n_components=6)


@pytest.mark.parametrize("penalty", GROUPS, ids=repr)
def test_groups(penalty, rng):
    V = rng.standard_normal((7, 6)) * np.array([[0, 0.1, 0.5, 2, 2, 2, 2]]).T
    V[3:, :4] *= 0.1
    labels = np.arange(6) // penalty.groups if np.ndim(penalty.groups) == 0 else penalty.groups
    members = [np.flatnonzero(np.equal(labels, k)) for k in range(max(labels) + 1)]
    weights = [len(m) ** 0.5 for m in members] if penalty.weights is None else penalty.weights
    norms = np.array([np.sqrt((V[:, m] ** 2).sum(axis=1)) for m in members]).T
    np.testing.assert_allclose(penalty.value(V), 0.7 * norms @ weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        quotients = np.where(norms > 0, norms / weights, 0)
    largest = quotients.max(axis=1)
    np.testing.assert_allclose(np.maximum(penalty.dual_excess(V), 1), np.maximum(largest / 0.7, 1))
    for i in range(7):
        assert penalty.alpha_max(V[[i, 0]]) == pytest.approx(largest[i])
    expected = np.zeros_like(V)
    for m, norm, weight in zip(members, norms.T, weights, strict=True):
        shrunk = np.maximum(1 - 0.4 * 0.7 * weight / np.where(norm > 0, norm, 1), 0)
        expected[:, m] = shrunk[:, None] * V[:, m]
    np.testing.assert_allclose(penalty.prox(V, 0.4), expected, atol=1e-15)
    free = [weights[k] == 0 for k in labels]
    assert penalty.unpenalized(6).tolist() == free
    assert penalty._replace(alpha=0.0).unpenalized(6).all()
    assert (penalty.conjugate(V) == 0).all()


def test_free_atoms():
    for penalty in [case[0] for case in FORMULAS]:
        assert penalty.unpenalized(3).tolist() == [False] * 3
        assert penalty._replace(alpha=0.0).unpenalized(3).tolist() == [True] * 3
    assert KSparse(2).unpenalized(3).tolist() == [False] * 3


def test_kinds():
    kinds = ("weighted", "separable", "convex", "smooth")
    expected = {name: {"weighted", "separable"} for name in penalties.__all__}
    expected["KSparse"] = set()
    expected["GroupL1"] = {"weighted", "convex"}
    expected["Simplex"] = {"convex"}
    for name in ("L1", "ElasticNet"):
        expected[name].add("convex")
    expected["Cauchy"].add("smooth")
    for name in penalties.__all__:
        cls = getattr(penalties, name)
        assert {kind for kind in kinds if getattr(cls, kind)} == expected[name], name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "penalty", [L0(0.3), L1(0.3, [0.0, 1.0, 2.0]), GroupL1(0.3), KSparse(2)], ids=repr
)
@pytest.mark.parametrize("n_samples", [1, 1024, 2500])
def test_value_of_sparse_rows(penalty, dtype, n_samples, rng):
    """Of more rows than are made dense at a time, and of stored zeros."""
    values = rng.random((n_samples, 3)) * (rng.random((n_samples, 3)) < 0.6)
    codes = sparse.csr_array(values).astype(dtype)
    codes.data[::3] = 0
    found = penalty.value(codes)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, penalty.value(codes.toarray()), rtol=1e-6)


@pytest.mark.parametrize("size", [1.0, 1e3, 3e6])
def test_stationarity_knows_what_a_sum_loses(rng, size):
    """In float32, against sums in float64, which are exact here."""
    codes = (size * rng.standard_normal((50, 3))).astype(np.float32)
    correlations = rng.standard_normal((50, 3)).astype(np.float32)
    step = correlations / np.float32(2.5)
    for penalty in (L1(0.0), L1(0.5), L0(0.1)):
        total = codes + step
        lost = codes.astype(np.float64) + step - total
        left = codes.astype(np.float64) - penalty.prox(total, 1 / 2.5)
        expected = 2.5 * np.maximum(np.abs(left), np.abs(left - lost)).max(axis=1)
        found = penalty.stationarity(codes, correlations, 2.5, np.ones(50, np.float32))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_prox_of_cauchy_where_its_minima_meet_or_compete():
    """Stationary to rounding: real roots of its cubic, by the companion matrix."""
    for t in (0.5, 3.9, 4.0, 4.1, 6.0, 20.0):
        values = np.linspace(0.01, 12, 150)
        found = Cauchy(t, 1.0).prox(values[:, None])[:, 0]
        for v, u in zip(values, found, strict=True):
            roots = np.roots([1, -v, 1 + 2 * t, -v])
            roots = roots[np.abs(roots.imag) < 1e-4].real
            cost = (roots - v) ** 2 / 2 + t * np.log1p(roots**2)
            assert (u - v) ** 2 / 2 + t * np.log1p(u**2) <= cost.min() + 1e-13 * (1 + v**2)
            assert abs(u - v + 2 * t * u / (1 + u * u)) <= 1e-14 * (t + v)


def test_bounds_of_parameters():
    """Ends that belong to the range are taken, and those that do not are refused."""
    Cauchy(1.0, 1e150).checked()
    with pytest.raises(ValueError, match="sigma is"):
        Cauchy(1.0, 2e150).checked()
    for ratio in (0, 1):
        ElasticNet(1.0, ratio).checked()
    with pytest.raises(ValueError, match="l1_ratio is"):
        ElasticNet(1.0, 1.001).checked()
    KSparse(3).prepare(3, np.float64)
    for n_nonzero in ([], [[1, 2]], 1.0):
        with pytest.raises(ValueError, match="n_nonzero of KSparse is"):
            KSparse(n_nonzero).checked()
    for error in ([], [[0.5, 1.0]], np.inf):
        with pytest.raises(ValueError, match="error of KSparse is"):
            KSparse(2, error).checked()
    KSparse(1, 0).checked()
    KSparse(None, [0.1, 0.2]).checked()
    GroupL1(1.0, 1).checked()
    with pytest.raises(ValueError, match="step is"):
        KSparse(1).prox([[1.0]], 0)


def test_units_of_an_error():
    """It is a squared norm, so that it scales as a value."""
    assert KSparse(2, 0.75).rescaled(codes=1, values=3) == KSparse(2, 6.0)
    assert KSparse(2, 0.75).rescaled(codes=5, values=-2).error == 0.1875
    for power in (-3, 3):
        cauchy = Cauchy(0.5, 1e149).rescaled(codes=power, values=0)
        assert cauchy.sigma == float(Fraction(1e149) * Fraction(2) ** power)


def test_targets_of_counts():
    counts, errors = KSparse(None, [0.1, 0.2]).targets(2, 4)
    assert counts.min() >= 4 and errors.tolist() == [0.1, 0.2]
    counts, errors = KSparse([1, 3]).targets(2, 4)
    assert counts.tolist() == [1, 3] and errors.tolist() == [0, 0]
    part = KSparse([1, 2, 3], [0.1, 0.2, 0.3]).for_rows(slice(1, 3), 3)
    assert part.n_nonzero.tolist() == [2, 3] and part.error.tolist() == [0.2, 0.3]
    assert KSparse(4, 0.5).for_rows(slice(1, 3), 3) == KSparse(4, 0.5)


def test_basic_feasibility_at_its_ends():
    """Full supports, errors that are reached exactly, and codes of too many nonzeros."""
    codes = np.array([[1.0, 0, 0], [1.0, 2.0, 0], [1.0, 2.0, 3.0]])
    correlations = np.array([[-0.2, 0.5, -3.0]] * 3)
    penalty = KSparse(2, 4.0)
    found = penalty.stationarity(codes, correlations, 1.0, np.array([2.0, 5.0, 0.0]))
    assert found.tolist() == [0.2, 0.5, np.inf]
    found = penalty.stationarity(codes, correlations, 1.0, np.array([2.1, 0.0, 9.0]))
    assert found.tolist() == [3.0, 0.5, np.inf]


def test_ties_and_kinks():
    """At the exact ends of pieces, where two formulas could divide by 0 or differ."""
    assert LogSum(1.0, 1.0).prox([[1.0], [-1.0]]).tolist() == [[0.0], [0.0]]
    assert MCP(2.0, 2.0).prox([[2.0], [3.0]]).tolist() == [[0.0], [3.0]]
    assert SCAD(1.0, 2.0, 2.0).prox([[1.0], [1.5], [2.5]]).tolist() == [[0.0], [0.5], [2.5]]
    assert L0(0.5).prox([[1.0], [1.0000001]]).tolist() == [[0.0], [1.0000001]]
    for penalty in (L1(0.0), ElasticNet(0.0, 1.0), ElasticNet(0.0, 0.0), GroupL1(0.0)):
        assert penalty.dual_excess([[0.0, 0.0]])[0] <= 1
        assert penalty.prox([[0.0, 2.0]]).tolist() == [[0.0, 2.0]]
        assert penalty.conjugate([[0.0, 0.0]]).tolist() == [0.0]
