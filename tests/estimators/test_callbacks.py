"""Callbacks where the guide says they go: on the outermost estimator, and one call an epoch."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")

from sklearn.callback import ProgressBar

from sparsecode import DictionaryLearning, SparseCoder, SparseOutlierDetector

X = np.random.default_rng(0).standard_normal((40, 6))
GRID = {"alpha": [0.1, 0.2]}


class Log:
    """Callback that keeps the names of tasks that ended, and may end the fit."""

    def __init__(self, n_epochs=np.inf):
        self.n_epochs, self.ended = n_epochs, []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, **data):
        pass

    def on_fit_task_end(self, estimator, context, **data):
        self.ended.append(context.task_name)
        return self.ended.count("epoch") >= self.n_epochs


def learner(*callbacks):
    model = DictionaryLearning(5, alpha=0.2, n_epochs=3, tol=0, random_state=0)
    return model.set_callbacks(*callbacks)


def test_one_call_for_each_epoch_and_one_for_the_fit():
    log = Log()
    learner(log).fit(X)
    assert log.ended == ["epoch", "epoch", "epoch", "fit"]
    log = Log(n_epochs=2)
    assert learner(log).fit(X).n_epochs_ == 2


def test_no_calls_without_epochs():
    log = Log()
    learner(log).partial_fit(X)
    learner(log).fit(iter([X[:20], X[20:]]))
    assert log.ended == []


def test_a_bar_is_for_the_outermost_estimator(capsys):
    make_pipeline(StandardScaler(), learner()).set_callbacks(ProgressBar()).fit(X)
    GridSearchCV(learner(), GRID, cv=2).set_callbacks(ProgressBar()).fit(X)
    assert "DictionaryLearning" in capsys.readouterr().out
    inside = learner(ProgressBar())
    with pytest.raises(TypeError, match="can't have auto-propagated callbacks"):
        make_pipeline(StandardScaler(), inside).fit(X)
    with pytest.raises(ValueError, match="can't have auto-propagated callbacks"):
        GridSearchCV(inside, GRID, cv=2).fit(X)
    with pytest.raises(TypeError, match="can't have auto-propagated callbacks"):
        GridSearchCV(inside, GRID, cv=2, error_score="raise").fit(X)


def test_fits_of_a_search_report_to_one_callback():
    log = Log()
    GridSearchCV(learner(log), GRID, cv=2).fit(X)
    assert log.ended.count("fit") == 5


def test_who_takes_none():
    assert not hasattr(SparseCoder, "set_callbacks")
    assert not hasattr(SparseOutlierDetector, "set_callbacks")
    log = Log()
    SparseOutlierDetector(learner(log)).fit(X)
    assert log.ended.count("epoch") == 3
