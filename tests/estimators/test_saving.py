"""Files of all fitted estimators: what is written comes back, and what is damaged is refused."""

import json

import numpy as np
import pytest
from fitted_models import (
    ATOMS,
    FEATURES,
    MAKERS,
    RNG,
    TRAINED,
    X,
    autoencoder,
    every,
    filters,
    fitted,
    go_on,
    header_of,
    learner,
    network,
    transcoder,
    write,
)

from sparsecode import Dictionary, SparseAutoencoder, SparseCoder
from sparsecode.constraints import UnitNorm
from sparsecode.encoders import TopK
from sparsecode.estimators._descriptions import describe, rebuild
from sparsecode.losses import AutoencoderLoss, LassoLoss, PenaltyTerm, TargetL0
from sparsecode.optimizers import Adam
from sparsecode.penalties import L1, GroupL1, LogSum
from sparsecode.replacement import ReplaceAtoms
from sparsecode.schedules import Cosine, WarmUp
from sparsecode.solvers import FISTA
from sparsecode.updates import GainControl, GradientUpdate


def saved(model, path):
    model.save(path)
    return type(model).load(path)


@every
@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_there_and_back(name, suffix, dtype, tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X.astype(dtype), columns=FEATURES)
    model = fitted(name, frame)
    other = saved(model, tmp_path / f"model.{suffix}")
    assert type(other) is type(model) and repr(other) == repr(model)
    codes, found = model.transform(frame), other.transform(frame)
    np.testing.assert_array_equal(found, codes)
    assert found.dtype == codes.dtype and codes.any()
    assert other.dictionary_ == model.dictionary_
    assert other.dictionary_.constraint == model.dictionary_.constraint
    assert other.components_.dtype == model.components_.dtype
    if name == "Transcoder":
        np.testing.assert_array_equal(other.predict(frame), model.predict(frame))
        target = frame.to_numpy()[:, :3]
        assert other.score(frame, target) == model.score(frame, target)
    else:
        assert other.score(frame) == model.score(frame)
        one, two = model.certify(frame), other.certify(frame)
        np.testing.assert_array_equal(one.objective, two.objective)
    assert list(other.get_feature_names_out()) == list(model.get_feature_names_out())
    assert other.n_features_in_ == 4 and list(other.feature_names_in_) == FEATURES
    with pytest.raises(ValueError, match="feature names"):
        other.transform(frame[["b", "a", "c", "d"]])
    if hasattr(other, "partial_fit"):
        before = other.components_.copy()
        assert go_on(other, frame).n_iter_ > 0
        assert other.components_.dtype == before.dtype


@pytest.mark.parametrize("name", TRAINED)
def test_training_goes_on_with_the_same_pieces(name, tmp_path):
    model = fitted(name)
    other = go_on(saved(model, tmp_path / "model.npz"), X)
    # A fresh optimizer is all that differs.
    model.state_ = None
    go_on(model, X)
    np.testing.assert_array_equal(other.transform(X), model.transform(X))
    np.testing.assert_array_equal(other.components_, model.components_)


def test_learning_goes_on_with_fresh_statistics(tmp_path):
    model = fitted("DictionaryLearning")
    other = saved(model, tmp_path / "model.npz").partial_fit(X)
    fresh = learner().set_params(init=model.dictionary_).partial_fit(X)
    np.testing.assert_array_equal(other.components_, fresh.components_)
    assert other.n_iter_ == 1 and len(other.history_["objective"]) == 1
    again = saved(model, tmp_path / "model.npz").set_params(warm_start=True, n_epochs=1).fit(X)
    fresh = learner().set_params(init=model.dictionary_, n_epochs=1).fit(X)
    np.testing.assert_array_equal(again.components_, fresh.components_)
    filtering = fitted("OlshausenField")
    other = saved(filtering, tmp_path / "model.npz").partial_fit(X)
    fresh = filters().set_params(dict_init=filtering.components_).partial_fit(X)
    np.testing.assert_array_equal(other.components_, fresh.components_)


def test_an_update_set_after_loading_is_used(tmp_path):
    model = saved(fitted("DictionaryLearning"), tmp_path / "model.npz")
    update = GradientUpdate(lr=0.0, gain_control=None)
    before = model.components_.copy()
    np.testing.assert_array_equal(
        model.set_params(update=update, replacement=None).partial_fit(X).components_, before
    )


@every
def test_a_file_of_another_class_is_refused(name, tmp_path):
    fitted(name).save(tmp_path / "model.npz")
    for other, maker in MAKERS.items():
        if other != name:
            with pytest.raises(ValueError, match=rf"'sparsecode.{name}'.*{other}.save wrote"):
                type(maker()).load(tmp_path / "model.npz")


def test_subclasses_are_saved_as_what_they_are_made_of(tmp_path):
    class Own(SparseAutoencoder):
        pass

    model = Own(**autoencoder().get_params(deep=False)).fit(X)
    assert type(saved(model, tmp_path / "model.npz")) is Own
    other = SparseAutoencoder.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(other.transform(X), model.transform(X))


