"""Metrics against their definitions on small cases and independent implementations."""

import numpy as np
import pytest
from scipy import sparse, stats
from scipy.special import comb
from sklearn.metrics import r2_score

from sparsecode import Dictionary
from sparsecode.constraints import NonNegative
from sparsecode.datasets import make_sparse_signals
from sparsecode.metrics import (
    atom_recovery,
    bic,
    code_length,
    dead_atoms,
    explained_variance,
    kurtosis,
    l0,
    sort_atoms,
    usage,
)

rng = np.random.default_rng(0)


def test_explained_variance_is_the_variance_weighted_r2():
    X, noise = rng.standard_normal((2, 50, 4))
    expected = r2_score(X, X + 0.3 * noise, multioutput="variance_weighted")
    assert explained_variance(X, X + 0.3 * noise) == pytest.approx(expected)


def test_explained_variance_of_the_mean_and_of_X():
    X = rng.standard_normal((50, 4))
    assert explained_variance(X, np.tile(X.mean(axis=0), (50, 1))) == pytest.approx(0)
    assert explained_variance(X, X) == 1


def test_explained_variance_refuses():
    with pytest.raises(ValueError, match=r"X_hat has shape \(3, 2\); expected \(2, 2\)"):
        explained_variance(np.eye(2), np.ones((3, 2)))
    with pytest.raises(ValueError, match="no variance"):
        explained_variance(np.ones((3, 2)), np.ones((3, 2)))


def test_l0_counts_above_the_threshold():
    codes = np.array([[0.0, -0.5, 2.0], [0.1, 0.0, 0.0]])
    assert l0(codes).tolist() == [2, 1]
    assert l0(codes, threshold=0.5).tolist() == [1, 0]
    with pytest.raises(ValueError, match="threshold"):
        l0(codes, threshold=-1)


def test_kurtosis_of_symmetric_codes_is_the_sample_kurtosis():
    half = rng.laplace(size=(200, 5))
    codes = np.vstack([half, -half])
    assert kurtosis(codes) == pytest.approx(stats.kurtosis(codes, axis=None))
    assert np.isnan(kurtosis(np.zeros((3, 2))))


def test_dead_atoms_are_those_never_active():
    codes = np.array([[0.0, 0.2, 0.0], [0.0, -0.1, 3.0]])
    assert dead_atoms(codes).tolist() == [0]
    assert dead_atoms(codes, threshold=0.2).tolist() == [0, 1]


@pytest.fixture
def signals():
    return make_sparse_signals(300, 12, 8, n_nonzero=2, snr_db=20, random_state=0)


def with_stored_zeros(codes):
    """CSR codes in which some zeros are stored."""
    matrix = sparse.csr_array(codes + 10.0)
    matrix.data -= 10.0
    return matrix


def test_sparse_codes_are_measured_alike(signals):
    X, codes, atoms = signals
    codes = codes.round(3)
    other = with_stored_zeros(codes).astype(codes.dtype)
    other.data = other.data.round(3)
    kept = other.data.copy()
    for threshold in (0.0, 0.5):
        np.testing.assert_array_equal(
            l0(other, threshold=threshold), l0(codes, threshold=threshold)
        )
        for mine, theirs in zip(
            usage(other, threshold=threshold), usage(codes, threshold=threshold), strict=True
        ):
            np.testing.assert_allclose(mine, theirs)
    assert dead_atoms(other, threshold=2.9).tolist() == dead_atoms(codes, threshold=2.9).tolist()
    assert bic(X, other, atoms) == pytest.approx(bic(X, codes, atoms))
    assert code_length(X, other, atoms) == pytest.approx(code_length(X, codes, atoms))
    for by in ("usage", "energy"):
        assert (sort_atoms(atoms, other, by=by)[1] == sort_atoms(atoms, codes, by=by)[1]).all()
    np.testing.assert_array_equal(other.data, kept)


