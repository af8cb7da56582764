"""scikit-learn's own tests of dictionary learning, run on the drop-in."""

import importlib.util

import pytest
import sklearn.decomposition
from scikit_learn_checks import of_scikit_learn_1_9

from sparsecode import dropin

pytestmark = [
    of_scikit_learn_1_9,
    pytest.mark.needs_jit("it learns"),
    # As in scikit-learn's own runs: some of its tests mean fits that do not converge.
    pytest.mark.filterwarnings("default"),
]
MODULE = "sklearn.decomposition.tests.test_dict_learning"


def their_tests():
    """The tests of that module, which find our names where they look for scikit-learn's."""
    spec = importlib.util.find_spec(MODULE)
    if spec is None:
        return {}
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        for name in dropin.__all__:
            patch.setattr(sklearn.decomposition, name, getattr(dropin, name))
        spec.loader.exec_module(module)
    assert all(getattr(module, name) is getattr(dropin, name) for name in dropin.__all__)
    return {name: test for name, test in vars(module).items() if name.startswith("test_")}


globals().update(their_tests())
