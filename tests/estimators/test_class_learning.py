"""The loop of the classifiers: it keeps the best state, and ends where nothing improves."""

from types import SimpleNamespace

import pytest

from sparsecode.estimators._class_learning import keep_best


def run(costs, tol=0.0):
    """What is left of iterations with these objectives, which an exception among them ends."""

    def states():
        for i, cost in enumerate(costs):
            if isinstance(cost, BaseException):
                raise cost
            yield i, cost

    estimator, kept = SimpleNamespace(tol=tol), []
    try:
        keep_best(estimator, states(), kept.append)
    except KeyboardInterrupt:
        kept.append("interrupted")
    return kept, estimator


def test_the_best_state_is_kept_when_the_objective_rises():
    kept, estimator = run([3.0, 2.0, 2.5, 1.0])
    assert kept == [1] and estimator.n_iter_ == 2
    assert estimator.history_ == {"objective": [3.0, 2.0, 2.5]}


def test_small_gains_end_it():
    kept, estimator = run([4.0, 2.0, 1.9, 1.0], tol=0.1)
    assert kept == [2] and estimator.n_iter_ == 2


def test_an_interrupt_keeps_what_there_is():
    kept, estimator = run([3.0, 2.0, KeyboardInterrupt()])
    assert kept == [1, "interrupted"] and estimator.n_iter_ == 1
    kept, estimator = run([KeyboardInterrupt()])
    assert kept == ["interrupted"] and not hasattr(estimator, "n_iter_")


def test_errors_are_raised():
    with pytest.raises(FloatingPointError):
        run([3.0, FloatingPointError()])
