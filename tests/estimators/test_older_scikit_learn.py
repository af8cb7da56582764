"""Callbacks where scikit-learn has none: fits work, and setting one is refused."""

import subprocess
import sys

CODE = """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "sklearn.callback" else find(name)
import numpy as np
from sparsecode import DictionaryLearning, OlshausenField, SparseAutoencoder
from sparsecode.estimators import _callbacks
assert not _callbacks.HAS_CALLBACKS
X = np.random.default_rng(0).standard_normal((6, 3))
model = SparseAutoencoder(2, n_epochs=2, random_state=0).fit(X)
print(model.n_epochs_)
for model in (DictionaryLearning(2), OlshausenField(2), model):
    try:
        model.set_callbacks(print)
    except ImportError as error:
        print(error)
"""


def test_an_older_scikit_learn():
    command = [sys.executable, "-W", "error", "-c", CODE]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    epochs, *errors = done.stdout.splitlines()
    assert epochs == "2" and len(errors) == 3
    for error in errors:
        assert error.startswith("set_callbacks needs scikit-learn 1.9 or newer, but ")
        assert "pip install -U scikit-learn" in error
