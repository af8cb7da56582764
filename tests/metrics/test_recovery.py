"""Recovery of atoms and codes, blind to what a dictionary cannot tell."""

from itertools import permutations

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary
from sparsecode.metrics import atom_mcc, atom_mmcs, atom_recovery, code_mcc, code_mmcs

rng = np.random.default_rng(0)


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
    for measure in (atom_mcc, atom_mmcs):
        with pytest.raises(ValueError, match="dictionary has 3"):
            measure(np.eye(3), np.eye(2))
        with pytest.raises(ValueError, match="NaN"):
            measure(np.eye(2), np.full((2, 2), np.nan))


def test_atom_mcc_and_mmcs_are_blind_to_sign_scale_and_order():
    truth = rng.standard_normal((12, 8))
    scales = rng.choice([-1.0, 1.0], 12) * rng.uniform(0.1, 10, 12)
    found = (truth * scales[:, None])[rng.permutation(12)].astype(np.float32)
    for measure in (atom_mcc, atom_mmcs):
        assert measure(found, Dictionary(truth)) == pytest.approx(1, abs=1e-6)
        assert measure(np.zeros((3, 8)), truth) == 0


def test_atom_mcc_is_the_best_of_all_pairings_and_mmcs_of_all_choices(monkeypatch):
    monkeypatch.setattr("sparsecode.metrics.recovery._ATOMS", 2)
    for n_found in (3, 5):
        found, truth = rng.standard_normal((n_found, 4)), rng.standard_normal((5, 4))
        table = np.abs(found @ truth.T)
        table /= np.outer(np.linalg.norm(found, axis=1), np.linalg.norm(truth, axis=1))
        pairings = permutations(range(5), n_found)
        best = max(table[range(n_found), list(order)].sum() for order in pairings) / 5
        assert atom_mcc(found, truth) == pytest.approx(best, abs=1e-12)
        assert atom_mmcs(found, truth) == pytest.approx(table.max(axis=0).mean(), abs=1e-12)
        assert atom_mmcs(found, truth) >= atom_mcc(found, truth)


def test_one_atom_may_serve_several_in_mmcs_only():
    assert atom_mmcs([[1.0, 1.0]], np.eye(2)) == pytest.approx(np.sqrt(0.5))
    assert atom_mcc([[1.0, 1.0]], np.eye(2)) == pytest.approx(np.sqrt(0.5) / 2)
    column = rng.standard_normal((30, 1))
    codes = np.hstack([column, rng.standard_normal((30, 1))])
    assert code_mmcs(codes, np.hstack([column, -2 * column])) == pytest.approx(1)
    assert code_mcc(codes, np.hstack([column, -2 * column])) < 0.9


def test_code_mmcs_is_the_mean_of_the_largest():
    codes, truth = rng.standard_normal((50, 4)), rng.standard_normal((50, 6))
    expected = np.abs(np.corrcoef(codes.T, truth.T)[:4, 4:]).max(axis=0).mean()
    for one in (codes, sparse.csr_array(codes)):
        for two in (truth, sparse.csr_array(truth)):
            assert code_mmcs(one, two) == pytest.approx(expected, abs=1e-12)
    assert np.isnan(code_mmcs(codes, np.full((50, 2), 0.1)))
    assert code_mmcs(np.zeros((50, 4)), truth) == 0


def test_code_mcc_is_blind_to_sign_scale_and_order():
    truth = rng.standard_normal((200, 12)) * (rng.random((200, 12)) < 0.3)
    scales = rng.choice([-1.0, 1.0], 12) * rng.uniform(0.1, 10, 12)
    codes = (truth * scales + rng.standard_normal(12))[:, rng.permutation(12)]
    assert code_mcc(codes, truth) == pytest.approx(1, abs=1e-12)
    assert code_mcc(codes[:, :9], truth) == pytest.approx(9 / 12, abs=0.05)
    assert code_mcc(truth[:, :9], truth) >= 9 / 12


def test_code_mcc_is_the_best_of_all_pairings():
    codes, truth = rng.standard_normal((2, 50, 5))
    table = np.abs(np.corrcoef(codes.T, truth.T)[:5, 5:])
    best = max(table[list(order), range(5)].mean() for order in permutations(range(5)))
    assert code_mcc(codes, truth) == pytest.approx(best, abs=1e-12)


def test_code_mcc_of_constant_columns():
    truth = rng.standard_normal((60, 4))
    codes = truth.copy()
    codes[:, 0] = 0.1
    assert code_mcc(codes, truth) == pytest.approx(3 / 4, abs=1e-12)
    # What the truth does not use cannot be missed, however often the codes use it.
    assert code_mcc(truth, codes) == pytest.approx(1, abs=1e-12)
    assert np.isnan(code_mcc(truth, np.full((60, 2), 0.1)))
    assert code_mcc(np.zeros((60, 4)), truth) == 0


def test_code_mcc_of_many_rows_and_sparse_codes(monkeypatch):
    codes = rng.standard_normal((50, 6)) * (rng.random((50, 6)) < 0.4)
    truth = codes + 0.5 * rng.standard_normal((50, 6)) * (codes != 0)
    expected = code_mcc(codes, truth)
    monkeypatch.setattr("sparsecode.metrics._correlations._ENTRIES", 42)
    for one in (codes, sparse.csr_array(codes)):
        for two in (truth, sparse.csr_array(truth)):
            assert code_mcc(one, two) == pytest.approx(expected, abs=1e-12)


def test_code_mcc_refuses():
    for measure in (code_mcc, code_mmcs):
        with pytest.raises(ValueError, match="codes has 3 rows but truth has 2"):
            measure(np.eye(3), np.ones((2, 3)))
        with pytest.raises(ValueError, match="truth"):
            measure(np.eye(3), np.full((3, 3), np.nan))
