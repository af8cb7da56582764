"""Problems: the decision on the Gram matrix, products in its place, and units."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.penalties import L1, ElasticNet, KSparse
from sparsecode.solvers._batch import problem as module
from sparsecode.solvers._batch.atom_subsets import _largest, _score_rows
from sparsecode.solvers._batch.problem import Block, Problem, takes_gram


def problem_of(X, dictionary, penalty, codes=None, missing=False):
    prepared = penalty.prepare(dictionary.n_components, dictionary.dtype)
    return Problem(X, dictionary, penalty, prepared, codes, missing)


def test_a_gram_matrix_is_made_where_it_fits_and_saves_time(monkeypatch):
    monkeypatch.setattr(module, "FEW_ATOMS", 10)
    dictionary = Dictionary.random(20, 5, random_state=0)
    # As many columns as atoms, in as many bytes as are allowed.
    for columns, n_bytes, expected in (
        (20, 3200, True),
        (19, 3200, False),
        (21, 3200, True),
        (99, 3199, False),
        (99, 3201, True),
    ):
        monkeypatch.setattr(module, "MOST_GRAM_BYTES", n_bytes)
        assert takes_gram(dictionary, columns) == expected
    assert takes_gram(dictionary.astype(np.float32), 20)
    monkeypatch.setattr(module, "MOST_GRAM_BYTES", 1)
    assert takes_gram(Dictionary.random(10, 5, random_state=0), 0)
    assert not takes_gram(Dictionary.random(11, 5, random_state=0), 0)
    assert takes_gram(Dictionary.random(20, 20, random_state=0), 0)
    assert not takes_gram(Dictionary.random(20, 19, random_state=0), 0)


@pytest.mark.parametrize("few", [0, 100])
def test_products_with_the_gram_matrix_or_in_its_place(monkeypatch, rng, few):
    monkeypatch.setattr(module, "FEW_ATOMS", few)
    dictionary = Dictionary(rng.standard_normal((9, 4)), rng.standard_normal(4))
    X, codes = rng.standard_normal((2, 4)), rng.standard_normal((2, 9))
    monkeypatch.setattr(module, "MOST_GRAM_BYTES", 1)
    problem = problem_of(X, dictionary, L1(0.3))
    np.testing.assert_allclose(problem.times_gram(codes), codes @ dictionary.gram)
    assert problem.gram.shape == ((9, 9) if few else (4, 9)) and not problem.gram.flags.writeable
    correlations, half = problem.correlations(slice(0, 2))
    left = X - dictionary.offset
    np.testing.assert_allclose(correlations, left @ dictionary.atoms.T)
    np.testing.assert_allclose(half, (left**2).sum(axis=1) / 2)
    assert problem.shape == (2, 9)


def test_columns_that_samples_take(monkeypatch):
    monkeypatch.setattr(module, "FEW_ATOMS", 10)
    problem = problem_of(np.zeros((3, 5)), Dictionary.random(21, 5, random_state=0), L1())
    assert problem.takes_gram(7) and not problem.takes_gram(6)


@pytest.mark.parametrize("power", [-70, 0, 5])
def test_units(rng, power):
    """Samples and codes times powers of two; atoms whose norms are far from 1 get a unit."""
    atoms = 2.0**40 * rng.standard_normal((4, 3))
    X, codes = 2.0**-power * rng.standard_normal((2, 3)), rng.standard_normal((2, 4))
    given = problem_of(X, Dictionary(atoms), L1(0.3), codes)
    moved = given.in_units(power)
    np.testing.assert_array_equal(moved.samples(slice(0, 2)), np.ldexp(X, power))
    assert moved.samples(slice(0, 2), np.float32).dtype == np.float32
    out = np.zeros((2, 4))
    moved.start(slice(0, 2), out)
    np.testing.assert_array_equal(out, np.ldexp(codes, moved.code_exponent))
    np.testing.assert_array_equal(moved.dictionary.atoms, np.ldexp(atoms, moved.atom_exponent))
    assert moved.exponent == power and 0.1 < moved.dictionary.norms.max() < 10
    # Weighted by the unit of an objective.
    np.testing.assert_allclose(
        moved.penalty.value(out), np.ldexp(given.penalty.value(codes), 2 * power)
    )
    again = moved.only(slice(0, 2), np.array([1]), out[1:])
    np.testing.assert_array_equal(again.start_of(slice(0, 1)), out[1:])
    plain = problem_of(X, Dictionary(np.eye(3)), L1(0.3))
    assert plain.in_units(0) is plain and plain.in_units(1) is not plain
    longer = problem_of(X, Dictionary(8.0 * 2.0**40 * np.eye(3)), L1(0.3)).in_units(0)
    assert longer.exponent == 0 and longer.code_exponent != 0


def test_samples_of_0_start_at_0(rng):
    X, codes = np.array([[0.0, np.nan], [np.nan, 1.0], [0.0, 0.0]]), rng.standard_normal((3, 4))
    dictionary = Dictionary(rng.standard_normal((4, 2)))
    start = problem_of(X, dictionary, L1(), codes, True).start_of(slice(0, 3))
    np.testing.assert_array_equal(start, codes * [[0], [1], [0]])


def test_parts_have_their_own_targets_and_features(rng):
    X, codes = rng.standard_normal((6, 3)), rng.standard_normal((6, 4))
    dictionary = Dictionary(rng.standard_normal((4, 3)), rng.standard_normal(3))
    given = problem_of(X, dictionary, KSparse([1, 2, 3, 4, 1, 2]), codes, True)
    seen = np.array([True, False, True])
    part = given.part(slice(2, 6), np.array([0, 3]), seen)
    np.testing.assert_array_equal(part.X, X[[2, 5]][:, seen])
    np.testing.assert_array_equal(part.codes, codes[[2, 5]])
    np.testing.assert_array_equal(part.dictionary.atoms, dictionary.atoms[:, seen])
    assert part.penalty.n_nonzero.tolist() == [3, 2] and not part.missing
    whole = given.part(slice(2, 6), np.array([1]), np.ones(3, dtype=bool))
    assert whole.dictionary is dictionary and whole.missing


def test_free_atoms_are_solved_in_float64(rng):
    dictionary = Dictionary(rng.standard_normal((3, 4)).astype(np.float32))
    X = np.ones((1, 4), np.float32)
    free, bound = (problem_of(X, dictionary, L1(0.3, [w, 1.0, 1.0])) for w in (0.0, 1.0))
    assert free.well_posed().dictionary.dtype == np.float64 and bound.well_posed() is bound
    assert bound.by_gap and not free.by_gap
    rule = bound.stop_rule(0.1, 7)
    assert rule[0] and rule[2:] == (0.1, 7) and rule.lipschitz.dtype == np.float32
    largest = np.linalg.norm(dictionary.atoms.astype(float), 2) ** 2
    assert largest <= rule.lipschitz <= largest * (1 + 1e-2)


def test_an_empty_block_claims_nothing():
    block = Block.empty(np.ones((3, 2)), np.empty((3, 2, 0)))
    assert block.rows == slice(0, 3) and np.isinf(block.stop).all()
    assert not block.n_iter.any() and not block.proven.any()


@pytest.mark.parametrize("penalty", [L1(0.4), ElasticNet(0.4, 0.5)], ids=repr)
def test_scores_are_lengths_of_steps_to_the_minimum_of_an_atom(rng, penalty):
    atoms = rng.standard_normal((6, 3))
    atoms[4] = 0
    codes, correlations = rng.standard_normal((2, 5, 6))
    squares = (atoms**2).sum(axis=1)
    inverse = np.where(squares > 0, 1 / np.where(squares > 0, squares, 1), 0)
    scores, worst = np.full((5, 6), np.nan), np.full(5, np.nan)
    prepared = penalty.prepare(6, np.float64)
    _score_rows(prepared, inverse, np.sqrt(squares), codes, correlations, scores, worst)
    expected = np.zeros((5, 6))
    for j in np.flatnonzero(squares):
        point = codes[:, [j]] + correlations[:, [j]] * inverse[j]
        expected[:, j] = np.abs(penalty.prox(point, inverse[j])[:, 0] - codes[:, j])
    np.testing.assert_allclose(scores, expected * np.sqrt(squares))
    np.testing.assert_allclose(worst, (expected * squares).max(axis=1))
    assert (scores[:, 4] == 0).all()


def test_the_largest_scores_in_the_order_of_atoms():
    score = np.array([0.0, 3.0, 1.0, 4.0, 0.0, 2.0])
    assert _largest(score, 2).tolist() == [1, 3]
    assert _largest(score, 3).tolist() == [1, 3, 5]
    for count in (4, 9):
        assert _largest(score, count).tolist() == [1, 2, 3, 5]
