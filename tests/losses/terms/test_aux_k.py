"""Dead units fit the residual: who is dead, what they are told, and that nobody else is."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary
from sparsecode.constraints import Free
from sparsecode.encoders import ReLU, TopK
from sparsecode.losses import AutoencoderLoss, AuxK, LossContext
from sparsecode.optimizers import Adam
from sparsecode.testing import gradcheck
from sparsecode.training import train

N_DEAD = 4


@pytest.fixture
def problem(rng):
    atoms = rng.standard_normal((9, 5))
    atoms /= np.linalg.norm(atoms, axis=1)[:, None]
    return rng.standard_normal((7, 5)), Dictionary(atoms, rng.normal(size=5), Free())


def dead_params(encoder, dictionary, rng):
    """Parameters with which the last units are never among the codes, but have activations."""
    params = encoder.init(dictionary)
    params["b"][:] = 2.0
    params["b"][-N_DEAD:] = 0.0
    if "W" in params:
        params["W"] += 0.1 * rng.standard_normal(params["W"].shape)
    return params


def context_of(loss, dictionary, cache, **options):
    memory = loss.init(dictionary)
    memory["0.idle"][-N_DEAD:] = 100
    return LossContext(signals=cache.signals, memory=memory, **options)


def test_value_and_gradients_are_those_of_the_formula(problem, rng):
    X, dictionary = problem
    encoder, loss = (
        TopK(k=2),
        AutoencoderLoss([AuxK(k=2, dead_window=100, weight=0.25, normalize=True)]),
    )
    params = dead_params(encoder, dictionary, rng)
    codes, cache = encoder.forward(params, X, dictionary, sparse=True, signals=("pre",))
    result = loss.evaluate(
        X, dictionary, codes, dictionary_grads=True, context=context_of(loss, dictionary, cache)
    )
    residual = X - dictionary.offset - codes @ dictionary.atoms
    pre = cache.signals["pre"].copy()
    pre[:, :-N_DEAD] = -np.inf
    limit = np.maximum(np.sort(pre, axis=1)[:, -2:-1], 0)
    chosen = np.where((pre >= limit) & (pre > 0), pre, 0)
    error = chosen @ dictionary.atoms - residual
    scale = 0.25 / X.var(axis=0).sum()
    assert result.terms["auxk"] == pytest.approx(scale * (error**2).sum(axis=1).mean() / 2)
    dpre = result.dsignals["pre"]
    assert sparse.issparse(dpre) and dpre.nnz == (chosen > 0).sum()
    expected = scale / 7 * (error @ dictionary.atoms.T) * (chosen > 0)
    np.testing.assert_allclose(dpre.toarray(), expected, atol=1e-14)
    plain = AutoencoderLoss().evaluate(X, dictionary, codes, dictionary_grads=True)
    np.testing.assert_array_equal(result.dcodes.data, plain.dcodes.data)
    np.testing.assert_array_equal(result.grads["offset"], plain.grads["offset"])
    added = np.asarray(result.grads["atoms"]) - np.asarray(plain.grads["atoms"])
    np.testing.assert_allclose(added, scale / 7 * chosen.T @ error, atol=1e-14)


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("encoder", [TopK(k=2), ReLU()], ids=repr)
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
def test_gradient_reaches_the_encoder(problem, rng, encoder, tied, weighted):
    X, dictionary = problem
    encoder = type(encoder)(**{**encoder.get_params(deep=False), "tied": tied})
    weight = np.array([1.0, 2.0, 0.0, 1.0, 0.5, 1.0, 3.0]) if weighted else None
    loss = AutoencoderLoss([AuxK(k=2, dead_window=100, weight=2.0)])
    params = dead_params(encoder, dictionary, rng)
    is_sparse = encoder.sparse_codes
    options = {"signals": ("pre",), **({"sparse": True} if is_sparse else {})}

    # The residual is a constant: that of the parameters where the gradient is taken.
    codes, _ = encoder.forward(params, X, dictionary)
    residual = X - dictionary.offset - codes @ dictionary.atoms
    share = np.full(7, 1 / 7) if weight is None else weight / weight.sum()

    def auxiliary(atoms, offset, *arrays):
        given = Dictionary(atoms, offset, Free())
        _, cache = encoder.forward(dict(zip(params, arrays, strict=True)), X, given, **options)
        pre = cache.signals["pre"][:, -N_DEAD:]
        limit = np.maximum(np.sort(pre, axis=1)[:, -2:-1], 0)
        error = np.where((pre >= limit) & (pre > 0), pre, 0) @ atoms[-N_DEAD:] - residual
        return 2.0 * share @ (error**2).sum(axis=1) / 2

    def gradients(terms, atoms, offset, *arrays):
        given, loss = Dictionary(atoms, offset, Free()), AutoencoderLoss(terms)
        codes, cache = encoder.forward(dict(zip(params, arrays, strict=True)), X, given, **options)
        context = context_of(loss, given, cache) if terms else None
        result = loss.evaluate(
            X, given, codes, sample_weight=weight, dictionary_grads=True, context=context
        )
        grads = encoder.backward(
            result.dcodes, cache, with_dictionary=True, dsignals=result.dsignals
        )
        atoms_grad = np.asarray(result.grads["atoms"])
        if tied:
            atoms_grad = atoms_grad + np.asarray(grads["atoms"])
        offset_grad = result.grads["offset"] + grads["offset"]
        return [atoms_grad, offset_grad, *(np.asarray(grads[name]) for name in params)]

    def backward(upstream, *arrays):
        both = zip(gradients(loss.terms, *arrays), gradients([], *arrays), strict=True)
        return [upstream * (with_term - without) for with_term, without in both]

    arrays = dictionary.atoms, dictionary.offset, *params.values()
    assert auxiliary(*arrays) > 0
    assert gradcheck(auxiliary, backward, *arrays) < 1e-6


def test_a_unit_is_dead_after_so_many_samples_without_a_use(problem):
    X, dictionary = problem
    loss = AutoencoderLoss([AuxK(k=2, dead_window=14)])
    memory = loss.init(dictionary)
    codes = np.zeros((7, 9))
    codes[:, 0] = 1
    signals = {"pre": np.ones((7, 9))}
    context = LossContext(signals=signals, memory=memory, training=True)
    values = []
    for z in (codes, sparse.csr_array(codes), codes):
        values.append(loss.evaluate(X, dictionary, z, context=context).terms["auxk"])
    assert values[0] == 0 and values[1] > 0 and values[2] == values[1]
    np.testing.assert_array_equal(memory["0.idle"], [0] + 8 * [21])
    context = context._replace(training=False)
    loss.evaluate(X, dictionary, codes, context=context)
    np.testing.assert_array_equal(memory["0.idle"], [0] + 8 * [21])


def test_the_variance_is_that_of_the_first_batch_for_good(problem):
    X, dictionary = problem
    loss = AutoencoderLoss([AuxK(k=2, dead_window=100, normalize=True)])
    memory = loss.init(dictionary)
    signals = {"pre": np.ones((7, 9))}
    context = LossContext(signals=signals, memory=memory, training=True)
    for scale in (1.0, 10.0):
        loss.evaluate(scale * X, dictionary, np.ones((7, 9)), context=context)
        assert float(memory["0.variance"]) == pytest.approx(X.var(axis=0).sum())


@pytest.mark.parametrize("bias, revived", [(0.0, True), (-50.0, False)])
def test_dead_units_come_back_to_life(rng, bias, revived):
    atoms = rng.standard_normal((16, 8))
    X = np.maximum(rng.standard_normal((400, 16)) - 1, 0) @ atoms
    dictionary = Dictionary.random(16, 8, random_state=0)
    encoder, used = TopK(k=3, initial_bias=1.0), []
    params = encoder.init(dictionary)
    # They lose against all others; with the bias no pre-activation is positive, so nothing helps.
    params["W"][8:] *= 0.01
    params["b"][8:] = bias
    for terms in ([], [AuxK(k=4, dead_window=400, weight=0.5)]):
        *_, last = train(
            encoder.bind(params),
            dictionary,
            X,
            loss=AutoencoderLoss(terms),
            optimizer=Adam(0.01),
            batch_size=50,
            n_epochs=30,
            learn_dictionary=True,
            random_state=0,
        )
        codes = encoder.bind(last.params).encode(X, last.dictionary)
        used.append((codes[:, 8:] != 0).any(axis=0).sum())
    assert used[1] > used[0] if revived else used == [0, 0]


def test_single_precision_stays_single(problem, rng):
    encoder, loss = TopK(k=2), AutoencoderLoss([AuxK(k=2, dead_window=100)])
    values = []
    for dtype in (np.float64, np.float32):
        X, dictionary = problem[0].astype(dtype), problem[1].astype(dtype)
        params = dead_params(encoder, dictionary, np.random.default_rng(0))
        codes, cache = encoder.forward(params, X, dictionary, sparse=True, signals=("pre",))
        context = context_of(loss, dictionary, cache)
        result = loss.evaluate(X, dictionary, codes, dictionary_grads=True, context=context)
        assert result.dsignals["pre"].dtype == np.asarray(result.grads["atoms"]).dtype == dtype
        values.append(result.terms["auxk"])
    assert values[1] == pytest.approx(values[0], rel=1e-5)


def test_a_run_goes_on_bit_by_bit(rng):
    X, dictionary = rng.standard_normal((60, 5)), Dictionary.random(12, 5, random_state=0)
    encoder, loss = TopK(k=1), AutoencoderLoss([AuxK(k=3, dead_window=20, weight=1.0)])
    options = {"loss": loss, "batch_size": 10, "learn_dictionary": True, "random_state": 0}
    *_, whole = train(encoder, dictionary, X, n_epochs=4, **options)
    *_, first = train(encoder, dictionary, X, n_epochs=1, **options)
    *_, rest = train(encoder, dictionary, X, n_epochs=4, state=first, **options)
    assert sum(whole.history["auxk"]) > 0
    for folder in ("params", "memory"):
        for name, expected in getattr(whole, folder).items():
            np.testing.assert_array_equal(getattr(rest, folder)[name], expected)
    np.testing.assert_array_equal(rest.dictionary.atoms, whole.dictionary.atoms)


@pytest.mark.parametrize("options", [{"k": 0}, {"dead_window": 0}, {"normalize": 1}])
def test_wrong_numbers_are_refused(problem, options):
    with pytest.raises((ValueError, TypeError), match=next(iter(options))):
        AutoencoderLoss([AuxK(**options)]).init(problem[1])


def test_the_share_in_the_loss_does_not_depend_on_the_unit_of_the_samples(problem, rng):
    X, dictionary = problem
    encoder, loss = TopK(k=2), AutoencoderLoss([AuxK(k=2, dead_window=100)])
    params, shares = dead_params(encoder, dictionary, rng), []
    for unit in (1.0, 100.0):
        given = dictionary.replace(offset=unit * dictionary.offset)
        scaled = {"W": params["W"], "b": unit * params["b"]}
        codes, cache = encoder.forward(scaled, unit * X, given, sparse=True, signals=("pre",))
        context = context_of(loss, given, cache, training=True)
        terms = loss.evaluate(unit * X, given, codes, context=context).terms
        shares.append(terms["auxk"] / terms["fit"])
    assert shares[0] > 0
    assert shares[1] == pytest.approx(shares[0])


def test_units_of_a_sample_are_half_the_features_by_default(problem, rng):
    X, dictionary = problem
    encoder, values = TopK(k=2), []
    params = dead_params(encoder, dictionary, rng)
    codes, cache = encoder.forward(params, X, dictionary, sparse=True, signals=("pre",))
    for k in (None, 2, 3):
        loss = AutoencoderLoss([AuxK(k=k, dead_window=100)])
        result = loss.evaluate(X, dictionary, codes, context=context_of(loss, dictionary, cache))
        values.append(result.terms["auxk"])
    assert values[0] == values[1] != values[2]
    loss = AutoencoderLoss([AuxK(dead_window=100)])
    one = Dictionary(np.ones((9, 1)), np.zeros(1))
    context = LossContext(
        signals={"pre": np.ones((7, 9))}, memory={"0.idle": np.full(9, 100), "0.variance": 0.0}
    )
    assert loss.evaluate(X[:, :1], one, np.zeros((7, 9)), context=context).terms["auxk"] > 0
