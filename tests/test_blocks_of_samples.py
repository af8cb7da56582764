"""Codes of a sample are the same bits, whatever samples are beside it."""

import numpy as np
import pytest
from sklearn.base import clone

from sparsecode import Dictionary, certify, encoders, solvers
from sparsecode.encoders import (
    BatchTopK,
    Encoder,
    Exact,
    LeaveOneOut,
    Refined,
    ReLU,
    TopK,
    TrainableEncoder,
)
from sparsecode.penalties import L1, Cauchy, KSparse
from sparsecode.solvers import Solver

pytestmark = [
    pytest.mark.needs_jit,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

# With so many features and atoms every BLAS has tiles that are not full.
SAMPLES = np.random.default_rng(0).standard_normal((75, 100))
ATOMS = Dictionary.random(130, 100, random_state=0)
PARTS = [slice(0, 1), slice(1, 14), slice(14, 75)]
ANY_ORDER = np.random.default_rng(1).permutation(75)
# These choose by the number of samples between two ways to the same product.
BY_NUMBER = (encoders.ALISTA, encoders.MatchingPursuit)

CLASSES = [getattr(solvers, name) for name in solvers.__all__]
SOLVERS = [cls for cls in CLASSES if isinstance(cls, type) and issubclass(cls, Solver)]
CLASSES = [getattr(encoders, name) for name in encoders.__all__]
ENCODERS = [cls() for cls in CLASSES if cls not in (Encoder, TrainableEncoder, *BY_NUMBER)]
# As many units are active as let products of entries pay, or a few more or less.
ENCODERS += [Refined(ReLU(initial_bias=-1.0), 2)]
ENCODERS += [LeaveOneOut(TopK(5)), Refined(ReLU(), 2), Refined(TopK(5), 2, feedback="atoms")]


def assert_rows_alike(code, X):
    whole = code(X)
    for part in (*PARTS, ANY_ORDER):
        np.testing.assert_array_equal(code(X[part]), whole[part])


def penalty_of(solver):
    for penalty in (L1(0.3), Cauchy(0.3), KSparse(3)):
        try:
            solver.check_penalty(penalty)
        except TypeError:
            continue
        return penalty
    raise AssertionError(f"{solver} accepts none of these penalties: add one that it does")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cls", [cls for cls in SOLVERS if cls is not Solver])
def test_codes_of_solvers(cls, dtype):
    solver, dictionary = cls(), ATOMS.astype(dtype)
    if "max_iter" in solver.get_params():
        solver = clone(solver).set_params(max_iter=30)
    penalty = penalty_of(solver)
    X = SAMPLES.astype(dtype)
    assert_rows_alike(lambda X: solver.solve(X, dictionary, penalty).codes, X)
    if dtype == np.float64:
        certificate = solver.solve(X, dictionary, penalty).certificate
        again = certify(X, solver.solve(X, dictionary, penalty).codes, dictionary, penalty)
        np.testing.assert_array_equal(certificate.objective, again.objective)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("encoder", ENCODERS, ids=repr)
def test_codes_of_encoders(encoder, dtype):
    dictionary, X = ATOMS.astype(dtype), SAMPLES.astype(dtype)
    if isinstance(encoder, TrainableEncoder):
        params = encoder.init(dictionary, random_state=0)
        encoder = encoder.bind(params)
        if isinstance(encoder, BatchTopK):
            encoder = encoder.set_buffers(X, dictionary)
    if isinstance(encoder, Exact):
        encoder = Exact(L1(0.3))
    assert_rows_alike(lambda X: encoder.encode(X, dictionary), X)
    codes = encoder.encode(X, dictionary)
    np.testing.assert_array_equal(
        encoder.encode(X, dictionary, sparse_output=True).toarray(), codes
    )
    assert_rows_alike(dictionary.decode, codes)


@pytest.mark.parametrize("penalty", [L1(0.3), Cauchy(0.3)], ids=repr)
def test_certificates(penalty):
    codes = np.where(SAMPLES @ ATOMS.atoms.T > 1, 0.5, 0)

    def judged(rows):
        found = certify(SAMPLES[rows], codes[rows], ATOMS, penalty)
        return np.column_stack([found.objective, found.residual, found.correlation])

    whole = judged(slice(None))
    for part in (*PARTS, ANY_ORDER):
        np.testing.assert_array_equal(judged(part), whole[part])
