"""The rectifier's codes are sparse arrays in training where few are not 0, and the same anyway."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary
from sparsecode.encoders import ReLU
from sparsecode.losses import AutoencoderLoss
from sparsecode.optimizers import Adam
from sparsecode.penalties import L1
from sparsecode.training import train

rng = np.random.default_rng(0)
X = rng.standard_normal((300, 12))
DICTIONARY = Dictionary.random(40, 12, random_state=0)


@pytest.mark.parametrize(("bias", "is_sparse"), [(0.0, False), (-1.5, True)])
def test_codes_are_sparse_where_few_are_active(bias, is_sparse):
    encoder = ReLU(initial_bias=bias)
    params = encoder.init(DICTIONARY)
    dense, _ = encoder.forward(params, X, DICTIONARY)
    codes, _ = encoder.forward(params, X, DICTIONARY, sparse=True)
    assert sparse.issparse(codes) == is_sparse
    np.testing.assert_array_equal(codes.toarray() if is_sparse else codes, dense)


def test_signals_of_all_entries_need_dense_codes():
    encoder = ReLU(initial_bias=-1.5)
    codes, cache = encoder.forward(
        encoder.init(DICTIONARY), X, DICTIONARY, sparse=True, signals=("pre",)
    )
    assert isinstance(codes, np.ndarray)
    assert cache.signals["pre"].shape == codes.shape


def test_what_is_no_number_stays_none():
    encoder = ReLU(initial_bias=-1.5)
    params = encoder.init(DICTIONARY)
    params["b"][3] = np.nan
    codes = encoder.forward(params, X, DICTIONARY, sparse=True)[0]
    assert sparse.issparse(codes)
    assert np.isnan(codes.toarray()[:, 3]).all()


def test_training_is_the_same_with_sparse_codes(monkeypatch):
    found = []
    for densest in (0.0, 1.0):
        monkeypatch.setattr("sparsecode.encoders._linear.DENSEST", densest)
        *_, last = train(
            ReLU(initial_bias=-0.5),
            DICTIONARY,
            X,
            loss=AutoencoderLoss([L1(0.2)]),
            optimizer=Adam(lr=1e-2),
            n_epochs=5,
            batch_size=64,
            learn_dictionary=True,
            random_state=0,
        )
        found.append(last)
    for name, array in found[0].params.items():
        np.testing.assert_allclose(found[1].params[name], array, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found[0].history["loss"], found[1].history["loss"], rtol=1e-10)


def test_single_dense_samples_do_not_make_a_batch_dense(monkeypatch):
    # A strip is one sample.
    monkeypatch.setattr("sparsecode._parallel._STRIP_BYTES", 1)
    encoder = ReLU(initial_bias=-1.5)
    params = encoder.init(DICTIONARY)
    large = X * np.where(np.arange(len(X)) % 50 == 0, 20.0, 1.0)[:, None]
    dense, _ = encoder.forward(params, large, DICTIONARY)
    assert (dense[0] != 0).mean() > 1 / 4
    codes, _ = encoder.forward(params, large, DICTIONARY, sparse=True)
    assert sparse.issparse(codes)
    np.testing.assert_array_equal(codes.toarray(), dense)
