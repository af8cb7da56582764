"""What is recorded of steps, and how it becomes an entry of the history."""

import numpy as np

from sparsecode.training.records import extended, means


def test_means_are_weighted_but_the_learning_rate_is_the_last():
    rows = [
        {"loss": 1.0, "lr": 0.5, "weight": 3.0, "n_steps": 1},
        {"loss": 5.0, "lr": 0.25, "weight": 1.0, "n_steps": 1},
    ]
    assert means(rows) == {"loss": 2.0, "lr": 0.25}
    assert means(rows[1:]) == {"loss": 5.0, "lr": 0.25}


def test_epochs_without_an_entry_are_nan():
    history = extended({"loss": [3.0, 2.0], "old": [1.0, 1.0]}, {"loss": 1.0, "new": 4.0}, 2)
    assert list(history) == ["loss", "old", "new"]
    np.testing.assert_array_equal(history["loss"], [3, 2, 1])
    np.testing.assert_array_equal(history["old"], [1, 1, np.nan])
    np.testing.assert_array_equal(history["new"], [np.nan, np.nan, 4])
