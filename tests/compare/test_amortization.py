"""The report against closed forms, its own definitions, and encoders that misbehave."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import sparse

from sparsecode import LISTA, Dictionary, SparseAutoencoder, SparseCoder, certify
from sparsecode.compare import amortization_report
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import Exact, Thresholding
from sparsecode.metrics import code_mcc, explained_variance, support_scores
from sparsecode.penalties import L0, L1, ElasticNet
from sparsecode.solvers import ISTA

rng = np.random.default_rng(0)
atoms = Dictionary.random(24, 12, random_state=0).atoms
dictionary = Dictionary(atoms, offset=rng.standard_normal(12))
X, truth, _ = make_sparse_signals(30, n_nonzero=3, dictionary=dictionary, snr_db=20, random_state=0)
N_ITERS = (1, 2, 4, 8, 16)
COUNTED = [
    "objective",
    "gap",
    "relative_gap",
    "precision",
    "recall",
    "f1",
    "l0",
    "explained_variance",
    "mcc",
    "fista_iterations",
    "warm_start_saving",
]


@dataclass
class Fixed:
    """An encoder that returns what it was given."""

    codes: object

    def encode(self, X, dictionary):
        return self.codes


@dataclass
class Layers:
    """ISTA as a network."""

    n_layers: int

    def encode(self, X, dictionary):
        return Exact(L1(0.1), ISTA(max_iter=self.n_layers, tol=0)).encode(X, dictionary)


def report_on(**options):
    options = {"penalty": L1(0.1), "n_iters": N_ITERS, "n_repeats": 1, "random_state": 0} | options
    return amortization_report(X, dictionary, **options)


@pytest.fixture(scope="module")
def report():
    return report_on(encoders={"good": Layers(50), "zero": Fixed(np.zeros((30, 24)))})


def test_thresholding_is_exact_for_orthonormal_atoms():
    basis = np.linalg.qr(rng.standard_normal((12, 12)))[0]
    found = amortization_report(X, basis, L1(0.3), n_iters=[1, 3], n_repeats=1)
    for name in ("exact", "FISTA 1", "ISTA 1", "FISTA 3", "thresholding", "thresholding, same l0"):
        row = found[name]
        # The step of ISTA is within 1e-9 of 1.
        assert (
            abs(row.gap) < 1e-2 * found.half_squared_norm if "same" in name else abs(row.gap) < 1e-9
        )
        assert row.f1 == row.precision == row.recall == 1
        assert row.mcc == pytest.approx(1, abs=1e-3 if "same" in name else 1e-7)
        assert row.fista_iterations == 1 or "same" in name
    assert found["thresholding"].warm_start_saving == found.n_iter == 1
    random = found["random weights, same l0"]
    # No better than chance.
    assert random.gap > 0.1 and random.f1 == pytest.approx(found["exact"].l0 / 12, abs=0.1)


def test_no_gap_is_below_what_is_certified():
    wild = {"wild": Fixed(rng.standard_normal((30, 24)))}
    for penalty in (L1(0.1), ElasticNet(0.1), L1(0.0)):
        found = report_on(penalty=penalty, encoders=wild, n_iters=[2], tol=1e-4)
        assert 0 <= found.gap_error <= 1e-4 * found.half_squared_norm
        assert (found.column("gap") >= -found.gap_error - 1e-12).all()


def test_more_iterations_are_better(report):
    for family in ("FISTA", "ISTA"):
        rows = [report[f"{family} {count}"] for count in N_ITERS]
        for quantity, sign in (("gap", -1), ("f1", 1), ("fista_iterations", 1)):
            values = sign * np.array([getattr(row, quantity) for row in rows])
            assert (np.diff(values) >= 0).all(), quantity
    for count in N_ITERS:
        assert report[f"FISTA {count}"].fista_iterations == count
        assert report[f"ISTA {count}"].fista_iterations <= count
        assert report[f"ISTA {count}"].gap >= report[f"FISTA {count}"].gap


def test_rows_are_what_they_say(report):
    """Each number computed once more from the codes."""
    optimum = Exact(L1(0.1)).encode(X, dictionary)
    codes = Layers(50).encode(X, dictionary)
    row = report["good"]
    best, judged = (certify(X, z, dictionary, L1(0.1)).objective for z in (optimum, codes))
    assert row.objective == pytest.approx(judged.mean())
    assert row.gap == pytest.approx(np.mean(judged - best), abs=1e-9)
    half_squared_norm = ((X - dictionary.offset) ** 2).sum(axis=1).mean() / 2
    assert report.half_squared_norm == pytest.approx(half_squared_norm)
    assert row.relative_gap == pytest.approx(row.gap / half_squared_norm)
    assert (row.precision, row.recall, row.f1) == support_scores(codes, optimum)
    assert row.l0 == np.count_nonzero(codes) / 30
    assert row.explained_variance == explained_variance(X, dictionary.decode(codes))
    assert row.mcc == pytest.approx(code_mcc(codes, optimum))
    assert row.microseconds > 0 and row.family == "amortized"
    exact = report["exact"]
    assert abs(exact.gap) <= 1e-6 * half_squared_norm and exact.f1 == 1
    assert exact.warm_start_saving == report.n_iter
    zero = report["zero"]
    assert zero.warm_start_saving == zero.fista_iterations == zero.recall == zero.mcc == 0


def test_against_the_truth():
    found = report_on(truth=sparse.csr_array(truth), encoders={"true": Fixed(truth)}, n_iters=[4])
    assert found.against == "truth" and found["true"].f1 == 1
    assert found["true"].mcc == pytest.approx(1)
    optimum = Exact(L1(0.1)).encode(X, dictionary)
    assert 0.5 < found["exact"].f1 == support_scores(optimum, truth).f1 < 1
    assert found["exact"].mcc == pytest.approx(code_mcc(optimum, truth))
    # The true codes pay more for the penalty than they gain.
    assert found["true"].gap > 0


def test_the_second_data_set(report):
    other = 0.5 * rng.standard_normal((8, 12))
    encoders = [Layers(3), Layers(3), Thresholding(L1(0.5))]
    found = report_on(encoders=encoders, X_other=other, n_iters=[2])
    names = [row.encoder for row in found.scores]
    assert names[-3:] == ["Layers 3", "Layers 3 (2)", "Thresholding"]
    assert [row.encoder for row in found.other.scores] == names
    alone = amortization_report(
        other, dictionary, L1(0.1), encoders=encoders, n_iters=[2], n_repeats=1
    )
    for name in ("exact", "FISTA 2", "thresholding", "Layers 3", "Thresholding"):
        for quantity in COUNTED:
            assert getattr(found.other[name], quantity) == getattr(alone[name], quantity)
    codes = rng.standard_normal((8, 24))
    assert report_on(X_other=other, truth_other=codes, n_iters=[1]).other.against == "truth"


def test_baselines_have_the_l0_of_the_optimum(report):
    expected = report["exact"].l0
    for name in ("thresholding, same l0", "random weights, same l0"):
        assert report[name].l0 == pytest.approx(expected, rel=0.01)
    assert report["random weights, same l0"].gap > report["thresholding, same l0"].gap


def test_nothing_but_time_depends_on_threads_or_the_seed_of_others():
    one, two = (report_on(n_iters=[3], n_jobs=n_jobs) for n_jobs in (1, 2))
    for quantity in COUNTED:
        np.testing.assert_array_equal(one.column(quantity), two.column(quantity))
    other = report_on(n_iters=[3], random_state=1)
    for a, b in zip(one.scores, other.scores, strict=True):
        same = all(getattr(a, quantity) == getattr(b, quantity) for quantity in COUNTED)
        assert same == (a.encoder != "random weights, same l0")


def test_encoders_get_n_jobs_where_they_take_it_and_inputs_stay():
    seen = []

    class Spy(Thresholding):
        def encode(self, X, dictionary, *, n_jobs=None):
            seen.append((n_jobs, X.dtype, dictionary.dtype))
            return super().encode(X, dictionary, sparse_output=True)

    samples, kept = X.astype(np.float32), X.astype(np.float32)
    single = dictionary.astype(np.float32)
    found = amortization_report(
        samples, single, L1(0.1), encoders=[Spy(L1(0.1))], n_iters=[4], n_repeats=2, n_jobs=1
    )
    assert seen == [(1, np.float32, np.float32)] * 3
    np.testing.assert_array_equal(samples, kept)
    double = report_on(n_iters=[4])
    for name in ("exact", "FISTA 4", "thresholding"):
        assert found[name].gap == pytest.approx(double[name].gap, abs=1e-5)
        assert found[name].f1 == pytest.approx(double[name].f1, abs=0.02)
    assert found["Spy"].gap == pytest.approx(found["thresholding"].gap)


def test_missing_entries_are_left_out():
    gaps = X.copy()
    gaps[::2, 3], gaps[1::2, :5] = np.nan, np.nan
    given = {"penalty": L1(0.1), "n_iters": [4], "n_repeats": 1, "random_state": 0}
    found = amortization_report(gaps, dictionary, missing=True, **given)
    # Samples that miss the same entries are those of a smaller dictionary.
    parts = [
        amortization_report(
            np.delete(X[start::2], columns, axis=1),
            Dictionary(
                np.delete(atoms, columns, axis=1), offset=np.delete(dictionary.offset, columns)
            ),
            **given,
        )
        for start, columns in ((0, [3]), (1, range(5)))
    ]
    expected = np.mean([part.optimum for part in parts])
    assert found.optimum == pytest.approx(expected, rel=1e-5)
    assert found["exact"].gap == pytest.approx(0, abs=1e-3 * found.optimum)
    assert 0 < found["FISTA 4"].gap < found["ISTA 4"].gap
    assert found.half_squared_norm == pytest.approx(
        np.mean([part.half_squared_norm for part in parts])
    )
    codes = Thresholding(L1(0.1)).encode(gaps, dictionary, missing=True)
    judged = certify(gaps, codes, dictionary, L1(0.1), missing=True).objective.mean()
    assert found["thresholding"].objective == pytest.approx(judged, rel=1e-12)
    # Nobody saw the feature 3.
    seen, left = (np.delete(a, 3, axis=1) for a in (gaps, gaps - dictionary.decode(codes)))
    share = np.nansum(left**2) / np.nansum((seen - np.nanmean(seen, axis=0)) ** 2)
    assert found["thresholding"].explained_variance == pytest.approx(1 - share)
    with pytest.raises(TypeError, match="encoder 'a': its encode has the parameters X, dictionary"):
        amortization_report(gaps, dictionary, missing=True, encoders={"a": Layers(2)}, **given)
    with pytest.raises(ValueError, match="NaN"):
        amortization_report(gaps, dictionary, **given)


def test_infeasible_codes_are_infinitely_bad():
    found = report_on(penalty=L1(0.1, positive=True), encoders={"signed": Layers(9)}, n_iters=[2])
    row = found["signed"]
    assert row.objective == row.gap == np.inf and row.fista_iterations == 0
    assert np.isfinite(row.warm_start_saving) and found["FISTA 2"].gap < np.inf


def test_an_optimum_of_zeros():
    found = report_on(penalty=L1(100.0), n_iters=[1])
    assert found.n_iter == 0 and found.optimum == pytest.approx(found.half_squared_norm)
    np.testing.assert_array_equal(found.column("gap"), 0)
    np.testing.assert_array_equal(found.column("f1"), 1)
    assert np.isnan(found.column("mcc")).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_fitted_estimators_are_judged_by_their_transform(dtype):
    frame = pytest.importorskip("pandas").DataFrame(X, columns=[f"f{i}" for i in range(12)])
    model = LISTA(dictionary=dictionary.astype(dtype), alpha=0.1, n_epochs=1, random_state=0)
    model.fit(frame)
    found = report_on(encoders={"network": model.encoder_, "model": model}, n_iters=[2])
    # Codes of atoms in float32 differ in the last bits, by which iterations must not be compared.
    compared = COUNTED if dtype == np.float64 else COUNTED[:-2]
    for name in compared:
        assert found.column(name)[-1] == pytest.approx(found.column(name)[-2], rel=1e-5)
    # What else its transform does counts too.
    sae = SparseAutoencoder(24, alpha=0.1, n_epochs=1, random_state=0).fit(X).refine(X, "support")
    found = amortization_report(
        X, sae.dictionary_, L1(0.1), encoders=[sae], n_iters=[2], n_repeats=1
    )
    hat = sae.inverse_transform(sae.transform(X))
    assert found["SparseAutoencoder"].explained_variance == explained_variance(X, hat)


def test_refuses_an_estimator_of_another_dictionary():
    model = SparseCoder(atoms, penalty=L1(0.1)).fit(X)
    with pytest.raises(ValueError, match=r"fitted SparseCoder of another .* Pass the dictionary_"):
        report_on(encoders=[model])
    other = SparseCoder(Dictionary(atoms[:20], dictionary.offset), penalty=L1(0.1)).fit(X)
    with pytest.raises(ValueError, match="of another dictionary"):
        report_on(encoders=[other])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"penalty": L0(0.1)}, TypeError, "needs a convex penalty; got L0.* Use L1"),
        ({"penalty": L1(-1.0)}, ValueError, "alpha"),
        ({"encoders": [Thresholding]}, TypeError, "'Thresholding' is .* expected an object with"),
        ({"encoders": {"mine": 3}}, TypeError, "encoder 'mine' of encoders is 3"),
        # A string has a method `encode` too.
        ({"encoders": ["LISTA"]}, TypeError, "is 'LISTA'; expected an object .* Give an instance"),
        ({"encoders": "LISTA"}, TypeError, "encoders is 'LISTA'; expected a dict .* in a list"),
        ({"encoders": Thresholding()}, TypeError, "encoders is Thresholding.* in a list"),
        ({"encoders": [SparseCoder(atoms)]}, TypeError, "without a Dictionary .* Fit it, or"),
        ({"encoders": {"FISTA 4": Layers(4)}}, ValueError, "name of an encoder is 'FISTA 4'"),
        ({"encoders": {"thresholding": Layers(4)}}, ValueError, "is 'thresholding'"),
        ({"encoders": {"a": Fixed(np.ones((3, 24)))}}, ValueError, "encoder 'a': codes has shape"),
        ({"encoders": {"a": Fixed(np.full((30, 24), np.nan))}}, ValueError, "encoder 'a': .*NaN"),
        ({"truth": np.ones((30, 23))}, ValueError, r"truth has shape \(30, 23\); expected"),
        ({"truth_other": truth}, ValueError, "truth_other is given without X_other"),
        ({"X_other": np.ones((5, 3))}, ValueError, "X_other has 3 columns; expected 12"),
        ({"n_iters": 3}, TypeError, r"n_iters is 3; expected a list .* such as \[10\]"),
        ({"n_iters": "3"}, TypeError, "n_iters is '3'; expected a list"),
        ({"n_iters": [0]}, ValueError, "n_iters is 0"),
        ({"tol": 0}, ValueError, "tol is 0"),
        ({"n_repeats": 0}, ValueError, "n_repeats is 0"),
    ],
)
def test_refuses(options, error, message):
    with pytest.raises(error, match=message):
        report_on(**options)


def test_a_random_decoder_is_judged_on_its_own_atoms():
    dictionary = Dictionary.random(30, 20, random_state=0)
    X = make_sparse_signals(300, n_nonzero=3, dictionary=dictionary, random_state=0).X
    options = {"n_iters": [4], "n_repeats": 1, "random_state": 0}
    plain = amortization_report(X, dictionary, L1(0.05), **options)
    report = amortization_report(X, dictionary, L1(0.05), random_decoder=True, **options)
    assert report.column("encoder").tolist()[-1] == "random decoder, same l0"
    assert plain.column("encoder").tolist() == report.column("encoder").tolist()[:-1]
    random, learned = report["random decoder, same l0"], report["exact"]
    assert random.l0 == pytest.approx(learned.l0, rel=0.02)
    # It explains something, and finds little.
    weights = report["random weights, same l0"].explained_variance
    assert weights < 0.3 < random.explained_variance < learned.explained_variance
    assert random.gap > 0 and random.f1 < 0.6 < learned.f1
    assert random.mcc < 0.7 < learned.mcc
