"""Missing, masked and sparse samples: taken, or refused in words that know a way out."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode import (
    LISTA,
    ArchetypalAnalysis,
    Dictionary,
    DictionaryLearning,
    OlshausenField,
    SparseCoder,
    SparseOutlierDetector,
    SparseRepresentationClassifier,
    TaskDrivenDictionaryLearningRegressor,
    certify,
    coding_path,
    debias,
    dropin,
)
from sparsecode.datasets import PCAWhitening, ZCAWhitening, extract_patches
from sparsecode.penalties import L1
from sparsecode.solvers import FISTA

rng = np.random.default_rng(0)
ATOMS = Dictionary.random(6, 4, random_state=0).atoms
X = rng.standard_normal((12, 4)) / 3
GONE = rng.random((12, 4)) < 0.2
WITH_NAN = np.where(GONE, np.nan, X)
# What lies under the mask must not matter.
MASKED = np.ma.masked_array(np.where(GONE, 1e6, X), GONE)
DENSE = [
    ArchetypalAnalysis(2),
    OlshausenField(),
    ZCAWhitening(),
    PCAWhitening(),
    SparseOutlierDetector(OlshausenField()),
    dropin.SparseCoder(ATOMS),
    dropin.DictionaryLearning(),
    dropin.MiniBatchDictionaryLearning(),
]
COMPLETE = [SparseCoder(ATOMS), DictionaryLearning(), LISTA(), SparseOutlierDetector(), *DENSE]


def name_of(estimator):
    return f"{type(estimator).__module__.split('.')[1]}-{type(estimator).__name__}"


@pytest.mark.parametrize("estimator", DENSE, ids=name_of)
def test_sparse_samples_are_refused_with_a_way_out(estimator):
    message = r"is a sparse matrix; expected a dense array. Pass X.toarray\(\)"
    with pytest.raises(TypeError, match=message):
        estimator.fit(sparse.csr_array(X))


def test_functions_refuse_sparse_arrays_in_the_same_words():
    with pytest.raises(TypeError, match=r"atoms is a sparse matrix; .* Pass atoms.toarray\(\)"):
        Dictionary(sparse.csr_array(ATOMS))


@pytest.mark.parametrize("estimator", COMPLETE, ids=name_of)
@pytest.mark.parametrize(("given", "what"), [(WITH_NAN, "NaN"), (MASKED, "masked")])
def test_missing_entries_are_refused_with_a_way_out(estimator, given, what):
    with pytest.raises(ValueError, match=f"X is {what} in {GONE.sum()} of 48 entries") as caught:
        estimator.fit(given)
    text = str(caught.value)
    assert "Fill them in first" in text or "fill them in first" in text
    assert "HistGradientBoosting" not in text
    if "missing" in estimator.get_params():
        assert "Set missing='mask'" in text
    elif not type(estimator).__module__.startswith("sparsecode.datasets"):
        assert "missing='mask'" in text and "Set missing='mask'" not in text


def test_advice_names_no_parameter_that_an_estimator_has_not():
    for estimator in (TaskDrivenDictionaryLearningRegressor(2), SparseRepresentationClassifier()):
        with pytest.raises(ValueError, match=r"X is NaN in .* Fill them in first, or use"):
            estimator.fit(WITH_NAN, np.arange(12) % 2)


def test_masked_entries_are_missing_ones():
    coder = SparseCoder(ATOMS, alpha=0.1, missing="mask").fit(MASKED)
    expected = coder.transform(WITH_NAN)
    np.testing.assert_array_equal(coder.transform(MASKED), expected)
    np.testing.assert_array_equal(coder.score_samples(MASKED), coder.score_samples(WITH_NAN))
    for solve in (
        lambda X: FISTA().solve(X, ATOMS, L1(0.1), missing=True).codes,
        lambda X: certify(X, expected, ATOMS, L1(0.1), missing=True).objective,
        lambda X: debias(X, expected, ATOMS, missing=True),
        lambda X: coding_path(X, ATOMS, alphas=[0.1], missing=True).codes[0],
    ):
        np.testing.assert_array_equal(solve(MASKED), solve(WITH_NAN))
    assert (MASKED.mask == GONE).all() and (MASKED.data[GONE] == 1e6).all()
    coder = SparseCoder(ATOMS.astype(np.float32), alpha=0.1, missing="mask")
    assert coder.fit_transform(MASKED.astype(np.float32)).dtype == np.float32


@pytest.mark.needs_jit("it learns")
def test_learning_from_masked_entries():
    options = {"alpha": 0.1, "n_epochs": 2, "missing": "mask", "random_state": 0}
    masked, nan = (DictionaryLearning(3, **options).fit(given) for given in (MASKED, WITH_NAN))
    np.testing.assert_array_equal(masked.components_, nan.components_)


def test_masks_are_refused_where_nothing_is_missing():
    for refuse in (
        lambda: FISTA().solve(MASKED, ATOMS, L1(0.1)),
        lambda: Dictionary(MASKED),
        lambda: dropin.sparse_encode(MASKED, ATOMS),
    ):
        with pytest.raises(ValueError, match=r"is masked in .* of 48 entries; expected numbers"):
            refuse()
    # Nothing is masked: an array like others.
    whole = np.ma.masked_array(X)
    np.testing.assert_array_equal(
        dropin.sparse_encode(whole, ATOMS, alpha=0.1), dropin.sparse_encode(X, ATOMS, alpha=0.1)
    )


def test_zeros_that_a_sparse_matrix_does_not_store_are_observed():
    given = X.copy()
    given[GONE] = 0
    given[0, 0] = np.nan
    coder = SparseCoder(ATOMS, alpha=0.1, missing="mask").fit(given)
    np.testing.assert_array_equal(coder.transform(sparse.csr_array(given)), coder.transform(given))


def of_objects(array):
    return np.array(array, dtype=object)


@pytest.mark.needs_jit("it learns")
@pytest.mark.parametrize(
    "use",
    [
        lambda X, Z: certify(X, Z, ATOMS, L1(0.1)),
        lambda X, Z: debias(X, Z, ATOMS),
        lambda X, Z: FISTA().solve(X, ATOMS, L1(0.1), codes=Z),
        lambda X, Z: DictionaryLearning(3, alpha=0.1, n_epochs=1, random_state=0).fit(X),
        lambda X, Z: dropin.DictionaryLearning(3, alpha=0.1, max_iter=2).fit(X),
        lambda X, Z: dropin.MiniBatchDictionaryLearning(3, alpha=0.1, max_iter=2).fit(X),
        lambda X, Z: dropin.sparse_encode(X, ATOMS, alpha=0.1, init=Z),
        lambda X, Z: ZCAWhitening().fit(X).transform(X),
        lambda X, Z: OlshausenField(3, n_epochs=1, random_state=0).fit(X),
    ],
)
def test_arrays_of_objects_stay_as_they_are(use):
    given = of_objects(X), of_objects(rng.standard_normal((12, 6)))
    before = [[(type(entry), entry) for entry in array.flat] for array in given]
    use(*given)
    after = [[(type(entry), entry) for entry in array.flat] for array in given]
    assert before == after


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((9, 9, 4), r"opacity, leave it out: array\[..., :-1\]"),
        ((9, 9, 1), r"Leave out an axis of length 1: array\[..., 0\]"),
        ((2, 9, 9, 3), "one by one"),
    ],
)
def test_images_of_other_shapes(shape, message):
    with pytest.raises(ValueError, match=message):
        extract_patches(np.zeros(shape), 3)
