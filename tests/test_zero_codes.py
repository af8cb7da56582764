"""One warning where every code is zero, by whoever codes or learns; none where that is right."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sparsecode import Dictionary, DictionaryLearning, SparseCoder, alpha_max, dropin
from sparsecode.penalties import L1, KSparse

rng = np.random.default_rng(0)
ATOMS = Dictionary.random(6, 4, random_state=0).atoms
X = rng.standard_normal((20, 4))
MOST = alpha_max(X, ATOMS)
CODERS = {
    "SparseCoder": lambda X, alpha: SparseCoder(ATOMS, alpha=alpha).fit_transform(X),
    "with a penalty": lambda X, alpha: SparseCoder(
        ATOMS, penalty=L1(alpha / 2), alpha=2.0, sparse_output=True
    ).fit_transform(sparse.csr_array(X)),
    "sparse_encode": lambda X, alpha: dropin.sparse_encode(X, ATOMS, alpha=alpha),
    "threshold": lambda X, alpha: dropin.sparse_encode(
        X, ATOMS, alpha=alpha, algorithm="threshold"
    ),
    "transform": lambda X, alpha: dropin.SparseCoder(
        ATOMS, transform_algorithm="lasso_cd", transform_alpha=alpha
    ).fit_transform(X),
}
LEARNERS = {
    "fit": lambda X, alpha: DictionaryLearning(3, alpha=alpha, n_epochs=2).fit(X),
    "partial_fit": lambda X, alpha: DictionaryLearning(3, alpha=alpha).partial_fit(X),
    "stream": lambda X, alpha: DictionaryLearning(3, alpha=alpha).partial_fit(iter([X])),
    "drop-in": lambda X, alpha: dropin.DictionaryLearning(3, alpha=alpha, max_iter=3).fit(X),
    "drop-in batches": lambda X, alpha: dropin.MiniBatchDictionaryLearning(
        3, alpha=alpha, max_iter=3, batch_size=10
    ).fit(X),
    "drop-in partial_fit": lambda X, alpha: dropin.MiniBatchDictionaryLearning(
        3, alpha=alpha
    ).partial_fit(X),
}


@pytest.mark.parametrize("name", CODERS)
def test_coders_warn(name):
    with pytest.warns(ConvergenceWarning) as caught:
        codes = CODERS[name](X, 1.01 * MOST)
    assert codes.sum() == 0
    (warning,) = caught
    alpha = 0.5 * 1.01 * MOST if name == "with a penalty" else 1.01 * MOST
    assert f"alpha_max is {MOST:.3g}" in str(warning.message) or alpha != 1.01 * MOST
    assert "Every code is zero" in str(warning.message)
    assert "Lower alpha" in str(warning.message) and "learn" not in str(warning.message)


@pytest.mark.parametrize("name", CODERS)
def test_coders_are_silent_where_a_code_is_not_zero_or_may_be(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert CODERS[name](X, 0.99 * MOST).sum() != 0
        # One sample may be weak, and nothing helps zeros.
        CODERS[name](X[:1], 1e3)
        CODERS[name](np.zeros((3, 4)), 1.0)
        CODERS[name](np.concatenate([X[:1], np.zeros((3, 4))]), 1e3)


def test_a_constraint_has_no_weight_to_lower():
    orthogonal = np.eye(4)[:2] @ np.diag([1.0, 1.0, 0, 0])
    coder = SparseCoder(np.eye(4)[2:], penalty=KSparse(1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not coder.fit_transform(orthogonal).any()


@pytest.mark.needs_jit("it learns")
@pytest.mark.parametrize("name", LEARNERS)
def test_learners_warn(name):
    message = "Every code is zero: alpha is 1000, and alpha_max .* nothing to learn from. Lower"
    with pytest.warns(ConvergenceWarning, match=message):
        LEARNERS[name](X, 1e3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LEARNERS[name](X, 0.1 * MOST)
