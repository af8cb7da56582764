"""scikit-learn's checks of estimators, as a parametrization."""

import os

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks


def each_check(estimators):
    """Parametrize a test by `estimator` and `check`.

    Without the check that only runs where ``SCIPY_ARRAY_API`` is set, unless it is.
    """
    mark = parametrize_with_checks(estimators)
    names, pairs = mark.args
    if "SCIPY_ARRAY_API" not in os.environ:
        pairs = [pair for pair in pairs if pair[1].func.__name__ != "check_array_api_input"]
    return pytest.mark.parametrize(names, pairs, **mark.kwargs)
