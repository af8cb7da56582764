import numpy as np
import pytest
from scipy import sparse

import sparsecode.estimators._refinement as refinement
from sparsecode import SparseAutoencoder, debias
from sparsecode.constraints import Free, UnitNorm
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import MLP, ReLU, TopK
from sparsecode.metrics import explained_variance, mse
from sparsecode.optimizers import SGD, Adam
from sparsecode.penalties import L1

pytestmark = pytest.mark.needs_jit("autoencoders are trained for hundreds of steps")


@pytest.fixture(scope="module")
def X():
    return make_sparse_signals(500, 20, 10, n_nonzero=2, random_state=0).X + np.arange(10)


def fitted(X, **changes):
    given = {"alpha": 0.3, "n_epochs": 30, "optimizer": Adam(lr=0.01), "random_state": 0}
    return SparseAutoencoder(20, **(given | changes)).fit(X)


def error(model, X):
    return mse(X, model.inverse_transform(model.transform(X)))


@pytest.mark.parametrize("method", ["decoder", "scale", "support"])
@pytest.mark.parametrize(
    "changes",
    [{}, {"encoder": ReLU(tied=True)}, {"encoder": TopK(k=2)}, {"scale_inputs": True}],
    ids=["relu", "tied", "topk", "scaled"],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_error_falls_and_the_support_stays(X, method, changes, dtype):
    X = X.astype(dtype)
    model = fitted(X, **changes)
    codes, before = model.transform(X), error(model, X)
    assert model.refine(X, method) is model
    after = model.transform(X)
    assert after.dtype == model.components_.dtype == np.dtype(dtype)
    assert error(model, X) < before - 1e-4 * abs(before)
    if method == "support":
        assert (after[codes == 0] == 0).all()
        assert (after >= 0).all()
    else:
        tolerance = 1e-9 if dtype == "float64" else 1e-4
        np.testing.assert_allclose(after, codes, atol=tolerance)
        assert model.dictionary_.constraint == Free() and not model.encoder_.tied
    # Training can go on.
    assert model.partial_fit(X).transform(X).shape == (500, 20)


def test_factors_are_those_of_least_squares(X):
    model = fitted(X)
    old, codes = model.components_, model.transform(X)
    model.refine(X, "scale")
    factors = model.dictionary_.norms
    np.testing.assert_allclose(model.components_, factors[:, None] * old)
    # One column for each unit: what it adds to all reconstructions.
    columns = (codes[:, :, None] * old).transpose(0, 2, 1).reshape(-1, 20)
    wanted = (X - model.dictionary_.offset).reshape(-1)
    expected, *_ = np.linalg.lstsq(columns, wanted, rcond=None)
    assert (expected[codes.any(axis=0)] > 0).all()
    np.testing.assert_allclose(factors[codes.any(axis=0)], expected[codes.any(axis=0)])
    # An l1 penalty shrinks, so that most atoms have to grow.
    assert (factors > 1).mean() > 0.7


def test_factors_stay_positive_and_those_of_dead_units_are_one():
    moments = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 0.0]])
    gains = np.array([1.0, 0.1, 0.0])
    factors = refinement._positive_least_squares(moments, gains)
    assert (factors > 0).all() and factors[2] == 1

    def cost(f):
        return f @ moments @ f / 2 - gains @ f

    assert cost(factors) < cost(np.ones(3))


def test_least_squares_on_the_support_is_that_of_debias(X):
    model = fitted(X)
    codes = model.transform(X)
    expected = debias(X, codes, model.dictionary_, positive=True)
    score = model.score(X)
    model.refine(X, "support")
    np.testing.assert_array_equal(model.transform(X), expected)
    found = model.set_params(sparse_output=True).transform(X)
    assert sparse.issparse(found)
    np.testing.assert_allclose(found.toarray(), expected)
    # The penalty counts as before.
    assert model.score(X) != score and model.penalty_ == L1(0.3)
    assert model.fit(X).debiases_ is False


def test_atoms_may_stay_on_the_sphere(X):
    model = fitted(X, n_epochs=2)
    before = error(model, X)
    model.refine(X, constraint=UnitNorm(), n_epochs=20)
    np.testing.assert_allclose(model.dictionary_.norms, 1)
    assert error(model, X) < before
    free = fitted(X, n_epochs=2).refine(X, n_epochs=20)
    assert error(free, X) < error(model, X)


