"""Strips of a signal, on which threads descend at the same time."""

from itertools import pairwise

import numpy as np
import pytest
from planted import planted

from sparsecode import alpha_max, certify
from sparsecode.convolutional import LocallyGreedy, _strips
from sparsecode.penalties import L1


@pytest.mark.parametrize(("n_rows", "height"), [(100, 12), (103, 5), (40, 12), (2000, 64)])
def test_strips_are_twice_as_high_as_an_atom(n_rows, height, monkeypatch):
    monkeypatch.setattr(_strips, "_EVENTS", 10)
    rows = np.sort(np.random.default_rng(0).integers(n_rows, size=300))
    strips = _strips.strips_of(rows, n_rows, height)
    assert strips[0] == 0 and strips[-1] == len(rows)
    parts = [rows[a:b] for a, b in pairwise(strips)]
    np.testing.assert_array_equal(np.concatenate(parts), rows)
    assert len(parts) > 1 or n_rows < 4 * height
    # Atoms of an event in one strip, of one between, and of one in the next but one do not meet.
    for one, other in zip(parts[:-2], parts[2:], strict=True):
        assert other.min() - one.max() >= 2 * height


def test_few_events_are_one_strip():
    np.testing.assert_array_equal(_strips.strips_of(np.arange(50), 5000, 4), [0, 50])


@pytest.mark.parametrize(
    ("shape", "support", "density"), [((4000,), (20,), 0.02), ((160, 60), (8, 8), 0.02)]
)
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.needs_jit("thousands of events")
def test_bits_do_not_depend_on_threads(monkeypatch, shape, support, density, missing):
    X, dictionary = planted(0, shape, support, density=density)
    X = X[:1]
    penalty = L1(0.05 * alpha_max(X, dictionary))
    if missing:
        X[np.random.default_rng(0).random(X.shape) < 0.05] = np.nan
    solver = LocallyGreedy(tol=1e-10)
    whole = solver.solve(X, dictionary, penalty, missing=missing)
    monkeypatch.setattr(_strips, "_EVENTS", 20)
    passes = []
    descend = _strips.map_row_blocks

    def counted(function, n_rows, **options):
        passes.append(n_rows)
        return descend(function, n_rows, **options)

    monkeypatch.setattr(_strips, "map_row_blocks", counted)
    codes = [
        solver.solve(X, dictionary, penalty, missing=missing, n_jobs=n_jobs).codes
        for n_jobs in (1, 2, 3)
    ]
    assert max(passes) >= 3
    for other in codes[1:]:
        np.testing.assert_array_equal(other, codes[0])
    mine = certify(X, codes[0], dictionary, penalty, missing=missing)
    assert mine.relative_gap.max() < 1e-9
    np.testing.assert_allclose(mine.objective, whole.certificate.objective, rtol=1e-8)
