"""Which of two codes is kept."""

from sparsecode.solvers._kernels.gram_domain import improves


def test_objective_decides_beyond_rounding():
    assert improves(0.8, 9.0, 1.0, 0.1, 0.1)
    assert not improves(1.2, 0.0, 1.0, 9.0, 0.1)


def test_stopping_quantity_decides_within_rounding():
    for value in (0.95, 1.0, 1.05):
        assert improves(value, 0.5, 1.0, 0.6, 0.1)
        assert not improves(value, 0.7, 1.0, 0.6, 0.1)


def test_the_first_code_is_kept_even_if_it_is_not_feasible():
    inf = float("inf")
    assert improves(inf, inf, inf, inf, 0.1)
    assert improves(1.0, inf, inf, inf, 0.1)
    assert not improves(inf, 0.0, 1.0, 0.5, 0.1)
