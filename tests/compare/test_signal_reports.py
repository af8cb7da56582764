"""The report of convolutional encoders: against matrices, its own definitions, and bad input."""

from typing import NamedTuple

import numpy as np
import pytest
from scipy import sparse

from sparsecode import SparseCoder, alpha_max, amortization_report, certify
from sparsecode.compare._signals import Signals
from sparsecode.convolutional import (
    ConvolutionalDictionary,
    ConvolutionalFISTA,
    ConvolutionalLISTA,
    ConvolutionalSparseCoder,
    LocallyGreedy,
)
from sparsecode.encoders import LISTA, Thresholding
from sparsecode.metrics import code_mcc, support_scores
from sparsecode.penalties import L1, ElasticNet

TOL = 1e-6
SETTINGS = {"n_iters": [1, 4], "n_repeats": 1, "random_state": 0, "tol": TOL}


def problem(shape=(25,), support=(4,), n_channels=2, n_signals=2):
    dictionary = ConvolutionalDictionary.random(3, support, n_channels=n_channels, random_state=0)
    X = np.random.default_rng(0).standard_normal((n_signals, n_channels, *shape))
    return X, dictionary, L1(0.4 * alpha_max(X, dictionary))


def without_times(report):
    return [row._replace(microseconds=0.0) for row in report.scores]


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(("shape", "support"), [((25,), (4,)), ((7, 6), (3, 2))])
def test_it_is_that_of_the_explicit_matrix(shape, support, positive):
    X, dictionary, penalty = problem(shape, support)
    penalty = penalty._replace(positive=positive, weights=[1.0, 2.0, 0.7])
    matrix = dictionary.matrix(shape)
    weights = np.repeat(penalty.weights, matrix.n_components // 3)
    report = amortization_report(X, dictionary, penalty, **SETTINGS)
    expected = amortization_report(
        X.reshape(2, -1), matrix, penalty._replace(weights=weights), **SETTINGS
    )
    assert report.optimum == pytest.approx(expected.optimum, rel=1e-5)
    assert report.half_squared_norm == pytest.approx(expected.half_squared_norm)
    assert report.column("encoder").tolist() == expected.column("encoder").tolist()
    assert report.column("family").tolist() == expected.column("family").tolist()
    for name in ("thresholding", "thresholding, same l0"):
        for quantity in ("objective", "precision", "recall", "f1", "l0"):
            assert getattr(report[name], quantity) == pytest.approx(
                getattr(expected[name], quantity), rel=1e-4
            )
    assert -report.gap_error <= report["exact"].gap <= 1e-3 * report.half_squared_norm
    assert report["ISTA 4"].gap < report["ISTA 1"].gap


def test_scores_are_those_of_the_codes():
    X, dictionary, penalty = problem()
    network = ConvolutionalLISTA(penalty, n_layers=3)
    report = amortization_report(X, dictionary, penalty, encoders=[network], **SETTINGS)
    row = report["ConvolutionalLISTA 3"]
    codes = network.encode(X, dictionary)
    exact = LocallyGreedy(tol=TOL).solve(X, dictionary, penalty)
    found, best = (np.moveaxis(z, 1, 2).reshape(-1, 3) for z in (codes, exact.codes))
    assert row.objective == pytest.approx(
        certify(X, codes, dictionary, penalty).objective.mean(), rel=1e-12
    )
    assert row.gap == pytest.approx(row.objective - exact.certificate.objective.mean())
    assert row.relative_gap == pytest.approx(row.gap / report.half_squared_norm)
    assert (row.precision, row.recall, row.f1) == support_scores(found, best)
    assert row.mcc == pytest.approx(code_mcc(found, best))
    assert row.l0 == np.count_nonzero(codes) / 2
    times = np.moveaxis(X, 1, 2).reshape(-1, 2)
    left = np.moveaxis(X - dictionary.decode(codes), 1, 2).reshape(-1, 2)
    share = np.square(left).sum() / np.square(times - times.mean(axis=0)).sum()
    assert row.explained_variance == pytest.approx(1 - share)
    assert row.microseconds > 0
    assert row.fista_iterations > 0
    assert "2 signals of 2 channels and size 25, 3 atoms of size 4, L1" in str(report)


def test_the_reference_is_what_fista_does():
    X, dictionary, penalty = problem()
    data = Signals.checked(X, None, dictionary)
    reference = data.refer(penalty, TOL, 1)

    def judged(count, start=None):
        solver = ConvolutionalFISTA(max_iter=count, tol=0)
        return solver.solve(X, dictionary, penalty, codes=start).certificate

    # Gaps rise after 9 and 13 iterations, and the best codes so far count.
    for count in (1, 3, 9, 10, 13, 14):
        assert reference.curve[count] == pytest.approx(judged(count).objective.mean(), rel=1e-9)
    start = np.random.default_rng(0).standard_normal((2, 3, 22))
    for first, n_iter in ((None, reference.n_iter), (start, reference.n_iter_from(start))):
        for index, count in enumerate(n_iter):
            assert judged(count, first).relative_gap[index] <= TOL * (1 + 1e-6)
            assert judged(count - 1, first).relative_gap[index] > TOL * (1 - 1e-6)
    assert not reference.n_iter_from(reference.codes).any()
    report = amortization_report(X, dictionary, penalty, **SETTINGS)
    assert [report[f"FISTA {count}"].fista_iterations for count in (1, 4)] == [1, 4]


def test_signals_of_unequal_sizes_count_alike():
    X, dictionary, penalty = problem()
    signals = [X[0], X[1][:, :18]]
    encoders = [ConvolutionalLISTA(penalty, n_layers=2)]
    report = amortization_report(signals, dictionary, penalty, encoders=encoders, **SETTINGS)
    parts = [
        amortization_report(one[None], dictionary, penalty, encoders=encoders, **SETTINGS)
        for one in signals
    ]
    for name in ("exact", "FISTA 4", "ISTA 4", "thresholding", "ConvolutionalLISTA 2"):
        for quantity in ("objective", "l0", "warm_start_saving"):
            expected = np.mean([getattr(part[name], quantity) for part in parts])
            assert getattr(report[name], quantity) == pytest.approx(expected, rel=1e-6)
    assert "2 signals of 2 channels and size 18 to 25" in report.problem


@pytest.mark.parametrize("positive", [False, True])
def test_missing_entries_are_those_of_the_explicit_matrix(positive):
    X, dictionary, penalty = problem()
    X[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
    penalty = penalty._replace(positive=positive)
    encoders = [ConvolutionalLISTA(penalty, n_layers=4)]
    report = amortization_report(
        X, dictionary, penalty, encoders=encoders, missing=True, random_decoder=True, **SETTINGS
    )
    matrix = dictionary.matrix((25,))
    expected = amortization_report(X.reshape(2, -1), matrix, penalty, missing=True, **SETTINGS)
    assert report.optimum == pytest.approx(expected.optimum, rel=1e-5)
    assert report.half_squared_norm == pytest.approx(expected.half_squared_norm)
    for name in ("thresholding", "thresholding, same l0"):
        for quantity in ("objective", "f1", "l0"):
            assert getattr(report[name], quantity) == pytest.approx(
                getattr(expected[name], quantity), rel=1e-4
            )
    row = report["ConvolutionalLISTA 4"]
    codes = encoders[0].encode(X, dictionary, missing=True)
    judged = certify(X, codes, dictionary, penalty, missing=True).objective.mean()
    assert row.objective == pytest.approx(judged, rel=1e-12) == report["ISTA 4"].objective
    times = np.moveaxis(X, 1, 2).reshape(-1, 2)
    left = np.moveaxis(X - dictionary.decode(codes), 1, 2).reshape(-1, 2)
    share = np.nansum(left**2) / np.nansum((times - np.nanmean(times, axis=0)) ** 2)
    assert row.explained_variance == pytest.approx(1 - share)
    assert report["exact"].gap < 1e-3 * report.half_squared_norm
    assert report["FISTA 4"].fista_iterations == 4


def test_who_takes_missing_entries():
    X, dictionary, penalty = problem()
    X[0, 0, 3] = np.nan

    def report(encoder):
        encoders = {"a": encoder}
        return amortization_report(
            X, dictionary, penalty, encoders=encoders, missing=True, **SETTINGS
        )

    coder = ConvolutionalSparseCoder(dictionary, alpha=penalty.alpha).fit(np.ones((1, 2, 9)))
    with pytest.raises(ValueError, match=r"encoder 'a': number of NaN in signal 0"):
        report(coder)
    found = report(coder.set_params(missing="mask"))
    assert abs(found["a"].gap) < 1e-3 * found.half_squared_norm
    with pytest.raises(TypeError, match=r"encoder 'a': its encode has the .*missing=True"):
        report(Own(np.zeros((2, 3, 22))))
    with pytest.raises(ValueError, match="missing is 'mask'; expected True or False"):
        amortization_report(X, dictionary, penalty, missing="mask", **SETTINGS)


def test_threads_and_second_data():
    X, dictionary, penalty = problem(n_signals=4)
    network = ConvolutionalLISTA(penalty, n_layers=2)
    first, second = (
        amortization_report(
            X[:2], dictionary, penalty, encoders=[network], X_other=X[2:], n_jobs=n_jobs, **SETTINGS
        )
        for n_jobs in (1, 3)
    )
    assert without_times(first) == without_times(second)
    assert without_times(first.other) == without_times(second.other)
    alone = amortization_report(X[2:], dictionary, penalty, encoders=[network], **SETTINGS)
    assert first.other["ConvolutionalLISTA 2"].objective == alone["ConvolutionalLISTA 2"].objective


class Own(NamedTuple):
    """An encoder of the user, whose codes are dense."""

    codes: np.ndarray

    def encode(self, X, dictionary):
        assert X.shape == (2, 2, 25)
        return self.codes


def test_encoders_of_the_user_and_true_codes():
    X, dictionary, penalty = problem()
    exact = LocallyGreedy(tol=TOL).solve(X, dictionary, penalty).codes
    coder = ConvolutionalSparseCoder(dictionary, alpha=penalty.alpha).fit(X)
    encoders = {"own": Own(exact), "coder": coder, "zero": Own(np.zeros_like(exact))}
    report = amortization_report(
        X, dictionary, penalty, encoders=encoders, truth=exact, random_decoder=True, **SETTINGS
    )
    assert report["own"].gap == pytest.approx(0, abs=1e-12)
    assert report["own"].f1 == 1
    assert report["own"].warm_start_saving > 0
    assert abs(report["coder"].gap) <= 1e-4 * report.half_squared_norm
    assert report["zero"].objective == pytest.approx(report.half_squared_norm)
    assert report["zero"].l0 == 0
    assert report.against == "truth"
    assert "random decoder, same l0" in report.column("encoder")
    rows = [sparse.csr_array(one.T) for one in exact]
    again = amortization_report(
        X, dictionary, penalty, encoders={"own": Own(exact)}, truth=rows, **SETTINGS
    )
    assert again["own"].f1 == 1


def test_signals_of_zero():
    _, dictionary, _ = problem()
    with pytest.raises(ValueError, match="has no variance"):
        amortization_report(np.zeros((2, 2, 25)), dictionary, L1(0.5), **SETTINGS)


class Fits(NamedTuple):
    """An object that is no encoder."""


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"penalty": ElasticNet(0.1)}, TypeError, "convolutional codes is ElasticNet.*L1"),
        ({"penalty": L1(0.0)}, ValueError, "expected a number above 0 for every atom"),
        ({"X": None}, ValueError, "X is None"),
        ({"X": []}, ValueError, "number of signals in X is 0"),
        ({"X": np.full((1, 2, 25), np.nan)}, ValueError, "number of NaN in signal 0 of X is 50"),
        ({"X": np.ones((1, 3, 25))}, ValueError, "number of channels of signal 0 of X is 3"),
        ({"X": np.ones((1, 2, 3))}, ValueError, "size of signal 0 of X is .*size of an atom"),
        ({"X": np.ones(25)}, ValueError, "X is an array of 1 dimensions"),
        ({"truth": np.ones((2, 3, 21))}, ValueError, "truth of X: codes have the shape"),
        ({"truth": np.ones((1, 3, 22))}, ValueError, "truth of X: codes are those of 1 signals"),
        ({"truth_other": np.ones((2, 3, 22))}, ValueError, "truth_other is given without X_other"),
        ({"encoders": {"a": Own(np.ones((2, 3, 21)))}}, ValueError, "encoder 'a': codes have the"),
        ({"encoders": {"a": Own(np.full((2, 3, 22), np.nan))}}, ValueError, "encoder 'a'.*NaN"),
        ({"encoders": {"a": Thresholding(L1(0.1))}}, TypeError, "encoder 'a': .*Convolutional"),
        ({"encoders": {"a": LISTA(n_layers=1)}}, TypeError, "encoder 'a': .*Convolutional"),
        ({"encoders": {"a": Fits()}}, TypeError, "ConvolutionalLISTA.penalty. for signals"),
    ],
)
def test_wrong_arguments(change, error, message):
    X, dictionary, penalty = problem()
    given = {"X": X, "dictionary": dictionary, "penalty": penalty}
    with pytest.raises(error, match=message):
        amortization_report(**(given | change), **SETTINGS)


def test_encoders_of_another_dictionary_or_kind():
    X, dictionary, penalty = problem()
    other = ConvolutionalSparseCoder(2 * dictionary.atoms, alpha=1.0).fit(X)
    with pytest.raises(ValueError, match="a fitted ConvolutionalSparseCoder of another dictionary"):
        amortization_report(X, dictionary, penalty, encoders=[other], **SETTINGS)
    rows = np.random.default_rng(0).standard_normal((4, 3))
    coder = SparseCoder(dictionary=np.eye(3), alpha=1.0).fit(rows)
    with pytest.raises(TypeError, match="without a ConvolutionalDictionary in dictionary_"):
        amortization_report(X, dictionary, penalty, encoders=[coder], **SETTINGS)
    network = ConvolutionalLISTA(penalty, n_layers=2)
    with pytest.raises(TypeError, match="encoder 'ConvolutionalLISTA 2': dictionary is Dictionary"):
        amortization_report(rows, np.eye(3), L1(0.1), encoders=[network], **SETTINGS)
