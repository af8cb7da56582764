"""Multi-TopK: errors of other numbers of units, beside those of the codes."""

import numpy as np
import pytest

from sparsecode import Dictionary, SparseAutoencoder
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import Sigmoid, TopK
from sparsecode.losses import AutoencoderLoss, LossContext, MultiTopK
from sparsecode.optimizers import Adam


@pytest.mark.parametrize("k", [1, 4, 99])
def test_is_the_loss_of_another_topk(rng, k):
    dictionary = Dictionary(rng.standard_normal((9, 6)), rng.standard_normal(6))
    X, weight = rng.standard_normal((7, 6)), np.array([1.0, 2, 0, 1, 1, 3, 1])
    encoder, loss = TopK(k=2), AutoencoderLoss([MultiTopK(k, weight=0.5)])
    params = encoder.init(dictionary)
    options = {"sample_weight": weight, "dictionary_grads": True}
    codes, cache = encoder.forward(params, X, dictionary, signals=loss.needs, sparse=True)
    context = LossContext(signals=cache.signals)
    found = loss.evaluate(X, dictionary, codes, context=context, **options)
    grads = encoder.backward(found.dcodes, cache, dsignals=found.dsignals)
    expected, value = {}, 0.0
    for n_units, share in ((2, 1.0), (min(k, 9), 0.5)):
        other = TopK(k=n_units)
        codes, cache = other.forward(params, X, dictionary)
        one = AutoencoderLoss().evaluate(X, dictionary, codes, **options)
        value += share * one.value
        for name, grad in (*other.backward(one.dcodes, cache).items(), *one.grads.items()):
            expected[name] = expected.get(name, 0) + share * np.asarray(grad)
    assert found.value == pytest.approx(value, rel=1e-12)
    for name, grad in (*grads.items(), *found.grads.items()):
        np.testing.assert_allclose(np.asarray(grad), expected[name], rtol=1e-9, atol=1e-12)


@pytest.mark.needs_jit("it fits")
def test_codes_of_another_number_are_good_too():
    X = make_sparse_signals(1500, 40, 20, n_nonzero=4, positive=True, random_state=0).X

    def error(loss, k):
        model = SparseAutoencoder(
            40, encoder=TopK(k=2), loss=loss, optimizer=Adam(0.01), n_epochs=20, random_state=0
        ).fit(X)
        codes = TopK(k=k).bind(model.encoder_.params).encode(X, model.dictionary_)
        return np.mean((X - model.inverse_transform(codes)) ** 2)

    both = AutoencoderLoss([MultiTopK(8, weight=1.0)])
    assert error(both, 8) < 0.8 * error(None, 8)


def test_needs_pre_activations(rng):
    with pytest.raises(ValueError, match="k"):
        AutoencoderLoss([MultiTopK(k=0)]).init(Dictionary(np.eye(3)))
    loss = AutoencoderLoss([MultiTopK()], output="sigmoid")
    with pytest.raises(ValueError, match=r"MultiTopK.* needs reconstructions that are linear"):
        SparseAutoencoder(4, encoder=Sigmoid(), loss=loss).fit(rng.random((20, 3)))