def test_what_does_not_help_is_not_kept(X):
    model = fitted(X)
    codes, atoms = model.transform(X), model.components_
    model.set_params(optimizer=Adam(lr=10.0)).refine(X)
    np.testing.assert_array_equal(model.components_, atoms)
    np.testing.assert_array_equal(model.transform(X), codes)
    with pytest.raises(FloatingPointError):
        model.set_params(optimizer=SGD(lr=1e200)).refine(X)
    np.testing.assert_array_equal(model.transform(X), codes)


def test_an_interrupt_keeps_the_best(X, monkeypatch):
    model = fitted(X)
    before = error(model, X)
    plain = refinement.AutoencoderLoss.evaluate
    calls = []

    def evaluate(*args, **options):
        calls.append(1)
        if len(calls) > 30:
            raise KeyboardInterrupt
        return plain(*args, **options)

    monkeypatch.setattr(refinement.AutoencoderLoss, "evaluate", evaluate)
    with pytest.raises(KeyboardInterrupt):
        model.refine(X)
    assert error(model, X) < before


@pytest.mark.parametrize("method", ["decoder", "scale", "support"])
@pytest.mark.parametrize("changes", [{}, {"scale_inputs": True, "encoder": ReLU(tied=True)}])
def test_weights_are_repetitions(X, method, changes):
    counts = np.arange(500) % 3
    # The order of the samples is drawn for their number, unless all are in one batch.
    weighted, repeated, plain = (fitted(X, n_epochs=5, batch_size=None, **changes) for _ in "abc")
    weighted.refine(X, method, sample_weight=counts)
    repeated.refine(np.repeat(X, counts, axis=0), method)
    plain.refine(X, method)
    np.testing.assert_allclose(weighted.transform(X), repeated.transform(X), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(weighted.components_, repeated.components_, rtol=1e-6, atol=1e-9)
    assert (method == "support") == np.allclose(weighted.components_, plain.components_, rtol=1e-4)


def test_samples_without_weight_are_no_samples(X):
    wild = np.vstack([X, np.full((20, 10), 1e6)])
    weight = np.repeat([1.0, 0.0], [500, 20])
    for method in ("decoder", "scale"):
        model = fitted(X)
        before = error(model, X)
        model.refine(wild, method, sample_weight=weight)
        assert error(model, X) < before


@pytest.mark.parametrize("kind", ["csr", "memory map"])
def test_kinds_of_samples_are_alike(X, kind, tmp_path):
    np.save(tmp_path / "X.npy", X)
    other = sparse.csr_array(X) if kind == "csr" else np.load(tmp_path / "X.npy", mmap_mode="r")
    for method in ("decoder", "scale"):
        one, two = (fitted(X, shuffle=False) for _ in range(2))
        one.refine(X, method)
        two.set_params(batch_size=256).refine(other, method)
        assert error(two, X) == pytest.approx(
            error(one, X), rel=1e-2 if method == "decoder" else 1e-9
        )


def test_explained_variance_rises_with_the_sparsity_as_it_is(X):
    model = fitted(X, alpha=1.0)
    codes = model.transform(X)
    before = explained_variance(X, model.inverse_transform(codes))
    for method in ("scale", "decoder"):
        refined = model.refine(X, method).transform(X)
        after = explained_variance(X, model.inverse_transform(refined))
        assert after > before and (refined != 0).sum() == (codes != 0).sum()
        before = after


def test_errors(X):
    model = fitted(X, n_epochs=1)
    with pytest.raises(ValueError, match="method is 'atoms'; expected 'decoder', 'scale' or"):
        model.refine(X, "atoms")
    with pytest.raises(ValueError, match="expecting 10"):
        model.refine(X[:, 1:], "support")
    for method in ("decoder", "scale", "support"):
        with pytest.raises(ValueError, match=r"sample_weight.shape"):
            model.refine(X, method, sample_weight=np.ones(499))
        with pytest.raises(ValueError, match="sample_weight is zero for all samples"):
            model.refine(X, method, sample_weight=np.zeros(500))
    with pytest.raises(ValueError, match="n_epochs is 0"):
        model.refine(X, n_epochs=0)
    with pytest.raises(TypeError, match="constraint"):
        model.refine(X, constraint="unit")
    other = fitted(X, n_epochs=1, encoder=MLP())
    with pytest.raises(TypeError, match=r"MLP has another form\. Use 'support'"):
        other.refine(X, "scale")
    before = error(other, X)
    assert error(other.refine(X, "support"), X) < before