def test_usage_is_a_share_and_a_mean_of_the_active():
    codes = np.array([[0.0, -2.0, 0.1], [0.0, 1.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
    share, magnitude = usage(codes)
    np.testing.assert_allclose(share, [0, 0.75, 0.25])
    np.testing.assert_allclose(magnitude, [0, 2.0, 0.1])
    np.testing.assert_allclose(share * magnitude, np.abs(codes).mean(axis=0))
    assert usage(codes, threshold=0.1).share[2] == 0


def test_sorted_atoms_reconstruct_the_same(signals):
    _, codes, atoms = signals
    atoms = atoms * np.arange(1, 13)[:, None]
    energy = (codes**2).mean(axis=0) * (atoms**2).sum(axis=1)
    expected = {"usage": -np.count_nonzero(codes, axis=0), "energy": -energy}
    for by, key in expected.items():
        dictionary, order = sort_atoms(atoms, codes, by=by)
        np.testing.assert_array_equal(order, np.argsort(key, kind="stable"))
        np.testing.assert_allclose(dictionary.decode(codes[:, order]), codes @ atoms)
    given = Dictionary(np.abs(atoms), np.ones(8), NonNegative())
    again = sort_atoms(given, codes)[0]
    assert again.constraint == given.constraint and (again.offset == given.offset).all()
    with pytest.raises(ValueError, match="by is 'size'; expected 'usage' or 'energy'"):
        sort_atoms(atoms, codes, by="size")
    with pytest.raises(ValueError, match="codes has shape"):
        sort_atoms(atoms[:3], codes)


def test_bic_is_that_of_a_gaussian_model(signals):
    X, codes, atoms = signals
    residual = X - codes @ atoms
    likelihood = stats.norm(scale=residual.std()).logpdf(residual).sum()
    n_parameters = np.count_nonzero(codes) + atoms.size
    constant = X.size * np.log(2 * np.pi * np.e)
    expected = -2 * likelihood - constant + n_parameters * np.log(X.size)
    assert bic(X, codes, atoms) == pytest.approx(expected, rel=1e-4)
    assert bic(codes @ atoms, codes, atoms) < bic(X, codes, atoms)
    assert bic([[1.0, 0.0]], [[1.0]], [[1.0, 0.0]]) == -np.inf


def test_code_length_is_the_sum_of_its_parts(signals):
    X, codes, atoms = signals
    n, p = X.shape
    s = np.sqrt(np.mean((X - codes @ atoms) ** 2))
    bits = n * p * stats.norm(scale=s).entropy() / np.log(2) - n * p * np.log2(0.01)
    for column, atom in zip(codes.T, atoms, strict=True):
        m = np.count_nonzero(column)
        bits += np.log2(n + 1) + np.log2(comb(n, m))
        entropy = stats.laplace(scale=np.abs(column[column != 0]).mean()).entropy() / np.log(2)
        step = np.sqrt(12) * s / np.linalg.norm(atom)
        bits += m * max(1, entropy - np.log2(step) + 0.5 * np.log2(np.e))
    bits += atoms.size / 2 * np.log2(n)
    assert code_length(X, codes, atoms, precision=0.01) == pytest.approx(bits)
    # Another precision of the data is a constant.
    finer = code_length(X, codes, atoms, precision=0.005)
    assert finer - bits == pytest.approx(X.size)


def test_code_length_does_not_depend_on_units_or_norms(signals):
    X, codes, atoms = signals
    bits = code_length(X, codes, atoms)
    assert code_length(7 * X, 7 * codes, atoms) == pytest.approx(bits)
    assert code_length(X, codes / 7, 7 * atoms) == pytest.approx(bits)
    offset = np.arange(8.0)
    precision = X.std() / 256
    shifted = code_length(X + offset, codes, Dictionary(atoms, offset), precision=precision)
    assert shifted == pytest.approx(bits)


def test_the_shortest_code_is_the_true_one(signals):
    X, codes, atoms = signals
    bits = code_length(X, codes, atoms)
    least_squares = X @ np.linalg.pinv(atoms)
    assert bits < code_length(X, least_squares, atoms)
    assert bits < code_length(X, np.where(np.abs(codes) > 0.7, codes, 0), atoms)
    assert bits < code_length(X, np.zeros_like(codes), atoms)
    more = np.hstack([codes, np.zeros((300, 5))])
    assert bits < code_length(X, more, np.vstack([atoms, atoms[:5]]))
    # A perfect reconstruction is no better than rounding.
    assert np.isfinite(code_length(codes @ atoms, codes, atoms))
    with pytest.raises(ValueError, match="precision"):
        code_length(X, codes, atoms, precision=0)
    with pytest.raises(ValueError, match="precision"):
        code_length(np.ones((3, 8)), codes[:3], atoms)


def test_atom_recovery_is_blind_to_sign_scale_and_order():
    truth = rng.standard_normal((12, 8))
    scales = rng.choice([-1.0, 1.0], 12) * rng.uniform(0.1, 10, 12)
    found = (truth * scales[:, None])[rng.permutation(12)]
    assert atom_recovery(found, Dictionary(truth)) == 1
    # Those that are not there count, those that are there twice count once.
    assert atom_recovery(found[:3], truth) == 3 / 12
    assert atom_recovery(np.vstack([found[:3]] * 3), truth) == 3 / 12


def test_atom_recovery_counts_cosines_above_the_threshold():
    angles = np.arccos([0.995, 0.985])
    found = np.zeros((2, 4))
    found[[0, 1], [0, 1]], found[[0, 1], [2, 3]] = np.cos(angles), np.sin(angles)
    truth = np.eye(2, 4)
    assert atom_recovery(found, truth) == 0.5
    assert atom_recovery(found, truth, threshold=0.98) == 1
    assert atom_recovery(found, truth, threshold=0.996) == 0


def test_atom_recovery_refuses():
    with pytest.raises(ValueError, match="dictionary has 3"):
        atom_recovery(np.eye(3), np.eye(2))
    with pytest.raises(ValueError, match="threshold"):
        atom_recovery(np.eye(2), np.eye(2), threshold=2)
