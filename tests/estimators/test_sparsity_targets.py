"""Autoencoders reach the number of active units that is asked of them, and tell how."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sparsecode import SparseAutoencoder, Transcoder
from sparsecode.encoders import MLP, Gated, JumpReLU, ReLU, TopK
from sparsecode.losses import (
    ActiveUnits,
    AutoencoderLoss,
    Contractive,
    GateSparsity,
    KLDivergence,
    Lp,
    NormWeighted,
    TargetL0,
)
from sparsecode.metrics import dead_fraction, explained_variance, l0
from sparsecode.optimizers import Adam
from sparsecode.penalties import L0, L1, GroupL1, KSparse

pytestmark = pytest.mark.needs_jit("autoencoders are trained for hundreds of steps")
TARGET = 10


@pytest.fixture(scope="module")
def digits():
    return load_digits().data / 16


def fit(X, **changes):
    given = {"n_epochs": 20, "optimizer": Adam(0.005), "random_state": 0, "target_l0": TARGET}
    return SparseAutoencoder(100, **(given | changes)).fit(X)


@pytest.mark.parametrize(
    "encoder",
    [MLP(), MLP((128,)), MLP((128, 64)), MLP(()), MLP((128,), positive=False)],
    ids=repr,
)
def test_perceptrons_reach_a_target(digits, encoder):
    model = fit(digits, encoder=encoder)
    codes = model.transform(digits)
    assert l0(codes).mean() == pytest.approx(TARGET, rel=0.2)
    assert dead_fraction(codes) < 0.2
    assert explained_variance(digits, model.inverse_transform(codes)) > 0.75
    # As with encoders of one layer, the units of the samples do not matter.
    larger = fit(1000 * digits, encoder=encoder)
    assert model.input_scale_ == pytest.approx(1000 * larger.input_scale_)
    np.testing.assert_allclose(
        l0(larger.transform(1000 * digits)).mean(), l0(codes).mean(), rtol=0.05
    )


@pytest.mark.parametrize("init", ["samples", "k-means++", "random"])
def test_no_more_units_die_than_without_a_target(digits, init):
    model = fit(digits, init=init, n_epochs=40)
    codes = model.transform(digits)
    # After enough epochs, that this one is as sparse too.
    plain = fit(digits, init=init, n_epochs=60, target_l0=None, alpha=1.0, scale_inputs=True)
    expected = plain.transform(digits)
    assert l0(codes).mean() == pytest.approx(TARGET, rel=0.2)
    assert dead_fraction(codes) <= dead_fraction(expected) < 0.05
    assert explained_variance(digits, model.inverse_transform(codes)) > 0.8


class TestWeightThatWasFound:
    @pytest.mark.parametrize("encoder", [ReLU(), Gated(), MLP()], ids=repr)
    def test_is_told(self, digits, encoder):
        model = fit(digits, encoder=encoder)
        factor = np.exp(float(model.state_.memory["0.log_weight"]))
        assert model.sparsity_weight_ == pytest.approx(factor) and factor != 1
        if isinstance(encoder, Gated):
            # What is weighted is no penalty of the codes.
            assert model.penalty_.alpha == 0
        else:
            assert model.penalty_.alpha == pytest.approx(factor / model.input_scale_)

    @pytest.mark.parametrize("encoder", [ReLU(), Gated()], ids=repr)
    def test_is_that_of_a_model_without_a_target(self, digits, encoder):
        model = fit(digits, encoder=encoder, n_epochs=60)
        options = {"target_l0": None, "scale_inputs": True, "n_epochs": 60}
        start = {"encoder": model.encoder_, "init": model.dictionary_}
        # Goes on from the model with a constant weight; what is near the target stays there.
        alike = fit(digits, **start, **options, alpha=model.sparsity_weight_)
        assert l0(alike.transform(digits)).mean() == pytest.approx(TARGET, rel=0.25)
        other = fit(digits, **start, **options, alpha=3 * model.sparsity_weight_)
        assert l0(other.transform(digits)).mean() < 0.75 * TARGET

    @pytest.mark.parametrize(("term", "start"), [(Lp(weight=0.5), 0.5), (NormWeighted(L1(2)), 2)])
    def test_counts_that_of_the_term(self, digits, term, start):
        model = fit(digits, loss=AutoencoderLoss([term]), n_epochs=2)
        factor = np.exp(float(model.state_.memory["0.log_weight"]))
        assert model.sparsity_weight_ == pytest.approx(start * factor)

    def test_is_none_where_nothing_is_searched_for(self, digits):
        for changes in ({"encoder": TopK()}, {"encoder": JumpReLU()}, {"target_l0": None}):
            assert fit(digits, n_epochs=3, **changes).sparsity_weight_ is None

    def test_of_a_term_of_your_own(self, digits):
        loss = AutoencoderLoss([TargetL0(L1(0.5), target=TARGET)])
        model = fit(digits, target_l0=None, loss=loss, n_epochs=2)
        factor = np.exp(float(model.state_.memory["0.log_weight"]))
        assert model.sparsity_weight_ == pytest.approx(0.5 * factor)
        transcoder = Transcoder(20, loss=loss, n_epochs=2, random_state=0).fit(
            digits, digits[:, :3]
        )
        assert transcoder.sparsity_weight_ == pytest.approx(transcoder.penalty_.alpha) != 0.5

    @pytest.mark.parametrize("encoder", [ReLU(), Gated()], ids=repr)
    def test_is_where_further_training_starts(self, digits, encoder, tmp_path):
        model = fit(digits, encoder=encoder, alpha=1e-3)
        found = model.sparsity_weight_
        assert found > 0.01
        model.save(tmp_path / "model.npz")
        loaded = SparseAutoencoder.load(tmp_path / "model.npz")
        assert loaded.sparsity_weight_ == found
        for other in (loaded, model.refine(digits, "scale"), model.fold(None, 2.0)):
            other.set_params(optimizer=Adam(0.001)).partial_fit(digits)
            assert other.sparsity_weight_ == pytest.approx(found, rel=0.3)


# One that no atom and no sample is drawn for: it is refused before any work.
NEVER = np.zeros((50, 6))
WRONG = [
    ({"penalty": KSparse(3)}, r"penalty is KSparse\(.*with a gradient.*or TopK"),
    ({"penalty": KSparse}, "penalty is KSparse"),
    ({"penalty": GroupL1}, "penalty is GroupL1"),
    ({"loss": AutoencoderLoss([KSparse(3)])}, "penalty is KSparse"),
    ({"loss": AutoencoderLoss([TargetL0(KSparse(3))])}, "penalty is KSparse"),
    ({"loss": AutoencoderLoss([TargetL0(L1)])}, "term of TargetL0 is <class"),
    ({"loss": AutoencoderLoss([TargetL0(3)])}, "term of TargetL0 is 3; expected a Term"),
    ({"loss": AutoencoderLoss([GateSparsity()])}, r"loss has GateSparsity.* Gated\(\)"),
    ({"loss": AutoencoderLoss([ActiveUnits()])}, r"loss has ActiveUnits.* JumpReLU\(\)"),
    ({"loss": AutoencoderLoss([Contractive()]), "encoder": TopK(3)}, "TopK has only"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG, ids=[message for _, message in WRONG])
@pytest.mark.parametrize("estimator", [SparseAutoencoder, Transcoder])
def test_terms_that_cannot_be_trained_are_refused(estimator, changes, message, monkeypatch):
    monkeypatch.setattr(estimator, "_begin", None)
    with pytest.raises(TypeError, match=message):
        estimator(8, **changes).fit(NEVER, NEVER[:, :2])


def test_a_target_for_a_penalty_without_gradient_is_refused():
    with pytest.raises(TypeError, match="penalty is KSparse"):
        SparseAutoencoder(8, penalty=KSparse(3), target_l0=3).fit(NEVER)


def test_a_bounded_term_within_a_target_is_refused():
    loss = AutoencoderLoss([TargetL0(KLDivergence())])
    with pytest.raises(ValueError, match="KLDivergence got an encoder with codes from"):
        SparseAutoencoder(8, loss=loss).fit(NEVER)


def test_a_stream_of_pairs_is_refused(digits):
    pairs = iter([(digits, digits)])
    with pytest.raises(TypeError, match=r"is a tuple of 2; expected an array .* Transcoder"):
        SparseAutoencoder(8).fit(pairs)


@pytest.mark.parametrize("terms", [[Lp(weight=0.0)], [L1(0.0)]])
def test_a_term_without_weight_is_no_start(digits, terms):
    model = SparseAutoencoder(20, target_l0=3, loss=AutoencoderLoss(terms))
    with pytest.raises(ValueError, match=r"target_l0 is 3 but .* has the weight 0"):
        model.fit(digits[:50])


def test_alpha_is_not_read_where_a_term_has_a_weight(digits):
    loss = AutoencoderLoss([L1(0.1)])
    SparseAutoencoder(20, alpha=0.0, target_l0=3, loss=loss, n_epochs=1).fit(digits[:50])


@pytest.mark.parametrize("encoder", [ReLU(), Gated()], ids=repr)
def test_samples_that_count_nothing_are_not_counted(encoder):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((800, 12))
    X[400:] *= 0.1
    weight = np.where(np.arange(800) < 400, 1.0, 1e-6)
    model = SparseAutoencoder(
        40, encoder=encoder, target_l0=4, n_epochs=60, optimizer=Adam(lr=0.01), random_state=0
    ).fit(X, sample_weight=weight)
    assert abs(l0(model.transform(X[:400])).mean() - 4) < 1


def test_a_count_has_no_gradient(digits):
    with pytest.raises(TypeError, match=r"penalty is L0.*gradient is not 0 everywhere"):
        SparseAutoencoder(20, penalty=L0).fit(digits[:50])
