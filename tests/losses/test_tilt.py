"""Tilted means of the error: closed forms, limits, gradients and weights of samples."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary, SparseAutoencoder
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import TopK
from sparsecode.losses import AutoencoderLoss, AuxK, LossContext
from sparsecode.optimizers import Adam
from sparsecode.testing import gradcheck

WEIGHT = np.array([0.5, 2.0, 0.0, 1.0, 1.0])


@pytest.fixture
def problem(rng):
    dictionary = Dictionary(rng.standard_normal((9, 4)), rng.standard_normal(4))
    codes = rng.standard_normal((5, 9)) * (rng.random((5, 9)) < 0.5)
    return rng.standard_normal((5, 4)), dictionary, codes


def errors(X, dictionary, codes):
    residual = X - dictionary.offset - codes @ dictionary.atoms
    return np.square(residual).sum(axis=1) / 2


@pytest.mark.parametrize("tilt", [0.3, -0.2])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_value_is_the_logarithm_of_a_mean_of_exponentials(problem, tilt, weight):
    X, dictionary, codes = problem
    expected = np.average(np.exp(tilt * errors(X, dictionary, codes)), weights=weight)
    loss = AutoencoderLoss(tilt=tilt)
    for given in (codes, sparse.csr_array(codes)):
        found = loss.evaluate(X, dictionary, given, sample_weight=weight)
        assert found.value == pytest.approx(np.log(expected) / tilt, rel=1e-12)
    # What has no weight may be as wrong as it likes.
    if weight is not None:
        X = X.copy()
        X[2] = 1e6
        again = loss.evaluate(X, dictionary, codes, sample_weight=weight, dictionary_grads=True)
        assert again.value == pytest.approx(found.value, rel=1e-12)
        assert np.isfinite(np.asarray(again.grads["atoms"])).all()


def test_limits_are_mean_and_maximum(problem):
    X, dictionary, codes = problem
    each = errors(X, dictionary, codes)
    for tilt, limit in ((1e-9, each.mean()), (1e6, each.max()), (-1e6, each.min())):
        value = AutoencoderLoss(tilt=tilt)(X, dictionary, codes)[0]
        assert value == pytest.approx(limit, rel=1e-5)


@pytest.mark.parametrize("levels", [None, (2, 5, None)])
@pytest.mark.parametrize("output", [None, "sigmoid"])
def test_gradients(problem, levels, output):
    if levels and output:
        return
    X, dictionary, codes = problem
    loss = AutoencoderLoss(levels=levels, output=output, tilt=0.2)

    def result(codes, atoms, offset):
        given = Dictionary(atoms, offset)
        return loss.evaluate(X, given, codes, sample_weight=WEIGHT, dictionary_grads=True)

    def backward(upstream, *arrays):
        found = result(*arrays)
        grads = found.dcodes, np.asarray(found.grads["atoms"]), found.grads["offset"]
        return tuple(upstream * grad for grad in grads)

    arrays = codes + 2.0, dictionary.atoms, dictionary.offset
    assert gradcheck(lambda *given: result(*given).value, backward, *arrays) < 1e-6


def test_terms_read_the_error_as_it_is(problem):
    X, dictionary, codes = problem
    term = AuxK(k=2, dead_window=1)
    context = LossContext(
        signals={"pre": codes}, memory={"0.idle": np.full(9, 5), "0.variance": np.zeros(())}
    )
    plain, tilted = (
        AutoencoderLoss([term], tilt=tilt).evaluate(X, dictionary, codes, context=context)
        for tilt in (0.0, 0.3)
    )
    assert plain.terms["auxk"] > 0 and plain.terms["auxk"] == tilted.terms["auxk"]


@pytest.mark.needs_jit("it fits")
def test_training_lowers_the_tilted_loss(tmp_path):
    X = make_sparse_signals(600, 30, 20, n_nonzero=4, positive=True, random_state=0).X
    model = SparseAutoencoder(
        30, encoder=TopK(k=3), loss=AutoencoderLoss(tilt=0.5), optimizer=Adam(0.01),
        batch_size=None, n_epochs=60, random_state=0,
    ).fit(X)  # fmt: skip
    assert model.history_["fit"][-1] < 0.8 * model.history_["fit"][0]
    each = np.square(X - model.inverse_transform(model.transform(X))).sum(axis=1) / 2
    assert model.history_["fit"][-1] > 1.02 * each.mean()
    model.save(tmp_path / "model.npz")
    assert SparseAutoencoder.load(tmp_path / "model.npz").loss == model.loss


def test_bad_tilts_are_refused(problem):
    with pytest.raises(ValueError, match="tilt"):
        AutoencoderLoss(tilt=np.inf).init(problem[1])
