"""Scores of supports against scikit-learn and by hand."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import precision_recall_fscore_support

from sparsecode.metrics import support_scores

rng = np.random.default_rng(0)


def draw(density):
    return rng.standard_normal((40, 9)) * (rng.random((40, 9)) < density)


@pytest.mark.parametrize("threshold", [0.0, 0.7])
def test_scores_are_those_of_classification(threshold):
    codes, truth = draw(0.3), draw(0.5)
    active = [(np.abs(array) > threshold).ravel() for array in (truth, codes)]
    expected = precision_recall_fscore_support(*active, average="binary")[:3]
    for one in (codes, sparse.csr_array(codes)):
        for two in (truth, sparse.csr_array(truth)):
            scores = support_scores(one, two, threshold=threshold)
            np.testing.assert_allclose(scores, expected)


def test_signs_and_sizes_do_not_matter():
    codes = draw(0.3)
    assert support_scores(-3 * codes, codes) == (1, 1, 1)
    swapped = support_scores(codes, draw(0.5))
    assert swapped.f1 == pytest.approx(
        2 * swapped.precision * swapped.recall / (swapped.precision + swapped.recall)
    )


def test_empty_supports():
    none, one = np.zeros((2, 3)), np.eye(2, 3)
    assert support_scores(none, none) == (1, 1, 1)
    assert support_scores(none, one) == (0, 0, 0)
    assert support_scores(one, none) == (0, 0, 0)
    assert support_scores(np.eye(2, 3)[::-1], one) == (0, 0, 0)


def test_refuses():
    with pytest.raises(ValueError, match=r"expected shape \(2, 3\)"):
        support_scores(np.eye(2), np.eye(2, 3))
    with pytest.raises(ValueError, match="threshold"):
        support_scores(np.eye(2), np.eye(2), threshold=-1)
