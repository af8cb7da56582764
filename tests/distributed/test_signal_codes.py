"""Convolutional codes of Dask arrays: those of memory, chunk by chunk, and clear refusals."""

import dask
import dask.array as da
import numpy as np
import pytest
from shifted import LENGTHS, N_SIGNALS, signals

from sparsecode import alpha_max, certify
from sparsecode.convolutional import (
    ConvolutionalDictionaryLearning,
    ConvolutionalFISTA,
    ConvolutionalSparseCoder,
    LocallyGreedy,
)
from sparsecode.penalties import L1

ALPHA = 0.1


def chunks(X, lengths=LENGTHS):
    return da.from_array(X, chunks=(lengths, *X.shape[1:]))


def equal(left, right):
    return left.dtype == right.dtype and np.array_equal(left, right)


@pytest.mark.parametrize("n_dims", [1, 2])
@pytest.mark.parametrize("boundary", ["valid", "zero"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_codes_and_signals_are_those_of_memory(n_dims, boundary, dtype):
    X, dictionary = signals(n_dims, dtype=dtype)
    coder = ConvolutionalSparseCoder(dictionary, alpha=ALPHA, boundary=boundary).fit(X)
    lazy, expected = coder.transform(chunks(X)), coder.transform(X)
    assert lazy.shape == expected.shape and lazy.chunks[0] == LENGTHS
    assert lazy.dtype == expected.dtype and equal(lazy.compute(), expected)
    back = coder.inverse_transform(lazy)
    assert back.shape == X.shape
    assert equal(back.compute(), coder.inverse_transform(expected))


@pytest.mark.parametrize("n_dims", [1, 2])
def test_a_single_channel_may_be_left_out(n_dims):
    X, dictionary = signals(n_dims, n_channels=1)
    X = X[:, 0]
    coder = ConvolutionalSparseCoder(dictionary, alpha=ALPHA).fit(chunks(X))
    assert equal(coder.transform(chunks(X)).compute(), coder.transform(X))


@pytest.mark.parametrize("solver", [LocallyGreedy(), ConvolutionalFISTA(max_iter=3000)])
def test_certificates_and_scores_are_those_of_memory(solver):
    X, dictionary = signals(1)
    coder = ConvolutionalSparseCoder(dictionary, alpha=ALPHA, solver=solver).fit(X)
    expected, lazy = coder.certify(X), coder.certify(chunks(X))
    assert "not computed" in repr(lazy)
    of_codes = certify(chunks(X), coder.transform(chunks(X)), dictionary, L1(ALPHA))
    for found in dask.compute(lazy, of_codes):
        for name in ("objective", "gap", "residual", "relative_gap", "correlation"):
            assert equal(getattr(found, name), getattr(expected, name))
    assert equal(coder.score_samples(chunks(X)).compute(), coder.score_samples(X))
    assert float(coder.score(chunks(X))) == pytest.approx(coder.score(X), rel=1e-12)


def test_sparse_codes_are_an_array_of_csr_arrays():
    X, dictionary = signals(1)
    coder = ConvolutionalSparseCoder(dictionary, alpha=ALPHA, sparse_output=True).fit(X)
    lazy, expected = coder.transform(chunks(X)), coder.transform(X)
    assert lazy.shape == (N_SIGNALS,) and lazy.chunks == (LENGTHS,)
    found = lazy.compute().tolist()
    assert all((mine != other).nnz == 0 for mine, other in zip(found, expected, strict=True))
    back = coder.inverse_transform(lazy).compute()
    assert equal(np.stack(back), np.stack(coder.inverse_transform(expected)))
    images, dictionary = signals(2)
    coder = ConvolutionalSparseCoder(dictionary, alpha=ALPHA, sparse_output=True).fit(images)
    with pytest.raises(ValueError, match="list of sparse arrays, of images"):
        coder.inverse_transform(coder.transform(chunks(images)))


def test_codes_of_a_cluster_are_those_of_memory(client):
    X, dictionary = signals(1)
    coder = ConvolutionalSparseCoder(dictionary, alpha=ALPHA).fit(X)
    lazy = coder.transform(chunks(X))
    with client.as_current():
        (codes,) = dask.compute(lazy)
    assert equal(codes, coder.transform(X))


def test_missing_entries_are_those_of_memory():
    X, dictionary = signals(1)
    X[4, :, 30:36] = np.nan
    coder = ConvolutionalSparseCoder(dictionary, alpha=ALPHA, missing="mask").fit(X)
    assert equal(coder.transform(chunks(X)).compute(), coder.transform(X))
    strict = ConvolutionalSparseCoder(dictionary, alpha=ALPHA).fit(chunks(X))
    with pytest.raises(ValueError, match=r"Chunk 2 of the signals: .*NaN in signal 1"):
        strict.transform(chunks(X)).compute()


def test_nothing_is_computed_before_it_is_asked_for():
    X, dictionary = signals(1)
    lazy = da.from_delayed(dask.delayed(lambda: 1 / 0)(), shape=X.shape, dtype=float)
    coder = ConvolutionalSparseCoder(dictionary, alpha=ALPHA).fit(lazy)
    coder.inverse_transform(coder.transform(lazy))
    coder.certify(lazy), coder.score(lazy)


WRONG = [
    (lambda X: X.rechunk((3, 1, 40)), ValueError, r"X\.rechunk\(\{1: -1, 2: -1\}\)"),
    (lambda X: X.rechunk((3, 2, 40)), ValueError, r"X\.rechunk\(\{2: -1\}\)"),
    (lambda X: X[X[:, 0, 0] > 0], ValueError, r"X\.compute_chunk_sizes\(\)"),
    (lambda X: X.astype(object), TypeError, "dtype object"),
    (lambda X: X[:0], ValueError, "0 signals"),
    (lambda X: X[:, :1], ValueError, "channels of signal 0 of X is 1; expected 2"),
    (lambda X: X[:, :, :5], ValueError, r"size of signal 0 of X is \(5,\)"),
    (lambda X: X[0, 0], ValueError, "1 dimensions"),
]


@pytest.mark.parametrize(("make", "error", "match"), WRONG)
def test_wrong_arrays_are_refused(make, error, match):
    X, dictionary = signals(1)
    wrong = make(chunks(X))
    coder = ConvolutionalSparseCoder(dictionary, alpha=ALPHA)
    learner = ConvolutionalDictionaryLearning(3, 8, alpha=ALPHA, init=dictionary)
    calls = [coder.fit, coder.fit(X).transform, coder.certify, coder.score]
    if "channels" not in match:
        # Learning takes any number of them.
        calls += [learner.fit, learner.partial_fit]
    for call in calls:
        with pytest.raises(error, match=match):
            call(wrong)
    assert not hasattr(learner, "dictionary_")


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda codes: codes[:, :2], r"shape \(n_signals, 3, n_positions\)"),
        (lambda codes: codes.rechunk((3, 3, 20)), r"X\.rechunk\(\{2: -1\}\)"),
        (lambda codes: codes[:, 0], r"shape \(n_signals, 3, n_positions\)"),
    ],
)
def test_wrong_codes_are_refused(make, match):
    X, dictionary = signals(1)
    coder = ConvolutionalSparseCoder(dictionary, alpha=ALPHA).fit(X)
    with pytest.raises(ValueError, match=match):
        coder.inverse_transform(make(coder.transform(chunks(X))))


def test_codes_with_other_chunks_are_refused():
    X, dictionary = signals(1)
    codes = ConvolutionalSparseCoder(dictionary, alpha=ALPHA).fit(X).transform(chunks(X))
    with pytest.raises(ValueError, match=r"codes has the chunks .* of signals"):
        certify(chunks(X, (5, 4)), codes, dictionary, L1(ALPHA))


def test_what_takes_memory_names_the_alternative():
    X, dictionary = signals(1)
    for call in (
        lambda X: LocallyGreedy().solve(X, dictionary, L1(ALPHA)),
        lambda X: alpha_max(X, dictionary, L1()),
    ):
        with pytest.raises(TypeError, match=r"X\.compute\(\), or use ConvolutionalSparseCoder"):
            call(chunks(X))
