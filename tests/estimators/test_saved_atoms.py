"""Files of archetypes and of atoms of counts: they come back, and what is damaged is refused."""

import numpy as np
import pytest
from fitted_models import header_of, write

from sparsecode import ArchetypalAnalysis, PoissonDictionaryLearning
from sparsecode.solvers import FISTA

X = np.random.default_rng(0).poisson(5, (40, 4)).astype(float)
NAMES = list("abcd")
MAKERS = {
    "archetypes": lambda: ArchetypalAnalysis(3, n_epochs=2, huber=5.0, solver=FISTA(tol=1e-5)),
    "counts": lambda: PoissonDictionaryLearning(
        3, alpha=0.5, n_epochs=3, missing="mask", random_state=0
    ),
}
every = pytest.mark.parametrize("name", MAKERS)


@every
@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_there_and_back(name, suffix, dtype, tmp_path):
    frame = pytest.importorskip("pandas").DataFrame(X.astype(dtype), columns=NAMES)
    model = MAKERS[name]().fit(frame)
    model.save(tmp_path / f"model.{suffix}")
    other = type(model).load(tmp_path / f"model.{suffix}")
    assert repr(other) == repr(model) and list(other.feature_names_in_) == NAMES
    assert other.dictionary_ == model.dictionary_ and other.components_.dtype == dtype
    np.testing.assert_array_equal(other.transform(frame), model.transform(frame))
    assert other.score(frame) == model.score(frame)
    assert set(other.history_) == set(model.history_) and other.n_epochs_ == 0
    if name == "archetypes":
        np.testing.assert_array_equal(other.mixtures_, model.mixtures_)
        assert other.mixtures_.dtype == dtype
    np.testing.assert_array_equal(other.fit(frame).components_, model.components_)


@every
def test_atoms_to_start_from_are_left_out(name, tmp_path):
    model = MAKERS[name]().set_params(init=X[:3] + 1).fit(X)
    model.save(tmp_path / "model.npz")
    other = type(model).load(tmp_path / "model.npz")
    assert other.init == type(model)().init
    np.testing.assert_array_equal(other.components_, model.components_)


@pytest.mark.parametrize(
    ("name", "array", "change", "reason"),
    [
        ("archetypes", "archetypes/mixtures", lambda a: a[:2], "array of numbers with 3 rows"),
        ("archetypes", "archetypes/mixtures", lambda a: a * np.nan, "array of numbers"),
        ("archetypes", "archetypes/mixtures", lambda a: -a, "not shares"),
        ("archetypes", "archetypes/mixtures", lambda a: 2 * a, "not shares"),
        ("counts", "dictionary/atoms", lambda a: -a, "negative entries"),
    ],
)
def test_damaged_arrays_are_refused(name, array, change, reason, tmp_path):
    path = tmp_path / "model.npz"
    model = MAKERS[name]().fit(X)
    model.save(path)
    arrays, header = header_of(path)
    arrays[array] = change(arrays[array])
    write(path, arrays, header)
    with pytest.raises(ValueError, match=f"is not a saved {type(model).__name__}: .*{reason}"):
        type(model).load(path)


@every
def test_damaged_settings_are_refused(name, tmp_path):
    path = tmp_path / "model.npz"
    model = MAKERS[name]().fit(X)
    model.save(path)
    arrays, header = header_of(path)
    header["settings"] = header["settings"].replace('"init": "', '"init": "un')
    write(path, arrays, header)
    with pytest.raises(ValueError, match=r"is not a saved .*init"):
        type(model).load(path)