class TestLeftOut:
    def test_what_is_no_number_name_or_component(self, tmp_path):
        model = autoencoder().set_params(
            init=RNG.standard_normal((5, 4)),
            offset=np.zeros(4),
            corrupt=lambda X, rng: X,
            random_state=np.random.RandomState(0),
        )
        other = saved(model.fit(X), tmp_path / "model.npz")
        assert other.init == "random" and other.offset == "mean"
        assert other.corrupt is None and other.random_state is None
        assert repr(other.loss) == repr(model.loss)
        assert go_on(other, X).n_iter_ > 0

    def test_parameters_may_need_what_is_left_out(self, tmp_path):
        class Own(PenaltyTerm):
            pass

        # Without its loss there would be one of this penalty, which does not scale.
        model = SparseAutoencoder(
            5,
            loss=AutoencoderLoss([Own(L1(0.1))]),
            penalty=LogSum(0.1),
            scale_inputs=True,
            n_epochs=1,
        )
        model.fit(X).save(tmp_path / "model.npz")
        other = SparseAutoencoder.load(tmp_path / "model.npz")
        np.testing.assert_array_equal(other.transform(X), model.transform(X))
        with pytest.raises(TypeError, match="LogSum does not scale"):
            other.partial_fit(X)
        arrays, header = header_of(tmp_path / "model.npz")
        settings = json.loads(header["settings"])
        header["settings"] = json.dumps({**settings, "n_epochs": -1})
        write(tmp_path / "model.npz", arrays, header)
        with pytest.raises(ValueError, match="not a saved autoencoder: n_epochs is -1"):
            SparseAutoencoder.load(tmp_path / "model.npz")

    def test_codes_need_a_penalty_and_a_solver_of_the_package(self, tmp_path):
        class Own(FISTA):
            pass

        class OwnL1(L1):
            pass

        for name, value in {"solver": Own(), "penalty": OwnL1(0.1)}.items():
            model = fitted("SparseCoder").set_params(**{name: value})
            with pytest.raises(TypeError, match=rf"^{name} .*cannot be saved; expected one of"):
                model.save(tmp_path / "model.npz")
        model = network().set_params(penalty=OwnL1(0.1), encoder=TopK(k=2), stages=None).fit(X)
        with pytest.raises(TypeError, match=r"OwnL1.* cannot be saved"):
            model.save(tmp_path / "model.npz")
        assert not (tmp_path / "model.npz").exists()

    @every
    def test_wrong_parameters_are_refused_before_anything_is_written(self, name, tmp_path):
        model = fitted(name).set_params(n_jobs="many")
        with pytest.raises(ValueError, match="n_jobs is 'many'"):
            model.save(tmp_path / "model.npz")
        assert not (tmp_path / "model.npz").exists()

    def test_an_atom_learner_is_left_out_and_the_atoms_are_not(self, tmp_path):
        model = network().set_params(dictionary=learner().set_params(constraint=None)).fit(X)
        other = saved(model, tmp_path / "model.npz")
        assert other.dictionary is None and other.dictionary_ == model.dictionary_
        np.testing.assert_array_equal(other.transform(X), model.transform(X))


def test_atoms_come_back_bit_for_bit_in_their_constraint(tmp_path):
    atoms = ATOMS.atoms * (1 + 1e-9)
    model = SparseCoder(Dictionary.view(atoms, None, UnitNorm()), alpha=0.1).fit(X)
    other = saved(model, tmp_path / "model.npz")
    np.testing.assert_array_equal(other.components_, atoms)
    assert other.dictionary_.constraint == UnitNorm()


@pytest.mark.parametrize("learns", [False, True])
def test_networks_keep_their_units(learns, tmp_path):
    model = network().set_params(dictionary=3 * ATOMS.atoms, learn_dictionary=learns).fit(X)
    other = saved(model, tmp_path / "model.npz")
    assert other._model.scaling == model._model.scaling
    assert (model._model.scaling.atoms == 1) == learns
    # Atoms that were learned are not those to start from.
    assert (other.dictionary is None) == learns
    model.state_ = None
    np.testing.assert_array_equal(go_on(other, X).transform(X), go_on(model, X).transform(X))


def test_flat_targets_stay_flat(tmp_path):
    model = transcoder().fit(X, X[:, 0])
    other = saved(model, tmp_path / "model.npz")
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    assert other.predict(X).shape == (60,)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (GroupL1(0.3, groups=np.array([0, 0, 1]), weights=(1.0, 2.0)), "penalty"),
        (TargetL0(PenaltyTerm(L1(0.1), weight=Cosine()), 3.0), "terms"),
        (LassoLoss(L1(0.2, positive=True)), "loss"),
        (GradientUpdate(WarmUp(Cosine(), 3), GainControl(bounds=(0.0, np.inf))), "update"),
        ((1, (2.5, "x"), None, True), "gain_bounds"),
        (np.float32(0.5), "alpha"),
        (ReplaceAtoms, "replacement"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_descriptions_are_json_and_come_back(value, name):
    text = json.dumps(describe(value, name))
    found = rebuild(json.loads(text), name)
    assert json.dumps(describe(found, name)) == text
    assert type(found) is (float if isinstance(value, np.float32) else type(value))


def test_a_component_is_only_what_a_parameter_can_be():
    for value, name in ((Cosine(), "optimizer"), (Adam(), "lr"), (L1(), "solver"), (print, "loss")):
        with pytest.raises(TypeError, match="cannot be saved"):
            describe(value, name)
