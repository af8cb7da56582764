"""An architecture with a new parameter is one class: all else reads what it declares."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from sparsecode import SparseAutoencoder
from sparsecode.encoders._linear import LinearEncoder
from sparsecode.encoders._parameter_kinds import THRESHOLD
from sparsecode.losses import PenaltyTerm
from sparsecode.metrics import explained_variance, l0
from sparsecode.optimizers import Adam
from sparsecode.penalties import L1
from sparsecode.testing import check_encoder


@dataclass(eq=False)
class Shrinking(LinearEncoder):
    """``max(A - cutoff, 0) + max(-A - cutoff, 0)``: a threshold for both signs of `A`."""

    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)
    parameter_kinds: ClassVar[dict] = {**LinearEncoder.parameter_kinds, "cutoff": THRESHOLD}

    def default_terms(self, penalty):
        return [PenaltyTerm(L1(2 * penalty.alpha))]

    def _initial(self, dictionary, random_state):
        cutoff = np.full(dictionary.n_components, 0.1)
        return {**super()._initial(dictionary, random_state), "cutoff": cutoff}

    def _shapes(self, dictionary):
        return {**super()._shapes(dictionary), "cutoff": (dictionary.n_components,)}

    def _workspace(self, shape, dtype, signals):
        return {**super()._workspace(shape, dtype, signals), "signs": np.empty(shape, dtype)}

    def _store(self, A, params, stored):
        super()._store(A, params, stored)
        stored["signs"][:] = np.sign(A)

    def _activate(self, A, params):
        A[:] = np.maximum(np.abs(A) - params["cutoff"], 0)

    def _derive(self, dcodes, codes, params):
        return dcodes * (codes > 0)

    def _pre_gradients(self, dcodes, cache, dsignals, grads, buffer):
        active = dcodes * (cache.codes > 0)
        grads["cutoff"] = -active.sum(axis=0)
        np.multiply(active, cache.kept.stored["signs"], out=buffer)
        return [buffer]

    def _calibrated(self, A, share):
        return {"cutoff": np.quantile(np.abs(A + self.params["b"]), 1 - share, axis=0)}


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    atoms = rng.standard_normal((16, 10))
    active = rng.random((600, 16)) < 0.15
    return 50 * (active * rng.uniform(0.5, 1.5, active.shape)) @ atoms + 7


@pytest.mark.parametrize("tied", [False, True])
def test_it_keeps_the_contract(tied):
    check_encoder(Shrinking(tied=tied))


def fit(X, **options):
    settings = {"n_epochs": 15, "optimizer": Adam(0.01), "random_state": 0, "target_l0": 3}
    return SparseAutoencoder(16, encoder=Shrinking(), **(settings | options)).fit(X)


@pytest.mark.needs_jit("autoencoders are trained for hundreds of steps")
def test_it_is_trained_to_a_target_in_any_units_and_folded(X):
    model = fit(X, scale_inputs=True)
    codes = model.transform(X)
    assert l0(codes).mean() == pytest.approx(3, rel=0.3)
    assert explained_variance(X, model.inverse_transform(codes)) > 0.5
    # Its default term, whose weight was searched for.
    assert model.penalty_.alpha > 0 and model.input_scale_ != 1
    larger = fit(1000 * X)
    np.testing.assert_allclose(larger.transform(1000 * X), 1000 * codes, rtol=1e-4, atol=0.1)
    for mean, scale in ((np.arange(10.0), 3.0), (np.arange(10.0), np.linspace(0.5, 2, 10))):
        folded, raw = model.fold(mean, scale), X * scale + mean
        expected = model.inverse_transform(codes) * scale + mean
        found = folded.inverse_transform(folded.transform(raw))
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_the_default_terms_are_those_that_it_declares(X):
    model = fit(X, target_l0=None, n_epochs=1, alpha=0.5)
    assert model.penalty_ == L1(1.0)


def test_a_parameter_without_a_kind_is_named(X):
    class Silent(Shrinking):
        parameter_kinds: ClassVar[dict] = LinearEncoder.parameter_kinds

    with pytest.raises(TypeError, match=r"parameter_kinds .* 'cutoff'"):
        SparseAutoencoder(16, encoder=Silent(), scale_inputs=True, n_epochs=1).fit(X)
    with pytest.raises(AssertionError, match="parameter_kinds"):
        check_encoder(Silent())
