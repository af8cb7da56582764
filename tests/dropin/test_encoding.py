"""`sparse_encode` against scikit-learn's, and where scikit-learn's is wrong, against the truth."""

import warnings

import numpy as np
import pytest
import sklearn.decomposition
from scikit_learn_checks import of_scikit_learn_1_9
from scipy.optimize import linprog, nnls
from sklearn.exceptions import ConvergenceWarning

from sparsecode import certify
from sparsecode.dropin import sparse_encode
from sparsecode.penalties import L1

pytestmark = of_scikit_learn_1_9
LASSO = ["lasso_lars", "lasso_cd"]
ALGORITHMS = [*LASSO, "lars", "omp", "threshold"]
DTYPES = [np.float64, np.float32]
GAP = {np.float64: 1e-11, np.float32: 1e-6}


def theirs(*args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sklearn.decomposition.sparse_encode(*args, **options)


def lasso(X, codes, atoms, alpha):
    return 0.5 * np.sum((X - codes @ atoms) ** 2) + alpha * np.abs(codes).sum()


def test_signature_is_that_of_scikit_learn(plain_signature):
    assert plain_signature(sparse_encode) == plain_signature(sklearn.decomposition.sparse_encode)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_same_codes(X, frame, algorithm, positive, dtype):
    if positive and algorithm in ("lars", "omp"):
        return
    X, frame = X.astype(dtype), frame.astype(dtype)
    options = {"algorithm": algorithm, "alpha": 0.2, "positive": positive, "n_nonzero_coefs": 2}
    if algorithm == "omp":
        # There it would be the error to reach, which scikit-learn ignores.
        del options["alpha"]
    codes = sparse_encode(X, frame, **options)
    if positive and algorithm == "lasso_lars":
        # Its codes are not the best non-negative ones.
        options["algorithm"] = "lasso_cd"
    expected = theirs(X.astype(np.float64), frame.astype(np.float64), **options)
    assert codes.dtype == dtype
    if algorithm in LASSO:
        assert certify(X, codes, frame, L1(0.2, positive=positive)).relative_gap.max() <= GAP[dtype]
        bound = lasso(X, expected, frame, 0.2)
        assert lasso(X, codes, frame, 0.2) <= bound * (1 + 1e-6)
    np.testing.assert_allclose(codes, expected, atol=1e-4)
    if algorithm in ("lars", "omp"):
        np.testing.assert_array_equal(codes != 0, expected != 0)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_defaults(X, frame, algorithm):
    codes = sparse_encode(X, frame, algorithm=algorithm)
    np.testing.assert_allclose(codes, theirs(X, frame, algorithm=algorithm), atol=1e-6)


def test_lasso_with_repeated_atoms(X, frame):
    atoms = np.concatenate([frame, frame[:2], frame[3:4] + 1e-7])
    for algorithm in LASSO:
        codes = sparse_encode(X, atoms, algorithm=algorithm, alpha=0.1)
        assert certify(X, codes, atoms, L1(0.1)).relative_gap.max() <= 1e-11
        assert lasso(X, codes, atoms, 0.1) <= 1.000001 * lasso(
            X, sparse_encode(X, frame, alpha=0.1), frame, 0.1
        )


@pytest.mark.parametrize("algorithm", LASSO)
@pytest.mark.parametrize("scale", [1.0, 1e9, 1e-9])
def test_weight_zero_is_the_end_of_the_path_of_each_row(X, frame, algorithm, scale):
    scales = np.where(np.arange(len(X)) == 0, scale, 1)[:, None]
    codes = sparse_encode(X * scales, frame, algorithm=algorithm, alpha=0) / scales
    np.testing.assert_allclose(codes, theirs(X, frame, alpha=0), atol=1e-10)
    few = frame[:4]
    codes = sparse_encode(X * scales, few, algorithm=algorithm, alpha=0) / scales
    expected = np.linalg.lstsq(few.T, X.T)[0].T
    np.testing.assert_allclose(codes, expected, atol=1e-10)
    codes = sparse_encode(X * scales, few, algorithm="lasso_cd", alpha=0, positive=True) / scales
    expected = [nnls(few.T, x)[0] for x in X]
    np.testing.assert_allclose(codes, expected, atol=1e-10)


def test_weight_zero_where_atoms_depend_on_each_other(X, frame):
    atoms = np.concatenate([frame, 2 * frame[:3], np.zeros((1, 6))])
    codes = sparse_encode(X, atoms, alpha=0)
    np.testing.assert_allclose(codes @ atoms, X, atol=1e-10)
    # No norm is smaller than with the atoms that are longer, which linear programs tell.
    for x, code in zip(X, codes, strict=True):
        program = linprog(np.ones(26), A_eq=np.concatenate([atoms, -atoms]).T, b_eq=x)
        np.testing.assert_allclose(np.abs(code).sum(), program.fun, rtol=1e-7)
    start = np.ones((len(X), 13))
    np.testing.assert_allclose(sparse_encode(X, atoms, alpha=0, init=start), codes, atol=1e-10)
    single = sparse_encode(X.astype(np.float32), atoms.astype(np.float32), alpha=0)
    assert single.dtype == np.float32
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        sparse_encode(X, atoms, alpha=0, max_iter=1)


def test_omp_reaches_an_error(X, frame):
    codes = sparse_encode(X, frame, algorithm="omp", alpha=0.5, n_nonzero_coefs=1)
    gram, corr = frame @ frame.T, frame @ X.T
    expected = sklearn.linear_model.orthogonal_mp_gram(
        gram, corr, tol=0.5, norms_squared=np.sum(X**2, axis=1)
    ).T
    np.testing.assert_allclose(codes, expected, atol=1e-8)
    assert (np.sum((X - codes @ frame) ** 2, axis=1) <= 0.5).all()


def test_omp_reaches_error_zero_with_all_atoms_that_help(X, frame):
    codes = sparse_encode(X, frame, algorithm="omp", alpha=0)
    np.testing.assert_allclose(codes @ frame, X, atol=1e-8)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_types_are_kept_whatever_n_jobs_and_mixed_ones_promoted(X, frame, algorithm, dtype):
    given = X.astype(dtype)
    one, two = (
        sparse_encode(given, frame.astype(dtype), algorithm=algorithm, n_jobs=n_jobs)
        for n_jobs in (1, 2)
    )
    assert one.dtype == two.dtype == dtype
    np.testing.assert_array_equal(one, two)
    mixed = sparse_encode(given, frame.astype(np.float32), algorithm=algorithm)
    assert mixed.dtype == dtype
    mixed = sparse_encode(X.astype(np.float32), frame.astype(dtype), algorithm=algorithm)
    assert mixed.dtype == dtype


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nothing_given_is_written_to(X, frame, algorithm):
    given = [X, frame, frame @ frame.T, frame @ X.T, np.ones((len(X), len(frame)))]
    copies = [array.copy() for array in given]
    for array in given:
        array.flags.writeable = False
    X, frame, gram, cov, init = given
    options = {"gram": gram, "cov": cov, "init": init, "copy_cov": False, "check_input": False}
    codes = sparse_encode(X, frame, algorithm=algorithm, **options)
    for array, copy in zip(given, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    np.testing.assert_allclose(codes, sparse_encode(X, frame, algorithm=algorithm), atol=1e-8)


def test_gram_and_cov_of_other_data_are_refused(X, frame):
    with pytest.raises(ValueError, match="gram is not dictionary"):
        sparse_encode(X, frame, gram=2 * frame @ frame.T)
    with pytest.raises(ValueError, match="cov has shape"):
        sparse_encode(X, frame, cov=X @ frame.T)
    with pytest.raises(ValueError, match="cov is not dictionary"):
        sparse_encode(X, frame, cov=frame @ X.T + 1)


def test_iterations_are_bounded_and_said(X, frame):
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        start = sparse_encode(X, frame, alpha=0.01, max_iter=0)
    assert not start.any()
    init = np.ones((len(X), len(frame)))
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        start = sparse_encode(X, frame, alpha=0.01, max_iter=0, init=init)
    np.testing.assert_array_equal(start, init)
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        sparse_encode(X, frame, alpha=0.01, max_iter=1)


def test_verbose_prints(X, frame, capsys):
    sparse_encode(X, frame)
    assert capsys.readouterr().out == ""
    sparse_encode(X, frame, verbose=1)
    assert f"{len(X)} samples" in capsys.readouterr().out


WRONG = [
    {"algorithm": "lasso"},
    {"algorithm": "omp", "positive": True},
    {"algorithm": "lars", "positive": True},
    {"algorithm": "omp", "n_nonzero_coefs": 10},
    {"alpha": -1},
    {"n_nonzero_coefs": 0},
    {"max_iter": -1},
    {"n_jobs": 1.5},
    {"copy_cov": "yes"},
    {"check_input": 3},
    {"positive": None},
    {"verbose": -1},
    {"gram": 3},
    {"X": np.ones((2, 5))},
    {"X": np.ones(6)},
    {"X": np.full((2, 6), np.nan)},
    {"dictionary": "atoms"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: next(iter(wrong)))
def test_errors_are_those_of_scikit_learn(X, frame, wrong):
    options = {"X": X, "dictionary": frame} | wrong
    expected = raised(sklearn.decomposition.sparse_encode, options)
    got = raised(sparse_encode, options)
    assert type(got) is type(expected)
    # Where the algorithms are listed, their order changes from process to process.
    assert str(got).startswith(str(expected).split("{")[0].split(":")[0][:60])


def raised(function, options):
    try:
        function(**options)
    except (TypeError, ValueError) as error:
        return error
    pytest.fail(f"{function.__module__} accepts {list(options)}")


@pytest.mark.parametrize("wrong", [{"n_jobs": 0}, {"init": np.ones((2, 2))}])
def test_what_scikit_learn_finds_late(X, frame, wrong):
    with pytest.raises(ValueError, match="expected"):
        sparse_encode(X, frame, algorithm="lasso_cd", **wrong)
