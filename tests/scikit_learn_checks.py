"""scikit-learn's checks of estimators, as a parametrization, and which scikit-learn is meant."""

import importlib.util
import os

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

# Before, its classes had fewer methods and other messages, and its codes were less precise.
of_scikit_learn_1_9 = pytest.mark.skipif(
    importlib.util.find_spec("sklearn.callback") is None,
    reason="the drop-in is compared with scikit-learn 1.9 or newer",
)


def each_check(estimators):
    """Parametrize a test by `estimator` and `check`.

    Without the check that only runs where ``SCIPY_ARRAY_API`` is set, unless it is.
    """
    mark = parametrize_with_checks(estimators)
    names, pairs = mark.args
    if "SCIPY_ARRAY_API" not in os.environ:
        pairs = [pair for pair in pairs if pair[1].func.__name__ != "check_array_api_input"]
    return pytest.mark.parametrize(names, pairs, **mark.kwargs)
