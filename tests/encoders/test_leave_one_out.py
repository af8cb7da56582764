"""Leave-one-out selection: gains by fits without a unit, and what it mends in trained models."""

import numpy as np
import pytest

from sparsecode import Dictionary, SparseAutoencoder
from sparsecode.compare import amortization_report
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import AbsTopK, BatchTopK, Exact, LeaveOneOut, ReLU, Thresholding, TopK
from sparsecode.metrics import support_scores
from sparsecode.optimizers import Adam
from sparsecode.penalties import L1


@pytest.fixture
def problem(rng):
    dictionary = Dictionary(rng.standard_normal((10, 6)), rng.standard_normal(6))
    return rng.standard_normal((20, 6)) + dictionary.offset, dictionary


@pytest.mark.parametrize("inner", [TopK(k=4), AbsTopK(k=5), ReLU(), Exact(L1(0.3))])
@pytest.mark.parametrize("tau", [-0.5, 0.0, 0.7])
def test_units_are_kept_that_the_others_do_not_replace(problem, inner, tau):
    """The gain of a unit is the slope of the error where its code is 0, and the others stay."""
    X, dictionary = problem
    codes = inner.encode(X, dictionary)
    expected = codes.copy()
    for i, j in zip(*np.nonzero(codes), strict=True):
        others = codes[i].copy()
        others[j] = 0
        left = X[i] - dictionary.offset - others @ dictionary.atoms
        gain = np.sign(codes[i, j]) * (left @ dictionary.atoms[j])
        if not gain > tau:
            expected[i, j] = 0
    encoder = LeaveOneOut(inner, tau)
    found = encoder.encode(X, dictionary)
    np.testing.assert_array_equal(found, expected)
    assert 0 < np.count_nonzero(found) <= np.count_nonzero(codes)
    sparse = encoder.encode(X, dictionary, sparse_output=True)
    np.testing.assert_array_equal(sparse.toarray(), expected)
    assert sparse.nnz == np.count_nonzero(expected)


def test_exact_codes_without_shrinkage_all_gain(rng):
    """On orthonormal atoms the gain of a unit is its own product with the sample."""
    dictionary = Dictionary(np.linalg.qr(rng.standard_normal((6, 6)))[0])
    X = rng.standard_normal((20, 6))
    inner = Thresholding(L1(0.3))
    codes = inner.encode(X, dictionary)
    kept = LeaveOneOut(inner, 0.5).encode(X, dictionary)
    np.testing.assert_array_equal(kept, np.where(np.abs(codes) > 0.2, codes, 0))


@pytest.mark.needs_jit("it fits")
def test_a_trained_model_detects_more_precisely():
    signals = make_sparse_signals(3000, 60, 20, n_nonzero=4, positive=True, random_state=0)
    model = SparseAutoencoder(
        60, encoder=BatchTopK(k=6), optimizer=Adam(0.01), n_epochs=30, random_state=0,
        init=signals.atoms,
    ).fit(signals.X)  # fmt: skip
    fewer = LeaveOneOut(model.encoder_, 0.3)
    matched = model.dictionary_.match(signals.atoms).indices
    scores = [
        support_scores(encoder.encode(signals.X, model.dictionary_)[:, matched], signals.codes)
        for encoder in (model.encoder_, fewer)
    ]
    assert scores[1].precision > scores[0].precision + 0.02
    table = amortization_report(
        signals.X[:50], model.dictionary_, L1(0.1), encoders={"leave one out": fewer}
    )
    assert "leave one out" in str(table)


def test_what_does_not_fit_is_refused(problem):
    X, dictionary = problem
    with pytest.raises(TypeError, match=r"encoder of LeaveOneOut is .*encoder_ of a fitted"):
        LeaveOneOut("topk").encode(X, dictionary)
    with pytest.raises(ValueError, match="tau"):
        LeaveOneOut(tau=np.nan).encode(X, dictionary)
    with pytest.raises(TypeError, match="LeaveOneOut got missing=True"):
        LeaveOneOut(TopK(k=2)).encode(X, dictionary, missing=True)
    with pytest.raises(TypeError, match="initial codes"):
        LeaveOneOut(TopK(k=2)).encode(X, dictionary, codes=np.zeros((20, 10)))
    with pytest.raises(TypeError, match="encoder"):
        SparseAutoencoder(10, encoder=LeaveOneOut()).fit(X)
