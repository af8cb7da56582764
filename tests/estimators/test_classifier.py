"""All classifiers: names of features, and labels that cannot be classes."""

import numpy as np
import pytest

from sparsecode import (
    DictionaryPairClassifier,
    DiscriminativeKSVD,
    LabelConsistentKSVD,
    SparseRepresentationClassifier,
    StructuredIncoherenceClassifier,
    TaskDrivenDictionaryLearningClassifier,
)
from sparsecode.penalties import ElasticNet

NAMES = list("abcd")
Y = np.arange(30) % 3
X = np.eye(4)[Y] + 0.1 * np.random.default_rng(0).standard_normal((30, 4))
MAKERS = {
    "SRC": SparseRepresentationClassifier,
    "CRC": lambda: SparseRepresentationClassifier(penalty=ElasticNet(0.01, l1_ratio=0)),
    "D-KSVD": lambda: DiscriminativeKSVD(2, n_nonzero=2, n_epochs=1, random_state=0),
    "LC-KSVD": lambda: LabelConsistentKSVD(2, n_nonzero=2, n_epochs=1, random_state=0),
    "DPL": lambda: DictionaryPairClassifier(2, random_state=0),
    "DLSI": lambda: StructuredIncoherenceClassifier(2, random_state=0),
    "task-driven": lambda: TaskDrivenDictionaryLearningClassifier(
        3, n_epochs=1, lr=0.01, random_state=0
    ),
}
every = pytest.mark.parametrize("name", MAKERS)


@every
def test_columns_in_another_order_are_refused_also_after_loading(name, tmp_path):
    frame = pytest.importorskip("pandas").DataFrame(X, columns=NAMES)
    model = MAKERS[name]().fit(frame, Y)
    model.save(tmp_path / "model.npz")
    for one in (model, type(model).load(tmp_path / "model.npz")):
        assert list(one.feature_names_in_) == NAMES
        assert one.score(frame, Y) > 0.8
        for method in (one.predict, one.decision_function, one.transform):
            with pytest.raises(ValueError, match="feature names should match"):
                method(frame[NAMES[::-1]])


@every
@pytest.mark.needs_jit("products by rows are compiled")
def test_scores_do_not_depend_on_other_samples(name):
    model = MAKERS[name]().fit(X, Y)
    alone = np.concatenate([model.decision_function(x[None]) for x in X])
    np.testing.assert_array_equal(alone, model.decision_function(X))


@every
def test_labels_of_several_types_are_refused(name):
    for labels in (["a", 1, None], [1, "a", "b"]):
        with pytest.raises(TypeError, match=r"y has labels of several types, .*int.*; expected"):
            MAKERS[name]().fit(X, np.array(labels, dtype=object)[Y])
    with pytest.raises(ValueError, match="contains NaN"):
        MAKERS[name]().fit(X, np.where(Y == 0, np.nan, Y))


@every
def test_a_column_of_labels_is_flattened_with_a_warning(name):
    with pytest.warns(UserWarning, match="column-vector y"):
        model = MAKERS[name]().fit(X, Y[:, None])
    assert model.predict(X).shape == (30,)


@every
def test_dask_collections_are_refused_with_a_way_out(name):
    chunks = pytest.importorskip("dask.array").from_array(X, chunks=(10, 4))
    model = MAKERS[name]().fit(X, Y)
    for method in (model.predict, model.decision_function):
        with pytest.raises(TypeError, match=r"X is a Dask collection; .* Use X.map_blocks"):
            method(chunks)
    with pytest.raises(TypeError, match=r"is a Dask collection; .* X.compute\(\)"):
        model.fit(chunks, Y)
